"""`io.kestra.plugin.core.*`: the task types of the core plugin that run code.

Flow control, updating tasks, triggers and conditions live in the engine. Facts: core-tasks.md.
"""

from __future__ import annotations

_CORE = "io.kestra.plugin.core"
_HERE = "simulator.plugins.core"

#: module -> {type without the common prefix: class}
_MODULES: dict[str, dict[str, str]] = {
    "debug": {"debug.Echo": "Echo", "debug.Return": "Return"},
    "execution": {
        "execution.Assert": "Assert",
        "execution.Count": "Count",
        "execution.Fail": "Fail",
        "execution.PurgeExecutions": "PurgeExecutions",
        "execution.Resume": "Resume",
    },
    "flow": {"flow.Sleep": "Sleep"},
    "http.download": {"http.Download": "Download"},
    "http.request": {"http.Request": "Request"},
    "http.sse": {"http.SseRequest": "SseRequest"},
    "http.trigger": {"http.Trigger": "HttpTrigger"},
    "kv": {"kv.Delete": "Delete", "kv.Get": "Get", "kv.GetKeys": "GetKeys", "kv.Set": "Set"},
    "kv_purge": {"kv.PurgeKV": "PurgeKv"},
    "kv_put": {"kv.Put": "Put"},
    "log": {"log.Fetch": "Fetch", "log.Log": "Log", "log.PurgeLogs": "PurgeLogs"},
    "metric": {"metric.Publish": "Publish"},
    "namespace": {
        "namespace.DeleteFiles": "DeleteFiles",
        "namespace.DownloadFiles": "DownloadFiles",
        "namespace.PurgeFiles": "PurgeFiles",
        "namespace.UploadFiles": "UploadFiles",
    },
    "output": {"output.OutputValues": "OutputValues"},
    "state": {"state.Delete": "Delete", "state.Get": "Get", "state.Set": "Set"},
    "storage": {
        "storage.Concat": "Concat",
        "storage.Delete": "Delete",
        "storage.LocalFiles": "LocalFiles",
        "storage.Reverse": "Reverse",
        "storage.Size": "Size",
        "storage.Split": "Split",
        "storage.Write": "Write",
    },
    "storage_items": {
        "storage.DeduplicateItems": "DeduplicateItems",
        "storage.FilterItems": "FilterItems",
    },
    "storage_purge": {
        "storage.PurgeCurrentExecutionFiles": "PurgeCurrentExecutionFiles",
        "storage.PurgeStorage": "PurgeStorage",
    },
    "templating": {"templating.TemplatedTask": "TemplatedTask"},
    "trigger": {"trigger.Toggle": "Toggle"},
    "unsupported": {
        "runner.Process": "Process",
        "dashboard.chart.Bar": "ChartBar",
        "dashboard.chart.KPI": "ChartKpi",
        "dashboard.chart.Markdown": "ChartMarkdown",
        "dashboard.chart.Pie": "ChartPie",
        "dashboard.chart.Table": "ChartTable",
        "dashboard.chart.TimeSeries": "ChartTimeSeries",
        "dashboard.chart.mardown.sources.FlowDescription": "SourceFlowDescription",
        "dashboard.chart.mardown.sources.Text": "SourceText",
        "dashboard.data.Executions": "DataExecutions",
        "dashboard.data.ExecutionsKPI": "DataExecutionsKpi",
        "dashboard.data.Flows": "DataFlows",
        "dashboard.data.FlowsKPI": "DataFlowsKpi",
        "dashboard.data.Logs": "DataLogs",
        "dashboard.data.LogsKPI": "DataLogsKpi",
        "dashboard.data.Metrics": "DataMetrics",
        "dashboard.data.MetricsKPI": "DataMetricsKpi",
        "dashboard.data.Triggers": "DataTriggers",
        "preview.ImageFileRenderer": "PreviewImage",
        "preview.IonFileRenderer": "PreviewIon",
        "preview.PdfFileRenderer": "PreviewPdf",
        "preview.TextFileRenderer": "PreviewText",
    },
}

#: type -> "module:Class"
TYPES: dict[str, str] = {
    f"{_CORE}.{name}": f"{_HERE}.{module}:{cls}"
    for module, types in _MODULES.items()
    for name, cls in types.items()
}

#: deprecated names of 1.x; 2.0 knows only those of the last table (the specs' aliases say from which dialect on)
ALIASES_V1: dict[str, str] = {
    f"io.kestra.{old}": f"{_CORE}.{new}"
    for old, new in {
        "core.tasks.debugs.Echo": "debug.Echo",
        "core.tasks.debugs.Return": "debug.Return",
        "core.tasks.executions.Counts": "execution.Count",
        "core.tasks.executions.Fail": "execution.Fail",
        "core.tasks.log.Log": "log.Log",
        "core.tasks.log.Fetch": "log.Fetch",
        "core.tasks.states.Get": "state.Get",
        "core.tasks.states.Set": "state.Set",
        "core.tasks.states.Delete": "state.Delete",
        "core.tasks.storages.Concat": "storage.Concat",
        "core.tasks.storages.DeduplicateItems": "storage.DeduplicateItems",
        "core.tasks.storages.Delete": "storage.Delete",
        "core.tasks.storages.FilterItems": "storage.FilterItems",
        "core.tasks.storages.LocalFiles": "storage.LocalFiles",
        "core.tasks.storages.Reverse": "storage.Reverse",
        "core.tasks.storages.Size": "storage.Size",
        "core.tasks.storages.Split": "storage.Split",
        "core.tasks.storages.Purge": "execution.PurgeExecutions",
        "core.tasks.storages.PurgeExecution": "storage.PurgeCurrentExecutionFiles",
        "core.tasks.templating.TemplatedTask": "templating.TemplatedTask",
        "core.tasks.trigger.Toggle": "trigger.Toggle",
        "plugin.core.storage.Purge": "execution.PurgeExecutions",
        "plugin.core.storage.PurgeExecution": "storage.PurgeCurrentExecutionFiles",
    }.items()
}

#: aliases that both dialects know
ALIASES_BOTH: dict[str, str] = {
    f"io.kestra.plugin.fs.http.{name}": f"{_CORE}.http.{name}" for name in ("Request", "Download", "Trigger")
}

ALIASES: dict[str, str] = {**ALIASES_V1, **ALIASES_BOTH}
