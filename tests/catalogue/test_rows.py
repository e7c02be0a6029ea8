"""Each row says everything the engine and the person need, and names only what exists."""

from __future__ import annotations

import re

import pytest

from .files import DEFAULT, EXAMPLES, ROWS, SCHEMAS, TOOLSETS, WRITES, braced, braced_always, path_of, properties

NAMES = {
    "connections": "list_connections create_connection get_connection delete_connection",
    "domains": "list_domains get_domain create_domain delete_domain",
    "messages": "send_message send_mime_message",
    "events": "list_events",
    "routes": "list_routes create_route get_route update_route delete_route",
    "webhooks": "list_webhooks create_webhook get_webhook update_webhook delete_webhook",
    "templates": "list_templates create_template get_template delete_template",
    "lists": "list_mailing_lists create_mailing_list get_mailing_list update_mailing_list delete_mailing_list "
    "list_mailing_list_members add_mailing_list_member get_mailing_list_member update_mailing_list_member "
    "delete_mailing_list_member",
    "suppressions": "list_bounces add_bounce get_bounce delete_bounce list_unsubscribes add_unsubscribe "
    "delete_unsubscribe list_complaints add_complaint delete_complaint list_whitelists add_whitelist delete_whitelist",
    "stats": "get_stats",
    "tags": "list_tags get_tag delete_tag",
    "ips": "list_ips get_ip",
    "tracking": "get_tracking update_open_tracking update_click_tracking update_unsubscribe_tracking",
    "credentials": "list_credentials create_credential delete_credential",
}
NAMED_ONLY = {
    "domains": "verify_domain update_domain get_sending_queues",
    "routes": "match_route",
    "lists": "add_mailing_list_members",
    "templates": "update_template list_template_versions get_template_version create_template_version "
    "update_template_version delete_template_version",
    "suppressions": "get_unsubscribe get_complaint get_whitelist add_bounces add_unsubscribes add_complaints "
    "check_suppressions",
    "credentials": "update_credential_password",
    "stats": "query_metrics query_logs",
    "messages": "get_stored_message send_invitation validate_address resend_message",
    "events": "diagnose_delivery",
}
"""Offered only where the operator names their toolset."""
APPROVAL_KEYS = {
    "target",
    "effect",
    "undo",
    "warn",
    "before",
    "compare",
    "facts",
    "preview",
    "success",
    "settle",
    "settle_read",
    "settle_pick",
    "settle_like",
    "renews",
    "renews_by",
    "renews_read",
    "settle_not",
    "asynchronous",
    "assumed",
    "consent",
    "copies",
    "message_id",
    "answers",
    "there",
    "there_needs",
    "there_effect",
    "within",
    "instead",
}
MANDATORY = {"title", "about", "access", "request"}
OPTIONAL = {"body", "wire", "encode", "fixed", "defaults", "lines", "paging", "one_of", "not_both", "needs"}
OPTIONAL |= {"addresses", "secret", "reveals", "idempotent", "exposure", "items", "each", "body_is", "from_file"}
OPTIONAL |= {
    "brings",
    "told_as",
    "absent",
    "answered_by",
    "message_of",
    "into_message",
    "page_most",
    "columns",
    "more_columns",
}
OPTIONAL |= {"options_of", "everyday"}
OPTIONAL |= {"billed", "gateway", "pages_in_body"}
OPTIONAL |= {"hosts", "domains", "spans", "ahead", "words", "together", "meant", "adds", "header_texts"}
QUESTIONS = ("query_metrics", "query_logs")
BODY_METHODS = {"POST", "PUT"}


def test_the_usual_tools_are_exactly_the_61_operations_in_their_toolsets() -> None:
    assert {toolset: {*table["tools"]} & {*DEFAULT} for toolset, table in TOOLSETS.items()} == {
        toolset: set(names.split()) for toolset, names in NAMES.items()
    }
    assert len(DEFAULT) == 61


@pytest.mark.parametrize("toolset", TOOLSETS)
def test_what_comes_with_a_named_toolset_alone_is_written_down_here_too(toolset: str) -> None:
    assert {*TOOLSETS[toolset]["tools"]} - {*DEFAULT} == set(NAMED_ONLY.get(toolset, "").split())


def test_every_row_has_one_schema_and_every_schema_one_row() -> None:
    assert set(ROWS) == set(SCHEMAS)


def test_every_tool_has_a_minimal_and_a_full_example_and_no_other_name_has() -> None:
    assert set(EXAMPLES) == set(ROWS)
    assert [tool for tool, calls in EXAMPLES.items() if not {"minimal", "full"} <= set(calls)] == []


@pytest.mark.parametrize("toolset", TOOLSETS)
def test_a_toolset_says_what_it_is_about(toolset: str) -> None:
    assert set(TOOLSETS[toolset]) == {"title", "about", "tools"}
    assert TOOLSETS[toolset]["about"].endswith(".")


@pytest.mark.parametrize("name", ROWS)
def test_a_row_has_the_mandatory_keys_and_no_unknown_ones(name: str) -> None:
    row = ROWS[name]
    assert set(row) >= MANDATORY
    assert set(row) - MANDATORY - OPTIONAL - (APPROVAL_KEYS if name in WRITES else set()) == set()


