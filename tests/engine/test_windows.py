"""Windows of Flow triggers: their bounds, what counts in them, and what the new execution sees of it."""

import datetime as dt
import zoneinfo
from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1, V2, Dialect
from simulator.engine.triggers.windows import Memory, bounds_of
from tests.engine.harness import RETURN, START, World, flow, run_of

CORE = "io.kestra.plugin.core"
HOUR = dt.timedelta(hours=1)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("options", "start", "end"),
    [
        (None, "03T00:00", "04T00:00"),
        ({"window": "PT6H"}, "03T10:00", "03T16:00"),
        ({"window": "PT6H", "windowAdvance": "PT1H"}, "03T11:00", "03T17:00"),
        ({"every": "PT15M"}, "03T10:30", "03T10:45"),
        ({"every": "P2D", "offset": "PT6H"}, "03T06:00", "05T06:00"),
        ({"type": "SLIDING_WINDOW", "window": "PT1H"}, "03T10:42", "03T11:42"),
        ({"lookback": "PT1H"}, "03T10:42", "03T11:42"),
        ({"type": "DAILY_TIME_DEADLINE", "deadline": "09:00:00"}, "03T00:00", "03T09:00"),
        ({"from": "08:00:00", "to": "12:30:00"}, "03T08:00", "03T12:30"),
    ],
)
def test_bounds(options: dict[str, Any] | None, start: str, end: str) -> None:
    now = utc("2025-03-03T10:42")
    assert bounds_of(options, now) == (utc(f"2025-03-{start}"), utc(f"2025-03-{end}"))


def test_times_of_a_day_are_those_of_a_zone() -> None:
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    now = utc("2025-03-03T23:30")  # the 4th in Berlin
    assert bounds_of({"deadline": "09:00:00"}, now, berlin)[1] == utc("2025-03-04T08:00")
    assert bounds_of({"deadline": "09:00:00", "timezone": "Europe/Berlin"}, now)[1] == utc("2025-03-04T08:00")


def test_a_window_that_is_over_takes_nothing_along() -> None:
    memory = Memory()
    first = memory.open({"lookback": "PT1H"}, START)
    assert first is not None
    first.seen.add("a")
    assert memory.open({"lookback": "PT1H"}, START + HOUR / 2) is first
    second = memory.open({"lookback": "PT1H"}, START + HOUR)
    assert second is not None and second.seen == set()
    assert memory.open({"deadline": "08:00:00"}, utc("2025-03-04T09:00")) is None


def upstream(name: str) -> str:
    head = f"outputs:\n  - {{id: from_{name}, type: STRING, value: {name}}}\n  - {{id: who, type: STRING, value: {name}}}"
    return flow(f"- {{id: a, type: {RETURN}, format: x}}", head=head).replace("id: flow", f"id: {name}", 1)


def listener(trigger: str) -> str:
    return flow(
        f'- {{id: a, type: {RETURN}, format: "{{{{ trigger.outputs | toJson }}}}"}}',
        tail=f"triggers:\n  - id: both\n    type: {CORE}.trigger.Flow\n    {trigger}",
    ).replace("id: flow", "id: listens", 1)


class System:
    """Two flows and one that listens to them."""

    def __init__(self, folder: Path, trigger: str, dialect: Dialect) -> None:
        self.world = World(folder, upstream("one"), upstream("two"), listener(trigger), dialect=dialect)

    def run(self, name: str, after: dt.timedelta = dt.timedelta()) -> int:
        """Runs a flow, some time later; how often the listener has run by then."""
        self.world.clock.jump(self.world.clock.now() + after)
        self.world.executor.create("test.engine", name)
        self.world.executor.run_until_idle()
        return len(self.fired)

    @property
    def fired(self) -> list[Any]:
        return [item for item in self.world.executor.executions() if item.flow_id == "listens"]


