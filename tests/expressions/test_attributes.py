"""Keys, indexes, members: what a template can reach, and what happens when it is not there."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from simulator.expressions.attributes import MEMBERS
from simulator.expressions.java.values import Array, Float, Long
from simulator.values import Instant

Render = Callable[..., str | None]


@pytest.mark.parametrize(
    ("template", "value", "expected"),
    [
        ("{{ x.a.b }}", {"a": {"b": 1}}, "1"),
        ("{{ x['a-b'] }}", {"a-b": 1}, "1"),
        ("{{ x[0] }}{{ x['1'] }}{{ x.size() }}", [5, 6], "562"),
        ("{{ x[1] }}", Array(["a", "b"]), "b"),
        ("{{ x[1] }}", {Long(1): "one"}, "one"),
        ("{{ x[1] }}", {1: "one"}, "one"),
        ("{{ x[1.5] }}", {Float(1.5): "f"}, "f"),
        ("{{ x.size }}", {"size": "key"}, "key"),
        ("{{ x.size() }}", {"size": "key"}, "1"),
        ("{{ x.keySet() }}", {"a": 1, "b": 2}, '["a","b"]'),
        ("{{ x.length() }}{{ x.length }}", "a😀", "33"),
        ("{{ x.toUpperCase() }}", "ab", "AB"),
        ("{{ x.split(',') }}", "a,b", '["a","b"]'),
        ("{{ x.year }}-{{ x.monthValue }} {{ x.dayOfWeek }}", dt.date(2024, 2, 29), "2024-2 THURSDAY"),
        ("{{ x.hour }}:{{ x.getMinute() }}", dt.datetime(2024, 2, 29, 7, 8), "7:8"),
        ("{{ x.toEpochMilli() }}", Instant(1970, 1, 1, 0, 0, 1, tzinfo=dt.UTC), "1000"),
        ("{{ x.toMinutes() }}", dt.timedelta(hours=1), "60"),
        ("{{ x }}", {"a": None}, "{}"),
    ],
)
def test_access(render: Render, template: str, value: Any, expected: str) -> None:
    assert render(template, x=value) == expected


@pytest.mark.parametrize(
    ("template", "value", "name", "engine"),
    [
        ("{{ x.b }}", {"a": 1}, "b", "Attribute [b] of [java.util.LinkedHashMap] does not exist"),
        ("{{ x.b.c }}", {"b": None}, "c", "Attempt to get attribute of null object"),
        ("{{ x.b }}", None, "x", "Root attribute [x] does not exist"),
        ("{{ y }}", 1, "y", "Root attribute [y] does not exist"),
        ("{{ x[3] }}", [1], "3", "Index out of bounds while accessing array"),
        ("{{ x[-1] }}", [1], "-1", "Index out of bounds while accessing array"),
        ("{{ x[0] }}", "abc", "0", "Attribute [0] of [java.lang.String] does not exist"),
        ("{{ x.foo() }}", {"foo": 1}, "foo", "Attribute [foo] of [java.util.LinkedHashMap]"),
        ("{{ x.substring(1) }}", "abc", "substring", "Attribute [substring] of [java.lang.String]"),
        ("{{ x.bit_length() }}", 1, "bit_length", "Attribute [bit_length] of [java.lang.Integer]"),
    ],
)
def test_missing(fails: Callable[..., Any], template: str, value: Any, name: str, engine: str) -> None:
    error = fails(template, x=value)
    assert error.message == f"Unable to find `{name}` used in the expression `{template}` at line 1"
    assert error.engine_message.startswith(engine)
    assert error.java_type == "IllegalVariableEvaluationException"


def test_a_context_integer_fits_where_a_literal_does_not(render: Render) -> None:
    assert render("{{ x.substring(n) }}", x="abc", n=1) == "bc"


@pytest.mark.parametrize("wrapped", ["{} ?? 'd'", "{} ??? 'd'"])
@pytest.mark.parametrize("path", ["y", "x.b", "x.b.c", "x.a.c", "x['b'].c", "x.l[9]"])
def test_what_survives_a_missing_value(render: Render, wrapped: str, path: str) -> None:
    assert render("{{ " + wrapped.format(path) + " }}", x={"a": {}, "l": []}) == "d"
    assert render("{{ " + path + " is defined }}", x={"a": {}, "l": []}) == "false"


def test_null_is_not_missing(render: Render) -> None:
    assert (
        render("{{ x ?? 'd' }}{{ x ??? 'd' }}{{ x is defined }}{{ x is null }}{{ x }}", x=None)
        == "dfalsetrue"
    )


@pytest.mark.parametrize(
    "template", ["{{ y is null }}", "{{ y is empty }}", "{{ y ? 1 : 2 }}", "{{ y ~ 'a' }}"]
)
def test_what_does_not(fails: Callable[..., Any], template: str) -> None:
    assert "Unable to find `y`" in fails(template).message


def test_number_keys_of_text_maps(fails: Callable[..., Any]) -> None:
    assert "type class java.lang.String not supported for key 1" in fails("{{ x[1] }}", x={"1": 2}).message


@pytest.mark.parametrize("name", ["class", "getClass()", "notify()", "notifyAll()", "wait()"])
def test_denied_members(fails: Callable[..., Any], name: str) -> None:
    error = fails("{{ x." + name + " }}", x="text")
    assert error.cause_type == "ClassAccessException"
    assert "For security reasons access to" in error.message


def test_hints(fails: Callable[..., Any]) -> None:
    assert fails("{{ outputs.fetch.url }}", outputs={"fetch": {"uri": 1}}).hint == "did you mean `uri`?"
    assert fails("{{ output.x }}", outputs={}).hint == "did you mean `outputs`?"
    assert fails("{{ zzz }}", a=1, b=2).hint == "known here: `a`, `b`"


def test_offset_of_the_missing_part(fails: Callable[..., Any]) -> None:
    template = "line one\n{{ outputs.fetch.url }}"
    error = fails(template, outputs={"fetch": {}})
    assert template[error.offset :].startswith("url")
    assert error.message.endswith("at line 2")


def test_no_member_is_a_python_attribute() -> None:
    names = {name for members in MEMBERS for name in members.names}
    assert not [name for name in names if "_" in name]


def test_arguments_of_members(fails: Callable[..., Any], render: Render) -> None:
    assert "NullPointerException" in str(vars(fails("{{ x.split(y) }}", x="a", y=None)))
    assert "StringIndexOutOfBounds" in str(vars(fails("{{ x.substring(n) }}", x="a", n=9)))
    assert render("{{ x.split('[,;]') }}", x="a,b;c") == '["a","b","c"]'
