"""`yaml.YamlToIon`, `IonToYaml`, `JsonToYaml` and `YamlToJson` (serdes.md 7).

Scalars are read as Jackson reads them: dates and times stay text, there are no base-60 numbers, and `1e3` is a number.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar, TextIO

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import PropertySpec, T, TaskSpec
from simulator.plugins.serdes.java import iso_text
from simulator.plugins.serdes.rows import (
    CHARSET,
    FROM,
    OUTPUTS,
    charset,
    read_records,
    read_text,
    records_of,
    stored,
    to_ion,
)

__all__ = ["IonToYaml", "JsonToYaml", "YamlToIon", "YamlToJson"]

_JSONL = PropertySpec("jsonl", T.BOOLEAN, default=False)
_INT = re.compile(r"^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+)$")
_FLOAT = re.compile(
    r"^[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)$"
)


@cache
def _loader() -> Any:
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]
        """Safe, with Jackson's scalars."""

    dropped = {
        "tag:yaml.org,2002:timestamp",
        "tag:yaml.org,2002:int",
        "tag:yaml.org,2002:float",
        "tag:yaml.org,2002:merge",
    }
    Loader.yaml_implicit_resolvers = {
        first: [(tag, regex) for tag, regex in items if tag not in dropped]
        for first, items in base.yaml_implicit_resolvers.items()
    }
    Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-+0123456789"))
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
    Loader.add_constructor("tag:yaml.org,2002:float", _float)
    return Loader


def _float(loader: Any, node: Any) -> float:
    return float(loader.construct_scalar(node).replace("_", ""))


def _documents(text: TextIO) -> Iterator[Any]:
    import yaml

    try:
        for document in yaml.load_all(text, Loader=_loader()):  # noqa: S506 - derived from the safe loader
            if document is not None:
                yield document
    except yaml.YAMLError as error:
        raise TaskError(str(error)) from None


@cache
def _dumper() -> Any:
    import yaml

    class Dumper(yaml.SafeDumper):
        """Plain YAML; texts that Jackson would read as something else are quoted."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    Dumper.add_representer(
        Decimal, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:float", str(value))
    )
    Dumper.add_multi_representer(dt.date, lambda dumper, value: dumper.represent_str(iso_text(value)))
    Dumper.add_multi_representer(dt.time, lambda dumper, value: dumper.represent_str(iso_text(value)))
    for kind in (dt.date, dt.datetime):
        Dumper.yaml_representers.pop(kind, None)
    return Dumper


def _yaml(value: Any) -> str:
    import yaml

    return yaml.dump(
        value,
        Dumper=_dumper(),
        allow_unicode=True,
        sort_keys=False,
        default_flow_style=False,
        width=1 << 30,
        explicit_end=False,
    ).removesuffix("...\n")


def _write(ctx: RunContext, values: Iterator[Any]) -> TaskResult:
    """One record plain, several each begun by `---`."""
    path = ctx.temp_file(".yaml")
    size = 0
    with path.open("w", encoding=charset(ctx, bom=False), errors="replace", newline="\n") as target:
        held = ""
        for value in values:
            text = _yaml(value)
            size += 1
            if size == 1:
                held = text
                continue
            if size == 2:
                target.write(f"---\n{held}")
            target.write(f"---\n{text}")
        if size == 1:
            target.write(held)
    return stored(ctx, path, size)


class YamlToIon:
    """Each document a record."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.yaml.YamlToIon", properties=(FROM, CHARSET), outputs=OUTPUTS
    )

    def run(self, ctx: RunContext) -> TaskResult:
        with read_text(ctx) as text:
            return to_ion(ctx, lambda sink: sink.write_all(records_of(_documents(text))))


class IonToYaml:
    """Each record a document."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.yaml.IonToYaml", properties=(FROM, CHARSET), outputs=OUTPUTS
    )

    def run(self, ctx: RunContext) -> TaskResult:
        with ctx.open_uri(str(ctx.get("from"))) as source:
            return _write(ctx, read_records(ctx, source))


class JsonToYaml:
    """One JSON document, or JSON lines with `jsonl`."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.yaml.JsonToYaml", properties=(FROM, CHARSET, _JSONL), outputs=OUTPUTS
    )

    def run(self, ctx: RunContext) -> TaskResult:
        with read_text(ctx) as text:
            if ctx.get("jsonl", False):
                values: Iterator[Any] = (json.loads(line) for line in text if line.strip())
            else:
                # One document stays one document: an array is written as a YAML list.
                values = _whole(text)
            try:
                return _write(ctx, values)
            except json.JSONDecodeError as error:
                raise TaskError(str(error)) from None


def _whole(text: TextIO) -> Iterator[Any]:
    content = text.read()
    if content.strip():
        yield json.loads(content)


class YamlToJson:
    """One document an object, several an array, or JSON lines."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.yaml.YamlToJson", properties=(FROM, CHARSET, _JSONL), outputs=OUTPUTS
    )

    def run(self, ctx: RunContext) -> TaskResult:
        lines = bool(ctx.get("jsonl", False))
        path = ctx.temp_file(".jsonl" if lines else ".json")
        with (
            read_text(ctx) as text,
            path.open("w", encoding=charset(ctx, bom=False), errors="replace", newline="\n") as target,
        ):
            documents = list(_documents(text))
            if lines:
                target.writelines(_json(document) + "\n" for document in documents)
            elif len(documents) == 1:
                target.write(_json(documents[0]))
            elif documents:
                target.write(_json(documents))
        return stored(ctx, path, len(documents))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
