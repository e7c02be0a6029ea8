"""Stored templates of a domain and their versions. Names and version tags are lower-cased when stored (recorded)."""

from __future__ import annotations

from maton_mailgun.sandbox.account.mailgun_account import MailgunAccount
from maton_mailgun.sandbox.account.tables import Table
from maton_mailgun.sandbox.mailgun.times import utc
from maton_mailgun.sandbox.web.calls import (
    Call,
    HttpAnswer,
    Record,
    SentFields,
    choice,
    json_object,
    ok,
    refuse,
    required,
    switch,
)
from maton_mailgun.sandbox.web.pages import pivoted
from maton_mailgun.sandbox.web.router import MailgunOperation

_NO_DOMAIN = "domain not found"
_HEADERS = ("from", "subject", "reply-to")
_LARGEST = 100 * 1024
_MOST_TEMPLATES = 100
_MOST_VERSIONS = 40


def _bare(template: Record) -> Record:
    return {name: value for name, value in template.items() if name != "versions"}


def _listed(version: Record) -> Record:
    """A version as lists show it: without its content."""
    return {name: value for name, value in version.items() if name not in ("template", "headers")}


def active_version(template: Record) -> Record | None:
    versions: list[Record] = template["versions"]
    return next((version for version in versions if version["active"]), None)


def find_version(template: Record, tag: str) -> Record | None:
    versions: list[Record] = template["versions"]
    return next((version for version in versions if version["tag"] == tag.lower()), None)


def _wants_active(call: Call) -> bool:
    return switch(call.query, "active") is True


def _with_active(template: Record) -> Record:
    version = active_version(template)
    return _bare(template) if version is None else {**_bare(template), "version": version}


def _headers(form: SentFields) -> Record:
    text = form.first("headers")
    if text is None:
        return {}
    headers = json_object(text, "'headers' parameter is not a valid JSON object")
    for name in headers:
        if name.lower() not in _HEADERS:
            raise refuse(400, f"Header '{name}' is not allowed. Only From, Subject and Reply-To are")
    return headers


def _new_version(account: MailgunAccount, form: SentFields, content: str) -> Record:
    if len(content.encode()) > _LARGEST:
        raise refuse(400, "template content is larger than 100KB")
    return {
        "tag": (form.first("tag") or "initial").lower(),
        "template": content,
        "engine": choice(form, "engine", ("handlebars", "go")) or "handlebars",
        "mjml": "",
        "createdAt": utc(account.now),
        "comment": form.first("comment") or "",
        "active": True,
        "id": account.mint.uuid(),
        "headers": _headers(form),
    }


def _templates(account: MailgunAccount, call: Call) -> Table:
    return account.domain_of(call, _NO_DOMAIN).templates


def _template(account: MailgunAccount, call: Call) -> Record:
    template = _templates(account, call).get(call.path["name"])
    if template is None:
        raise refuse(404, "template not found")
    return template


def _version(account: MailgunAccount, call: Call) -> tuple[Record, Record]:
    template = _template(account, call)
    version = find_version(template, call.path["tag"])
    if version is None:
        raise refuse(404, "version not found")
    return template, version


def list_templates(account: MailgunAccount, call: Call) -> HttpAnswer:
    """Without content, unless `active=yes` asks for each active version."""
    show = _with_active if _wants_active(call) else _bare
    return ok(pivoted(call, _templates(account, call), "p", largest=_MOST_TEMPLATES, remembered=("active",), show=show))


def create_template(account: MailgunAccount, call: Call) -> HttpAnswer:
    templates, form = _templates(account, call), call.form
    name = required(form, "name", "Missing mandatory parameter: name").strip().lower()
    content = form.first("template")
    version = _new_version(account, form, content) if content else None
    if name in templates:
        raise refuse(400, f"template with name '{name}' already exists")
    if len(templates) >= _MOST_TEMPLATES:
        raise refuse(400, f"templates limit ({_MOST_TEMPLATES}) is exceeded")
    template: Record = {
        "name": name,
        "description": form.first("description") or "",
        "createdAt": utc(account.now),
        "createdBy": form.first("createdBy") or "",
        "id": account.mint.uuid(),
        "versions": [] if version is None else [version],
    }
    templates.put(name, template)
    return ok({"message": "template has been stored", "template": _with_active(template)})


