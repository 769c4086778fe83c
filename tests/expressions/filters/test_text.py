"""Text filters against the tables of expressions.md 10 and 11."""

from __future__ import annotations

import pytest

from tests.expressions.filters.harness import BOTH, fails, render

CASES = [
    ("{{ 'abcd' | abbreviate(4) }}", "a..."),
    ("{{ 'abc' | abbreviate(2) }}", "abc"),
    ("{{ 'abcdef' | abbreviate(3) }}", "abc"),
    ("{{ 'abcdef' | abbreviate(0) }}", ""),
    ("{{ '  hello World' | capitalize }}", "  Hello World"),
    ("{{ 'ß' | capitalize }}", "ß"),
    ("{{ 'hello fooBar' | title }}", "Hello FooBar"),
    ("{{ 'a\u00a0b' | title }}", "A\u00a0b"),
    ("{{ m | upper }}", "{B=1, A=NULL, C={X=[1, NULL]}}"),
    ("{{ true | upper }}", "TRUE"),
    ("{{ l | lower }}", "[3, 1, 2]"),
    ("{{ n | upper }}", ""),
    ("{{ ' \u00a0x ' | trim }}", "\u00a0x"),
    ("{{ text | slugify }}", "hello-world"),
    ("{{ '--A_b  C!--' | slugify }}", "a-b-c"),
    ("{{ m | string }}", "{b=1, a=null, c={x=[1, null]}}"),
    ("{{ 1.5 | string | className }}", "java.lang.String"),
    ("{{ 'abc' | startsWith('ab') }}", "true"),
    ("{{ 123 | endsWith(3) }}", "true"),
    ("{{ 'a.b.c' | substringBefore('.') }}", "a"),
    ("{{ 'abc' | substringBefore('x') }}", "abc"),
    ("{{ 'abc' | substringBefore('') }}", ""),
    ("{{ 'abc' | substringBefore(n) }}", "abc"),
    ("{{ 'a.b.c' | substringAfter('.') }}", "b.c"),
    ("{{ 'abc' | substringAfter('x') }}", ""),
    ("{{ 'abc' | substringAfter('') }}", "abc"),
    ("{{ 'abc' | substringAfter(n) }}", ""),
    ("{{ 'a.b.c' | substringBeforeLast('.') }}", "a.b"),
    ("{{ 'abc' | substringBeforeLast('') }}", "abc"),
    ("{{ 'a.b.c' | substringAfterLast('.') }}", "c"),
    ("{{ 'abc' | substringAfterLast('') }}", ""),
    ("{{ ['a', 1] | escapeChar('single') }}", '["a","1"]'),
    ('{{ "it\'s" | escapeChar("SHELL") }}', "it'\\''s"),
    ("{{ 'a\nb' | indent(2) }}", "a\n  b"),
    ("{{ 'a\nb' | nindent(1, '>>') }}", "\n>>a\n>>b"),
    ("{{ 'a\r\nb' | indent(0) }}", "a\r\nb"),
    ("{{ 'a1b22c' | split('[0-9]+') }}", '["a","b","c"]'),
    ("{{ 'a,b,,' | split(',') }}", '["a","b"]'),
    ("{{ 'a,b,,' | split(',', -1) }}", '["a","b","",""]'),
    ("{{ 'a,b,c' | split(',', 2) }}", '["a","b,c"]'),
    ("{{ 'a,b' | split(',') | className }}", "[Ljava.lang.String;"),
    ("{{ 'aXbX' | replace({'X': '-'}) }}", "a-b-"),
    ("{{ 'a.b' | replace({'.': '!'}) }}", "a!b"),
    ("{{ ['aa', 1] | replace({'a': 'b'}) }}", '["bb","1"]'),
    ("{{ {'k': 'aa'} | replace({'a': 'b'}) }}", '{"k":"bb"}'),
    ("{{ 'a1' | replace({'([0-9])': '<$1>'}, regexp=true) }}", "a<1>"),
    ("{{ n | replace({'a': 'b'}) }}", ""),
]

