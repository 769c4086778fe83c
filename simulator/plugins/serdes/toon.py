"""`json.JsonToToon` and `json.ToonToJson`: JSON to the indented TOON text and back (serdes.md 4), whole in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import TaskSpec
from simulator.plugins.serdes.json import json_error
from simulator.plugins.serdes.rows import CHARSET, FROM, OUTPUTS, charset, read_text, stored

__all__ = ["JsonToToon", "ToonToJson", "from_toon", "to_toon"]

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_KEY = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)
_SPECIAL = re.compile(r'[,:"\\\[\]{}\x00-\x1f]')
_HEAD = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*"|[^\[:"]*?)\[(?P<size>\d+)\](?:\{(?P<fields>.*)\})?:(?: (?P<rest>.*))?'
)
_FIELD = re.compile(r'(?P<key>"(?:[^"\\]|\\.)*"|[^:"]*?):(?: (?P<rest>.*))?')


class JsonToToon:
    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.json.JsonToToon", properties=(FROM, CHARSET), outputs=OUTPUTS
    )

    def run(self, ctx: RunContext) -> TaskResult:
        with read_text(ctx) as text:
            try:
                value = json.loads(text.read(), parse_float=Decimal)
            except json.JSONDecodeError as error:
                raise json_error(error) from None
        path = ctx.temp_file(".toon")
        path.write_text(to_toon(value), encoding=charset(ctx, bom=False), errors="replace")
        return stored(ctx, path, len(value) if isinstance(value, list) else 1)


class ToonToJson:
    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.json.ToonToJson", properties=(FROM, CHARSET), outputs=OUTPUTS
    )

    def run(self, ctx: RunContext) -> TaskResult:
        with read_text(ctx) as text:
            value = from_toon(text.read())
        path = ctx.temp_file(".json")
        path.write_text(
            json.dumps(value, ensure_ascii=False, separators=(",", ":")),
            encoding=charset(ctx, bom=False),
            errors="replace",
        )
        return stored(ctx, path, len(value) if isinstance(value, list) else 1)


def to_toon(value: Any) -> str:
    """The text of a JSON value, without a final newline."""
    if isinstance(value, dict):
        return "\n".join(_object(value, 0))
    if isinstance(value, list):
        return "\n".join(_array("", value, 0))
    return _scalar(value)


def _object(value: dict[str, Any], depth: int) -> Iterator[str]:
    indent = "  " * depth
    for key, item in value.items():
        name = key if _KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
        if isinstance(item, dict):
            yield f"{indent}{name}:"
            yield from _object(item, depth + 1)
        elif isinstance(item, list):
            yield from _array(name, item, depth)
        else:
            yield f"{indent}{name}: {_scalar(item)}"


def _array(name: str, items: list[Any], depth: int) -> Iterator[str]:
    indent = "  " * depth
    head = f"{indent}{name}[{len(items)}]"
    if all(not isinstance(item, (dict, list)) for item in items):
        yield f"{head}: {','.join(map(_scalar, items))}".rstrip() if items else f"{head}:"
        return
    fields = _uniform(items)
    if fields:
        names = ",".join(
            key if _KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False) for key in fields
        )
        yield f"{head}{{{names}}}:"
        for item in items:
            yield f"{indent}  {','.join(_scalar(item[key]) for key in fields)}"
        return
    yield f"{head}:"
    for item in items:
        if isinstance(item, dict):
            lines = list(_object(item, depth + 2))
        elif isinstance(item, list):
            lines = list(_array("", item, depth + 2))
        else:
            lines = ["  " * (depth + 2) + _scalar(item)]
        first = lines[0].strip() if lines else ""
        yield f"{indent}  - {first}".rstrip()
        yield from lines[1:]


def _uniform(items: list[Any]) -> list[str] | None:
    """The keys of a table: objects with the same keys and no nested values."""
    first = items[0]
    if not isinstance(first, dict) or not first:
        return None
    for item in items:
        if not isinstance(item, dict) or item.keys() != first.keys():
            return None
        if any(isinstance(value, (dict, list)) for value in item.values()):
            return None
    return list(first)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return _plain(Decimal(value)) if isinstance(value, Decimal) else str(value)
    if isinstance(value, float):
        return _plain(Decimal(repr(value)))
    text = str(value)
    ambiguous = text in ("true", "false", "null", "") or text != text.strip() or text.startswith("-")
    if ambiguous or _NUMBER.fullmatch(text) or _SPECIAL.search(text):
        return json.dumps(text, ensure_ascii=False)
    return text


def _plain(value: Decimal) -> str:
    """Without exponent and without zeros at the end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def from_toon(text: str) -> Any:
    """The JSON value of a TOON text. Raises TaskError with the line."""
    lines: list[tuple[int, str, int]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            stripped = line.lstrip(" ")
            lines.append(((len(line) - len(stripped)) // 2, stripped.rstrip(), number))
    if not lines:
        return {}
    reader = _ToonReader(lines)
    first = lines[0][1]
    head = _HEAD.fullmatch(first)
    if head and not head["key"]:
        return reader.array(head, 0)
    if len(lines) == 1 and not head and not _FIELD.fullmatch(first):
        return _parse_scalar(first)
    return reader.object(0)


class _ToonReader:
    def __init__(self, lines: list[tuple[int, str, int]]) -> None:
        self._lines = lines
        self._at = 0

    def object(self, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while self._at < len(self._lines) and self._lines[self._at][0] >= depth:
            at, line, number = self._lines[self._at]
            if at != depth:
                raise TaskError(f"Invalid TOON: unexpected indentation on line {number}")
            self._entry(result, line, depth, number)
        return result

    def _entry(self, result: dict[str, Any], line: str, depth: int, number: int) -> None:
        head = _HEAD.fullmatch(line)
        if head:
            result[_parse_key(head["key"])] = self.array(head, depth)
            return
        field = _FIELD.fullmatch(line)
        if field is None:
            raise TaskError(f"Invalid TOON: a key was expected on line {number}")
        self._at += 1
        if field["rest"] is not None:
            result[_parse_key(field["key"])] = _parse_scalar(field["rest"])
        else:
            result[_parse_key(field["key"])] = self.object(depth + 1)

    def array(self, head: re.Match[str], depth: int) -> list[Any]:
        """The array whose head is the line at hand."""
        number = self._lines[self._at][2]
        size = int(head["size"])
        self._at += 1
        items: list[Any] = []
        if head["rest"] is not None:
            items = [_parse_scalar(cell) for cell in _cells(head["rest"])]
        elif head["fields"] is not None:
            fields = [_parse_key(name) for name in _cells(head["fields"])]
            while len(items) < size and self._at < len(self._lines) and self._lines[self._at][0] == depth + 1:
                cells = [_parse_scalar(cell) for cell in _cells(self._lines[self._at][1])]
                if len(cells) != len(fields):
                    raise TaskError(
                        f"Invalid TOON: {len(fields)} values expected on line {self._lines[self._at][2]}"
                    )
                items.append(dict(zip(fields, cells)))
                self._at += 1
        else:
            while self._at < len(self._lines) and self._is_item(depth):
                items.append(self._item(depth))
        if len(items) != size:
            raise TaskError(f"Invalid TOON: {size} items announced on line {number}, found {len(items)}")
        return items

    def _is_item(self, depth: int) -> bool:
        at, line, _ = self._lines[self._at]
        return at == depth + 1 and (line == "-" or line.startswith("- "))

    def _item(self, depth: int) -> Any:
        _, line, number = self._lines[self._at]
        rest = line[2:]
        if not rest:
            self._at += 1
            return {}
        # What follows the dash is the first line of the item, two levels deeper.
        self._lines[self._at] = (depth + 2, rest, number)
        head = _HEAD.fullmatch(rest)
        if head and not head["key"]:
            return self.array(head, depth + 2)
        if head or _FIELD.fullmatch(rest):
            return self.object(depth + 2)
        self._at += 1
        return _parse_scalar(rest)


def _cells(text: str) -> list[str]:
    cells = re.findall(r'\s*("(?:[^"\\]|\\.)*"|[^,]*)\s*(?:,|$)', text)
    return cells[:-1] if text and not text.endswith(",") else cells


def _parse_key(text: str) -> str:
    text = text.strip()
    return str(json.loads(text)) if text.startswith('"') else text


def _parse_scalar(text: str) -> Any:
    text = text.strip()
    if text.startswith('"'):
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            raise TaskError(f"Invalid TOON: broken string {text}") from None
    if text in ("true", "false", "null"):
        return json.loads(text)
    return json.loads(text) if _NUMBER.fullmatch(text) and not re.match(r"-?0\d", text) else text
