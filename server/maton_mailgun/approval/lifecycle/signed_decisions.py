"""The signatures of passkeys in the audit, checked anew: each under the key that the audit says was that person's."""

from __future__ import annotations

import json
from dataclasses import dataclass

from maton_mailgun.approval.binding.passkeys import MISSING, PasskeyError, check, is_at
from maton_mailgun.approval.store import audit
from maton_mailgun.approval.store.audit import Audited


@dataclass(frozen=True, slots=True)
class Checked:
    """What checking all of them found."""

    signatures: int
    first_bad: int | None = None
    """Number of the first entry whose signature does not hold."""
    why: str = ""


async def check_all(store: Audited) -> Checked:
    """Check every signature of a decision, in the order in which they were made."""
    keys: dict[str, tuple[str, str, str | None]] = {}
    nonces: set[str] = set()
    counts: dict[str, int] = {}
    found = 0
    async for line in audit.export(store):
        entry = json.loads(line)
        detail = entry["detail"]
        if "passkey_of" in detail:
            keys[detail["credential"]] = (detail["passkey_of"], detail["public_key"], detail.get("origin"))
        if (evidence := detail.get("signed")) is None:
            continue
        found += 1
        person, key, made_at = keys.get(evidence["credential"], ("", "", None))
        stated = evidence["statement"]
        about = (stated["approval"], stated["digest"], stated["decision"], stated["person"])
        if about != (entry["approval_id"], entry["digest"], "approve", person):  # guard: 301-entry
            return Checked(found, entry["seq"], "what was signed is not what this entry says")
        if not is_at(evidence["origin"], made_at):  # guard: 396-entry
            return Checked(found, entry["seq"], "it was signed at another address than its passkey was made for")
        if stated["nonce"] in nonces:
            return Checked(found, entry["seq"], "the same signature stands for two decisions")
        nonces.add(stated["nonce"])
        try:
            counts[evidence["credential"]] = check(evidence, key, counts.get(evidence["credential"], 0))
        except PasskeyError as problem:
            return Checked(found, entry["seq"], MISSING if str(problem) == MISSING else str(problem))
    return Checked(found)
