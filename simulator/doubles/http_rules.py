"""Rules of the HTTP double: which request gets which answer. Pure data and matching, no sockets.

One rule, as the side file's `http:` list holds it (only `url` is needed):

    - method: POST                       # any method when absent
      url: https://hooks.slack.com/**    # exact, or with * (within a path segment) and ** (anything); `regex:...`
      headers_match: {X-Api-Key: abc}    # request headers that must be there with this value (`*` = any)
      body_contains: critical            # text that the request's body must hold
      times: 2                           # the rule is used up after so many requests
      status: 200
      headers: {X-Total: "3"}
      body: {ok: true}                   # text, or anything else as JSON; `file: answer.json` reads a file
      delay: PT0.2S                      # real time before the answer
      fault: reset                       # refuse, reset, truncate, slow, hang

`responses: [{status: 503}, {status: 200, body: ok}]` gives one answer after the other, the last one for ever.
Without `?` in the pattern the query does not matter. The first rule that matches wins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.doubles.faults import normalize
from simulator.errors import DoubleError
from simulator.values import parse_duration

__all__ = ["FAULTS", "Fault", "Request", "Response", "Rule", "parse_rules", "snippet"]

FAULTS = ("refuse", "reset", "truncate", "slow", "hang")

_RESPONSE_KEYS = frozenset({"status", "headers", "body", "file", "content_type", "delay", "fault"})
_RULE_KEYS = (
    frozenset({"method", "url", "headers_match", "body_contains", "times", "responses"}) | _RESPONSE_KEYS
)


@dataclass(frozen=True, slots=True)
class Request:
    """What came in, with the URL that the client meant."""

    method: str
    url: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. `delay` in seconds of real time."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    delay: float = 0.0
    fault: str | None = None


@dataclass(slots=True)
class Rule:
    """A pattern and its answers; counts how often it was used. Not thread-safe: the double holds a lock."""

    pattern: str
    regex: re.Pattern[str]
    method: str | None
    with_query: bool
    headers: Mapping[str, str]
    body_contains: bytes | None
    times: int | None
    responses: tuple[Response, ...]
    used: int = field(default=0)

    def fits_url(self, url: str) -> bool:
        """Whether the rule is about this URL, used up or not."""
        return self.regex.fullmatch(url if self.with_query else url.partition("?")[0]) is not None

    def fits(self, request: Request) -> bool:
        if self.times is not None and self.used >= self.times:
            return False
        if self.method is not None and self.method != request.method:
            return False
        if not self.fits_url(request.url):
            return False
        for name, value in self.headers.items():
            sent = request.headers.get(name)
            if sent is None or value not in ("*", sent):
                return False
        return self.body_contains is None or self.body_contains in request.body

    def answer(self) -> Response:
        """The next answer; the last one stays."""
        response = self.responses[min(self.used, len(self.responses) - 1)]
        self.used += 1
        return response


@dataclass(slots=True)
class Fault:
    """Something that goes wrong whatever the rules say. Not thread-safe: the double holds a lock."""

    response: Response
    after: int
    times: int | None
    seen: int = field(default=0)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Fault:
        """From the side file's `faults:` or `--fault`. Raises UsageError for a kind that HTTP does not know."""
        fault = normalize([data], (*FAULTS, "status"), "http")[0]
        kind, times = fault["kind"], fault.get("times")
        response = Response(
            fault.get("status", 503),
            delay=fault.get("seconds", 0.0),
            fault=None if kind == "status" else kind,
        )
        return cls(response, fault.get("after", 0), times)

    def strike(self) -> Response | None:
        """The faulty answer for the next request, None when it is spared."""
        self.seen += 1
        number = self.seen - self.after
        return self.response if number > 0 and (self.times is None or number <= self.times) else None


def parse_rules(data: Sequence[Mapping[str, Any]], base: Path | None = None) -> list[Rule]:
    """Rules of the side file. `base` is the folder of `file:` paths. Raises DoubleError for a wrong rule."""
    return [_rule(item, index, base) for index, item in enumerate(data)]


def _rule(item: Mapping[str, Any], index: int, base: Path | None) -> Rule:
    where = f"http rule {index + 1}"
    if not isinstance(item, Mapping):
        raise DoubleError(f"{where}: expected a map with `url`")
    unknown = sorted(set(item) - _RULE_KEYS)
    if unknown:
        raise DoubleError(
            f"{where}: unknown key `{unknown[0]}`", hint=f"known keys: {', '.join(sorted(_RULE_KEYS))}"
        )
    pattern = item.get("url")
    if not isinstance(pattern, str) or not pattern:
        raise DoubleError(f"{where}: `url` is missing")
    responses = item.get("responses") or [
        {key: value for key, value in item.items() if key in _RESPONSE_KEYS}
    ]
    method = item.get("method")
    needle = item.get("body_contains")
    regex, with_query = _pattern(pattern, where)
    return Rule(
        pattern=pattern,
        regex=regex,
        method=None if method in (None, "*", "ANY") else str(method).upper(),
        with_query=with_query,
        headers={str(name).lower(): str(value) for name, value in (item.get("headers_match") or {}).items()},
        body_contains=None if needle is None else str(needle).encode(),
        times=item.get("times"),
        responses=tuple(_response(answer, where, base) for answer in responses),
    )


def _pattern(pattern: str, where: str) -> tuple[re.Pattern[str], bool]:
    if pattern.startswith("regex:"):
        try:
            return re.compile(pattern.removeprefix("regex:")), True
        except re.error as error:
            raise DoubleError(f"{where}: `url` is no regular expression: {error}") from None
    parts = re.split(r"(\*\*|\*)", pattern)
    text = "".join({"**": ".*", "*": "[^/?]*"}.get(part) or re.escape(part) for part in parts)
    return re.compile(text, re.DOTALL), "?" in pattern


def _response(item: Mapping[str, Any], where: str, base: Path | None) -> Response:
    fault = item.get("fault")
    if fault is not None and fault not in FAULTS:
        raise DoubleError(f"{where}: unknown fault `{fault}`", hint=f"known faults: {', '.join(FAULTS)}")
    headers = [(str(name), str(value)) for name, value in (item.get("headers") or {}).items()]
    body, content_type = _body(item, where, base)
    content_type = item.get("content_type") or content_type
    if content_type and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", str(content_type)))
    return Response(
        int(item.get("status", 200)), tuple(headers), body, _seconds(item.get("delay"), where), fault
    )


def _body(item: Mapping[str, Any], where: str, base: Path | None) -> tuple[bytes, str | None]:
    if "file" in item:
        path = (base or Path()) / str(item["file"])
        try:
            return path.read_bytes(), None
        except OSError as error:
            raise DoubleError(f"{where}: cannot read `file` {item['file']}: {error.strerror}") from None
    body = item.get("body")
    if body is None:
        return b"", None
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), "application/json"


def _seconds(value: Any, where: str) -> float:
    if value is None:
        return 0.0
    if isinstance(value, (int, float)):
        return float(value)
    try:
        return parse_duration(str(value)).total_seconds()
    except ValueError:
        raise DoubleError(f"{where}: `delay` {value} is no duration (PT0.5S)") from None


def snippet(method: str, url: str) -> str:
    """The rule to write into the side file for a request that nothing matches."""
    plain = url.partition("?")[0]
    return f"http:\n  - method: {method}\n    url: {plain}\n    status: 200\n    body: {{}}\n"
