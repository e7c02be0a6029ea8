"""What a write changes: the target as it was read beside the values that were asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maton_mailgun.approval.preview.document import ChangedValue, Row
from maton_mailgun.approval.preview.effect import NOT_SHOWN
from maton_mailgun.approval.preview.labels import named, said
from maton_mailgun.approval.preview.proposal import ReadAnswer, dig
from maton_mailgun.mail.text import safe_line, short

if TYPE_CHECKING:
    from maton_mailgun.catalogue.operation import Operation

_LIMIT = 1000
_BRACED = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_STATE_ROWS = 24

SECRET_KEYS = frozenset({"smtp_password", "password", "session_token", "credentials", "api_key", "private_key"})
"""Keys of answers that are dropped wherever they appear; old domain answers hold `smtp_password` in clear text."""

_PASSING = frozenset(
    {
        "cached",
        "first-seen",
        "is_active",
        "last-seen",
        "last_updated_time",
        "members_count",
        "paging",
        "receiving_dns_records",
        "sending_dns_records",
        "size_bytes",
        "total_count",
        "valid",
    }
)
"""Keys of answers that move on their own (counters, DNS checks, times of last use): they do not make a yes stale."""

_TOKEN = re.compile(r"session_token=[\w.~+/=-]*")


@dataclass(frozen=True, slots=True)
class Change:
    """One value that will be different afterwards."""

    label: str
    before: str
    after: str
    path: str
    """Where the value stands in the answer."""
    consent: str | None = None
    """A warning that comes with this change."""

    def told(self) -> ChangedValue:
        """The change as it stands in a preview."""
        return ChangedValue(self.label, self.before, self.after)


def diff(operation: Operation, given: Mapping[str, Any], before: ReadAnswer | None) -> list[Change]:
    """The values that differ from the target as it was read, first what needs somebody's consent. Empty where there is
    nothing to compare with."""
    if before is None or before.status == 404:
        return []
    changes: list[Change] = []
    for argument, path in operation.compare.items():
        current, wanted = dig(before.data, path), _wanted(operation, given, argument)
        if argument in operation.adds:
            current = current if isinstance(current, list) else []
            wanted = [*dict.fromkeys([*current, operation.adds[argument] if wanted is None else wanted])]
            current, wanted = (", ".join(str(said(argument, one)) for one in some) for some in (current, wanted))
        if wanted is None or _same(current, wanted):
            continue
        if isinstance(current, bool) and wanted in ("yes", "no"):
            # The same words before and after.
            wanted = wanted == "yes"
        hidden = argument in operation.secret
        consent = operation.consent.get(argument) if _plain(current) == "no" else None
        current, wanted = said(argument, current), said(argument, wanted)
        changes.append(
            Change(
                label=named(argument),
                path=path,
                before=NOT_SHOWN if hidden else shown(current),
                after=NOT_SHOWN if hidden else shown(wanted),
                consent=consent,
            )
        )
    return sorted(changes, key=lambda change: change.consent is None)


def changes_nothing(
    operation: Operation, arguments: Mapping[str, Any], before: ReadAnswer | None, changes: list[Change]
) -> bool:
    """Whether everything that was asked for could be compared and is already so."""
    if before is None or before.status == 404 or changes or not (operation.access == "change" or operation.adds):
        return False
    passing = {*operation.path_arguments, "connection_id"}
    asked = {name for name, given in arguments.items() if given is not None and name not in passing}
    if any(_respaced(dig(before.data, path), arguments.get(name)) for name, path in operation.compare.items()):
        return False  # guard: 175-nothing
    if operation.adds:
        # What names the target in its own address is compared by having been found there.
        return asked - set(_BRACED.findall(operation.before or "")) <= set(operation.compare)
    return bool(asked) and asked <= set(operation.compare)


def state(before: ReadAnswer | None, *, hide: Collection[str] = ()) -> list[Row]:
    """The target as it was read, value by value, without secrets and without the dotted paths in `hide`."""
    if before is None or before.status == 404:
        return []
    leaves = [(path, text) for path, text in _leaves(without_secrets(before.data)) if path not in hide]
    first = {path.partition(".")[0] for path, _ in leaves}
    # A single wrapper such as {"route": {...}} says nothing to a person.
    wrapper = f"{first.pop()}." if len(first) == 1 else ""
    rows = [Row(named(path.removeprefix(wrapper)), text) for path, text in leaves[:_STATE_ROWS]]
    if len(leaves) > _STATE_ROWS:
        rows.append(Row("…", f"{len(leaves) - _STATE_ROWS:,} more values"))
    return rows


def without_secrets(data: Any) -> Any:
    """`data` without passwords, tokens and links that carry one."""
    if isinstance(data, dict):
        return {
            name: without_secrets(inner)
            for name, inner in data.items()
            if str(name).casefold() not in SECRET_KEYS and not _carries_token(inner)
        }
    if isinstance(data, list):
        return [without_secrets(inner) for inner in data]
    return data


def lasting(data: Any) -> Any:
    """`data` without secrets and without what changes by itself: what a yes is bound to.

    Of a text only the token in it is left out, not the text around it: a template that holds the word would otherwise
    change unseen.
    """
    if isinstance(data, dict):
        leaving = SECRET_KEYS | _PASSING
        return {name: lasting(inner) for name, inner in data.items() if str(name).casefold() not in leaving}
    if isinstance(data, list):
        return [lasting(inner) for inner in data]
    return _TOKEN.sub("session_token=", data) if isinstance(data, str) else data  # guard: 47-lasting


def read(given: Any) -> str:
    """A fact that was read from the account, as `shown` has it; a long one is cut."""
    return short(shown(given), _LIMIT)


def shown(given: Any) -> str:
    """One value of a diff, whole: booleans as yes or no, lists one after the other, objects by their names."""
    if given is None:
        return "(not set)"
    if isinstance(given, bool):
        return "yes" if given else "no"
    if given in ("", {}):
        return "(empty)"
    if isinstance(given, dict) and all(isinstance(one, str | int | float) for one in given.values()):
        told = [f"{_key(name)}: {json.dumps(one, ensure_ascii=False)}" for name, one in sorted(given.items())]
        return safe_line(", ".join(told))
    if isinstance(given, list) and all(isinstance(item, str) for item in given):
        return safe_line(" | ".join(given)) if given else "(none)"
    if isinstance(given, list | dict):
        return safe_line(json.dumps(given, ensure_ascii=False, sort_keys=True))
    return safe_line(str(given))


def _key(name: Any) -> str:
    return str(name) if re.fullmatch(r"[\w-]+", str(name)) else json.dumps(str(name), ensure_ascii=False)


def _wanted(operation: Operation, given: Mapping[str, Any], argument: str) -> Any:
    """The value asked for, or what the service takes for it where it is left out."""
    return given.get(argument, operation.assumed.get(argument))


def _same(current: Any, wanted: Any) -> bool:
    if isinstance(wanted, list) and not isinstance(current, list):
        wanted = wanted[0] if len(wanted) == 1 else wanted
    return bool(_plain(current) == _plain(wanted))


def _respaced(current: Any, wanted: Any) -> bool:
    """Whether two texts differ in blanks and line ends only; spellings of a switch or of JSON do not count."""
    if not isinstance(current, str) or not isinstance(wanted, str) or current == wanted:
        return False
    plain = _plain(wanted)
    return isinstance(plain, str) and plain not in {"yes", "no"} and plain == _plain(current)


def _plain(given: Any) -> Any:
    """A form in which the spellings of one value are equal: on the wire yes and true, 5 and "5", JSON text and
    object are the same."""
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, int | float):
        return str(given)
    if isinstance(given, list):
        return [_plain(item) for item in given]
    if isinstance(given, dict):
        return {str(name): _plain(inner) for name, inner in given.items()}
    if isinstance(given, str):
        text = given.replace("\r\n", "\n").strip()
        if text[:1] == "{":
            try:
                return _plain(json.loads(text))
            except ValueError:
                return text
        return {"true": "yes", "false": "no"}.get(text.casefold(), text)
    return "" if given is None else given


def _carries_token(given: Any) -> bool:
    return isinstance(given, str) and "session_token=" in given


def _leaves(data: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Dotted path and text of every value; lists of objects are only counted."""
    if isinstance(data, dict):
        for name, inner in data.items():
            if name not in {"paging", "receiving_dns_records", "sending_dns_records"}:
                yield from _leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(data, list) and not all(isinstance(item, str) for item in data):
        yield path or "items", f"{len(data):,}"
    elif data is not None:
        yield path or "value", read(said(path, data))
