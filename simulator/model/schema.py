"""JSON Schema (draft 7) of the flow language and of test suites, for editors; made from the specs of the types.

Editors that speak the YAML language server read it from a comment on top of a flow:

    # yaml-language-server: $schema=./flow.schema.json
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from simulator.dialect import Dialect
from simulator.model.catalog import Catalog, Kind, PropertySpec, T, TaskSpec
from simulator.model.common import (
    CHECK_KEYS,
    CONCURRENCY_KEYS,
    FLOW_KEYS,
    INPUT_KEYS,
    INPUT_TYPES,
    OUTPUT_KEYS,
    PLUGIN_DEFAULT_KEYS,
    RETRY_TYPES,
    SLA_KEYS,
    TASK_CACHE_KEYS,
    TASK_KEYS,
    TRIGGER_KEYS,
)
from simulator.model.tasks import TASK_KINDS, all_keys

__all__ = ["flow_schema", "side_file_schema", "suite_schema"]

_DRAFT = "http://json-schema.org/draft-07/schema#"
_EXPRESSION = {"type": "string", "pattern": r"\{\{|\{%"}
_NULL = {"type": "null"}
_SIMPLE: dict[T, list[dict[str, Any]]] = {
    T.STRING: [{"type": ["string", "number", "boolean"]}],
    T.URI: [{"type": "string"}],
    T.INTEGER: [{"type": "integer"}, {"type": "string", "pattern": r"^\s*[-+]?\d+\s*$"}],
    T.NUMBER: [{"type": "number"}, {"type": "string"}],
    T.BOOLEAN: [{"type": "boolean"}, {"enum": ["true", "false"]}],
    T.DURATION: [{"type": "string"}, {"type": "number"}],
    T.DATE: [{"type": "string"}],
    T.TIME: [{"type": "string"}],
    T.DATETIME: [{"type": "string"}],
}


def flow_schema(catalog: Catalog, dialect: Dialect) -> dict[str, Any]:
    """The schema of a flow file. Types that are not known are allowed, with any properties."""
    builder = _Builder(catalog, dialect)
    properties = builder.properties(FLOW_KEYS)
    task_list = {"type": "array", "items": {"$ref": "#/definitions/task"}}
    properties |= {
        "id": {"type": ["string", "number"], "pattern": r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$", "maxLength": 100},
        "namespace": {"type": "string", "pattern": r"^[a-z0-9][a-z0-9._-]*$", "maxLength": 150},
        "tasks": {**task_list, "minItems": 1},
        "inputs": {"type": "array", "items": builder.inputs()},
        "outputs": {"type": "array", "items": builder.object(OUTPUT_KEYS)},
        "triggers": {"type": "array", "items": {"$ref": "#/definitions/trigger"}},
        "pluginDefaults": {"type": "array", "items": builder.object(PLUGIN_DEFAULT_KEYS)},
        "concurrency": builder.object(CONCURRENCY_KEYS),
        "sla": {"type": "array", "items": builder.object(SLA_KEYS)},
        "retry": {"$ref": "#/definitions/retry"},
        "labels": {
            "anyOf": [
                {"type": "object"},
                {"type": "array", "items": {"type": "object", "required": ["key", "value"]}},
            ]
        },
    }
    if dialect.major >= 2:
        properties["checks"] = {"type": "array", "items": builder.object(CHECK_KEYS)}
    return {
        "$schema": _DRAFT,
        "title": f"Kestra flow ({dialect.name}.x)",
        "type": "object",
        "required": ["id", "namespace", "tasks"],
        "additionalProperties": False,
        "properties": properties,
        "definitions": builder.definitions(),
    }


class _Builder:
    def __init__(self, catalog: Catalog, dialect: Dialect) -> None:
        self.catalog = catalog
        self.dialect = dialect
        self._shared: dict[str, dict[str, Any]] = {}
        self._names: dict[str, str] = {}

    def _share(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Says an equal schema once: hundreds of types have the same keys."""
        text = json.dumps(schema, sort_keys=True)
        if len(text) < 60:
            return schema
        if text not in self._names:
            self._names[text] = f"p{len(self._names)}"
            self._shared[self._names[text]] = schema
        return {"$ref": f"#/definitions/{self._names[text]}"}

    def shared(self) -> dict[str, Any]:
        return dict(self._shared)

    def definitions(self) -> dict[str, Any]:
        specs = [
            spec
            for name in sorted(self.catalog.names(self.dialect))
            if (spec := self.catalog.spec(name, self.dialect))
        ]
        tasks = [spec for spec in specs if spec.kind in TASK_KINDS]
        triggers = [spec for spec in specs if spec.kind is Kind.TRIGGER]
        retries = [
            {**self.object(keys), "properties": {**self.properties(keys), "type": {"const": name}}}
            for name, keys in RETRY_TYPES.items()
        ]
        found: dict[str, Any] = {
            "task": self._choice(tasks, TASK_KEYS),
            "trigger": self._choice(triggers, TRIGGER_KEYS),
            "retry": {"anyOf": retries},
            "taskCache": self.object(TASK_CACHE_KEYS),
        }
        for spec in (*tasks, *triggers):
            found[spec.type] = self._type(spec)
        return found | self._shared

    def _choice(self, specs: Iterable[TaskSpec], common: Iterable[PropertySpec]) -> dict[str, Any]:
        names = [spec.type for spec in specs]
        return {
            "type": "object",
            "required": ["id", "type"],
            "properties": {
                **self.properties(common),
                "type": {"anyOf": [{"enum": names}, {"type": "string"}]},
            },
            "allOf": [
                {
                    "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                    "then": {"$ref": f"#/definitions/{name}"},
                }
                for name in names
            ],
        }

    def _type(self, spec: TaskSpec) -> dict[str, Any]:
        keys = {prop.name: prop for prop in all_keys(spec).values()}
        result = self.object(keys.values())
        result["properties"] |= {"retry": {"$ref": "#/definitions/retry"}} if "retry" in keys else {}
        result["properties"] |= (
            {"taskCache": {"$ref": "#/definitions/taskCache"}} if "taskCache" in keys else {}
        )
        # Plugin defaults may give what is required.
        result["required"] = ["id", "type"]
        if spec.open_properties:
            result.pop("additionalProperties")
        if spec.doc:
            result["description"] = spec.doc
        return result

    def object(self, keys: Iterable[PropertySpec]) -> dict[str, Any]:
        known = [spec for spec in keys if spec.in_dialect(self.dialect)]
        required = [spec.name for spec in known if spec.required]
        result: dict[str, Any] = {
            "type": "object",
            "properties": self.properties(known),
            "additionalProperties": False,
        }
        if required:
            result["required"] = required
        return result

    def properties(self, keys: Iterable[PropertySpec]) -> dict[str, Any]:
        return {
            name: self._share(self.property(spec))
            for spec in keys
            if spec.in_dialect(self.dialect)
            for name in (spec.name, *spec.aliases)
        }

    def property(self, spec: PropertySpec) -> dict[str, Any]:
        forms = self._forms(spec)
        if forms and (spec.dynamic or spec.as_property):
            forms = [*forms, _EXPRESSION]
        result: dict[str, Any] = {"anyOf": [*forms, _NULL]} if forms else {}
        if spec.doc:
            result["description"] = spec.doc
        if spec.deprecated:
            result["deprecationMessage"] = spec.deprecated
        if spec.default is not None and isinstance(spec.default, (str, int, float, bool)):
            result["default"] = spec.default
        return result

    def _forms(self, spec: PropertySpec) -> list[dict[str, Any]]:
        match spec.type:
            case T.ENUM:
                return [{"enum": list(spec.values)}] if spec.values else [{"type": "string"}]
            case T.LIST:
                items = self.property(spec.item) if spec.item is not None else {}
                return [
                    {"type": "array", **({"items": items} if items else {})},
                    *([{"type": "string"}] if spec.as_property else []),
                ]
            case T.MAP:
                inner = self.property(spec.item) if spec.item is not None else {}
                return [
                    {"type": "object", **({"additionalProperties": inner} if inner else {})},
                    *([{"type": "string"}] if spec.as_property else []),
                ]
            case T.OBJECT:
                shape = self.object(spec.fields) if spec.fields else {"type": "object"}
                return [shape, *([{"type": "string"}] if spec.as_property else [])]
            case T.TASKS:
                return [{"type": "array", "items": {"$ref": "#/definitions/task"}}]
            case T.TASK_MAP:
                return [
                    {
                        "type": "object",
                        "additionalProperties": {"type": "array", "items": {"$ref": "#/definitions/task"}},
                    }
                ]
            case T.DAG_TASKS:
                item = {
                    "type": "object",
                    "required": ["task"],
                    "properties": {
                        "task": {"$ref": "#/definitions/task"},
                        "dependsOn": {"type": "array", "items": {"type": "string"}},
                    },
                    "additionalProperties": False,
                }
                return [{"type": "array", "items": item}]
            case T.TYPED:
                return [{"type": "object", "required": ["type"]}]
            case T.ANY | T.DATA:
                return []
            case other:
                return list(_SIMPLE.get(other, []))

    def inputs(self) -> dict[str, Any]:
        known = {
            name: keys
            for name, (keys, since, until) in INPUT_TYPES.items()
            if since <= self.dialect.major <= (until or self.dialect.major)
        }
        rules = []
        for name, keys in known.items():
            shape = self.object((*INPUT_KEYS, *keys))
            shape.pop("required", None)
            rules.append(
                {"if": {"properties": {"type": {"const": name}}, "required": ["type"]}, "then": shape}
            )
        return {
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"enum": list(known)}},
            "allOf": rules,
        }


def suite_schema(catalog: Catalog, dialect: Dialect, keys: Iterable[PropertySpec]) -> dict[str, Any]:
    """The schema of a test suite, whose keys the testing room declares."""
    builder = _Builder(catalog, dialect)
    shape: Mapping[str, Any] = builder.object(keys)
    return {"$schema": _DRAFT, "title": "Kestra test suite", **shape, "definitions": builder.shared()}


def side_file_schema(catalog: Catalog, dialect: Dialect, keys: Iterable[PropertySpec]) -> dict[str, Any]:
    """The schema of a side file (`FLOW.sim.yml`), whose keys are declared beside its reader."""
    builder = _Builder(catalog, dialect)
    shape: Mapping[str, Any] = builder.object(keys)
    return {"$schema": _DRAFT, "title": "Side file of a flow", **shape, "definitions": builder.shared()}