@pytest.mark.parametrize("name", ROWS)
def test_a_title_is_two_to_four_words_and_the_description_whole_sentences(name: str) -> None:
    row = ROWS[name]
    assert 2 <= len(row["title"].split()) <= 4
    assert row["about"][0].isupper()
    assert row["about"].endswith(".")


@pytest.mark.parametrize("name", ROWS)
def test_access_fits_the_method_of_the_request(name: str) -> None:
    method = ROWS[name]["request"].split()[0]
    fitting = {"GET": {"read"}, "POST": {"create", "send"}, "PUT": {"change"}, "DELETE": {"delete"}}
    # A validation reads nothing of the account's and is billed: what a call costs passes the gate, whatever its method.
    # What analytics are asked stands in a body: their POST reads.
    fitting["POST"] |= {"read"} if name in QUESTIONS else set()
    fitting["GET"] = {"create"} if name == "validate_address" else {"read"}
    assert ROWS[name]["access"] in fitting[method]


@pytest.mark.parametrize("name", ROWS)
def test_only_requests_with_arguments_for_a_body_have_one(name: str) -> None:
    row = ROWS[name]
    expected = {"create_connection": "json", "send_mime_message": "multipart", "verify_domain": None}
    expected["send_invitation"] = "multipart"
    expected |= dict.fromkeys(QUESTIONS, "json")
    expected |= dict.fromkeys(("add_bounces", "add_unsubscribes", "add_complaints"), "json")
    assert row.get("body") == (expected.get(name, "form") if row["request"].split()[0] in BODY_METHODS else None)


@pytest.mark.parametrize("name", ROWS)
def test_every_path_argument_is_required_and_not_empty(name: str) -> None:
    """An empty path value would turn one resource into the whole collection."""
    for argument in braced(path_of(name)):
        assert argument in SCHEMAS[name]["required"]
        shape = properties(name)[argument]
        assert shape.get("minLength", 0) >= 1 or "enum" in shape


@pytest.mark.parametrize("name", ROWS)
def test_every_argument_a_row_names_exists(name: str) -> None:
    row = ROWS[name]
    named = {
        argument
        for key in ("wire", "encode", "addresses", "each", "spans", "ahead", "words", "defaults", "needs", "compare")
        for argument in row.get(key, {})
    }
    named |= set(row.get("needs", {}).values())
    named |= {
        argument for key in ("hosts", "domains", "header_texts", "lines", "secret") for argument in row.get(key, ())
    }
    named |= {argument for key in ("one_of", "not_both") for group in row.get(key, ()) for argument in group}
    for text in (row.get("target", ""), row.get("effect", ""), row.get("undo", ""), *row.get("warn", ())):
        named |= {one for one in braced(text) if not one.startswith("before.")}
    assert named - set(properties(name)) == set()


@pytest.mark.parametrize("name", WRITES)
def test_a_write_tells_the_person_target_effect_and_undo(name: str) -> None:
    row = ROWS[name]
    for key in ("effect", "undo"):
        assert row[key].endswith((".", "]")), key
    assert row["target"]


@pytest.mark.parametrize("name", WRITES)
def test_a_sentence_names_optional_arguments_only_in_optional_parts(name: str) -> None:
    """Otherwise the person would read a gap where the caller left something out."""
    row = ROWS[name]
    required = set(SCHEMAS[name]["required"]) if "required" in SCHEMAS[name] else set()
    for text in (row["target"], row["effect"], row["undo"], *row.get("warn", ())):
        assert text.count("[") == text.count("]")
        assert braced_always(text) <= required, text


@pytest.mark.parametrize("name", WRITES)
def test_the_effect_names_every_path_argument(name: str) -> None:
    row = ROWS[name]
    assert braced(path_of(name)) <= braced(row["target"] + row["effect"])


@pytest.mark.parametrize("name", WRITES)
def test_what_is_changed_or_deleted_is_read_before_asking(name: str) -> None:
    row = ROWS[name]
    assert "before" in row or row["access"] in ("create", "send")


@pytest.mark.parametrize("name", WRITES)
def test_reads_for_the_preview_are_tools_or_get_requests_the_call_can_fill(name: str) -> None:
    row = ROWS[name]
    # Events are asked for by the id that this server gave the message, or by whom it went to and when.
    settled = re.sub(r"\{(message|recipients|since)\}", "1", row.get("settle_read", ""))
    sources = [row.get("before"), settled, *(fact["read"] for fact in row.get("facts", ()))]
    for source in filter(None, sources):
        if source in ROWS:
            assert ROWS[source]["access"] == "read"
            needed = braced(path_of(source))
        else:
            assert source.startswith(("GET /v3/", "GET mime:/v3/"))
            needed = braced(source)
        assert needed <= set(SCHEMAS[name].get("required", ())), source


@pytest.mark.parametrize("name", WRITES)
def test_facts_have_label_source_and_pick(name: str) -> None:
    assert all(set(fact) == {"label", "read", "pick"} for fact in ROWS[name].get("facts", ()))


