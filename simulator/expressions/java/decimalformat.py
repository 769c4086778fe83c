"""`java.text.DecimalFormat`: numbers by pattern (`#,##0.00`), rounded HALF_EVEN.

    >>> format_number(1234.565, "#,##0.00")
    '1,234.56'

Source: expressions.md 10 (numberFormat); the JDK's DecimalFormat.applyPattern.
"""

from __future__ import annotations

import dataclasses
import decimal
import functools
import math
from dataclasses import dataclass
from decimal import Decimal

from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.locales import DEFAULT, Locale, locale_of

__all__ = ["format_number", "shifted"]

_DEFAULT_PATTERN = "#,##0.###"
_EMPTY_PATTERN = "#,###." + "#" * 340
"""What DecimalFormat makes of an empty pattern: grouping, every digit of the fraction, no zero before the point."""


@dataclass(frozen=True, slots=True)
class _Pattern:
    prefix: str
    suffix: str
    negative_prefix: str
    negative_suffix: str
    grouping: int
    minimum_integer: int
    maximum_integer: int | None
    minimum_fraction: int
    maximum_fraction: int
    point_always: bool
    multiplier: int
    exponent_digits: int


def format_number(
    value: int | float | Decimal, pattern: str | None = None, locale: Locale | None = None
) -> str:
    """The number as text; without a pattern as `NumberFormat.getInstance` (grouped, at most 3 decimals).

    Raises JavaError IllegalArgumentException for a malformed pattern.
    """
    locale = locale or locale_of(DEFAULT)
    parsed = _parse(_DEFAULT_PATTERN if pattern is None else pattern or _EMPTY_PATTERN)
    if pattern == "":
        parsed = dataclasses.replace(parsed, minimum_integer=0)
    symbols = {"-": locale.minus, "%": locale.percent, "‰": "‰", "¤": "$"}
    if isinstance(value, float) and not math.isfinite(value):
        if math.isnan(value):
            return "NaN"
        prefix = parsed.negative_prefix if value < 0 else parsed.prefix
        suffix = parsed.negative_suffix if value < 0 else parsed.suffix
        return _affix(prefix, symbols) + "∞" + _affix(suffix, symbols)
    if isinstance(value, Decimal):
        number = value
    else:
        number = Decimal(repr(float(value)) if isinstance(value, float) and pattern == "" else value)
    negative = number.is_signed()
    number = (
        number.copy_abs() if parsed.multiplier == 1 else _multiplied(number.copy_abs(), parsed.multiplier)
    )
    body = _scientific(number, parsed, locale) if parsed.exponent_digits else _plain(number, parsed, locale)
    prefix, suffix = (
        (parsed.negative_prefix, parsed.negative_suffix) if negative else (parsed.prefix, parsed.suffix)
    )
    return _affix(prefix, symbols) + body + _affix(suffix, symbols)


def shifted(number: Decimal, places: int) -> Decimal:
    """The number times ten to the power of `places`, exactly."""
    sign, digits, exponent = number.as_tuple()
    return Decimal((sign, digits, int(exponent) + places))


def _multiplied(number: Decimal, factor: int) -> Decimal:
    return decimal.Context(prec=len(number.as_tuple().digits) + 5).multiply(number, Decimal(factor))


def _affix(text: str, symbols: dict[str, str]) -> str:
    # Special characters are kept behind a NUL mark; quoted ones are plain.
    out: list[str] = []
    position = 0
    while position < len(text):
        if text[position] == "\0":
            position += 1
            out.append(symbols[text[position]])
        else:
            out.append(text[position])
        position += 1
    return "".join(out)


def _digits(number: Decimal, fraction: int) -> tuple[str, str]:
    # As many digits as the result needs, whatever the number.
    precision = max(number.adjusted(), 0) + fraction + 2
    context = decimal.Context(prec=precision, rounding=decimal.ROUND_HALF_EVEN)
    rounded = context.quantize(number, Decimal((0, (1,), -fraction)))
    whole, _, rest = f"{rounded:f}".partition(".")
    return whole, rest


def _plain(number: Decimal, pattern: _Pattern, locale: Locale) -> str:
    whole, fraction = _digits(number, pattern.maximum_fraction)
    whole = whole.lstrip("0").rjust(pattern.minimum_integer, "0")
    fraction = fraction.rstrip("0").ljust(pattern.minimum_fraction, "0")
    if not whole and not fraction:
        whole = "0"
    if pattern.grouping:
        groups = []
        while len(whole) > pattern.grouping:
            groups.append(whole[-pattern.grouping :])
            whole = whole[: -pattern.grouping]
        whole = locale.group.join([whole, *reversed(groups)])
    if fraction or pattern.point_always:
        return f"{whole}{locale.decimal}{fraction}"
    return whole


