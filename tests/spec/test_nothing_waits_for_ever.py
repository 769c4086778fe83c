"""execution.md 7: whatever is done to an execution, it ends, or waits for somebody who can be named.

A grid of lists, tasks in them and actions of people; each is run to the end in simulated time.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.engine.execution import Execution, StateType
from simulator.errors import SimulatorError
from tests.spec.walk import Walk, shown

S = StateType
LOG = "{{id: {}, type: @log.Log, message: x}}"

LISTS = {
    "seq": "@flow.Sequential, tasks: [{}, {}]",
    "par": "@flow.Parallel, tasks: [{}, {}]",
    "if": "@flow.If, condition: 'true', then: [{}, {}]",
    "allow": "@flow.AllowFailure, tasks: [{}, {}]",
    "rounds": "@flow.LoopUntil, condition: '{{{{ outputs.o.iterationCount == 2 }}}}', "
    "checkFrequency: {{interval: PT5S}}, tasks: [{}, {}]",
}
LOOPS = {
    "1.x": {
        "each": "@flow.ForEach, values: [1, 2], tasks: [{}, {}]",
        "side": "@flow.ForEach, concurrencyLimit: 0, values: [1, 2], tasks: [{}, {}]",
    },
    "2.0": {
        "loop": "@flow.Loop, values: [1, 2], tasks: [{}, {}]",
        "side": "@flow.Loop, concurrencyLimit: 0, values: [1, 2], tasks: [{}, {}]",
    },
}
TASKS = {
    "fails": "{id: k, type: @execution.Fail}",
    "pauses": "{id: p, type: @flow.Pause}",
    "exits": "{id: x, type: @execution.Exit, state: FAILED}",
    "retries": "{id: r, type: @execution.Fail, retry: {type: constant, interval: PT5S, maxAttempts: 3}}",
    "calls": "{id: sub, type: @flow.Subflow, namespace: spec, flowId: child}",
    "directory": f"{{id: w, type: @flow.WorkingDirectory, tasks: [{LOG.format('w1')}, {{id: w2, type: @execution.Fail}}]}}",
    "switch": f"{{id: sw, type: @flow.Switch, value: z, cases: {{a: [{LOG.format('s1')}]}}}}",
}
ACTIONS = (
    ("restart", "restart"),
    ("resume", "restart"),
    ("kill", "replay"),
    ("change-state",),
    ("replay-first",),
    ("replay-last", "restart"),
)
_OPEN = (S.CREATED, S.RUNNING, S.RESTARTED, S.RETRYING, S.KILLING)


def stuck(execution: Execution) -> bool:
    """Runs on although nothing happens any more, or has ended before its task runs."""
    if execution.state.current in _OPEN:
        return True
    over = execution.state.current.is_terminated
    return over and any(run.state.current in _OPEN for run in execution.task_runs)


def act(walk: Walk, execution: Execution, action: str) -> Execution:
    runs = execution.task_runs
    if action == "change-state":
        failed = next((run for run in runs if run.state.current is S.FAILED), None)
        if failed is None:
            return execution
        return walk.act(action, execution, task_run_id=failed.id, state=S.SUCCESS)
    if action.startswith("replay-"):
        return walk.act("replay", execution, task_run_id=runs[0 if action.endswith("first") else -1].id)
    return walk.act(action, execution)


@pytest.mark.parametrize("name", ["1.x", "2.0"])
@pytest.mark.parametrize("task", TASKS)
def test_every_way_ends(tmp_path: Path, name: str, task: str) -> None:
    child = f"tasks: [{LOG.format('ca')}, {{id: cb, type: @execution.Fail}}]"
    tail = f"\nerrors: [{LOG.format('e')}]\nfinally: [{LOG.format('f')}]"
    for kind, form in {**LISTS, **LOOPS[name]}.items():
        for number, actions in enumerate(ACTIONS):
            text = f"tasks: [{{id: o, type: {form.format(TASKS[task], LOG.format('n'))}}}, {LOG.format('z')}]"
            text += tail if number % 2 else ""
            walk = Walk(tmp_path / f"{kind}{number}", name, text, {"child": child})
            execution = walk.run()
            for action in actions:
                try:
                    execution = act(walk, execution, action)
                except SimulatorError:
                    break  # refused: not in this state
            found = [shown(item) for item in walk.executor.executions() if stuck(item)]
            assert not found, (kind, actions, found)
