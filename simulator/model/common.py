"""The keys that every flow, task, trigger, input... has, as specs: one table per block.

Source: flow.md 1, 3, 4, 6 and 7. The same tables serve validation, did-you-mean, `show` and the editor schema.
Keys of plugin types are not here: a type declares them itself (`simulator.model.catalog.TaskSpec`).
"""

from __future__ import annotations

from simulator.model.catalog import PropertySpec, T

__all__ = [
    "CHECK_KEYS",
    "CONCURRENCY_KEYS",
    "DEPENDS_ON_KEYS",
    "FLOW_KEYS",
    "INPUT_KEYS",
    "INPUT_TYPES",
    "LISTENER_KEYS",
    "OUTPUT_KEYS",
    "PLUGIN_DEFAULT_KEYS",
    "RETRY_TYPES",
    "SLA_KEYS",
    "STATES",
    "TASK_CACHE_KEYS",
    "TASK_KEYS",
    "TRIGGER_KEYS",
    "plain",
]

STATES = (
    "CREATED", "SUBMITTED", "RUNNING", "PAUSED", "RESTARTED", "KILLING", "SUCCESS", "WARNING", "FAILED", "KILLED",
    "CANCELLED", "QUEUED", "RETRYING", "RETRIED", "SKIPPED", "BREAKPOINT", "RESUBMITTED",
)  # fmt: skip
LOG_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")


def plain(
    name: str,
    type_: T = T.STRING,
    *,
    required: bool = False,
    values: tuple[str, ...] = (),
    since: int = 1,
    until: int | None = None,
    minimum: float | None = None,
    item: PropertySpec | None = None,
    fields: tuple[PropertySpec, ...] = (),
    aliases: tuple[str, ...] = (),
    deprecated: str | None = None,
    default: object = None,
    doc: str = "",
) -> PropertySpec:
    """A plain field: parsed when the flow is read, never rendered."""
    return PropertySpec(
        name, type_, required=required, values=values, since=since, until=until, minimum=minimum, item=item,
        fields=fields, aliases=aliases, deprecated=deprecated, default=default, dynamic=False, as_property=False, doc=doc,
    )  # fmt: skip


_WORKER_GROUP = plain(
    "workerGroup", T.OBJECT, until=1,
    fields=(plain("key"), plain("fallback", T.ENUM, values=("FAIL", "WAIT", "CANCEL"))),
    doc="Routing to workers (Enterprise); ignored here.",
)  # fmt: skip
_WORKER_SELECTOR = plain(
    "workerSelector", T.OBJECT, since=2,
    fields=(
        plain("tags", T.LIST),
        plain("match", T.ENUM, values=("ALL", "ANY")),
        plain("fallback", T.ENUM, values=("FAIL", "WAIT", "CANCEL")),
    ),
    doc="Routing to workers; ignored here.",
)  # fmt: skip

FLOW_KEYS = (
    plain("id", required=True, doc="Name of the flow: letters, digits, `.`, `_`, `-`, at most 100 characters."),
    plain("namespace", required=True, doc="Dotted lower-case name, at most 150 characters."),
    plain("revision", T.INTEGER, minimum=1, doc="Set by the server."),
    plain("description", doc="Markdown."),
    plain("labels", T.ANY, doc="A map, or a list of {key, value}."),
    plain("inputs", T.LIST, doc="Typed parameters of an execution."),
    plain("outputs", T.LIST, doc="Typed results of an execution."),
    plain("variables", T.MAP, doc="Values for {{ vars.x }}; texts inside are rendered only by render()."),
    plain("tasks", T.TASKS, required=True, doc="What is run, in order."),
    plain("errors", T.TASKS, doc="Run after a failure."),
    plain("finally", T.TASKS, doc="Always run, before the end state is set."),
    plain("afterExecution", T.TASKS, doc="Run after the end state is set."),
    plain("triggers", T.LIST, doc="What starts the flow by itself."),
    plain("pluginDefaults", T.LIST, doc="Values for all tasks whose type starts with a prefix."),
    plain("concurrency", T.OBJECT, doc="How many executions may run at once."),
    plain("retry", T.OBJECT, doc="Retry of the whole flow."),
    plain("sla", T.LIST, doc="Limits that an execution must keep."),
    plain("disabled", T.BOOLEAN, default=False, doc="A disabled flow cannot be run."),
    plain("deleted", T.BOOLEAN, doc="Set by the server."),
    plain("draft", T.BOOLEAN, since=2, doc="Set by the server."),
    plain("tenantId", doc="Set by the server."),
    plain("taskDefaults", T.LIST, until=1, deprecated="use `pluginDefaults` (Kestra reads `taskDefaults`, but does not apply it)"),
    plain("listeners", T.LIST, until=1, deprecated="use `afterExecution`"),
    _WORKER_GROUP,
    _WORKER_SELECTOR,
    plain("checks", T.LIST, since=2, doc="Conditions that must hold before an execution is created."),
    plain("quotas", T.LIST, since=2, doc="Enterprise."),
    plain("updated", since=2, doc="Set by the server."),
)  # fmt: skip

