"""Attack 173: a link that writes to, or calls, somebody else than its words say, past what looks for that."""

from __future__ import annotations

import pytest

from maton_mailgun.approval.preview.other_links import told

HELP = "help@mg.example.com"


@pytest.mark.parametrize(
    ("target", "words", "said"),
    [
        ("mailto:eve@evil.example?cc=%recipient.x%", HELP, f"A link shows {HELP} but writes to eve@evil.example"),
        ("mailto:eve@evil.example?bcc=%unsubscribe_email%", HELP, f"A link shows {HELP} but writes to"),
        ("mailto:eve@evil.example?subject={{x}}", HELP, f"A link shows {HELP} but writes to eve@evil.example."),
        (f"mailto:{HELP},eve@evil.example", HELP, f"A link shows {HELP} and writes to eve@evil.example too."),
        (f"mailto:{HELP};eve@evil.example", HELP, f"A link shows {HELP} and writes to eve@evil.example too."),
        (f"mailto:{HELP}%2Ceve@evil.example", HELP, f"A link shows {HELP} and writes to eve@evil.example too."),
        (f"mailto:{HELP}?TO=eve@evil.example", HELP, f"A link shows {HELP} and writes to eve@evil.example too."),
        (f"mailto:{HELP}%0ABcc:eve@evil.example", HELP, "cannot be read as addresses"),
        (f"mailto:{HELP}@evil.example", HELP, "cannot be read as addresses"),
        (f"mailto:{HELP}?b%63c=eve@evil.example", "Write", f"A link that writes to {HELP} adds eve@evil.example."),
        (f"mailto:{HELP}?attach=/etc/passwd", "Write", f"A link that writes to {HELP} attaches a file: /etc/passwd."),
        ("mailto:eve@evil.example", "help@example.xn--p1ai", "A link shows help@example.xn--p1ai but writes to"),
        ("tel:**21*0900123456%23", "Call us", "A link dials a code"),
        ("tel:*21*0900123456#", "0900 123456", "A link dials a code"),
        ("tel:*%2306%23?x=%recipient.x%", "Call us", "A link dials a code"),
        ("tel:+1900123456?x=%recipient.x%", "Call 0800 123 4567", "A link shows 0800 123 4567 but calls +1900123456."),
        ("tel:+1900123456;x={{x}}", "Call 0800 123 4567", "A link shows 0800 123 4567 but calls +1900123456."),
        ("tel:+1900123456", "0800\u2013123\u20134567", "A link shows 0800-123-4567 but calls +1900123456."),
        ("tel:+1900123456", "0800 \u00b7 123 \u00b7 4567", "but calls +1900123456."),
        ("tel:+19005550123", "555 0123", "A link shows 555 0123 but calls +19005550123."),
        ("tel:+19001234567", "1-800-FLOWERS", "A link shows 1-800-FLOWERS but calls +19001234567."),
        ("sms:+4490012?body=YES%20I%20PAY", "Reply", "A link writes “YES I PAY” to +4490012."),
    ],
)
def test_attack_173_a_link_to_somebody_else_is_told(target: str, words: str, said: str) -> None:
    assert said in told(target, words)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (f"mailto:{HELP}", HELP),
        (f"mailto:{HELP}?subject=A+B&body=Hello%20there", f"Write to {HELP}."),
        (f"mailto:Help%20%3C{HELP}%3E", HELP),
        ("mailto:ann+news@example.com", "ann+news@example.com"),
        ("mailto:?to=ann+news@example.com", "ann+news@example.com"),
        ("mailto:?subject=Look&body=https://mg.example.com/", "Tell a friend"),
        ("mailto:%recipient.agent%", "agent@mg.example.com"),
        ("mailto:{{agent}}?subject={{x}}", HELP),
        (f"mailto:{HELP}?subject=%recipient.id%", HELP),
        ("mailto:a@example.com,b@example.com", "Write to us"),
        ("mailto:a@example.com,b@example.com", "a@example.com or b@example.com"),
        ("tel:+442079460958", "020 7946 0958"),
        ("tel:+442079460958", "+44 (0)20 7946-0958"),
        ("tel:02079460958", "+44 20 7946 0958"),
        ("tel:00442079460958", "+44\u00a020\u00a07946\u00a00958"),
        ("tel:+18003569377", "1-800-FLOWERS"),
        ("tel:+12125550123", "(212) 555-0123"),
        ("tel:+12125550123;ext=4", "212.555.0123"),
        ("tel:{{phone}}", "0800 123 4567"),
        ("sms:12345?body=JOIN", "Text JOIN to 12345"),
        ("tel:112", "112"),
    ],
)
def test_attack_173_an_ordinary_link_is_no_alarm(target: str, words: str) -> None:
    assert told(target, words) == ""
