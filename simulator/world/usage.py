"""What a flow's expressions make of a value that somebody else gives: its keys, its elements, JSON inside text, numbers.

    outputs.api.body | jq('.users[].name')      -> body: JSON text of {"users": [{"name": ...}]}
    fromJson(outputs.api.body).total > 5        -> body: JSON text of {"total": 6}
    outputs.load.outputs[0].uri                 -> outputs: [{"uri": <stored file>}]
    values: "{{ outputs.list.rows }}", fromJson(taskrun.value).id in the loop   -> rows: [{"id": ...}]

`usage(flow)` walks every expression of a flow and notes what each place asks for, as `Shape`s; `Shape.sample(name)` makes
a value that satisfies them. It is a guess, made to be edited: the stubs of mocks and sample triggers come from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from simulator.dialect import Dialect
from simulator.expressions import nodes
from simulator.expressions.lexer import ParseError
from simulator.expressions.parser import parse
from simulator.expressions.raw import take_raw
from simulator.model.flow import Flow, Task

__all__ = ["Shape", "StoredFile", "usage"]

#: what a value is likely to be, by the last word of its name
_BY_NAME: dict[str, Any] = {
    **dict.fromkeys(("size", "count", "total", "id", "number", "rowCount", "row_count", "updatedCount"), 1),
    **dict.fromkeys(("deletedCount", "length", "index", "page", "offset", "partition", "exitCode"), 0),
    "code": 200,
    "success": True,
    "url": "https://example.com/sample",
    "date": "2026-01-31T09:00:00Z",
}
_LISTS = frozenset(
    {"rows", "items", "results", "objects", "files", "records", "list", "data", "issues", "events", "blobs"}
)
_ROW = {"id": 1, "name": "sample"}

_NUMBERS = frozenset({"abs", "round", "number", "numberFormat", "numberformat"})
_DATES = frozenset({"date", "dateAdd", "timestamp", "timestampMilli", "timestampMicro", "timestampNano"})
_LISTED = frozenset({"length", "join", "sort", "rsort", "slice", "chunk", "flatten", "distinct"})
_TEXTS = frozenset(
    {"upper", "lower", "title", "trim", "replace", "truncate", "abbreviate", "slugify", "substringAfterLast"}
)
_SAME = frozenset({"default", "slice", "sort", "rsort", "reverse", "distinct"})
_JSON = frozenset({"json", "fromJson", "fromIon"})


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in a sample: its kind by extension, and what it must hold (None: anything)."""

    extension: str = ".ion"
    content: Any = None


@dataclass(eq=False)
class Shape:
    """What is known of one value. Grows while expressions are read."""

    fields: dict[str, Shape] = field(default_factory=dict)
    items: Shape | None = None
    inner: Shape | None = None
    """What JSON text in it holds"""
    kind: str = ""
    """number, date, text, list, file, files (a map of them), looped (outputs of a task in a 1.x loop)"""
    literals: list[Any] = field(default_factory=list)
    bounds: list[Any] = field(default_factory=list)
    """Numbers that pass the comparisons with constants"""
    same: Shape | None = None
    """Another value that it is compared with"""
    extension: str = ".ion"

    def get(self, name: str) -> Shape:
        """The value of a key; of an element when it is digits."""
        if name.isdigit() or (name.startswith("-") and name[1:].isdigit()):
            return self.element()
        found = self.fields.get(name)
        if found is None:
            found = self.fields[name] = Shape(kind="file" if name == "uri" or self.kind == "files" else "")
            if self.kind == "files":
                found.extension = PurePosixPath(name).suffix or ".txt"
            if name == "outputFiles":
                found.kind = "files"
        return found

    def element(self) -> Shape:
        if self.items is None:
            self.items = Shape()
        return self.items

    def parsed(self) -> Shape:
        """What is in it when it is JSON text."""
        if self.inner is None:
            self.inner = Shape()
        return self.inner

    @property
    def structured(self) -> bool:
        return bool(self.fields or self.items is not None or self.kind == "list")

    def sample(self, name: str = "value") -> Any:
        """A value that fits. What must be a file is a `StoredFile`."""
        if self.kind == "file":
            return StoredFile(self.extension, None if self.inner is None else self.inner.sample(name))
        if self.kind == "files" and (self.items is not None or not self.fields):
            return {"sample.txt": StoredFile(".txt")}
        if self.literals:
            return self.literals[0]
        if self.bounds:
            return 200 if name == "code" else self.bounds[0]
        if self.inner is not None:
            return json.dumps(self._merged().sample(name), default=str)
        if self.items is not None and not self.fields:
            return [self.items.sample(name.removesuffix("s") if name != "items" else "item")]
        if self.fields:
            return {key: shape.sample(key) for key, shape in self.fields.items()}
        if self.kind == "list":
            return [dict(_ROW)] if name in _LISTS else [f"sample {name.removesuffix('s')}"]
        if self.kind == "number":
            return 1
        if self.kind == "date":
            return "2026-01-31T09:00:00Z"
        if self.same is not None and (self.same.kind or self.same.literals):
            return Shape(kind=self.same.kind, literals=self.same.literals).sample(name)
        if self.kind == "text":
            return f"sample {name}"
        return self._by_name(name)

    def _merged(self) -> Shape:
        """JSON text whose keys are also read as they are (`body.id` and `fromJson(body).name`)."""
        assert self.inner is not None
        for key, shape in self.fields.items():
            self.inner.fields.setdefault(key, shape)
        if self.items is not None and self.inner.items is None:
            self.inner.items = self.items
        return self.inner

    @staticmethod
    def _by_name(name: str) -> Any:
        if name in _BY_NAME:
            return _BY_NAME[name]
        if name in _LISTS:
            return [dict(_ROW)]
        if name in ("row", "headers", "vars", "outputFiles", "metadata"):
            return dict(_ROW) if name == "row" else {}
        words = re.split(r"_|(?<=[a-z])(?=[A-Z])", name.lower())
        if words and words[-1] in ("count", "size", "total", "number", "rows", "amount", "score"):
            return 1
        return f"sample {name}"


