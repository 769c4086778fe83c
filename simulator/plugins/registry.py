"""Every type we know, and the class behind it: one dict per family, read in one screen.

Values are `module:Class`; a module is imported when one of its types is first asked for. Third parties add types by the
entry point group `simulator.tasks` (name = type, value = `module:Class`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from simulator.dialect import Dialect
from simulator.model.catalog import TaskSpec

__all__ = ["FAMILIES", "Registry"]

#: family module -> its table `TYPES` (type -> "module:Class") and `ALIASES` (alias -> type)
FAMILIES: tuple[str, ...] = (
    "simulator.engine.flowables",
    "simulator.engine.triggers",
    "simulator.plugins.core",
    "simulator.plugins.jdbc",
    "simulator.plugins.aws",
    "simulator.plugins.serdes",
    "simulator.plugins.scripts",
    "simulator.plugins.notifications",
    "simulator.plugins.fs",
    "simulator.plugins.git",
    "simulator.plugins.transform",
)


class Registry:
    """The catalogue (`simulator.model.catalog.Catalog`) and the factory of plugins."""

    def __init__(self, families: Iterable[str] = FAMILIES, *, entry_points: bool = True) -> None:
        self._types: dict[str, str] = {}
        self._aliases: dict[str, str] = {}
        self._classes: dict[str, Any] = {}
        for family in families:
            module = import_module(family)
            self._types.update(getattr(module, "TYPES", {}))
            self._aliases.update(getattr(module, "ALIASES", {}))
        self._entry_points = entry_points
        self._points: dict[str, str] | None = None

    def _third_party(self, name: str) -> str | None:
        """The target of an entry point; the installed packages are looked through once."""
        if not self._entry_points:
            return None
        if self._points is None:
            from importlib.metadata import entry_points

            self._points = {point.name: point.value for point in entry_points(group="simulator.tasks")}
        return self._points.get(name)

    def load(self, name: str) -> Any | None:
        """The class behind a type or alias; None when unknown."""
        name = self._aliases.get(name, name)
        if name not in self._classes:
            target = self._types.get(name) or self._third_party(name)
            if target is None:
                return None
            module, _, attribute = target.partition(":")
            self._classes[name] = getattr(import_module(module), attribute)
        return self._classes[name]

    def register(self, cls: Any) -> None:
        """Adds a class by its spec (tests, mocks)."""
        spec: TaskSpec = cls.spec
        self._classes[spec.type] = cls
        self._types[spec.type] = f"{cls.__module__}:{cls.__qualname__}"
        for alias in spec.aliases:
            self._aliases[alias] = spec.type

    def spec(self, type_name: str, dialect: Dialect) -> TaskSpec | None:
        cls = self.load(type_name)
        if cls is None:
            return None
        spec: TaskSpec = cls.spec
        return spec if spec.in_dialect(dialect) else None

    def canonical(self, type_name: str, dialect: Dialect) -> str | None:
        spec = self.spec(type_name, dialect)
        return spec.type if spec else None

    def names(self, dialect: Dialect) -> Iterator[str]:
        yield from self._types
