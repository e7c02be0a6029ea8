"""Every documented operation and parameter is reachable, under its documented name."""

from __future__ import annotations

import pytest

from .files import ROWS, braced, path_of, properties

SENDING = (
    "template t:version t:text t:variables recipient-variables v:* h:* o:tag o:testmode o:deliverytime "
    "o:deliver-within o:deliverytime-optimize-period o:time-zone-localize o:tracking o:tracking-clicks "
    "o:tracking-opens o:tracking-pixel-location-top o:dkim o:secondary-dkim o:secondary-dkim-public o:require-tls "
    "o:skip-verification o:sending-ip o:sending-ip-pool o:archive-to o:suppress-headers o:native-send"
)
PAGES = "limit page address term"

DOCUMENTED = {
    "list_connections": ("GET /connections", "app status method limit"),
    "create_connection": ("POST /connections", "app method"),
    "get_connection": ("GET /connections/{connection_id}", ""),
    "delete_connection": ("DELETE /connections/{connection_id}", ""),
    "list_domains": ("GET /v3/domains", "limit skip state sort authority search include_subaccounts"),
    "get_domain": ("GET /v3/domains/{domain}", "h:extended h:with_dns"),
    "create_domain": (
        "POST /v3/domains",
        "name smtp_password spam_action wildcard force_dkim_authority dkim_key_size dkim_selector dkim_host_name "
        "force_root_dkim_host ips pool_id web_scheme web_prefix require_tls skip_verification "
        "use_automatic_sender_security encrypt_incoming_message archive_to message_ttl",
    ),
    "delete_domain": ("DELETE /v3/domains/{domain}", ""),
    "send_message": (
        "POST /v3/{domain}/messages",
        f"from to cc bcc subject text html amp-html attachment inline {SENDING}",
    ),
    "send_mime_message": ("POST /v3/{domain}/messages.mime", f"to message {SENDING}"),
    "list_events": (
        "GET /v3/{domain}/events",
        "begin end ascending limit event severity from to subject recipient recipients list attachment message-id "
        "tags size",
    ),
    "list_routes": ("GET /v3/routes", "skip limit"),
    "create_route": ("POST /v3/routes", "priority description expression action"),
    "get_route": ("GET /v3/routes/{route_id}", ""),
    "update_route": ("PUT /v3/routes/{route_id}", "priority description expression action"),
    "delete_route": ("DELETE /v3/routes/{route_id}", ""),
    "list_webhooks": ("GET /v3/domains/{domain}/webhooks", ""),
    "create_webhook": ("POST /v3/domains/{domain}/webhooks", "id url"),
    "get_webhook": ("GET /v3/domains/{domain}/webhooks/{webhook_type}", ""),
    "update_webhook": ("PUT /v3/domains/{domain}/webhooks/{webhook_type}", "url"),
    "delete_webhook": ("DELETE /v3/domains/{domain}/webhooks/{webhook_type}", ""),
    "list_templates": ("GET /v3/{domain}/templates", "limit page p active"),
    "create_template": (
        "POST /v3/{domain}/templates",
        "name description template tag comment engine createdBy headers",
    ),
    "get_template": ("GET /v3/{domain}/templates/{template_name}", "active"),
    "delete_template": ("DELETE /v3/{domain}/templates/{template_name}", ""),
    "list_mailing_lists": ("GET /v3/lists/pages", "limit page address"),
    "create_mailing_list": ("POST /v3/lists", "address name description access_level reply_preference"),
    "get_mailing_list": ("GET /v3/lists/{list_address}", ""),
    "update_mailing_list": (
        "PUT /v3/lists/{list_address}",
        "address name description access_level reply_preference list-id",
    ),
    "delete_mailing_list": ("DELETE /v3/lists/{list_address}", ""),
    "list_mailing_list_members": ("GET /v3/lists/{list_address}/members/pages", "subscribed limit page address"),
    "add_mailing_list_member": ("POST /v3/lists/{list_address}/members", "address name vars subscribed upsert"),
    "get_mailing_list_member": ("GET /v3/lists/{list_address}/members/{member_address}", ""),
    "update_mailing_list_member": (
        "PUT /v3/lists/{list_address}/members/{member_address}",
        "address name vars subscribed",
    ),
    "delete_mailing_list_member": ("DELETE /v3/lists/{list_address}/members/{member_address}", ""),
    "list_bounces": ("GET /v3/{domain}/bounces", PAGES),
    "add_bounce": ("POST /v3/{domain}/bounces", "address code error created_at"),
    "get_bounce": ("GET /v3/{domain}/bounces/{address}", ""),
    "delete_bounce": ("DELETE /v3/{domain}/bounces/{address}", ""),
    "list_unsubscribes": ("GET /v3/{domain}/unsubscribes", PAGES),
    "add_unsubscribe": ("POST /v3/{domain}/unsubscribes", "address tag created_at"),
    "delete_unsubscribe": ("DELETE /v3/{domain}/unsubscribes/{address}", "tag"),
    "list_complaints": ("GET /v3/{domain}/complaints", PAGES),
    "add_complaint": ("POST /v3/{domain}/complaints", "address created_at"),
    "delete_complaint": ("DELETE /v3/{domain}/complaints/{address}", ""),
    "list_whitelists": ("GET /v3/{domain}/whitelists", PAGES),
    "add_whitelist": ("POST /v3/{domain}/whitelists", "address domain"),
    "delete_whitelist": ("DELETE /v3/{domain}/whitelists/{address}", ""),
    "get_stats": ("GET /v3/{domain}/stats/total", "event start end resolution duration"),
    "list_tags": ("GET /v3/{domain}/tags", "limit prefix page tag"),
    "get_tag": ("GET /v3/{domain}/tags/{tag}", ""),
    "delete_tag": ("DELETE /v3/{domain}/tags/{tag}", ""),
    "list_ips": ("GET /v3/ips", "dedicated enabled"),
    "get_ip": ("GET /v3/ips/{ip}", ""),
    "get_tracking": ("GET /v3/domains/{domain}/tracking", ""),
    "update_open_tracking": ("PUT /v3/domains/{domain}/tracking/open", "active place_at_the_top"),
    "update_click_tracking": ("PUT /v3/domains/{domain}/tracking/click", "active"),
    "update_unsubscribe_tracking": (
        "PUT /v3/domains/{domain}/tracking/unsubscribe",
        "active html_footer text_footer",
    ),
    "list_credentials": ("GET /v3/domains/{domain}/credentials", "skip limit"),
    # `mailbox` is an alias of `login` and left out.
    "create_credential": ("POST /v3/domains/{domain}/credentials", "login password system"),
    "delete_credential": ("DELETE /v3/domains/{domain}/credentials/{login}", ""),
    "verify_domain": ("PUT /v3/domains/{domain}/verify", ""),
    "update_domain": (
        "PUT /v3/domains/{domain}",
        "spam_action wildcard web_scheme web_prefix require_tls skip_verification use_automatic_sender_security "
        "archive_to message_ttl mailfrom_host smtp_password",
    ),
    "get_sending_queues": ("GET /v3/domains/{domain}/sending_queues", ""),
    "update_credential_password": ("PUT /v3/domains/{domain}/credentials/{login}", "password"),
    "match_route": ("GET /v3/routes/match", "address"),
    "add_bounces": ("POST /v3/{domain}/bounces", "entries"),
    "add_unsubscribes": ("POST /v3/{domain}/unsubscribes", "entries"),
    "add_complaints": ("POST /v3/{domain}/complaints", "entries"),
    "add_mailing_list_members": ("POST /v3/lists/{list_address}/members.json", "members upsert"),
    "update_template": ("PUT /v3/{domain}/templates/{template_name}", "description"),
    "list_template_versions": ("GET /v3/{domain}/templates/{template_name}/versions", "limit page p"),
    "get_template_version": ("GET /v3/{domain}/templates/{template_name}/versions/{tag}", ""),
    "create_template_version": (
        "POST /v3/{domain}/templates/{template_name}/versions",
        "template tag comment active headers engine",
    ),
    "update_template_version": (
        "PUT /v3/{domain}/templates/{template_name}/versions/{tag}",
        "template comment active headers",
    ),
    "delete_template_version": ("DELETE /v3/{domain}/templates/{template_name}/versions/{tag}", ""),
    "get_unsubscribe": ("GET /v3/{domain}/unsubscribes/{address}", ""),
    "get_complaint": ("GET /v3/{domain}/complaints/{address}", ""),
    "get_whitelist": ("GET /v3/{domain}/whitelists/{address}", ""),
    "send_invitation": ("POST /v3/{domain}/messages.mime", "to message"),
    "diagnose_delivery": ("GET /v3/{domain}/events", "recipient message-id begin end"),
    "check_suppressions": ("GET /v3/{domain}/bounces", ""),
    "get_stored_message": ("GET /v3/domains/{domain}/messages/{storage_key}", ""),
    "query_metrics": (
        "POST /v1/analytics/metrics",
        "start end duration resolution dimensions metrics filter pagination include_subaccounts include_aggregates",
    ),
    "query_logs": (
        "POST /v1/analytics/logs",
        "start end events filter pagination include_subaccounts include_totals",
    ),
    "validate_address": ("GET /v4/address/validate", "address provider_lookup"),
    "resend_message": ("POST /v3/domains/{domain}/messages/{storage_key}", "to"),
}
"""Tool -> request and the parameters of query and body, as the service documents or was recorded to take them."""

