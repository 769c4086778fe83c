"""The index of a running execution, and what an ended iteration keeps of it."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

from simulator.engine.execution import StateType
from simulator.engine.live import Live
from tests.engine.harness import LOG, RETURN, World, flow, ids, run_of, state

LOOP = flow(
    f"""
    - id: loop
      type: io.kestra.plugin.core.flow.Loop
      values: [a, b, c]
      outputs: [{{id: got, type: STRING, value: "{{{{ outputs.deep.value }}}}"}}]
      tasks:
        - {{id: log, type: {LOG}, message: "{{{{ item.value }}}} {{{{ inputs.name }}}} {{{{ vars.what }}}}"}}
        - id: seq
          type: io.kestra.plugin.core.flow.Sequential
          tasks:
            - {{id: deep, type: {RETURN}, format: "{{{{ item.value }}}} {{{{ inputs.name }}}}"}}
    """,
    head="inputs: [{id: name, type: STRING, defaults: me}]\nvariables: {what: it}",
)
INDEX = ("runs", "groups", "outputs", "task_states")


def rounds(world: World) -> list[Live]:
    return [live for live in world.executor.kernel.lives.values() if live.loop_of is not None]


def awake(live: Live) -> set[str]:
    """What of the index is there, without asking for it."""
    found: set[str] = set()
    for name in INDEX:
        try:
            object.__getattribute__(live, name)
        except AttributeError:
            continue
        found.add(name)
    return found


def test_an_ended_iteration_rests_whoever_looks_at_it(tmp_path: Path) -> None:
    world = World(tmp_path, LOOP)
    main = world.run()
    assert state(main) == "SUCCESS"
    assert len(rounds(world)) == 3
    values = world.executor.executions()
    assert [ids(item) for item in values[1:]] == [["log", "seq", "deep"]] * 3
    assert world.messages("INFO") == ["a me it", "b me it", "c me it"]
    assert [awake(live) for live in rounds(world)] == [set()] * 3
    assert awake(world.executor.live(main.id)) == set(INDEX)


def test_its_index_comes_back_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compared with an engine in which nothing rests."""
    rested = World(tmp_path / "rested", LOOP)
    rested.run()
    monkeypatch.setattr(Live, "rest", lambda self: None)
    whole = World(tmp_path / "whole", LOOP)
    whole.run()

    def seen(live: Live) -> list[Any]:
        groups = {
            key: (
                group.values,
                {name: list(block.runs) for name, block in group.blocks.items() if block.runs},
            )
            for key, group in live.groups.items()
        }
        counts = [
            {name: value for name, value in block.counts.items() if value}
            for group in live.groups.values()
            for block in group.blocks.values()
        ]
        return [live.runs, groups, counts, live.outputs, live.task_states, live.value, live.snapshot()]

    for one, other in zip(rounds(rested), rounds(whole), strict=True):
        assert seen(one) == seen(other)
        assert one.jobs == {} and one.timers == {} and one.children == []


def test_an_iteration_that_rested_can_be_changed_and_replayed(tmp_path: Path) -> None:
    world = World(tmp_path, LOOP)
    world.run()
    first, second, third = rounds(world)
    changed = world.executor.act("set-labels", first.id, labels={"k": "v"})
    assert ("k", "v") in changed.labels
    assert ids(changed) == ["log", "seq", "deep"]
    made = world.executor.act("replay", second.id, task="deep")
    world.executor.run_until_idle()
    again = world.executor.execution(made.id)
    assert state(again) == "SUCCESS"
    assert run_of(again, "deep").outputs == {"value": "b me"}
    assert run_of(again, "log").state.histories == run_of(second.snapshot(), "log").state.histories
    world.executor.act(
        "change-state", third.id, task_run_id=run_of(third.snapshot(), "log").id, state="FAILED"
    )
    world.executor.run_until_idle()
    assert run_of(world.executor.execution(third.id), "log").state.current is StateType.FAILED


def test_what_an_ended_iteration_keeps_is_little(tmp_path: Path) -> None:
    """Objects that the collector has to look at, per iteration; and none that only the collector would take away."""
    text = flow(f"""
    - id: loop
      type: io.kestra.plugin.core.flow.Loop
      values: {list(range(200))}
      tasks:
        - {{id: log, type: {LOG}, message: "{{{{ item.value }}}}"}}
    """)
    World(tmp_path / "first", text, sink=lambda event: None).run()
    gc.collect()
    before = len(gc.get_objects())
    world = World(tmp_path / "second", text, sink=lambda event: None)
    gc.disable()
    try:
        world.run()
        garbage = gc.collect()
    finally:
        gc.enable()
    assert len(rounds(world)) == 200
    assert garbage < 200
    assert (len(gc.get_objects()) - before) / 200 < 30
