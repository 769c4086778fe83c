"""DecimalFormat, String.format and NumberUtils. Source: expressions.md 10, 11."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from simulator.expressions.java.decimalformat import format_number
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.formatter import format_text
from simulator.expressions.java.locales import locale_of
from simulator.expressions.java.numbers import create_number
from simulator.expressions.java.text import to_string
from simulator.expressions.java.values import Long, class_name


@pytest.mark.parametrize(
    ("value", "pattern", "text"),
    [
        (10000.235166, "$#,###,###,##0.00", "$10,000.24"),
        (1234.5678, None, "1,234.568"),
        (0.5, "#.##", "0.5"),
        (0.5, "#.00", ".50"),
        (0, "#", "0"),
        (0.125, "0.00", "0.12"),
        (0.375, "0.00", "0.38"),
        (2.5, "0", "2"),
        (Decimal("2.505"), "0.00", "2.50"),
        (-1234.5, "#,##0.0;(#,##0.0)", "(1,234.5)"),
        (-0.3, "0", "-0"),
        (0.256, "0.0%", "25.6%"),
        (12345, "0.###E0", "1.234E4"),
        (12345, "##0.##E0", "12.345E3"),
        (0.00012345, "0.00E00", "1.23E-04"),
        (5, "000", "005"),
        (1.5, "#'#'", "2#"),
        (2**60, "#,###", "1,152,921,504,606,846,976"),
        (float("nan"), "0.0", "NaN"),
        (float("-inf"), "0.0", "-∞"),
    ],
)
def test_decimal_format(value: Any, pattern: str | None, text: str) -> None:
    assert format_number(value, pattern) == text


def test_symbols_of_a_locale() -> None:
    assert format_number(1234.5, "#,##0.00", locale_of("de_DE")) == "1.234,50"


@pytest.mark.parametrize("pattern", ["0.0.0", "0,0.0,0", "#0#0", "0 0", "'0"])
def test_bad_patterns(pattern: str) -> None:
    with pytest.raises(JavaError) as caught:
        format_number(1, pattern)
    assert caught.value.java_type == "IllegalArgumentException"


@pytest.mark.parametrize(
    ("template", "values", "text"),
    [
        (
            "%5d|%-5d|%05d|%+d|%,d|%(d",
            [Long(1), Long(1), Long(1), Long(1), Long(1234567), Long(-3)],
            "    1|1    |00001|+1|1,234,567|(3)",
        ),
        ("%.2f %.0f %e %g", [1.005, 2.5, 12345.678, 0.00001234], "1.01 3 1.234568e+04 1.23400e-05"),
        ("%x %X %o %x", [Long(255), Long(255), Long(8), -1], "ff FF 10 ffffffff"),
        ("%2$s %1$s %<s", ["a", "b"], "b a a"),
        ("%b %B %c %C", [True, None, 65, 97], "true FALSE A A"),
        ("%-4s|%4s|%.1s|%S", ["a", "b", "xyz", "u"], "a   |   b|x|U"),
        ("%tF %tT", [Long(0), Long(3_661_000)], "1970-01-01 01:01:01"),
        ("%d%% %n", [Long(5)], "5% \n"),
    ],
)
def test_format(template: str, values: list[Any], text: str) -> None:
    assert format_text(template, values) == text


@pytest.mark.parametrize(
    ("template", "values", "kind", "message"),
    [
        ("%s %s", ["a"], "MissingFormatArgumentException", "Format specifier '%s'"),
        ("%d", ["a"], "IllegalFormatConversionException", "d != java.lang.String"),
        ("%f", [Long(1)], "IllegalFormatConversionException", "f != java.lang.Long"),
        ("%y", [1], "UnknownFormatConversionException", "Conversion = 'y'"),
        ("100%", [], "UnknownFormatConversionException", "Conversion = '%'"),
    ],
)
def test_format_errors(template: str, values: list[Any], kind: str, message: str) -> None:
    with pytest.raises(JavaError) as caught:
        format_text(template, values)
    assert (caught.value.java_type, caught.value.message) == (kind, message)


@pytest.mark.parametrize(
    ("text", "shown", "kind"),
    [
        ("1", "1", "Integer"),
        ("+5", "5", "Integer"),
        ("2147483648", "2147483648", "Long"),
        ("99999999999999999999", "99999999999999999999", "BigInteger"),
        ("12.3", "12.3", "Float"),
        ("1e3", "1000.0", "Float"),
        ("1.", "1.0", "Float"),
        ("123456789.123", "1.23456789123E8", "Double"),
        ("1e400", "1E+400", "BigDecimal"),
        ("0x1F", "31", "Integer"),
        ("0xFFFFFFFF", "4294967295", "Long"),
        ("010", "8", "Integer"),
        ("1L", "1", "Long"),
        ("1.0f", "1.0", "Float"),
        ("2d", "2.0", "Double"),
    ],
)
def test_create_number(text: str, shown: str, kind: str) -> None:
    value = create_number(text)
    assert (to_string(value), class_name(value).rpartition(".")[2]) == (shown, kind)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abc", "abc is not a valid number."),
        ("", "A blank string is not a valid number"),
        (" 1", 'For input string: " 1"'),
        ("1_0", 'For input string: "1_0"'),
        ("1,5", 'For input string: "1,5"'),
        ("08", 'For input string: "8" under radix 8'),
        ("1-1", "Illegal embedded sign character"),
    ],
)
def test_no_numbers(text: str, message: str) -> None:
    with pytest.raises(JavaError) as caught:
        create_number(text)
    assert (caught.value.java_type, caught.value.message) == ("NumberFormatException", message)