PAGING_STYLE = {
    "skip": ["list_domains", "list_routes", "list_credentials"],
    "pivot": [
        *("list_bounces", "list_unsubscribes", "list_complaints", "list_whitelists"),
        *("list_mailing_lists", "list_mailing_list_members", "list_tags", "list_templates"),
        "list_template_versions",
    ],
    "token": ["list_events"],
}
PIVOTS = {"list_tags": "tag", "list_templates": "p", "list_template_versions": "p"}

CODECS = {
    "true_false": {
        "list_domains": ["include_subaccounts"],
        "get_domain": ["extended", "with_dns"],
        "create_domain": [
            *("wildcard", "force_dkim_authority", "force_root_dkim_host", "require_tls", "skip_verification"),
            *("use_automatic_sender_security", "encrypt_incoming_message"),
        ],
        "list_ips": ["dedicated", "enabled"],
        "validate_address": ["provider_lookup"],
        "update_domain": ["wildcard", "require_tls", "skip_verification", "use_automatic_sender_security"],
        "create_credential": ["system"],
    },
    "yes_only": {
        "list_templates": ["active"],
        "get_template": ["active"],
        "send_message": ["template_text", "test_mode"],
        "send_mime_message": ["template_text", "test_mode"],
    },
    "comma": {
        "create_domain": ["ips"],
        "send_message": ["suppress_headers"],
        "send_mime_message": ["suppress_headers"],
    },
    "date": {
        "list_events": ["begin", "end"],
        "diagnose_delivery": ["begin", "end"],
        "get_stats": ["start", "end"],
        "query_metrics": ["start", "end"],
        "query_logs": ["start", "end"],
        "send_message": ["delivery_time"],
        "send_mime_message": ["delivery_time"],
        "add_bounce": ["created_at"],
        "add_unsubscribe": ["created_at"],
        "add_complaint": ["created_at"],
    },
    "local_part": {"delete_credential": ["login"], "update_credential_password": ["login"]},
    "span": {"send_message": ["deliver_within"], "send_mime_message": ["deliver_within"]},
    "message_id": {"list_events": ["message_id"], "diagnose_delivery": ["message_id"]},
}
"""Where the service takes another spelling than the default one for the kind of value."""


