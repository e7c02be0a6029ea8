"""A message that Mailgun keeps, before it is sent once more: the whole of it, as a ready message is shown.

Mailgun is asked for the message as it is sent (`body-mime`). Where it gives the parsed parts alone, these are shown,
and that the rest could not be checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from maton_mailgun.approval.preview import message, ready_mime
from maton_mailgun.approval.preview.document import Row, Section
from maton_mailgun.approval.preview.proposal import Findings, Proposal, Reads
from maton_mailgun.mail.letter import Enclosure, FormFields, Letter
from maton_mailgun.mail.text import safe_line
from maton_mailgun.wire.stored_message import files, headers

_BREAK = re.compile(r"\r\n|\r|\n")
_ELSEWHERE = (
    "it is no longer kept, or it lies on a storage host of Mailgun's that this gateway does not reach. Check domain "
    "and key with list_events."
)
_NAMED = frozenset({"from", "subject", "to", "cc", "bcc"})


async def preview(proposal: Proposal, reads: Reads) -> Findings:
    """The stored message as it goes to other recipients; refused where it cannot be shown."""
    answer = await reads("the stored message", str(proposal.operation.before), proposal.arguments)
    if answer is None:
        return Findings(refused="The stored message could not be read, so that it cannot be shown.")
    if answer.status == 404:
        return Findings(refused=f"There is no such stored message here: {_ELSEWHERE}")
    body = answer.data if isinstance(answer.data, Mapping) else {}
    mime = body.get("body-mime")
    if isinstance(mime, str) and mime.strip():
        text = _BREAK.sub("\r\n", mime).encode("utf-8", "surrogatepass")
        found = await ready_mime.compose(proposal, reads, text)
    elif any(isinstance(body.get(name), str) for name in ("body-plain", "body-html")):
        found = await _of_parts(proposal, reads, body)
    else:
        return Findings(refused="The answer holds no message, so that it cannot be shown.")
    kept = Row("Stored as", safe_line(str(proposal.arguments["storage_key"])))
    effect = (found.effect or "").replace("Sends 1 message", "Sends 1 stored message once more, as it is,", 1)
    sections = [Section("Stored message", [kept]), *found.sections]
    return replace(found, sections=sections, tells_before=True, effect=effect)


async def _of_parts(proposal: Proposal, reads: Reads, body: Mapping[str, Any]) -> Findings:
    pairs = list(headers(body))
    sent = Letter(
        sender=str(body.get("From") or ""),
        subject=str(body.get("Subject") or body.get("subject") or ""),
        text=_text(body.get("body-plain")),
        html=_text(body.get("body-html")),
        own_headers=[(name, value) for name, value in pairs if name.casefold() not in _NAMED],
        claims=[value for name, value in pairs if name.casefold() in ("to", "cc")],
        mime=True,
        to=FormFields(proposal.request).all("to"),
        attachments=[_file(one) for one in files(body)],
    )
    doubt = "could not check the message as it is sent: Mailgun gave its parts alone, without the content of its files"
    return await message.compose(proposal, reads, sent, Findings(unchecked=[doubt], raises=1))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _file(one: Mapping[str, Any]) -> Enclosure:
    size = one.get("size")
    kind = str(one.get("content-type") or "")
    return Enclosure(str(one.get("name") or ""), kind, size if isinstance(size, int) else 0, "(not read)")
