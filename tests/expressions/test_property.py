"""Property values: text first, conversion afterwards."""

import datetime as dt
from typing import Any

import pytest

from simulator.dialect import V1, V2
from simulator.errors import ExpressionError
from simulator.expressions.property import Property, render_property
from simulator.expressions.renderer import Renderer
from simulator.expressions.scope import Scope

R1, R2 = Renderer(V1), Renderer(V2)
SCOPE = Scope(variables={"n": "9", "t": "True", "d": "PT60S", "l": ["a", "b"], "m": {"k": 1}, "j": "[1, 2]"})


@pytest.mark.parametrize(
    ("raw", "kind", "expected"),
    [
        ("{{ n }}", "integer", 9),
        (9, "integer", 9),
        ("", "integer", None),
        ("{{ n }}.5", "number", 9.5),
        ("{{ t }}", "boolean", True),
        (False, "boolean", False),
        ("{{ d }}", "duration", dt.timedelta(minutes=1)),
        ("10", "duration", dt.timedelta(seconds=10)),
        ("INFO", "enum", "INFO"),
        ("2024-02-29", "date", dt.date(2024, 2, 29)),
        ("07:08:09", "time", dt.time(7, 8, 9)),
        ("2024-02-29T07:08:09", "datetime", dt.datetime(2024, 2, 29, 7, 8, 9)),
        (["{{ n }}", "x", 3], "list", ["9", "x", 3]),
        ("{{ l }}", "list", ["a", "b"]),
        ("{{ j }}", "list", [1, 2]),
        ('["{{ n }}"]', "list", ["9"]),
        ({"{{ n }}": "{{ t }}", "x": None}, "map", {"9": "True"}),
        ("{{ m }}", "map", {"k": 1}),
        (None, "list", []),
        (None, "map", {}),
        (None, "string", None),
        ({"a": 1}, "string", '{"a":1}'),
        ("{{ m }}", "any", '{"k":1}'),
    ],
)
@pytest.mark.parametrize("renderer", [R1, R2], ids=["1", "2"])
def test_values(renderer: Renderer, raw: Any, kind: str, expected: Any) -> None:
    value = render_property(renderer, raw, kind, SCOPE)
    assert value == expected
    assert type(value) is type(expected)


def test_items_are_converted() -> None:
    assert render_property(R2, ["{{ n }}"], "list", SCOPE, item="integer") == [9]
    assert render_property(R2, {"a": "{{ n }}"}, "map", SCOPE, value="integer") == {"a": 9}


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("x", "integer"),
        ("tRUE", "boolean"),
        ("P1M", "duration"),
        ("a,b", "list"),
        ("prefix {{ n }}", "list"),
        ("{{ n }},{{ n }}", "list"),
        ("{{ m }}", "list"),
        ("{{ l }}", "map"),
        ("2024-02-30", "date"),
    ],
)
def test_unfit(raw: str, kind: str) -> None:
    with pytest.raises(ExpressionError) as second:
        render_property(R2, raw, kind, SCOPE)
    assert second.value.java_type == "IllegalVariableEvaluationException"
    with pytest.raises(ExpressionError) as first:
        render_property(R1, raw, kind, SCOPE)
    expected = "IllegalVariableEvaluationException" if kind in ("list", "map") else "IllegalArgumentException"
    assert first.value.java_type == expected


def test_values_that_have_no_json_form() -> None:
    with pytest.raises(ExpressionError):
        render_property(R2, {None: 1}, "map", SCOPE)
    with pytest.raises(ExpressionError):
        render_property(R2, [object()], "string", SCOPE)


def test_whole_tags_are_expressions_in_2() -> None:
    template = "{% for x in l %}{% if loop.first %}[{% endif %}1{% if loop.last %}]{% else %},{% endif %}{% endfor %}"
    assert render_property(R2, template, "list", SCOPE) == [1, 1]
    with pytest.raises(ExpressionError):
        render_property(R1, template, "list", SCOPE)


def test_json_text_is_read_in_2_only() -> None:
    assert render_property(R2, '"PT1M"', "duration", SCOPE) == dt.timedelta(minutes=1)
    with pytest.raises(ExpressionError):
        render_property(R1, '"PT1M"', "duration", SCOPE)


def test_a_fraction_as_integer() -> None:
    # 2.0 reads the text as JSON when it does not convert, and Jackson cuts a JSON number to an integer.
    assert render_property(R2, "1.5", "integer", SCOPE) == 1
    with pytest.raises(ExpressionError):
        render_property(R1, "1.5", "integer", SCOPE)


def test_cache() -> None:
    one, two = Scope(variables={"n": 1}), Scope(variables={"n": 2})
    cell = Property("{{ n }}", "integer")
    assert [cell.value(R2, one), cell.value(R2, two), cell.skip_cache().value(R2, two)] == [1, 1, 2]
    free = Property("{{ n }}", "integer", caches=False)
    assert [free.value(R2, one), free.value(R2, two)] == [1, 2]
