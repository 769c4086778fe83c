"""Flow control: types that orchestrate task runs or change the execution. One module per family."""

from __future__ import annotations

_HERE = "simulator.engine.flowables"

#: type -> "module:Class"
TYPES: dict[str, str] = {
    "io.kestra.plugin.core.flow.AllowFailure": f"{_HERE}.sequential:AllowFailure",
    "io.kestra.plugin.core.flow.Dag": f"{_HERE}.parallel:Dag",
    "io.kestra.plugin.core.flow.EachParallel": f"{_HERE}.each:EachParallel",
    "io.kestra.plugin.core.flow.EachSequential": f"{_HERE}.each:EachSequential",
    "io.kestra.plugin.core.flow.ForEach": f"{_HERE}.each:ForEach",
    "io.kestra.plugin.core.flow.ForEachItem": f"{_HERE}.foreach_item:ForEachItem",
    "io.kestra.plugin.core.flow.If": f"{_HERE}.branch:If",
    "io.kestra.plugin.core.flow.Loop": f"{_HERE}.loop:Loop",
    "io.kestra.plugin.core.flow.LoopUntil": f"{_HERE}.loop_until:LoopUntil",
    "io.kestra.plugin.core.flow.Parallel": f"{_HERE}.parallel:Parallel",
    "io.kestra.plugin.core.flow.Pause": f"{_HERE}.pause:Pause",
    "io.kestra.plugin.core.flow.Sequential": f"{_HERE}.sequential:Sequential",
    "io.kestra.plugin.core.flow.Subflow": f"{_HERE}.subflow:Subflow",
    "io.kestra.plugin.core.flow.Switch": f"{_HERE}.branch:Switch",
    "io.kestra.plugin.core.flow.Template": f"{_HERE}.template:Template",
    "io.kestra.plugin.core.flow.WorkingDirectory": f"{_HERE}.working_directory:WorkingDirectory",
    "io.kestra.plugin.core.execution.Exit": f"{_HERE}.updating:Exit",
    "io.kestra.plugin.core.execution.Labels": f"{_HERE}.updating:Labels",
    "io.kestra.plugin.core.execution.SetVariables": f"{_HERE}.updating:SetVariables",
    "io.kestra.plugin.core.execution.UnsetVariables": f"{_HERE}.updating:UnsetVariables",
}

_OLD_FLOWS = (
    "Sequential",
    "Parallel",
    "Dag",
    "EachSequential",
    "EachParallel",
    "ForEachItem",
    "If",
    "Switch",
    "AllowFailure",
    "Pause",
    "Template",
    "WorkingDirectory",
    "Subflow",
)

#: alias -> type (core-tasks.md 1.1)
ALIASES: dict[str, str] = {
    **{f"io.kestra.core.tasks.flows.{name}": f"io.kestra.plugin.core.flow.{name}" for name in _OLD_FLOWS},
    "io.kestra.core.tasks.flows.Flow": "io.kestra.plugin.core.flow.Subflow",
    "io.kestra.core.tasks.flows.Worker": "io.kestra.plugin.core.flow.WorkingDirectory",
    "io.kestra.core.tasks.executions.Labels": "io.kestra.plugin.core.execution.Labels",
    "io.kestra.plugin.core.flow.WaitFor": "io.kestra.plugin.core.flow.LoopUntil",
}
