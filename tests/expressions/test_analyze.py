"""References and problems of a template, without rendering it."""

import pytest

from simulator.dialect import V1, V2
from simulator.errors import ExpressionError
from simulator.expressions.analyze import DYNAMIC, problems, references


def variables(template: str) -> list[tuple[object, ...]]:
    return [one.path for one in references(template, V2) if one.kind == "variable" and not one.local]


@pytest.mark.parametrize(
    ("template", "paths"),
    [
        ("{{ outputs.fetch.uri }}", [("outputs", "fetch", "uri")]),
        ("{{ outputs['a-b'].c[0] }}", [("outputs", "a-b", "c", "0")]),
        ("{{ outputs[taskrun.value].x }}", [("outputs", DYNAMIC, "x"), ("taskrun", "value")]),
        ("{{ a.b(c).d }}", [("a",), ("c",)]),
        ("{{ f(x, y=z) }}", [("x",), ("z",)]),
        ("{% for i in list %}{{ i.x }}{{ loop.index }}{% endfor %}", [("list",)]),
        ("{% set v = a %}{{ v }}", [("a",)]),
        ("{% macro m(p) %}{{ p }}{% endmacro %}{{ m(q) }}", [("q",)]),
        ('{{ "x #{ a.b } y" }}', [("a", "b")]),
        ("{{ {'k': a, b: 1} }}", [("a",), ("b",)]),
        ("{% if a %}{{ b }}{% else %}{{ c }}{% endif %}", [("a",), ("b",), ("c",)]),
        ("{% verbatim %}{{ a }}{% endverbatim %}{% raw %}{{ b }}{% endraw %}{# {{ c }} #}{{ d }}", [("d",)]),
        ("plain", []),
    ],
)  # fmt: skip
def test_paths(template: str, paths: list[tuple[object, ...]]) -> None:
    assert variables(template) == paths


def test_offsets() -> None:
    template = "x {% raw %}{{ y }}{% endraw %} {{ outputs.fetch.uri | upper }} {{ secret('KEY') }}"
    found = {one.name: one for one in references(template, V2)}
    path = found["outputs"]
    assert [template[offset:].startswith(part) for part, offset in zip(path.path, path.offsets)] == [True] * 3
    assert template[path.offset : path.end] == "outputs.fetch.uri"
    assert template[found["upper"].offset :].startswith("upper")
    assert template[found["secret"].offset :].startswith("secret")


def test_literal_arguments() -> None:
    secret, kv = [one for one in references("{{ secret('A') }}{{ kv(x, namespace='n', errorOnMissing=false) }}", V2) if one.kind == "function"]  # fmt: skip
    assert secret.arguments == ("A",)
    assert kv.arguments == (DYNAMIC,)
    assert dict(kv.named) == {"namespace": "n", "errorOnMissing": False}


@pytest.mark.parametrize(
    "template",
    [
        "{{ x ?? 1 }}",
        "{{ x ??? 1 }}",
        "{{ x | default(1) }}",
        "{{ x is defined }}",
        "{{ x is defined ? x : 1 }}",
        "{{ x.y ?? 1 }}",
    ],
)
def test_guarded(template: str) -> None:
    assert [one.guarded for one in references(template, V2) if one.name == "x"] in ([True], [True, True])


def test_not_guarded() -> None:
    for template in ("{{ x }}", "{{ 1 ?? x }}", "{{ x is null }}", "{{ f(x) ?? 1 }}"):
        assert [one.guarded for one in references(template, V2) if one.name == "x"] == [False]


def test_parse_errors() -> None:
    with pytest.raises(ExpressionError) as caught:
        references("a\n{{ 1 + }}", V1)
    assert caught.value.offset == 9
    (problem,) = problems("a\n{{ 1 + }}", V1)
    assert (problem.message, problem.offset) == ('Unexpected token "PRINT_END" of value "}}"', 9)


def test_unknown_names() -> None:
    template = "{{ nothing() }}{{ 1 is evn }}{{ 1 | nothing }}"
    found = problems(template, V2)
    assert [one.message for one in found] == [
        "Function or Macro [nothing] does not exist.",
        "Test [evn] does not exist.",
        "Filter [nothing] does not exist.",
    ]
    assert found[1].hint == "did you mean `even`?"
    assert not problems("{% macro nothing() %}{% endmacro %}{{ nothing() }}", V2)
