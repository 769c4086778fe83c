"""Java's arithmetic, comparison, equality and truth."""

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from simulator.expressions import operators
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.values import Array, BigInteger, EnumConstant, Float, Long, SafeString, Short

Render = Callable[..., str | None]


@pytest.mark.parametrize(
    ("operator", "left", "right", "expected", "kind"),
    [
        ("+", 2147483647, 1, -2147483648, Long),
        ("+", 2147483647, Long(1), 2147483648, Long),
        ("+", Long(2**63 - 1), Long(1), -(2**63), Long),
        ("*", 65536, 65536, 0, Long),
        ("-", Short(1), Short(2), -1, Long),
        ("/", Long(7), Long(2), 3, Long),
        ("/", Long(-7), Long(2), -3, Long),
        ("%", Long(-7), Long(3), -1, Long),
        ("%", Long(7), Long(-3), 1, Long),
        ("+", BigInteger(2**70 + 5), Long(1), 6, Long),
        ("+", 1, 0.5, 1.5, float),
        ("+", Float("0.1"), 0.2, 0.30000000149011613, float),
        ("+", Float("0.5"), 1, 1.5, Float),
        ("/", 1.0, 0, math.inf, float),
        ("%", -7.5, 2.0, -1.5, float),
        ("*", Decimal("1.1"), 2, Decimal("2.2"), Decimal),
        ("/", Decimal("1"), Decimal("3"), Decimal("0." + "3" * 34), Decimal),
    ],
)
def test_arithmetic(operator: str, left: Any, right: Any, expected: Any, kind: type) -> None:
    result = operators.arithmetic(operator, left, right, 1)
    assert result == expected
    assert type(result) is kind


def test_not_a_number() -> None:
    assert math.isnan(operators.arithmetic("/", 0.0, 0.0, 1))
    assert math.isnan(operators.arithmetic("%", 1.0, 0.0, 1))
    with pytest.raises(JavaError, match="/ by zero"):
        operators.arithmetic("/", 1, 0, 1)
    with pytest.raises(JavaError, match="Division by zero"):
        operators.arithmetic("/", Decimal(1), 0, 1)


def test_texts_are_numbers_in_2_only() -> None:
    assert operators.arithmetic("-", "10", Long(2), 2) == 8
    assert operators.arithmetic("*", "1.5", "2", 2) == 3.0
    assert operators.arithmetic("*", "1e2", 1, 2) == 100.0
    with pytest.raises(JavaError, match=r"invalid operands for mathematical operation \[SUBTRACT\]"):
        operators.arithmetic("-", "10", Long(2), 1)
    for bad in ("x", "", "1_0", "1__0.5", " 1", "0x1", "١"):
        with pytest.raises(JavaError, match="For input string"):
            operators.arithmetic("-", bad, 1, 2)
    with pytest.raises(JavaError, match="Cannot convert to Number"):
        operators.arithmetic("-", [1], "1", 2)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (1, 1.0, True),
        (Long(1), Decimal("1.00"), True),
        (1, "1", False),
        (True, 1, False),
        (None, None, True),
        (None, 0, False),
        ("a", "a", True),
        (EnumConstant("A"), "A", True),
        (SafeString("a"), "a", False),
        ([1], [1], True),
        ([1], [Long(1)], False),
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": True}, False),
        (Array([1]), Array([1]), False),
    ],
)
def test_equals(left: Any, right: Any, expected: bool) -> None:
    assert operators.equals(left, right) is expected


def test_compare() -> None:
    assert operators.compare(">", 3, Decimal("2.5"), 1)
    assert not operators.compare(">", None, 1, 1)
    assert operators.compare("<", "a", "b", 2)
    # UTF-16 code units: a surrogate pair sorts before U+FFFD.
    assert operators.compare("<", "\U0001f600", "\ufffd", 2)
    for left, right, major in (("a", "b", 1), ("a", 1, 2), (True, False, 2), ([1], [2], 2)):
        with pytest.raises(JavaError, match="invalid operands for mathematical comparison"):
            operators.compare("<", left, right, major)


def test_contains_and_is_in() -> None:
    assert not operators.contains([Long(1)], 1)
    assert operators.contains([1, 2], [2, 1])
    assert operators.contains({"a": 1}, ["a"])
    assert operators.contains("a1b", 1)
    assert not operators.contains(None, 1)
    with pytest.raises(JavaError, match="Actual type was: java.lang.Integer"):
        operators.contains(1, 1)
    assert operators.is_in(1, ["1"])
    assert operators.is_in("v", {"k": "v"})
    assert not operators.is_in("a", "abc")
    assert not operators.is_in("1", Array(["1"]))
    with pytest.raises(JavaError):
        operators.is_in("x", [None])


def test_truth() -> None:
    assert operators.is_true("false", 1)
    assert operators.is_true(" ", 1)
    assert operators.is_true("", 1) is False
    assert operators.is_true(0.0, 1) is False
    assert operators.is_true(math.nan, 1) is True
    assert operators.is_true(math.nan, 2) is False
    assert operators.is_true(None, 2) is None
    assert operators.is_true([1], 2) is None


def test_ranges() -> None:
    assert operators.letter_or_number_range(1, 5, 2, 10) == [1, 3, 5]
    assert operators.letter_or_number_range("c", "a", -1, 10) == ["c", "b", "a"]
    assert operators.letter_or_number_range(5, 1, 1, 10) == []
    for end in (100, 2**62, float("inf")):
        with pytest.raises(JavaError) as caught:
            operators.letter_or_number_range(0, end, 1, 10)
        assert caught.value.java_type == "OutOfMemoryError"


def test_errors_are_wrapped_by_operators(fails: Callable[..., Any]) -> None:
    error = fails("{{ missing + 1 }}")
    assert error.message == (
        "io.pebbletemplates.pebble.error.PebbleException: Could not perform addition ({{ missing + 1 }}:1)"
    )
    # Ours points at the reason and names it.
    assert error.offset == 3
    assert error.hint == "there is no `missing`"
    assert fails("{{ nam == 'a' }}", name=1).hint == "there is no `nam`; did you mean `name`?"
    # So nothing outside survives it.
    assert "addition" in fails("{{ (missing + 1) ?? 'e' }}").message
    assert "equals comparison" in fails("{{ (missing == 1) ?? 'd' }}").message


def test_comparison_lets_missing_through_in_2(render1: Render, render2: Render) -> None:
    assert render2("{{ (missing > 1) ?? 'd' }}") == "d"
    with pytest.raises(Exception, match="greater than"):
        render1("{{ (missing > 1) ?? 'd' }}")


def test_lists_change_in_place_in_1_only(render1: Render, render2: Render) -> None:
    given = ["x"]
    assert render1("{{ a + b }} {{ a }}", a=given, b=["y"]) == '["x","y"] ["x","y"]'
    assert render2("{{ a + b }} {{ a }}", a=given, b=["y"]) == '["x","y"] ["x"]'
    assert render1("{{ m.a - 'x' }} {{ m.a + 1 }} {{ m.a }}", m={"a": given}) == "[] [1] [1]"
    # The caller's value stays what it was.
    assert given == ["x"]
