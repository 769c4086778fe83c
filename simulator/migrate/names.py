"""Type names that 2.0 no longer knows, as data: aliases, renamed plugins, removed classes.

Source: migration.md 3.3, core-tasks.md 1.1.
"""

from __future__ import annotations

import re

from simulator.migrate.walk import CORE

__all__ = ["API_CALLERS", "AUTH_NEEDED", "REMOVED", "SURVIVING_ALIASES", "present_name", "renamed_plugin"]

_OLD = "io.kestra.core."

_GROUPS: dict[str, tuple[str, str]] = {
    # old package (below io.kestra.core.) -> (present package, names that keep theirs)
    "tasks.flows": ("flow", "AllowFailure Dag EachParallel EachSequential ForEachItem If Parallel Pause Sequential "
                            "Subflow Switch Template WorkingDirectory"),
    "tasks.debugs": ("debug", "Echo Return"),
    "tasks.executions": ("execution", "Fail Labels"),
    "tasks.log": ("log", "Log Fetch"),
    "tasks.states": ("state", "Get Set Delete"),
    "tasks.storages": ("storage", "Concat DeduplicateItems Delete FilterItems LocalFiles Reverse Size Split"),
    "tasks.templating": ("templating", "TemplatedTask"),
    "tasks.trigger": ("trigger", "Toggle"),
    "models.triggers.types": ("trigger", "Flow Schedule Webhook"),
}  # fmt: skip

_CONDITIONS = [
    "DateTimeBetween",
    "DayWeek",
    "DayWeekInMonth",
    "ExecutionFlow",
    "ExecutionLabels",
    "ExecutionNamespace",
    "ExecutionOutputs",
    "ExecutionStatus",
    "HasRetryAttempt",
    "Not",
    "Or",
    "PublicHoliday",
    "TimeBetween",
    "Weekend",
]

_IRREGULAR: dict[str, str] = {
    f"{_OLD}tasks.flows.Flow": f"{CORE}flow.Subflow",
    f"{_OLD}tasks.flows.Worker": f"{CORE}flow.WorkingDirectory",
    f"{_OLD}tasks.executions.Counts": f"{CORE}execution.Count",
    f"{_OLD}tasks.storages.Purge": f"{CORE}execution.PurgeExecutions",
    f"{_OLD}tasks.storages.PurgeExecution": f"{CORE}storage.PurgeCurrentExecutionFiles",
    f"{CORE}storage.Purge": f"{CORE}execution.PurgeExecutions",
    f"{CORE}storage.PurgeExecution": f"{CORE}storage.PurgeCurrentExecutionFiles",
    f"{_OLD}models.conditions.types.VariableCondition": f"{CORE}condition.Expression",
    f"{_OLD}models.conditions.types.FlowCondition": f"{CORE}condition.FlowCondition",
    f"{_OLD}models.conditions.types.FlowNamespaceCondition": f"{CORE}condition.FlowNamespaceCondition",
    f"{_OLD}models.conditions.types.MultipleCondition": f"{CORE}condition.MultipleCondition",
    f"{CORE}condition.ExpressionCondition": f"{CORE}condition.Expression",
}

_REGULAR: dict[str, str] = {
    **{
        f"{_OLD}{old}.{name}": f"{CORE}{new}.{name}"
        for old, (new, names) in _GROUPS.items()
        for name in names.split()
    },
    **{f"{_OLD}models.conditions.types.{name}Condition": f"{CORE}condition.{name}" for name in _CONDITIONS},
}

_SUFFIXED = {f"{CORE}condition.{name}Condition": f"{CORE}condition.{name}" for name in _CONDITIONS}

SURVIVING_ALIASES: dict[str, str] = {
    f"{CORE}flow.WaitFor": f"{CORE}flow.LoopUntil",
    "io.kestra.plugin.fs.http.Request": f"{CORE}http.Request",
    "io.kestra.plugin.fs.http.Download": f"{CORE}http.Download",
    "io.kestra.plugin.fs.http.Trigger": f"{CORE}http.Trigger",
}
"""Names that 2.0 still takes."""

_SERDES = re.compile(r"(io\.kestra\.plugin\.serdes\.\w+)\.(Csv|Json|Avro|Parquet|Xml)(Reader|Writer)")
_VECTORWISE = "io.kestra.plugin.jdbc.vectorwise."


def present_name(name: str) -> tuple[str, str] | None:
    """The rule and the present name for an alias; None when the name is no alias that we know."""
    if name in _REGULAR:
        return "TYPE-A", _REGULAR[name]
    if name in _IRREGULAR or name in _SUFFIXED:
        return "TYPE-B", _IRREGULAR.get(name) or _SUFFIXED[name]
    if name in SURVIVING_ALIASES:
        return "TYPE-C", SURVIVING_ALIASES[name]
    if found := _SERDES.fullmatch(name):
        package, what, way = found.groups()
        return "TYPE-C", f"{package}.{what}ToIon" if way == "Reader" else f"{package}.IonTo{what}"
    if name.startswith(_VECTORWISE):
        return "TYPE-C", "io.kestra.plugin.jdbc.actianvector." + name.removeprefix(_VECTORWISE)
    return None


