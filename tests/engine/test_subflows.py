"""2.0's `subflow()`: flows that run while inputs are rendered."""

from pathlib import Path

import pytest

from simulator.errors import InvalidInputError
from tests.engine.harness import FAIL, RETURN, SLEEP, World, flow, run_of, state

CALLER = """
inputs:
  - id: x
    type: STRING
    defaults: "{{{{ subflow({arguments}).{field} }}}}"
"""
TASK = f'- {{id: show, type: {RETURN}, format: "{{{{ inputs.x }}}}"}}'


def called(tasks: str, **more: str) -> str:
    return flow(tasks, **more).replace("id: flow", "id: called", 1)


def caller(arguments: str = "'test.engine', 'called'", field: str = "outputs.o") -> str:
    return flow(TASK, head=CALLER.format(arguments=arguments, field=field))


ANSWER = called(
    f'- {{id: r, type: {RETURN}, format: "got {{{{ inputs.n ?? 1 }}}}"}}',
    head="inputs: [{id: n, type: INT, required: false}]",
    tail='outputs: [{id: o, type: STRING, value: "{{ outputs.r.value }}"}]',
)


@pytest.mark.parametrize(
    ("arguments", "field", "expected"),
    [
        ("'test.engine', 'called'", "outputs.o", "got 1"),
        ("namespace='test.engine', id='called', inputs={'n': 5}", "outputs.o", "got 5"),
        ("'test.engine', 'called'", "state", "SUCCESS"),
        ("namespace='test.engine', id='called', labels={'a': 'b'}", "labels.a", "b"),
    ],
)
def test_a_default_runs_another_flow(tmp_path: Path, arguments: str, field: str, expected: str) -> None:
    world = World(tmp_path, caller(arguments, field), ANSWER)
    execution = world.run()
    assert state(execution) == "SUCCESS"
    assert run_of(execution, "show").outputs == {"value": expected}
    assert [item.flow_id for item in world.executor.executions()] == ["called", "flow"]


@pytest.mark.parametrize(
    ("other", "arguments", "message"),
    [
        (
            called(f"- {{id: f, type: {FAIL}}}"),
            "'test.engine', 'called'",
            "Subflow 'test.engine'.'called' ended in state FAILED (execution ",
        ),
        (ANSWER, "'test.engine', 'no'", "Unable to find flow 'test.engine'.'no' with revision '0'"),
        (ANSWER, "'test.engine', 'called', {'n': 'x'}", "Invalid value for input `n`"),
        (ANSWER, "'test.engine', 'flow'", "maximum depth of 3"),
        (
            called("- {id: p, type: io.kestra.plugin.core.flow.Pause}"),
            "'test.engine', 'called', {}, 1, {}, 'PT10S'",
            "did not end within PT10S",
        ),
        (
            called(f"- {{id: s, type: {SLEEP}, duration: PT10M}}"),
            "namespace='test.engine', id='called', timeout='PT1H'",
            "did not end within PT5M",
        ),
        (ANSWER, "'test.engine'", "expects an argument 'id'"),
    ],
)
def test_a_call_that_cannot_succeed_fails_the_input(
    tmp_path: Path, other: str, arguments: str, message: str
) -> None:
    world = World(tmp_path, caller(arguments), other)
    with pytest.raises(InvalidInputError) as caught:
        world.create()
    assert message in caught.value.message


def test_it_is_refused_in_a_task(tmp_path: Path) -> None:
    text = flow(f"- {{id: t, type: {RETURN}, format: \"{{{{ subflow('test.engine', 'called') }}}}\"}}")
    world = World(tmp_path, text, ANSWER)
    assert state(world.run()) == "FAILED"
    assert "can only be used while inputs are rendered" in world.messages("ERROR")[0]
