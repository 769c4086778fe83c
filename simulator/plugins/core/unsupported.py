"""Core types that are no tasks: the process task runner, dashboards, file previews (core-tasks.md 12, 13).

Their shape is known so that names, properties and did-you-mean work; they never run as tasks.
"""

from __future__ import annotations

from typing import Any, NoReturn

from simulator.engine.task import RunContext
from simulator.errors import UnsupportedError
from simulator.model.catalog import Kind, TaskSpec
from simulator.plugins.core.specs import CORE

__all__ = ["NotATask", "Process"]


class Process:
    """The task runner of local processes; the script tasks carry it out (no properties of its own)."""

    spec = TaskSpec(
        f"{CORE}runner.Process", Kind.TASK_RUNNER, doc="Runs commands as processes of this machine."
    )


class NotATask:
    """A type that stands in flows' files, but runs nowhere."""

    spec: TaskSpec

    def run(self, ctx: RunContext) -> NoReturn:
        raise UnsupportedError(f"{self.spec.type} is not a task", hint=self.spec.doc)


def _shape(name: str, doc: str, **options: Any) -> type[NotATask]:
    spec = TaskSpec(f"{CORE}{name}", Kind.OTHER, open_properties=True, supported=False, doc=doc, **options)
    return type(name.rpartition(".")[2], (NotATask,), {"spec": spec, "__module__": __name__})


_CHART = "A chart of a dashboard."
_SOURCE = "A text source of a Markdown chart."
_DATA = "A data filter of a dashboard."
_PREVIEW = "A renderer of file previews."

ChartBar = _shape("dashboard.chart.Bar", _CHART)
ChartKpi = _shape("dashboard.chart.KPI", _CHART)
ChartMarkdown = _shape("dashboard.chart.Markdown", _CHART)
ChartPie = _shape("dashboard.chart.Pie", _CHART)
ChartTable = _shape("dashboard.chart.Table", _CHART)
ChartTimeSeries = _shape("dashboard.chart.TimeSeries", _CHART)
# The misspelt package is Kestra's own.
SourceFlowDescription = _shape("dashboard.chart.mardown.sources.FlowDescription", _SOURCE)
SourceText = _shape("dashboard.chart.mardown.sources.Text", _SOURCE)
DataExecutions = _shape("dashboard.data.Executions", _DATA)
DataExecutionsKpi = _shape("dashboard.data.ExecutionsKPI", _DATA)
DataFlows = _shape("dashboard.data.Flows", _DATA)
DataFlowsKpi = _shape("dashboard.data.FlowsKPI", _DATA)
DataLogs = _shape("dashboard.data.Logs", _DATA)
DataLogsKpi = _shape("dashboard.data.LogsKPI", _DATA)
DataMetrics = _shape("dashboard.data.Metrics", _DATA)
DataMetricsKpi = _shape("dashboard.data.MetricsKPI", _DATA)
DataTriggers = _shape("dashboard.data.Triggers", _DATA)
PreviewImage = _shape("preview.ImageFileRenderer", _PREVIEW, since=2)
PreviewIon = _shape("preview.IonFileRenderer", _PREVIEW, since=2)
PreviewPdf = _shape("preview.PdfFileRenderer", _PREVIEW, since=2)
PreviewText = _shape("preview.TextFileRenderer", _PREVIEW, since=2)
