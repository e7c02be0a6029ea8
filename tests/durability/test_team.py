"""Two server processes on one PostgreSQL, people who sign in, and an approver at the machine of one of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from mcp.client.streamable_http import streamable_http_client

from e2e.conftest import wait_until
from e2e.deciding import decide, set_passphrase
from e2e.host import Era, Host, content, host
from e2e.issuer import AUDIENCE, Issuer, issuing
from e2e.serving import Serving, serving
from maton_mailgun.approval.binding.keys import load_keys
from maton_mailgun.sandbox import RunningSandbox

from .replicas import environment

pytestmark = pytest.mark.postgres
CALL: dict[str, Any] = {
    "domain": "mg.example.com",
    "from": "desk@mg.example.com",
    "to": ["reader@example.net"],
    "text": "hello",
}


class Replica:
    """One of the processes, with what it was started with."""

    def __init__(self, env: dict[str, str], started: ExitStack) -> None:
        self.env = env
        self.home = Path(env["MATON_MAILGUN_HOME"])
        self.serving: Serving = started.enter_context(serving(env))


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing() as made:
        yield made


@pytest.fixture(scope="module")
def replicas(
    running: RunningSandbox, issuer: Issuer, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Replica, Replica]]:
    """They share the database, the key file and the file of people's keys."""
    homes = tmp_path_factory.mktemp("team")
    load_keys(homes / "first")
    keys = homes / "keys.toml"
    keys.write_text("".join(f'[[person]]\nsubject = "{one}"\nkey = "sandbox-maton-key"\n' for one in ("ann", "bob")))
    keys.chmod(0o600)
    made = []
    with ExitStack() as started:
        for name in ("first", "second"):
            if name != "first":
                shutil.copytree(homes / "first", homes / name)
            env = {
                **environment(running, postgres_url, homes / name),
                "MATON_MAILGUN_OAUTH_ISSUER": issuer.url,
                "MATON_MAILGUN_OAUTH_AUDIENCE": AUDIENCE,
                "MATON_MAILGUN_OAUTH_KEYS": f"{issuer.url}/jwks",
                "MATON_MAILGUN_KEYS": str(keys),
            }
            del env["MATON_API_KEY"]
            made.append(Replica(env, started))
        set_passphrase(made[1].env, made[1].home)
        yield made[0], made[1]


@contextmanager
def signed_in(at: Replica, token: str, era: Era) -> Iterator[Host]:
    client = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30)
    with host(streamable_http_client(f"{at.serving.url}/mcp", http_client=client), era=era) as connected:
        yield connected


def executed(client: Host, approval_id: str) -> bool:
    told = content(client.call("get_approval", {"approval_id": approval_id, "wait_seconds": 4}))
    return bool(told["status"] == "executed")


def sent(running: RunningSandbox, subject: str) -> int:
    return [message["subject"] for message in running.sandbox.messages].count(subject)


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_what_one_replica_proposes_is_decided_at_the_other_and_carried_out_once(
    era: Era, replicas: tuple[Replica, Replica], issuer: Issuer, running: RunningSandbox
) -> None:
    first, second = replicas
    subjects = [f"{number} {uuid4()}" for number in range(3)]
    with signed_in(first, issuer.token("ann"), era) as here, signed_in(second, issuer.token("ann"), era) as there:
        asked = [content(here.call("send_message", {**CALL, "subject": subject})) for subject in subjects]
        assert {(one["status"], one["executed"]) for one in asked} == {("approval_required", False)}
        # Both processes see each yes and reach for it.
        for one in asked:
            decide("approve", one["approval_id"], second.env, second.home)
        for one in asked:
            wait_until(partial(executed, here, one["approval_id"]), "the first replica to say that it was sent")
            wait_until(partial(executed, there, one["approval_id"]), "the second replica to say that it was sent")
    assert [sent(running, subject) for subject in subjects] == [1, 1, 1]


def test_people_stay_apart_on_every_replica(
    replicas: tuple[Replica, Replica], issuer: Issuer, running: RunningSandbox
) -> None:
    first, second = replicas
    call = {**CALL, "subject": f"apart {uuid4()}"}
    with (
        signed_in(first, issuer.token("ann"), "modern") as ann,
        signed_in(second, issuer.token("bob"), "modern") as bob,
        signed_in(second, issuer.token("eve"), "modern") as eve,
    ):
        asked = content(ann.call("send_message", call))
        same = content(bob.call("send_message", call))
        assert asked["approval_id"] != same["approval_id"]
        told = content(bob.call("get_approval", {"approval_id": asked["approval_id"]}))
        assert told["error"]["message"] == "There is no such approval."
        assert content(eve.call("send_message", call))["error"]["kind"] == "person_key_missing"
        for one, client in ((asked, ann), (same, bob)):
            assert content(client.call("cancel_approval", {"approval_id": one["approval_id"]}))["status"] == "cancelled"
    assert sent(running, call["subject"]) == 0


def test_a_yes_is_carried_out_by_the_replica_that_is_left(
    replicas: tuple[Replica, Replica], issuer: Issuer, running: RunningSandbox
) -> None:
    """The last test of this module: the process that proposed is killed between question and yes."""
    first, second = replicas
    call = {**CALL, "subject": f"left {uuid4()}"}
    with signed_in(first, issuer.token("ann"), "modern") as here:
        asked = content(here.call("send_message", call))
    first.serving.process.kill()
    first.serving.process.wait(timeout=10)
    decide("approve", asked["approval_id"], second.env, second.home)
    with signed_in(second, issuer.token("ann"), "modern") as there:
        wait_until(partial(executed, there, asked["approval_id"]), "the send")
    assert sent(running, call["subject"]) == 1
