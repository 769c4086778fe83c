"""The rules that a typed input value must keep (flow.md 3.2): one function per type, Kestra's texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from simulator.dialect import Dialect
from simulator.model.convert import ConversionError, as_duration
from simulator.model.flow import Input
from simulator.model.typing import ValueProblem, java_text, parse_date, parse_instant, parse_time

__all__ = ["RULES", "Rule"]

_EMAIL = re.compile(r"^$|^[a-zA-Z0-9_!#$%&\u2019*+/=?`{|}~^.-]+@[a-zA-Z0-9.-]+$")

Rule: TypeAlias = Callable[[Input, Any, Any, "list[Any] | None", Dialect], Iterator[str]]
"""(input, typed value, given value, what may be chosen, dialect) -> the texts of what is broken."""


def _pattern_rule(
    item: Input, value: Any, raw: Any, options: list[Any] | None, dialect: Dialect
) -> Iterator[str]:
    pattern = item.options.get("validator")
    if pattern is None:
        return
    # 1.1 checks a SECRET after its encryption, 2.0 before (secrets.md 4).
    text = java_text(raw) if item.type == "SECRET" and dialect.major >= 2 else java_text(value)
    from simulator.expressions.java.errors import JavaError
    from simulator.expressions.java.regexes import compile_java

    try:
        if compile_java(str(pattern)).fullmatch(text, timeout=10) is None:
            yield f"it must match the pattern `{pattern}`"
    except TimeoutError:
        yield f"the validator pattern `{pattern}` timed out \u2014 it may be too complex"
    except JavaError as error:
        yield f"invalid pattern [{pattern}]: {error}"


def _bound(item: Input, key: str, read: Callable[[Any], Any]) -> Any:
    limit = item.options.get(key)
    if limit is None or limit == "":
        return None
    try:
        return read(limit)
    except (ValueProblem, ConversionError, ValueError):
        return None  # reported when the flow was read


def _between(low: str, high: str, read: Callable[[Any], Any], more: str, less: str) -> Rule:
    def rule(item: Input, value: Any, raw: Any, options: list[Any] | None, dialect: Dialect) -> Iterator[str]:
        least, most = _bound(item, low, read), _bound(item, high, read)
        if least is not None and value < least:
            yield f"{more} `{java_text(least)}`"
        if most is not None and value > most:
            yield f"{less} `{java_text(most)}`"

    return rule


def _choice_rule(
    item: Input, value: Any, raw: Any, options: list[Any] | None, dialect: Dialect
) -> Iterator[str]:
    if options is None or item.options.get("allowCustomValue") in (True, "true") or not item.required:
        return
    if java_text(value) not in options:
        yield f"it must match the values `{java_text(options)}`"


def _choices_rule(
    item: Input, value: Any, raw: Any, options: list[Any] | None, dialect: Dialect
) -> Iterator[str]:
    if options is None or item.options.get("allowCustomValue") in (True, "true"):
        return
    wrong = [one for one in value if java_text(one) not in options]
    if wrong and dialect.major == 1:
        yield f"it must match the values `{java_text(options)}`"
    elif wrong:
        for one in wrong:
            yield f"value `{java_text(one)}` doesn't match the values `{java_text(options)}`"


def _email_rule(
    item: Input, value: Any, raw: Any, options: list[Any] | None, dialect: Dialect
) -> Iterator[str]:
    if not _EMAIL.match(value):
        yield "The input must be a valid email"


def _file_rule(
    item: Input, value: Any, raw: Any, options: list[Any] | None, dialect: Dialect
) -> Iterator[str]:
    allowed = item.options.get("allowedFileExtensions")
    if dialect.major >= 2 and isinstance(allowed, list) and allowed:
        name = value.rsplit("/", 1)[-1]
        extension = "." + name.rsplit(".", 1)[1].lower() if "." in name else ""
        if extension not in [java_text(one).lower() for one in allowed]:
            yield f"File type not allowed. Accepted extensions: {', '.join(map(java_text, allowed))}"


def _json_rule(
    item: Input, value: Any, raw: Any, options: list[Any] | None, dialect: Dialect
) -> Iterator[str]:
    schema = item.options.get("jsonSchema")
    if schema is None or dialect.major < 2:
        return
    import json

    if isinstance(schema, str):
        try:
            schema = json.loads(schema)
        except ValueError as error:
            yield f"Invalid JSON schema: {error}"
            return
    try:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import SchemaError
    except ImportError:
        yield "a `jsonSchema` needs the package `jsonschema`, which is not installed"
        return
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        yield f"Invalid JSON schema: {error.message}"
        return
    errors = sorted(Draft202012Validator(schema).iter_errors(value), key=str)
    if errors:
        shown = ", ".join(f"{error.json_path}: {error.message}" for error in errors)
        yield f"it must match the json schema: {shown}"


def _float32(limit: Any) -> Any:
    from simulator.expressions.java.values import Float

    return Float(limit)


RULES: dict[str, Rule] = {
    "STRING": _pattern_rule,
    "SECRET": _pattern_rule,
    "INT": _between("min", "max", int, "it must be more than", "it must be less than"),
    "FLOAT": _between("min", "max", _float32, "it must be more than", "it must be less than"),
    "DATETIME": _between("after", "before", lambda text: parse_instant(str(text)), "it must be after", "it must be before"),
    "DATE": _between("after", "before", lambda text: parse_date(str(text)), "it must be after", "it must be before"),
    "TIME": _between("after", "before", lambda text: parse_time(str(text)), "it must be after", "it must be before"),
    "DURATION": _between("min", "max", as_duration, "It must be more than", "It must be less than"),
    "SELECT": _choice_rule,
    "ENUM": _choice_rule,
    "MULTISELECT": _choices_rule,
    "EMAIL": _email_rule,
    "FILE": _file_rule,
    "JSON": _json_rule,
}  # fmt: skip
