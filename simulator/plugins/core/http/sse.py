"""http.SseRequest (2.0; core-tasks.md 9): server-sent events, read to the end of the stream."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from typing import Any

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, T, TaskSpec
from simulator.plugins.core.http.client import HttpRequest, send
from simulator.plugins.core.http.message import COMMON, build_request
from simulator.plugins.core.http.options import read_options
from simulator.plugins.core.specs import CORE, prop

__all__ = ["SseRequest", "parse_events"]


class SseRequest:
    """Collects events, or the results of a jq expression on each event's data, joined."""

    spec = TaskSpec(
        f"{CORE}http.SseRequest",
        properties=(*COMMON, prop("concatJqExpression"), prop("failedOnMissingJq", T.BOOLEAN, default=True)),
        outputs=(
            OutputSpec("uri", T.STRING),
            OutputSpec("events", T.LIST),
            OutputSpec("size", T.INTEGER),
            OutputSpec("result", T.STRING),
        ),
        needs=("http",),
        since=2,
        doc="Reads server-sent events.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        options = read_options(ctx)
        request = build_request(ctx, options)
        if not any(name.lower() == "accept" for name, _ in request.headers):
            headers = (*request.headers, ("Accept", "text/event-stream"))
            request = HttpRequest(request.method, request.url, headers, request.body)
        expression = ctx.get("concatJqExpression")
        events: list[dict[str, Any]] = []
        results: list[str] = []
        size = 0
        with send(ctx, request, options) as response:
            for event in parse_events(response.chunks() if response.has_body else ()):
                size += 1
                if expression is None:
                    events.append(event)
                else:
                    text = _jq(ctx, expression, event.get("data", ""))
                    if text is not None:
                        results.append(text)
                if ctx.cancelled:
                    break
            outputs: dict[str, Any] = {"uri": response.url, "size": size}
        if expression is None:
            outputs["events"] = events
        else:
            outputs["result"] = "".join(results)
        return TaskResult(outputs, fact=f"{size} events")


def _jq(ctx: RunContext, expression: str, data: str) -> str | None:
    """The texts of the results on one event; None when there are none and that is allowed."""
    import jq
    import orjson

    try:
        found = [item for item in jq.compile(expression).input_text(data).all() if item is not None]
    except ValueError:
        found = []
    if not found:
        if ctx.get("failedOnMissingJq", True):
            raise TaskError(f"Failed to resolve JQ expression '{expression}' and value '{data}'")
        return None
    return "".join(item if isinstance(item, str) else orjson.dumps(item).decode() for item in found)


def parse_events(chunks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Events of a stream (WHATWG server-sent events): data, id, name, comment, retry; absent fields left out.

    An event without its closing blank line is dropped, as the standard says.
    """
    data: list[str] = []
    event: dict[str, Any] = {}
    for line in _lines(chunks):
        if line == "":
            if data or event:
                if data:
                    event = {"data": "\n".join(data), **event}
                yield event
            data, event = [], {}
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "":
            event["comment"] = f"{event['comment']}\n{value}" if "comment" in event else value
        elif name == "data":
            data.append(value)
        elif name == "event":
            event["name"] = value
        elif name == "id" and "\0" not in value:
            event["id"] = value
        elif name == "retry" and value.isascii() and value.isdigit():
            event["retry"] = int(value)


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines ended by LF, CR or CR LF, across chunks; a last line without an end is no line."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    rest = ""
    for chunk in chunks:
        rest += decoder.decode(chunk)
        # A CR at the very end may be half of a CR LF.
        held = rest.endswith("\r")
        text = (rest[:-1] if held else rest).replace("\r\n", "\n").replace("\r", "\n")
        *whole, last = text.split("\n")
        yield from whole
        rest = last + ("\r" if held else "")
    if rest.endswith("\r"):
        yield rest[:-1]
