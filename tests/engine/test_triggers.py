"""Cron, time zones, conditions, webhooks, Flow triggers, a month played in simulated time."""

import datetime as dt
import json
from pathlib import Path

import pytest

from simulator.dialect import V1, V2, Dialect
from simulator.engine.clock import RunClock
from simulator.engine.triggers.cron import Cron
from simulator.errors import InvalidFlowError, NotFoundError, UsageError
from tests.engine.harness import LOG, RETURN, START, World, flow, ids, run_of, state

CORE = "io.kestra.plugin.core"


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize("text", ["* * *", "61 * * * *", "* * * * * *", "every day"])
def test_what_is_no_cron_is_refused(text: str) -> None:
    with pytest.raises(InvalidFlowError, match="invalid cron expression"):
        Cron(text)


def test_nicknames_and_seconds() -> None:
    assert Cron("@daily").next(START) == utc("2025-03-04T00:00")
    assert Cron("*/10 * * * * *", seconds=True).next(START) == START + dt.timedelta(seconds=10)


SCHEDULED = flow(
    f'- {{id: a, type: {RETURN}, format: "{{{{ trigger.date }}}} {{{{ trigger.next }}}}"}}',
    tail=f"""
    triggers:
      - {{id: daily, type: {CORE}.trigger.Schedule, cron: "0 7 * * *", timezone: Europe/Berlin}}
    """,
)


def test_a_schedule_says_its_dates(tmp_path: Path) -> None:
    world = World(tmp_path, SCHEDULED)
    trigger = world.flow.triggers[0]
    found = list(world.executor.trigger_dates(world.flow, trigger, START, START + dt.timedelta(days=2)))
    assert [fire.variables["date"] for fire in found] == [
        "2025-03-04T07:00:00+01:00",
        "2025-03-05T07:00:00+01:00",
    ]


def test_a_month_takes_no_time(tmp_path: Path) -> None:
    world = World(tmp_path, SCHEDULED)
    world.executor.play_triggers(START + dt.timedelta(days=30))
    executions = world.executor.executions()
    assert len(executions) == 30
    assert {state(item) for item in executions} == {"SUCCESS"}
    assert run_of(executions[0], "a").outputs == {
        "value": "2025-03-04T07:00:00+01:00 2025-03-05T07:00:00+01:00"
    }
    assert world.clock.now() == START + dt.timedelta(days=30)


def test_conditions_hold_back_and_shape_next(tmp_path: Path) -> None:
    text = flow(
        f'- {{id: a, type: {RETURN}, format: "{{{{ trigger.next }}}}"}}',
        tail=f"""
        triggers:
          - id: first_monday
            type: {CORE}.trigger.Schedule
            cron: "0 11 * * 1"
            conditions:
              - {{type: {CORE}.condition.DayWeekInMonth, dayOfWeek: MONDAY, dayInMonth: FIRST}}
        """,
    )
    world = World(tmp_path, text, dialect=V1)
    world.executor.play_triggers(START + dt.timedelta(days=60))
    assert [run_of(item, "a").outputs["value"] for item in world.executor.executions()] == [
        "2025-04-07T11:00:00Z",
        "2025-05-05T11:00:00Z",
    ]


def test_when_holds_back_in_2(tmp_path: Path) -> None:
    text = flow(
        f"- {{id: a, type: {LOG}, message: x}}",
        tail=f"""
        triggers:
          - id: weekend
            type: {CORE}.trigger.Schedule
            cron: "0 0 * * *"
            when: "{{{{ isWeekend(trigger.date) }}}}"
        """,
    )
    world = World(tmp_path, text)
    world.executor.play_triggers(START + dt.timedelta(days=14))
    assert len(world.executor.executions()) == 4


WEBHOOK = flow(
    f'- {{id: a, type: {RETURN}, format: "{{{{ trigger.body.n }}}}{{{{ trigger.parameters.q[0] }}}}"}}',
    head="outputs:\n  - {id: got, type: STRING, value: '{{ outputs.a.value }}'}",
    tail=f"""
    triggers:
      - {{id: hook, type: {CORE}.trigger.Webhook, key: "{{{{ flow.id }}}}-key", wait: true, returnOutputs: true}}
    """,
)


def test_a_webhook_answers_with_outputs(tmp_path: Path) -> None:
    world = World(tmp_path, WEBHOOK)
    answer = world.executor.webhook("test.engine", "flow", "flow-key", query="q=x", body='{"n": 4}')
    assert (answer.status, json.loads(answer.body or "")) == (200, {"got": "4x"})
    assert world.executor.webhook("test.engine", "flow", "other").status == 404


def test_firing_by_hand(tmp_path: Path) -> None:
    world = World(tmp_path, SCHEDULED, WEBHOOK.replace("id: flow", "id: hooked"))
    made = world.executor.fire("test.engine", "flow", "daily", at=utc("2025-06-01T05:00"))
    hooked = world.executor.fire(
        "test.engine", "hooked", "hook", payload={"body": {"n": 1}, "parameters": {"q": ["y"]}}
    )
    assert made is not None and hooked is not None
    world.executor.run_until_idle()
    value = run_of(world.executor.execution(made.id), "a").outputs["value"]
    assert value.startswith("2025-06-01T07:00:00+02:00")
    assert run_of(world.executor.execution(hooked.id), "a").outputs == {"value": "1y"}
    with pytest.raises(NotFoundError, match="Unable to find trigger nope"):
        world.executor.fire("test.engine", "flow", "nope")


