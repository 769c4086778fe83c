"""Precedences: what binds to what, in both dialects."""

from collections.abc import Callable

import pytest

from simulator.dialect import V1, V2
from simulator.expressions.grammar import MAX_NESTING, precedences
from simulator.expressions.lexer import ParseError
from simulator.expressions.parser import MAX_TAGS, parse

Render = Callable[..., str | None]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ 1 + 2 * 3 }}", "7"),
        ("{{ (1 + 2) * 3 }}", "9"),
        ("{{ 'a' ~ 'b' * 2 is null }}", None),
        ("{{ 'x' ~ 1 + 2 }}", "x12"),
        ("{{ 1..2 + 3 }}", "[1,2,3]"),
        ("{{ 10 - 3 - 2 }}", "5"),
        ("{{ not true == false }}", "true"),
        ("{{ -2 + 3 }}", "1"),
        ("{{ 1 + 1 is even }}", "true"),
        ("{{ 1 == 1 and 2 == 2 or false }}", "true"),
        ("{{ true ? 1 : false ? 2 : 3 }}", "1"),
        ("{{ false ? 1 : false ? 2 : 3 }}", "3"),
        ("{{ (true ? 1 : 2) + 1 }}", "2"),
        ("{{ [true ? 1 : 2] }}", "[1]"),
        ("{{ 1 < 2 and 2 > 1 }}", "true"),
        ("{{ [1, 2] contains 2 }}", "true"),
        ("{{ 1 isIn ['1', 'a'] }}", "true"),
        ("{{ 'a' equals 'a' }}", "true"),
        ("{{ TRUE }}{{ FALSE }}{{ NONE }}{{ null }}", "truefalse"),
        ("{{ {'a': 1}.b ?? 1 }}", None),
        ("{{ ({'a': {'b': 2}}).a.b }}", "2"),
        ("{{ ([1, 2])[1] }}", "2"),
    ],
)
def test_same_in_both(render: Render, template: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(Exception):  # noqa: B017 - which error is the point of other tests
            render(template)
    else:
        assert render(template) == expected


@pytest.mark.parametrize(
    ("template", "first", "second"),
    [
        ("{{ v ?? 1 + 2 }}", "7", "5"),
        ("{{ missing ?? 1 + 2 }}", "3", "3"),
        ("{{ 'a' == missing ?? 'a' }}", "true", None),
        ("{{ missing ~ 'a' ?? 'd' }}", None, "d"),
        ("{{ v isIn ['5'] == false }}", "false", "false"),
    ],
)
def test_coalescing_differs(
    render1: Render, render2: Render, template: str, first: str | None, second: str | None
) -> None:
    for render, expected in ((render1, first), (render2, second)):
        if expected is None:
            with pytest.raises(Exception):  # noqa: B017
                render(template, v=5)
        else:
            assert render(template, v=5) == expected


def test_tables() -> None:
    assert precedences(V1)["??"] > precedences(V1)["~"] > precedences(V1)["|"]
    assert precedences(V2)["??"] == precedences(V2)["=="]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ }}", 'Unexpected token "PRINT_END" of value "}}"'),
        ("{{ [,] }}", 'Unexpected token "PUNCTUATION" of value ","'),
        ("{{ [1,] }}", 'Unexpected token "PUNCTUATION" of value "]"'),
        (
            "{{ [1, 2][0] }}",
            'Unexpected token of value "[" and type PUNCTUATION, expected token of type PRINT_END',
        ),
        ("{{ 'a' 'b' }}", 'Unexpected token of value "b" and type STRING, expected token of type PRINT_END'),
        (
            "{{ a.contains }}",
            'Unexpected token of value "contains" and type OPERATOR, expected token of type NAME',
        ),
        ("{{ f(a=1, 2) }}", "Positional arguments must be declared before any named arguments."),
        ("{{ a.b(c=1) }}", "Can not use named arguments when calling a bean method"),
        ("{% include 'x' %}", 'Unexpected tag name "include"'),
        ("{% elif x %}", 'Unexpected tag name "elif"'),
        ("{% 1 %}", "A block must start with a tag name."),
        ("{% if x %}", 'Unexpected end of template. Pebble was looking for the "endif" tag'),
        ("{% for x in y %}", 'Unexpected end of template. Pebble was looking for the "endfor" tag'),
        ("{% set true = 1 %}", "Can not assign a value to true"),
        ("{% raw %}\n{% endraw %}", 'Unexpected tag name "raw"'),
        ("{% macro m() %}{% endmacro %}{% macro m() %}{% endmacro %}", "More than one macro can not share"),
        ("{{ 9223372036854775808 }}", 'For input string: "9223372036854775808"'),
        ("{{ a b }}", 'Unexpected token of value "b" and type NAME, expected token of type PRINT_END'),
        ("a\n{% block x %}", "endblock tag should be present with block tag starting line number 2"),
    ],
)
def test_parse_errors(template: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(template, V2)
    assert caught.value.message.startswith(message)


def test_a_long_but_flat_expression_parses() -> None:
    assert len(parse("{{ " + " ~ ".join(["a"] * 200) + " }}", V2).body) == 1


@pytest.mark.parametrize("source", ["{{ " + "(" * 500, "{{ " + "[" * 500, "{{ " + "-" * 500 + "1 }}"])
def test_nesting_is_limited(source: str) -> None:
    with pytest.raises(ParseError):
        parse(source, V2)


def test_nesting_within_the_limit() -> None:
    depth = MAX_NESTING - 2
    assert parse("{{ " + "(" * depth + "1" + ")" * depth + " }}", V2)
    with pytest.raises(ParseError, match="nested too deeply"):
        parse("{% if x %}" * (MAX_TAGS + 1), V2)
