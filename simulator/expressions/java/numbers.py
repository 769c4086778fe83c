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
_BIG_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def _bad(text: str) -> JavaError:
    return JavaError("NumberFormatException", f'For input string: "{text}"')


def _invalid(text: str) -> JavaError:
    return JavaError("NumberFormatException", f"{text} is not a valid number.")


def _decode(text: str) -> int:
    """`Integer.decode` without a range: sign, then `0x`, `#` or a leading 0 for octal."""
    match = re.fullmatch(r"([+-]?)(0[xX]|#|0(?=.))?(.*)", text, re.DOTALL)
    if not text:
        raise JavaError("NumberFormatException", "Zero length string")
    assert match is not None
    sign, prefix, digits = match[1], match[2] or "", match[3]
    radix, allowed = {"": (10, "0-9"), "0": (8, "0-7")}.get(prefix, (16, "0-9a-fA-F"))
    if re.fullmatch(f"[{allowed}]+", digits) is None:
        raise _bad(digits if prefix else text)
    return int(sign + digits, radix)


def decode_integer(text: str) -> int:
    """`Integer.decode`. Raises JavaError NumberFormatException."""
    value = _decode(text)
    if not -(2**31) <= value < 2**31:
        raise _bad(text)
    return value


def decode_long(text: str) -> Long:
    """`Long.decode`. Raises JavaError NumberFormatException."""
    value = _decode(text)
    if not -(2**63) <= value < 2**63:
        raise _bad(text)
    return Long(value)


def big_integer(text: str) -> BigInteger:
    """`NumberUtils.createBigInteger`. Raises JavaError NumberFormatException."""
    if not text:
        raise JavaError("NumberFormatException", "Zero length BigInteger")
    return BigInteger(_decode(text))


def double_of(text: str) -> float:
    """`Double.valueOf`: blanks around are allowed, a suffix too. Raises JavaError NumberFormatException."""
    trimmed = text.strip("".join(map(chr, range(33))))
    if not trimmed:
        raise JavaError("NumberFormatException", "empty String")
    if _HEX_FLOAT.fullmatch(trimmed):
        return float.fromhex(trimmed.rstrip("fFdD") if trimmed[-1] in "fFdD" else trimmed)
    if _DECIMAL.fullmatch(trimmed) is None:
        raise _bad(text)
    if trimmed.endswith(("NaN", "Infinity")):
        return float(trimmed.replace("Infinity", "inf"))
    return float(trimmed.rstrip("fFdD"))


def float_of(text: str) -> Float:
    """`Float.valueOf`. Raises JavaError NumberFormatException."""
    return Float(double_of(text))


def big_decimal(text: str) -> Decimal:
    """`new BigDecimal(text)`. Raises JavaError NumberFormatException."""
    if not text.strip():
        raise JavaError("NumberFormatException", "A blank string is not a valid number")
    if _BIG_DECIMAL.fullmatch(text) is None:
        raise JavaError(
            "NumberFormatException",
            f"Character {next((c for c in text if c not in '+-.0123456789eE'), 'array')} is neither a decimal digit "
            'number, decimal point, nor "e" notation exponential mark.',
        )
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise _bad(text) from error
    if value and abs(value.adjusted()) > _MOST_DIGITS:
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
    if not last.isdigit() and last != ".":
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
