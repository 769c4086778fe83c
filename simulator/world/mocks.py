"""Mocks: canned behaviour in place of a task, honest about being one.

A mock is a plugin like any other (`run(ctx)`): its outputs are rendered with the execution's context, its rows and files
are really stored, its delay passes in the run's time, its failures go through the flow's own retry and errors branches.
Only the work is not done. The task run says `mocked`.

    mocks:
      call_api:
        outputs: {code: 200, body: "{{ inputs.name }}"}
      load:
        fail: 2                      # the first two attempts fail
        delay: PT30S                 # simulated
        rows: [{id: 1}, {id: 2}]     # stored as Ion: outputs.load.uri, outputs.load.size
      each_item:
        values:
          a: {outputs: {n: 1}}
          b: {state: FAILED, message: no such item}
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from simulator.diagnostics import Collector, Span
from simulator.engine.execution import StateType, TaskRun
from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import Kind, OutputSpec, TaskSpec
from simulator.model.flow import Flow, Task
from simulator.values import parse_duration
from simulator.world.shape import did_you_mean

__all__ = ["MockPlugin", "Mocks", "check_mock"]


class MockPlugin:
    """Runs one mock; see the module text for its keys (declared in `simulator.world.sidefile.MOCK_FIELDS`)."""

    spec: ClassVar[TaskSpec] = TaskSpec("simulator.Mock", open_outputs=True, open_properties=True)

    def __init__(self, mock: Mapping[str, Any]) -> None:
        self._mock = mock

    def run(self, ctx: RunContext) -> TaskResult:
        mock = self._for_value(ctx.task_run_value)
        if mock.get("delay") not in (None, ""):
            ctx.clock.sleep(_duration(mock["delay"]))
        for line in mock.get("logs") or ():
            ctx.logger.info(str(ctx.render(str(line))))
        outputs = dict(ctx.render(mock.get("outputs") or {}))
        if mock.get("vars") is not None:
            outputs["vars"] = ctx.render(mock["vars"])
        outputs = _joined(outputs, self._stored(ctx, mock))
        message = str(
            ctx.render(str(mock.get("message") or f"the mock of `{ctx.task.id}` fails as declared"))
        )
        if ctx.attempt < int(mock.get("fail") or 0):
            raise TaskError(message)
        state = StateType(mock["state"]) if mock.get("state") else None
        if state is StateType.FAILED:
            raise TaskError(message, outputs=outputs or None)
        return TaskResult(
            outputs or None, state if state is not StateType.SUCCESS else None, mock.get("message")
        )

    def _for_value(self, value: str | None) -> Mapping[str, Any]:
        by_value = self._mock.get("values") or {}
        if value is not None and value in by_value:
            return {**self._mock, **by_value[value]}
        return self._mock

    @staticmethod
    def _stored(ctx: RunContext, mock: Mapping[str, Any]) -> dict[str, Any]:
        """`rows` and `files` as stored files."""
        found: dict[str, Any] = {}
        if mock.get("rows") is not None:
            uri, count = _store_rows(ctx, mock["rows"])
            found |= {"uri": uri, "size": count}
        for name, content in (mock.get("files") or {}).items():
            found[name] = _store(ctx, content, str(name))
        return found


def _store_rows(ctx: RunContext, rows: Any) -> tuple[str, int]:
    from simulator.storage.fileserde import write_rows

    path = ctx.temp_file(".ion")
    with path.open("wb") as target:
        count = write_rows(target, (ctx.render(row) for row in rows), ctx.dialect)
    return ctx.put_file(path), count


def _store(ctx: RunContext, content: Any, name: str) -> Any:
    """A file's URI; for a map or a list of files the same structure of URIs."""
    if isinstance(content, Mapping):
        if set(content) == {"rows"}:
            return _store_rows(ctx, content["rows"])[0]
        if set(content) == {"base64"}:
            try:
                data = base64.b64decode(str(content["base64"]), validate=True)
            except ValueError:
                raise TaskError(f"the file `{name}` of the mock of `{ctx.task.id}` is no base64") from None
            return ctx.put_bytes(data, name)
        return {key: _store(ctx, item, str(key)) for key, item in content.items()}
    if isinstance(content, list):
        return [_store(ctx, item, name) for item in content]
    text = ctx.render(content if isinstance(content, str) else str(content))
    return ctx.put_bytes(str(text).encode(), name)


