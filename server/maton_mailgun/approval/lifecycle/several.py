"""Where several people must say yes: who has, who may, and whether they are enough."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from maton_mailgun.approval.store.record import Record
from maton_mailgun.mail.person_names import key_of
from maton_mailgun.mail.text import count


def why_not(record: Record, person: str | None, known: Mapping[str, str]) -> str | None:
    """Why this person's yes does not count for a record that needs several; None where it does.

    Args:
        person: Their name, where the channel can tell people from each other.
        known: Everybody who may decide by name, each with the digest of what they sign in with.
    """
    if len(known) < record.approvers:
        return (
            f"{record.approvers} different people must say yes to this, and {len(known)} may decide by name here: add "
            "them first, with `approvals people add NAME` in a terminal."
        )
    if person is None or person not in known:  # guard: 315-named
        return f"{record.approvers} different people must say yes to this, by name: on the page or in a terminal."
    if any(", " not in str(one) for one in (*record.edited_by, *record.written_by)):  # guard: 368-unnamed
        return "Before people had names here, somebody whose name is not known changed it: let it be proposed anew."
    if key_of(person) in _proposers(record):  # guard: 316-proposer
        return f"{person} proposed or changed it: other people must say yes to this."
    if any(key_of(str(one["person"])) == key_of(person) for one in _counting(record, known)):  # guard: 317-twice
        return f"{person} said yes already, and that counts once: {missing(record, known)}."
    return None


def with_yes(record: Record, known: Mapping[str, str], yes: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The yeses that count, one more among them; those of people who may not decide any more are left out."""
    return (*_counting(record, known), yes)


def why_not_any_more(record: Record, known: Mapping[str, str]) -> str | None:
    """Why the yeses of a record that is about to run are not enough now; None where they are.

    Args:
        known: Everybody who may decide by name now.
    """
    if not record.yeses or len(people_of(_counting(record, known))) >= record.approvers:
        return None
    needed = f"; {record.approvers} different people must" if record.approvers > 1 else ""
    return f"Somebody who said yes may not decide any more, or signs in with something else now{needed}."


def people_of(yeses: Sequence[Mapping[str, Any]]) -> set[str]:
    """The different people who said yes."""
    return {key_of(str(one["person"])) for one in yeses}


def missing(record: Record, known: Mapping[str, str] | None = None) -> str:
    """How many more must say yes, in words.

    Args:
        known: Everybody who may decide by name; without it, everybody who said yes counts.
    """
    yeses = record.yeses if known is None else _counting(record, known)
    return f"{count(record.approvers - len(people_of(yeses)), 'more person', 'more people')} needed"


def said_so_far(record: Record) -> str:
    """Who said yes to a record that needs several, in words; empty where nobody has, or nobody has to."""
    if record.approvers < 2 or not record.yeses:
        return ""
    return f"{yes_of(record)}, {missing(record)}" if record.state == "pending" else yes_of(record)


def yes_of(record: Record) -> str:
    """Whose yes a record has, in words."""
    return f"{' and '.join(str(one['person']) for one in record.yeses)} said yes"


def name_of(editor: str) -> str:
    """The name of a person whom the audit names with how they signed in (`Ana, by passphrase`)."""
    return str(editor).partition(", ")[0]


def _counting(record: Record, known: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
    return [one for one in record.yeses if _stands(one, known)]  # guard: 318-there-still


def _stands(yes: Mapping[str, Any], known: Mapping[str, str]) -> bool:
    """Whether whoever said it may decide still: another of the same name has not said it, nor perhaps has who changed
    what somebody else knew. An earlier version did not keep with what they signed in."""
    person = str(yes["person"])
    return person in known and yes.get("vouched") in (None, known[person])  # guard: 426-same


def _proposers(record: Record) -> set[str]:
    """Who proposed it or changed it since, as names are compared. A principal is told by what stands behind its kind
    (`local:ana`), or behind its issuer (`oauth:https://login.example.com/#auth0|ana@example.com`) with or without what
    directories put around a name; a person who changed it by how the audit names them (`Ana, by passphrase`)."""
    changed = [name_of(one) for one in (*record.edited_by, *record.written_by)]
    user = record.principal.partition(":")[2]
    subject = user.partition("#")[2]  # guard: 366-subject
    in_directory = re.split(r"[|\\/:]", subject or user)[-1]  # guard: 366-directory
    names = (record.principal, user, subject, in_directory, in_directory.partition("@")[0], *changed)
    return {key_of(name) for name in names if name}