@pytest.mark.parametrize("name", WRITES)
def test_an_unknown_outcome_is_settled_by_a_read_that_can_tell(name: str) -> None:
    row = ROWS[name]
    needed = {"absent": "before", "matches": "compare", "exists": "settle_read", "events": "settle_pick"}
    settle = row.get("settle")
    assert settle is None or needed[settle] in row
    assert settle != "matches" or "before" in row
    assert (settle == "absent") <= (row["access"] == "delete")
    assert (settle == "events") == (row["access"] == "send")


def test_previews_are_named_where_data_cannot_say_enough() -> None:
    named = {name: ROWS[name]["preview"] for name in WRITES if "preview" in ROWS[name]}
    assert named == {
        "send_message": "message",
        "send_mime_message": "mime",
        "send_invitation": "invitation",
        "resend_message": "resent",
        "create_domain": "forwarding",
        "delete_domain": "domain_deletion",
        "create_route": "forwarding",
        "update_route": "forwarding",
        "create_webhook": "forwarding",
        "update_webhook": "forwarding",
        "create_template": "new_template",
        "delete_template": "template_deletion",
        "verify_domain": "dns_records",
        "add_bounces": "entries",
        "add_unsubscribes": "entries",
        "add_complaints": "entries",
        "add_mailing_list_members": "members",
        "create_template_version": "template_version",
        "update_template_version": "template_version",
        "delete_template_version": "template_version_deletion",
        "update_domain": "forwarding",
        "create_credential": "new_login",
        "delete_credential": "existing_login",
        "update_credential_password": "login_password",
        "add_mailing_list_member": "member",
        "update_mailing_list_member": "member",
        "update_unsubscribe_tracking": "footer",
    }


def test_passwords_are_secret_and_generated_ones_are_for_the_approver() -> None:
    secret = {name: row["secret"] for name, row in ROWS.items() if "secret" in row}
    assert secret == {
        "create_domain": ["smtp_password"],
        "update_domain": ["smtp_password"],
        "create_credential": ["password"],
        "update_credential_password": ["password"],
    }
    held = {name for name in ROWS if any("password" in argument for argument in properties(name))}
    assert held == set(secret)
    assert {name for name, row in ROWS.items() if "reveals" in row} == {
        "create_credential",
        "update_credential_password",
    }


def test_a_second_identical_call_is_harmless_only_where_the_service_says_so() -> None:
    """Adding an entry that exists overwrites it; every other create makes a second one or is refused."""
    assert {name for name, row in ROWS.items() if "idempotent" in row} == {
        "add_bounce",
        "add_unsubscribe",
        "add_complaint",
        "add_whitelist",
        "add_bounces",
        "add_unsubscribes",
        "add_complaints",
    }
    assert all(row["idempotent"] for row in ROWS.values() if "idempotent" in row)


def test_deletes_that_lose_something_for_good_say_so() -> None:
    """The words "cannot be undone" raise the risk that the person is shown."""
    final = {name for name in WRITES if "cannot be undone" in ROWS[name]["undo"]}
    assert final == {
        "delete_connection",
        "delete_domain",
        "send_message",
        "send_mime_message",
        "send_invitation",
        "resend_message",
        "delete_route",
        "delete_template",
        "delete_mailing_list",
        "delete_unsubscribe",
        "delete_complaint",
        "delete_tag",
        "delete_credential",
        "update_credential_password",
        "delete_template_version",
    }


@pytest.mark.parametrize(
    "name", ["delete_unsubscribe", "delete_complaint", "add_mailing_list_member", "add_mailing_list_members"]
)
def test_writing_to_people_who_may_not_want_it_warns_about_consent(name: str) -> None:
    assert re.search("consent|agreed", " ".join(ROWS[name]["warn"]))


@pytest.mark.parametrize("name", ["send_message", "send_mime_message", "create_domain", "update_domain"])
def test_an_archive_address_is_shown_as_forwarding(name: str) -> None:
    assert any("forward" in text and braced(text) == {"archive_to"} for text in ROWS[name]["warn"])


def test_every_argument_that_names_an_address_is_held_to_it() -> None:
    """The filters of a read are search words, and an allowlist entry may be a domain."""
    named = {
        f"{tool}.{argument}"
        for tool in ROWS
        for argument in properties(tool)
        if argument in {"from", "to", "cc", "bcc"} or argument.endswith("address")
    }
    assert named - {f"{tool}.{argument}" for tool, row in ROWS.items() for argument in row.get("addresses", {})} == {
        "list_events.from",
        "list_events.to",
        "delete_whitelist.address",
        "get_whitelist.address",
    }


def test_a_domain_in_a_path_is_a_host_name_and_nothing_else() -> None:
    assert {name for name, row in ROWS.items() if "domain" in row.get("hosts", ())} == {
        name for name in ROWS if "domain" in braced(path_of(name))
    }


@pytest.mark.parametrize("name", WRITES)
def test_a_write_names_what_its_answer_holds_when_it_was_done_or_can_be_looked_up(name: str) -> None:
    row = ROWS[name]
    assert "success" in row
    assert row["success"] or "settle" in row
