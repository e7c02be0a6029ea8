"""The sandbox on a port as the tests use it: what arrived, and the state a call needs to succeed."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

from maton_mailgun.sandbox import RunningSandbox

DOMAIN = "/v3/mg.example.com"
DOMAINS = "/v3/domains/mg.example.com"
_BASIC = "Basic " + b64encode(b"api:key-sandbox").decode()
Step = tuple[str, str, Mapping[str, str]]

_TEAM = ("POST", "/v3/lists", {"address": "team@mg.example.com"})
_ANN = ("POST", "/v3/lists/team%40mg.example.com/members", {"address": "ann+news@example.net"})
_NO_WEBHOOK: Step = ("DELETE", f"{DOMAINS}/webhooks/delivered", {})
_TAGGED = (
    "POST",
    f"{DOMAIN}/messages",
    {"from": "a@mg.example.com", "to": "b@example.net", "subject": "s", "text": "t", "o:tag": "newsletter"},
)
_ALICE = ("POST", f"{DOMAINS}/credentials", {"login": "alice", "password": "password-of-alice"})
_USER = {"address": "user+tag@example.net"}

NEEDS: Mapping[str, tuple[Step, ...]] = {
    "get_mailing_list": (_TEAM,),
    "update_mailing_list": (_TEAM,),
    "delete_mailing_list": (_TEAM,),
    "list_mailing_list_members": (_TEAM, _ANN),
    "add_mailing_list_member": (_TEAM,),
    "get_mailing_list_member": (_TEAM, _ANN),
    "update_mailing_list_member": (_TEAM, _ANN),
    "delete_mailing_list_member": (_TEAM, _ANN),
    "add_mailing_list_members": (_TEAM,),
    "create_webhook": (_NO_WEBHOOK,),
    "get_bounce": (("POST", f"{DOMAIN}/bounces", _USER),),
    "delete_bounce": (("POST", f"{DOMAIN}/bounces", _USER),),
    "delete_unsubscribe": (("POST", f"{DOMAIN}/unsubscribes", {**_USER, "tag": "newsletter"}),),
    "delete_complaint": (("POST", f"{DOMAIN}/complaints", _USER),),
    "delete_whitelist": (("POST", f"{DOMAIN}/whitelists", {"domain": "example.net"}),),
    "get_tag": (_TAGGED,),
    "delete_tag": (_TAGGED,),
    "delete_credential": (_ALICE,),
    "update_credential_password": (_ALICE,),
    "get_unsubscribe": (("POST", f"{DOMAIN}/unsubscribes", {**_USER, "tag": "newsletter"}),),
    "get_complaint": (("POST", f"{DOMAIN}/complaints", _USER),),
    "get_whitelist": (("POST", f"{DOMAIN}/whitelists", {"domain": "example.net"}),),
    "get_stored_message": (_TAGGED,),
    "resend_message": (_TAGGED,),
    "send_message": (_TAGGED,),
}
"""What must be there beyond the sandbox's seed for a tool's examples to succeed."""


class Account:
    """Looks at a running sandbox and prepares it, over the wire like everybody else."""

    def __init__(self, running: RunningSandbox) -> None:
        self._running = running
        self._before = 0

    def prepare(self, tool: str) -> None:
        """Back to the seed, plus what this tool's examples need; nothing has arrived yet."""
        self.ask("POST", "/_sandbox/reset")
        for method, path, form in NEEDS.get(tool, ()):
            self.ask(method, path, form)
        self._before = len(self._requests())

    def arrived(self) -> list[dict[str, Any]]:
        """Every request since `prepare`, oldest first."""
        return self._requests()[self._before :]

    def writes(self) -> list[dict[str, Any]]:
        """Every request since `prepare` that is no read of the account."""
        return [request for request in self.arrived() if not _reads(request)]

    def reads(self) -> list[dict[str, Any]]:
        """Every read since `prepare`, but for the look-up of the account."""
        return [request for request in self.arrived() if _reads(request) and not _is_look_up(request)]

    def arm(self, fault: Mapping[str, Any]) -> None:
        """Arm a fault for the next matching request."""
        self.tell("faults", fault)

    def begin(self) -> None:
        """What has arrived so far was preparation."""
        self._before = len(self._requests())

    def sent(self) -> list[dict[str, Any]]:
        """Every message that the sandbox took, oldest first."""
        found: list[dict[str, Any]] = self.ask("GET", "/_sandbox/messages")["messages"]
        return found

    def tell(self, control: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Post to a control path of the sandbox, such as `events` or `inbound`; its answer."""
        return self._made("POST", f"/_sandbox/{control}", json.dumps(body), "application/json")

    def _requests(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", "/_sandbox/requests")["requests"]
        return found

    def ask(self, method: str, path: str, form: Mapping[str, str] | None = None) -> dict[str, Any]:
        """A request as Mailgun's own clients make it; its answer, which must be a 200."""
        return self._made(method, path, urlencode(form or {}), "application/x-www-form-urlencoded")

    def _made(self, method: str, path: str, body: str, kind: str) -> dict[str, Any]:
        connection = HTTPConnection(self._running.host, self._running.port, timeout=10)
        connection.request(method, path, body, {"Authorization": _BASIC, "Content-Type": kind})
        answer = connection.getresponse()
        read = answer.read()
        connection.close()
        assert answer.status == 200, f"{method} {path}: {answer.status} {read!r}"
        found: dict[str, Any] = json.loads(read)
        return found


def _reads(request: Mapping[str, Any]) -> bool:
    """Whether a request reads: a GET that is not billed, or a POST that asks analytics."""
    path = str(request["path"])
    return "/v1/analytics/" in path or (request["method"] == "GET" and "/v4/address/validate" not in path)


def _is_look_up(request: Mapping[str, Any]) -> bool:
    return str(request["path"]).startswith("/connections?app=mailgun&status=ACTIVE&limit=100")
