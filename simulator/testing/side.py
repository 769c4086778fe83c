"""The side file of a suite, `<suite>.sim.yml`: what a case finds, and what it expects beyond Kestra's assertions.

The suite itself stays valid for Kestra. All keys of a flow's side file (`simulator.world.sidefile`) count for every case;
below `cases` they count for one, and win. `expect` says what has to be true after the run:

    secrets: {API_TOKEN: test}
    now: 2024-01-01T00:00:00Z
    expect:
      task_runs: {call_api: 1}
    cases:
      third_time_lucky:
        mocks: {call_api: {fail: 2, outputs: {code: 200}}}
        expect:
          state: WARNING
          task_runs: {call_api: 1, never: 0}
          logs: [{task: log_it, level: INFO, contains: "hello"}, {level: ERROR, count: 0}]
          sql: [{query: "select count(*) from users", rows: [{count: 3}]}]
          s3: [{bucket: out, key: users.csv, contains: "id,name"}, {bucket: out, key: old.csv, exists: false}]
          outbox: [{method: POST, url: "https://hooks.example.org/x", json: {text: hi}}]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.diagnostics import Collector, Span
from simulator.errors import InvalidFlowError
from simulator.model.catalog import PropertySpec, T
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode
from simulator.source.yaml import read_own
from simulator.testing.suite import Suite
from simulator.world.shape import check_shape, did_you_mean
from simulator.world.sidefile import SIDE_FILE, SideFile

__all__ = ["EXPECT", "SUITE_SIDE_FILE", "SuiteSide", "read_suite_side", "side_file_of_suite"]

CODE = "SIM-SIDE-001"


def _spec(name: str, type: T = T.STRING, **rest: Any) -> PropertySpec:
    return PropertySpec(name, type, dynamic=False, as_property=False, **rest)


def _list(name: str, *fields: PropertySpec, doc: str) -> PropertySpec:
    return _spec(name, T.LIST, item=_spec("item", T.OBJECT, fields=fields), doc=doc)


_TEXT_CHECKS = (
    _spec("equals", doc="the whole text"),
    _spec("contains", doc="a part of the text"),
    _spec("matches", doc="a regular expression that is found in the text"),
)

EXPECT = _spec(
    "expect",
    T.OBJECT,
    fields=(
        _spec("state", doc="the state in which the execution ends"),
        _spec("task_runs", T.MAP, item=_spec("count", T.INTEGER), doc="task id -> number of its runs"),
        _list(
            "logs",
            _spec("task"),
            _spec("level", T.ENUM, values=("TRACE", "DEBUG", "INFO", "WARN", "ERROR")),
            *_TEXT_CHECKS,
            _spec("count", T.INTEGER, doc="how many entries (at least one when absent)"),
            doc="log entries",
        ),
        _list(
            "sql",
            _spec("query", required=True),
            _spec("database"),
            _spec("rows", T.LIST, required=True, item=_spec("row", T.MAP), doc="all rows, in order"),
            doc="rows that the PostgreSQL double holds afterwards",
        ),
        _list(
            "s3",
            _spec("bucket", required=True),
            _spec("key", required=True),
            _spec("exists", T.BOOLEAN),
            *_TEXT_CHECKS,
            _spec("json", T.ANY, doc="the content as JSON"),
            _spec("lines", T.INTEGER, doc="number of lines"),
            doc="objects of the S3 double",
        ),
        _list(
            "outbox",
            _spec("method"),
            _spec("url"),
            _spec("host"),
            *_TEXT_CHECKS,
            _spec("json", T.ANY, doc="keys that the body has, with their values"),
            _spec("headers", T.MAP),
            _spec("count", T.INTEGER, doc="how many messages (at least one when absent)"),
            doc="requests and mails that left the flow",
        ),
        _spec("outputs", T.MAP, doc="flow outputs, compared as JSON"),
        _spec("no_network", T.BOOLEAN, doc="no request was answered by anything but a double"),
    ),
)
"""What may be expected of a run."""


def _with(fields: tuple[PropertySpec, ...], *more: PropertySpec) -> tuple[PropertySpec, ...]:
    names = {spec.name for spec in more}
    return (*(spec for spec in fields if spec.name not in names), *more)


_CASE = _spec("case", T.OBJECT, fields=_with(SIDE_FILE.fields, EXPECT))

SUITE_SIDE_FILE = _spec(
    "side file of a suite",
    T.OBJECT,
    fields=_with(
        SIDE_FILE.fields, EXPECT, _spec("cases", T.MAP, item=_CASE, doc="test case id -> its own keys")
    ),
)


def side_file_of_suite(suite_file: Path) -> Path:
    """`flows/a.test.yml` -> `flows/a.test.sim.yml`."""
    return suite_file.with_name(suite_file.stem + ".sim.yml")


@dataclass(frozen=True, slots=True)
class SuiteSide:
    """A checked side file of a suite."""

    path: Path
    data: Mapping[str, Any] = field(default_factory=dict)
    node: Node | None = field(default=None, compare=False, repr=False)

    def for_case(self, case_id: str) -> SideFile:
        """The side file of one case: its own keys over the common ones. Maps are merged key by key, all else is
        replaced."""
        common = {key: value for key, value in self.data.items() if key != "cases"}
        own = (self.data.get("cases") or {}).get(case_id) or {}
        return SideFile(self.path, self.node, _merged(common, own))

    def expectations(self, case_id: str) -> Mapping[str, Any]:
        """What is expected of a case; {} when nothing is."""
        found = self.for_case(case_id).data.get("expect")
        return found if isinstance(found, Mapping) else {}

    def span(self, *keys: str) -> Span | None:
        """Where a key stands (`span("cases", "happy", "expect")`), None when it is not there."""
        node: Node | None = self.node
        for position, key in enumerate(keys):
            if not isinstance(node, MapNode) or key not in node:
                return None
            if position == len(keys) - 1:
                return node.key_spans[key]
            node = node.get(key)
        return None


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(one)
    for key, value in other.items():
        before = result.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        result[key] = _merged(before, value) if both else value  # type: ignore[arg-type]
    return result


def read_suite_side(path: Path, suite: Suite) -> SuiteSide:
    """Reads and checks a side file; an absent one is empty. Raises InvalidFlowError with every mistake in it."""
    if not path.exists():
        return SuiteSide(path)
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InvalidFlowError(f"cannot read the side file {path}: {reason}", code=CODE) from None
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()):
        return SuiteSide(path)
    node = read_own(text, str(path))
    collector = Collector()
    check_shape(node, SUITE_SIDE_FILE, collector, CODE)
    for key, span in _case_keys(node):
        if suite.case(key) is None:
            names = [case.id for case in suite.cases]
            hint = did_you_mean(key, names) or f"cases of the suite: {', '.join(names)}"
            collector.error(CODE, f"the suite `{suite.id}` has no case `{key}`", span, hint)
    for expect in _expects(node):
        _check_texts(expect, collector)
    if collector.has_errors or not isinstance(node, MapNode):
        raise InvalidFlowError(f"{path} is not a valid side file", diagnostics=collector.sorted(), code=CODE)
    return SuiteSide(path, node.plain(), node)


def _case_keys(node: Node) -> Iterator[tuple[str, Span]]:
    cases = node.get("cases") if isinstance(node, MapNode) else None
    if isinstance(cases, MapNode):
        yield from cases.key_spans.items()


def _expects(node: Node) -> Iterator[MapNode]:
    if not isinstance(node, MapNode):
        return
    cases = node.get("cases")
    for owner in (node, *(cases.entries.values() if isinstance(cases, MapNode) else ())):
        expect = owner.get("expect") if isinstance(owner, MapNode) else None
        if isinstance(expect, MapNode):
            yield expect


def _check_texts(node: Node, collector: Collector) -> None:
    """Regular expressions that do not compile."""
    if isinstance(node, MapNode):
        for key, child in node.entries.items():
            if key == "matches" and isinstance(child, ScalarNode):
                try:
                    re.compile(child.text)
                except re.error as error:
                    collector.error(CODE, f"`matches` is no regular expression: {error}", child.span)
            _check_texts(child, collector)
    elif isinstance(node, ListNode):
        for child in node.items:
            _check_texts(child, collector)
