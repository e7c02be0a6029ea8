"""Jobs about what is set up: routes, webhooks, domains, templates, lists."""

from __future__ import annotations

from .work import DOMAIN, HERE, TEAM, Work, job

_ROUTE = f'match_recipient("support@{DOMAIN}")'


def _rows(told: dict[str, object], *names: str) -> list[list[object]]:
    """Cells of the columns named; what is the same in all rows included."""
    columns, same = told["columns"], told.get("in_all_rows", {})
    assert isinstance(columns, list)
    assert isinstance(same, dict)
    rows = told["rows"]
    assert isinstance(rows, list)
    return [[row[columns.index(name)] if name in columns else same[name] for name in names] for row in rows]


@job
def find_the_rule_that_leaks_mail_and_remove_it(work: Work) -> None:
    for number in range(6):
        work.account.ask(
            "POST", "/v3/routes",
            {"priority": str(number + 20), "expression": f'match_recipient("box{number}@{DOMAIN}")',
             "action": 'forward("https://desk.example.com/in")'},
        )  # fmt: skip
    leak = {"priority": "5", "expression": "catch_all()", "action": 'forward("eve@stranger.example")'}
    work.account.ask("POST", "/v3/routes", leak)
    work.account.begin()
    rules = work.read("list_routes", fields="id,expression,actions")
    (wrong,) = [one for one, actions in _rows(rules, "id", "actions") if "stranger.example" in str(actions)]
    work.write("delete_route", route_id=wrong)
    assert "eve@stranger.example" in work.questions[0]
    left = work.state("/v3/routes")["items"]
    assert (len(left), [one for one in left if one["expression"] == "catch_all()"]) == (7, [])


@job
def a_new_rule_before_another_one(work: Work) -> None:
    ((priority, actions),) = _rows(
        work.read("list_routes", fields="id,priority,expression,actions"), "priority", "actions"
    )
    assert "stop()" in str(actions)
    assert isinstance(priority, int)
    work.write(
        "create_route", expression='match_header("subject", "(?i)invoice")', priority=priority - 1,
        actions=['forward("https://books.example.com/in")', "stop()"],
    )  # fmt: skip
    assert sorted((one["priority"], one["expression"]) for one in work.state("/v3/routes")["items"]) == [
        (9, 'match_header("subject", "(?i)invoice")'),
        (10, _ROUTE),
    ]


@job
def a_second_address_for_an_event(work: Work) -> None:
    urls = work.read("get_webhook", **HERE, webhook_type="delivered")["webhook"]["urls"]
    second = "https://stats.example.com/in"
    work.write("update_webhook", **HERE, webhook_type="delivered", urls=[*urls, second])
    now = work.state(f"/v3/domains/{DOMAIN}/webhooks/delivered")["webhook"]["urls"]
    assert now == ["https://hooks.example.com/mailgun/delivered", second]


@job
def a_new_sending_domain_with_its_dns_records(work: Work) -> None:
    told = work.write("create_domain", name="news.example.org")
    shown = str(told["result"])
    there = work.state("/v3/domains/news.example.org")
    for record in (*there["sending_dns_records"], *there["receiving_dns_records"]):
        assert record["value"] in shown


@job
def roll_the_template_back(work: Work) -> None:
    where = {**HERE, "template_name": "welcome"}
    versions = work.read("list_template_versions", **where, fields="tag,comment,active")
    assert _rows(versions, "tag", "active") == [["v1", False], ["v2", True]]
    work.write("update_template_version", **where, tag="v1", active="yes")
    assert "Live mail changes from now on" in work.questions[0]
    active = work.state(f"/v3/{DOMAIN}/templates/welcome?active=yes")["template"]["version"]
    assert active["tag"] == "v1"


@job
def import_these_300_members(work: Work) -> None:
    work.team([])
    rows = [f"member{number:03d}@example.net,Member {number}" for number in range(300)]
    (work.files / "three-hundred.csv").write_text("\n".join(["address,name", *rows]), encoding="utf-8")
    work.account.begin()
    told = work.approved_in_terminal("add_mailing_list_members", list_address=TEAM, members_file="three-hundred.csv")
    assert told["executed"] is True, told
    assert work.read("get_mailing_list", list_address=TEAM)["list"]["members_count"] == 300
    assert all(row.partition(",")[0] in work.shown for row in rows)
    assert len(work.account.writes()) == 1


@job
def verify_the_new_domain(work: Work) -> None:
    told = work.write("verify_domain", domain="unverified.example.com")
    assert told["result"]["domain"]["state"] == "unverified"
    assert "k1._domainkey.unverified.example.com" in str(told["result"])
