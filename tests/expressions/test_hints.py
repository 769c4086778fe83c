"""Hints: the nearest name, and what to write instead of what is not in the language."""

import pytest

from simulator.dialect import V2
from simulator.expressions.analyze import problems
from simulator.expressions.hints import hint_for


def test_nearest_name() -> None:
    assert hint_for("outptus", ["inputs", "outputs"]) == "did you mean `outputs`?"
    assert hint_for("URI", ["uri"]) == "did you mean `uri`?"
    assert hint_for("zzz", ["b", "a"]) == "known here: `a`, `b`"
    assert hint_for("zzz", lambda: ["a"]) == "known here: `a`"
    assert hint_for("zzz", []) is None
    assert hint_for("zzz", [f"name{number}" for number in range(99)]) is None
    assert hint_for(None, ["a"]) is None


@pytest.mark.parametrize(
    ("template", "hint"),
    [
        ("{{ a && b }}", "the operator is `and`"),
        ("{{ a || b }}", "the operator is `or`"),
        ("{{ !a }}", "the operator is `not`"),
        ("{{ a in b }}", "membership is `list contains x` or `x isIn list`"),
        ("{{ a if b else c }}", "a choice is written `condition ? a : b`"),
        ("{% elif a %}", "the tag is `elseif`"),
        ("{% include 'x' %}", "Kestra removes the tag `include`"),
        ("{% sett a = 1 %}", "did you mean `set`?"),
        ("{% raw %}\n{% endraw %}", "a raw block begins and ends on one line; `verbatim` may span lines"),
        ("{{ }}", "an expression is missing before `}}`"),
        ("{{ [1][0] }}", "put a list or map literal in parentheses before `[`"),
        ("{{ a b }}", "`}}` was expected here"),
        ("{{ 'a' 'b' }}", "texts are joined with `~`; a quote inside is written with a backslash"),
    ],
)
def test_instead(template: str, hint: str) -> None:
    assert [problem.hint for problem in problems(template, V2)] == [hint]
