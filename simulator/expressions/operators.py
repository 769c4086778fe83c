"""What Pebble's operators do to values: arithmetic in Java's widths, comparison, equality, membership, truth.

Plain functions on values. They raise `JavaError` with the name of the Java exception; who calls knows the place and
makes an `ExpressionError` of it. Source: expressions.md 4 and 6.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Context, Decimal, DivisionByZero, InvalidOperation
from typing import Any

from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.text import double_text
from simulator.expressions.java.values import (
    Array,
    Character,
    EnumConstant,
    Float,
    Long,
    MapEntry,
    SafeString,
    class_name,
    is_list,
    is_number,
    is_string,
    java_equals,
    simple_class_name,
)
from simulator.expressions.text import hash_ordered, java_text

__all__ = [
    "add",
    "arithmetic",
    "compare",
    "contains",
    "equals",
    "is_in",
    "is_true",
    "iterate",
    "letter_or_number_range",
    "logical",
    "negate",
    "subtract",
]

_DECIMAL128 = Context(prec=34)
_EXACT = Context(prec=10_000)
_NAMES = {"+": "ADD", "-": "SUBTRACT", "*": "MULTIPLICATION", "/": "DIVISION", "%": "MODULUS"}
_COMPARISONS = {">": "GREATER_THAN", ">=": "GREATER_THAN_EQUALS", "<": "LESS_THAN", "<=": "LESS_THAN_EQUALS"}


def _wrap(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _integers(operator: str, left: int, right: int, bits: int) -> Long:
    if operator == "+":
        return Long(_wrap(left + right, bits))
    if operator == "-":
        return Long(_wrap(left - right, bits))
    if operator == "*":
        return Long(_wrap(left * right, bits))
    if right == 0:
        raise JavaError("ArithmeticException", "/ by zero")
    # Java truncates towards zero; the remainder has the sign of the dividend.
    quotient = abs(left) // abs(right)
    if (left < 0) != (right < 0):
        quotient = -quotient
    return Long(_wrap(quotient if operator == "/" else left - quotient * right, bits))


def _doubles(operator: str, left: float, right: float) -> float:
    try:
        if operator == "+":
            return left + right
        if operator == "-":
            return left - right
        if operator == "*":
            return left * right
        if operator == "/":
            if right == 0:
                if left == 0 or math.isnan(left):
                    return math.nan
                return math.copysign(math.inf, left) * math.copysign(1.0, right)
            return left / right
        if right == 0 or math.isinf(left):
            return math.nan
        return math.fmod(left, right)
    except OverflowError:
        return math.inf


def _big_decimal(value: int | float | Decimal) -> Decimal:
    """`BigDecimal.valueOf(number.doubleValue())`: through a double, digits as Java prints it."""
    number = float(value)
    if not math.isfinite(number):
        raise JavaError("NumberFormatException", f"Infinite or NaN: {double_text(number)}")
    return Decimal(double_text(number))


def _decimals(operator: str, left: Decimal, right: Decimal) -> Decimal:
    try:
        if operator == "+":
            return _EXACT.add(left, right)
        if operator == "-":
            return _EXACT.subtract(left, right)
        if operator == "*":
            return _EXACT.multiply(left, right)
        if operator == "/":
            return _DECIMAL128.divide(left, right)
        return _remainder(left, right)
    except (DivisionByZero, InvalidOperation):
        raise JavaError("ArithmeticException", "Division by zero") from None


def _scale(value: Decimal) -> int:
    return -int(value.as_tuple().exponent)


def _remainder(left: Decimal, right: Decimal) -> Decimal:
    """`BigDecimal.remainder`: its scale is what is left of `left - quotient * right`, the quotient without zeros."""
    value = _EXACT.remainder(left, right)
    scale, preferred = _scale(left), _scale(left) - _scale(right)
    if abs(left) >= abs(right):
        quotient, zeros = int(_EXACT.divide_int(left, right)), 0
        while zeros < -preferred and quotient % 10 == 0:
            quotient //= 10
            zeros += 1
        scale = max(scale, max(-zeros, preferred) + _scale(right))
    exact = value.quantize(Decimal(1).scaleb(-scale), context=_EXACT)
    return exact if exact else abs(exact)


def _number_of(value: Any) -> Any:
    """2.0: the number in a text."""
    if is_number(value):
        return value
    if not is_string(value):
        raise JavaError("IllegalArgumentException", f"Cannot convert to Number: {java_text(value)}")
    if any(char in value for char in ".eE"):
        text = value.strip(" \t\r\n\f\v")
        try:
            if "_" in text or text.lower().lstrip("+-") in ("nan", "inf", "infinity"):
                raise ValueError
            return float(text.rstrip("dDfF"))
        except ValueError:
            raise JavaError("NumberFormatException", f'For input string: "{value}"') from None
    digits = value[1:] if value[:1] in ("+", "-") else value
    if digits.isascii() and digits.isdigit() and len(digits) < 30:
        number = int(value)
        if -(2**63) <= number < 2**63:
            return Long(number)
    raise JavaError("NumberFormatException", f'For input string: "{value}"')


def arithmetic(operator: str, left: Any, right: Any, major: int) -> Any:
    """`+ - * / %` on numbers: the wider class wins, integers wrap. `major` 2 reads numbers out of texts."""
    if major >= 2 and (isinstance(left, str) or isinstance(right, str)):
        left, right = _number_of(left), _number_of(right)
    if not (is_number(left) and is_number(right)):
        if major >= 2:
            _number_of(left)
            _number_of(right)
        raise JavaError(
            "RuntimeException", f"invalid operands for mathematical operation [{_NAMES[operator]}]"
        )
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        return _decimals(operator, _big_decimal(left), _big_decimal(right))
    if isinstance(left, float) or isinstance(right, float):
        if _is_double(left) or _is_double(right):
            return _doubles(operator, _to_double(left), _to_double(right))
        return Float(_doubles(operator, Float(_to_double(left)), Float(_to_double(right))))
    if _is_long(left) or _is_long(right):
        return _integers(operator, _wrap(left, 64), _wrap(right, 64), 64)
    return _integers(operator, _wrap(left, 32), _wrap(right, 32), 32)


def _is_double(value: Any) -> bool:
    return isinstance(value, float) and not isinstance(value, Float)


def _is_long(value: int) -> bool:
    return isinstance(value, Long) or (
        type(value) is int and not -(2**31) <= value < 2**31 and -(2**63) <= value < 2**63
    )


def _to_double(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _is_text(value: Any) -> bool:
    return is_string(value) or isinstance(value, SafeString)


def add(left: Any, right: Any, major: int) -> Any:
    """`+` for everything but lists: text concatenation, else numbers."""
    if type(left) is Long and type(right) is Long:
        return Long(_wrap(left + right, 64))
    if _is_text(left) or _is_text(right):
        return java_text(left) + java_text(right)
    return arithmetic("+", left, right, major)


def subtract(left: list[Any], right: Any) -> None:
    """Takes `right` (its items, when it is a list) out of the list `left`, in place."""
    if is_list(right):
        left[:] = [item for item in left if not any(java_equals(item, other) for other in right)]
        return
    for index, item in enumerate(left):
        if java_equals(item, right):
            del left[index]
            return


def negate(operator: str, value: Any, major: int) -> Any:
    """Unary `+` and `-`: times 1 or -1."""
    return arithmetic("*", value, Long(1 if operator == "+" else -1), major)


def equals(left: Any, right: Any) -> bool:
    """`==`: numbers as doubles, enum constants by name, everything else as Java's equals."""
    if type(left) is str and type(right) is str:
        return bool(left == right)
    if left is None or right is None:
        return left is right
    if is_number(left) and is_number(right):
        return _to_double(left) == _to_double(right)
    if isinstance(left, EnumConstant) or isinstance(right, EnumConstant):
        return isinstance(left, str) and isinstance(right, str) and str(left) == str(right)
    return java_equals(left, right)


