"""The exceptions of this room: how Pebble's and Java's errors become the text that Kestra shows.

Three families leave Kestra's `render()` (expressions.md 17):

- a missing variable or attribute: ``Unable to find `x` used in the expression `<template>` at line N``
- any other PebbleException: its `toString()`, class name and `(<template>:<line>)` included
- a Java exception from inside a filter: bare in 1.1, as its `toString()` in 2.0

All of them are `ExpressionError`; the subclass remembers what the engine itself threw, since `??`, `default` and
`is defined` survive only a missing attribute.
"""

from __future__ import annotations

from typing import Any

from simulator.dialect import Dialect
from simulator.errors import ExpressionError
from simulator.expressions.hints import parse_hint
from simulator.expressions.lexer import ParseError
from simulator.expressions.raw import RawBlocks

__all__ = [
    "AttributeNotFoundError",
    "EvaluationError",
    "attribute_error",
    "java_error",
    "line_of",
    "parse_error",
    "pebble_error",
]

_PEBBLE = "io.pebbletemplates.pebble.error."

_PACKAGES = {
    "ArithmeticException": "java.lang",
    "DateTimeException": "java.time",
    "DateTimeParseException": "java.time.format",
    "FileNotFoundException": "java.io",
    "IOException": "java.io",
    "IllegalFormatException": "java.util",
    "InputMismatchException": "java.util",
    "MissingFormatArgumentException": "java.util",
    "MissingResourceException": "java.util",
    "NoSuchElementException": "java.util",
    "PatternSyntaxException": "java.util.regex",
    "UnknownFormatConversionException": "java.util",
    "IllegalFormatConversionException": "java.util",
    "DuplicateFormatFlagsException": "java.util",
    "UnsupportedTemporalTypeException": "java.time.temporal",
    "ZoneRulesException": "java.time.zone",
}
"""Packages of Java's exception classes outside java.lang, as `toString()` shows them."""


class EvaluationError(ExpressionError):
    """An expression that failed. `message` is what Kestra says.

    `engine_type` is the simple name of the class that Pebble or Java threw, `engine_message` its own message,
    `root_type` the class of that exception's cause when it has one.
    """

    engine_type: str = "PebbleException"
    engine_message: str = ""
    root_type: str | None = None
    candidates: Any = None
    """Names that exist where one was missing, for a hint (a container of names, read only when the error leaves)."""
    pebble_text: str | None = None
    """Pebble's message without the `(<template>:<line>)` behind it (a plain sentence for a missing attribute)."""
    missing: str | None = None
    """The name that was missing."""


class AttributeNotFoundError(EvaluationError):
    """A variable, key, index or member that is not there."""


def pebble_error(
    message: str,
    *,
    template: str | None,
    line: int | None,
    offset: int | None,
    engine_type: str = "PebbleException",
    cause_type: str | None = None,
    package: str = _PEBBLE,
) -> EvaluationError:
    """A PebbleException (or a class below it): wrapped by Kestra with its `toString()` as message."""
    place = f"{'?' if template is None else template}:{'?' if line is None else line}"
    text = f"{message} ({place})"
    error = EvaluationError(
        f"{package}{engine_type}: {text}", template=template, offset=offset, cause_type=engine_type
    )
    error.engine_type = engine_type
    error.engine_message = text
    error.pebble_text = message
    error.root_type = cause_type
    return error


def java_error(
    message: str | None,
    *,
    java_type: str,
    dialect: Dialect,
    template: str | None,
    offset: int | None,
    cause_type: str | None = None,
) -> EvaluationError:
    """A Java exception that is no PebbleException: thrown as it is by 1.1, wrapped by 2.0."""
    if dialect.major == 1:
        error = EvaluationError(
            message or java_type, template=template, offset=offset, java_type=java_type, cause_type=cause_type
        )
    else:
        name = f"{_PACKAGES.get(java_type, 'java.lang')}.{java_type}"
        error = EvaluationError(
            f"{name}: {message}" if message is not None else name,
            template=template,
            offset=offset,
            cause_type=java_type,
        )
    error.engine_type = java_type
    error.engine_message = message or ""
    error.root_type = cause_type
    return error


def parse_error(
    error: ParseError, shown: str, template: str, raws: RawBlocks, dialect: Dialect
) -> EvaluationError:
    """A ParseError as Kestra shows it. `shown` is the text that was parsed, `template` the one as written."""
    offset = raws.original_offset(error.offset)
    if error.java_type is not None:
        return java_error(
            error.message, java_type=error.java_type, dialect=dialect, template=template, offset=offset
        )
    result = pebble_error(
        error.message,
        template=shown if error.placed else None,
        line=line_of(shown, error.line_offset) if error.placed else None,
        offset=offset,
        engine_type="ParserException" if error.placed else "PebbleException",
    )
    result.template = template
    result.hint = parse_hint(error.message)
    return result


def line_of(text: str, offset: int) -> int:
    """The line of an offset, from 1; CRLF, CR and LF each end one."""
    before = text[:offset]
    return 1 + before.count("\n") + before.count("\r") - before.count("\r\n")


def attribute_error(
    message: str,
    *,
    name: str,
    template: str,
    line: int,
    offset: int | None,
    root: bool,
    candidates: Any = None,
) -> AttributeNotFoundError:
    """A missing attribute. `message` is Pebble's own text, which Kestra replaces."""
    error = AttributeNotFoundError(
        f"Unable to find `{name}` used in the expression `{template}` at line {line}",
        template=template,
        offset=offset,
        cause_type="RootAttributeNotFoundException" if root else "AttributeNotFoundException",
    )
    error.engine_type = error.cause_type or ""
    error.engine_message = f"{message} ({template}:{line})"
    error.pebble_text = f"there is no `{name}`"
    error.candidates = candidates
    error.missing = name
    return error
