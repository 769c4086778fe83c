"""The process goes away after any event: another one goes on, and it ends as if nothing had happened."""

from itertools import pairwise
from pathlib import Path

import pytest

from simulator.dialect import V1, V2, Dialect
from simulator.engine.execution import Execution
from simulator.engine.state import is_legal
from simulator.engine.store import EVENTS, EventStore, read_run
from simulator.errors import UsageError
from tests.engine.harness import FAIL, LOG, RETURN, SLEEP, World, flow, history, run_of, state

CORE = "io.kestra.plugin.core"

BOTH = f"""
- {{id: a, type: {RETURN}, format: one}}
- id: par
  type: {CORE}.flow.Parallel
  tasks:
    - {{id: s1, type: {SLEEP}, duration: PT2S}}
    - id: seq
      type: {CORE}.flow.Sequential
      tasks:
        - {{id: s2, type: {SLEEP}, duration: PT1S}}
        - {{id: r2, type: {RETURN}, format: two}}
- id: if
  type: {CORE}.flow.If
  condition: "{{{{ outputs.a.value == 'one' }}}}"
  then: [{{id: yes, type: {LOG}, message: x}}]
- id: wd
  type: {CORE}.flow.WorkingDirectory
  tasks:
    - {{id: w1, type: {SLEEP}, duration: PT1S}}
    - {{id: w2, type: {RETURN}, format: x}}
- {{id: p, type: {CORE}.flow.Pause, pauseDuration: PT1H}}
- {{id: sub, type: {CORE}.flow.Subflow, namespace: test.engine, flowId: kid, wait: true}}
"""
OLD = f"""
- id: each
  type: {CORE}.flow.ForEach
  values: ["x", "y"]
  tasks:
    - {{id: e1, type: {SLEEP}, duration: PT1S}}
    - {{id: e2, type: {RETURN}, format: "{{{{ taskrun.value }}}}"}}
- {{id: l, type: {RETURN}, format: "{{{{ outputs.r2.value }}}} {{{{ outputs.sub.outputs.v }}}} {{{{ outputs.e2.y.value }}}}"}}
"""
NEW = f"""
- id: loop
  type: {CORE}.flow.Loop
  values: ["x", "y", "z"]
  concurrencyLimit: 2
  outputs: [{{id: o, type: STRING, value: "{{{{ outputs.lr.value }}}}"}}]
  tasks:
    - {{id: ls, type: {SLEEP}, duration: PT1S}}
    - {{id: lr, type: {RETURN}, format: "{{{{ item.value }}}}"}}
- {{id: l, type: {RETURN}, format: "{{{{ outputs.r2.value }}}} {{{{ outputs.sub.outputs.v }}}} {{{{ outputs.loop.terminatedIterations }}}}"}}
"""
KID = flow(
    f"""
    - {{id: ks, type: {SLEEP}, duration: PT1S}}
    - {{id: kr, type: {RETURN}, format: three}}
    """,
    head="outputs:\n  - {id: v, type: STRING, value: '{{ outputs.kr.value }}'}",
).replace("id: flow", "id: kid", 1)


def kept(folder: Path, *texts: str, dialect: Dialect = V2) -> list[bytes]:
    """The lines that a whole run leaves behind."""
    folder.mkdir(parents=True)
    world = World(folder / "world", *texts, dialect=dialect)
    store = EventStore(folder, str)
    world.executor.kernel.sink = store.on_event
    world.run()
    store.close()
    return (folder / EVENTS).read_bytes().splitlines(keepends=True)


def illegal(execution: Execution) -> list[tuple[str, str]]:
    """Steps of an execution, its task runs and their attempts that the state machine does not have."""
    states = [execution.state]
    for run in execution.task_runs:
        states += [run.state, *(attempt.state for attempt in run.attempts or ())]
    steps = {(before.state, after.state) for item in states for before, after in pairwise(item.histories)}
    return sorted((before.value, after.value) for before, after in steps if not is_legal(before, after))


def gone_on(folder: Path, lines: list[bytes], *texts: str, dialect: Dialect = V2) -> Execution | None:
    """What becomes of the first execution when the process went away after these lines; None: it had no time to."""
    folder.mkdir(parents=True)
    (folder / EVENTS).write_bytes(b"".join(lines))
    run = read_run(folder)
    if run.main is None:
        return None
    world = World(folder / "world", *texts, dialect=dialect)
    world.executor.adopt(list(run.executions.values()), run.logs)
    if run.main.state.current == "PAUSED":
        world.executor.run_until_idle()
    elif not run.main.state.current.is_terminated:
        world.executor.act("recover", run.main.id)
        world.executor.run_until_idle()
    return world.executor.execution(run.main.id)


@pytest.mark.parametrize(("dialect", "rest", "result"), [(V1, OLD, "two three y"), (V2, NEW, "two three 3")])
def test_after_any_event(tmp_path: Path, dialect: Dialect, rest: str, result: str) -> None:
    texts = (flow(BOTH + rest), KID)
    lines = kept(tmp_path / "whole", *texts, dialect=dialect)
    assert len(lines) > 100
    # every third event is quick enough
    for count in range(dialect.major, len(lines) + 1, 3):
        done = gone_on(tmp_path / str(count), lines[:count], *texts, dialect=dialect)
        assert done is not None
        told = f"after {count} lines: {lines[count - 1][:200]!r}"
        assert state(done) == "SUCCESS", told
        assert run_of(done, "l").outputs == {"value": result}, told
        assert illegal(done) == [], told
        assert len({(run.task_id, run.value) for run in done.task_runs}) == len(done.task_runs), told