class _Reader:
    """Goes through one template; `roots` are the values that are of interest, by name."""

    def __init__(self, roots: Mapping[str, Shape]) -> None:
        self.roots = dict(roots)

    def body(self, body: Iterable[nodes.Statement]) -> Shape | None:
        """Reads statements; the shape of the only printed value, when there is just one."""
        printed: list[Shape | None] = []
        for node in body:
            match node:
                case nodes.Print():
                    printed.append(self.value(node.value))
                case nodes.Set():
                    shape = self.value(node.value)
                    if shape is not None:
                        self.roots[node.name] = shape
                case nodes.If():
                    for condition, inner in node.branches:
                        self.value(condition)
                        printed.append(self.body(inner))
                    self.body(node.otherwise or ())
                case nodes.For():
                    iterable = self.value(node.iterable)
                    if iterable is not None:
                        iterable.kind = iterable.kind or "list"
                        self.roots[node.name] = iterable.element()
                    self.body(node.body)
                    self.body(node.otherwise or ())
                    printed.append(None)
                case nodes.Macro() | nodes.Block() | nodes.FilterTag():
                    self.body(node.body)
                case nodes.Text() if node.text.strip():
                    printed.append(None)
        return printed[0] if len(printed) == 1 else None

    def value(self, node: nodes.Expression | None) -> Shape | None:
        """Reads an expression; the shape that it denotes, None for what is none of ours."""
        match node:
            case nodes.Name():
                return self.roots.get(node.name)
            case nodes.Attribute():
                return self._attribute(node)
            case nodes.Function():
                return self._function(node)
            case nodes.Filter():
                return self._filter(node)
            case nodes.Binary():
                return self._binary(node)
            case nodes.Test():
                shape = self.value(node.target)
                if shape is not None and node.name == "iterable":
                    shape.kind = "list"
            case nodes.Unary():
                self.value(node.operand)
            case nodes.Ternary():
                self.value(node.condition)
                yes, no = self.value(node.yes), self.value(node.no)
                return yes or no
            case nodes.Concat():
                for part in node.parts:
                    self.value(part)
            case nodes.ListLiteral():
                for item in node.items:
                    self.value(item)
            case nodes.MapLiteral():
                for key, item in node.items:
                    self.value(key)
                    self.value(item)
        return None

    def _attribute(self, node: nodes.Attribute) -> Shape | None:
        target = self.value(node.target)
        if node.arguments is not None:
            for item in node.arguments.positional:
                self.value(item)
            return None
        key = node.key
        if isinstance(key, nodes.Literal) and isinstance(key.value, str | int):
            return target.get(str(key.value)) if target is not None else None
        self.value(key)
        if target is None:
            return None
        # A 1.x loop puts the value of the task run between the task and its outputs: the same shape.
        return target if target.kind == "looped" else target.element()

    def _arguments(self, arguments: nodes.Arguments) -> list[Shape | None]:
        found = [self.value(item) for item in arguments.positional]
        return found + [self.value(item) for _, item, _ in arguments.named]

    def _function(self, node: nodes.Function) -> Shape | None:
        shapes = self._arguments(node.arguments)
        first = shapes[0] if shapes else None
        if first is None:
            return None
        if node.name in _JSON:
            return first.parsed()
        if node.name == "read":
            first.kind = "file"
            return first
        return first if node.name == "render" else None

    def _filter(self, node: nodes.Filter) -> Shape | None:
        target = self.value(node.target)
        self._arguments(node.arguments)
        if target is None:
            return None
        name = node.name
        if name == "jq":
            program = node.arguments.positional[0] if node.arguments.positional else None
            text = str(program.value) if isinstance(program, nodes.Literal) else "."
            result = Shape(kind="list")
            result.items = _jq(target, text)
            return result
        if name in ("first", "last"):
            target.kind = target.kind or "list"
            return target.element()
        if name in _NUMBERS and not target.kind:
            target.kind = "number"
        elif name in _DATES and not target.kind:
            target.kind = "date"
        elif name == "base64decode":
            target.literals.append("c2FtcGxl")
        elif name in _LISTED and not target.structured and not target.kind:
            target.kind = "list"
        elif name in _TEXTS and not target.kind:
            target.kind = "text"
        return target if name in _SAME else None

    def _binary(self, node: nodes.Binary) -> Shape | None:
        left, right = self.value(node.left), self.value(node.right)
        operator = node.operator
        if operator in ("??", "???"):
            return left or right
        for shape, other, literal in ((left, right, node.right), (right, left, node.left)):
            if shape is None:
                continue
            value = literal.value if isinstance(literal, nodes.Literal) else None
            if operator in ("==", "equals"):
                if value is not None:
                    shape.literals.append(value)
                elif other is not None:
                    shape.same = other
            elif operator in (">", ">=", "<", "<="):
                if isinstance(value, int | float) and not isinstance(value, bool):
                    more = operator.startswith(">") == (shape is left)
                    shape.bounds.append(value + 1 if more else value - 1)
                elif not shape.kind:
                    shape.kind = "number"
            elif operator in ("-", "*", "/", "%") and not shape.kind:
                shape.kind = "number"
            elif operator in ("in", "isIn") and shape is left and isinstance(literal, nodes.ListLiteral):
                shape.literals += [item.value for item in literal.items if isinstance(item, nodes.Literal)][
                    :1
                ]
        return None


