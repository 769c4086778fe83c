"""Triggers that run a script and fire when its end fits `exitCondition` (scripts.md 9)."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

from simulator.engine.task import Plugin, RunContext, TriggerResult
from simulator.errors import TaskError
from simulator.model.catalog import Kind, OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.scripts.languages import (
    GoCommands,
    GoScript,
    NodeCommands,
    NodeScript,
    RubyCommands,
    RubyScript,
    ShellCommands,
    ShellScript,
)
from simulator.plugins.scripts.python import PythonCommands, PythonScript

__all__ = ["ScriptTrigger"]

_OWN = (
    PropertySpec("interval", T.DURATION, as_property=False),
    PropertySpec("exitCondition"),
    PropertySpec("edge", T.BOOLEAN, default=True),
)
_OUTPUTS = (
    OutputSpec("timestamp", T.DATETIME),
    OutputSpec("condition"),
    OutputSpec("exitCode", T.INTEGER),
    OutputSpec("vars", T.MAP),
)
_EXIT = re.compile(r"\s*exit\s+(-?\d+)\s*", re.IGNORECASE)


def _spec(task: type[Any], name: str) -> TaskSpec:
    base: TaskSpec = task.spec
    return TaskSpec(
        f"{base.type.rpartition('.')[0]}.{name}",
        Kind.TRIGGER,
        properties=(*_OWN, *base.properties),
        outputs=_OUTPUTS,
    )


class ScriptTrigger:
    """Runs the task it stands for and looks at the exit code and the vars.

    `exitCondition` is `exit <n>`, or a regular expression searched for in the vars; without one any end with code 0 fires.
    A run evaluates a trigger once, so `edge` (fire on change only) always sees a change.
    """

    task: ClassVar[type[Any]]
    spec: ClassVar[TaskSpec]

    def evaluate(self, ctx: RunContext) -> TriggerResult | None:
        task: Plugin = self.task()
        try:
            outputs = dict(task.run(ctx).outputs or {})
        except TaskError as error:
            if error.outputs is None or "exitCode" not in error.outputs:
                raise
            outputs = error.outputs
        condition = ctx.get("exitCondition")
        if not _fits(condition, outputs):
            return None
        now = ctx.clock.now()
        variables = {
            "timestamp": now.isoformat().replace("+00:00", "Z"),
            "condition": condition,
            "exitCode": outputs["exitCode"],
            "vars": outputs["vars"],
        }
        return TriggerResult({key: value for key, value in variables.items() if value is not None}, now)


def _fits(condition: str | None, outputs: dict[str, Any]) -> bool:
    if not condition:
        return bool(outputs["exitCode"] == 0)
    code = _EXIT.fullmatch(condition)
    if code:
        return bool(outputs["exitCode"] == int(code[1]))
    try:
        return re.search(condition, json.dumps(outputs["vars"], ensure_ascii=False)) is not None
    except re.error as error:
        raise TaskError(f"Invalid exitCondition: {error}") from None


class ShellCommandsTrigger(ScriptTrigger):
    task, spec = ShellCommands, _spec(ShellCommands, "CommandsTrigger")


class ShellScriptTrigger(ScriptTrigger):
    task, spec = ShellScript, _spec(ShellScript, "ScriptTrigger")


class PythonCommandsTrigger(ScriptTrigger):
    task, spec = PythonCommands, _spec(PythonCommands, "CommandsTrigger")


class PythonScriptTrigger(ScriptTrigger):
    task, spec = PythonScript, _spec(PythonScript, "ScriptTrigger")


class NodeCommandsTrigger(ScriptTrigger):
    task, spec = NodeCommands, _spec(NodeCommands, "CommandsTrigger")


class NodeScriptTrigger(ScriptTrigger):
    task, spec = NodeScript, _spec(NodeScript, "ScriptTrigger")


class RubyCommandsTrigger(ScriptTrigger):
    task, spec = RubyCommands, _spec(RubyCommands, "CommandsTrigger")


class RubyScriptTrigger(ScriptTrigger):
    task, spec = RubyScript, _spec(RubyScript, "ScriptTrigger")


class GoCommandsTrigger(ScriptTrigger):
    task, spec = GoCommands, _spec(GoCommands, "CommandsTrigger")


class GoScriptTrigger(ScriptTrigger):
    task, spec = GoScript, _spec(GoScript, "ScriptTrigger")