TASK_KEYS = (
    plain("id", required=True, doc="Unique in the whole flow: letters, digits, `_`, `-`."),
    plain("type", required=True, doc="Java name of the plugin."),
    plain("version", doc="Version of the plugin (Enterprise)."),
    plain("description", doc="Markdown."),
    plain("retry", T.OBJECT, doc="What to do after a failure."),
    PropertySpec("timeout", T.DURATION, doc="Longest time an attempt may take."),
    plain("disabled", T.BOOLEAN, default=False, doc="The task is left out."),
    PropertySpec("runIf", T.STRING, as_property=False, doc="Expression; the task is SKIPPED when it renders to a falsy text."),
    plain("allowFailure", T.BOOLEAN, default=False, doc="FAILED becomes WARNING."),
    plain("allowWarning", T.BOOLEAN, default=False, doc="WARNING becomes SUCCESS."),
    plain("logLevel", T.ENUM, values=LOG_LEVELS, doc="Lowest level of log entries that are kept."),
    plain("logToFile", T.BOOLEAN, default=False, doc="Log entries go to a file instead."),
    plain("taskCache", T.OBJECT, doc="Reuse outputs of an earlier run."),
    _WORKER_GROUP,
    _WORKER_SELECTOR,
    plain("assets", T.OBJECT, since=2, doc="Enterprise."),
)  # fmt: skip

TRIGGER_KEYS = (
    plain("id", required=True, doc="Unique among the triggers."),
    plain("type", required=True, doc="Java name of the trigger."),
    plain("version"),
    plain("description", doc="Markdown."),
    plain("disabled", T.BOOLEAN, default=False),
    plain("labels", T.ANY, doc="Labels of the executions that it creates."),
    plain("stopAfter", T.LIST, item=plain("state", T.ENUM, values=STATES), doc="States of an execution that disable it."),
    plain("logLevel", T.ENUM, values=LOG_LEVELS),
    plain("minLogLevel", T.ENUM, values=LOG_LEVELS, until=1, deprecated="use `logLevel`"),
    plain("logToFile", T.BOOLEAN, default=False),
    plain("failOnTriggerError", T.BOOLEAN, default=False, doc="An error makes a FAILED execution."),
    plain("conditions", T.LIST, until=1, doc="All must hold."),
    PropertySpec("when", T.STRING, since=2, as_property=False, doc="Expression that must be true."),
    plain("allowConcurrent", T.BOOLEAN, since=2, default=False),
    plain("assets", T.OBJECT, since=2, doc="Enterprise."),
    _WORKER_GROUP,
    _WORKER_SELECTOR,
)  # fmt: skip

DEPENDS_ON_KEYS = (plain("inputs", T.LIST, required=True), plain("condition"))

INPUT_KEYS = (
    plain("id", required=True, doc="Dots make nested values: `a.b` is {{ inputs.a.b }}."),
    plain("type", required=True),
    plain("description", doc="Markdown."),
    plain("displayName"),
    plain("required", T.BOOLEAN, default=True),
    PropertySpec("defaults", T.ANY, doc="Value when none is given; rendered."),
    plain("prefill", T.ANY, since=2, doc="What a form shows; the engine does not use it."),
    plain("dependsOn", T.OBJECT, fields=DEPENDS_ON_KEYS, doc="Asked for only when a condition holds."),
    plain("name", until=1, deprecated="use `id`"),
)  # fmt: skip

_VALUES = plain("values", T.LIST, doc="What may be chosen.")
_EXPRESSION = plain("expression", doc="Expression that renders to the list of values.")
_CUSTOM = plain("allowCustomValue", T.BOOLEAN, default=False)
_FIRST = plain("autoSelectFirst", T.BOOLEAN, default=False, doc="The first value is the default.")
_VALIDATOR = plain("validator", doc="Java regular expression that the whole value must match.")


def _bounds(type_: T, low: str = "min", high: str = "max") -> tuple[PropertySpec, ...]:
    return (plain(low, type_), plain(high, type_))


