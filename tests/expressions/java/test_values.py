"""Java classes, equality, hash order and text forms. Source: expressions.md 4, 15."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.text import double_text, to_json, to_string
from simulator.expressions.java.values import (
    Array,
    BigInteger,
    Character,
    Float,
    JavaDate,
    Long,
    MapEntry,
    capacity_for,
    class_name,
    hash_map,
    java_equals,
    java_hash,
    utf16_length,
    utf16_slice,
)
from simulator.values import Instant


def test_hash_map_order() -> None:
    letters = hash_map([(letter, 1) for letter in "zyxwvu"], capacity_for(8))
    assert list(letters) == ["x", "y", "z", "u", "v", "w"]
    words = ["key1", "key2", "foo", "bar", "baz", "name", "id"]
    assert list(hash_map([(word, 1) for word in words], capacity_for(10))) == [
        "key1",
        "key2",
        "bar",
        "foo",
        "name",
        "baz",
        "id",
    ]
    assert list(hash_map(((Long(n), n) for n in range(40, 0, -1)), 16)) == list(range(1, 41))
    assert hash_map([("a", 1), ("a", 2)]) == {"a": 2}


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", 0),
        ("Aa", 2112),
        ("BB", 2112),
        ("polygenelubricants", -(2**31)),
        (5, 5),
        (-1, -1),
        (Long(-1), 0),
        (2**40, 256),
        (True, 1231),
        (1.0, 1072693248),
        (None, 0),
        ([1, 2], 994),
        ({"a": 1}, 96),
    ],
)
def test_hash_codes(value: Any, code: int) -> None:
    assert java_hash(value) == code


def test_equality_is_by_class() -> None:
    assert java_equals(1, 1) and java_equals([1, "a"], [1, "a"]) and java_equals({"a": [None]}, {"a": [None]})
    assert not java_equals(1, Long(1))
    assert not java_equals(1.0, Float(1.0))
    assert not java_equals(True, 1)
    assert not java_equals("a", Character("a"))
    assert not java_equals(Array([1]), Array([1]))
    assert not java_equals(0.0, -0.0)
    assert java_equals(float("nan"), float("nan"))
    assert not java_equals(Decimal("1.0"), Decimal("1.00"))


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (1, "java.lang.Integer"),
        (2**31, "java.lang.Long"),
        (2**63, "java.math.BigInteger"),
        (BigInteger(1), "java.math.BigInteger"),
        (True, "java.lang.Boolean"),
        (Array([], "int"), "[I"),
        (Array([], "String"), "[Ljava.lang.String;"),
        (b"", "[B"),
        (dt.date(2024, 1, 1), "java.time.LocalDate"),
        (dt.datetime(2024, 1, 1), "java.time.LocalDateTime"),
        (dt.datetime(2024, 1, 1, tzinfo=dt.UTC), "java.time.ZonedDateTime"),
        (Instant(2024, 1, 1, tzinfo=dt.UTC), "java.time.Instant"),
        (dt.timedelta(1), "java.time.Duration"),
        ({1}, "java.util.HashSet"),
    ],
)
def test_class_names(value: Any, name: str) -> None:
    assert class_name(value) == name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10.0, "10.0"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e7, "1.0E7"),
        (9999999.0, "9999999.0"),
        (0.001, "0.001"),
        (0.0001, "1.0E-4"),
        (5e-324, "4.9E-324"),
        (2e23, "2.0E23"),
        (-0.0, "-0.0"),
        (float("inf"), "Infinity"),
        (Float(1.123), "1.123"),
        (Float(3.4028235e38), "3.4028235E38"),
        (Float(1e300), "Infinity"),
    ],
)
def test_doubles(value: float, text: str) -> None:
    assert double_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1, None, "x", {"k": [True]}], "[1, null, x, {k=[true]}]"),
        (MapEntry("k", 1), "k=1"),
        (
            dt.datetime(2013, 9, 8, 16, 19, tzinfo=dt.timezone(dt.timedelta(hours=2))),
            "2013-09-08T16:19+02:00",
        ),
        (dt.datetime(2024, 5, 6, 7, 8, 9, 123000), "2024-05-06T07:08:09.123"),
        (Instant(2013, 9, 8, 14, 19, tzinfo=dt.UTC), "2013-09-08T14:19:00Z"),
        (JavaDate(1970, 1, 1, tzinfo=dt.UTC), "Thu Jan 01 00:00:00 UTC 1970"),
        (dt.timedelta(seconds=5), "PT5S"),
        (Decimal("1E+3"), "1E+3"),
    ],
)
def test_to_string(value: Any, text: str) -> None:
    assert to_string(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": None, "b": [None], "c": {"d": None}}, '{"b":[null],"c":{}}'),
        ('é/"\\\n\x01', '"é/\\"\\\\\\n\\u0001"'),
        ("\x1f", '"\\u001F"'),
        ([1e7, float("nan"), Decimal("1E+3")], '[1.0E7,"NaN",1E+3]'),
        (
            dt.datetime(2013, 9, 8, 16, 19, tzinfo=dt.timezone(dt.timedelta(hours=2))),
            '"2013-09-08T14:19:00Z"',
        ),
        (dt.datetime(2013, 9, 8, 16, 19, 0, 120000), '"2013-09-08T16:19:00.12"'),
        (JavaDate(1970, 1, 1, tzinfo=dt.UTC), '"1970-01-01T00:00:00.000+00:00"'),
        (dt.timedelta(seconds=-65), "-65.000000000"),
        (b"hi", '"aGk="'),
        (MapEntry("k", None), "{}"),
        (MapEntry("k", 1), '{"k":1}'),
        ({1: 2}, '{"1":2}'),
    ],
)
def test_json(value: Any, text: str) -> None:
    assert to_json(value) == text


def test_json_has_no_null_keys() -> None:
    with pytest.raises(JavaError):
        to_json({None: 1})


def test_text_is_counted_in_utf16_units() -> None:
    assert utf16_length("a😀") == 3
    assert utf16_slice("a😀b", 3, 4) == "b"
