"""The other databases of the JDBC plugin: their shape is known, a run needs a mock (fs-and-others.md 6).

A stand-in cannot run another database's SQL; rows from a mock can.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from simulator.engine.task import RunContext
from simulator.errors import UnsupportedError
from simulator.model.catalog import Kind, OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.jdbc.specs import CONNECTION, FETCH, POOL, QUERY_OUTPUTS, ZONE

__all__ = ["TYPES"]

_FILES = (PropertySpec("from", T.URI, required=True),)
_STAGE = (
    PropertySpec("stageName"),
    PropertySpec("fileName"),
    PropertySpec("compress", T.BOOLEAN, default=True),
)

#: package -> properties of its own
_VENDORS: Mapping[str, tuple[PropertySpec, ...]] = {
    "as400": (),
    "clickhouse": (),
    "db2": (),
    "dremio": (),
    "druid": (),
    "hana": (),
    "mariadb": (),
    "mysql": (PropertySpec("inputFile", T.URI),),
    "oracle": (),
    "pinot": (),
    "redshift": (),
    "snowflake": tuple(
        PropertySpec(name, secret=name.startswith("private"))
        for name in (
            "database",
            "warehouse",
            "schema",
            "role",
            "queryTag",
            "privateKey",
            "privateKeyPassword",
        )
    ),
    "sqlserver": (),
    "sybase": (),
    "trino": (),
    "vectorwise": (),
    "vertica": (),
}


class _Vendor:
    """A type that is described and not run."""

    spec: TaskSpec

    def _refuse(self, ctx: RunContext) -> Any:
        raise UnsupportedError(
            f"{self.spec.type} cannot run on this machine: there is no such database here",
            hint=f"give the task `{ctx.task.id}` a mock with `rows` in the flow's side file",
        )

    run = evaluate = _refuse


def _shapes(own: tuple[PropertySpec, ...]) -> dict[str, dict[str, Any]]:
    base = (*CONNECTION, *POOL, ZONE, *own)
    sql = (PropertySpec("sql", required=True), PropertySpec("afterSQL"))
    return {
        "Query": {"properties": (*base, *sql, *FETCH("NONE")), "outputs": QUERY_OUTPUTS},
        "Queries": {
            "properties": (*base, *sql, *FETCH("NONE"), PropertySpec("transaction", T.BOOLEAN, default=True)),
            "outputs": (OutputSpec("outputs", T.LIST, OutputSpec("output", T.OBJECT, fields=QUERY_OUTPUTS)),),
        },
        "Batch": {
            "properties": (
                *base,
                *_FILES,
                PropertySpec("sql"),
                PropertySpec("columns", T.LIST, item=PropertySpec("column")),
                PropertySpec("table"),
                PropertySpec("chunk", T.INTEGER, default=1000),
            ),
            "outputs": (OutputSpec("rowCount", T.INTEGER), OutputSpec("updatedCount", T.INTEGER)),
        },
        "Trigger": {
            "kind": Kind.TRIGGER,
            "properties": (
                *base,
                *sql,
                *FETCH("FETCH"),
                PropertySpec("interval", T.DURATION, default=dt.timedelta(seconds=60), as_property=False),
            ),
            "outputs": QUERY_OUTPUTS,
        },
    }


def _make(type_name: str, attribute: str, **shape: Any) -> None:
    spec = TaskSpec(
        type_name,
        supported=False,
        open_properties=True,
        doc="Known by its shape; a run needs a mock.",
        **shape,
    )
    globals()[attribute] = type(attribute, (_Vendor,), {"spec": spec, "__module__": __name__})
    TYPES[type_name] = f"{__name__}:{attribute}"


#: type -> "module:Class", for the family's table
TYPES: dict[str, str] = {}

for _name, _own in _VENDORS.items():
    for _kind, _shape in _shapes(_own).items():
        _make(f"io.kestra.plugin.jdbc.{_name}.{_kind}", f"{_name.capitalize()}{_kind}", **_shape)
for _kind, _more in (("Upload", (*_FILES, PropertySpec("prefix"))), ("Download", ())):
    _make(
        f"io.kestra.plugin.jdbc.snowflake.{_kind}",
        f"Snowflake{_kind}",
        properties=(*CONNECTION, *_VENDORS["snowflake"], *_STAGE, *_more),
        outputs=(OutputSpec("uri", T.URI),),
    )
