"""The renderer as a whole: null, typed values, maps and lists, recursion, raw blocks, caching, error texts."""

import datetime as dt
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from simulator.dialect import V1, V2, Dialect
from simulator.errors import ExpressionError
from simulator.expressions.errors import EvaluationError
from simulator.expressions.java.values import Long
from simulator.expressions.renderer import Renderer
from simulator.expressions.scope import Limits, Scope

Render = Callable[..., str | None]


def test_plain_text_is_returned_at_once(dialect: Dialect) -> None:
    renderer = Renderer(dialect)
    text = "no template at all"
    assert renderer.render(text, Scope()) is text
    assert renderer.render(None, Scope()) is None
    assert renderer.render('{"a": {"b": 1}}', Scope()) == '{"a": {"b": 1}}'


def test_nothing_printed() -> None:
    for dialect, in_map in ((V1, ""), (V2, None)):
        renderer = Renderer(dialect)
        assert renderer.render("{{ null }}", Scope()) == ""
        assert renderer.render_deep({"a": "{{ null }}", "b": "{{ '' }}", "c": None}, Scope()) == {
            "a": in_map,
            "b": "",
            "c": None,
        }


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ x }}", [1]),
        ("{{ n }}", 5),
        ("{{ n }}{{ n }}", "55"),
        ("{{ n }} ", "5 "),
        ("{{ d }}", Decimal("1.50")),
        ("{{ null }}", None),
        ("{{ 1 }}", 1),
        ("{{ true }}", True),
        ("text", "text"),
    ],
)
def test_typed(dialect: Dialect, template: str, expected: Any) -> None:
    scope = Scope(variables={"x": [1], "n": 5, "d": Decimal("1.50")})
    value = Renderer(dialect).render_typed(template, scope)
    assert value == expected
    assert type(value) is type(expected)


def test_typed_classes_on_request() -> None:
    assert type(Renderer(V2).render_typed("{{ 1 }}", Scope(), keep_classes=True)) is Long
    assert type(Renderer(V2).render_typed("{{ [1] }}", Scope())[0]) is int


def test_typed_mixed_output() -> None:
    scope = Scope(variables={"x": [1]})
    with pytest.raises(
        EvaluationError, match="Cannot concat java.util.ArrayList with java.lang.String"
    ) as caught:
        Renderer(V1).render_typed("{{ x }} and {{ x }}", scope)
    assert caught.value.java_type == "IllegalArgumentException"
    assert Renderer(V2).render_typed("{{ x }} and {{ x }}", scope) == [1]
    assert Renderer(V2).render_typed("is {{ x }}", scope) == "is [1]"


def test_deep(dialect: Dialect) -> None:
    value = {"{{ k }}": ["{{ v }}", 1, {"n": ("{{ v }}",)}], "a": "first wins", 3: None, "s": {"{{ v }}"}}
    assert Renderer(dialect).render_deep(value, Scope(variables={"k": "a", "v": "b"})) == {
        "a": ["b", 1, {"n": ["b"]}],
        3: None,
        "s": {"b"},
    }


def test_data_is_not_rendered_again(render: Render) -> None:
    assert render("{{ x }}", x="{{ secret('A') }}") == "{{ secret('A') }}"
    assert render("{{ x }}", x="{% raw %}{{ y }}{% endraw %}") == "{{ y }}"


def test_recursive(dialect: Dialect) -> None:
    renderer = Renderer(dialect)
    scope = Scope(variables={"a": "{{ b }}", "b": "{{ c }}", "c": "end"}, recursive=True)
    assert renderer.render("{{ a }}", scope) == "end"
    assert renderer.render("{{ a }}", scope, recursive=False) == "{{ b }}"
    loop = Scope(variables={"a": "{{ b }}", "b": "{{ a }}"}, recursive=True)
    with pytest.raises(ExpressionError, match="Too many rendering attempts"):
        renderer.render("{{ a }}x", loop)


def test_raw(render: Render) -> None:
    assert render("{% raw %}{{ a }}{% endraw %}{{ x }}", x=1) == "{{ a }}1"
    assert render("{%- raw -%} {{ a }} {%- endraw -%}") == " {{ a }} "
    assert render("{{ '{% raw %}{{ a }}{% endraw %}' }}") == "{{ a }}"


def test_offset_behind_a_raw_block() -> None:
    template = "{% raw %}{{ a }}{% endraw %} {{ missing }}"
    with pytest.raises(EvaluationError) as caught:
        Renderer(V2).render(template, Scope())
    assert caught.value.offset == template.index("missing")
    assert caught.value.template == template


def test_java_errors_are_wrapped_in_2_only() -> None:
    with pytest.raises(EvaluationError) as first:
        Renderer(V1).render("{{ 1.5 is even }}", Scope())
    assert first.value.java_type == "ClassCastException"
    with pytest.raises(EvaluationError) as second:
        Renderer(V2).render("{{ 1.5 is even }}", Scope())
    assert second.value.java_type == "IllegalVariableEvaluationException"
    assert second.value.cause_type == "ClassCastException"
    assert second.value.message.startswith("java.lang.ClassCastException: ")


def test_line_in_the_message() -> None:
    with pytest.raises(EvaluationError, match=r"at line 3"):
        Renderer(V2).render("a\r\nb\n{{ x }}", Scope())


