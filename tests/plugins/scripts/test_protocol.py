"""The `::{...}::` lines."""

from typing import Any

import pytest

from simulator.dialect import V1, V2, Dialect
from simulator.plugins.scripts.protocol import LineReader
from tests.plugins.fake_context import FakeLogger


class Read:
    def __init__(self, *lines: str, dialect: Dialect = V2) -> None:
        self.logger = FakeLogger()
        self.metrics: list[tuple[Any, ...]] = []
        reader = LineReader(self.logger, lambda *metric: self.metrics.append(metric), dialect)
        for line in lines:
            reader.stdout(line)
        self.outputs = reader.outputs
        self.logs = self.logger.entries
        self.reader = reader


def test_outputs_are_merged_and_not_logged() -> None:
    read = Read('::{"outputs":{"a":1,"b":null}}::', '::{"outputs":{"a":"two"}}::')
    assert read.outputs == {"a": "two", "b": None}
    assert read.logs == []


@pytest.mark.parametrize(
    "line",
    [
        'x ::{"outputs":{"a":1}}::',
        '::{"outputs":{"a":1}}:: ',
        '::{"outputs":{"a":1}}::x',
        '::["a"]::',
        "::{}",
        '{"outputs":{"a":1}}',
    ],
)
def test_a_line_counts_only_as_a_whole(line: str) -> None:
    read = Read(line)
    assert read.outputs == {}
    assert read.logs == [("INFO", line)]


def test_braces_in_text_are_no_placeholders() -> None:
    assert Read("{} and {}").logs == [("INFO", "{} and {}")]


def test_stderr_is_logged_as_error_and_may_speak_the_protocol() -> None:
    read = Read()
    read.reader.stderr("oops")
    read.reader.stderr('::{"outputs":{"a":1}}::')
    assert read.logs == [("ERROR", "oops")]
    assert read.outputs == {"a": 1}


def test_metrics() -> None:
    read = Read(
        '::{"metrics":[{"name":"c","type":"counter","value":2,"tags":{"k":"v"}},'
        '{"name":"t","type":"timer","value":"PT1.5S"},{"name":"u","type":"timer","value":0.25}]}::'
    )
    assert read.metrics == [
        ("c", 2, "counter", {"k": "v"}),
        ("t", 1.5, "timer", {}),
        ("u", 0.25, "timer", {}),
    ]


def test_gauges_came_with_2_0() -> None:
    line = '::{"outputs":{"a":1},"metrics":[{"name":"g","type":"gauge","value":3}]}::'
    assert Read(line).metrics == [("g", 3, "gauge", {})]
    old = Read(line, dialect=V1)
    assert old.metrics == []
    assert old.outputs == {}
    assert old.logs[0][0] == "WARN"
    assert old.logs[0][1].startswith("Invalid outputs '")


def test_logs() -> None:
    read = Read('::{"logs":[{"level":"WARN","message":"careful {}"},{"level":"DEBUG","message":"d"}]}::')
    assert read.logs == [("WARN", "careful {}"), ("DEBUG", "d")]


@pytest.mark.parametrize(
    "line",
    [
        "::{not json}::",
        '::{"outputs":[1]}::',
        '::{"metrics":[{"name":"c","type":"counter","value":"x"}]}::',
        '::{"metrics":[{"name":"c","type":"counter","value":true}]}::',
        '::{"metrics":[{"type":"counter","value":1}]}::',
        '::{"logs":[{"level":"LOUD","message":"x"}]}::',
        '::{"outputs":{"a":NaN}}::',
        '::{"outputs":{"a":1}}:: ::{"outputs":{"b":1}}::',
    ],
)
def test_a_line_that_cannot_be_understood_warns_and_changes_nothing(line: str) -> None:
    read = Read(line)
    assert read.outputs == {}
    assert read.metrics == []
    assert [level for level, _ in read.logs] == ["WARN"]
    assert read.logs[0][1].startswith("Invalid outputs '")


def test_other_keys_are_ignored() -> None:
    assert Read('::{"assets":{"inputs":[]},"more":1}::').logs == []


def test_markers_change_the_level_in_2_0() -> None:
    lines = ("##kestra:log:debug##", "quiet", "##kestra:log:info##", "loud")
    assert Read(*lines).logs == [("DEBUG", "quiet"), ("INFO", "loud")]
    assert len(Read(*lines, dialect=V1).logs) == 4
