"""The story of a run: ten lines, honest about mocks, quiet when asked."""

import datetime as dt
from dataclasses import replace

from simulator.engine.events import (
    DoubleReady,
    ExecutionEnded,
    ExecutionStarted,
    LogEmitted,
    RunStarted,
    TaskRunChanged,
)
from simulator.engine.execution import Execution, LogEntry, State, StateType, TaskRun
from simulator.reports.console import ConsoleReporter
from simulator.reports.style import Style

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def at(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


def execution(state: StateType = StateType.CREATED, seconds: float = 0) -> Execution:
    base = Execution("e1", "company.team", "hello", State.created(START))
    return replace(base, state=base.state.with_state(state, at(seconds)))


def task_run(name: str, state: StateType, seconds: float, **rest: object) -> TaskRun:
    run = TaskRun(f"id-{name}", "e1", "company.team", "hello", name, State.created(START))
    return replace(run.with_state(state, at(seconds)), **rest)  # type: ignore[arg-type]


def story(*events: object, **options: object) -> tuple[str, str]:
    out: list[str] = []
    err: list[str] = []
    reporter = ConsoleReporter(
        out.append,
        err.append,
        style=Style(False),
        err_style=Style(False),
        **options,  # type: ignore[arg-type]
    )
    reporter.size(["fetch", "store"], ["io.kestra.plugin.core.log.Log"])
    for event in events:
        reporter.on_event(event)  # type: ignore[arg-type]
    reporter.close()
    return "".join(out), "".join(err)


def run_of(final: StateType, *middle: object) -> tuple[object, ...]:
    return (
        RunStarted(START, "hello.yml", "company.team", "hello", "2.0"),
        ExecutionStarted(START, execution()),
        *middle,
        ExecutionEnded(at(2), execution(final, 2)),
    )


def test_one_line_per_task_run_and_the_result() -> None:
    out, err = story(
        *run_of(
            StateType.SUCCESS,
            DoubleReady(START, "postgres", "127.0.0.1:5432"),
            TaskRunChanged(START, task_run("fetch", StateType.RUNNING, 0), "io.kestra.plugin.core.log.Log"),
            TaskRunChanged(
                at(1), task_run("fetch", StateType.SUCCESS, 1), "io.kestra.plugin.core.log.Log", "6 rows"
            ),
        )
    )
    lines = out.splitlines()
    assert lines[0] == "hello  company.team  Kestra 2.0"
    assert sum("fetch" in line for line in lines) == 1
    assert "SUCCESS   fetch  log.Log" in out and "1.00 s  6 rows" in out
    assert lines[-1] == "SUCCESS  hello  1 task run in 2.00 s"
    assert err == ""


def test_a_mock_says_that_it_is_one() -> None:
    run = task_run("fetch", StateType.SUCCESS, 1, mocked=True)
    out, _ = story(*run_of(StateType.SUCCESS, TaskRunChanged(at(1), run)))
    assert "(mock)" in out
    assert out.rstrip().endswith(", 1 mocked")
    quiet, _ = story(*run_of(StateType.SUCCESS, TaskRunChanged(at(1), run, "x.Y")), quiet=True)
    assert quiet.endswith("1 task run in 2.00 s, 1 mocked\n")


def test_errors_follow_a_failed_run_only() -> None:
    log = LogEmitted(
        START, LogEntry("company.team", "hello", "e1", "ERROR", "no such table\nline 2", START, "fetch")
    )
    _, err = story(*run_of(StateType.FAILED, log))
    assert "ERROR fetch  no such table" in err and "line 2" in err
    _, err = story(*run_of(StateType.SUCCESS, log))
    assert err == ""


def test_verbose_shows_logs_as_they_come_and_quiet_only_the_result() -> None:
    log = LogEmitted(START, LogEntry("company.team", "hello", "e1", "INFO", "hi \x1b[31m", START, "fetch"))
    _, err = story(*run_of(StateType.SUCCESS, log), log_level="INFO")
    assert err == "    INFO  fetch  hi \\x1b[31m\n"
    run = TaskRunChanged(at(1), task_run("fetch", StateType.SUCCESS, 1))
    out, _ = story(*run_of(StateType.SUCCESS, run), quiet=True)
    assert out == "SUCCESS  hello  1 task run in 2.00 s\n"


def test_a_long_loop_is_counted_but_failures_are_always_told() -> None:
    runs = [TaskRunChanged(at(1), task_run(f"t{n}", StateType.SUCCESS, 1)) for n in range(250)]
    bad = TaskRunChanged(at(1), task_run("broken", StateType.FAILED, 1))
    out, _ = story(*run_of(StateType.FAILED, *runs, bad))
    assert "... and 50 SUCCESS" in out
    assert "broken" in out
    assert "251 task runs" in out