def compare(operator: str, left: Any, right: Any, major: int) -> bool:
    """`> < >= <=`: false with a null; numbers as doubles; texts in 2.0 only."""
    if left is None or right is None:
        return False
    if is_number(left) and is_number(right):
        return _order(operator, _to_double(left), _to_double(right))
    if major >= 2 and is_string(left) and is_string(right):
        return _order(
            operator, left.encode("utf-16-be", "surrogatepass"), right.encode("utf-16-be", "surrogatepass")
        )
    raise JavaError(
        "RuntimeException", f"invalid operands for mathematical comparison [{_COMPARISONS[operator]}]"
    )


def _order(operator: str, left: Any, right: Any) -> bool:
    if operator == ">":
        return bool(left > right)
    if operator == "<":
        return bool(left < right)
    if operator == ">=":
        return bool(left >= right)
    return bool(left <= right)


def contains(left: Any, right: Any) -> bool:
    """`left contains right`: by Java's equality, so an Integer is not in a list of Longs."""
    if left is None:
        return False
    if isinstance(left, Array):
        if class_name(left) in ("[I", "[J", "[S", "[B", "[F", "[D", "[Z", "[C"):
            return any(item == right and type(item) is type(right) for item in left)
        return any(java_equals(item, right) for item in left)
    if isinstance(left, (list, tuple, set, frozenset)):
        if isinstance(right, (list, tuple, set, frozenset)) and not isinstance(right, Array):
            return all(any(java_equals(item, one) for item in left) for one in right)
        return any(java_equals(item, right) for item in left)
    if isinstance(left, Mapping):
        if isinstance(right, (list, tuple, set, frozenset)) and not isinstance(right, Array):
            return all(_has_key(left, one) for one in right)
        return _has_key(left, right)
    if is_string(left):
        return java_text(right) in left
    raise JavaError(
        "PebbleException",
        f"Contains operator can only be used on Collections, Maps and arrays. Actual type was: {class_name(left)}",
    )


