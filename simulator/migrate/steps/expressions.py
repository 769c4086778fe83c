"""Functions, filters, arguments and operators in templates (rules EXP-*)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulator.dialect import V2
from simulator.expressions.nodes import Attribute, Filter, FilterTag, For, Function, Macro, Name, Print, Set
from simulator.migrate.changes import Change, Context
from simulator.migrate.editor import Document, Edit, EditConflictError
from simulator.migrate.ion import producers, written_as_ion
from simulator.migrate.precedence import parentheses
from simulator.migrate.rules import rule
from simulator.migrate.scope import loops_around, output, outputs_of, owned_scalars
from simulator.migrate.templates import Parsed, front, parse, part, path_of, walk
from simulator.migrate.walk import Task, list_at, map_at, scalars, tasks, text_at
from simulator.source.nodes import ScalarNode

__all__ = ["at", "binding", "context", "dashes", "names", "place", "variables"]


def place(document: Document, node: ScalarNode, start: int, end: int) -> tuple[int, int]:
    """Offsets in the file of a stretch of a scalar's content."""
    return document.place(node, start), document.place(node, end)


def at(
    document: Document, rule_id: str, message: str, node: ScalarNode, start: int, end: int,
    edits: list[tuple[int, int, str]] | None = None, *, hint: str = "",
) -> Change:  # fmt: skip
    """A change inside of a scalar: `edits` are stretches of its content with their new text."""
    first, last = place(document, node, start, end)
    made: list[Edit] = []
    try:
        for begin, stop, new in edits or ():
            made += document.set_content(node, begin, stop, new)
    except EditConflictError as error:
        made, hint = [], hint or f"not rewritten: {error}"
    return Change(rule(rule_id), message, first, last, tuple(made), hint)


def names(document: Document, context: Context) -> Iterator[Change]:
    """Functions, filters and arguments with another name, Ion files read as text."""
    made_by = producers(document)
    for node in scalars(document.root):
        parsed = parse(node.text) or parse(node.text, V2)
        if parsed is None:
            continue
        for found, parent in walk(parsed.body):
            if isinstance(found, Function):
                yield from _function(document, node, parsed, found, parent, made_by)
            elif isinstance(found, Filter) and found.name == "json":
                yield _renamed(document, "EXP-02", node, found.offset, "json", "toJson", "filter")
            elif isinstance(found, FilterTag):
                for name, _, offset in found.filters:
                    if name == "json":
                        yield _renamed(document, "EXP-02", node, offset, "json", "toJson", "filter")


def _renamed(
    document: Document, rule_id: str, node: ScalarNode, offset: int, old: str, new: str, what: str
) -> Change:
    end = offset + len(old)
    return at(
        document, rule_id, f"the {what} `{old}` is called `{new}`", node, offset, end, [(offset, end, new)]
    )


def _function(
    document: Document, node: ScalarNode, parsed: Parsed, found: Function, parent: object, made_by: dict[str, str]
) -> Iterator[Change]:  # fmt: skip
    if found.name == "json":
        argument = found.arguments.positional[0] if found.arguments.positional else None
        # `json(read(<Ion>))` becomes fromIon in one go.
        ion = isinstance(argument, Function) and written_as_ion(argument, made_by)
        yield _renamed(
            document, "EXP-01", node, found.offset, "json", "fromIon" if ion else "fromJson", "function"
        )
    elif found.name in ("read", "fileURI"):
        for name, _, offset in found.arguments.named:
            if name == "version":
                yield _renamed(document, "EXP-03", node, offset, "version", "revision", "argument")
        producer = written_as_ion(found, made_by)
        outer = _caller(parsed, found)
        if producer and outer != "fromIon" and outer != "json":
            end = found.offset + len(found.name)
            message = f"`{found.name}` gives bytes here: {producer}"
            edits = None
            if outer == "fromJson":
                start = _caller_offset(parsed, found)
                edits = [(start, start + len("fromJson"), "fromIon")]
            yield at(document, "EXP-05", message, node, found.offset, end, edits)
    elif found.name == "currentEachOutput":
        end = found.offset + len(found.name)
        yield at(document, "EXP-04", "the function `currentEachOutput` is gone", node, found.offset, end)
    elif found.name == "kv" and _may_fail(found):
        end = found.offset + len("kv")
        yield at(document, "EXP-09", "`kv` fails when the key does not exist", node, found.offset, end)


def _may_fail(call: Function) -> bool:
    """Whether a `kv()` does not say what a missing key gives."""
    named = {name for name, _, _ in call.arguments.named}
    return "errorOnMissing" not in named and len(call.arguments.positional) < 3


def _caller(parsed: Parsed, inner: Function) -> str:
    """The name of the function whose first argument the call is; "" when there is none."""
    for found, _ in walk(parsed.body):
        if isinstance(found, Function) and found.arguments.positional[:1] == [inner]:
            return found.name
    return ""


