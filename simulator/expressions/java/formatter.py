"""`String.format`: the conversions of java.util.Formatter, rounded HALF_UP.

    >>> format_text("%d of %.1f", [Long(3), 2.25])
    '3 of 2.3'

Source: expressions.md 10 (`format`, 2.0).
"""

from __future__ import annotations

import datetime as dt
import decimal
import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from simulator.expressions.java.decimalformat import shifted
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.locales import DEFAULT, locale_of
from simulator.expressions.java.moments import format_moment, read_moment
from simulator.expressions.java.text import to_string
from simulator.expressions.java.values import (
    BigInteger,
    Byte,
    Character,
    Float,
    Long,
    Short,
    class_name,
    is_integer,
    is_number,
    java_hash,
)

__all__ = ["format_text"]

_SPECIFIER = re.compile(r"%(\d+\$)?([-#+ 0,(<]*)?(\d+)?(\.\d+)?([tT])?([a-zA-Z%])")
_MOST = 1_000_000
"""Longest width or precision: a format is no way to fill the memory."""
_DATE_PATTERNS = {
    "H": "HH",
    "I": "hh",
    "k": "H",
    "l": "h",
    "M": "mm",
    "S": "ss",
    "L": "SSS",
    "N": "nnnnnnnnn",
    "z": "xx",
    "Z": "z",
    "B": "MMMM",
    "b": "MMM",
    "h": "MMM",
    "A": "EEEE",
    "a": "EEE",
    "Y": "yyyy",
    "y": "yy",
    "j": "DDD",
    "m": "MM",
    "d": "dd",
    "e": "d",
    "R": "HH:mm",
    "T": "HH:mm:ss",
    "r": "hh:mm:ss a",
    "D": "MM/dd/yy",
    "F": "yyyy-MM-dd",
    "c": "EEE MMM dd HH:mm:ss z yyyy",
}


def format_text(template: str, arguments: Sequence[Any]) -> str:
    """The template with its specifiers filled in.

    Raises JavaError: MissingFormatArgumentException `Format specifier '%s'`, UnknownFormatConversionException,
    IllegalFormatConversionException `d != java.lang.String`.
    """
    out: list[str] = []
    position, ordinary, last = 0, 0, -1
    while True:
        start = template.find("%", position)
        if start < 0:
            out.append(template[position:])
            return "".join(out)
        out.append(template[position:start])
        match = _SPECIFIER.match(template, start)
        if match is None:
            found = template[start + 1 : start + 2] or "%"
            raise JavaError("UnknownFormatConversionException", f"Conversion = '{found}'")
        position = match.end()
        index, flags, width, precision, date, conversion = match.groups()
        if conversion == "%":
            out.append(_pad("%", flags, width))
            continue
        if conversion == "n":
            out.append("\n")
            continue
        if "<" in flags:
            number = last
        elif index:
            number = int(index[:-1]) - 1
        else:
            number = ordinary
            ordinary += 1
        last = number
        if number < 0 or number >= len(arguments):
            raise JavaError("MissingFormatArgumentException", f"Format specifier '{match[0]}'")
        places = int(precision[1:]) if precision else None
        if (places or 0) > _MOST or int(width or 0) > _MOST:
            raise JavaError("OutOfMemoryError", f"a width or precision of more than {_MOST} characters")
        if date:
            text = _date(arguments[number], conversion, match[0])
            text = text.upper() if date == "T" else text
            out.append(_pad(text, flags, width))
        else:
            out.append(_convert(arguments[number], conversion, flags, width, places))


def _pad(text: str, flags: str, width: str | None) -> str:
    if width is None:
        if "-" in flags:
            raise JavaError("MissingFormatWidthException", f"%{flags}")
        return text
    return text.ljust(int(width)) if "-" in flags else text.rjust(int(width))


def _wrong(conversion: str, value: Any) -> JavaError:
    return JavaError("IllegalFormatConversionException", f"{conversion} != {class_name(value)}")


def _convert(value: Any, conversion: str, flags: str, width: str | None, places: int | None) -> str:
    kind = conversion.lower()
    if kind not in "sbhcdoxfega" or (conversion.isupper() and kind in "dof"):
        raise JavaError("UnknownFormatConversionException", f"Conversion = '{conversion}'")
    if kind == "b":
        text = "false" if value is None else (to_string(value) if isinstance(value, bool) else "true")
    elif value is None:
        text = "null"
    elif kind == "s":
        text = to_string(value)
    elif kind == "h":
        text = f"{java_hash(value) & 0xFFFFFFFF:x}"
    elif kind == "c":
        text = _character(value, conversion)
    else:
        if kind in "dox":
            if not isinstance(value, int) or isinstance(value, bool):
                raise _wrong(conversion.lower(), value)
            text = _integer(value, kind, flags, width)
        else:
            if not is_number(value) or isinstance(value, int):
                raise _wrong(conversion.lower(), value)
            text = _floating(value, kind, flags, width, places)
        text = text.upper() if conversion.isupper() else text
        return _pad(text, flags, width)
    if places is not None:
        text = text[:places]
    text = text.upper() if conversion.isupper() else text
    return _pad(text, flags, width)