def _has_key(mapping: Mapping[Any, Any], key: Any) -> bool:
    if type(key) is str:
        return key in mapping
    return any(java_equals(key, one) for one in mapping)


def is_in(left: Any, right: Any) -> bool:
    """`left isIn right`: by text, in a collection or among the keys and values of a map."""
    if left is None or right is None:
        return False
    if isinstance(right, Array):
        return False
    if isinstance(right, (list, tuple, set, frozenset)):
        if any(item is None for item in right):
            raise JavaError("NullPointerException", "")  # all items become texts before the first is compared
        text = java_text(left)
        return any(java_text(item) == text for item in right)
    if isinstance(right, Mapping):
        return _in_entries(java_text(left), right)
    return False


def _in_entries(text: str, mapping: Mapping[Any, Any]) -> bool:
    """Entry by entry, key before value: a null value fails unless the text was found before it."""
    for key, item in mapping.items():
        if java_text(key) == text:
            return True
        if item is None:
            raise JavaError(
                "NullPointerException",
                'Cannot invoke "Object.toString()" because the return value of "java.util.Map$Entry.getValue()" is null',
            )
        if java_text(item) == text:
            return True
    return False


def is_true(value: Any, major: int) -> bool | None:
    """Boolean, Number, String as a truth; None when the class has none (null included)."""
    if isinstance(value, bool):
        return value
    if is_number(value):
        if isinstance(value, float) and math.isnan(value):
            return major == 1
        return bool(value != 0)
    if is_string(value):
        return len(value) > 0
    return None


def logical(value: Any, operator: str, major: int) -> bool:
    """An operand of `and`, `or` or the ternary."""
    truth = is_true(value, major)
    if truth is None:
        raise JavaError(
            "ClassCastException",
            f"class {class_name(value)} cannot be cast to class java.lang.Boolean",
        )
    return truth


def unsupported_condition(value: Any) -> str:
    """Pebble's text for a value that is no condition."""
    return f'Unsupported value type {simple_class_name(value)}. Expected Boolean, String, Number in "if" statement'


_RANGE_LIMIT = 1_000_000
"""kestra's own bound of a range in 2.0."""


def letter_or_number_range(start: Any, end: Any, step: Any, limit: int, major: int = 1) -> list[Any]:
    """`start..end` and `range(start, end, step)`: Longs or Characters, both ends included.

    `limit` bounds the number of items (our own guard: JavaError OutOfMemoryError).
    """
    if not is_number(step):
        raise JavaError(
            "PebbleException", f"The increment of the range function must be a number {java_text(step)}"
        )
    increment = _truncate(step)
    if increment == 0:
        raise JavaError("PebbleException", "The increment of the range function must be different than 0")
    make: Callable[[int], Any]
    if is_number(start) and is_number(end):
        first, last, make = _truncate(start), _truncate(end), Long
    elif isinstance(start, str) and isinstance(end, str) and len(start) == 1 and len(end) == 1:
        first, last, make = ord(start), ord(end), lambda code: Character(chr(code))
    else:
        raise JavaError(
            "PebbleException",
            "Arguments of range function must be of type Number or String with a length of 1",
        )
    if major > 1 and abs(last - first) // abs(increment) >= _RANGE_LIMIT:
        raise JavaError(
            "RenderLimitExceededException",
            f"The range function cannot produce more than {_RANGE_LIMIT} elements, but this call would produce "
            f"{abs(last - first) // abs(increment) + 1}.",
        )
    steps = range(first, last + (1 if increment > 0 else -1), increment)
    try:
        size = len(steps)
    except OverflowError:
        size = limit + 1
    if size > limit:
        raise JavaError("OutOfMemoryError", f"a range of more than {limit} items")
    return [make(code) for code in steps]


def _truncate(value: Any) -> int:
    """`Number.longValue()`."""
    if isinstance(value, float):
        if math.isnan(value):
            return 0
        if math.isinf(value):
            return 2**63 - 1 if value > 0 else -(2**63)
        return max(-(2**63), min(2**63 - 1, int(value)))
    return _wrap(int(value), 64)


def iterate(value: Any) -> Iterable[Any] | None:
    """What `for` goes over; None when it cannot (text, numbers, dates)."""
    if isinstance(value, Mapping):
        return [MapEntry(key, item) for key, item in value.items()]
    if isinstance(value, (set, frozenset)):
        return hash_ordered(value)
    if isinstance(value, (list, tuple, bytes)):
        return value
    return None
