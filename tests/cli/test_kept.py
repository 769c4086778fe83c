"""executions, resume, restart, replay, kill, triggers: what was kept is shown, and gone on with."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from simulator.cli.console import Console
from simulator.cli.main import main
from simulator.doubles.platform import own

PAUSED = """\
id: asks
namespace: test.kept
tasks:
  - {id: before, type: io.kestra.plugin.core.debug.Return, format: one}
  - id: ask
    type: io.kestra.plugin.core.flow.Pause
    onResume:
      - {id: name, type: STRING}
  - {id: after, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.before.value }} {{ outputs.ask.onResume.name }}"}
triggers:
  - {id: daily, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 9 * * *"}
"""
FAILS = """\
id: fails
namespace: test.kept
tasks:
  - {id: first, type: io.kestra.plugin.core.log.Log, message: x}
  - {id: flaky, type: io.kestra.plugin.core.log.Log, message: "{{ 1 / taskrun.attemptsCount }}"}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "asks.yml").write_text(PAUSED, "utf-8")
    (tmp_path / "fails.yml").write_text(FAILS, "utf-8")
    return tmp_path


def simulate(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(arguments, Console(out, err, {}))
    return code, out.getvalue(), err.getvalue()


def test_a_wrong_answer_is_told_with_the_option_that_gives_it(here: Path) -> None:
    (here / "ask.yml").write_text(
        "id: ask\nnamespace: company.team\ntasks:\n  - id: wait\n    type: io.kestra.plugin.core.flow.Pause\n"
        "    onResume:\n      - {id: count, type: INT}\n"
    )
    code, _, err = simulate("ask.yml", "-q", "--resume", "count=many")
    assert code == 4 and "`--resume count=VALUE`, or `simulate resume -i count=VALUE`" in err


def test_a_paused_execution_is_resumed_later(here: Path) -> None:
    code, _, _ = simulate("asks.yml", "--kestra", "2", "-q")
    assert code == 8
    rows = json.loads(simulate("executions", "--json")[1])
    assert [(row["flowId"], row["state"]["current"]) for row in rows] == [("asks", "PAUSED")]
    code, _, err = simulate("resume", rows[0]["id"][:10])
    assert (code, "name" in err) == (4, True)
    assert simulate("resume", rows[0]["id"], "-i", "name=Ada", "-q")[0] == 0
    shown = json.loads(simulate("executions", "show", rows[0]["id"], "--json")[1])
    assert shown["state"]["current"] == "SUCCESS"
    assert [run["taskId"] for run in shown["taskRunList"]] == ["before", "ask", "after"]
    assert "one Ada" in simulate("executions", "logs")[1]


def test_a_failed_execution_is_restarted_and_compared(here: Path) -> None:
    assert simulate("fails.yml", "--kestra", "2", "-q")[0] == 1
    first = json.loads(simulate("executions", "--json")[1])[0]["id"]
    assert simulate("restart", "-q")[0] == 0
    assert simulate("replay", first, "-q")[0] == 1
    ids = [row["id"] for row in json.loads(simulate("executions", "--json")[1])]
    assert len(ids) == 2
    code, out, _ = simulate("executions", "diff", *ids)
    assert code == 0
    assert '"state": "FAILED"' in out and '"state": "SUCCESS"' in out


def test_a_task_gets_another_state(here: Path) -> None:
    (here / "more.yml").write_text(
        FAILS.replace("/ taskrun.attemptsCount", "/ 0")
        + "  - {id: last, type: io.kestra.plugin.core.log.Log, message: done}\n",
        "utf-8",
    )
    assert simulate("more.yml", "--kestra", "2", "-q")[0] == 1
    assert simulate("restart", "--task", "flaky", "--state", "SUCCESS", "-q")[0] == 0
    shown = json.loads(simulate("executions", "show", "--json")[1])
    assert [(run["taskId"], run["state"]["current"]) for run in shown["taskRunList"]] == [
        ("first", "SUCCESS"),
        ("flaky", "SUCCESS"),
        ("last", "SUCCESS"),
    ]
    assert simulate("restart", "--task", "nope", "--state", "SUCCESS")[0] == 2
    code, _, err = simulate("restart", "--task", "flaky")
    assert (code, "belong together" in err) == (2, True)


def test_a_waiting_execution_is_killed(here: Path) -> None:
    simulate("asks.yml", "--kestra", "2", "-q")
    assert simulate("kill", "-q")[0] == 1
    assert "KILLED" in simulate("executions")[1]


def test_what_is_not_there(here: Path) -> None:
    assert simulate("executions")[0] == 0
    assert simulate("resume", "nobody")[0] == 5
    assert simulate("executions", "diff", "a")[0] == 2


def test_triggers_are_listed_and_played(here: Path) -> None:
    span = ("--from", "2025-01-01", "--to", "2025-01-04", "--kestra", "2")
    code, out, _ = simulate("triggers", "asks.yml", *span)
    assert (code, len(out.splitlines())) == (0, 3)
    code, out, err = simulate("triggers", "asks.yml", *span, "--run", "--json")
    assert (code, "1 PAUSED" in err) == (0, True)
    assert "the trigger daily waits since 2025-01-02T09:00:00+00:00" in err, "its execution is not over"
    assert [row["state"]["startDate"] for row in json.loads(out)] == ["2025-01-01T09:00:00.000Z"]


PARENT = """\
id: parent
namespace: test.kept
tasks:
  - {id: sub, type: io.kestra.plugin.core.flow.Subflow, namespace: test.kept, flowId: asks, wait: true}
"""


def test_a_pause_in_a_subflow_is_told_and_answered(here: Path) -> None:
    (here / "parent.yml").write_text(PARENT, "utf-8")
    code, _, err = simulate("parent.yml", "--kestra", "2", "-q", "--flows", "asks.yml")
    assert code == 8, "the main execution runs, and waits"
    line = err.splitlines()[-1]
    assert line.startswith("It waits. Go on with: simulate resume ") and line.endswith(" --flows asks.yml")
    code, _, err = simulate(*line.partition("simulate ")[2].split(), "-i", "name=Ada", "-q")
    assert code == 0, err
    states = {
        row["flowId"]: row["state"]["current"] for row in json.loads(simulate("executions", "--json")[1])
    }
    assert states == {"parent": "SUCCESS", "asks": "SUCCESS"}
    assert simulate("parent.yml", "--kestra", "2", "-q", "--resume", "name=Ada")[0] == 0


def test_an_interrupted_execution_goes_on(here: Path) -> None:
    (here / "plain.yml").write_text(
        PAUSED.replace("flow.Pause", "flow.Sleep\n    duration: PT1H")
        .replace("    onResume:\n      - {id: name, type: STRING}\n", "")
        .replace("{{ outputs.ask.onResume.name }}", "there"),
        "utf-8",
    )
    assert simulate("plain.yml", "--kestra", "2", "-q")[0] == 0
    (events,) = here.glob(".simulate/runs/*/events.jsonl")
    lines = events.read_bytes().splitlines(keepends=True)
    asleep = next(number for number, line in enumerate(lines) if b"Waiting for" in line)
    events.write_bytes(b"".join(lines[:asleep]) + b'{"e":"lo')
    code, out, err = simulate("executions")
    assert ("RUNNING" in out, "(interrupted)" in out, "simulate resume ID" in err) == (True, True, True)
    code, out, _ = simulate("resume")
    assert (code, "SUCCESS" in out) == (0, True)
    assert "one there" in simulate("executions", "logs")[1]
    code, _, err = simulate("resume")
    assert (code, "is not paused, can't resume it" in err) == (2, True)


def test_what_another_process_works_on_is_left_alone(here: Path) -> None:
    simulate("asks.yml", "--kestra", "2", "-q")
    (folder,) = here.glob(".simulate/runs/*")
    own(folder)
    code, _, err = simulate("resume")
    assert (code, "is being worked on by another process" in err) == (2, True)


SCHEDULES = """\
id: sched
namespace: test.kept
inputs: [{id: day, type: STRING, defaults: none}]
tasks:
  - {id: a, type: io.kestra.plugin.core.log.Log, message: "{{ trigger.date }} {{ inputs.day }}"}
triggers:
  - {id: hourly, type: io.kestra.plugin.core.trigger.Schedule, cron: "@hourly", lateMaximumDelay: PT90M}
"""


def test_past_dates_are_filled_in(here: Path) -> None:
    (here / "sched.yml").write_text(SCHEDULES, "utf-8")
    span = ("triggers", "sched.yml", "--kestra", "2", "--from", "2025-01-01", "--to", "2025-01-01T03:00")
    code, out, err = simulate(*span, "--backfill", "-i", "day=x", "--label", "why=test")
    assert (code, len(out.splitlines()), "3 SUCCESS" in err) == (0, 3, True)
    assert "(of 2025-01-01T00:00:00+00:00)" in out
    assert "2025-01-01T00:00:00Z x" in simulate("executions", "logs")[1]
    shown = simulate("executions", "show")[1]
    assert "why=test" in shown
    assert "started by  hourly (Schedule) of 2025-01-01T00:00:00+00:00" in shown
    assert simulate("replay", "-q")[0] == 0, "the run knows its flow"


def test_dates_that_the_scheduler_missed(here: Path) -> None:
    (here / "sched.yml").write_text(SCHEDULES, "utf-8")
    span = (
        "triggers",
        "sched.yml",
        "--kestra",
        "2",
        "--from",
        "2025-01-01",
        "--to",
        "2025-01-01T05:00",
        "--run",
    )
    code, out, _ = simulate(*span, "--down", "2025-01-01T00:30", "2025-01-01T03:30")
    assert code == 0
    assert re.findall(r"T(..:..).*\(of .*?T(..:..)", out) == [
        ("03:30", "01:00"),
        ("03:30", "02:00"),
        ("03:30", "03:00"),
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--run", "-i", "day=x"), "belong to --backfill"),
        (("--down", "2025-01-01", "2025-01-02"), "--down belongs to --run"),
        (("--backfill",), "--backfill takes --from and --to"),
        (
            ("--backfill", "--from", "2025-01-01", "--to", "2025-01-02", "--now", "2025-01-01T12:00"),
            "is of the past",
        ),
        (("--trigger", "nope"), "Unable to find trigger nope"),
    ],
)
def test_options_of_triggers_that_would_do_nothing(
    here: Path, options: tuple[str, ...], message: str
) -> None:
    (here / "sched.yml").write_text(SCHEDULES, "utf-8")
    code, _, err = simulate("triggers", "sched.yml", "--kestra", "2", *options)
    assert code != 0
    assert message in err


