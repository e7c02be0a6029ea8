"""Passkeys: a key on a person's own device signs exactly what they decide, and anybody can check that later.

What is signed (WebAuthn's challenge) is the hash of a statement: which approval, the digest of its request, the target
as it was read, the preview as it was shown, the decision, and a nonce. So a signature is good for one decision about
one record. The library is an extra; it is imported when a passkey is used.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

_DOMAIN = b"maton-mailgun/passkey/v1\x00"
"""Keeps a challenge from meaning anything in another protocol."""
MISSING = 'Passkeys need the extra: pip install "maton-mailgun[passkeys]"'
_SIGNED = frozenset({"statement", "credential", "client_data", "authenticator_data", "signature", "origin", "count"})


class PasskeyError(Exception):
    """A passkey or its signature does not count; the text says why."""


class Shown(Protocol):
    """What a person decides about."""

    @property
    def id(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def snapshot(self) -> str | None: ...
    @property
    def preview(self) -> Mapping[str, Any]: ...


def statement_of(record: Shown, *, approve: bool, person: str, nonce: str) -> dict[str, Any]:
    """What a person signs who decides a record."""
    preview = json.dumps(dict(record.preview), sort_keys=True, separators=(",", ":")).encode("ascii")
    return {
        "approval": record.id,
        "digest": record.digest,
        "snapshot": record.snapshot,
        "preview": hashlib.sha256(preview).hexdigest(),
        "decision": "approve" if approve else "reject",
        "person": person,
        "nonce": nonce,
    }


def challenge_of(statement: Mapping[str, Any]) -> bytes:
    """The hash that the key signs."""
    text = json.dumps(dict(statement), sort_keys=True, separators=(",", ":")).encode("ascii")
    return hashlib.sha256(_DOMAIN + text).digest()


def options_to_register(origin: str, person: str, challenge: bytes) -> dict[str, Any]:
    """What a browser is asked for a new passkey, for `navigator.credentials.create`. Raises PasskeyError."""
    webauthn = _library()
    structs = webauthn.helpers.structs
    options = webauthn.generate_registration_options(
        rp_id=rp_id_of(origin),
        rp_name="maton-mailgun approvals",
        user_name=person,
        user_id=hashlib.sha256(person.encode()).digest(),
        challenge=challenge,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            user_verification=structs.UserVerificationRequirement.REQUIRED
        ),
    )
    found: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return found


def registered(origin: str, challenge: bytes, credential: Any) -> dict[str, str]:
    """The passkey that a browser made: its id and its public key. Raises PasskeyError."""
    webauthn = _library()
    try:
        found = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=rp_id_of(origin),
            expected_origin=origin,
            require_user_verification=True,
        )
    except Exception as problem:
        raise PasskeyError(f"The passkey was not taken: {type(problem).__name__}.") from None
    return {"id": _text(found.credential_id), "key": _text(found.credential_public_key)}


def options_to_sign(origin: str, challenge: bytes, passkeys: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """What a browser is asked to have signed by one of these, as `navigator.credentials.get` takes it in JSON."""
    webauthn = _library()
    structs = webauthn.helpers.structs
    options = webauthn.generate_authentication_options(
        rp_id=rp_id_of(origin),
        challenge=challenge,
        allow_credentials=[structs.PublicKeyCredentialDescriptor(id=_bytes(one["id"])) for one in passkeys],
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    found: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return found


def signed(
    origin: str,
    statement: Mapping[str, Any],
    credential: Any,
    passkeys: Sequence[Mapping[str, str]],
    counts: Mapping[str, int],
) -> dict[str, Any]:
    """The evidence that one of these passkeys signed this statement at this origin.

    Args:
        counts: How often each passkey has signed as it said itself; one that goes back is a copy.

    Raises:
        PasskeyError: None of them did.
    """
    try:
        response = credential["response"]
        evidence: dict[str, Any] = {
            "statement": dict(statement),
            "credential": str(credential["id"]),
            "client_data": str(response["clientDataJSON"]),
            "authenticator_data": str(response["authenticatorData"]),
            "signature": str(response["signature"]),
            "origin": origin,
        }
    except (KeyError, TypeError):
        raise PasskeyError("That is no signature of a passkey.") from None
    here = made_for(passkeys, origin)
    key = next((one["key"] for one in here if one["id"] == evidence["credential"]), None)
    if key is None:  # guard: 301-own-key
        raise PasskeyError("That is no passkey of this person.")
    return {**evidence, "count": check(evidence, key, counts.get(evidence["credential"], 0))}


def check(evidence: Mapping[str, Any], key: str, count: int) -> int:
    """How often the passkey has signed, if this evidence holds under the key. Raises PasskeyError.

    Args:
        evidence: As `signed` made it; `count` in it is not looked at.
        key: The public key.
        count: How often it had signed before.
    """
    webauthn = _library()
    response = {
        "clientDataJSON": evidence["client_data"],
        "authenticatorData": evidence["authenticator_data"],
        "signature": evidence["signature"],
    }
    credential = {"id": evidence["credential"], "rawId": evidence["credential"], "response": response}
    try:
        found = webauthn.verify_authentication_response(
            credential={**credential, "type": "public-key", "clientExtensionResults": {}},
            expected_challenge=challenge_of(evidence["statement"]),  # guard: 301-statement
            expected_rp_id=rp_id_of(evidence["origin"]),
            expected_origin=evidence["origin"],  # guard: 301-origin
            credential_public_key=_bytes(key),
            credential_current_sign_count=count,  # guard: 301-count
            require_user_verification=True,  # guard: 301-verified
        )
    except Exception as problem:
        raise PasskeyError(f"The signature does not hold: {type(problem).__name__}.") from None
    return int(found.new_sign_count)


def why_not_of(record: Shown, evidence: Mapping[str, Any], *, approve: bool, person: str | None) -> str | None:
    """Why this evidence is not of this decision about this record; None where it is."""
    if person is None or evidence.keys() != _SIGNED:
        return "It must be signed with a passkey, on the approval page."
    nonce = str(evidence["statement"].get("nonce", ""))
    if evidence["statement"] != statement_of(record, approve=approve, person=person, nonce=nonce):  # guard: 301-of-this
        return "What was signed is another decision."
    return None


def rp_id_of(origin: str) -> str:
    """The name that passkeys of an origin are bound to. Raises PasskeyError where it can have none."""
    host = urlsplit(origin).hostname or ""
    if host != "localhost" and (not origin.startswith("https://") or host.replace(".", "").isdigit() or ":" in host):
        raise PasskeyError(
            f"A browser keeps no passkey for {origin}: open the page as http://localhost, or over https by its name."
        )
    return host


def made_for(passkeys: Sequence[Mapping[str, str]], origin: str) -> list[Mapping[str, str]]:
    """Those of these passkeys that were made at an origin: one that names none was made on this machine."""
    return [one for one in passkeys if is_at(origin, one.get("origin"))]


def is_at(origin: str, made_at: str | None) -> bool:
    """Whether an origin is the one that a passkey was made at: the same to the port, or any port of `localhost` for one
    that names none, since the page there has another one at every start."""
    return origin == made_at if made_at is not None else urlsplit(origin).hostname == "localhost"  # guard: 396-where


def _library() -> Any:
    try:
        import webauthn
    except ImportError:
        raise PasskeyError(MISSING) from None
    return webauthn


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        raise PasskeyError("That is no key.") from None
