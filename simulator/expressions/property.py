"""Kestra's `Property<T>`: from what stands in the YAML to a typed value.

    render_property(renderer, "{{ inputs.n }}", "integer", scope)  # 9
    render_property(renderer, ["{{ a }}", "b"], "list", scope, item="string")

Source: flow.md 2.5, expressions.md 13. Text is rendered first and converted afterwards, as Jackson's `convertValue`
does; lists and maps are kept as JSON text by Kestra, which is why a text that looks like JSON is one here.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import Any

from simulator.dialect import Dialect
from simulator.errors import ExpressionError
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.json_errors import explain_json, place
from simulator.expressions.java.text import to_json
from simulator.expressions.renderer import Renderer, plain
from simulator.expressions.scope import Scope
from simulator.values import OffsetDateTime, parse_duration

__all__ = ["KINDS", "Property", "convert", "render_property"]

KINDS = (
    "string",
    "integer",
    "number",
    "boolean",
    "duration",
    "date",
    "time",
    "datetime",
    "enum",
    "list",
    "map",
    "any",
)
_INT = re.compile(r"[+-]?[0-9]+", re.ASCII)
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_BOOLEANS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}


class _UnfitError(ValueError):
    """A value that is not of the kind asked for."""


def render_property(
    renderer: Renderer,
    raw: Any,
    as_: str,
    scope: Scope,
    *,
    item: str | None = None,
    key: str | None = None,
    value: str | None = None,
) -> Any:
    """The value of a property. `as_` is one of KINDS; `item` the kind of list items, `value` that of map values.

    None stays None ([] for a list, {} for a map). Raises ExpressionError.
    """
    try:
        if as_ == "list":
            return _list(renderer, raw, scope, item)
        if as_ == "map":
            return _map(renderer, raw, scope, value)
        if raw is None:
            return None
        return _typed(renderer.render(expression_text(raw), scope), as_, renderer.dialect)
    except JavaError as error:
        raise _failure(error.message, raw) from None


class Property:
    """One property of one task: keeps its first value unless `caches` is off (expressions.md 13, row cache)."""

    __slots__ = ("_done", "_result", "as_", "caches", "item", "key", "raw", "value_kind")

    def __init__(
        self,
        raw: Any,
        as_: str,
        *,
        caches: bool = True,
        item: str | None = None,
        key: str | None = None,
        value: str | None = None,
    ) -> None:
        self.raw = raw
        self.as_ = as_
        self.caches = caches
        self.item, self.key, self.value_kind = item, key, value
        self._done = False
        self._result: Any = None

    def value(self, renderer: Renderer, scope: Scope) -> Any:
        """The value; the first one for ever when it caches."""
        if self._done:
            return self._result
        result = render_property(
            renderer, self.raw, self.as_, scope, item=self.item, key=self.key, value=self.value_kind
        )
        if self.caches:
            self._done, self._result = True, result
        return result

    def skip_cache(self) -> Property:
        """A copy that evaluates anew each time."""
        return Property(self.raw, self.as_, caches=False, item=self.item, key=self.key, value=self.value_kind)


def expression_text(raw: Any) -> str:
    """The expression that Kestra keeps: the text of a scalar, JSON text of a list or map."""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, (Mapping, list, tuple)):
        return to_json(raw, iso_durations=True)
    return to_json(raw, iso_durations=True).strip('"')


def _whole_expression(text: str, dialect: Dialect) -> bool:
    text = text.strip()
    if text.startswith("{{") and text.endswith("}}"):
        return True
    return dialect.major >= 2 and text.startswith("{%") and text.endswith("%}")


def _structure(renderer: Renderer, raw: Any, scope: Scope, kind: type, name: str) -> tuple[Any, bool]:
    """The list or map, and whether its items are rendered already."""
    if isinstance(raw, kind):
        # Through JSON and back, as Kestra keeps it: nulls of maps are gone, durations are text.
        return json.loads(to_json(raw, iso_durations=True)), False
    text = expression_text(raw)
    whole = _whole_expression(text, renderer.dialect)
    if whole:
        text = renderer.render(text, scope) or ""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _failure(
            f"Unrecognized token or malformed JSON {name}: {_short(text)} ({error})", text
        ) from None
    if not isinstance(parsed, kind):
        raise _failure(f"Cannot deserialize a {name} from {_short(text)}", text)
    return parsed, whole


def _list(renderer: Renderer, raw: Any, scope: Scope, item: str | None) -> list[Any]:
    if raw is None:
        return []
    items, rendered = _structure(renderer, list(raw) if isinstance(raw, tuple) else raw, scope, list, "list")
    if not rendered:
        items = [renderer.render_deep(one, scope) if isinstance(one, (str, dict)) else one for one in items]
    return [_converted(one, item, renderer.dialect) for one in items]


def _map(renderer: Renderer, raw: Any, scope: Scope, value: str | None) -> dict[str, Any]:
    if raw is None:
        return {}
    entries, rendered = _structure(renderer, raw, scope, dict, "map")
    if not rendered:
        entries = renderer.render_deep(entries, scope)
    return {key: _converted(one, value, renderer.dialect) for key, one in entries.items()}


def _converted(found: Any, kind: str | None, dialect: Dialect) -> Any:
    return found if kind in (None, "any") else _typed(found, kind or "any", dialect)


def _typed(found: Any, kind: str, dialect: Dialect) -> Any:
    try:
        return convert(found, kind)
    except _UnfitError as error:
        if dialect.major >= 2 and isinstance(found, str):
            return _read(found, kind, error)
        raise _failure(str(error), found, "IllegalArgumentException") from None


def _read(text: str, kind: str, first: _UnfitError) -> Any:
    """2.0 reads a text that does not fit as JSON; when that fails too, it says only what was wrong with the JSON."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        explained = explain_json(text)
        message = f"com.fasterxml.jackson.core.JsonParseException: {explained}" if explained else str(first)
    else:
        try:
            return convert(parsed, kind)
        except _UnfitError as error:
            message = (
                f"com.fasterxml.jackson.databind.exc.MismatchedInputException: {error}\n at {place(text, 0)}"
            )
    raise ExpressionError(
        message, template=text, java_type="IllegalVariableEvaluationException", hint=str(first)
    )