def test_flows_listen_to_each_other(tmp_path: Path) -> None:
    def listener(name: str, upstream: str) -> str:
        return flow(
            f'- {{id: a, type: {RETURN}, format: "{{{{ trigger.flowId }}}}"}}',
            tail=f"""
            triggers:
              - id: after
                type: {CORE}.trigger.Flow
                dependsOn: [{{namespace: test.engine, flowId: {upstream}, states: [SUCCESS]}}]
            """,
        ).replace("id: flow", f"id: {name}", 1)

    first = flow(f"- {{id: a, type: {LOG}, message: x}}").replace("id: flow", "id: first", 1)
    world = World(tmp_path, first, listener("second", "first"), listener("third", "second"), dialect=V2)
    world.run()
    assert [item.flow_id for item in world.executor.executions()] == ["first", "second", "third"]
    assert run_of(world.executor.executions()[2], "a").outputs == {"value": "second"}


def test_listeners_of_1x_run_after_the_end(tmp_path: Path) -> None:
    text = flow(
        f"- {{id: a, type: {LOG}, message: x}}",
        tail=f"""
        listeners:
          - conditions: [{{type: {CORE}.condition.ExecutionStatus, in: [FAILED]}}]
            tasks: [{{id: no, type: {LOG}, message: x}}]
          - tasks: [{{id: yes, type: {LOG}, message: x}}]
        """,
    )
    assert ids(World(tmp_path, text, dialect=V1).run()) == ["a", "yes"]


def test_a_schedule_by_hand_takes_a_date_of_its_own(tmp_path: Path) -> None:
    world = World(tmp_path, SCHEDULED)
    # nine o'clock of a Monday: the last date that has passed
    made = world.executor.fire("test.engine", "flow", "daily")
    assert made is not None and made.trigger is not None
    assert made.trigger["date"] == "2025-03-03T07:00:00+01:00"
    assert world.clock.now() == START
    # the date at or after a moment; the run begins then
    later = world.executor.fire("test.engine", "flow", "daily", at=utc("2025-03-05T00:00"))
    assert later is not None and later.trigger is not None
    assert later.trigger["date"] == "2025-03-05T07:00:00+01:00"
    assert world.clock.now() == later.schedule_date == utc("2025-03-05T06:00")


def test_a_real_clock_does_not_wait_for_the_date(tmp_path: Path) -> None:
    world = World(tmp_path, SCHEDULED, clock=RunClock(simulated=False, start=START))
    made = world.executor.fire("test.engine", "flow", "daily", at=START)
    assert made is not None and made.trigger is not None
    assert made.trigger["date"] == "2025-03-04T07:00:00+01:00"
    world.executor.run_until_idle()
    assert state(world.executor.execution(made.id)) == "SUCCESS"


def test_conditions_by_their_old_name(tmp_path: Path) -> None:
    text = SCHEDULED.replace(
        "timezone:", f"scheduleConditions: [{{type: {CORE}.condition.Weekend}}], timezone:"
    )
    world = World(tmp_path, text, dialect=V1)
    world.executor.play_triggers(START + dt.timedelta(days=7))
    dates = [item.schedule_date for item in world.executor.executions()]
    assert [f"{date:%a}" for date in dates if date] == ["Sat", "Sun"]


def test_a_schedule_by_hand_that_is_too_late(tmp_path: Path) -> None:
    world = World(tmp_path, SCHEDULED.replace("timezone:", "lateMaximumDelay: PT1H, timezone:"))
    with pytest.raises(UsageError, match="2025-03-03T07:00:00.01:00 is later than lateMaximumDelay"):
        world.executor.fire("test.engine", "flow", "daily", at=utc("2025-03-03T06:00"))
    assert world.executor.fire("test.engine", "flow", "daily") is not None, "as if it were in time"


def test_a_call_by_hand_is_read_as_a_call(tmp_path: Path) -> None:
    text = WEBHOOK.replace("wait: true", "wait: true, when: \"{{ trigger.headers['X-N'][0] == '1' }}\"")
    world = World(tmp_path, text)
    call = {"body": '{"n": 4}', "headers": {"X-N": 1}, "parameters": {"q": "x"}, "key": "flow-key"}
    made = world.executor.fire("test.engine", "flow", "hook", payload=call)
    assert made is not None
    assert made.trigger == {
        "headers": {"X-N": ["1"]},
        "parameters": {"q": ["x"]},
        "body": {"n": 4},
        "_context": {"id": "hook", "type": f"{CORE}.trigger.Webhook"},
    }
    assert world.executor.fire("test.engine", "flow", "hook", payload={**call, "headers": {"X-N": 2}}) is None
    with pytest.raises(NotFoundError, match="Webhook not found"):
        world.executor.fire("test.engine", "flow", "hook", payload={**call, "key": "other"})


