"""The registries as a dialect sees them: name -> definition, loaded when a template first uses one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from simulator.dialect import Dialect
from simulator.expressions.registry import Definition, Table
from simulator.expressions.tests import TESTS

__all__ = ["LazyDefinitions", "definitions"]


def definitions(kind: str, dialect: Dialect) -> dict[str, Definition]:
    """What a dialect has of a kind ("filter", "function", "test"), by name."""
    return {
        name: definition
        for name, variants in _table(kind).items()
        for definition in variants
        if definition.in_dialect(dialect)
    }


def _table(kind: str) -> Table:
    # Imported when a template first uses one: a run without filters does not pay for them.
    if kind == "filter":
        from simulator.expressions.filters import FILTERS

        return FILTERS
    if kind == "function":
        from simulator.expressions.functions import FUNCTIONS

        return FUNCTIONS
    return TESTS


class LazyDefinitions(Mapping[str, Definition]):
    """`definitions`, loaded when first asked."""

    def __init__(self, kind: str, dialect: Dialect) -> None:
        self._kind = kind
        self._dialect = dialect
        self._found: dict[str, Definition] | None = None

    def _all(self) -> dict[str, Definition]:
        if self._found is None:
            self._found = definitions(self._kind, self._dialect)
        return self._found

    def __getitem__(self, name: str) -> Definition:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())
