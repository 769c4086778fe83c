"""Text to number as commons-lang's `NumberUtils` and the JDK's number classes do it.

Source: expressions.md 11 (`number`).
"""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.text import double_text
from simulator.expressions.java.values import BigInteger, Float, Long

__all__ = [
    "big_decimal",
    "big_integer",
    "create_number",
    "decode_integer",
    "decode_long",
    "double_of",
    "float_of",
]

_MOST_DIGITS = 1_000_000
_DECIMAL = re.compile(r"[+-]?(?:NaN|Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fFdD]?)")
_HEX_FLOAT = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+\.?|[0-9a-fA-F]*\.[0-9a-fA-F]+)[pP][+-]?[0-9]+[fFdD]?")
_COMPACT = 18
"""Longer texts take another way through `BigDecimal`, with a message of its own."""
_EXPONENT_DIGITS = 10


def _bad(text: str) -> JavaError:
    return JavaError("NumberFormatException", f'For input string: "{text}"')


def _invalid(text: str) -> JavaError:
    return JavaError("NumberFormatException", f"{text} is not a valid number.")


def _prefixed(text: str) -> tuple[bool, str, int]:
    """Sign, digits and radix: `0x` or `#` for 16, a leading 0 for 8."""
    match = re.fullmatch(r"([+-]?)(0[xX]|#|0(?=.))?(.*)", text, re.DOTALL)
    assert match is not None
    return match[1] == "-", match[3], {None: 10, "0": 8}.get(match[2], 16)


def _parse(text: str, radix: int) -> int:
    """`Integer.parseInt(text, radix)` without a range. Java reads the digits of every script."""
    # No prefix a second time, which Python would take.
    if re.fullmatch(r"[+-]?(?!0[xXoO])\w+", text) and "_" not in text:
        try:
            return int(text, radix)
        except ValueError:
            pass
    raise _unread(text, radix)


def _unread(text: str, radix: int) -> JavaError:
    under = "" if radix == 10 else f" under radix {radix}"
    return JavaError("NumberFormatException", f'For input string: "{text}"{under}')


def _decode(text: str, bits: int) -> int:
    """`Integer.decode` and `Long.decode`."""
    if not text:
        raise JavaError("NumberFormatException", "Zero length string")
    negative, digits, radix = _prefixed(text)
    if digits[:1] in ("+", "-"):
        raise JavaError("NumberFormatException", "Sign character in wrong position")
    signed = f"-{digits}" if negative else digits
    value = _parse(signed, radix)
    if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        raise _unread(signed, radix)
    return value


def decode_integer(text: str) -> int:
    """`Integer.decode`. Raises JavaError NumberFormatException."""
    return _decode(text, 32)


def decode_long(text: str) -> Long:
    """`Long.decode`. Raises JavaError NumberFormatException."""
    return Long(_decode(text, 64))


_GROUPS = {8: 10, 10: 9, 16: 7}
"""Digits that `BigInteger` reads at a time, by radix; its message names such a group only."""


def big_integer(text: str) -> BigInteger:
    """`NumberUtils.createBigInteger`. Raises JavaError NumberFormatException."""
    if not text:
        raise JavaError("NumberFormatException", "An empty string is not a valid number")
    negative, digits, radix = _prefixed(text)
    unsigned = digits[1:] if digits[:1] in ("+", "-") else digits
    if "+" in unsigned or "-" in unsigned:
        raise JavaError("NumberFormatException", "Illegal embedded sign character")
    if not unsigned:
        raise JavaError("NumberFormatException", "Zero length BigInteger")
    try:
        value = _parse(unsigned, radix)
    except JavaError:
        raise _bad_group(unsigned.lstrip("0"), radix) from None
    return BigInteger(-value if negative != digits.startswith("-") else value)


def _bad_group(digits: str, radix: int) -> JavaError:
    size = _GROUPS[radix]
    start, end = 0, len(digits) % size or size
    while start < len(digits):
        try:
            _parse(digits[start:end], radix)
        except JavaError as error:
            return error
        start, end = end, end + size
    return _unread(digits, radix)


def double_of(text: str) -> float:
    """`Double.valueOf`: blanks around are allowed, a suffix too. Raises JavaError NumberFormatException."""
    trimmed = text.strip("".join(map(chr, range(33))))
    if not trimmed:
        raise JavaError("NumberFormatException", "empty String")
    if _HEX_FLOAT.fullmatch(trimmed):
        return float.fromhex(trimmed.rstrip("fFdD") if trimmed[-1] in "fFdD" else trimmed)
    if _DECIMAL.fullmatch(trimmed) is None:
        if re.match(r"[+-]?[0-9]*\.[0-9]*\.", trimmed):
            raise JavaError("NumberFormatException", "multiple points")
        raise _bad(text)
    if trimmed.endswith(("NaN", "Infinity")):
        return float(trimmed.replace("Infinity", "inf"))
    return float(trimmed.rstrip("fFdD"))