def test_a_schedule_by_hand_is_due_or_late(here: Path) -> None:
    (here / "sched.yml").write_text(SCHEDULES, "utf-8")
    run = ("run", "sched.yml", "--kestra", "2", "-q", "--trigger", "hourly", "--at", "2025-01-01T00:10")
    assert simulate(*run)[0] == 0
    assert "2025-01-01T01:00:00Z" in simulate("executions", "logs")[1]
    assert simulate(*run, "--now", "2025-01-01T02:00")[0] == 0, "an hour late"
    code, _, err = simulate(*run, "--now", "2025-01-01T03:00")
    assert (code, "is later than lateMaximumDelay PT90M allows" in err) == (2, True)
    code, _, err = simulate(*run, "--now", "2024-01-01")
    assert (code, "--at is later than --now" in err) == (2, True)


def test_real_work_takes_its_time_after_a_pause(here: Path) -> None:
    script = """\
id: works
namespace: test.kept
tasks:
  - {id: ask, type: io.kestra.plugin.core.flow.Pause}
  - id: work
    type: io.kestra.plugin.scripts.shell.Commands
    taskRunner: {type: io.kestra.plugin.core.runner.Process}
    commands: ["sleep 0.1"]
"""
    (here / "works.yml").write_text(script, "utf-8")
    simulate("works.yml", "--kestra", "1", "-q", "--now", "2025-01-01")
    assert simulate("resume", "-q")[0] == 0
    shown = json.loads(simulate("executions", "show", "--json")[1])
    states = [entry["date"] for entry in shown["taskRunList"][-1]["state"]["histories"]]
    assert states[0].startswith("2025-01-01T00:00:00.0")
    assert states[-1] >= "2025-01-01T00:00:00.1"
