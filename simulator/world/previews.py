"""The beginnings of what a run left behind: rows of tables, uploaded objects, stored files, messages. For reports.

Contents are data, not logs; but a report is a sink, so its writer redacts them like everything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simulator.engine.jsonform import plain
from simulator.errors import SimulatorError

if TYPE_CHECKING:
    from simulator.session import Session

__all__ = ["preview", "previews"]

_ITEMS = 40
_ROWS = 20
_BYTES = 4096
#: section of the AWS double -> title
_AWS = {
    "queues": "Queues (SQS)",
    "topics": "Topics (SNS)",
    "tables": "Tables (DynamoDB)",
    "streams": "Streams (Kinesis)",
    "buses": "Event buses (EventBridge)",
}


def preview(data: bytes, size: int | None = None) -> dict[str, Any]:
    """Rows when it is Ion, text when it is text, a dump of the first bytes otherwise."""
    import io

    from simulator.storage.fileserde import read_rows

    size = len(data) if size is None else size
    note = f"{size:,} bytes"
    if data.startswith(b"\xe0\x01\x00\xea") or data.lstrip()[:1] in (b"{",):
        rows = []
        try:
            for row in read_rows(io.BytesIO(data)):
                rows.append(plain(row))
                if len(rows) == _ROWS:
                    note += f", the first {_ROWS} rows"
                    break
        except (SimulatorError, ValueError):
            pass  # cut in the middle of a row, or no Ion after all: what was read is shown
        if rows and all(isinstance(row, dict) for row in rows):
            return {"rows": rows, "note": note}
    try:
        text = data[:_BYTES].decode("utf-8", "strict" if size <= _BYTES else "ignore")
    except UnicodeDecodeError:
        return {"text": data[:256].hex(" "), "note": note + ", binary"}
    return {"text": text + ("…" if size > _BYTES else ""), "note": note}


def _listed(items: Sequence[Any]) -> dict[str, Any]:
    """The first of what lies in a queue, topic, table, stream or bus: rows when they are maps, lines otherwise."""
    note = f"{len(items):,} item" + ("" if len(items) == 1 else "s")
    if len(items) > _ROWS:
        note += f", the first {_ROWS}"
    shown = plain(list(items[:_ROWS]))
    if shown and all(isinstance(item, dict) for item in shown):
        return {"rows": shown, "note": note}
    text = "\n".join(str(item) for item in shown)
    return {"text": text[:_BYTES] + ("…" if len(text) > _BYTES else ""), "note": note}


def _uris(value: Any) -> Iterator[str]:
    match value:
        case str() if value.startswith("kestra://"):
            yield value
        case Mapping():
            for item in value.values():
                yield from _uris(item)
        case list() | tuple():
            for item in value:
                yield from _uris(item)


def previews(session: Session) -> dict[str, Any]:
    """Section -> name -> preview (`rows` or `text`, with a `note`)."""
    found: dict[str, dict[str, Any]] = {
        "Tables": {},
        "Objects": {},
        **{title: {} for title in _AWS.values()},
        "Stored files": {},
        "Messages": {},
    }
    if session.executor is None:
        return {}  # the run was on a server: nothing of it is here
    started = session.supervisor.started()
    if "postgres" in started:
        double: Any = session.supervisor.get("postgres")
        for database, tables in double.contents().items():
            for table, count in list(tables.items())[:_ITEMS]:
                schema, _, name = table.partition(".")
                quoted = ".".join('"' + part.replace('"', '""') + '"' for part in (schema, name))
                rows = double.query(f"select * from {quoted} limit {_ROWS}", database)
                found["Tables"][f"{database}: {table}"] = {
                    "rows": plain(rows),
                    "note": f"{count:,} rows",
                }
    if "s3" in started:
        double = session.supervisor.get("s3")
        for bucket, objects in double.contents().items():
            for key, facts in list(objects.items())[:_ITEMS]:
                size = int(facts.get("size") or 0)
                body = double.read(bucket, key) if size <= 5_000_000 else b""
                item = preview(body, size) if body else {"text": "", "note": f"{size:,} bytes"}
                found["Objects"][f"s3://{bucket}/{key}"] = item
    if "aws" in started:
        for section, things in session.supervisor.get("aws").contents().items():
            for name, items in list(things.items())[:_ITEMS]:
                found[_AWS[section]][name] = _listed(items)
    execution = session.execution
    if execution is not None:
        for run in execution.task_runs:
            for uri in dict.fromkeys(_uris(run.outputs or {})):
                if len(found["Stored files"]) >= _ITEMS:
                    break
                try:
                    with session.storage.open(uri) as stream:
                        data = stream.read(256 * 1024)
                    found["Stored files"][f"{run.task_id}: {uri}"] = preview(
                        data, session.storage.info(uri).size
                    )
                except SimulatorError:
                    continue
    for number, (channel, message) in enumerate(session.executor.outbox[:_ITEMS], 1):
        found["Messages"][f"{number}. {channel}"] = {"text": str(message.get("text") or plain(message))}
    return {title: items for title, items in found.items() if items}