def float_of(text: str) -> Float:
    """`Float.valueOf`. Raises JavaError NumberFormatException."""
    return Float(double_of(text))


def _check_decimal(digits: str) -> None:
    """What `BigDecimal` says of a text without its sign that is no number: the first thing that is wrong."""
    mantissa = re.match(r"\d*(?:\.\d*)?", digits)
    end = mantissa.end() if mantissa else 0
    following = digits[end : end + 1]
    if following == ".":
        raise JavaError("NumberFormatException", "Character array contains more than one decimal point.")
    if following not in ("", "e", "E"):
        if len(digits) > _COMPACT:
            text = 'Character array is missing "e" notation exponential mark.'
        else:
            text = f"Character {following} is neither a decimal digit number, decimal point, "
            text += 'nor "e" notation exponential mark.'
        raise JavaError("NumberFormatException", text)
    if following:
        exponent = digits[end + 1 :]
        exponent = exponent[1:] if exponent[:1] in ("+", "-") else exponent
        if not exponent:
            raise JavaError("NumberFormatException", "")
        if len(exponent.lstrip("0")) > _EXPONENT_DIGITS:
            raise JavaError("NumberFormatException", "Too many nonzero exponent digits.")
        if not exponent.isdecimal():
            raise JavaError("NumberFormatException", "Not a digit.")
        if int(exponent) >= 2**31:
            raise JavaError("NumberFormatException", "Exponent overflow.")
    if end == 0 or digits[:end] == ".":
        raise JavaError("NumberFormatException", "No digits found.")


def big_decimal(text: str) -> Decimal:
    """`new BigDecimal(text)`. Raises JavaError NumberFormatException."""
    if not text.strip():
        raise JavaError("NumberFormatException", "A blank string is not a valid number")
    _check_decimal(text[1:] if text[0] in "+-" else text)
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise _bad(text) from error
    if not value:
        return value.copy_abs()
    if abs(value.adjusted()) > _MOST_DIGITS:
        # Java would go on to two billion digits; printing them would not end well.
        raise JavaError("NumberFormatException", f"Exponent out of the range that is supported here: {text}")
    return value


def create_number(text: str) -> Any:
    """`NumberUtils.createNumber`: the smallest class that holds the number.

    Integer, Long, BigInteger; Float when Float and Double print alike, else Double, else BigDecimal.
    Raises JavaError NumberFormatException.
    """
    if not text.strip():
        raise JavaError("NumberFormatException", "A blank string is not a valid number")
    prefix = re.match(r"[+-]?(?:0[xX]|#)", text)
    if prefix is not None:
        return _hexadecimal(text, prefix.end())
    point = text.find(".")
    exponents = [index for index in (text.find("e"), text.find("E")) if index >= 0]
    if len(exponents) > 1:
        raise _invalid(text)
    exponent = exponents[0] if exponents else -1
    if point >= 0 and -1 < exponent < point:
        raise _invalid(text)
    last = text[-1]
    if not last.isdecimal() and last != ".":
        return _suffixed(text, point, exponent)
    if point < 0 and exponent < 0:
        for read in (decode_integer, decode_long):
            try:
                return read(text)
            except JavaError:
                continue
        return big_integer(text)
    return _fractional(text)


def _hexadecimal(text: str, length: int) -> Any:
    digits = text[length:].lstrip("0")
    first = digits[:1]
    if len(digits) > 16 or (len(digits) == 16 and first > "7"):
        return big_integer(text)
    if len(digits) > 8 or (len(digits) == 8 and first > "7"):
        return decode_long(text)
    return decode_integer(text)


def _is_zero(text: str) -> bool:
    mantissa = re.split("[eE]", text)[0]
    return not any(char in "123456789" for char in mantissa)


def _suffixed(text: str, point: int, exponent: int) -> Any:
    number, suffix = text[:-1], text[-1]
    if suffix in "lL":
        if point < 0 and exponent < 0 and re.fullmatch("-?[0-9]+", number):
            try:
                return decode_long(number)
            except JavaError:
                return big_integer(number)
        raise _invalid(text)
    if suffix in "fF":
        try:
            value = float_of(text)
            if not (math.isinf(value) or (not value and not _is_zero(number))):
                return value
        except JavaError:
            pass
    if suffix in "fFdD":
        try:
            double = double_of(text)
            if not (math.isinf(double) or (not double and not _is_zero(number))):
                return double
        except JavaError:
            pass
        try:
            return big_decimal(number)
        except JavaError:
            pass
    raise _invalid(text)


def _fractional(text: str) -> Any:
    zero = _is_zero(text)
    try:
        short, double = float_of(text), double_of(text)
    except JavaError:
        return big_decimal(text)
    if not math.isinf(short) and not (not short and not zero) and double_text(short) == double_text(double):
        return short
    if not math.isinf(double) and not (not double and not zero):
        exact = big_decimal(text)
        return double if exact == Decimal(repr(double)) else exact
    return big_decimal(text)