def _failure(
    message: str, found: Any, java_type: str = "IllegalVariableEvaluationException"
) -> ExpressionError:
    return ExpressionError(message, template=found if isinstance(found, str) else None, java_type=java_type)


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


def convert(found: Any, kind: str) -> Any:
    """Jackson's conversion of a rendered text (or a JSON value) to a kind. Raises ValueError when it does not fit."""
    return _CONVERT[kind](found)


def _string(found: Any) -> Any:
    if found is None or isinstance(found, str):
        return found
    if isinstance(found, (dict, list)):
        raise _UnfitError(f"Cannot deserialize value of type `java.lang.String` from {type_name(found)}")
    return expression_text(found)


def type_name(found: Any) -> str:
    """Jackson's word for where a value starts."""
    if isinstance(found, bool):
        return f"Boolean value (token `JsonToken.VALUE_{str(found).upper()}`)"
    if isinstance(found, dict):
        return "Object value (token `JsonToken.START_OBJECT`)"
    return "Array value (token `JsonToken.START_ARRAY`)"


def _integer(found: Any) -> Any:
    if found is None or (isinstance(found, int) and not isinstance(found, bool)):
        return found
    if isinstance(found, float):
        return int(found)
    if isinstance(found, str):
        text = found.strip()
        if not text:
            return None
        if _INT.fullmatch(text) and len(text) < 300:
            return int(text)
    raise _UnfitError(
        "Cannot deserialize value of type `java.lang.Integer` from "
        + _source(found, "not a valid `java.lang.Integer` value")
    )


def _number(found: Any) -> Any:
    if found is None or (isinstance(found, (int, float)) and not isinstance(found, bool)):
        return found
    if isinstance(found, str):
        text = found.strip()
        if not text:
            return None
        if _FLOAT.fullmatch(text):
            return float(text)
        if text in ("NaN", "Infinity", "-Infinity", "INF", "-INF"):
            return float(text.replace("INF", "inf").replace("Infinity", "inf"))
    raise _UnfitError(
        "Cannot deserialize value of type `java.lang.Double` from "
        + _source(found, "not a valid `java.lang.Double` value")
    )


def _boolean(found: Any) -> Any:
    if found is None or isinstance(found, bool):
        return found
    if isinstance(found, int):
        return found != 0
    if isinstance(found, str):
        text = found.strip()
        if not text:
            return None
        if text in _BOOLEANS:
            return _BOOLEANS[text]
    raise _UnfitError(
        "Cannot deserialize value of type `java.lang.Boolean` from "
        + _source(found, 'only "true" or "false" recognized')
    )


def _duration(found: Any) -> Any:
    if found is None or isinstance(found, dt.timedelta):
        return found
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        return dt.timedelta(seconds=found)
    if isinstance(found, str):
        text = found.strip()
        if not text:
            return None
        try:
            return dt.timedelta(seconds=float(text)) if _FLOAT.fullmatch(text) else parse_duration(text)
        except (ValueError, OverflowError):
            pass
    raise _UnfitError(
        "Cannot deserialize value of type `java.time.Duration` from "
        + _source(found, "Failed to deserialize `java.time.Duration`: Text cannot be parsed to a Duration")
    )


def _moment(kind: str) -> Any:
    def read(found: Any) -> Any:
        if found is None or isinstance(found, (dt.date, dt.time)):
            return found
        if isinstance(found, str):
            text = found.strip()
            if not text:
                return None
            try:
                if kind == "date":
                    day, _, time = text.removesuffix("Z").partition("T")
                    if time:
                        dt.time.fromisoformat(time)
                    return dt.date.fromisoformat(day)
                if kind == "time":
                    return dt.time.fromisoformat(text)
                if "T" not in text:
                    raise ValueError(text)
                moment = dt.datetime.fromisoformat(text.partition("[")[0])
                return moment if moment.tzinfo is None else OffsetDateTime.fromisoformat(moment.isoformat())
            except ValueError:
                pass
        raise _UnfitError(f"Cannot deserialize a {kind} from {_source(found)}: Text could not be parsed")

    return read


def _enum(found: Any) -> Any:
    if found is None:
        return None
    if isinstance(found, str):
        return found.strip() or None
    raise _UnfitError(f"Cannot deserialize an enum from {_source(found)}")


def _any(found: Any) -> Any:
    return plain(found)


def _json_of(kind: type, name: str) -> Any:
    def read(found: Any) -> Any:
        if found is None or isinstance(found, kind):
            return found
        raise _UnfitError(f"Cannot deserialize a {name} from {_source(found)}")

    return read


def _source(found: Any, why: str = "") -> str:
    """What was found, and for a text what is wrong with it."""
    if isinstance(found, str):
        return f'String "{_short(found)}"' + (f": {why}" if why else "")
    return type_name(found)


_CONVERT = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "duration": _duration,
    "date": _moment("date"),
    "time": _moment("time"),
    "datetime": _moment("datetime"),
    "enum": _enum,
    "list": _json_of(list, "list"),
    "map": _json_of(dict, "map"),
    "any": _any,
}
