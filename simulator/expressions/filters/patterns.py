"""Filters with regular expressions: split, replace, and the regex filters of 2.0. Source: expressions.md 10 and 11."""

from __future__ import annotations

from typing import Any

from simulator.expressions.filters.text import map_leaves, text_of
from simulator.expressions.java import regexes
from simulator.expressions.java.casts import as_boolean, as_string, class_cast, int_value, not_null, pebble
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.values import Array, is_number
from simulator.expressions.registry import Args, Call, Definition, Table, table

__all__ = ["TABLE"]


def _split(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    delimiter = args.get("delimiter")
    if delimiter is None:
        raise pebble("missing delimiter parameter in split filter")
    limit = args.get("limit")
    if limit is None:
        limit = 0
    elif not is_number(limit):
        raise class_cast(limit, "java.lang.Number")
    separator, text = as_string(delimiter), as_string(value)
    seconds = call.scope.limits.regex_seconds
    try:
        parts = regexes.split(separator, text, int_value(limit), seconds)
    except JavaError as error:
        raise _timeout_as_pebble(error) from error
    return Array(parts, "String")


def _timeout_as_pebble(error: JavaError) -> JavaError:
    return pebble(error.message) if error.java_type == "RegexTimeoutException" else error


def _replace(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    # The cast of the second argument comes first.
    by_pattern = as_boolean(args.get("regexp"), False)
    pairs = args.get("replace_pairs")
    if pairs is None:
        raise pebble("The argument 'replace_pairs' is required.")
    if not hasattr(pairs, "items"):
        raise class_cast(pairs, "java.util.Map")
    replacements = [(text_of(not_null(key)), text_of(not_null(item))) for key, item in pairs.items()]

    def change(text: str) -> str:
        for old, new in replacements:
            if by_pattern:
                text = _replaced(call, old, text, new)
            else:
                grown = len(text) + (len(new) - len(old)) * (text.count(old) if len(new) > len(old) else 0)
                if grown > call.scope.limits.output_chars:
                    raise JavaError("OutOfMemoryError", "the text is longer than the limit of characters")
                text = text.replace(old, new)
            if len(text) > call.scope.limits.output_chars:
                raise JavaError("OutOfMemoryError", "the text is longer than the limit of characters")
        return text

    return map_leaves(value, change)


def _replaced(call: Call, pattern: str, text: str, replacement: str) -> str:
    try:
        return regexes.replace_all(pattern, text, replacement, call.scope.limits.regex_seconds)
    except JavaError as error:
        raise _timeout_as_pebble(error) from error


def _pattern(args: Args) -> str:
    regex = args.get("regex")
    if regex is None:
        raise pebble("The argument 'regex' is required.")
    return text_of(regex)


def _guarded(pattern: str, error: JavaError) -> JavaError:
    """Errors of the regex filters: Pebble exceptions with Kestra's text."""
    if isinstance(error, regexes.PatternError):
        return pebble(f"Invalid regex '{pattern}': {error.description}")
    if error.java_type == "RegexTimeoutException" or error.message.startswith("Group index"):
        return pebble(error.message)
    return error


def _regex_match(call: Call, value: Any, args: Args) -> bool:
    if value is None:
        return False
    pattern = _pattern(args)
    try:
        return regexes.find(pattern, text_of(value), call.scope.limits.regex_seconds) is not None
    except JavaError as error:
        raise _guarded(pattern, error) from error


def _regex_replace(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    pattern = _pattern(args)
    replacement = args.get("replacement")
    if replacement is None:
        raise pebble("The argument 'replacement' is required.")
    try:
        return regexes.replace_all(
            pattern, text_of(value), text_of(replacement), call.scope.limits.regex_seconds
        )
    except JavaError as error:
        raise _guarded(pattern, error) from error


def _regex_extract(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    pattern = _pattern(args)
    group = args.get("group")
    if group is None:
        group = 0
    elif not is_number(group):
        raise class_cast(group, "java.lang.Number")
    try:
        return regexes.extract(pattern, text_of(value), int_value(group), call.scope.limits.regex_seconds)
    except JavaError as error:
        raise _guarded(pattern, error) from error


TABLE: Table = table(
    Definition("split", _split, ("delimiter", "limit")),
    Definition("replace", _replace, ("replace_pairs", "regexp")),
    Definition("regexMatch", _regex_match, ("regex",), since=2),
    Definition("regexReplace", _regex_replace, ("regex", "replacement"), since=2),
    Definition("regexExtract", _regex_extract, ("regex", "group"), since=2),
)
