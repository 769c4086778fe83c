"""The task cache: what is taken from it, for how long, and what the log says."""

import datetime as dt
from pathlib import Path

import pytest

from simulator.dialect import V1, V2, Dialect
from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import Kind, OutputSpec, PropertySpec, T, TaskSpec
from tests.engine.harness import START, World, flow, run_of, state


class Counts:
    """Says how often it has run."""

    spec = TaskSpec(
        "test.Counts",
        Kind.TASK,
        properties=(PropertySpec("of", T.STRING), PropertySpec("broken", T.BOOLEAN)),
        outputs=(OutputSpec("count", T.INTEGER),),
    )
    ran = 0

    def run(self, context: RunContext) -> TaskResult:
        if context.get("broken", False):
            raise TaskError("it is broken")
        Counts.ran += 1
        return TaskResult({"count": Counts.ran})


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counts, "ran", 0)


def world(folder: Path, options: str, dialect: Dialect = V2) -> World:
    text = flow(
        f"- {{id: a, type: test.Counts, {options}}}",
        head="inputs:\n  - {id: x, type: STRING, defaults: one}",
        tail="triggers:\n  - {id: t, type: io.kestra.plugin.core.trigger.Schedule, cron: '@hourly'}",
    )
    return World(folder, text, plugins=[Counts], dialect=dialect)


@pytest.mark.parametrize("dialect", [V1, V2])
def test_an_entry_is_used_until_it_is_too_old(tmp_path: Path, dialect: Dialect) -> None:
    made = world(tmp_path, "of: x, taskCache: {enabled: true, ttl: PT90M}", dialect)
    made.executor.play_triggers(START + dt.timedelta(hours=5))
    executions = made.executor.executions()
    assert [run_of(item, "a").outputs["count"] for item in executions] == [1, 1, 2, 2]
    told = [
        [
            # the place of the entry holds a hash
            (entry.level, entry.message.partition(" kestra://")[0])
            for entry in made.executor.logs(item.id)
        ]
        for item in executions[:2]
    ]
    enabled = ("DEBUG", "Task output caching is enabled for task 'a''")
    assert told == [
        [
            enabled,
            ("INFO", "Uploading a cache entry for task 'a'"),
            ("DEBUG", "Caching entry uploaded in URI"),
        ],
        [
            enabled,
            ("INFO", "Skipping task execution for task 'a' as there is an existing cache entry for it"),
        ],
    ]


def test_another_property_is_another_entry(tmp_path: Path) -> None:
    made = world(tmp_path, "of: '{{ inputs.x }}', taskCache: {enabled: true}")
    counts = [run_of(made.run({"x": x}), "a").outputs["count"] for x in ("one", "two", "one", "two")]
    assert counts == [1, 2, 1, 2]


def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    made = world(tmp_path, "broken: '{{ inputs.x == ''one'' }}', taskCache: {enabled: true}")
    assert [state(made.run()) for _ in range(2)] == ["FAILED", "FAILED"]
    assert not any("cache entry" in message for message in made.messages())


def test_an_entry_that_cannot_be_read_is_made_anew(tmp_path: Path) -> None:
    made = world(tmp_path, "of: x, taskCache: {enabled: true}")
    made.run()
    (entry,) = (tmp_path / "storage").rglob("cache.zip")
    entry.write_bytes(b"no archive")
    assert run_of(made.run(), "a").outputs["count"] == 2
    assert made.messages("ERROR") == [
        "Unexpected exception while loading the cache for task 'a', the task will be executed instead."
    ]
    assert run_of(made.run(), "a").outputs["count"] == 2
