"""JSON, Ion, YAML, jq, class names, numbers, encodings. Source: expressions.md 10, 11, 15, 16."""

from __future__ import annotations

import pytest

from tests.expressions.filters.harness import BOTH, fails, render

CASES = [
    ("{{ m | toJson }}", '{"b":1,"c":{"x":[1,null]}}'),
    ("{{ n | toJson }} {{ n | toIon }} {{ n | yaml }}", "null null null"),
    ("{{ 'a\"b/é' | toJson }}", '"a\\"b/é"'),
    (
        "{{ wait | toJson }} {{ day | toJson }} {{ zoned | toJson }}",
        '65.000000000 "2024-02-29" "2013-09-08T15:19:12.123456Z"',
    ),
    ("{{ m | toIon }}", "{b:1,a:null,c:{x:[1,null]}}"),
    ("{{ 1.5 | toIon }}", "1.5e0"),
    ("{{ l | yaml }}", " - 3\n - 1\n - 2\n"),
    ("{{ m | yaml }}", "b: 1\na: null\nc:\n  x:\n   - 1\n   - null\n"),
    ("{{ m | jq('.b') }} {{ m | jq('.c.x') }} {{ m | jq('empty') }}", "[1] [[1,null]] []"),
    ("{{ m | jq('.a') }}", "[null]"),
    (
        '{{ \'{"a": 1.0, "b": 12345678901234567890}\' | jq(".a, .b, .a + 1") }}',
        "[1.0,12345678901234567890,2]",
    ),
    ("{{ [1.0, 2.5] | jq('map(. * 2)') | first }}", "[2,5]"),
    ("{{ [1.0] | jq('.[0]') | first | className }}", "java.lang.Double"),
    ("{{ n | jq('.') }}", ""),
    (
        "{{ 1 | className }} {{ i | className }} {{ 1.5 | className }} {{ l | className }}",
        "java.lang.Long java.lang.Integer java.lang.Double java.util.ArrayList",
    ),
    (
        "{{ m | className }} {{ {'a': 1} | className }} {{ day | className }}",
        "java.util.LinkedHashMap java.util.HashMap java.time.LocalDate",
    ),
    (
        "{{ -5 | abs }} {{ -5.5 | abs | className }} {{ i | abs | className }}",
        "5 java.lang.Double java.lang.Integer",
    ),
    ("{{ ('0.1' | number) + 0.2 }}", "0.30000000149011613"),
    (
        "{{ '010' | number }} {{ '0x1F' | number }} {{ '12' | number('LONG') | className }}",
        "8 31 java.lang.Long",
    ),
    ("{{ 1234.5678 | numberFormat }} {{ 0.125 | numberFormat('0.00') }}", "1,234.568 0.12"),
    ("{{ 'test' | base64encode }} {{ 'dGVzdA' | base64decode }}", "dGVzdA== test"),
    ("{{ 'a b~*-._é' | urlencode }} {{ 'a+b%C3%A9' | urldecode }}", "a+b%7E*-._%C3%A9 a bé"),
    ("{{ 'x' | md5 }}", "9dd4e461268c8034f5c8564e155c67a6"),
    ("{{ n | sha512 }}", ""),
]

ERRORS = [
    ("{{ m | jq }}", "The 'jq' filter expects an argument 'expression'."),
    (
        "{{ m | jq('.[') }}",
        "Unable to parse jq value '{b=1, a=null, c={x=[1, null]}}' with type 'java.util.LinkedHashMap'",
    ),
    ("{{ 'nojson' | jq('.') }}", "Unable to parse jq value 'nojson' with type 'java.lang.String'"),
    ("{{ m | jq('error(\"x\")') }}", "Unable to parse jq value"),
    ("{{ n | abs }}", 'Can not pass null value to "abs" filter.'),
    ("{{ 'x' | abs }}", "The 'abs' filter does require as input a number."),
    ("{{ 'abc' | number }}", "abc is not a valid number."),
    ("{{ '' | number }}", "A blank string is not a valid number"),
    ("{{ 1 | number }}", "'number' filter can only be applied to String. Actual type was: java.lang.Long"),
    ("{{ '1.5' | number('INT') }}", 'NumberFormatException: For input string: "1.5"'),
    ("{{ 'x' | numberFormat }}", "The input for the 'NumberFormat' filter has to be a number."),
    ("{{ 1 | base64decode }}", "This filter applies to String\n"),
    (
        "{{ 'd Gk' | base64decode }}",
        "Please provide a correctly Base64 encoded string containing an UTF-8 string\n",
    ),
    ("{{ 1 | sha1 }}", "Need a string to hash\n"),
    ("{{ '%zz' | urldecode }}", "IllegalArgumentException: URLDecoder: Illegal hex characters"),
]


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(("template", "expected"), CASES)
def test_data(template: str, expected: str, dialect: str) -> None:
    assert (render(template, dialect) or "") == expected


@pytest.mark.parametrize(("template", "text"), ERRORS)
def test_errors(template: str, text: str) -> None:
    assert text in fails(template).message


@pytest.mark.parametrize(
    "expression",
    [
        "env",
        "$ENV",
        '"\\(env)"',
        "input",
        "inputs",
        "halt",
        ".b) | (1",
        ".b] | [1",
        'import "a" as a; 1',
        "$__prog_args",
    ],
)
def test_jq_reaches_nothing_but_its_input(expression: str) -> None:
    error = fails("{{ m | jq(e) }}", variables={"m": {"b": 1}, "e": expression})
    assert "Unable to parse jq value '{b=1}'" in error.message


@pytest.mark.parametrize("expression", ["abs", "trim", "toarray", "pick(.b)", "add(.b)", "$__loc__"])
def test_jq_is_1_6(expression: str) -> None:
    error = fails("{{ m | jq(e) }}", variables={"m": {"b": 1}, "e": expression})
    assert "Unable to parse jq value '{b=1}'" in error.message


def test_jq_that_may_go_on_for_ever_runs_apart() -> None:
    from simulator.expressions.scope import Limits

    assert render("{{ [1, 2] | jq('reduce .[] as $x (0; . + $x)') }}") == "[3]"
    endless = "{{ [1] | jq('last(repeat(1))') }}"
    assert "jq has not come to an end" in fails(endless, limits=Limits(regex_seconds=0.3)).message
    huge = "{{ [1] | jq('[range(1000)] | tojson') }}"
    assert "OutOfMemoryError" in fails(huge, limits=Limits(output_chars=100)).message


def test_json_is_a_filter_of_1_only() -> None:
    assert render("{{ m | json }}", "1") == '{"b":1,"c":{"x":[1,null]}}'
    assert "Filter [json] does not exist." in fails("{{ m | json }}", "2").message
