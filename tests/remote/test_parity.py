"""Parity compares behaviour, not ids and times."""

from dataclasses import replace

from simulator.engine.execution import LogEntry
from simulator.engine.jsonform import execution_from_json, moment
from simulator.remote.parity import compare, known, normalise
from tests.remote.kestra_double import Server

THERE = execution_from_json(Server().execution("SUCCESS"))


def test_unstable_values_are_words() -> None:
    assert normalise("kestra:///a/b/5Xq8ZtQ3mWc1RkYb7NsLdP.ion") == "<uri>"
    assert normalise({"at": "2026-01-01T00:00:01.5Z", "n": 3}) == {"at": "<time>", "n": 3}
    assert normalise("run 5Xq8ZtQ3mWc1RkYb7NsLdP took 00:00:01.123") == "run <id> took <duration>"
    assert normalise("plain words stay") == "plain words stay"


def test_two_runs_of_the_same_are_equal() -> None:
    run = replace(THERE.task_runs[0], id="other")
    here = replace(THERE, id="another", task_runs=(run,), labels=(("system.correlationId", "x"),))
    assert compare(here, THERE) == []


def test_what_differs_is_named() -> None:
    run = replace(THERE.task_runs[0], outputs={"value": 1})
    here = replace(THERE, task_runs=(run,))
    log = LogEntry("company.team", "hello", "e", "WARN", "odd", moment("2026-01-01T00:00:00Z"), "say")
    found = {item.where: (item.here, item.there) for item in compare(here, THERE, [log], [])}
    assert found == {"taskRuns.say.outputs": ({"value": 1}, {}), "logs.WARN say: odd": (1, None)}


def test_known_differences_carry_their_reason() -> None:
    here = replace(THERE, outputs={"a": 1})
    found = known(compare(here, THERE), {"outputs": "reported upstream"})
    assert [item.reason for item in found] == ["reported upstream"]
    assert [item.reason for item in known(compare(here, THERE), {"taskRuns.*": "x"})] == [None]


def test_nanoseconds_are_cut() -> None:
    assert moment("2026-01-01T00:00:00.123456789Z").microsecond == 123456
