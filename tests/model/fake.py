"""A small catalogue for tests of the model: a few shapes of types, independent of the plugins."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.dialect import Dialect
from simulator.model.catalog import Kind, OutputSpec, PropertySpec, T, TaskSpec

_FLOW = "io.kestra.plugin.core.flow."
_TRIGGER = "io.kestra.plugin.core.trigger."


def _plain(name: str, type_: T = T.STRING, **rest: object) -> PropertySpec:
    return PropertySpec(name, type_, as_property=False, dynamic=False, **rest)  # type: ignore[arg-type]


def _tasks(required: bool = True) -> PropertySpec:
    return _plain("tasks", T.TASKS, required=required)


_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")
SPECS = (
    TaskSpec(
        "io.kestra.plugin.core.log.Log",
        properties=(PropertySpec("message", T.ANY, required=True), PropertySpec("level", T.ENUM, values=_LEVELS)),
        aliases=("io.kestra.core.tasks.log.Log",),
    ),
    TaskSpec(
        "io.kestra.plugin.core.debug.Return", properties=(PropertySpec("format"),), outputs=(OutputSpec("value", T.STRING),)
    ),
    TaskSpec(
        "io.kestra.plugin.test.Query",
        properties=(
            PropertySpec("url", required=True),
            PropertySpec("password", secret=True),
            PropertySpec("fetchSize", T.INTEGER, minimum=0),
            PropertySpec("store", T.BOOLEAN, as_property=False, dynamic=False),
            PropertySpec("delay", T.DURATION),
            PropertySpec("parameters", T.MAP),
            PropertySpec("statements", T.LIST),
            PropertySpec(
                "options", T.OBJECT, as_property=False, fields=(_plain("timeout", T.DURATION), _plain("count", T.INTEGER))
            ),
            PropertySpec("taskRunner", T.TYPED, as_property=False),
            PropertySpec("old", until=1),
            PropertySpec("young", since=2),
        ),
        outputs=(OutputSpec("uri", T.URI), OutputSpec("size", T.INTEGER), OutputSpec("rows", T.LIST, until=1)),
    ),
    TaskSpec("io.kestra.plugin.test.Script", open_outputs=True, open_properties=True),
    TaskSpec("io.kestra.plugin.core.runner.Process", Kind.TASK_RUNNER),
    TaskSpec(f"{_FLOW}Sequential", Kind.FLOWABLE, properties=(_tasks(),)),
    TaskSpec(f"{_FLOW}Parallel", Kind.FLOWABLE, properties=(_tasks(), PropertySpec("concurrent", T.INTEGER))),
    TaskSpec(f"{_FLOW}WorkingDirectory", Kind.FLOWABLE, properties=(_tasks(),)),
    TaskSpec(f"{_FLOW}ForEach", Kind.FLOWABLE, properties=(_tasks(), PropertySpec("values", T.ANY, required=True)), until=1),
    TaskSpec(f"{_FLOW}Loop", Kind.FLOWABLE, properties=(_tasks(), PropertySpec("values", T.ANY, required=True)), since=2),
    TaskSpec(f"{_FLOW}Dag", Kind.FLOWABLE, properties=(_plain("tasks", T.DAG_TASKS, required=True),)),
    TaskSpec(
        f"{_FLOW}If",
        Kind.FLOWABLE,
        properties=(PropertySpec("condition"), _plain("then", T.TASKS, required=True), _plain("else", T.TASKS)),
        outputs=(OutputSpec("evaluationResult", T.BOOLEAN),),
    ),
    TaskSpec(
        f"{_FLOW}Switch",
        Kind.FLOWABLE,
        properties=(PropertySpec("value", required=True), _plain("cases", T.TASK_MAP), _plain("defaults", T.TASKS)),
    ),
    TaskSpec(
        f"{_FLOW}Pause", Kind.FLOWABLE, properties=(PropertySpec("pauseDuration", T.DURATION), _plain("onPause", T.TYPED))
    ),
    TaskSpec(
        f"{_FLOW}Subflow",
        Kind.EXECUTABLE,
        properties=(PropertySpec("namespace", required=True), PropertySpec("flowId", required=True), PropertySpec("inputs", T.MAP)),
        outputs=(OutputSpec("executionId"), OutputSpec("state"), OutputSpec("outputs", T.MAP)),
    ),
    TaskSpec(
        f"{_TRIGGER}Schedule",
        Kind.TRIGGER,
        properties=(
            _plain("cron", required=True), _plain("timezone"), _plain("withSeconds", T.BOOLEAN), PropertySpec("inputs", T.MAP), _plain("interval"),
        ),
        outputs=(OutputSpec("date", T.DATETIME),),
    ),
    TaskSpec(f"{_TRIGGER}Flow", Kind.TRIGGER, open_properties=True),
    TaskSpec(f"{_TRIGGER}Webhook", Kind.TRIGGER, open_properties=True),
    TaskSpec("io.kestra.plugin.core.kv.PurgeKV", open_properties=True),
    TaskSpec("io.kestra.plugin.core.condition.DayWeek", Kind.CONDITION, properties=(PropertySpec("dayOfWeek", required=True),), until=1),
)  # fmt: skip


class FakeCatalog:
    """Implements simulator.model.catalog.Catalog."""

    def __init__(self) -> None:
        self._specs = {spec.type: spec for spec in SPECS}
        self._specs.update({alias: spec for spec in SPECS for alias in spec.aliases})

    def spec(self, type_name: str, dialect: Dialect) -> TaskSpec | None:
        spec = self._specs.get(type_name)
        if spec is None or not spec.in_dialect(dialect):
            return None
        return None if type_name in spec.aliases and dialect.major >= 2 else spec

    def canonical(self, type_name: str, dialect: Dialect) -> str | None:
        spec = self.spec(type_name, dialect)
        return spec.type if spec else None

    def names(self, dialect: Dialect) -> Iterable[str]:
        return [spec.type for spec in SPECS if spec.in_dialect(dialect)]
