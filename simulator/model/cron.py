"""Cron expressions as Kestra reads them: which seconds, minutes, hours, days, months and weekdays one names.

Kestra hands them to the library cron-utils with a definition of its own (core-tasks.md 10): five fields, six with seconds
first; lists, ranges, steps; names of three letters; nicknames; in 2.0 also `L` and `L-n` as a day of the month. What is
read here and what is refused, with which text, was compared with cron-utils 9.2.1. When such an expression fires is the
business of the engine (`simulator.engine.triggers.cron`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from simulator.dialect import Dialect
from simulator.errors import InvalidFlowError

__all__ = ["CronFields", "read_cron"]

_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_NONE: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class _Field:
    """What one field may hold: numbers from `low` to `high`, or names for them."""

    low: int
    high: int
    names: Mapping[str, int]


_SECOND = _MINUTE = _Field(0, 59, _NONE)
_HOUR = _Field(0, 23, _NONE)
_DAY = _Field(1, 31, _NONE)
_MONTH = _Field(1, 12, {name: number for number, name in enumerate(_MONTHS, 1)})
#: 0 and 7 are both Sunday; the name SUN is 7, so that FRI-SUN is a range and SUN-TUE is none
_WEEKDAY = _Field(0, 7, {name: number for number, name in enumerate(_WEEKDAYS, 1)})


@dataclass(frozen=True, slots=True)
class CronFields:
    """The values that match, ascending. A date matches by its day of the month *or* its weekday when both are given."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: tuple[int, ...]
    days: frozenset[int] | None
    """Days of the month; None: `*`"""
    last_days: frozenset[int]
    """`L`, `L-3`: days before the month's last one"""
    weekdays: frozenset[int] | None
    """0 is Monday; None: `*`"""


def read_cron(text: str, *, seconds: bool, dialect: Dialect) -> CronFields:
    """Raises InvalidFlowError with the text that cron-utils has for it."""
    if not text.strip():
        raise InvalidFlowError("Empty expression!")
    if text in _NICKNAMES:
        fields = _NICKNAMES[text].split()
        fields = ["0", *fields] if seconds else fields
    else:
        if text.startswith("@") and text[1:].isalpha() and text[1:].islower():
            raise InvalidFlowError(f"Nickname {text} not supported!")
        fields = text.split()
    wanted = 6 if seconds else 5
    if len(fields) != wanted:
        raise InvalidFlowError(
            f"Cron expression contains {len(fields)} parts but we expect one of [{wanted}]"
        )
    second, minute, hour, day, month, weekday = fields if seconds else ["0", *fields]
    last: frozenset[int] = frozenset()
    if dialect.major >= 2:
        day, last = _without_last(day)
    weekdays = _values(weekday, _WEEKDAY)
    return CronFields(
        seconds=_all(_values(second, _SECOND), _SECOND),
        minutes=_all(_values(minute, _MINUTE), _MINUTE),
        hours=_all(_values(hour, _HOUR), _HOUR),
        months=_all(_values(month, _MONTH), _MONTH),
        days=frozenset() if not day else _values(day, _DAY),
        last_days=last,
        # Monday is 1 there and 0 here, Sunday 0 or 7
        weekdays=None if weekdays is None else frozenset((number + 6) % 7 for number in weekdays),
    )


def _all(values: frozenset[int] | None, field: _Field) -> tuple[int, ...]:
    return tuple(range(field.low, field.high + 1)) if values is None else tuple(sorted(values))


def _without_last(text: str) -> tuple[str, frozenset[int]]:
    """The other days of a list, and an `L` as days before the last one. In a list it counts for nothing there."""
    parts = text.split(",")
    others: list[str] = []
    last: set[int] = set()
    for part in parts:
        found = re.fullmatch(r"L(?:-(\d+))?", part, re.IGNORECASE)
        if found is None:
            others.append(part)
            continue
        days = int(found[1]) if found[1] else 0
        if found[1] and not 1 <= days <= 31:
            raise _problem(f"Value {days} not in range [1, 31]")
        last.add(days)
    return ",".join(others), frozenset(last if len(parts) == 1 else ())


def _problem(text: str) -> InvalidFlowError:
    return InvalidFlowError(f"Failed to parse cron expression. {text}")


def _invalid(text: str) -> InvalidFlowError:
    chars = re.sub(r"[0-9*/,-]", "", text)
    return _problem(f"Invalid chars in expression! Expression: {text} Invalid chars: {chars}")


def _values(text: str, field: _Field) -> frozenset[int] | None:
    """The numbers of a field, None when it is `*` alone (or `*/1`)."""
    if text in ("*", "*/1"):
        return None
    if text.endswith(","):
        raise InvalidFlowError(f"Invalid field value! Trailing commas not permitted! '{text}'")
    found: set[int] = set()
    for part in text.upper().split(","):
        found.update(_part(part, field))
    return frozenset(found)


def _part(text: str, field: _Field) -> range:
    """One item of a list: `*`, `5`, `1-5`, each with `/step` or without."""
    base, slash, rest = text.partition("/")
    if "/" in rest or base == "?" and not slash or "#" in base:
        raise _problem(f"Invalid expression: {text}")
    step = _step(rest, text, field) if slash else 1
    if base == "*" or (not base and slash):
        return range(field.low, field.high + 1, step)
    if base.startswith("-"):
        raise _problem(
            f"Invalid expression! Expression: {text} does not describe a range. Negative numbers are not allowed."
        )
    if "-" not in base:
        number = _number(base, field)
        if not slash:
            return range(number, number + 1)
        # the week begins at 0 when it is counted on from Sunday
        start = field.low if field is _WEEKDAY and number == field.high else number
        return range(start, field.high + 1, step)
    ends = base.split("-")
    if len(ends) != 2 or not all(ends):
        raise _problem(f"Missing values for range: {base}")
    low, high = (_number(end, field) for end in ends)
    if low > high:
        raise _problem(f"Invalid range! [{low},{high}]")
    return range(low, high + 1, step)


def _step(text: str, part: str, field: _Field) -> int:
    if not text:
        raise _problem(f"Missing steps for expression: {part}")
    if text.startswith("-"):
        raise _invalid(part.partition("-")[0])
    if not (text.isascii() and text.isdigit()):
        raise _problem(f'For input string: "{text}"')
    if not max(1, field.low) <= int(text) <= field.high:
        raise _problem(f"Period {text} not in range [{field.low}, {field.high}]")
    return int(text)


def _number(text: str, field: _Field) -> int:
    if text in field.names:
        return field.names[text]
    digits = text.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 9:
        raise _invalid(text)
    number = int(digits)
    if not field.low <= number <= field.high:
        raise _problem(f"Value {number} not in range [{field.low}, {field.high}]")
    return number
