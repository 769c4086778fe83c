"""Corners of the engine that are easy to get wrong: what is evaluated, which class fails, what ends a number."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.dialect import DIALECTS
from simulator.expressions.scope import Limits, Scope
from tests.expressions.filters.harness import BOTH, RENDERERS, fails, render

PEBBLE = "io.pebbletemplates.pebble.error.PebbleException: "


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ true contains 1 }}", "Contains operator can only be used on Collections, Maps and arrays."),
        ("{{ not l }}", "Unsupported value type ArrayList. Expected Boolean, String, Number"),
        ("{{ n or true }}", "null value used in and operator and strict variables is set to true"),
        ("{{ yaml() }}", "The 'yaml' function expects an argument 'yaml'. ("),
        ("{{ fromJson('01') }}", "Invalid json: Invalid numeric value: Leading zeroes not allowed"),
        ("{{ fromJson('2024-01-01') }}", "Expected space separating root-level values"),
        ("{{ 'a' | escapeChar(n) }}", "expects the value of 'type' to be either"),
        ("{{ true | split }}", "missing delimiter parameter in split filter"),
        ("{{ 1 | jq('todate') }}", "Unable to parse jq value '1'"),
        ("{{ 'a' | jq(n) }}", "Unable to parse jq value 'a' with type 'java.lang.String'"),
    ],
)
def test_errors_of_the_engine(template: str, message: str, dialect: str) -> None:
    found = fails(template, dialect).message
    assert found.startswith(PEBBLE)
    assert message in found


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ isWeekend('x') }}", "could not parse 'date': java.time.format.DateTimeParseException: Text 'x'"),
        ("{{ hourOfDay('x') }}", "could not parse 'date': Text 'x' could not be parsed at index 0"),
        ("{{ 'x' | date(1) }}", "ClassCastException: class java.lang.Long"),
        ("{{ 'x' | dateAdd }}", "Incorrect null format, must be a number"),
        ("{{ 'x' | number(1) }}", "ClassCastException: class java.lang.Long"),
        ("{{ 'x' | chunk(n) }}", "'chunk' filter can only be applied to List."),
        ("{{ 'x' | dateAdd(1) }}", "DateTimeParseException: Text 'x'"),
        ("{{ isPublicHoliday('x') }}", "The 'isPublicHoliday()' function expects a 'countryCode' argument."),
        ("{{ isDayWeekInMonth('x') }}", "The 'isDayWeekInMonth()' function expects a 'dayOfWeek' argument."),
    ],
)
def test_errors_of_the_date_functions(template: str, text: str) -> None:
    assert text in fails(template).message


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ n contains missing }}", "false"),
        ("{{ '2024-03-15' is json }}", "false"),
        ("{{ '2024 x' is json }}", "true"),
        ("{{ zoned | yaml }}", "2013-09-08T16:19:12.123456+01:00\n"),
        ("{{ '2024-03-15' | date('F') }}", "3"),
        ("{{ '2024-03-15T10:20:30Z' | date('z VV') }}", "UTC UTC"),
        ("{{ '2024-03-15' | date('iso_zoned_date_time') }}", "2024-03-15T00:00:00Z[UTC]"),
        ("{{ 10000000.0 | toIon }}", "1.0e7"),
        ("{{ [1, n, [n]] | jq('[recurse]') | first | length }}", "3"),
        ("{{ (0.1 + 0.2) | numberFormat('') }}", ".30000000000000004"),
        ("{{ 1234567.5 | numberFormat('') }}", "1,234,567.5"),
        ("{{ 12345678901 | numberFormat('##0.#E0') }}", "12.35E9"),
        ("{{ m.entrySet() }}", '[{"b":1},{},{"c":{"x":[1,null]}}]'),
    ],
)
def test_values(template: str, expected: str, dialect: str) -> None:
    assert render(template, dialect) == expected


def test_a_group_matters_only_with_a_match() -> None:
    assert render("{{ 'a' | regexExtract('b', 2) ?? 'none' }}") == "none"
    assert "has only 0 capture group(s)" in fails("{{ 'a' | regexExtract('a', 2) }}").message


def test_null_starts_with_nothing() -> None:
    assert render("{{ n | startsWith('a') }}") == "false"
    assert fails("{{ n | startsWith('a') }}", "1").java_type == "NullPointerException"


@pytest.mark.parametrize(
    ("template", "value"), [('{{ "#{1 + 1}" }}', 2), ("{{ 1 }}{{ [] }}", "1[]"), ("{{ [1] }} x", [1])]
)
def test_typed(template: str, value: Any) -> None:
    assert RENDERERS["2"].render_typed(template, Scope(dialect=DIALECTS["2"])) == value


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ 'x' | split('*') }}", "Dangling meta character '*' near index 0\n*\n^"),
        ("{{ 'x' | replace({'(': 'y'}, regexp=true) }}", "Unclosed group near index 1\n("),
        ("{{ 'x' | replace('x', 'y') }}", "class java.lang.String cannot be cast to class java.lang.Boolean"),
        ("{{ l | split('a', 'b') }}", "class java.lang.String cannot be cast to class java.lang.Number"),
    ],
)
def test_errors_of_patterns(template: str, message: str, dialect: str) -> None:
    assert message in fails(template, dialect).message


def test_replacing_stops_before_the_text_grows_too_long() -> None:
    template = "{{ text | replace({'o': text}) | replace({'o': text}) }}"
    limits = Limits(output_chars=100)
    assert "longer than the limit" in fails(template, variables={"text": "o" * 20}, limits=limits).message


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(
    ("template", "message"),
    [
        (
            "{{ 'abcdef' | abbreviate }}",
            'because the return value of "java.util.Map.get(Object)" is null',
        ),
        ("{{ m | escapeChar('shell') }}", 'because "value" is null'),
        ("{{ [n] | escapeChar('shell') }}", 'because "item" is null'),
        ("{{ l | chunk(n) }}", 'because "sizeObj" is null'),
        ("{{ '2024-03-15' | dateAdd(1) }}", "Name is null"),
        ("{{ '2024-03-15' | date(n) }}", "pattern"),
        ("{{ m[n] }}", 'because "attributeNameValue" is null'),
        ("{{ 'q' isIn m }}", 'because the return value of "java.util.Map$Entry.getValue()" is null'),
        ("{{ tasksWithState(n) }}", 'Cannot invoke "String.toUpperCase()"'),
        ("{{ i18n() }}", 'because "this.name" is null'),
        ("{{ i18n('a', 1) }}", "class java.lang.Long cannot be cast to class java.lang.String"),
        ("{{ block() }}", "Index 0 out of bounds for length 0"),
        ("{{ block(1) }}", "class java.lang.Long cannot be cast to class java.lang.String"),
        (
            "{{ '2024-03-15' | date('yyyyyyyyyyyyyyyyyyyy') }}",
            "The minimum width must be from 1 to 19 inclusive but was 20",
        ),
    ],
)
def test_nulls_and_casts_in_java_s_words(template: str, message: str, dialect: str) -> None:
    assert message in fails(template, dialect).message


@pytest.mark.parametrize("dialect", BOTH)
def test_a_null_anywhere_in_the_list_fails_membership(dialect: str) -> None:
    error = fails("{{ 1 isIn [1, n] }}", dialect)
    assert error.message.endswith("NullPointerException")
    assert render("{{ 'b' isIn m }}", dialect) == "true"  # the entry stands before the null one


@pytest.mark.parametrize("template", ["{{ 1..1000001 }}", "{{ range(0, 2000000, 2) }}"])
def test_kestra_bounds_a_range(template: str) -> None:
    text = "RenderLimitExceededException: The range function cannot produce more than 1000000 elements"
    message = fails(template).message
    assert text in message
    assert message.endswith("would produce 1000001. (?:?)")


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [("7", "12.3400", "7.0"), ("100.5", "0.03", "0.0"), ("12.34", "0.0001", "0.000"), ("-5", "2.5", "0.0")],
)
def test_scale_of_a_remainder(left: str, right: str, result: str) -> None:
    template = f"{{{{ ('{left}' | number('BIGDECIMAL')) % ('{right}' | number('BIGDECIMAL')) }}}}"
    assert render(template) == result


def test_the_first_argument_names_the_block() -> None:
    assert render("{% block 'a' %}Q{% endblock %}{{ block('a', 'b') }}") == "QQ"
    assert render("{{ block(n, 3) }}") == ""


@pytest.mark.parametrize(("hour", "period"), [(3, "in the morning"), (12, "noon"), (22, "at night")])
def test_periods_of_the_day(hour: int, period: str) -> None:
    assert render(f"{{{{ '2024-03-15T{hour:02d}:00:00Z' | date('B') }}}}") == period


def test_a_name_in_other_case_is_the_nearest() -> None:
    assert fails("{{ '2024-03-15' | dateADD(1, 'DAYS') }}").hint == "did you mean `dateAdd`?"


def test_joining_stops_before_the_text_grows_too_long() -> None:
    limits = Limits(output_chars=100)
    assert (
        "longer than the limit"
        in fails("{{ l | join(text) }}", variables={"l": [1, 2, 3], "text": "x" * 60}, limits=limits).message
    )


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("09", "INT", 'For input string: "9" under radix 8'),
        ("-0xZ", "LONG", 'For input string: "-Z" under radix 16'),
        ("0x0x1", "INT", 'For input string: "0x1" under radix 16'),
        ("--2", "INT", "Sign character in wrong position"),
        ("2024-05-06", "BIGINTEGER", "Illegal embedded sign character"),
        ("-", "BIGINTEGER", "Zero length BigInteger"),
        ("987654321.12", "BIGINTEGER", 'For input string: "654321.12"'),
        ("1.5.", "DOUBLE", "multiple points"),
        ("1.5.", "BIGDECIMAL", "Character array contains more than one decimal point."),
        ("e2", "BIGDECIMAL", "No digits found."),
        ("1e2x", "BIGDECIMAL", "Not a digit."),
        ("1e12345678901", "BIGDECIMAL", "Too many nonzero exponent digits."),
        ("1e9999999999", "BIGDECIMAL", "Exponent overflow."),
        ("1x", "BIGDECIMAL", "Character x is neither a decimal digit number, decimal point, nor"),
        ("1234567890123456789x", "BIGDECIMAL", 'Character array is missing "e" notation exponential mark.'),
    ],
)
def test_texts_that_are_no_numbers(text: str, kind: str, message: str, dialect: str) -> None:
    assert message in fails(f"{{{{ '{text}' | number('{kind}') }}}}", dialect).message


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [
        ("-0", "BIGDECIMAL", "0"),
        ("-0.00", "BIGDECIMAL", "0.00"),
        ("٤٢", "INT", "42"),
        ("--7", "BIGINTEGER", "7"),
    ],
)
def test_texts_that_are_numbers(text: str, kind: str, number: str) -> None:
    assert render(f"{{{{ '{text}' | number('{kind}') }}}}") == number


def test_a_null_kind_of_number() -> None:
    assert "NullPointerException" in fails("{{ '5' | number(n) }}").message


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(
    ("value", "expression", "result"),
    [
        ([5], "error(null)", "[]"),
        ([5], "[1, error(null), 3]", "[[1,3]]"),
        ([5, "ab"], 'map(ltrimstr("a"))', '[[5,"b"]]'),
        ([5, "ab"], 'map(rtrimstr("b"))', '[[5,"a"]]'),
        ([None, [1]], "..", "[[null,[1]],null,[1],1]"),
        ([None, [1]], "[recurse] | length", "[3]"),
        ([5], "[nan, infinite, -infinite, 1e999]", '[["NaN","Infinity","-Infinity","Infinity"]]'),
        ([5, 2.5], "map(floor)", "[[5.0,2.0]]"),
        ([5, 2.5], "map(ceil + 1)", "[[6,4]]"),
        (16, "sqrt, sqrt + 0, (sqrt | tostring)", '[4.0,4,"4"]'),
        ([2.0], "tojson", '["[2]"]'),
        ([2.0], "., .[0] + 1", "[[2.0],3]"),
        ("", ".", "[null]"),
        (3, '"2.0" | tonumber', "[2]"),
    ],
)
def test_jq_as_jackson_has_it(value: Any, expression: str, result: str, dialect: str) -> None:
    variables = {"value": value, "expression": expression}
    assert render("{{ value | jq(expression) }}", dialect, variables=variables) == result


def test_jq_keeps_what_is_not_a_number_as_a_double() -> None:
    scope = Scope(dialect=DIALECTS["2"], variables={"n": 1})
    assert RENDERERS["2"].render_typed("{{ n | jq('infinite') | first }}", scope) == float("inf")


@pytest.mark.parametrize(
    ("locale", "style", "dialect", "text"),
    [
        ("en", "long", "1", "February 29, 2024 at 12:00:00\u202fPM UTC"),
        ("en", "long", "2", "February 29, 2024, 12:00:00\u202fPM UTC"),
        ("qq", "full", "2", "2024 Feb 29, Thu 12:00:00 GMT"),
        ("qq", "short", "1", "2024-02-29 12:00"),
        ("DE", "medium", "2", "2024 Feb 29 12:00:00"),
        ("_DE", "EEEE MMMM", "2", "Thu Feb"),
    ],
)
def test_locales_by_release_and_without_data(locale: str, style: str, dialect: str, text: str) -> None:
    assert render(f"{{{{ day | date('{style}', locale='{locale}') }}}}", dialect) == text


@pytest.mark.parametrize(("locale", "dialect"), [("DE", "1"), ("ZZ", "2"), ("de_", "2")])
def test_texts_that_are_no_locales(locale: str, dialect: str) -> None:
    assert (
        f"Invalid locale format: {locale}"
        in fails(f"{{{{ day | date(locale='{locale}') }}}}", dialect).message
    )


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ (1.0 / 0) | yaml }}", "Infinity\n"),
        ("{{ (0.0 / 0) | yaml }}", "NaN\n"),
        ("{{ {'k': 'b:'} | yaml }}", 'k: "b:"\n'),
        ("{{ {'': 2} | yaml }}", '? ""\n: 2\n'),
        ("{{ [] | escapeChar }}", "[]"),
        ("{{ '' | indent }}", ""),
        ("{{ 99345678901 | timestampNano }}", "9223372036854775807"),
    ],
)
def test_corners_of_filters(template: str, text: str, dialect: str) -> None:
    assert render(template, dialect) == text


@pytest.mark.parametrize("template", ["{{ fromIon('null') }}", "{{ fromIon('1 null.int', allRows=true) }}"])
def test_a_null_row_is_no_ion(template: str) -> None:
    assert "Invalid ion: t is null in sink.next(t)" in fails(template).message


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ isPublicHoliday(1, 2) }}", "could not parse 'date'"),
        ("{{ isPublicHoliday('2024-01-01', 'QQ') }}", "Cannot find resource 'holidays/Holidays_qq.xml'."),
        ("{{ 6 / ('3' | first) }}", "Could not perform division"),
    ],
)
def test_what_is_looked_at_first(template: str, message: str) -> None:
    assert message in fails(template).message


def test_the_older_name_of_from_json_speaks_of_the_newer() -> None:
    assert "The 'fromJson' function expects an argument 'json'." in fails("{{ json() }}", "1").message


def test_a_character_joins_a_list() -> None:
    assert render("{{ l + ('q' | first) }}") == '[3,1,2,"q"]'


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ '%X' | format('q') }}", "x != java.lang.String"),
        ("{{ '%tY' | format(9007199254740993) }}", "The date is outside of the years 1 to 9999"),
    ],
)
def test_errors_of_format(template: str, message: str) -> None:
    assert message in fails(template).message


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(
    ("template", "line", "offset"),
    [
        ("a\n{% if n %}\n\n", 4, 5),
        ("{% for x in l %}\nb", 2, 3),
        ('{{ "a\n}}\n', 3, 3),
        ("{% if n %}\n{% else %}", 2, 3),
    ],
)
def test_what_never_ends_is_noticed_on_the_last_line(
    template: str, line: int, offset: int, dialect: str
) -> None:
    error = fails(template, dialect)
    assert error.message.endswith(f":{line})")
    assert error.offset == offset  # where it begins


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ encrypt('k', 'b') }}", "Input byte[] should at least have 2 bytes for base64 bytes"),
        ("{{ encrypt('k-y', 'b') }}", "Illegal base64 character 2d"),
        ("{{ encrypt('keyss', 'b') }}", "Last unit does not have enough valid bits"),
        ("{{ decrypt('MDEyMzQ1Njc4OWFiY2RlZg==', 'YWI=') }}", "12 > 2"),
        (
            "{{ decrypt('MDEyMzQ1Njc4OWFiY2RlZg==', 'abcdabcdabcdabcd') }}",
            "an expected tag length of 16bytes",
        ),
        ("{{ decrypt('k', '-') }}", "Input byte[] should at least have 2 bytes for base64 bytes"),
    ],
)
def test_keys_that_are_no_base64(template: str, message: str) -> None:
    assert message in fails(template).message