_PLUGINS: dict[str, str] = {
    "io.kestra.plugin.notifications.slack.SlackIncomingWebhook": "io.kestra.plugin.slack.notifications.SlackIncomingWebhook",
    "io.kestra.plugin.notifications.slack.SlackExecution": "io.kestra.plugin.slack.notifications.SlackExecution",
    "io.kestra.plugin.slack.SlackIncomingWebhook": "io.kestra.plugin.slack.notifications.SlackIncomingWebhook",
    "io.kestra.plugin.slack.SlackExecution": "io.kestra.plugin.slack.notifications.SlackExecution",
    "io.kestra.plugin.notifications.mail.MailSend": "io.kestra.plugin.email.MailSend",
    "io.kestra.plugin.notifications.discord.DiscordExecution": "io.kestra.plugin.discord.DiscordExecution",
    "io.kestra.plugin.kubernetes.PodCreate": "io.kestra.plugin.kubernetes.core.PodCreate",
    "io.kestra.plugin.datagen.Generate": "io.kestra.plugin.datagen.core.Generate",
    "io.kestra.plugin.astradb.Query": "io.kestra.plugin.cassandra.astradb.Query",
}

_UNSURE: dict[str, str] = {
    # prefix -> what to tell; the exact new name is not settled, or the properties differ
    "io.kestra.plugin.notifications.": "the services of this plugin are plugins of their own since 1.2: look for "
    "`io.kestra.plugin.<service>.*`",
    "io.kestra.plugin.git.Push": "",
    "io.kestra.plugin.scripts.nashorn.": "this engine is deprecated; use a script in another language",
    "io.kestra.plugin.singer.": "the plugin was removed in 1.0",
    "io.kestra.plugin.ee.azure.LogExporter": "it is `azure.monitor.LogExporter` or `azure.storage.LogExporter` now",
    "io.kestra.plugin.azure.LogExporter": "it is `azure.monitor.LogExporter` or `azure.storage.LogExporter` now",
}

_LANGCHAIN = "io.kestra.plugin.langchain4j."


def renamed_plugin(name: str) -> tuple[str | None, str] | None:
    """(new name, advice) for a plugin type that moved; the name is None when a person has to choose it."""
    if name in _PLUGINS:
        return _PLUGINS[name], ""
    if name.startswith(_LANGCHAIN):
        return "io.kestra.plugin.ai." + name.removeprefix(_LANGCHAIN), ""
    if name == "io.kestra.plugin.git.Push":
        return None, "use PushFlows and PushNamespaceFiles, or one of the Sync tasks"
    for prefix, advice in _UNSURE.items():
        if prefix.endswith(".") and name.startswith(prefix) or name == prefix and advice:
            return None, advice
    return None


REMOVED: dict[str, str] = {
    f"{CORE}execution.Count": "`io.kestra.plugin.kestra.executions.Count` counts executions; its properties differ "
    "and it needs `auth`",
    f"{CORE}execution.Resume": "`io.kestra.plugin.kestra.executions.Resume` needs `auth`",
    f"{CORE}log.Fetch": "`io.kestra.plugin.kestra.logs.Fetch` needs `auth`",
    f"{CORE}trigger.Toggle": "`io.kestra.plugin.kestra.triggers.Toggle` needs `auth`",
    f"{CORE}storage.LocalFiles": "give the task, or the WorkingDirectory around it, `inputFiles` (from `inputs`) and "
    "`outputFiles` (from `outputs`); the URIs are then at `outputs.<task>.outputFiles`",
}
"""Core classes that are gone and that nothing replaces one to one."""

AUTH_NEEDED = frozenset(
    ["io.kestra.plugin.git." + name for name in ("SyncFlow", "TenantSync", "NamespaceSync")]
    + [
        "io.kestra.plugin.ee.git." + name
        for name in [
            "SyncApps",
            "SyncBlueprints",
            "SyncUnitTests",
            "SyncDashboards",
            "PushApps",
            "PushBlueprints",
            "PushUnitTests",
            "PushDashboards",
            "Clone",
        ]
    ]
)
"""Refused without `auth` (migration.md 3.7)."""

API_CALLERS = frozenset(
    {
        "io.kestra.plugin.git.SyncFlows",
        "io.kestra.plugin.git.Sync",
        "io.kestra.plugin.git.PushFlows",
        "io.kestra.plugin.ai.tool.KestraFlow",
    }
)
"""May be answered 401 without `auth`; so may everything below io.kestra.plugin.kestra."""