def _joined(outputs: Any, files: Any) -> Any:
    """Outputs with the files put where they belong: maps key by key, lists element by element."""
    if isinstance(outputs, Mapping) and isinstance(files, Mapping):
        return {**outputs, **{key: _joined(outputs.get(key), value) for key, value in files.items()}}
    if isinstance(outputs, list) and isinstance(files, list):
        longer = max(len(outputs), len(files))
        padded = [*outputs, *[None] * (longer - len(outputs))]
        return [
            _joined(item, files[index]) if index < len(files) else item for index, item in enumerate(padded)
        ]
    return files


def _duration(value: Any) -> dt.timedelta:
    if isinstance(value, int | float):
        return dt.timedelta(seconds=value)
    return parse_duration(str(value))


class _Factory:
    """What the engine takes for the plugin's class."""

    spec = MockPlugin.spec

    def __init__(self, mock: Mapping[str, Any]) -> None:
        self._mock = mock

    def __call__(self) -> MockPlugin:
        return MockPlugin(self._mock)


class Mocks:
    """Which task is mocked: by id first, then by type."""

    def __init__(
        self,
        by_task: Mapping[str, Mapping[str, Any]] | None = None,
        by_type: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._by_task = dict(by_task or {})
        self._by_type = dict(by_type or {})

    def __bool__(self) -> bool:
        return bool(self._by_task or self._by_type)

    def find(self, task: Task) -> Callable[[], MockPlugin] | None:
        """The plugin that stands in for a task, None when it is to run for real."""
        mock = self._by_task.get(task.id)
        if mock is None:
            mock = self._by_type.get(task.type)
        if mock is None and task.canonical is not None:
            mock = self._by_type.get(task.canonical)
        return None if mock is None else _Factory(mock)

    def result(self, flow: Flow, task: Task, run: TaskRun) -> TaskResult | None:
        """Nothing is replaced before it starts: a mock runs as a plugin does (`find`)."""
        return None

    @property
    def task_ids(self) -> frozenset[str]:
        return frozenset(self._by_task)


def check_mock(
    mock: Mapping[str, Any], spec: TaskSpec | None, task_id: str, span: Span | None, collector: Collector
) -> None:
    """Compares a mock's outputs with what the type really gives: a mock that lies makes a test that lies."""
    if spec is None or spec.open_outputs or spec.kind is not Kind.TASK:
        return
    _check_keys(mock.get("outputs"), spec.outputs, f"outputs.{task_id}", spec.type, span, collector)
    for nested in (mock.get("values") or {}).values():
        if isinstance(nested, Mapping):
            check_mock(nested, spec, task_id, span, collector)


def _check_keys(
    outputs: Any,
    specs: tuple[OutputSpec, ...],
    path: str,
    type_name: str,
    span: Span | None,
    collector: Collector,
) -> None:
    if not isinstance(outputs, Mapping):
        return
    names = [spec.name for spec in specs]
    for key, value in outputs.items():
        spec = next((item for item in specs if item.name == key), None)
        if spec is None:
            hint = did_you_mean(str(key), names) or (
                f"it has: {', '.join(names)}" if names else "it has no outputs"
            )
            collector.error("SIM-MOCK-002", f"`{path}.{key}`: {type_name} has no such output", span, hint)
        elif spec.fields:
            _check_keys(value, spec.fields, f"{path}.{key}", type_name, span, collector)
