"""What a suite's side file expects beyond assertions (`expect:`, see `simulator.testing.side`).

Each kind of expectation is one function that yields what does not hold: a message, what was expected, what was found.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from simulator.errors import SimulatorError
from simulator.testing.case import CaseSession

__all__ = ["Miss", "unmet"]

Miss = tuple[str, str, str]
"""message, expected, found"""


def unmet(expect: Mapping[str, Any], session: CaseSession, logs: list[Any]) -> Iterator[tuple[str, Miss]]:
    """What does not hold, each with the key of `expect` that says so."""
    for key, check in _CHECKS.items():
        if expect.get(key) not in (None, "", [], {}):
            try:
                for miss in check(expect[key], session, logs):
                    yield key, miss
            except SimulatorError as error:
                yield key, (f"`{key}` cannot be looked at: {error.message}", "", "")


def _runs(session: CaseSession) -> Iterator[Any]:
    for execution in session.executor.executions():
        if execution.parent_id is None or execution.kind == "LOOP":
            yield from execution.task_runs


def _task_runs(wanted: Any, session: CaseSession, logs: list[Any]) -> Iterator[Miss]:
    counts = Counter(run.task_id for run in _runs(session))
    for task_id, count in wanted.items():
        if counts[task_id] != int(count):
            yield (
                f"expected {count} task runs of `{task_id}` but there were {counts[task_id]}",
                str(count),
                str(counts[task_id]),
            )


def _logs(wanted: Any, session: CaseSession, logs: list[Any]) -> Iterator[Miss]:
    for item in wanted:
        found = [
            entry
            for entry in logs
            if item.get("task") in (None, entry.task_id)
            and item.get("level") in (None, entry.level)
            and _fits(item, entry.message) is None
        ]
        yield from _counted(
            "log entries", item, len(found), "\n".join(f"{e.level} {e.message}" for e in logs)
        )


def _counted(what: str, item: Mapping[str, Any], found: int, seen: str) -> Iterator[Miss]:
    count = item.get("count")
    if (found == 0) if count is None else (found != int(count)):
        wanted = "at least one" if count is None else count
        shown = {key: value for key, value in item.items() if key != "count"}
        yield (
            f"expected {wanted} of the {what} to fit {json.dumps(shown, ensure_ascii=False)} but {found} did",
            str(shown),
            seen,
        )


def _fits(item: Mapping[str, Any], text: str) -> str | None:
    """Why a text does not do; None when it does."""
    if item.get("equals") is not None and text != str(item["equals"]):
        return f"to equal '{item['equals']}'"
    if item.get("contains") is not None and str(item["contains"]) not in text:
        return f"to contain '{item['contains']}'"
    if item.get("matches") is not None and re.search(str(item["matches"]), text) is None:
        return f"to match '{item['matches']}'"
    return None


def _sql(wanted: Any, session: CaseSession, logs: list[Any]) -> Iterator[Miss]:
    if "postgres" not in session.supervisor.started():
        yield "expected rows, but the execution used no PostgreSQL double", "", ""
        return
    import psycopg

    double: Any = session.supervisor.get("postgres")
    declared = ((session.side.double("postgres") if session.side else None) or {}).get("databases") or {}
    only = next(iter(declared)) if len(declared) == 1 else None
    for item in wanted:
        try:
            rows = double.query(item["query"], item.get("database") or only)
        except psycopg.Error as error:
            yield f"`{item['query']}`: {str(error).strip().splitlines()[0]}", "", ""
            continue
        expected, found = _lines(item["rows"]), _lines(rows)
        if expected != found:
            yield f"`{item['query']}` gives other rows", "\n".join(expected), "\n".join(found)


def _lines(rows: Any) -> list[str]:
    """One line a row, values as JSON, so that two sets of rows can be compared and shown as a diff."""
    return [json.dumps(_plain(row), ensure_ascii=False, sort_keys=True) for row in rows]


def _plain(value: Any) -> Any:
    import datetime as dt
    from decimal import Decimal

    match value:
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case None | bool() | int() | float() | str():
            return value
    return str(value)


def _s3(wanted: Any, session: CaseSession, logs: list[Any]) -> Iterator[Miss]:
    started = "s3" in session.supervisor.started()
    double: Any = session.supervisor.get("s3")
    contents = double.contents() if started else {}
    for item in wanted:
        bucket, key = item["bucket"], item["key"]
        name = f"s3://{bucket}/{key}"
        there = key in (contents.get(bucket) or {})
        if there is (item.get("exists") is False):
            verb = "not to exist" if there else "to exist"
            yield (
                f"expected {name} {verb}",
                "",
                "\n".join(f"s3://{b}/{k}" for b in contents for k in contents[b]),
            )
        if not there or item.get("exists") is False:
            continue
        data: bytes = double.read(bucket, key)
        text = data.decode("utf-8", "replace")
        why = _fits(item, text)
        if why is not None:
            yield (
                f"expected {name} {why}",
                str(item.get("equals") or item.get("contains") or item.get("matches")),
                text,
            )
        if item.get("lines") is not None and len(text.splitlines()) != int(item["lines"]):
            found = len(text.splitlines())
            yield (
                f"expected {name} to have {item['lines']} lines but it has {found}",
                str(item["lines"]),
                str(found),
            )
        if item.get("json") is not None and _json(text) != item["json"]:
            yield f"expected {name} to hold other JSON", _pretty(item["json"]), text


def _outbox(wanted: Any, session: CaseSession, logs: list[Any]) -> Iterator[Miss]:
    messages = outbox_of(session)
    for item in wanted:
        found = [message for message in messages if _is_message(item, message)]
        yield from _counted("messages", item, len(found), "\n".join(map(_message_line, messages)))


def outbox_of(session: CaseSession) -> list[dict[str, Any]]:
    """Requests that a double answered, mails, and what tasks say they sent."""
    found: list[dict[str, Any]] = []
    if "http" in session.supervisor.started():
        found += session.supervisor.get("http").contents().get("requests", ())
    if "smtp" in session.supervisor.started():
        found += [
            {"method": "MAIL", "body": str(item.get("text") or item), **item}
            for item in session.supervisor.get("smtp").contents().get("messages", ())
        ]
    found += [{"channel": channel, **message} for channel, message in session.executor.outbox]
    return found


def _message_line(message: Mapping[str, Any]) -> str:
    where = message.get("url") or message.get("channel") or ""
    return f"{message.get('method', '')} {where} {str(message.get('body', ''))[:200]}".strip()


def _is_message(item: Mapping[str, Any], message: Mapping[str, Any]) -> bool:
    from fnmatch import fnmatchcase
    from urllib.parse import urlsplit

    url = str(message.get("url") or "")
    body = message.get("body")
    text = body if isinstance(body, str) else json.dumps(_plain(body if body is not None else message))
    if (
        item.get("method") is not None
        and str(item["method"]).upper() != str(message.get("method", "")).upper()
    ):
        return False
    if item.get("url") is not None and not fnmatchcase(url, str(item["url"])):
        return False
    if item.get("host") is not None and urlsplit(url).hostname != item["host"]:
        return False
    if item.get("json") is not None and not _within(item["json"], _json(text)):
        return False
    headers = {str(name).lower(): str(value) for name, value in (message.get("headers") or {}).items()}
    for name, value in (item.get("headers") or {}).items():
        if headers.get(str(name).lower()) != str(value):
            return False
    return _fits(item, text) is None


def _json(text: str) -> Any:
    with suppress(ValueError):
        return json.loads(text)
    return None


def _within(wanted: Any, found: Any) -> bool:
    """Maps may have more keys than wanted; everything else is equal."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            key in found and _within(value, found[key]) for key, value in wanted.items()
        )
    return bool(wanted == found)


def _pretty(value: Any) -> str:
    return json.dumps(_plain(value), ensure_ascii=False, indent=2, sort_keys=True)


def _outputs(wanted: Any, session: CaseSession, logs: list[Any]) -> Iterator[Miss]:
    assert session.execution is not None
    outputs = session.execution.outputs or {}
    for key, value in wanted.items():
        expected, found = _pretty(value), _pretty(outputs.get(key))
        if key not in outputs or expected != found:
            yield f"expected the output `{key}` to be another", expected, found


def _no_network(wanted: Any, session: CaseSession, logs: list[Any]) -> Iterator[Miss]:
    if wanted is not True:
        return
    reached = session.settings.live + session.settings.allow
    if reached:
        yield f"`no_network`, but {', '.join(reached)} may be reached", "", ""


_CHECKS: dict[str, Callable[[Any, CaseSession, list[Any]], Iterator[Miss]]] = {
    "task_runs": _task_runs,
    "logs": _logs,
    "sql": _sql,
    "s3": _s3,
    "outbox": _outbox,
    "outputs": _outputs,
    "no_network": _no_network,
}