DEPENDS = flow(
    f'- {{id: a, type: {RETURN}, format: "{{{{ trigger.outputs.n }}}} {{{{ trigger.flowId }}}}"}}',
    tail=f"""
    triggers:
      - id: after
        type: {CORE}.trigger.Flow
        when: "{{{{ trigger.state != 'WARNING' }}}}"
        dependsOn:
          - {{namespace: other, flowId: one, states: [SUCCESS, WARNING]}}
          - {{namespace: other, flowId: two, labels: {{team.name: data}}}}
    """,
)


@pytest.mark.parametrize(
    ("heard", "fires"),
    [
        ([{"flowId": "one"}], False),
        ([{"flowId": "two", "executionLabels": {"team": {"name": "data"}}}, {"flowId": "one"}], True),
        ([{"flowId": "two", "labels": {"team.name": "else"}}, {"flowId": "one"}], False),
        ([{"flowId": "two", "labels": {"team.name": "data"}}, {"flowId": "one", "state": "FAILED"}], False),
        ([{"flowId": "two", "labels": {"team.name": "data"}}, {"flowId": "one", "state": "WARNING"}], False),
    ],
)
def test_executions_that_a_flow_trigger_hears_of(
    tmp_path: Path, heard: list[dict[str, object]], fires: bool
) -> None:
    world = World(tmp_path, DEPENDS)
    told = [{"namespace": "other", "outputs": {"n": 4}, **item} for item in heard]
    made = world.executor.fire("test.engine", "flow", "after", payload=told)
    assert (made is not None) is fires
    if made is not None:
        world.executor.run_until_idle()
        assert run_of(world.executor.execution(made.id), "a").outputs == {"value": "4 one"}


def test_what_no_flow_trigger_can_hear(tmp_path: Path) -> None:
    world = World(tmp_path, DEPENDS)
    with pytest.raises(UsageError, match="needs a payload"):
        world.executor.fire("test.engine", "flow", "after")
    with pytest.raises(UsageError, match="`DONE` is no state"):
        world.executor.fire(
            "test.engine", "flow", "after", payload={"namespace": "a", "flowId": "b", "state": "DONE"}
        )
    made = world.executor.fire(
        "test.engine", "flow", "after", payload={"outputs": {"n": 1}, "state": "SUCCESS"}
    )
    assert made is not None, "variables alone are taken as they are"


@pytest.mark.parametrize(
    ("options", "number", "status", "body"),
    [
        ("", 4, 200, None),
        ("", 0, 500, None),
        ("returnOutputs: true", 0, 500, {}),
        ("returnOutputs: true, responseCode: 202", 4, 202, {"got": "1"}),
        ("responseCode: '{{ execution.state == ''FAILED'' ? 418 : 200 }}'", 0, 418, None),
        ("responseCode: '{{ nothing.there }}'", 4, 500, ""),
    ],
)
def test_what_a_waiting_caller_gets(
    tmp_path: Path, options: str, number: int, status: int, body: object
) -> None:
    text = flow(
        f'- {{id: a, type: {RETURN}, format: "{{{{ 4 / trigger.body.n }}}}"}}',
        head="outputs:\n  - {id: got, type: STRING, value: '{{ outputs.a.value }}', required: false}",
        tail=f"""
        triggers:
          - {{id: hook, type: {CORE}.trigger.Webhook, key: k, wait: true, {options}}}
        """,
    )
    world = World(tmp_path, text)
    answer = world.executor.webhook("test.engine", "flow", "k", body=json.dumps({"n": number}))
    assert answer.status == status
    if body is None:
        shown = json.loads(answer.body or "")
        assert (shown["id"], shown["state"]["current"]) == (
            answer.execution_id,
            "SUCCESS" if number else "FAILED",
        )
        assert shown["trigger"]["id"] == "hook"
    elif body == "":
        assert answer.body is None
    else:
        assert {key: value for key, value in json.loads(answer.body or "").items() if value} == body


def test_a_replay_knows_what_started_the_first(tmp_path: Path) -> None:
    world = World(tmp_path, SCHEDULED)
    made = world.executor.fire("test.engine", "flow", "daily")
    assert made is not None
    world.executor.run_until_idle()
    again = world.executor.act("replay", made.id)
    assert (again.trigger_id, again.trigger) == ("daily", made.trigger)


@pytest.mark.parametrize("dialect", [V1, V2])
def test_defaults_of_a_scheduled_execution_see_its_trigger(tmp_path: Path, dialect: Dialect) -> None:
    text = SCHEDULED.replace(
        "namespace: test.engine\n",
        "namespace: test.engine\ninputs:\n  - {id: day, type: STRING, defaults: \"{{ trigger.date | date('dd') }}\"}\n",
    )
    world = World(tmp_path, text, dialect=dialect)
    made = world.executor.fire("test.engine", "flow", "daily")
    assert made is not None
    assert made.inputs == {"day": "03"}