_STEP = re.compile(r"\.?\[(\d*)\]\??|\.\"([^\"]+)\"\??|\.([A-Za-z_]\w*)\??|\.")
_SELECT = re.compile(
    r"select\(\s*(\.[\w.\[\]]*)\s*(==|!=|>=?|<=?)?\s*(\"[^\"]*\"|-?\d+(?:\.\d+)?|true|false)?.*\)\s*$"
)


def _jq(shape: Shape, program: str) -> Shape:
    """The shape of a jq program's results; what is not understood is searched for paths."""
    here = shape.parsed() if not shape.structured and shape.kind != "list" else shape
    for part in _pipeline(program.strip()):
        here = _jq_step(here, part)
    return here


def _pipeline(program: str) -> Iterator[str]:
    depth, start, quoted = 0, 0, False
    for position, char in enumerate(program):
        if char == '"' and program[position - 1 : position] != "\\":
            quoted = not quoted
        elif not quoted:
            depth += (char in "([{") - (char in ")]}")
            if char == "|" and depth == 0:
                yield program[start:position].strip()
                start = position + 1
    yield program[start:].strip()


def _jq_step(here: Shape, part: str) -> Shape:
    if part.startswith("[") and part.endswith("]") and part != "[]":
        return Shape(kind="list", items=_walk(here, part[1:-1]))
    if part.startswith("map(") and part.endswith(")"):
        return Shape(kind="list", items=_walk(here.element(), part[4:-1]))
    chosen = _SELECT.match(part)
    if chosen:
        value = _walk(here, chosen[1])
        if chosen[2] == "==" and chosen[3]:
            value.literals.append(json.loads(chosen[3]))
        elif chosen[2] and not value.kind:
            value.kind = "number"
        return here
    position = 0
    found = here
    while position < len(part):
        step = _STEP.match(part, position)
        if step is None:
            break
        position = step.end()
        if step[0].endswith(("]", "]?")):
            found = found.element()
        elif step[2] or step[3]:
            found = found.get(step[2] or step[3])
    if position == len(part):
        return found
    for path in re.findall(r"(?<![\w\"])((?:\.[A-Za-z_]\w*)+)", re.sub(r'"[^"]*"', '""', part)):
        _jq_step(here, path)
    return Shape()