ONLY_2 = [
    ("{{ '%05d|%-4s|%.2f' | format(7, 'x', 1.005) }}", "00007|x   |1.01"),
    ("{{ '' | format }}", ""),
    ("{{ '%s' | format(m) }}", "{b=1, a=null, c={x=[1, null]}}"),
    ("{{ 'a\r\nb\rc\nd' | nl2br }}", "a<br />b<br />c<br />d"),
    ("{{ 5 | regexMatch('\\d') }}", "true"),
    ("{{ n | regexMatch('.') }}", "false"),
    ("{{ 'a1b2' | regexReplace('(\\d)', '<$1>') }}", "a<1>b<2>"),
    ("{{ 'a1b2' | regexExtract('[a-z](\\d)', 1) }}", "1"),
    ("{{ 'x' | regexExtract('y') }}", ""),
]

ERRORS = [
    ("{{ 'abcd' | abbreviate(i) }}", "ClassCastException"),
    ("{{ 1 | abbreviate(3) }}", "ClassCastException"),
    ("{{ 1 | trim }}", "ClassCastException"),
    ("{{ 'abcd' | abbreviate(-1) }}", "Invalid argument to abbreviate filter; must be greater than zero"),
    ("{{ 'a' | startsWith }}", "PebbleException: The argument 'value' is required."),
    ("{{ 'a' | endsWith(n) }}", "PebbleException: The argument 'value' is required."),
    ("{{ 'a' | substringAfter(1) }}", "ClassCastException: class java.lang.Long cannot be cast"),
    ("{{ 'a' | escapeChar }}", "The 'escapeChar' filter expects an argument 'type'."),
    ("{{ [n] | escapeChar('single') }}", "NullPointerException"),
    ("{{ 'a' | indent }}", "The 'indent' filter expects an integer as argument 'amount'."),
    ("{{ 'a' | nindent(-1) }}", "The 'nindent' filter expects a positive integer >=0 as argument 'amount'."),
    ("{{ 'a' | indent(i) }}", "ClassCastException"),
    ("{{ 'a' | substringAfter }}", "The 'substringAfter' filter expects an argument 'separator'."),
    ("{{ 'a' | split }}", "missing delimiter parameter in split filter"),
    ("{{ 'a' | split('(') }}", "PatternSyntaxException: Unclosed group"),
    ("{{ 'a' | replace }}", "The argument 'replace_pairs' is required."),
    ("{{ 'a' | regexMatch('(') }}", "Invalid regex '(': Unclosed group"),
    ("{{ 'a' | regexReplace('a') }}", "The argument 'replacement' is required."),
    ("{{ 'a' | regexExtract('a', 1) }}", "the pattern has only 0 capture group(s)."),
    ("{{ '%s' | format }}", "MissingFormatArgumentException: Format specifier '%s'"),
    ("{{ 1 | nl2br }}", "nl2br filters only supports String input."),
]


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(("template", "expected"), CASES)
def test_text(template: str, expected: str, dialect: str) -> None:
    assert (render(template, dialect) or "") == expected


@pytest.mark.parametrize(("template", "expected"), ONLY_2)
def test_text_of_2(template: str, expected: str) -> None:
    assert (render(template) or "") == expected


@pytest.mark.parametrize(("template", "text"), ERRORS)
def test_errors(template: str, text: str) -> None:
    assert text in fails(template).message


@pytest.mark.parametrize("name", ["format", "nl2br", "regexMatch", "regexReplace", "regexExtract"])
def test_absent_from_1(name: str) -> None:
    assert f"Filter [{name}] does not exist." in fails(f"{{{{ 'a' | {name}('a') }}}}", "1").message


def test_java_errors_leave_1_bare() -> None:
    assert fails("{{ 1 | trim }}", "1").java_type == "ClassCastException"
    assert fails("{{ 1 | trim }}", "2").java_type == "IllegalVariableEvaluationException"


def test_a_pattern_that_backtracks_for_ever_times_out() -> None:
    from simulator.expressions.scope import Limits

    error = fails(
        "{{ text | regexMatch('^(a|aa|b?)+(a|b)*(a?a)*$') }}",
        variables={"text": "a" * 200 + "!"},
        limits=Limits(regex_seconds=0.05),
    )
    assert "timed out after 50ms" in error.message