def _caller_offset(parsed: Parsed, inner: Function) -> int:
    return next(
        found.offset
        for found, _ in walk(parsed.body)
        if isinstance(found, Function) and found.arguments.positional[:1] == [inner]
    )


def binding(document: Document, context: Context) -> Iterator[Change]:
    """Operators that bind otherwise."""
    for node in scalars(document.root):
        if not any(operator in node.text for operator in ("??", "isIn")):
            continue
        extents = parentheses(node.text)
        if extents == []:
            continue
        message = "`??` binds less tightly in 2.0, which changes the meaning of this expression"
        if extents is None:
            yield at(document, "EXP-06", message, node, 0, len(node.text))
            continue
        first, last = extents[0]
        if context.native_v2:
            hint = "the flow already uses what only 2.0 knows: put parentheses where 1.x was meant"
            yield at(document, "EXP-06", message, node, first, last, hint=hint)
            continue
        marks: dict[int, str] = {}
        for start, end in extents:
            marks[start] = marks.get(start, "") + "("
            marks[end] = ")" + marks.get(end, "")
        edits = [(offset, offset, mark) for offset, mark in marks.items()]
        yield at(document, "EXP-06", message, node, first, last, edits)


def dashes(document: Document, context: Context) -> Iterator[Change]:
    """`inputs.a-b`, which subtracts b."""
    known = {
        "inputs": {text_at(node, "id") or "" for node in list_at(document.root, "inputs")},
        "outputs": {task.id for task in tasks(document.root)},
    }
    for node in scalars(document.root):
        parsed = parse(node.text) if "-" in node.text else None
        if parsed is None:
            continue
        tokens = parsed.tokens()
        for index, token in enumerate(tokens[:-2]):
            before = tokens[index - 1].value if index else ""
            if (
                token.type != "NAME"
                or token.value not in known
                or before == "."
                or tokens[index + 1].value != "."
            ):
                continue
            start = tokens[index + 2].offset
            name = max(
                (
                    name
                    for name in known[token.value]
                    if "-" in name
                    and node.text.startswith(name, start)
                    and not node.text[start + len(name) : start + len(name) + 1].isalnum()
                    and node.text[start + len(name) : start + len(name) + 1] not in ("_", "-")
                ),
                key=len,
                default=None,
            )
            plain = tokens[index + 2].value
            if name is None or plain in known[token.value]:
                continue
            end = start + len(name)
            dot = tokens[index + 1].offset
            message = f"`{token.value}.{name}` subtracts: a name with a dash needs brackets"
            yield at(document, "EXP-13", message, node, token.offset, end, [(dot, end, f"['{name}']")])


def variables(document: Document, context: Context) -> Iterator[Change]:
    """Variables that hold expressions and are printed without `render`."""
    values = map_at(document.root, "variables")
    templated = {key for key in values or () if "{{" in (text_at(values, key) or "")}
    for node in scalars(document.root) if templated else ():
        parsed = parse(node.text)
        for found, parent in walk(parsed.body) if parsed else ():
            path = path_of(found) if isinstance(parent, Print) else None
            if (
                parsed is None
                or path is None
                or path[:1] != ["vars"]
                or len(path) != 2
                or path[1] not in templated
            ):
                continue
            start, end = parsed.extent(found)
            message = f"`vars.{path[1]}` holds an expression, which is printed as it is"
            yield at(document, "EXP-12", message, node, start, end)


def context(document: Document, state: Context) -> Iterator[Change]:
    """Variables of the context that are gone: `schedule`, and the outputs of `parent`."""
    every = list(tasks(document.root))
    for owner, node in owned_scalars(document.root, every):
        parsed = parse(node.text) if "schedule" in node.text or "parent" in node.text else None
        if parsed is None:
            continue
        own = {found.name for found, _ in walk(parsed.body) if isinstance(found, (Set, For, Macro))}
        for found, parent in walk(parsed.body):
            if not isinstance(found, (Attribute, Name)) or (
                isinstance(parent, Attribute) and parent.target is found
            ):
                continue
            path = front(found)
            if path[:1] == ["schedule"] and len(path) > 1 and "schedule" not in own:
                start, end = parsed.extent(part(found, 1))
                yield at(
                    document, "EXP-16", "`schedule` is `trigger`", node, start, end, [(start, end, "trigger")]
                )
            elif path[:1] in (["parent"], ["parents"]) and owner is not None and not loops_around(owner):
                yield from _parents(document, owner, node, parsed, found, path)


def _parents(
    document: Document, owner: Task, node: ScalarNode, parsed: Parsed, found: Any, path: list[Any]
) -> Iterator[Change]:  # fmt: skip
    outputs = outputs_of(owner, path)
    start, end = parsed.extent(part(found, outputs[1] if outputs else len(path)))
    written = node.text[start:end]
    if outputs is not None:
        new = output(outputs[0].id)
        yield at(document, "EXP-17", f"`{written}` is `{new}`", node, start, end, [(start, end, new)])
    elif "outputs" in path:
        yield at(document, "EXP-17", f"`{written}`: 2.0 keeps no outputs there", node, start, end)
