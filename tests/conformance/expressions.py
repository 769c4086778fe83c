"""Runs expression cases: one template, one outcome, every expectation of the case checked."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from simulator.dialect import Dialect, dialect_of
from simulator.errors import ExpressionError, SimulatorError
from simulator.expressions.errors import EvaluationError
from simulator.expressions.property import Property
from simulator.expressions.renderer import Renderer
from tests.conformance.cases import Case, Result
from tests.conformance.java import UnknownType, decode, describe, differs
from tests.conformance.services import build_scope

__all__ = ["run_expression_case"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_KEYS = _words(
    "id source kestra template vars typed expect error features notes config secrets kv namespace_files storage"
    " local_files logs http property expect_contains expect_not_contains expect_starts_with expect_ends_with"
    " expect_regex expect_length expect_not expect_between expect_json_contains expect_split expect_now"
    " expect_key_order"
)
_ERROR_KEYS = _words("type contains equals cause cause_contains cause_equals cause_cause thrown observed")
_CONFIG_KEYS = frozenset(
    (
        "kestra.variables.recursive-rendering",
        "recursive",
        "renderer",
        "kestra.local-files.allowed-paths",
        "kestra.local-files.enable-file-functions",
        "regex-timeout",
    )
)
_PROPERTY_KEYS = _words("as item key value extra_vars cached calls")
_PROPERTY_TYPES = {
    "String": "string",
    "Integer": "integer",
    "Long": "integer",
    "Double": "number",
    "Float": "number",
    "Boolean": "boolean",
    "Duration": "duration",
    "Level": "enum",
    "List": "list",
    "Map": "map",
    "Object": "any",
}
# What a test that asserts the superclass accepts.
_SUPERCLASSES = {
    "NumberFormatException": "IllegalArgumentException",
    "PatternSyntaxException": "IllegalArgumentException",
    "DateTimeParseException": "DateTimeException",
    "ZoneRulesException": "DateTimeException",
    "ParserException": "PebbleException",
    "AttributeNotFoundException": "PebbleException",
    "RootAttributeNotFoundException": "AttributeNotFoundException",
    "ClassAccessException": "PebbleException",
    "ArrayIndexOutOfBoundsException": "IndexOutOfBoundsException",
    "StringIndexOutOfBoundsException": "IndexOutOfBoundsException",
    "FileNotFoundException": "IOException",
}
_renderers: dict[str, Renderer] = {}


def _renderer(dialect: Dialect) -> Renderer:
    if dialect.name not in _renderers:
        _renderers[dialect.name] = Renderer(dialect)
    return _renderers[dialect.name]


class _Mismatch(Exception):
    """An expectation that does not hold: what was expected, what came."""


def run_expression_case(case: Case, kestra: str) -> Result:
    """The outcome in one version. Never raises: an unexpected exception is a failure with its name."""
    try:
        _check_keys(case.data)
        _run(case.data, dialect_of(kestra))
    except _Mismatch as mismatch:
        reason, expected, actual = (*mismatch.args, "", "")[:3]
        return Result(case.id, kestra, False, reason, expected, actual, case.features)
    except UnknownType as error:
        return Result(case.id, kestra, False, f"not understood: {error}", features=case.features)
    except Exception as error:
        return Result(
            case.id, kestra, False, f"unexpected {type(error).__name__}: {error}", features=case.features
        )
    return Result(case.id, kestra, True, features=case.features)


def _check_keys(data: Mapping[str, Any]) -> None:
    _known(data, _KEYS, "key")
    _known(data.get("config"), _CONFIG_KEYS, "config key")
    _known(data.get("property"), _PROPERTY_KEYS, "property key")
    if isinstance(data.get("error"), Mapping):
        _known(data["error"], _ERROR_KEYS, "error key")
    if not any(key == "error" or key.startswith("expect") for key in data):
        raise _Mismatch("the case expects nothing")


def _known(found: Any, known: frozenset[str], what: str) -> None:
    if isinstance(found, Mapping):
        unknown = sorted(set(map(str, found)) - known)
        if unknown:
            raise _Mismatch(f"not understood: unknown {what} {', '.join(unknown)}")


def _run(data: Mapping[str, Any], dialect: Dialect) -> None:
    variables = decode(data.get("vars") or {})
    scope, exchange = build_scope(data, variables, dialect=dialect)
    wanted_error = data.get("error")
    try:
        actual = _render(data, dialect, scope)
    except SimulatorError as error:
        if wanted_error is None:
            raise _Mismatch("an error came", _expectation(data), _error_text(error)) from None
        _check_error(wanted_error, error, str(data.get("source", "")))
        return
    if wanted_error is not None:
        raise _Mismatch("no error came", f"error {wanted_error}", describe(actual))
    if exchange.problems:
        raise _Mismatch("; ".join(exchange.problems))
    for key, check in _CHECKS.items():
        if key in data:
            check(data, actual)


def _expectation(data: Mapping[str, Any]) -> str:
    return "; ".join(f"{key}: {value!r}" for key, value in data.items() if key.startswith("expect"))


def _render(data: Mapping[str, Any], dialect: Dialect, scope: Any) -> Any:
    renderer, template = _renderer(dialect), data["template"]
    config = data.get("config") or {}
    if "property" in data:
        return _property(data["property"], template, renderer, scope)
    if data.get("typed"):
        return renderer.render_typed(template, scope, keep_classes=True)
    recursive = config.get("recursive")
    if isinstance(template, (dict, list)):
        return renderer.render_deep(decode(template), scope, recursive=recursive)
    return renderer.render(template, scope, recursive=recursive)


def _property(spec: Mapping[str, Any], template: Any, renderer: Renderer, scope: Any) -> Any:
    for key in ("as", "item", "key", "value"):
        if spec.get(key) is not None and spec[key] not in _PROPERTY_TYPES:
            raise _Mismatch(f"not understood: property {key} {spec[key]}")
    kinds = {key: _PROPERTY_TYPES.get(spec.get(key, "")) for key in ("item", "key", "value")}
    cell = Property(template, _PROPERTY_TYPES[spec["as"]], caches=bool(spec.get("cached", True)), **kinds)
    if "extra_vars" in spec:
        scope.variables = {**scope.variables, **decode(spec["extra_vars"])}
    if "calls" not in spec:
        return cell.value(renderer, scope)
    results = []
    for call in spec["calls"]:
        call = dict(call)
        target = cell.skip_cache() if call.pop("$skipCache", False) else cell
        scope.variables = decode(call)
        results.append(target.value(renderer, scope))
    return results


def _error_text(error: SimulatorError) -> str:
    if isinstance(error, ExpressionError):
        return f"{error.java_type} (cause {error.cause_type}): {error.message}"
    return f"{type(error).__name__}: {error.message}"


def _check_error(wanted: Any, error: SimulatorError, source: str) -> None:
    text = _error_text(error)
    if not isinstance(error, ExpressionError):
        raise _Mismatch("an error of another room", f"error {wanted}", text)
    engine_type = error.engine_type if isinstance(error, EvaluationError) else error.cause_type
    engine_message = error.engine_message if isinstance(error, EvaluationError) else error.message
    root_type = error.root_type if isinstance(error, EvaluationError) else None
    # Pebble's own suite names what Pebble throws, before Kestra wraps it.
    thrown = engine_type if source.startswith("pebble") else error.java_type
    checks: dict[str, Callable[[str], bool]] = {
        "type": lambda name: _is_a(thrown, name),
        "thrown": lambda name: _is_a(thrown, name),
        "contains": lambda part: part in error.message,
        "equals": lambda message: message == error.message,
        "cause": lambda name: _is_a(error.cause_type, name),
        "cause_contains": lambda part: part in engine_message,
        "cause_equals": lambda message: message == engine_message,
        "cause_cause": lambda name: _is_a(root_type, name),
        "observed": lambda _: True,
    }
    for key, value in wanted.items():
        if not checks[key](str(value)):
            raise _Mismatch(f"another error ({key})", f"{key}: {value}", text)


def _is_a(name: str | None, wanted: str) -> bool:
    while name is not None:
        if name == wanted:
            return True
        name = _SUPERCLASSES.get(name)
    return wanted in ("RuntimeException", "Exception")


def _equal(data: Mapping[str, Any], actual: Any) -> None:
    if differs(data["expect"], actual, ordered=bool(data.get("expect_key_order"))):
        raise _Mismatch("another result", describe(data["expect"]), describe(actual))


def _text(check: Callable[[str, Any], bool], key: str) -> Callable[[Mapping[str, Any], Any], None]:
    def run(data: Mapping[str, Any], actual: Any) -> None:
        parts = data[key] if isinstance(data[key], list) else [data[key]]
        for part in parts:
            if not isinstance(actual, str) or not check(actual, part):
                raise _Mismatch(f"{key} does not hold", f"{part!r}", describe(actual))

    return run


def _not(data: Mapping[str, Any], actual: Any) -> None:
    if not differs(data["expect_not"], actual):
        raise _Mismatch("the result is what it must not be", f"not {data['expect_not']!r}", describe(actual))


def _between(data: Mapping[str, Any], actual: Any) -> None:
    low, high = data["expect_between"]
    try:
        inside = low <= int(actual) <= high
    except (TypeError, ValueError):
        inside = False
    if not inside:
        raise _Mismatch("not in the interval", f"{low}..{high}", describe(actual))


def _json_contains(data: Mapping[str, Any], actual: Any) -> None:
    try:
        items = json.loads(actual)
    except (TypeError, ValueError):
        items = None
    for item in data["expect_json_contains"]:
        if not isinstance(items, list) or all(differs(item, one) for one in items):
            raise _Mismatch("the JSON list lacks an item", repr(item), describe(actual))


def _split(data: Mapping[str, Any], actual: Any) -> None:
    wanted = data["expect_split"]
    count = len(actual.split(wanted["separator"])) if isinstance(actual, str) else 0
    if count != wanted["count"]:
        raise _Mismatch("another number of parts", str(wanted), describe(actual))


def _now(data: Mapping[str, Any], actual: Any) -> None:
    wanted = data["expect_now"]
    _known(
        wanted,
        frozenset(("contains_format", "equals_format", "starts_with_format", "zone")),
        "expect_now key",
    )
    zone = ZoneInfo(wanted.get("zone", "UTC"))
    now = dt.datetime.now(zone)
    # The minute may turn between the rendering and this check.
    moments = [now - dt.timedelta(minutes=1), now]
    for key, check in (
        ("contains_format", lambda text, part: part in text),
        ("equals_format", lambda text, part: text == part),
        ("starts_with_format", lambda text, part: text.startswith(part)),
    ):
        formats = wanted.get(key, [])
        for pattern in formats if isinstance(formats, list) else [formats]:
            if not any(check(str(actual), _java_date(moment, pattern)) for moment in moments):
                raise _Mismatch(f"{key} does not hold", _java_date(now, pattern), describe(actual))


def _java_date(moment: dt.datetime, pattern: str) -> str:
    """The few pattern letters that cases use; an own reading, not the one under test."""
    letters = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
    unknown = re.sub("|".join(letters), "", pattern)
    if re.search("[A-Za-z]", unknown.replace("'T'", "")):
        raise _Mismatch(f"not understood: date pattern {pattern}")
    text = re.sub("|".join(letters), lambda found: letters[found[0]], pattern).replace("'T'", "T")
    return moment.strftime(text)


_CHECKS: dict[str, Callable[[Mapping[str, Any], Any], None]] = {
    "expect": _equal,
    "expect_not": _not,
    "expect_between": _between,
    "expect_json_contains": _json_contains,
    "expect_split": _split,
    "expect_now": _now,
    "expect_contains": _text(lambda text, part: str(part) in text, "expect_contains"),
    "expect_not_contains": _text(lambda text, part: str(part) not in text, "expect_not_contains"),
    "expect_starts_with": _text(lambda text, part: text.startswith(str(part)), "expect_starts_with"),
    "expect_ends_with": _text(lambda text, part: text.endswith(str(part)), "expect_ends_with"),
    "expect_regex": _text(lambda text, part: re.search(str(part), text) is not None, "expect_regex"),
    "expect_length": _text(lambda text, size: len(text) == size, "expect_length"),
}
