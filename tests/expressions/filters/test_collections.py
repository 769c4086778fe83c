"""Collection filters against the tables of expressions.md 10, 11 and 15."""

from __future__ import annotations

import pytest

from tests.expressions.filters.harness import BOTH, fails, render

CASES = [
    ("{{ n | default('d') }}{{ missing | default('e') }}{{ 0 | default('f') }}", "de0"),
    (
        "{{ ' ' | default('d') }}{{ [] | default('e') }}{{ {} | default('f') }}{{ false | default('g') }}",
        "deffalse",
    ),
    ("{{ l | first }}{{ l | last }}{{ [] | first }}", "32"),
    ("{{ 'é' | first | className }}", "java.lang.Character"),
    ("{{ [1, null, 'x'] | join('-') }}", "1-null-x"),
    ("{{ 'a,b' | split(',') | join }}", "ab"),
    ("{{ n | length }} {{ 5 | length }} {{ m | length }} {{ '😀' | length }}", "0 0 3 2"),
    ("{{ {'a': 1} | merge({'b': 2}) }}", '{"a":1,"b":2}'),
    ("{{ {'a': 1} | merge({'a': 2}) }}", '{"a":2}'),
    ("{{ {'a': 1} | merge(['x']) }}", '{"a":1,"x":"x"}'),
    ("{{ [1] | merge({'b': 2}) }}", '[1,{"b":2}]'),
    ("{{ n | merge([1]) }}{{ [2] | merge(n) }}", "[1][2]"),
    ("{{ l | sort }} {{ l | rsort }}", "[1,2,3] [3,2,1]"),
    ("{{ words | sort }}", '["B","a","b"]'),
    ("{{ 'b,a' | split(',') | sort }}", '["a","b"]'),
    ("{{ l | reverse }}{{ l }}", "[2,1,3][2,1,3]"),
    ("{{ 'abcdef' | slice(1, 3) }} {{ l | slice(1) }} {{ 'abc' | slice(3) }}", "bc [1,2] "),
    ("{{ [1, 2, 3] | chunk(2) }}", "[[1,2],[3]]"),
    ("{{ [1, i, 1, 1.0, 'a', 'a', n, n] | distinct }}", '[1,5,1.0,"a",null]'),
    ("{{ [1, fromJson('1')] | distinct | length }}", "2"),
    ("{{ n | distinct }}", "null"),
    ("{{ nested | flatten }}", "[1,2,3,[4]]"),
    ("{{ m | keys }} {{ l | keys }} {{ [] | keys }}", '["b","a","c"] [0,1,2] []'),
    ("{{ m | values }}", '[1,null,{"x":[1,null]}]'),
    ("{{ m | keys | join(',') }} {{ m | keys contains 'b' }} {{ m | keys | first }}", "b,a,c true b"),
]

ERRORS = [
    ("{{ m | first }}", "ClassCastException"),
    ("{{ '' | first }}", "StringIndexOutOfBoundsException"),
    ("{{ 'x' | join(',') }}", "The 'join' filter expects that the input is either a collection or an array."),
    ("{{ l | join(1) }}", "ClassCastException"),
    ("{{ n | merge(n) }}", "The two arguments to be merged are null"),
    ("{{ 'x' | merge([1]) }}", "The object being filtered is not a Map/List/Array"),
    (
        "{{ [1] | merge('x') }}",
        "Currently, only Maps and Lists can be merged with a List. Arg2: java.lang.String",
    ),
    ("{{ {'a': 1} | merge('x') }}", "UnsupportedOperationException"),
    ("{{ {'a': 1} | merge([[1]]) }}", "A java.util.ArrayList cannot be the key of a map here"),
    ("{{ [1, 'a'] | sort }}", "ClassCastException"),
    ("{{ [1, i] | sort }}", "ClassCastException"),
    ("{{ [1, n] | sort }}", "NullPointerException"),
    ("{{ 'x' | sort }}", "Unsupported input type for sort filter"),
    ("{{ nested | flatten | sort }}", "UnsupportedOperationException"),
    ("{{ 'a,b' | split(',') | reverse }}", "ClassCastException"),
    ("{{ m | keys | sort }}", "Unsupported input type for sort filter"),
    ("{{ 'abc' | slice(-1) }}", "fromIndex must be greater than 0"),
    ("{{ 'abc' | slice(0, 9) }}", "toIndex must be smaller than input size: 3"),
    ("{{ 'abc' | slice(1, 1) }}", "toIndex must be greater than fromIndex"),
    ("{{ 'abc' | slice('x') }}", "Argument fromIndex must be a number. Actual type: java.lang.String"),
    ("{{ 5 | slice }}", "Slice filter can only be applied to String, List and array inputs."),
    ("{{ l | slice(9) }}", "IllegalArgumentException: fromIndex(9) > toIndex(3)"),
    ("{{ l | chunk }}", "'chunk' filter expects an argument 'size'."),
    ("{{ 'x' | chunk(1) }}", "'chunk' filter can only be applied to List. Actual type was: java.lang.String"),
    ("{{ l | chunk('x') }}", "'chunk' filter argument 'size' must be a number."),
    ("{{ l | chunk(0) }}", "IllegalArgumentException"),
    ("{{ 'x' | distinct }}", "Input must be a list, but received : java.lang.String"),
    ("{{ 'x' | flatten }}", "The 'flatten' filter can only be applied to lists."),
    (
        "{{ 'x' | keys }}",
        "'keys' filter can only be applied to List, Map, Array. Actual type was: java.lang.String",
    ),
    ("{{ l | values }}", "'values' filter can only be applied to Map. Actual type was: java.util.ArrayList"),
]


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(("template", "expected"), CASES)
def test_collections(template: str, expected: str, dialect: str) -> None:
    assert render(template, dialect) == expected


@pytest.mark.parametrize(("template", "text"), ERRORS)
def test_errors(template: str, text: str) -> None:
    assert text in fails(template).message


@pytest.mark.parametrize("dialect", ["1", "2"])
def test_chunk_takes_any_number(dialect: str) -> None:
    assert render("{{ l | chunk(i) }}", dialect) == "[[3,1,2]]"
    assert render("{{ l | chunk(2.5) }}", dialect) == "[[3,1],[2]]"


def test_sorting_leaves_the_variables_of_the_caller_alone() -> None:
    variables = {"l": [2, 1]}
    assert render("{{ l | sort }}{{ l }}", variables=variables) == "[1,2][1,2]"
    assert variables == {"l": [2, 1]}


def test_merge_order_is_that_of_a_hash_map() -> None:
    assert render("{{ {'z': 1} | merge({'y': 2, 'x': 3, 'w': 4}) | keys | join }}") == "wxyz"
