"""YAML read and written as Jackson does. Source: expressions.md 14 (yaml), 15 (yaml filter)."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.yaml_read import read_yaml
from simulator.expressions.java.yaml_write import to_yaml


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("on", True),
        ("No", False),
        ("y", "y"),
        ("tRuE", "tRuE"),
        ("~", None),
        ("", None),
        ("012", 10),
        ("-012", -10),
        ("08", "08"),
        ("0o12", "0o12"),
        ("0x1F", 31),
        ("0b101", 5),
        ("1_000", 1000),
        ("+12", 12),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1e400", float("inf")),
        ("2024-01-01", "2024-01-01"),
        ("12:30:45", "12:30:45"),
        ("0.1.2", "0.1.2"),
        ('"1"', "1"),
        ("!!str 123", "123"),
        ("!!float 1", 1.0),
        ("!custom v", "v"),
        ("!!binary aGk=", b"hi"),
    ],
)
def test_scalars(scalar: str, value: Any) -> None:
    found = read_yaml(f"a: {scalar}")["a"]
    assert found == value and type(found) is type(value)


def test_structure() -> None:
    assert read_yaml("1: x\ntrue: y") == {"1": "x", "true": "y"}
    assert read_yaml("a: 1\na: 2") == {"a": 2}
    assert read_yaml("base: &b {x: 1}\nc:\n  <<: *b") == {"base": {"x": 1}, "c": {"<<": "b"}}
    assert read_yaml("a: 1\n---\nb: 2") == {"a": 1}


@pytest.mark.parametrize(
    "text", ["", "# only a comment", "a: .inf", "a: [", "? [a]\n: x", "a: {{ x }}", "[" * 5000]
)
def test_refused(text: str) -> None:
    with pytest.raises(JavaError):
        read_yaml(text)


def test_a_bomb_stays_small() -> None:
    text = "a: &a [x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(9)
    )
    assert len(repr(read_yaml(text))) < 1000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("string", "string\n"),
        ("", '--- ""\n'),
        ({}, "{}\n"),
        ([], "[]\n"),
        (["x"], " - x\n"),
        ({"list": [1, None]}, "list:\n - 1\n - null\n"),
        ([[2]], " -\n   - 2\n"),
        ([{"k": "v"}], " -\n  k: v\n"),
        ({"a": {"b": {}, "c": []}}, "a:\n  b: {}\n  c: []\n"),
        ({"a": 1e8, "b": 1.5}, "a: 1.0E8\nb: 1.5\n"),
        ({"a": "true", "b": "NO", "c": "~", "d": ""}, 'a: "true"\nb: "NO"\nc: "~"\nd: ""\n'),
        (
            {"a": "x: y", "b": "x #y", "c": "a,b", "d": "#x", "e": "t\tt"},
            'a: "x: y"\nb: "x #y"\nc: "a,b"\nd: "#x"\ne: "t\\tt"\n',
        ),
        (
            {"a": " x", "b": "@x", "c": "- x", "d": "-", "e": "0777", "f": "it's"},
            "a: ' x'\nb: '@x'\nc: '- x'\nd: '-'\ne: '0777'\nf: it's\n",
        ),
        (
            {
                "a": "123",
                "b": "1.5",
                "c": "2024-01-01",
                "d": "12:30",
                "e": "a:b",
                "f": "--",
                "g": "?x",
                "h": "=",
            },
            "a: 123\nb: 1.5\nc: 2024-01-01\nd: 12:30\ne: a:b\nf: --\ng: ?x\nh: =\n",
        ),
        ({"k": "a\nb"}, "k: |-\n  a\n  b\n"),
        ({"k": "a\nb\n"}, "k: |\n  a\n  b\n"),
        ({"k": "a\n\n"}, "k: |+\n  a\n\n"),
        ({"1": 1, "no": 2}, '"1": 1\n"no": 2\n'),
    ],
)
def test_writing(value: Any, text: str) -> None:
    assert to_yaml(value) == text


def test_the_plain_form_of_lists() -> None:
    assert (
        to_yaml({"a": [1, [2, 3], {"k": 1, "l": 2}]}, indent_arrays=False)
        == "a:\n- 1\n- - 2\n  - 3\n- k: 1\n  l: 2\n"
    )


@pytest.mark.parametrize(
    "value", ["a\nb", "x: y", "- x", "'", '"', "a\\b", " lead", "trail ", "\u2028", "[x]", "a\n b\n"]
)
def test_text_comes_back(value: str) -> None:
    assert read_yaml(to_yaml({"k": value})) == {"k": value}
