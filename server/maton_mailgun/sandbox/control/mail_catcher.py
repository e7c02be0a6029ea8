"""Passes what was "sent" on to a mail catcher on this machine, by SMTP.

Only loopback addresses are accepted: a sandbox must never reach a person. Forwarding happens behind the answer, in one
thread and in order; what goes wrong is recorded with the message and never breaks the call that sent it.
"""

from __future__ import annotations

import smtplib
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP
from ipaddress import ip_address
from itertools import takewhile

from maton_mailgun.sandbox.account.mailgun_account import Domain, MailgunAccount, Message
from maton_mailgun.sandbox.mailgun.messages.delivery import missing_template, suppression
from maton_mailgun.sandbox.mailgun.messages.rendering import copies
from maton_mailgun.sandbox.mailgun.messages.stored import header_pairs
from maton_mailgun.sandbox.mailgun.reporting.eventview import bare
from maton_mailgun.sandbox.web.calls import Record, Upload

_SECONDS = 10.0
_TEXT_TYPES = ("message", "multipart")


@dataclass(frozen=True)
class Catcher:
    """Where a mail catcher listens."""

    host: str
    port: int


def parse_catcher(text: str) -> Catcher:
    """A catcher from `host:port`. Raises ValueError unless the host is this machine's loopback."""
    host, _, port = text.strip().rpartition(":")
    host = host.strip("[]")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is not an address. Use host:port, for example 127.0.0.1:1025.")
    if host == "localhost":
        # Taken for what it means, without asking a name server that may say something else.
        return Catcher("127.0.0.1", int(port))
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(f"{host!r} is not this machine. Mail is forwarded to 127.0.0.1, [::1] or localhost only.")
    return Catcher(host, int(port))


class Forwarder:
    """Forwards accepted messages to one catcher.

    `outcomes` tells by storage key what became of each: `{"state": "waiting" | "forwarded" | "skipped" | "failed"}`
    with the `recipients` that got a copy, and `error` where there was one.
    """

    def __init__(self, catcher: Catcher) -> None:
        self.catcher = catcher
        self.outcomes: dict[str, Record] = {}
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-smtp")
        self._last: Future[None] | None = None

    def forward_since(self, account: MailgunAccount, number: int) -> None:
        """Takes up every message accepted after the one with this number; returns at once."""
        new: list[tuple[Domain, Message]] = []
        for domain in account.domains.values():
            later = takewhile(lambda message: message.number > number, reversed(domain.messages.values()))
            new += [(domain, message) for message in later]
        for domain, message in sorted(new, key=lambda row: row[1].number):
            letters = _letters(domain, message)
            state = "waiting" if letters else "skipped"
            self.outcomes[message.key] = outcome = {"state": state, "recipients": [to for to, _ in letters]}
            if letters:
                self._last = self._worker.submit(self._send, bare(message.sender), letters, outcome)

    def _send(self, sender: str, letters: list[tuple[str, bytes]], outcome: Record) -> None:
        try:
            with smtplib.SMTP(self.catcher.host, self.catcher.port, "localhost", timeout=_SECONDS) as connection:
                for recipient, letter in letters:
                    connection.sendmail(sender, [recipient], letter)
        except (OSError, smtplib.SMTPException, UnicodeError, ValueError) as problem:
            outcome |= {"state": "failed", "error": f"{type(problem).__name__}: {problem}"[:300]}
        else:
            outcome["state"] = "forwarded"

    def wait(self, seconds: float = _SECONDS) -> None:
        """Waits until everything taken up so far is done. Raises TimeoutError."""
        if self._last is not None:
            self._last.result(seconds)

    def close(self) -> None:
        """Finishes what is under way."""
        self._worker.shutdown(wait=True, cancel_futures=True)


def _letters(domain: Domain, message: Message) -> list[tuple[str, bytes]]:
    """Recipient and message text for everyone Mailgun would deliver to."""
    if message.test_mode or missing_template(domain, message):
        return []
    return [
        (copy["recipient"], letter(message, copy))
        for copy in copies(domain, message)
        if suppression(domain, message, copy["recipient"]) is None
    ]


def letter(message: Message, copy: Record) -> bytes:
    """The message as RFC 5322 text in the copy of one recipient, built from its parts; MIME text goes as it came."""
    if message.mime is not None:
        return message.mime.encode()
    built = EmailMessage(policy=SMTP)
    own = {"To": ", ".join(copy["to"]), "Subject": str(copy["subject"]).replace("\r", " ").replace("\n", " ")}
    for name, value in header_pairs(message):
        try:
            built[name] = own.get(name, value)
        except ValueError:
            # A custom header that the library allows only once, or no header at all.
            continue
    text, html = copy["text"], copy["html"]
    if text is not None or html is None:
        built.set_content(text or "")
        if html is not None:
            built.add_alternative(html, subtype="html")
    else:
        built.set_content(html, subtype="html")
    body = built.get_body(("html",))
    for upload in message.inline:
        _attach(built if body is None else body, upload, related=body is not None)
    for upload in message.attachments:
        _attach(built, upload, related=False)
    return built.as_bytes()


def _attach(part: MIMEPart, upload: Upload, *, related: bool) -> None:
    """A file, or an image that the HTML body refers to by `cid:` and its file name."""
    main, sub = _type(upload)
    if related:
        cid = f"<{upload.filename}>"
        part.add_related(
            upload.data, maintype=main, subtype=sub, filename=upload.filename, disposition="inline", cid=cid
        )
    else:
        part.add_attachment(upload.data, maintype=main, subtype=sub, filename=upload.filename)


def _type(upload: Upload) -> tuple[str, str]:
    main, _, sub = upload.content_type.partition(";")[0].strip().partition("/")
    return (main, sub) if sub and main not in _TEXT_TYPES else ("application", "octet-stream")
