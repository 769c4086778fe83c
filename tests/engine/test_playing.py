"""The scheduler in simulated time: locks, late dates, a scheduler that was down, backfills."""

import datetime as dt
from pathlib import Path

import pytest

from simulator.dialect import V1, V2, Dialect
from simulator.engine.task import RunContext, TriggerResult
from simulator.engine.triggers.playing import Backfill, Span
from simulator.engine.triggers.schedule import Calendar
from simulator.errors import TaskError
from simulator.model.catalog import Kind, PropertySpec, T, TaskSpec
from tests.engine.harness import LOG, RETURN, SLEEP, START, World, flow, run_of, state

CORE = "io.kestra.plugin.core"
HOUR = dt.timedelta(hours=1)


def scheduled(options: str, *, sleep: str = "PT1S", head: str = "") -> str:
    return flow(
        f"""
        - {{id: a, type: {SLEEP}, duration: {sleep}}}
        - {{id: b, type: {RETURN}, format: "{{{{ trigger.date }}}}"}}
        """,
        head=head,
        tail=f"triggers:\n  - {{id: t, type: {CORE}.trigger.Schedule, {options}}}",
    )


def played(world: World) -> list[str]:
    """When each execution began, and of which date it is."""
    return [
        f"{item.state.start_date:%H:%M} of {item.schedule_date:%H:%M}" for item in world.executor.executions()
    ]


def test_a_trigger_waits_for_its_execution(tmp_path: Path) -> None:
    world = World(tmp_path, scheduled("cron: '@hourly'", sleep="PT90M"))
    (held,) = world.executor.play_triggers(START + 5 * HOUR)
    assert held.since == START + 4 * HOUR, "13:00 runs still when it is two o'clock"
    assert played(world) == ["10:00 of 10:00", "11:30 of 11:00", "13:00 of 12:00"]
    assert run_of(world.executor.executions()[1], "b").outputs == {"value": "2025-03-03T11:00:00Z"}


def test_all_at_once_when_it_may(tmp_path: Path) -> None:
    text = scheduled("cron: '@hourly', allowConcurrent: true", sleep="PT90M")
    world = World(tmp_path, text)
    world.executor.play_triggers(START + 4 * HOUR)
    assert played(world) == ["10:00 of 10:00", "11:00 of 11:00", "12:00 of 12:00"]


def test_a_pause_holds_the_trigger(tmp_path: Path) -> None:
    text = scheduled("cron: '@hourly'").replace(f"{SLEEP}, duration: PT1S", f"{CORE}.flow.Pause")
    world = World(tmp_path, text)
    (held,) = world.executor.play_triggers(START + 5 * HOUR)
    (only,) = world.executor.executions()
    assert (held.execution_id, held.since, state(only)) == (only.id, START + 2 * HOUR, "PAUSED")


def test_what_is_too_late_is_skipped(tmp_path: Path) -> None:
    world = World(tmp_path, scheduled("cron: '*/10 * * * *', lateMaximumDelay: PT5M", sleep="PT35M"))
    world.executor.play_triggers(START + 2 * HOUR)
    # the date after a start is fixed at that start; what comes after a late one is looked at
    assert played(world) == ["09:10 of 09:10", "09:45 of 09:20", "10:20 of 09:40", "10:55 of 10:20"]


DOWN = Span(START + 2 * HOUR - dt.timedelta(minutes=30), START + 5 * HOUR + dt.timedelta(minutes=15))


@pytest.mark.parametrize("dialect", [V1, V2])
@pytest.mark.parametrize(
    ("recover", "expected"),
    [
        ("ALL", ["10:00 of 10:00", "14:15 of 11:00", "14:15 of 12:00", "14:15 of 13:00", "14:15 of 14:00"]),
        ("LAST", ["10:00 of 10:00", "14:15 of 14:00"]),
        ("NONE", ["10:00 of 10:00"]),
    ],
)
def test_a_scheduler_that_was_down(
    tmp_path: Path, dialect: Dialect, recover: str, expected: list[str]
) -> None:
    world = World(tmp_path, scheduled(f"cron: '@hourly', recoverMissedSchedules: {recover}"), dialect=dialect)
    world.executor.play_triggers(START + 7 * HOUR, down=DOWN)
    assert played(world) == [*expected, "15:00 of 15:00"]


def test_a_late_scheduler_skips_what_is_too_late(tmp_path: Path) -> None:
    world = World(tmp_path, scheduled("cron: '@hourly', lateMaximumDelay: PT2H"))
    world.executor.play_triggers(START + 6 * HOUR, down=DOWN)
    assert played(world) == ["10:00 of 10:00", "14:15 of 11:00", "14:15 of 13:00", "14:15 of 14:00"]


@pytest.mark.parametrize("dialect", [V1, V2])
def test_a_backfill_has_inputs_and_labels_of_its_own(tmp_path: Path, dialect: Dialect) -> None:
    head = "inputs:\n  - {id: day, type: STRING}\n  - {id: other, type: STRING}"
    text = scheduled("cron: '0 9 * * *', lateMaximumDelay: PT1H, inputs: {day: x, other: kept}", head=head)
    world = World(tmp_path, text, dialect=dialect)
    span = Span(START - dt.timedelta(days=3), START)
    given = Backfill({"day": "{{ trigger.date | date('dd') }}"}, {"why": "backfill", "system.username": "x"})
    world.executor.backfill(world.flow, world.flow.triggers[0], span, given)
    found = world.executor.executions()
    assert [item.inputs for item in found] == [{"day": day, "other": "kept"} for day in ("28", "01", "02")]
    assert {dict(item.labels).get("why") for item in found} == {"backfill"}
    assert not any("system.username" in dict(item.labels) for item in found)
    assert [item.state.start_date - START for item in found] == [dt.timedelta(seconds=n) for n in range(3)]


