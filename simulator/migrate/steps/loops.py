"""ForEach, EachSequential, EachParallel and ForEachItem become Loop (rules LOOP-*).

All loops of one nest are rewritten together, with every expression that reads their values or the outputs of their
tasks, or not at all: then each reason is told at the place it stands at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from simulator.expressions.nodes import Attribute, Filter, Function, Literal, Name
from simulator.migrate.changes import Change, Context, Note, key_change
from simulator.migrate.editor import Document, Edit, EditConflictError, reindent
from simulator.migrate.foreach_item import item_edits
from simulator.migrate.rules import rule
from simulator.migrate.scope import (
    OLD_LOOPS,
    is_value_of,
    length_of,
    loop_of,
    loops_around,
    output,
    outputs_of,
    owned_scalars,
    value_of,
)
from simulator.migrate.steps.expressions import place
from simulator.migrate.steps.flow import one_at_a_time
from simulator.migrate.templates import Parsed, front, parse, part, path_of, walk
from simulator.migrate.walk import CORE, Task, has_default, list_at, tasks, text_at
from simulator.source.nodes import ListNode, ScalarNode

__all__ = ["loops", "parallel_bodies"]

_RULES = {
    "flow.ForEach": "LOOP-01",
    "flow.EachSequential": "LOOP-02",
    "flow.EachParallel": "LOOP-03",
    "flow.ForEachItem": "LOOP-12",
}


def loops(document: Document, context: Context) -> Iterator[Change]:
    every = list(tasks(document.root))
    for outer in every:
        if outer.name in OLD_LOOPS and not loops_around(outer):
            nest = _Nest(document, context, every, outer)
            nest.read()
            yield from nest.changes()


@dataclass(slots=True)
class _Nest:
    """A loop that stands in no other one, with all loops inside."""

    document: Document
    context: Context
    every: list[Task]
    outer: Task
    loops: list[Task] = field(default_factory=list)
    inner: dict[str, Task] = field(default_factory=dict)
    """Id -> task, of all tasks inside."""
    edits: list[Edit] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    settled: set[int] = field(default_factory=set)
    merged: bool = False
    """Somebody reads the merged outputs of a ForEachItem."""

    def read(self) -> None:
        self.loops = [
            self.outer,
            *(task for task in self.every if task.name in OLD_LOOPS and self.outer in task.parents),
        ]
        self.inner = {task.id: task for task in self.every if self.outer in task.parents}
        self._structure()
        for owner, node in owned_scalars(self.document.root, self.every):
            self._scalar(owner, node)

    def changes(self) -> Iterator[Change]:
        if not self.reasons:
            try:
                edits = self._edits()
            except EditConflictError as error:
                self.reasons.append(str(error))
        for loop in self.loops:
            rule_id = _RULES[loop.name]
            message = f"`{loop.name.removeprefix('flow.')}` became `Loop`"
            if self.reasons:
                reasons = "; ".join(dict.fromkeys(self.reasons))
                yield key_change(
                    self.document, rule_id, message, loop.node, "type", hint=f"not rewritten: {reasons}"
                )
            elif loop is self.outer:
                others = [self._loop_note(other) for other in self.loops if other is not loop]
                yield key_change(
                    self.document,
                    rule_id,
                    message,
                    loop.node,
                    "type",
                    lambda: edits,
                    notes=[*others, *self.notes],
                )
        if self.reasons:
            for note in self.notes:
                yield Change(note.rule, note.message, note.start, note.end, (), note.hint)

    def _loop_note(self, loop: Task) -> Note:
        start, end = self.document.key_range(loop.node, "type")
        return Note(rule(_RULES[loop.name]), f"`{loop.name.removeprefix('flow.')}` became `Loop`", start, end)

    def _settle(self, node: Any) -> None:
        """Everything below a node is done with."""
        self.settled.update(id(child) for child, _ in walk(node))

    # What stands in the way

    def _refuse(self, reason: str) -> None:
        self.reasons.append(reason)

    def _structure(self) -> None:
        if one_at_a_time(self.document.root):
            self._refuse(
                "the flow runs one execution at a time (`concurrency.limit: 1`), and iterations are executions"
            )
        if any(parent.name == "flow.AllowFailure" for loop in self.loops for parent in loop.parents):
            self._refuse(
                "AllowFailure around a loop has no equal: `transmitFailed: false` gives SUCCESS, not WARNING"
            )
        for loop in self.loops:
            if has_default(self.document.root, loop.type):
                self._refuse("a plugin default that could not be written out applies to it")
            if loop.name == "flow.ForEachItem" and (len(self.loops) > 1 or loops_around(loop)):
                self._refuse("a ForEachItem stands inside of another loop")
            for key in ("errors", "finally"):
                if key in loop.node:
                    start, end = self.document.key_range(loop.node, key)
                    message = f"`{key}` of a Loop run in every iteration"
                    self.notes.append(Note(rule("LOOP-14"), message, start, end, done=False))
                    if key == "finally":
                        self._refuse("its `finally` would run once for every value")
        for task in self.inner.values():
            allowed = "allowFailure" in task.node and text_at(task.node, "allowFailure") != "false"
            if allowed or task.name == "flow.AllowFailure":
                start, end = self.document.key_range(task.node, "allowFailure" if allowed else "type")
                message = (
                    f"a failure of `{task.id}` is allowed: the execution ended WARNING and will end SUCCESS"
                )
                self.notes.append(Note(rule("LOOP-17"), message, start, end, done=False))
        ids = [task.id for task in self.every]
        if len(ids) != len(set(ids)):
            self._refuse("two tasks have the same id")

    # Expressions

    def _scalar(self, owner: Task | None, node: ScalarNode) -> None:
        inside = owner is not None and (owner is self.outer or self.outer in owner.parents)
        parsed = parse(node.text)
        if parsed is None:
            if inside and ("taskrun" in node.text or "parent" in node.text):
                self._refuse("an expression inside of it cannot be parsed")
            return
        self.settled.clear()
        for found, parent in walk(parsed.body):
            if id(found) in self.settled:
                continue
            if isinstance(found, Filter) and self._length(owner, node, parsed, found):
                self._settle(found)
            elif isinstance(found, Function) and found.name == "currentEachOutput" and inside:
                self._each_output(node, parsed, found)
            elif isinstance(found, (Attribute, Name)) and not (
                isinstance(parent, Attribute) and parent.target is found
            ):
                self._path(owner, node, parsed, found, inside)
            elif (
                isinstance(found, Literal)
                and inside
                and isinstance(found.value, str)
                and "taskrun.value" in found.value
            ):
                self._refuse("a text inside of an expression holds `taskrun.value`")

    def _path(self, owner: Task | None, node: ScalarNode, parsed: Parsed, found: Any, inside: bool) -> None:
        path = front(found)
        if not path:
            return
        if path[0] in ("outputs", "tasks") and len(path) > 1:
            if isinstance(path[1], str):
                self._outputs(owner, node, parsed, found, path, inside)
            return
        if not inside or owner is None:
            return
        outputs = outputs_of(owner, path)
        if outputs is not None:
            start, end = parsed.extent(part(found, outputs[1]))
            new = output(outputs[0].id)
            self._note("LOOP-06", f"`{node.text[start:end]}` is `{new}`", node, start, end)
            self.edits += self.document.set_content(node, start, end, new)
            return
        if loop_of(owner, path) is None:
            return
        start, end = parsed.extent(part(found, min(length_of(path), len(path))))
        written = node.text[start:end]
        counter = path[:2] == ["taskrun", "iteration"]
        rule_id = "LOOP-05" if counter else "LOOP-04" if path[0] == "taskrun" else "LOOP-06"
        try:
            new = value_of(owner, path) or ""
        except LookupError as error:
            self._note(rule_id, f"`{written}`: {error.args[0]}", node, start, end, done=False)
            self._refuse(str(error.args[0]))
            return
        self._note(rule_id, f"`{written}` is `{new}`", node, start, end)
        self.edits += self.document.set_content(node, start, end, new)

    def _outputs(
        self, owner: Task | None, node: ScalarNode, parsed: Parsed, found: Any, path: list[Any], inside: bool
    ) -> None:
        name = path[1]
        start, end = parsed.extent(found)
        written = node.text[start:end]
        if self.outer.name == "flow.ForEachItem" and name in (
            f"{self.outer.id}{end_}" for end_ in ("_split", "_items", "_merge")
        ):
            self._parts(node, parsed, found, path)
            return
        if name not in self.inner:
            return
        around = tuple(reversed(loops_around(self.inner[name])))
        seen = tuple(reversed(loops_around(owner))) if owner is not None else ()
        if not inside or owner is None or seen[: len(around)] != around:
            message = f"`{written}` reads a task of the loop `{around[-1].id}` from outside"
            hint = (
                f"declare it on the Loop, for example `outputs: [{{id: {name}, type: STRING, value: ...}}]` with the type "
                f"that fits, and read `loopOutputs({output(around[-1].id)}.outputs, '{name}')`"
            )
            self._note("LOOP-10", message, node, start, end, done=False, hint=hint)
            self._refuse(f"`{written}` reads its tasks from outside")
            return
        if path[0] == "outputs" and self._by_name(path, around):
            message = f"`{written}` has no value in brackets, so it failed in 1.x; in a Loop it reads this iteration"
            self._note("LOOP-16", message, node, start, end, done=False)
            return
        values = path[2 : 2 + len(around)]
        if len(values) < len(around) or not all(
            not isinstance(value, (str, int)) and is_value_of(owner, value, loop)
            for value, loop in zip(values, around, strict=True)
        ):
            self._note(
                "LOOP-09", f"`{written}` does not read the current value", node, start, end, done=False
            )
            self._refuse(f"`{written}` does not read the output of the current value")
            return
        if path[0] == "tasks":
            self._refuse(f"`{written}` reads the state of a task run by value")
            return
        ahead = parsed.extent(part(found, 2))[1]
        back = parsed.extent(part(found, 2 + len(around)))[1]
        self._note("LOOP-07", f"`{written}` is read without the value", node, start, end)
        for value in values:
            self._settle(value)
        self.edits += self.document.set_content(node, ahead, back, "")

    def _parts(self, node: ScalarNode, parsed: Parsed, found: Any, path: list[Any]) -> None:
        """Outputs of the task runs that a ForEachItem made: only the merged file has an equal."""
        if path[1] == f"{self.outer.id}_merge" and path[2:3] == ["subflowOutputs"]:
            start, end = parsed.extent(part(found, 3))
            new = f"{output(path[1])}.uri"
            self._note("LOOP-13", f"`{node.text[start:end]}` is `{new}`", node, start, end)
            self.edits += self.document.set_content(node, start, end, new)
            self.merged = True
            return
        start, end = parsed.extent(found)
        written = node.text[start:end]
        self._note("LOOP-13", f"`{written}` is gone", node, start, end, done=False)
        self._refuse(f"`{written}` is read")

    @staticmethod
    def _by_name(path: list[Any], around: tuple[Task, ...]) -> bool:
        """Whether `outputs.x.y` means the output `y`: it is no value that the loop names."""
        if len(around) != 1 or len(path) < 3 or not isinstance(path[2], str):
            return False
        given = around[0].node.get("values") or around[0].node.get("value")
        return given is not None and path[2] not in str(given.plain())

    def _each_output(self, node: ScalarNode, parsed: Parsed, found: Function) -> None:
        start, end = parsed.extent(found)
        argument = found.arguments.positional[0] if found.arguments.positional else None
        path = path_of(argument) if argument is not None else None
        if path is None or len(path) != 2 or path[0] != "outputs" or path[1] not in self.inner:
            self._note(
                "LOOP-07",
                "`currentEachOutput` of something else than a task of the loop",
                node,
                start,
                end,
                done=False,
            )
            self._refuse("`currentEachOutput` reads something else than a task of the loop")
            return
        first, last = parsed.extent(argument)
        self._note("EXP-04", "the function `currentEachOutput` is gone", node, start, end)
        self._settle(argument)
        self.edits += self.document.set_content(node, start, first, "")
        self.edits += self.document.set_content(node, last, end, "")

    def _length(self, owner: Task | None, node: ScalarNode, parsed: Parsed, found: Filter) -> bool:
        """`outputs.<task of the loop> | length`, read outside: the number of iterations."""
        path = path_of(found.target)
        if (
            found.name != "length"
            or path is None
            or len(path) != 2
            or path[0] != "outputs"
            or path[1] not in self.inner
        ):
            return False
        task = self.inner[path[1]]
        if (
            (owner is not None and self.outer in owner.parents)
            or loops_around(task) != (self.outer,)
            or task.parents[0] is not self.outer
        ):
            return False
        if "runIf" in task.node or "disabled" in task.node or self.outer.name == "flow.ForEachItem":
            return False
        start, end = parsed.extent(found)
        loop = output(self.outer.id)
        self._note("LOOP-08", f"`{node.text[start:end]}` is `{loop}.iterationCount`", node, start, end)
        self.edits += self.document.set_content(node, start, end, f"{loop}.iterationCount")
        return True

    def _note(
        self,
        rule_id: str,
        message: str,
        node: ScalarNode,
        start: int,
        end: int,
        *,
        done: bool = True,
        hint: str = "",
    ) -> None:
        first, last = place(self.document, node, start, end)
        self.notes.append(Note(rule(rule_id), message, first, last, done, hint))

    # Edits of the tasks themselves

    def _edits(self) -> list[Edit]:
        if self.outer.name == "flow.ForEachItem":
            return item_edits(self.document, self.outer, self.edits, merged=self.merged)
        edits = list(self.edits)
        for loop in self.loops:
            edits += self._loop(loop)
        return edits

    def _loop(self, loop: Task) -> list[Edit]:
        node, document = loop.node, self.document
        kind = node.entries["type"]
        assert isinstance(kind, ScalarNode)
        edits = document.set_scalar(kind, f"{CORE}flow.Loop")
        values = "values" if loop.name == "flow.ForEach" else "value"
        if values not in node:
            raise EditConflictError(f"the loop has no `{values}`")
        if values == "value":
            edits += document.rename(node, "value", "values")
        limit = "concurrent" if loop.name == "flow.EachParallel" else "concurrencyLimit"
        if limit in node:
            written = node.get(limit)
            if not isinstance(written, ScalarNode) or not isinstance(written.value, int):
                raise EditConflictError(f"`{limit}` is no plain number")
            if limit == "concurrent":
                edits += document.rename(node, limit, "concurrencyLimit")
                start, end = document.key_range(node, limit)
                message = "`concurrent` counted task runs, `concurrencyLimit` counts iterations"
                self.notes.append(Note(rule("LOOP-15"), message, start, end, done=False))
        else:
            number = 0 if loop.name == "flow.EachParallel" else 1
            edits += document.add_after(node, values, [f"concurrencyLimit: {number}"])
        if loop.name == "flow.EachParallel" and len(list_at(node, "tasks")) > 1:
            self.context.wrap.add(loop.id)
        return edits


def parallel_bodies(document: Document, context: Context) -> Iterator[Change]:
    """The tasks of what was an EachParallel ran beside each other: into a Parallel with them."""
    for task in tasks(document.root):
        if task.name == "flow.Loop" and task.id in context.wrap:
            yield key_change(
                document, "LOOP-03", "the tasks of an EachParallel run beside each other", task.node, "tasks",
                partial(_wrapped, document, context, task),
                remark="They stand in a Parallel now.",
            )  # fmt: skip


def _wrapped(document: Document, context: Context, task: Task) -> list[Edit]:
    body = task.node.entries["tasks"]
    if not isinstance(body, ListNode) or document.is_flow(body):
        raise EditConflictError("the tasks are written in brackets")
    first = list_at(task.node, "tasks")[0]
    if len(body.items) == 1 and text_at(first, "type") == f"{CORE}flow.Parallel":
        context.wrap.discard(task.id)
        raise EditConflictError("done")
    taken = {other.id for other in tasks(document.root)}
    name = f"{task.id}_parallel"
    while name in taken:
        name += "_"
    column = document.column(document.start(body))
    start = document.line_start(document.start(body))
    end = document.line_end(document.end(body))
    newline, blank = document.newline, " " * column
    text = reindent(newline + document.text[start:end], column, column + 4)
    head = newline.join([f"{blank}- id: {name}", f"{blank}  type: {CORE}flow.Parallel", f"{blank}  tasks:"])
    context.wrap.discard(task.id)
    return [Edit(start, end, head + text)]