def paging_names(name: str) -> set[str]:
    """The parameters that a cursor stands for."""
    match ROWS[name].get("paging"):
        case "skip":
            return {"skip"}
        case "pivot":
            return {"page", PIVOTS.get(name, "address")}
        case _:
            return set()


STEERING = {"connection_id", "cursor", "fields", "count_by", "distinct", "addresses"}
"""Arguments that are for this server alone."""


def wire_names(name: str) -> set[str]:
    """The parameters a call of this tool can send."""
    row = ROWS[name]
    own = set(properties(name)) - braced(path_of(name)) - STEERING
    own -= set(row.get("from_file", {}).values()) | {
        *row.get("into_message", ()),
        *row.get("answers", {}),
        *row.get("renews", ()),
    }
    own -= {"limit"} if "pages_in_body" in row else set()
    made = {"message"} if "message_of" in row else set()
    return made | {row.get("wire", {}).get(argument, argument) for argument in own} | set(row.get("fixed", {}))


def test_the_table_covers_every_tool() -> None:
    assert set(DOCUMENTED) == set(ROWS)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_request_is_the_documented_one(name: str) -> None:
    request = ROWS[name]["request"]
    service = "maton:" if path_of(name).startswith("/connections") else ""
    assert request == DOCUMENTED[name][0].replace(" ", f" {service}", 1)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_documented_parameter_is_reachable_and_no_other_is(name: str) -> None:
    assert wire_names(name) | paging_names(name) == set(DOCUMENTED[name][1].split())


def test_each_list_pages_in_the_style_of_its_operation() -> None:
    found: dict[str, set[str]] = {}
    for name, row in ROWS.items():
        if "paging" in row:
            found.setdefault(row["paging"], set()).add(name)
    assert found == {style: set(names) for style, names in PAGING_STYLE.items()}


@pytest.mark.parametrize("codec", CODECS)
def test_values_are_spelled_as_the_service_reads_them(codec: str) -> None:
    found = {
        name: {argument for argument, given in row["encode"].items() if given == codec}
        for name, row in ROWS.items()
        if codec in row.get("encode", {}).values()
    }
    assert found == {name: set(arguments) for name, arguments in CODECS[codec].items()}


@pytest.mark.parametrize("name", ["add_unsubscribe", "delete_unsubscribe"])
def test_an_unsubscribe_is_for_one_tag_under_its_singular_name(name: str) -> None:
    """A form field `tags` was recorded to be ignored, which unsubscribed the person from all mail."""
    assert properties(name)["tag"]["type"] == "string"
    assert "tags" not in wire_names(name)


def test_template_content_comes_back_unless_it_is_refused() -> None:
    assert ROWS["get_template"]["defaults"] == {"active": True}


def test_connections_are_only_those_for_mailgun() -> None:
    for name in ("list_connections", "create_connection"):
        assert ROWS[name]["fixed"] == {"app": "mailgun"}


@pytest.mark.parametrize("name", ["send_message", "send_mime_message"])
def test_files_go_as_file_parts(name: str) -> None:
    files = {argument for argument, codec in ROWS[name]["encode"].items() if codec == "file"}
    assert files == ({"attachments", "inline"} if name == "send_message" else {"message_file"})