def test_parse_errors_carry_their_place() -> None:
    with pytest.raises(EvaluationError) as caught:
        Renderer(V2).render("a\n{{ 1 + }}", Scope())
    assert caught.value.offset == 9
    assert caught.value.message == (
        "io.pebbletemplates.pebble.error.ParserException: "
        'Unexpected token "PRINT_END" of value "}}" (a\n{{ 1 + }}:2)'
    )


def test_cache_is_bounded() -> None:
    renderer = Renderer(V2, cache_size=10)
    for number in range(100):
        assert renderer.render(f"{{{{ {number} }}}}", Scope()) == str(number)
    assert len(renderer._young) + len(renderer._old) <= 10
    hot = renderer.compiled("{{ 'hot' }}", Scope())
    for number in range(4):
        renderer.render(f"{{{{ {number}.5 }}}}", Scope())
        assert renderer.compiled("{{ 'hot' }}", Scope()) is hot


def test_templates_hold_nothing_of_a_run() -> None:
    renderer = Renderer(V2)
    template = "{% set n = (n ?? 0) + 1 %}{{ n }}"
    assert [renderer.render(template, Scope(variables={"x": i})) for i in range(3)] == ["1", "1", "1"]


def test_threads_share_a_renderer() -> None:
    renderer, wrong = Renderer(V2, cache_size=4), []

    def work(name: str) -> None:
        for number in range(200):
            if (
                renderer.render(f"{{{{ x }}}}{number % 9}", Scope(variables={"x": name}))
                != f"{name}{number % 9}"
            ):
                wrong.append(name)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_template_size_is_limited() -> None:
    with pytest.raises(ExpressionError, match="longer than the limit"):
        Renderer(V2).render("{{ 1 }}" * 10, Scope(limits=Limits(template_chars=20)))


def test_zone_of_printed_dates(render: Render) -> None:
    moment = dt.datetime(2024, 1, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    scope = Scope(variables={"x": [moment], "y": moment}, zone=dt.timezone(dt.timedelta(hours=-1)))
    assert (
        Renderer(V2).render("{{ x }} {{ y }}", scope)
        == '["2024-01-01T09:00:00-01:00"] 2024-01-01T12:00+02:00'
    )
    assert render("{{ x }}", x=[moment]) == '["2024-01-01T10:00:00Z"]'


def test_two_macros_of_one_name() -> None:
    with pytest.raises(EvaluationError) as caught:
        Renderer(V2).render("{% macro m() %}{% endmacro %}{% macro m() %}{% endmacro %}", Scope())
    assert caught.value.message == (
        "io.pebbletemplates.pebble.error.PebbleException: More than one macro can not share the same name: m (?:?)"
    )


def test_errors_of_nested_rendering() -> None:
    scope = Scope(variables={"x": "{{ missing }}"})
    with pytest.raises(EvaluationError) as caught:
        Renderer(V2).render("{{ render(x) }}", scope)
    assert caught.value.message == (
        "io.pebbletemplates.pebble.error.PebbleException: Unable to find `missing` used in the expression"
        " `{{ missing }}` at line 1 (?:?)"
    )
    assert caught.value.template == "{{ render(x) }}"


def test_nesting_of_render() -> None:
    scope = Scope(variables={"x": "{{ render(x, recursive=false) }}"})
    with pytest.raises(EvaluationError, match=r"Maximum render\(\) nesting depth \(16\) exceeded at line 1"):
        Renderer(V2).render("{{ render(x, recursive=false) }}", scope)
    with pytest.raises(EvaluationError, match="StackOverflowError"):
        Renderer(V1).render("{{ render(x, recursive=false) }}", scope)


def test_render_sees_the_variables_of_the_template(render: Render) -> None:
    assert render("{% set y = 2 %}{{ render('{{ x }}{{ y }}') }}", x=1) == "12"


def test_masked_functions() -> None:
    class Secrets:
        def find(self, key: str, namespace: str | None) -> str:
            return "clear"

    scope = Scope(
        variables={"flow": {"namespace": "a"}}, secrets=Secrets(), masked_functions=frozenset(("secret",))
    )
    assert Renderer(V2).render("{{ secret('A') }}{{ render('{{ secret(\"A\") }}') }}", scope) == "*" * 12


def test_filters_and_functions_load_when_used() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from simulator.expressions.renderer import Renderer; from simulator.dialect import V2;"
        "from simulator.expressions.scope import Scope;"
        "assert Renderer(V2).render('{{ a.b ~ 1 }}', Scope(variables={'a': {'b': 2}})) == '21';"
        "assert not [m for m in sys.modules if m.startswith(('simulator.expressions.filters',"
        " 'simulator.expressions.functions', 'jinja2'))]"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_python_cannot_do_is_an_expression_error(dialect: Dialect) -> None:
    deep: list[Any] = []
    # Libraries raise the limit for the whole process: go beyond whatever it is now.
    for _ in range(sys.getrecursionlimit() + 2000):
        deep = [deep]
    renderer, scope = Renderer(dialect), Scope(variables={"x": deep, "n": 10**5000})
    for call, template in (
        (renderer.render, "{{ x }}"),
        (renderer.render_typed, "{{ x }}"),
        (renderer.render, "{{ x == x.get(0) ~ 1 }}"),
        (renderer.render, "{{ n }}"),
        (renderer.render, "{{ [n] }}"),
    ):
        with pytest.raises(ExpressionError):
            call(template, scope)
    with pytest.raises(ExpressionError):
        renderer.render_deep(deep, scope)