def preconditions(window: str = "{}", more: str = "") -> str:
    return (
        f"preconditions: {{id: p, timeWindow: {window}, {more}flows: "
        "[{namespace: test.engine, flowId: one}, {namespace: test.engine, flowId: two}]}"
    )


def depends_on(more: str = "") -> str:
    return (
        "dependsOn: [{namespace: test.engine, flowId: one}, {namespace: test.engine, flowId: two}]"
        f"\n    {more}"
    )


def test_both_within_a_sliding_window(tmp_path: Path) -> None:
    system = System(tmp_path, preconditions("{type: SLIDING_WINDOW, window: PT1H}"), V1)
    assert system.run("one") == 0
    assert system.run("two", 2 * HOUR) == 0, "the first one is forgotten"
    assert system.run("one", HOUR / 2) == 1


def test_both_before_a_deadline(tmp_path: Path) -> None:
    system = System(tmp_path, preconditions("{type: DAILY_TIME_DEADLINE, deadline: '10:30:00'}"), V1)
    assert (system.run("one"), system.run("two", HOUR)) == (0, 1)
    assert (system.run("one", HOUR), system.run("two")) == (1, 1), "it is past the deadline"


def test_both_between_two_times(tmp_path: Path) -> None:
    system = System(
        tmp_path, preconditions("{type: DAILY_TIME_WINDOW, startTime: '10:00:00', endTime: '12:00:00'}"), V1
    )
    assert system.run("one") == 0, "at nine o'clock"
    assert (system.run("two", 2 * HOUR), system.run("one")) == (0, 1)


def test_reset_on_success_or_not(tmp_path: Path) -> None:
    once = System(tmp_path / "a", preconditions(), V1)
    assert [once.run(name) for name in ("one", "two", "one", "two")] == [0, 1, 1, 2]
    again = System(tmp_path / "b", preconditions(more="resetOnSuccess: false, "), V1)
    assert [again.run(name) for name in ("one", "two", "one")] == [0, 1, 2]


def test_fire_once_of_2(tmp_path: Path) -> None:
    plain = System(tmp_path / "a", depends_on(), V2)
    assert [plain.run(name) for name in ("one", "two", "one", "two")] == [0, 1, 1, 2]
    kept = System(tmp_path / "b", depends_on("window: {every: PT24H}"), V2)
    assert [kept.run(name) for name in ("one", "two", "one")] == [0, 1, 2]
    once = System(tmp_path / "c", depends_on("window: {every: PT24H, fireOnce: true}"), V2)
    assert [once.run(name) for name in ("one", "two", "one")] == [0, 1, 1]


def test_outputs_of_several(tmp_path: Path) -> None:
    old = System(tmp_path / "a", preconditions(), V1)
    old.run("one"), old.run("two")
    assert run_of(old.fired[0], "a").outputs["value"] == '{"from_two":"two","who":"one","from_one":"one"}'
    new = System(tmp_path / "b", depends_on(), V2)
    new.run("one"), new.run("two")
    assert run_of(new.fired[0], "a").outputs["value"] == (
        '{"from_two":"two","who":"two","test.engine":{"one":{"from_one":"one","who":"one"},'
        '"two":{"from_two":"two","who":"two"}}}'
    )


@pytest.mark.parametrize(
    ("when", "fires"),
    [
        ("namespace | startsWith('test.')", True),
        ("flowId == 'two'", False),
        ("state == 'SUCCESS' and outputs.who == 'one' and labels.team == 'data'", True),
        ("hasRetryAttempt", False),
        ("trigger.flowId == 'one'", True),
    ],
)
def test_a_dependency_looks_at_the_execution(tmp_path: Path, when: str, fires: bool) -> None:
    world = World(
        tmp_path,
        upstream("one").replace("namespace: test.engine\n", "namespace: test.engine\nlabels: {team: data}\n"),
        listener(f'dependsOn: [{{when: "{{{{ {when} }}}}"}}]'),
        dialect=V2,
    )
    world.run()
    assert ([item.flow_id for item in world.executor.executions()] == ["one", "listens"]) is fires
