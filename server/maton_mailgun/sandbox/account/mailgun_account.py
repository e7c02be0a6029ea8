"""The state of one Mailgun account: what belongs to a domain, and what belongs to the account as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b

from maton_mailgun.sandbox.account.eventlog import Event, EventLog
from maton_mailgun.sandbox.account.tables import Table
from maton_mailgun.sandbox.web.calls import Call, Record, Upload, refuse


@dataclass
class Mint:
    """Makes identifiers that look random and are the same in every run."""

    count: int = 0

    def hexadecimal(self, digits: int) -> str:
        self.count += 1
        return blake2b(str(self.count).encode(), digest_size=32).hexdigest()[:digits]

    def uuid(self) -> str:
        text = self.hexadecimal(32)
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


@dataclass(slots=True)
class Message:
    """An accepted message as it was submitted, with its envelope resolved.

    `recipients` are bare addresses after list expansion and without duplicates; `via` tells which mailing list brought
    a recipient in, `member_variables` what the list knows about it. `options` are the `o:` and `t:` fields, each with
    all its values. `number` counts accepted messages. `deliver_at` is when a scheduled message leaves.

    A message that arrived has its headers in `received`, which file each Content-Id means, and whether it is `stored`.
    """

    key: str
    id: str
    domain: str
    at: float
    sender: str
    recipients: list[str]
    to: list[str]
    cc: list[str] = field(default_factory=list)
    bcc: list[str] = field(default_factory=list)
    subject: str = ""
    text: str | None = None
    html: str | None = None
    amp_html: str | None = None
    template: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    options: dict[str, list[str]] = field(default_factory=dict)
    variables: Record = field(default_factory=dict)
    template_variables: Record = field(default_factory=dict)
    recipient_variables: dict[str, Record] = field(default_factory=dict)
    attachments: list[Upload] = field(default_factory=list)
    inline: list[Upload] = field(default_factory=list)
    mime: str | None = None
    via: dict[str, str] = field(default_factory=dict)
    member_variables: dict[str, Record] = field(default_factory=dict)
    test_mode: bool = False
    size: int = 0
    number: int = 0
    deliver_at: float | None = None
    envelope_sender: str = ""
    received: list[list[str]] = field(default_factory=list)
    content_ids: dict[str, int] = field(default_factory=dict)
    stored: bool = True

    @property
    def tags(self) -> list[str]:
        return self.options.get("o:tag", [])

    @property
    def template_version(self) -> str | None:
        """The version of the template the message asks for; None means the active one."""
        return next(iter(self.options.get("t:version", [])), None)


UNSUBSCRIBE_HTML = '\n<br>\n<p><a href="%unsubscribe_url%">unsubscribe</a></p>\n'
UNSUBSCRIBE_TEXT = "\n\nTo unsubscribe click: <%unsubscribe_url%>\n\n"


def new_tracking() -> Record:
    """Tracking of a fresh domain, as recorded."""
    return {
        "open": {"active": False, "place_at_the_top": False},
        "click": {"active": False},
        "unsubscribe": {"active": False, "html_footer": UNSUBSCRIBE_HTML, "text_footer": UNSUBSCRIBE_TEXT},
        "web_scheme": "http",
    }


@dataclass
class Domain:
    """A domain and everything that goes when it goes."""

    record: Record
    dkim_selector: str = "k1"
    smtp_password: str = ""
    authorized: list[str] = field(default_factory=list)
    credentials: dict[str, Record] = field(default_factory=dict)
    tracking: Record = field(default_factory=new_tracking)
    webhooks: dict[str, list[str]] = field(default_factory=dict)
    templates: Table = field(default_factory=Table)
    bounces: Table = field(default_factory=Table)
    unsubscribes: Table = field(default_factory=Table)
    complaints: Table = field(default_factory=Table)
    whitelists: Table = field(default_factory=Table)
    tags: Table = field(default_factory=Table)
    log: EventLog = field(default_factory=EventLog)
    messages: dict[str, Message] = field(default_factory=dict)
    received: dict[str, Message] = field(default_factory=dict)

    def message(self, key: str) -> Message:
        """A message that was sent or that arrived, by its storage key. Raises KeyError."""
        return self.messages[key] if key in self.messages else self.received[key]

    @property
    def name(self) -> str:
        return str(self.record["name"])

    @property
    def state(self) -> str:
        return str(self.record["state"])

    @property
    def is_sandbox(self) -> bool:
        return bool(self.record["type"] == "sandbox")


@dataclass
class Switches:
    """Switches of the sandbox itself. `signing_key` is what Mailgun signs its posts with.

    `default_connection` is which ACTIVE connection serves a call that names none: Maton's own documents disagree.
    `delivery_delay` is seconds between acceptance and delivery.
    """

    default_connection: str = "oldest"
    smtp_password_in_answers: bool = False
    maton_rate_limit: bool = False
    delivery_delay: float = 0.0
    signing_key: str = "sandbox-signing-key"


@dataclass
class MailgunAccount:
    """One Mailgun account.

    `leaving` holds domains that are being deleted in the background, `scheduled` what is due later as (when, domain,
    message key), `news` what webhooks are to be told next as (domain, type of webhook, event), `coming` the events
    that were asked for at a later time as (when, number, event), `now` the time of the request being served, in epoch
    seconds.
    """

    domains: dict[str, Domain] = field(default_factory=dict)
    leaving: dict[str, Record] = field(default_factory=dict)
    routes: dict[str, Record] = field(default_factory=dict)
    lists: Table = field(default_factory=Table)
    members: dict[str, Table] = field(default_factory=dict)
    ips: dict[str, Record] = field(default_factory=dict)
    scheduled: list[tuple[float, str, str]] = field(default_factory=list)
    mint: Mint = field(default_factory=Mint)
    event_number: int = 0
    message_number: int = 0
    now: float = 0.0
    settings: Switches = field(default_factory=Switches)
    news: list[tuple[str, str, Event]] = field(default_factory=list)
    coming: list[tuple[float, int, Record]] = field(default_factory=list)

    def domain_of(self, call: Call, missing: str = "Domain not found") -> Domain:
        """The domain a path names, compared without case; refuses with 404 and `missing`."""
        domain = self.domains.get(call.path["domain"].lower())
        if domain is None:
            raise refuse(404, missing)
        return domain