def _walk(shape: Shape, program: str) -> Shape:
    for part in _pipeline(program.strip()):
        shape = _jq_step(shape, part)
    return shape


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str() if "{{" in value or "{%" in value:
            yield value
        case Mapping():
            for key, item in value.items():
                yield from _texts(key)
                yield from _texts(item)
        case list() | tuple():
            for item in value:
                yield from _texts(item)


def _read(text: str, roots: Mapping[str, Shape], dialect: Dialect) -> Shape | None:
    try:
        tree = parse(take_raw(text)[0], dialect)
    except (ParseError, RecursionError):
        return None
    return _Reader(roots).body(tree.body)


_LOOPS = frozenset({"ForEach", "EachSequential", "EachParallel", "Loop", "ForEachItem"})
#: the kind of file that a reader expects at its `from`
_FILES = {
    "JsonToIon": ".json",
    "CsvToIon": ".csv",
    "YamlToIon": ".yaml",
    "XmlToIon": ".xml",
    "ArchiveDecompress": ".zip",
    "CopyIn": ".csv",
}


class _Usage:
    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.outputs = Shape()
        self.trigger = Shape()

    def read(self) -> Mapping[str, Shape]:
        plain = self.flow.node.plain()
        groups = ("tasks", "errors", "finally", "afterExecution", "listeners")
        roots = {"outputs": self.outputs, "trigger": self.trigger}
        for text in _texts({key: value for key, value in plain.items() if key not in groups}):
            _read(text, roots, self.flow.dialect)
        for group in (self.flow.tasks, self.flow.errors, self.flow.finally_, self.flow.after_execution):
            self._tasks(group, roots, False)
        return {"outputs": self.outputs, "trigger": self.trigger}

    def _tasks(self, tasks: Iterable[Task], roots: Mapping[str, Shape], looped: bool) -> None:
        for task in tasks:
            if looped and self.flow.dialect.major == 1:
                self.outputs.get(task.id).kind = "looped"
        for task in tasks:
            name = task.type.rpartition(".")[2]
            own = dict(task.properties)
            own |= {"runIf": task.run_if, "timeout": task.timeout}
            inner = dict(roots)
            if name in _LOOPS:
                element = Shape()
                listed = self._list(own.pop("values", None) or own.pop("items", None), roots)
                if listed is not None:
                    listed.kind = listed.kind or "list"
                    listed.items = listed.items or element
                    element = listed.items
                inner |= _loop_roots(element, roots)
            source = own.get("from")
            if isinstance(source, str):
                shape = _read(own.pop("from"), roots, self.flow.dialect)
                if shape is not None:
                    shape.kind, shape.extension = "file", _FILES.get(name, ".ion")
            payload = own.get("payload")
            if isinstance(payload, str):
                shape = _read(own.pop("payload"), inner, self.flow.dialect)
                if shape is not None and not shape.structured and not shape.kind:
                    shape.parsed().fields["text"] = Shape(kind="text")
            for text in _texts(own):
                _read(text, inner, self.flow.dialect)
            for children in task.children.values():
                self._tasks(children, inner, looped or name in _LOOPS)

    def _list(self, value: Any, roots: Mapping[str, Shape]) -> Shape | None:
        """The shape of what a loop goes over; a `jq` in it gives its results one by one, as one list."""
        if not isinstance(value, str):
            for text in _texts(value):
                _read(text, roots, self.flow.dialect)
            return None
        return _read(value, roots, self.flow.dialect)


def _loop_roots(element: Shape, roots: Mapping[str, Shape]) -> dict[str, Shape]:
    """`taskrun.value` and `item.value` inside a loop. In 1.x a map is JSON text there: `fromJson(taskrun.value).id`."""
    value = Shape(fields=element.fields, inner=element)
    outer = roots.get("taskrun")
    taskrun = Shape(fields={"value": value})
    found = {"taskrun": taskrun, "item": Shape(fields={"value": element})}
    if outer is not None:
        found["parent"] = Shape(fields={"taskrun": outer})
    return found


def usage(flow: Flow) -> Mapping[str, Shape]:
    """What the flow asks of `outputs` (by task id) and of `trigger`."""
    return _Usage(flow).read()
