"""What is wrong with a JSON text, in Jackson's words and at its place."""

from __future__ import annotations

import pytest

from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.json_errors import explain_json
from simulator.expressions.java.json_read import read_json

_SOURCE = "Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); "


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("[3,", "Unexpected end-of-input within/between Array entries", 1, 4),
        ('{"b":2,', "Unexpected end-of-input within/between Object entries", 1, 8),
        (
            "[3 4]",
            "Unexpected character ('4' (code 52)): was expecting comma to separate Array entries",
            1,
            4,
        ),
        (
            '{"b"}',
            "Unexpected character ('}' (code 125)): was expecting a colon to separate field name",
            1,
            5,
        ),
        (
            "{b:2}",
            "Unexpected character ('b' (code 98)): was expecting double-quote to start field name",
            1,
            2,
        ),
        ("[\n3\n}", "Unexpected close marker '}': expected ']' (for Array starting at [", 3, 1),
        ("]", "Unexpected close marker ']': no open Array to close", 1, 1),
        ("{", "Unexpected end-of-input: expected close marker for Object (start marker at [", 1, 2),
        ('"b', "Unexpected end-of-input: was expecting closing quote for a string value", 1, 3),
        ('{"b', "Unexpected end-of-input in field name", 1, 4),
        ('"\\q"', "Unrecognized character escape 'q' (code 113)", 1, 3),
        ('"\\u0Z"', "Unexpected character ('Z' (code 90)): expected a hex-digit", 1, 5),
        ("[-x]", "Unexpected character ('x' (code 120)) in numeric value: expected digit", 1, 3),
        ("[00]", "Invalid numeric value: Leading zeroes not allowed", 1, 3),
        ("[2.]", "Unexpected character (']' (code 93)) in numeric value: Decimal point not followed", 1, 3),
        ("2e", "Unexpected end-of-inputexpected a digit for number exponent", 1, 3),
        ("2;", "Unexpected character (';' (code 59)): Expected space separating root-level values", 1, 2),
        ("falsey", "Unrecognized token 'falsey': was expecting", 1, 1),
        ("NaN", "Non-standard token 'NaN': enable", 1, 4),
        ("// x", "Unexpected character ('/' (code 47)): maybe a (non-standard) comment?", 1, 1),
    ],
)
def test_messages(text: str, message: str, line: int, column: int) -> None:
    with pytest.raises(JavaError) as caught:
        read_json(text)
    assert caught.value.message.startswith(message)
    assert caught.value.message.endswith(f"\n at [{_SOURCE}line: {line}, column: {column}]")


@pytest.mark.parametrize(
    "text", ["1", ' {"a": [1, 2.5e3, -0, "x\\u00e9\\n"], "b": {}} tail', "[[], {}]", "true,"]
)
def test_nothing_wrong(text: str) -> None:
    assert explain_json(text) is None
    read_json(text)


def test_empty() -> None:
    with pytest.raises(JavaError) as caught:
        read_json(" ")
    assert caught.value.message == f"No content to map due to end-of-input\n at [{_SOURCE}line: 1]"