#: input type -> (its own keys, first dialect major, last dialect major)
INPUT_TYPES: dict[str, tuple[tuple[PropertySpec, ...], int, int | None]] = {}
_SCALARS = ("STRING", "INT", "FLOAT", "BOOL", "BOOLEAN", "DATETIME", "DATE", "TIME", "DURATION", "FILE", "JSON", "URI", "YAML", "EMAIL", "ENUM", "ARRAY", "SELECT", "MULTISELECT", "SECRET")  # fmt: skip
_ITEM_TYPE = plain("itemType", T.ENUM, values=_SCALARS)
INPUT_TYPES.update(
    {
        "STRING": ((_VALIDATOR,), 1, None),
        "INT": (_bounds(T.INTEGER), 1, None),
        "FLOAT": (_bounds(T.NUMBER), 1, None),
        "BOOL": ((), 1, None),
        "BOOLEAN": ((), 1, 1),
        "DATETIME": (_bounds(T.DATETIME, "after", "before"), 1, None),
        "DATE": (_bounds(T.DATE, "after", "before"), 1, None),
        "TIME": (_bounds(T.TIME, "after", "before"), 1, None),
        "DURATION": (_bounds(T.DURATION), 1, None),
        "SELECT": (
            (_VALUES, _EXPRESSION, _CUSTOM, _FIRST, plain("isRadio", T.BOOLEAN, default=False)),
            1,
            None,
        ),
        "ENUM": ((_VALUES,), 1, 1),
        "MULTISELECT": (
            (
                _VALUES,
                plain("options", T.LIST, until=1, deprecated="use `values`"),
                _EXPRESSION,
                _ITEM_TYPE,
                _CUSTOM,
                _FIRST,
            ),
            1,
            None,
        ),
        "ARRAY": ((plain("itemType", T.ENUM, values=_SCALARS, required=True),), 1, None),
        "FILE": (
            (
                plain("extension", until=1, deprecated="it has no effect"),
                plain("allowedFileExtensions", T.LIST),
            ),
            1,
            None,
        ),
        "JSON": ((plain("jsonSchema", T.ANY, since=2),), 1, None),
        "YAML": ((), 1, None),
        "URI": ((), 1, None),
        "EMAIL": ((), 1, None),
        "SECRET": ((_VALIDATOR,), 1, None),
        "FORM": ((plain("inputs", T.LIST, required=True),), 2, None),
    }
)

OUTPUT_KEYS = (
    plain("id", required=True),
    PropertySpec("value", T.ANY, required=True, as_property=False, doc="Rendered when the tasks are over."),
    plain("type", T.ENUM, required=True, values=_SCALARS, doc="An input type; the value is converted to it."),
    plain("displayName"),
    plain("description"),
    plain("required", T.BOOLEAN, doc="false: a value that cannot be rendered is left out with a warning."),
)

PLUGIN_DEFAULT_KEYS = (
    plain("type", required=True, doc="Type, or prefix of types."),
    plain("forced", T.BOOLEAN, until=1, default=False, doc="Overrides what a task says."),
    plain("values", T.MAP, required=True),
)
CONCURRENCY_KEYS = (
    plain("limit", T.INTEGER, required=True, minimum=1),
    plain("behavior", T.ENUM, values=("QUEUE", "CANCEL", "FAIL"), default="QUEUE"),
)
SLA_KEYS = (
    plain("id", required=True),
    plain("type", T.ENUM, required=True, values=("MAX_DURATION", "EXECUTION_ASSERTION")),
    plain("behavior", T.ENUM, required=True, values=("FAIL", "CANCEL", "NONE")),
    plain("duration", T.DURATION, doc="MAX_DURATION"),
    plain("assert", doc="EXECUTION_ASSERTION: expression that must be true."),
    plain("labels", T.ANY),
)
CHECK_KEYS = (
    plain("when", aliases=("condition",), doc="Expression over the inputs that must render to true."),
    plain("message"),
    plain("style", T.ENUM, values=("INFO", "SUCCESS", "WARNING", "ERROR"), default="INFO"),
    plain("behavior", T.ENUM, values=("BLOCK_EXECUTION", "FAIL_EXECUTION", "CREATE_EXECUTION"), default="BLOCK_EXECUTION"),
)  # fmt: skip
LISTENER_KEYS = (plain("tasks", T.TASKS), plain("conditions", T.LIST), plain("description"))
TASK_CACHE_KEYS = (plain("enabled", T.BOOLEAN, required=True), plain("ttl", T.DURATION))

_RETRY_COMMON = (
    plain("type", required=True),
    plain("maxAttempts", T.INTEGER, minimum=1, doc="Attempts in all."),
    plain("maxAttempt", T.INTEGER, minimum=1, until=1, deprecated="use `maxAttempts`"),
    plain("maxDuration", T.DURATION, doc="No attempt starts after it."),
    plain("warningOnRetry", T.BOOLEAN, default=False),
    plain(
        "behavior", T.ENUM, values=("RETRY_FAILED_TASK", "CREATE_NEW_EXECUTION"), default="RETRY_FAILED_TASK"
    ),
)
#: retry type -> its keys
RETRY_TYPES: dict[str, tuple[PropertySpec, ...]] = {
    "constant": (*_RETRY_COMMON, plain("interval", T.DURATION, required=True)),
    "exponential": (
        *_RETRY_COMMON,
        plain("interval", T.DURATION, required=True),
        plain("maxInterval", T.DURATION, required=True),
        plain("delayFactor", T.NUMBER),
    ),
    "random": (
        *_RETRY_COMMON,
        plain("minInterval", T.DURATION, required=True),
        plain("maxInterval", T.DURATION, required=True),
    ),
}
