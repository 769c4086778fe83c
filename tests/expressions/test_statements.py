"""Tags: if, for, set, macro, block, filter."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest

from simulator.dialect import V2
from simulator.expressions.errors import EvaluationError
from simulator.expressions.renderer import Renderer
from simulator.expressions.scope import Limits, Scope

Render = Callable[..., str | None]


@pytest.mark.parametrize(
    ("template", "variables", "expected"),
    [
        ("{% if x %}a{% elseif y %}b{% else %}c{% endif %}", {"x": 0, "y": "0"}, "b"),
        ("{% if x %}a{% endif %}", {"x": ""}, ""),
        ("{% for i in x %}{{ loop.index }}{{ i }}{{ loop.revindex }}{% endfor %}", {"x": ["a", "b"]}, "0a11b0"),
        ("{% for i in x %}{% if loop.first %}<{% endif %}{{ i }}{% if loop.last %}>{% endif %}{% endfor %}", {"x": [1, 2]}, "<12>"),
        ("{% for i in x %}a{% else %}b{% endfor %}", {"x": []}, "b"),
        ("{% for i in x %}a{% else %}b{% endfor %}", {"x": None}, ""),
        ("{% for e in x %}{{ e.key }}={{ e.value }};{{ e }} {% endfor %}", {"x": {"k": 1}}, "k=1;k=1 "),
        ("{% for i in 1..2 %}{% for j in 1..2 %}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}", {}, "010011"),
        ("{% set n = 0 %}{% for i in 1..3 %}{% set n = n + i %}{% endfor %}{{ n }}", {}, "6"),
        ("{% for i in 1..2 %}{{ v ?? '-' }}{% set v = i %}{% endfor %}{{ v ?? 'gone' }}", {}, "-1gone"),
        ("{% if true %}{% set v = 1 %}{% endif %}{{ v }}", {}, "1"),
        ("{% set x = 2 %}{{ x }}", {"x": 1}, "2"),
        ("{{ m(1) }}{% macro m(a, b='x') %}{{ a }}{{ b }}{{ c ?? '!' }}{% endmacro %}", {"c": 9}, "1x!"),
        ("{% macro m(l) %}{{ l }}{% endmacro %}{{ m([1, 'a']) }}{{ [1, 'a'] }}", {}, '[1, a][1,"a"]'),
        ("{% macro m() %}x{% endmacro %}{{ m() == 'x' }}{{ m() ~ 'y' }}{{ m() + 'z' }}", {}, "falsexyxz"),
        ("{% block b %}x{{ y }}{% endblock b %}-{{ block('b') }}-{{ block('none') }}", {"y": 1}, "x1-x1-"),
        ("{% if true %}\n{% endif %}", {}, "\n"),
        ("a{# comment {{ x }} #}b", {}, "ab"),
    ],
)  # fmt: skip
def test_tags(render: Render, template: str, variables: dict[str, Any], expected: str) -> None:
    assert render(template, **variables) == expected


@pytest.mark.parametrize(
    ("template", "variables", "message"),
    [
        ("{% if x %}{% endif %}", {"x": None}, "Wrong operand(s) type in conditional expression"),
        ("{% if x %}{% endif %}", {"x": []}, "Wrong operand(s) type in conditional expression"),
        ("{% if x %}{% endif %}", {}, "Wrong operand(s) type in conditional expression"),
        ("{% for i in x %}{% endfor %}", {"x": "abc"}, "Not an iterable object. Value = [abc]"),
        (
            "{{ m(1, 2) }}{% macro m(a) %}{% endmacro %}",
            {},
            "The argument at position 2 is not allowed. Only 1",
        ),
        ("{{ m(b=2) }}{% macro m(a) %}{% endmacro %}", {}, "The following named argument does not exist: b"),
        ("{{ nothing() }}", {}, "Function or Macro [nothing] does not exist."),
        ("{{ 1 | nothing }}", {}, "Filter [nothing] does not exist."),
        ("{{ 1 is nothing }}", {}, "Test [nothing] does not exist."),
        ("{{ parent() }}", {}, "Can not use parent function if template does not extend another template."),
    ],
)
def test_errors(fails: Callable[..., Any], template: str, variables: dict[str, Any], message: str) -> None:
    error = fails(template, **variables)
    assert error.message.startswith(f"io.pebbletemplates.pebble.error.PebbleException: {message}")
    assert error.message.endswith(f" ({template}:1)")


def test_unknown_names_fail_only_when_reached(render: Render) -> None:
    assert render("{% if false %}{{ nothing() | nothing }}{% endif %}ok") == "ok"


def test_run_contexts_cannot_be_written() -> None:
    scope = Scope(variables=MappingProxyType({"inputs": 1}))
    renderer = Renderer(V2)
    assert renderer.render("{% set other = 2 %}{{ other }}", scope) == "2"
    with pytest.raises(EvaluationError, match="UnsupportedOperationException"):
        renderer.render("{% set inputs = 2 %}", scope)


def test_limits() -> None:
    renderer = Renderer(V2)
    scope = Scope(limits=Limits(output_chars=1000, loop_steps=100))
    for template in (
        "{% for i in 1..1000 %}{% endfor %}",
        "{% for i in 1..20 %}{% for j in 1..20 %}{% endfor %}{% endfor %}",
        "{% for i in 1..90 %}xxxxxxxxxxxxxxxxxxxx{% endfor %}",
        "{% set s = 'ab' %}{% for i in 1..90 %}{% set s = s ~ s %}{% endfor %}",
        "{% set s = 'ab' %}{% for i in 1..90 %}{% set s = s + s %}{% endfor %}",
        "{% set s = [1] %}{% for i in 1..90 %}{% set s = s + s %}{% endfor %}",
        '{% set s = "ab" %}{% for i in 1..90 %}{% set s = "#{s}#{s}" %}{% endfor %}',
    ):
        with pytest.raises(EvaluationError) as caught:
            renderer.render(template, scope)
        assert "OutOfMemoryError" in f"{caught.value.message} {caught.value.root_type}"


def test_endless_macros_and_blocks_end() -> None:
    renderer = Renderer(V2)
    for template in (
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% block b %}{{ block('b') }}{% endblock %}",
    ):
        with pytest.raises(EvaluationError, match="StackOverflowError"):
            renderer.render(template, Scope())
