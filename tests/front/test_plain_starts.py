"""What stops a start is never passed over: what the front takes, the settings take, and it means the same to both."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maton_mailgun.cli.flags import settings_of
from maton_mailgun.cli.parser import build
from maton_mailgun.config import DATABASE, NAMES, state_home
from maton_mailgun.front.first_answers import FirstAnswers
from maton_mailgun.front.plain_start import PlainStart, plain_start
from maton_mailgun.runtime import engine

CHOICES = FirstAnswers().head["choices"]
EXAMPLES = int(os.environ.get("MATON_MAILGUN_TEST_STARTS", "150"))
SECRET = "a-key_0123456789"
_words = st.sampled_from(["", " ", "true", "TRUE", " yes ", "on", "1", "0", "no", "off", "maybe", "${X}", "$X", "%X%"])
_numbers = st.sampled_from(["", " 5 ", "1", "0", "15", "1440", "1441", "36500", "36501", "1e2", "-3", "nan", "٣", "x"])
_texts = st.sampled_from(["", " ", "/srv/x", "~", "~/x", "~nobody-here/x", "${HOME}/x", "relative", "%APPDATA%", "a b"])
VALUES: Mapping[str, st.SearchStrategy[str]] = {
    "MATON_API_KEY": st.sampled_from(["", SECRET, f" {SECRET}\n", "two words", "Schlüssel", "${KEY}", "a\x07b", "a$b"]),
    "MATON_TOKEN_COMMAND": st.sampled_from(["", "maton token", "maton 'token", 'maton "token"', "a\\", "maton $x"]),
    "MATON_API_URL": st.sampled_from(
        [
            *(
                "",
                "https://api.maton.ai",
                "https://api.maton.ai/",
                "https://api.maton.ai:8443",
                "https://",
                "https://:1",
            ),
            *(
                "http://127.0.0.1:8025",
                "http://localhost",
                "http://example.com",
                "https://u:p@h",
                "ftp://x",
                "https://h?q",
            ),
            *(
                "https://h#f",
                "https://[::1]:1",
                "http://[::1",
                "https://h/p",
                "https://h:99999",
                "http://127.0.0.1:65535",
                "https://-h",
                "https://h.",
                "https://H.Example",
            ),
        ]
    ),
    "MATON_CONNECTION_ID": _texts,
    "MATON_MAILGUN_HOME": _texts,
    "MATON_MAILGUN_TOOLSETS": st.sampled_from(
        ["", "lists", " lists , events,", ",", "all", "everyday,domains", "Lists"]
    ),
    "MATON_MAILGUN_APPROVAL": st.sampled_from(["", "client", " Relay ", "operator", "nobody"]),
    "MATON_MAILGUN_LOG_LEVEL": st.sampled_from(["", "debug", "INFO", "warning", "error", "loud"]),
    "MATON_MAILGUN_PENDING_MINUTES": _numbers,
    "MATON_MAILGUN_KEEP_DAYS": _numbers,
    "MATON_MAILGUN_HTTP_TOKEN": st.sampled_from(["", "short", "x" * 32]),
    "MATON_MAILGUN_HTTP_URL": st.sampled_from(["", "https://mcp.example.com", "mcp.example.com"]),
    "MATON_MAILGUN_POLICY": st.sampled_from(["", "/no/such/policy.toml"]),
    "MATON_MAILGUN_DATABASE_URL": st.sampled_from(["", "postgresql://db/x"]),
    "MATON_MAILGUN_ATTACHMENTS": _texts,
    "MATON_MAILGUN_NOTIFY": st.sampled_from(
        [
            *("", " ", "ntfys://h/topic", "ntfys://h/a jsons://u:p@h/x?a=b", "ntfys://h notify", "notify-me x"),
            *("notify 'x", "curl -d @- https://ntfy.sh/x", "://h", "a1://h", "1a://h", "ntfys://", "ntfys://h/%20x"),
            *("ntfys://h/\x07", "ä"),
        ]
    ),
    "MATON_MAILGUN_KEYS": st.sampled_from(["", "/no/such/keys.toml"]),
    "MATON_MAILGUN_WORKERS": st.sampled_from(["", "1", "2", " 64 ", "0", "65", "two"]),
    "MATON_MAILGUN_METRICS": st.sampled_from(["", "127.0.0.1:9464", "9464", "nowhere"]),
    "MATON_MAILGUN_CALLS_PER_MINUTE": st.sampled_from(["", "60", "0", "many"]),
    "MATON_MAILGUN_OAUTH_ISSUER": st.sampled_from(["", "https://login.example.com", "login"]),
    "MATON_MAILGUN_OAUTH_AUDIENCE": st.sampled_from(["", "https://mcp.example.com/mcp"]),
    "MATON_MAILGUN_OAUTH_KEYS": st.sampled_from(["", "https://login.example.com/keys", "http://login.example.com"]),
    **{
        f"MATON_MAILGUN_{name}": _words
        for name in ("DISCOVERY", "READ_ONLY", "REVEAL_SECRETS_TO_MODEL", "PAGE", "PRELOAD")
    },
}
OTHERS: Mapping[str, st.SearchStrategy[str]] = {
    "HOME": st.sampled_from(["/srv/ann", "", "ann"]),
    "XDG_STATE_HOME": st.sampled_from(["", "/var/state", "state", " "]),
    "MATON_MAILGUN_TOOLSET": st.just("lists"),
    "HTTPS_PROXY": st.just("http://proxy:3128"),
}
_FLAGS = st.lists(
    st.sampled_from(
        [
            *("--read-only", "--discovery", "--sandbox", "--read", "--http", "-x", "--toolsets=lists", "--toolsets=,"),
            *("--toolsets", "lists,events", "nothing", "--toolsets=none"),
        ]
    ),
    max_size=4,
)
_TRIED = {**VALUES, **OTHERS}
ENVIRONMENTS = st.lists(st.sampled_from(sorted(_TRIED)), max_size=3, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({"HOME": st.just("/srv/ann"), **{name: _TRIED[name] for name in names}})
)
ARGUMENTS = st.one_of(st.just([]), st.builds(lambda flags: ["serve", *flags], _FLAGS), st.just(["doctor"]))


def plain(arguments: Sequence[str], environ: Mapping[str, str]) -> PlainStart | None:
    """As the front looks at it, with input that is no terminal."""
    with mock.patch("os.isatty", return_value=False):
        return plain_start(arguments, environ, tuple(NAMES), CHOICES)


@settings(max_examples=EXAMPLES, deadline=None)
@given(ARGUMENTS, ENVIRONMENTS)
def test_a_start_that_the_front_takes_is_one_that_the_settings_take(
    arguments: list[str], environ: dict[str, str]
) -> None:
    found = plain(arguments, environ)
    if found is None:
        return
    with mock.patch.dict(os.environ, environ, clear=True):
        meant = settings_of(build().parse_args(arguments or ["serve"]))
    engine(meant)
    assert (
        found.toolsets, found.read_only, found.discovery, found.relay, found.preload, Path(found.database),
        found.keep_days,
    ) == (
        meant.toolsets, meant.read_only, meant.discovery, meant.approval == "relay", meant.preload,
        state_home(meant) / DATABASE, meant.keep_days,
    )  # fmt: skip
    # Only the server can look at these.
    assert (meant.policy, meant.database_url, meant.log_level in ("debug", "info")) == (None, None, False)


def test_every_setting_is_among_those_that_are_tried() -> None:
    assert set(VALUES) == set(NAMES)


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        ([], {}),
        (["serve"], {"MATON_API_KEY": SECRET}),
        (["serve", "--sandbox", "--read-only"], {}),
        (["serve", "--toolsets", "everyday"], {"MATON_TOKEN_COMMAND": "maton token"}),
        (["serve", "--discovery"], {"MATON_MAILGUN_HOME": "/srv/state", "MATON_MAILGUN_ATTACHMENTS": "/srv/files"}),
        ([], {"MATON_API_URL": "http://127.0.0.1:43210", "MATON_MAILGUN_PAGE": "false"}),
        ([], {"MATON_API_URL": "https://api.maton.ai", "MATON_MAILGUN_READ_ONLY": "true"}),
        ([], {"MATON_MAILGUN_APPROVAL": "relay", "MATON_MAILGUN_KEEP_DAYS": "30", "HTTPS_PROXY": "http://proxy:1"}),
    ],
)
def test_the_usual_starts_are_plain(arguments: list[str], environ: dict[str, str]) -> None:
    assert plain(arguments, {"HOME": "/srv/ann", **environ}) is not None
