"""Loop (2.0): its properties and its values (core-tasks.md 2.10); iterations are run by `simulator.engine.roles.loop`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sized
from typing import Any, BinaryIO, ClassVar, NamedTuple

from simulator.engine.flowables.base import View, flowable_spec
from simulator.engine.flowables.each import compact
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec

__all__ = ["Items", "Loop", "LoopItem", "loop_items"]

_SCHEMES = ("kestra://", "file://", "nsfile://")


class LoopItem(NamedTuple):
    value: str
    key: str | None = None


class Items:
    """The items that are still to come, read one at a time; a file is held open until it has given its last row."""

    def __init__(
        self, items: Iterable[LoopItem], source: BinaryIO | None = None, total: int | None = None
    ) -> None:
        self.total = len(items) if isinstance(items, Sized) else total
        """How many there are in all: Kestra counts a file's rows before the first iteration."""
        self._items = iter(items)
        self._source = source
        self._next: LoopItem | None = None
        self._read()

    @property
    def more(self) -> bool:
        return self._next is not None

    def take(self) -> LoopItem:
        """The next item. Raises what reading the one after it raises (StorageError for a broken file)."""
        item = self._next
        assert item is not None
        self._read()
        return item

    def skip(self, count: int) -> None:
        """Passes over items that have had their iteration."""
        while count > 0 and self.more:
            self.take()
            count -= 1

    def close(self) -> None:
        self._next = None
        if self._source is not None:
            self._source.close()

    def _read(self) -> None:
        self._next = next(self._items, None)
        if self._next is None:
            self.close()


class Loop:
    role = "loop"
    spec: ClassVar[TaskSpec] = flowable_spec(
        "Loop",
        PropertySpec("values", T.ANY, required=True, as_property=False),
        PropertySpec("concurrencyLimit", T.INTEGER, default=1, dynamic=False, as_property=False, minimum=0),
        PropertySpec("transmitFailed", T.BOOLEAN, default=True),
        PropertySpec("outputs", T.LIST, as_property=False),
        PropertySpec(
            "fetchType",
            T.ENUM,
            default="AUTO",
            values=("AUTO", "FETCH", "STORE"),
            dynamic=False,
            as_property=False,
        ),
        PropertySpec("tasks", T.TASKS, required=True, dynamic=False, as_property=False),
        outputs=(
            OutputSpec("iterationCount", T.INTEGER),
            OutputSpec("runningIterations", T.INTEGER),
            OutputSpec("terminatedIterations", T.INTEGER),
            OutputSpec("outputs", T.LIST),
        ),
        since=2,
    )


def loop_items(view: View) -> tuple[Items, bool]:
    """The items of a Loop, and whether they come from a stored file. Raises TaskError with Kestra's messages."""
    found, source, total = _values(view)
    return Items(found, source, total), source is not None


def _values(view: View) -> tuple[Iterable[LoopItem], BinaryIO | None, int | None]:
    raw = view.raw("values")
    if isinstance(raw, str):
        text = view.render(raw)
        if isinstance(text, str) and text.strip().startswith(_SCHEMES):
            with view.open_uri(text.strip()) as counted:
                total = sum(1 for _ in _rows(counted))
            source = view.open_uri(text.strip())
            return _rows(source), source, total
        try:
            found = json.loads(text or "")
        except ValueError:
            raise TaskError(
                "The `values` must be a list, a map, or an expression that renders to one, "
                f"but got: '{text or ''}'."
            ) from None
        if isinstance(found, list):
            _no_null(found, text)
            texts = [item if isinstance(item, str) else compact(item) for item in found]
            return [LoopItem(value) for value in dict.fromkeys(texts)], None, None
        if isinstance(found, dict):
            return _pairs(found), None, None
        raise TaskError(
            f"The `values` must be a list, a map, or an expression that renders to one, but got: '{text}'."
        )
    if isinstance(raw, list):
        _no_null(raw, raw)
        return [LoopItem(value) for value in dict.fromkeys(_element(view, item) for item in raw)], None, None
    if isinstance(raw, dict):
        return _pairs(view.render(raw)), None, None
    raise TaskError(f"Unknown value type: class {type(raw).__name__}")


def _element(view: View, item: Any) -> str:
    if isinstance(item, str):
        return str(view.render(item))
    if isinstance(item, (int, float)) and not isinstance(item, bool):
        return str(item)
    if isinstance(item, dict):
        return compact(view.render(item))
    names = {bool: "java.lang.Boolean", list: "java.util.ArrayList"}
    raise TaskError(f"Unknown value element type: class {names.get(type(item), type(item).__name__)}")


def _pairs(values: dict[str, Any]) -> list[LoopItem]:
    _no_null(list(values.values()), values)
    return [
        LoopItem(value if isinstance(value, str) else compact(value), str(key))
        for key, value in values.items()
    ]


def _no_null(items: list[Any], whole: Any) -> None:
    if any(item is None for item in items):
        raise TaskError(f"Found a null value inside the iteration values={compact(whole)}")


def _rows(source: BinaryIO) -> Iterator[LoopItem]:
    from simulator.storage.ion import iter_rows

    for row in iter_rows(source):
        if row is None:
            raise TaskError("Found a null value in the ION file")
        yield LoopItem(row if isinstance(row, str) else json.dumps(row, separators=(",", ":"), default=str))
