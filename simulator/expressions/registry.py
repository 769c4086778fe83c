"""How filters, functions and tests declare themselves: a plain function and one line in a table.

    def _upper(call: Call, value: Any, args: Args) -> Any:
        return None if value is None else call.text(value).upper()

    FILTERS = table(Definition("upper", _upper))

`args` holds what the template passed, by parameter name (positional ones are put under their names first); a
parameter that was not passed is absent, one that was passed as null is there with None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from simulator.dialect import Dialect
from simulator.errors import ExpressionError
from simulator.expressions.scope import Scope

__all__ = ["Args", "Call", "Definition", "Table", "table"]

Args: TypeAlias = Mapping[str, Any]


class Call(Protocol):
    """The place a filter, function or test is called from."""

    name: str
    """Its own name in the template."""
    scope: Scope
    dialect: Dialect
    template: str
    """The whole template text (Kestra appends `(<template>:<line>)` to Pebble's messages)."""
    line: int

    def error(self, message: str, *, cause_type: str | None = None) -> ExpressionError:
        """A PebbleException at this place, to be raised: Kestra's message text with its suffix, and the offset."""

    def raw_error(self, message: str, *, java_type: str, cause_type: str | None = None) -> ExpressionError:
        """An exception that is no PebbleException (ClassCastException, DateTimeParseException...), wrapped as Kestra wraps it."""

    def text(self, value: Any) -> str:
        """The value as a template prints it."""

    def variable(self, name: str) -> Any | None:
        """A variable of the evaluation context (loop variables included), None when absent."""

    def variables(self) -> Mapping[str, Any]:
        """The whole evaluation context."""

    def render(self, template: Any, *, recursive: bool, extra: Mapping[str, Any] | None = None) -> str | None:
        """Renders another template in this context (render, renderOnce)."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One filter, function or test. Filters and tests: `func(call, value, args)`; functions: `func(call, args)`.

    `params` are the parameter names in positional order; None = takes no part in argument mapping (args under "0", "1"...).
    `since`/`until`: dialect majors that have it.
    """

    name: str
    func: Callable[..., Any]
    params: tuple[str, ...] | None = ()
    since: int = 1
    until: int | None = None

    def in_dialect(self, dialect: Dialect) -> bool:
        return self.since <= dialect.major and (self.until is None or dialect.major <= self.until)


Table: TypeAlias = "dict[str, tuple[Definition, ...]]"


def table(*definitions: Definition) -> Table:
    """A name -> definitions table (several definitions of a name differ in their dialects)."""
    result: dict[str, tuple[Definition, ...]] = {}
    for definition in definitions:
        result[definition.name] = (*result.get(definition.name, ()), definition)
    return result