def _scientific(number: Decimal, pattern: _Pattern, locale: Locale) -> str:
    exponent = 0 if number == 0 else number.adjusted() + 1
    minimum, maximum = pattern.minimum_integer, pattern.maximum_integer or pattern.minimum_integer
    if maximum > 1 and maximum > minimum:
        # The exponent is a multiple of the maximum number of integer digits.
        exponent = math.floor((exponent - 1) / maximum) * maximum if number else 0
        minimum_shown = 1
        significant = maximum + pattern.maximum_fraction
        integer = (number.adjusted() + 1 - exponent) if number else 1
        fraction_digits = max(0, significant - integer)
    else:
        if number:
            exponent -= minimum if minimum > 0 or pattern.minimum_fraction > 0 else 1
        minimum_shown = minimum
        fraction_digits = pattern.maximum_fraction
    scaled = shifted(number, -exponent)
    whole, fraction = _digits(scaled, fraction_digits)
    if number and len(whole.lstrip("0")) > max(minimum, 1) and maximum <= max(minimum, 1):
        exponent += 1
        whole, fraction = _digits(shifted(number, -exponent), fraction_digits)
    whole = whole.lstrip("0").rjust(minimum_shown, "0")
    fraction = fraction.rstrip("0").ljust(pattern.minimum_fraction, "0")
    sign = locale.minus if exponent < 0 else ""
    text = f"{whole}{locale.decimal}{fraction}" if fraction or pattern.point_always else whole
    return f"{text}E{sign}{str(abs(exponent)).rjust(pattern.exponent_digits, '0')}"


@functools.lru_cache(maxsize=256)
def _parse(pattern: str) -> _Pattern:
    positive, negative = _halves(pattern)
    prefix, number, suffix, multiplier = _split(positive, pattern)
    if negative is None:
        negative_prefix, negative_suffix = "\0-" + prefix, suffix
    else:
        negative_prefix, _, negative_suffix, _ = _split(negative, pattern)
        if (negative_prefix, negative_suffix) == (prefix, suffix):
            negative_prefix = "\0-" + prefix
    mantissa, exponent_mark, exponent = number.partition("E")
    if exponent_mark and (not exponent or set(exponent) != {"0"}):
        raise _malformed(pattern, f'Malformed exponential pattern "{pattern}"')
    if mantissa.count(".") > 1:
        raise _malformed(pattern, f'Multiple decimal separators in pattern "{pattern}"')
    whole, point, fraction = mantissa.partition(".")
    if "," in fraction:
        raise _malformed(pattern, f'Malformed pattern "{pattern}"')
    grouping = len(whole) - whole.rindex(",") - 1 if "," in whole else 0
    digits = whole.replace(",", "") + fraction
    stripped = digits.strip("#")
    if "#" in stripped:
        raise _malformed(pattern, f"Unexpected '0' in pattern \"{pattern}\"")
    left = len(digits) - len(digits.lstrip("#"))
    zeros = digits.count("0")
    position = len(whole.replace(",", "")) if point else -1
    if zeros == 0 and left > 0 and position >= 0:
        count = position or 1
        left, zeros = count - 1, 1
    effective = position if position >= 0 else len(digits)
    minimum_integer = effective - left
    return _Pattern(
        prefix=prefix,
        suffix=suffix,
        negative_prefix=negative_prefix,
        negative_suffix=negative_suffix,
        grouping=0 if exponent_mark else grouping,
        minimum_integer=min(max(minimum_integer, 0), effective) if zeros else 0,
        maximum_integer=left + max(minimum_integer, 0) if exponent_mark else None,
        minimum_fraction=max(0, left + zeros - position) if position >= 0 else 0,
        maximum_fraction=len(digits) - position if position >= 0 else 0,
        point_always=bool(point) and (position == 0 and not digits or position == len(digits)),
        multiplier=multiplier,
        exponent_digits=len(exponent),
    )


def _malformed(pattern: str, message: str) -> JavaError:
    return JavaError("IllegalArgumentException", message)


def _halves(pattern: str) -> tuple[str, str | None]:
    quoted = False
    for index, char in enumerate(pattern):
        if char == "'":
            quoted = not quoted
        elif char == ";" and not quoted:
            return pattern[:index], pattern[index + 1 :]
    return pattern, None


def _split(half: str, pattern: str) -> tuple[str, str, str, int]:
    prefix: list[str] = []
    number: list[str] = []
    suffix: list[str] = []
    multiplier = 1
    quoted = False
    position = 0
    while position < len(half):
        char = half[position]
        target = suffix if number else prefix
        if char == "'":
            if half[position + 1 : position + 2] == "'":
                target.append("'")
                position += 1
            else:
                quoted = not quoted
        elif quoted:
            target.append(char)
        elif char in "#0,." or (char == "E" and number and not suffix):
            if suffix:
                raise _malformed(pattern, f"Unquoted special character '{char}' in pattern \"{pattern}\"")
            number.append(char)
        elif char in "%‰":
            multiplier = 100 if char == "%" else 1000
            target.append("\0" + char)
        elif char in "-¤":
            target.append("\0" + char)
        else:
            target.append(char)
        position += 1
    if quoted:
        raise _malformed(pattern, f'Unterminated quote in pattern "{pattern}"')
    return "".join(prefix), "".join(number), "".join(suffix), multiplier