def _character(value: Any, conversion: str) -> str:
    if isinstance(value, Character):
        return str(value)
    if isinstance(value, (Byte, Short)) or is_integer(value):
        return chr(int(value))
    raise _wrong(conversion.lower(), value)


def _signed(negative: bool, digits: str, flags: str, width: str | None) -> str:
    before = after = ""
    if negative:
        before, after = ("(", ")") if "(" in flags else ("-", "")
    elif "+" in flags:
        before = "+"
    elif " " in flags:
        before = " "
    if "0" in flags and width is not None:
        digits = digits.rjust(int(width) - len(before) - len(after), "0")
    return before + digits + after


def _grouped(digits: str) -> str:
    whole, point, fraction = digits.partition(".")
    return f"{int(whole):,}{point}{fraction}" if whole.isdigit() else digits


def _integer(value: int, kind: str, flags: str, width: str | None) -> str:
    if kind == "d":
        digits = str(abs(int(value)))
        return _signed(value < 0, _grouped(digits) if "," in flags else digits, flags, width)
    number = int(value)
    if number < 0 and not isinstance(value, BigInteger):
        bits = (
            8
            if isinstance(value, Byte)
            else 16
            if isinstance(value, Short)
            else 32
            if is_integer(value)
            else 64
        )
        number &= (1 << bits) - 1
    digits = f"{abs(number):{'o' if kind == 'o' else 'x'}}"
    prefix = ({"o": "0", "x": "0x"}[kind]) if "#" in flags else ""
    if number < 0:
        prefix = "-" + prefix
    if "0" in flags and width is not None:
        digits = digits.rjust(int(width) - len(prefix), "0")
    return prefix + digits


def _floating(value: Any, kind: str, flags: str, width: str | None, places: int | None) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        if math.isnan(value):
            return "NaN"
        return _signed(value < 0, "Infinity", flags.replace("0", ""), width)
    if kind == "a":
        return float(value).hex().replace("0x", "0x").replace("p+", "p")
    number = (
        value
        if isinstance(value, Decimal)
        else Decimal(to_string(value) if isinstance(value, Float) else repr(float(value)))
    )
    negative = number.is_signed()
    number = number.copy_abs()
    places = 6 if places is None else places
    if kind == "g":
        places = places or 1
        rounded = Decimal(f"{_scientific(number, places - 1)}")
        if rounded == 0 or Decimal("0.0001") <= rounded < Decimal(10) ** places:
            kind, places = "f", max(0, places - (rounded.adjusted() + 1 if rounded else 1))
        else:
            kind, places = "e", places - 1
    digits = _fixed(number, places) if kind == "f" else _scientific(number, places)
    if "," in flags and kind == "f":
        digits = _grouped(digits)
    if "#" in flags and "." not in digits:
        digits += "."
    return _signed(negative, digits, flags, width)


def _fixed(number: Decimal, places: int) -> str:
    precision = max(number.adjusted(), 0) + places + 2
    context = decimal.Context(prec=precision, rounding=decimal.ROUND_HALF_UP)
    return f"{context.quantize(number, Decimal((0, (1,), -places))):f}"


def _scientific(number: Decimal, places: int) -> str:
    if number == 0:
        return _fixed(number, places) + "e+00"
    exponent = number.adjusted()
    digits = _fixed(shifted(number, -exponent), places)
    if digits.startswith("10"):
        exponent += 1
        digits = _fixed(shifted(number, -exponent), places)
    return f"{digits}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _date(value: Any, conversion: str, specifier: str) -> str:
    if value is None:
        return "null"
    if is_integer(value):
        raise _wrong(conversion, value)
    if isinstance(value, Long) or (isinstance(value, int) and not isinstance(value, bool)):
        try:
            value = dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(milliseconds=int(value))
        except OverflowError as error:
            raise JavaError(
                "DateTimeException", f"The date is outside of the years 1 to 9999: {int(value)} ms"
            ) from error
    if not isinstance(value, dt.date):
        raise _wrong(conversion, value)
    moment = read_moment(value, dt.UTC)
    if conversion == "s":
        return str(int(moment.timestamp()))
    if conversion == "Q":
        return str(int(moment.timestamp() * 1000))
    if conversion == "C":
        return f"{moment.year // 100:02d}"
    if conversion == "p":
        return "am" if moment.hour < 12 else "pm"
    pattern = _DATE_PATTERNS.get(conversion)
    if pattern is None:
        raise JavaError("UnknownFormatConversionException", f"Conversion = 't{conversion}'")
    return format_moment(moment, moment.tzinfo or dt.UTC, pattern, locale_of(DEFAULT))
