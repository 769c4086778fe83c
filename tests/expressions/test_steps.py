"""The steps of an evaluation."""

import pytest

from simulator.dialect import V2
from simulator.errors import ExpressionError
from simulator.expressions.renderer import Renderer
from simulator.expressions.scope import Scope
from simulator.expressions.steps import MAX_STEPS, trace

RENDERER = Renderer(V2)


def steps(template: str, **variables: object) -> list[tuple[str, object]]:
    return [(step.text, step.value) for step in trace(RENDERER, template, Scope(variables=variables))[0]]


def test_sub_expressions_in_their_order() -> None:
    assert steps("{{ a.b[0] ~ (n + 1) }}", a={"b": [5]}, n=2) == [
        ("a.b[0]", 5),
        ("n", 2),
        ("n + 1", 3),
        ("a.b[0] ~ (n + 1)", "53"),
    ]
    assert steps("{{ (n > 1 ? 'x' : n) }}", n=2) == [("n", 2), ("n > 1", True), ("n > 1 ? 'x' : n", "x")]
    assert steps("{% for i in l %}{{ -i }}{% endfor %}", l=[1]) == [("l", [1]), ("i", 1), ("-i", -1)]
    assert steps("no template") == []


def test_the_failing_step_is_the_last() -> None:
    with pytest.raises(ExpressionError) as caught:
        trace(RENDERER, "{{ a ~ b }}", Scope(variables={"a": 1}))
    found = caught.value.steps
    assert [(step.text, step.value) for step in found[:1]] == [("a", 1)]
    assert found[1].text == "b"
    assert found[1].error is not None


def test_text_and_bound() -> None:
    template = "{% for i in 1..2000 %}{{ i }}{% endfor %}"
    found, text = trace(RENDERER, template, Scope())
    assert len(found) == MAX_STEPS
    assert text == RENDERER.render(template, Scope())