def test_a_lost_run_is_resubmitted(tmp_path: Path) -> None:
    text = flow(f"- {{id: s, type: {SLEEP}, duration: PT1S}}")
    lines = kept(tmp_path / "whole", text)
    running = next(
        number
        for number, line in enumerate(lines)
        if b'"taskId":"s"' in line and b'"current":"RUNNING"' in line
    )
    done = gone_on(tmp_path / "cut", lines[: running + 1], text)
    assert done is not None
    (run,) = done.task_runs
    assert history(run) == ["CREATED", "SUBMITTED", "RUNNING", "RESTARTED", "SUBMITTED", "RUNNING", "SUCCESS"]
    assert [history(attempt)[-1] for attempt in run.attempts or ()] == ["RESUBMITTED", "SUCCESS"]


def test_failures_and_their_handlers_go_on(tmp_path: Path) -> None:
    text = flow(
        f"""
        - id: f
          type: {FAIL}
          retry: {{type: constant, interval: PT1M, maxAttempts: 2}}
        """,
        tail=f"""
        errors: [{{id: e, type: {SLEEP}, duration: PT1S}}]
        finally: [{{id: z, type: {SLEEP}, duration: PT1S}}]
        """,
    )
    lines = kept(tmp_path / "whole", text)
    for count in range(1, len(lines) + 1):
        done = gone_on(tmp_path / str(count), lines[:count], text)
        assert done is not None
        told = f"after {count} lines: {lines[count - 1][:200]!r}"
        assert state(done) == "FAILED", told
        assert illegal(done) == [], told
        stored = read_run(tmp_path / str(count)).main
        # it FAILS for a moment before it RETRIES: who is interrupted there can restart it
        if stored is not None and not stored.state.current.is_terminated:
            assert [run.task_id for run in done.task_runs] == ["f", "e", "z"], told


def test_what_was_not_interrupted(tmp_path: Path) -> None:
    world = World(tmp_path, flow(f"- {{id: a, type: {LOG}, message: x}}"))
    execution = world.run()
    with pytest.raises(UsageError, match="was not interrupted: its state is SUCCESS"):
        world.executor.act("recover", execution.id)


ITEMS = flow(
    f"""
    - id: each
      type: {CORE}.flow.ForEachItem
      items: kestra:///test/engine/rows.ion
      batch: {{rows: 1}}
      namespace: test.engine
      flowId: part
      inputs: {{file: "{{{{ taskrun.items }}}}", number: "{{{{ taskrun.iteration }}}}"}}
    - {{id: l, type: {RETURN}, format: "{{{{ read(outputs.each_merge.subflowOutputs) }}}}"}}
    """
)
PART = flow(
    f"""
    - {{id: s, type: {SLEEP}, duration: PT1S}}
    - {{id: r, type: {RETURN}, format: "{{{{ %s }}}}"}}
    """,
    head="""
    inputs: [{id: file, type: FILE}, {id: number, type: INT}]
    outputs: [{id: n, type: STRING, value: "{{ outputs.r.value }}"}]
    """,
).replace("id: flow", "id: part", 1)
ROWS = b"1\n2\n3\n"


def items(folder: Path, part: str) -> World:
    world = World(folder, ITEMS, PART % part, dialect=V1)
    world.executor.kernel.storage.put_at("kestra:///test/engine/rows.ion", ROWS)
    return world


def test_items_go_on_after_any_event(tmp_path: Path) -> None:
    world = items(tmp_path / "world", "inputs.number")
    store = EventStore(tmp_path, str)
    world.executor.kernel.sink = store.on_event
    execution = world.run()
    assert state(execution) == "SUCCESS", world.messages()
    lines = (tmp_path / EVENTS).read_bytes().splitlines(keepends=True)
    for count in range(1, len(lines) + 1, 3):
        told = f"after {count} lines: {lines[count - 1][:200]!r}"
        (tmp_path / EVENTS).write_bytes(b"".join(lines[:count]))
        run = read_run(tmp_path)
        other = items(tmp_path / "world", "inputs.number")
        other.executor.adopt(list(run.executions.values()), run.logs)
        if run.main is not None and not run.main.state.current.is_terminated:
            other.executor.act("recover", execution.id)
        other.executor.run_until_idle()
        done = other.executor.execution(execution.id)
        assert state(done) == "SUCCESS", told
        assert run_of(done, "l").outputs == {"value": '{n:"0"}\n{n:"1"}\n{n:"2"}\n'}, told
        assert len(other.executor.executions()) == 4, told


def test_failed_items_run_again_in_another_process(tmp_path: Path) -> None:
    world = items(tmp_path / "world", "1 / (inputs.number - 1)")
    store = EventStore(tmp_path, str)
    world.executor.kernel.sink = store.on_event
    execution = world.run()
    assert run_of(execution, "each_items").outputs["iterations"]["FAILED"] == 1
    run = read_run(tmp_path)
    other = items(tmp_path / "world", "inputs.number")
    other.executor.adopt(list(run.executions.values()), run.logs)
    other.executor.act("restart", execution.id)
    other.executor.run_until_idle()
    done = other.executor.execution(execution.id)
    assert state(done) == "SUCCESS"
    assert len(other.executor.executions()) == 4, "only the failed one ran again"
    assert run_of(done, "each_items").outputs["iterations"] == {
        "CREATED": 0,
        "RUNNING": 0,
        "SUCCESS": 3,
        "FAILED": 0,
    }