def test_a_condition_that_holds_back_for_long(tmp_path: Path) -> None:
    text = scheduled('cron: "*/5 * * * * *", withSeconds: true')
    world = World(tmp_path, text)
    found = Calendar(
        world.flow.triggers[0],
        world.flow.triggers[0].properties,
        V2,
        dt.UTC,
        lambda variables: variables["date"][:10] in ("2025-03-02", "2025-03-04"),
    ).next_fire(START - HOUR)
    assert found is not None
    assert found.variables == {
        "date": "2025-03-04T00:00:00Z",
        "next": "2025-03-04T00:00:05Z",
        "previous": "2025-03-02T23:59:55Z",
    }


def test_disabled_flows_do_nothing(tmp_path: Path) -> None:
    world = World(tmp_path, scheduled("cron: '@hourly'", head="disabled: true"))
    world.executor.play_triggers(START + 3 * HOUR)
    assert world.executor.executions() == []


def test_from_now_and_only_one(tmp_path: Path) -> None:
    other = f"\n  - {{id: u, type: {CORE}.trigger.Schedule, cron: '30 * * * *'}}"
    world = World(tmp_path, scheduled("cron: '@hourly'") + other)
    world.executor.play_triggers(START + HOUR, only="t", from_now=True)
    assert played(world) == ["09:00 of 09:00"]


def test_checks_are_not_for_triggers(tmp_path: Path) -> None:
    head = 'checks:\n  - {when: "{{ false }}", message: no, behavior: BLOCK_EXECUTION}'
    world = World(tmp_path, scheduled("cron: '@hourly'", head=head))
    world.executor.play_triggers(START + 2 * HOUR)
    assert [state(item) for item in world.executor.executions()] == ["SUCCESS"]


def test_a_condition_that_fails_makes_failed_executions(tmp_path: Path) -> None:
    world = World(tmp_path, scheduled("cron: '@hourly', labels: {a: b}, when: '{{ nothing.there }}'"))
    world.executor.play_triggers(START + 2 * HOUR)
    (failed,) = world.executor.executions()
    assert (state(failed), dict(failed.labels)["a"]) == ("FAILED", "b")
    assert world.messages("ERROR")[0] == "Unable to evaluate the Schedule trigger 't'"


def test_dates_may_be_an_expression(tmp_path: Path) -> None:
    text = flow(
        f"- {{id: a, type: {LOG}, message: x}}",
        head="variables: {days: ['2025-03-04T10:00:00', '2025-03-03T12:00:00+01:00']}",
        tail=f"triggers:\n  - {{id: t, type: {CORE}.trigger.ScheduleOnDates, timezone: Europe/Berlin, dates: '{{{{ vars.days }}}}'}}",
    )
    world = World(tmp_path, text)
    world.executor.play_triggers(START + 30 * HOUR)
    assert [f"{item.state.start_date:%d %H}" for item in world.executor.executions()] == ["03 11", "04 09"]


class Polls:
    """A polling trigger: finds something each second time, or fails."""

    spec = TaskSpec(
        "test.trigger.Polls",
        Kind.TRIGGER,
        properties=(PropertySpec("interval", T.DURATION), PropertySpec("broken", T.BOOLEAN)),
        open_outputs=True,
    )
    asked = 0

    def evaluate(self, context: RunContext) -> TriggerResult | None:
        Polls.asked += 1
        if context.get("broken", False):
            raise TaskError("not there")
        return TriggerResult({"n": Polls.asked}) if Polls.asked % 2 == 0 else None


def polling(options: str) -> str:
    return flow(
        f"- {{id: a, type: {SLEEP}, duration: PT25M}}",
        tail=f"triggers:\n  - {{id: p, type: test.trigger.Polls, interval: PT10M, {options}}}",
    )


def test_a_polling_trigger_asks_and_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Polls, "asked", 0)
    world = World(tmp_path, polling("labels: {x: y}"), plugins=[Polls])
    world.executor.play_triggers(START + HOUR)
    found = world.executor.executions()
    # 9:00 nothing, 9:10 something, then not before its execution is over at 9:35
    assert [f"{item.state.start_date:%H:%M}" for item in found] == ["09:10", "09:45"]
    assert [item.trigger["n"] for item in found if item.trigger] == [2, 4]


@pytest.mark.parametrize(
    ("options", "count"), [("", 0), (", failOnTriggerError: true, stopAfter: [FAILED]", 1)]
)
def test_a_polling_trigger_that_fails(tmp_path: Path, options: str, count: int) -> None:
    world = World(tmp_path, polling("broken: true" + options), plugins=[Polls])
    world.executor.play_triggers(START + HOUR)
    assert [state(item) for item in world.executor.executions()] == ["FAILED"] * count
    told = [entry for entry in world.executor.logs() if entry.message == "not there"]
    assert [entry.trigger_id for entry in world.executor.kernel.loose_logs] == ["p"] * (
        6 if count == 0 else 1
    )
    assert len(told) == (6 if count == 0 else 2)


def test_a_session_that_runs_away_ends(tmp_path: Path) -> None:
    text = scheduled("cron: '* * * * * *', withSeconds: true", sleep="PT0S")
    world = World(tmp_path, text, max_task_runs=20)
    world.executor.play_triggers(START + HOUR)
    assert state(world.executor.executions()[-1]) == "FAILED"
    assert len(world.executor.executions()) < 15