def get_template(account: MailgunAccount, call: Call) -> HttpAnswer:
    """Content only with `active=yes` (recorded)."""
    template = _template(account, call)
    return ok({"template": _with_active(template) if _wants_active(call) else _bare(template)})


def update_template(account: MailgunAccount, call: Call) -> HttpAnswer:
    template = _template(account, call)
    description = call.form.first("description")
    if description is not None:
        template["description"] = description
    return ok({"message": "template has been updated", "template": {"name": template["name"]}})


def delete_template(account: MailgunAccount, call: Call) -> HttpAnswer:
    template = _template(account, call)
    _templates(account, call).pop(template["name"])
    return ok({"message": "template has been deleted", "template": {"name": template["name"]}})


def delete_all_templates(account: MailgunAccount, call: Call) -> HttpAnswer:
    _templates(account, call).clear()
    return ok({"message": "templates have been deleted"})


def list_versions(account: MailgunAccount, call: Call) -> HttpAnswer:
    template = _template(account, call)
    versions = Table((version["tag"], version) for version in template["versions"])
    page = pivoted(call, versions, "p", largest=_MOST_TEMPLATES, show=_listed)
    return ok({"template": {**_bare(template), "versions": page["items"]}, "paging": page["paging"]})


def _activate(template: Record, chosen: Record) -> None:
    for version in template["versions"]:
        version["active"] = version is chosen


def create_version(account: MailgunAccount, call: Call) -> HttpAnswer:
    """The first version becomes the active one by itself."""
    template, form = _template(account, call), call.form
    content = required(form, "template", "Missing mandatory parameter: template")
    required(form, "tag", "Missing mandatory parameter: tag")
    activate = switch(form, "active")
    version = _new_version(account, form, content)
    if find_version(template, version["tag"]) is not None:
        raise refuse(400, f"version with tag '{version['tag']}' already exists")
    if len(template["versions"]) >= _MOST_VERSIONS:
        raise refuse(400, f"template versions limit ({_MOST_VERSIONS}) is exceeded")
    version["active"] = False
    template["versions"].append(version)
    if activate or len(template["versions"]) == 1:
        _activate(template, version)
    return ok(
        {"message": "new version of the template has been stored", "template": {**_bare(template), "version": version}}
    )


def get_version(account: MailgunAccount, call: Call) -> HttpAnswer:
    template, version = _version(account, call)
    return ok({"template": {**_bare(template), "version": version}})


def update_version(account: MailgunAccount, call: Call) -> HttpAnswer:
    template, version = _version(account, call)
    form = call.form
    headers = _headers(form)
    version.update({name: value for name in ("template", "comment") if (value := form.first(name)) is not None})
    if headers:
        version["headers"] = headers
    if switch(form, "active"):
        _activate(template, version)
    return ok(
        {
            "message": "version has been updated",
            "template": {"name": template["name"], "version": {"tag": version["tag"]}},
        }
    )


def delete_version(account: MailgunAccount, call: Call) -> HttpAnswer:
    template, version = _version(account, call)
    template["versions"].remove(version)
    return ok(
        {
            "message": "version has been deleted",
            "template": {"name": template["name"], "version": {"tag": version["tag"]}},
        }
    )


OPERATIONS = (
    MailgunOperation("GET", "/v3/{domain}/templates", list_templates),
    MailgunOperation("POST", "/v3/{domain}/templates", create_template),
    MailgunOperation("DELETE", "/v3/{domain}/templates", delete_all_templates, collapses=True),
    MailgunOperation("GET", "/v3/{domain}/templates/{name}", get_template),
    MailgunOperation("PUT", "/v3/{domain}/templates/{name}", update_template),
    MailgunOperation("DELETE", "/v3/{domain}/templates/{name}", delete_template),
    MailgunOperation("GET", "/v3/{domain}/templates/{name}/versions", list_versions),
    MailgunOperation("POST", "/v3/{domain}/templates/{name}/versions", create_version),
    MailgunOperation("GET", "/v3/{domain}/templates/{name}/versions/{tag}", get_version),
    MailgunOperation("PUT", "/v3/{domain}/templates/{name}/versions/{tag}", update_version),
    MailgunOperation("DELETE", "/v3/{domain}/templates/{name}/versions/{tag}", delete_version),
)
