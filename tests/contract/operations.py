"""The Mailgun operations: where they are called, and where the published contract describes them.

Written out here and not read from the catalogue: the contract judges the sandbox without the engine having a say.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    """One operation. `documented` is the contract's path where it differs from ours in more than placeholder names."""

    name: str
    method: str
    path: str
    documented: str

    @property
    def has_domain(self) -> bool:
        return "{domain}" in self.path


_TABLE = """
list_domains                GET    /v3/domains                                    /v4/domains
get_domain                  GET    /v3/domains/{domain}                           /v4/domains/{domain}
create_domain               POST   /v3/domains                                    /v4/domains
delete_domain               DELETE /v3/domains/{domain}
send_message                POST   /v3/{domain}/messages
send_mime_message           POST   /v3/{domain}/messages.mime
list_events                 GET    /v3/{domain}/events
list_routes                 GET    /v3/routes
create_route                POST   /v3/routes
get_route                   GET    /v3/routes/{route}
update_route                PUT    /v3/routes/{route}
delete_route                DELETE /v3/routes/{route}
list_webhooks               GET    /v3/domains/{domain}/webhooks
create_webhook              POST   /v3/domains/{domain}/webhooks
get_webhook                 GET    /v3/domains/{domain}/webhooks/{webhook}
update_webhook              PUT    /v3/domains/{domain}/webhooks/{webhook}
delete_webhook              DELETE /v3/domains/{domain}/webhooks/{webhook}
list_templates              GET    /v3/{domain}/templates
create_template             POST   /v3/{domain}/templates
get_template                GET    /v3/{domain}/templates/{template}
delete_template             DELETE /v3/{domain}/templates/{template}
list_mailing_lists          GET    /v3/lists/pages
create_mailing_list         POST   /v3/lists
get_mailing_list            GET    /v3/lists/{list}
update_mailing_list         PUT    /v3/lists/{list}
delete_mailing_list         DELETE /v3/lists/{list}
list_mailing_list_members   GET    /v3/lists/{list}/members/pages
add_mailing_list_member     POST   /v3/lists/{list}/members
get_mailing_list_member     GET    /v3/lists/{list}/members/{member}
update_mailing_list_member  PUT    /v3/lists/{list}/members/{member}
delete_mailing_list_member  DELETE /v3/lists/{list}/members/{member}
list_bounces                GET    /v3/{domain}/bounces
add_bounce                  POST   /v3/{domain}/bounces
get_bounce                  GET    /v3/{domain}/bounces/{address}
delete_bounce               DELETE /v3/{domain}/bounces/{address}
list_unsubscribes           GET    /v3/{domain}/unsubscribes
add_unsubscribe             POST   /v3/{domain}/unsubscribes
delete_unsubscribe          DELETE /v3/{domain}/unsubscribes/{address}
list_complaints             GET    /v3/{domain}/complaints
add_complaint               POST   /v3/{domain}/complaints
delete_complaint            DELETE /v3/{domain}/complaints/{address}
list_whitelists             GET    /v3/{domain}/whitelists
add_whitelist               POST   /v3/{domain}/whitelists
delete_whitelist            DELETE /v3/{domain}/whitelists/{value}
get_stats                   GET    /v3/{domain}/stats/total
list_tags                   GET    /v3/{domain}/tags
get_tag                     GET    /v3/{domain}/tags/{tag}                        /v3/{domain}/tag
delete_tag                  DELETE /v3/{domain}/tags/{tag}                        /v3/{domain}/tag
list_ips                    GET    /v3/ips
get_ip                      GET    /v3/ips/{ip}
get_tracking                GET    /v3/domains/{domain}/tracking
update_open_tracking        PUT    /v3/domains/{domain}/tracking/open
update_click_tracking       PUT    /v3/domains/{domain}/tracking/click
update_unsubscribe_tracking PUT    /v3/domains/{domain}/tracking/unsubscribe
list_credentials            GET    /v3/domains/{domain}/credentials
create_credential           POST   /v3/domains/{domain}/credentials
delete_credential           DELETE /v3/domains/{domain}/credentials/{login}
verify_domain               PUT    /v3/domains/{domain}/verify                    /v4/domains/{domain}/verify
update_domain               PUT    /v3/domains/{domain}                           /v4/domains/{domain}
get_sending_queues          GET    /v3/domains/{domain}/sending_queues
update_credential_password  PUT    /v3/domains/{domain}/credentials/{login}
match_route                 GET    /v3/routes/match
get_unsubscribe             GET    /v3/{domain}/unsubscribes/{address}
get_complaint               GET    /v3/{domain}/complaints/{address}
get_whitelist               GET    /v3/{domain}/whitelists/{value}
update_template             PUT    /v3/{domain}/templates/{template}
list_template_versions      GET    /v3/{domain}/templates/{template}/versions
create_template_version     POST   /v3/{domain}/templates/{template}/versions
get_template_version        GET    /v3/{domain}/templates/{template}/versions/{version}
update_template_version     PUT    /v3/{domain}/templates/{template}/versions/{version}
delete_template_version     DELETE /v3/{domain}/templates/{template}/versions/{version}
add_mailing_list_members    POST   /v3/lists/{list}/members.json
get_stored_message          GET    /v3/domains/{domain}/messages/{key}
query_metrics               POST   /v1/analytics/metrics
query_logs                  POST   /v1/analytics/logs
validate_address            GET    /v4/address/validate
resend_message              POST   /v3/domains/{domain}/messages/{key}
"""


def _operations() -> dict[str, Operation]:
    rows = [line.split() for line in _TABLE.strip().splitlines()]
    return {row[0]: Operation(row[0], row[1], row[2], row[3] if len(row) > 3 else row[2]) for row in rows}


OPERATIONS = _operations()
