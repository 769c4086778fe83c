"""Traps 14 to 16: templates that want out, data that wants to be a template, templates that eat the machine.

A template reaches what the registries and the table of members list, and nothing of Python or Java besides. A fuzzer
looks for any exception outside our own tree and for anything that hangs.
"""

from __future__ import annotations

import ast
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import simulator.expressions as room
from simulator.dialect import V1, V2, Dialect
from simulator.errors import ExpressionError, InternalError, SimulatorError
from simulator.expressions.analyze import problems
from simulator.expressions.java.values import Array, Character, Float, Long
from simulator.expressions.renderer import Renderer
from simulator.expressions.scope import Limits, Scope

RENDERERS = {V1: Renderer(V1), V2: Renderer(V2)}
BOTH = pytest.mark.parametrize("dialect", [V1, V2], ids=["1", "2"])
SMALL = Limits(output_chars=100_000, loop_steps=10_000, regex_seconds=0.2, depth=30)
SECRET = "a-sentinel-secret-value"


class _Secrets:
    def find(self, key: str, namespace: str | None) -> str:
        return SECRET


def scope(**variables: Any) -> Scope:
    return Scope(
        variables={
            "flow": {"namespace": "a"},
            "s": "text",
            "l": [1, "a"],
            "m": {"k": "v"},
            "n": 1,
            **variables,
        },
        secrets=_Secrets(),
        limits=SMALL,
    )


# --- trap 14: data stays data


@BOTH
@pytest.mark.parametrize(
    "form", ["{{ secret('X') }}", "{% for i in 1..9 %}{{ secret('X') }}{% endfor %}", "#{secret('X')}"]
)
def test_data_that_looks_like_a_template_stays_text(dialect: Dialect, form: str) -> None:
    renderer = RENDERERS[dialect]
    for template in ("{{ x }}", "{{ x ~ '' }}", '{{ "#{x}" }}', "{{ ([x])[0] }}"):
        assert renderer.render(template, scope(x=form)) == form
    assert renderer.render_deep({"a": "{{ x }}"}, scope(x=form)) == {"a": form}
    assert renderer.render_typed("{{ x }}", scope(x=form)) == form


# --- trap 15: no way out

DUNDERS = [
    "__class__",
    "__init__",
    "__globals__",
    "__builtins__",
    "__mro__",
    "__subclasses__",
    "__dict__",
    "__getattribute__",
    "__reduce__",
    "gi_frame",
    "func_globals",
    "f_back",
    "mro",
    "format_map",
]
SUBJECTS = [
    "s",
    "l",
    "m",
    "n",
    "(1..2)",
    "'x'",
    "1.5",
    "true",
    "(m.entrySet())",
    "loop",
    "locale",
    "template",
    "date",
]


@BOTH
@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("name", DUNDERS)
def test_no_python_attribute(dialect: Dialect, subject: str, name: str) -> None:
    for template in (
        f"{{{{ {subject}.{name} }}}}",
        f"{{{{ {subject}['{name}'] }}}}",
        f"{{{{ {subject}.{name}() }}}}",
    ):
        with pytest.raises(ExpressionError):
            RENDERERS[dialect].render(template, scope(date=__import__("datetime").date(2024, 1, 1)))


@BOTH
@pytest.mark.parametrize(
    "attack",
    [
        "{{ ''.getClass().forName('java.lang.Runtime').getRuntime().exec('id') }}",
        "{{ ''.class.forName('java.lang.Runtime') }}",
        "{{ s.getClass() }}",
        "{{ m.getClass().getClassLoader() }}",
        "{{ (1).TYPE.forName('java.lang.Runtime') }}",
        "{{ n.wait() }}{{ n.notify() }}{{ n.notifyAll() }}",
        "{{ _context.variables }}",
        "{{ _context }}",
        "{{ self }}",
        "{{ request }}",
        "{{ lipsum.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ joiner() }}",
        "{{ namespace() }}",
        "{{ config.items() }}",
        "{{ ''|attr('__class__') }}",
        "{{ [].append(1) }}",
        "{{ l.append(1) }}",
        "{{ l.clear() }}",
        "{{ m.pop('k') }}",
        "{{ m.put('a', 1) }}",
        "{{ s.format(s) }}",
        "{{ s.encode() }}",
        "{{ s.__add__('x') }}",
        "{{ eval('1') }}",
        "{{ open('/etc/passwd') }}",
        "{{ exec('id') }}",
        "{{ getattr(s, 'x') }}",
        "{{ i18n('sun/launcher/resources/launcher', 'x') }}",
        "{% include '/etc/passwd' %}",
        "{% import '/etc/passwd' %}",
        "{% from '/etc/passwd' import x %}",
        "{% extends '/etc/passwd' %}",
        "{% embed '/etc/passwd' %}{% endembed %}",
        "{% cache 'x' %}{% endcache %}",
        "{% parallel %}{% endparallel %}",
        "{% flush %}",
        "{% autoescape 'html' %}{% endautoescape %}",
        "{% do l.append(1) %}",
        "{% call m() %}{% endcall %}",
        "{% with a = 1 %}{% endwith %}",
        "{{ s | escape }}",
        "{{ s | raw }}",
        "{{ s | safe }}",
        "{{ s | attr('x') }}",
        "{{ s is callable }}",
    ],
)  # fmt: skip
def test_attacks_are_refused(dialect: Dialect, attack: str) -> None:
    subject = scope()
    with pytest.raises(ExpressionError) as caught:
        RENDERERS[dialect].render(attack, subject)
    assert "Traceback" not in caught.value.message
    assert subject.variables["l"] == [1, "a"]
    assert subject.variables["m"] == {"k": "v"}


def test_no_dynamic_python_in_the_room() -> None:
    """No module of the room compiles or evaluates Python, or reads attributes by a name that came from outside."""
    for path in Path(room.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec", "compile", "__import__", "setattr", "vars"), path
                # dateformat reads fields of dates by the names in its own table of pattern letters.
                if node.func.id == "getattr" and path.name != "dateformat.py":
                    assert isinstance(node.args[1], ast.Constant), f"{path}: getattr with a computed name"


# --- trap 16: no way to eat the machine


@BOTH
@pytest.mark.parametrize(
    "attack",
    [
        "{{ 1..9000000000000000000 }}",
        "{{ -9000000000000000000..9000000000000000000 }}",
        "{{ range(0, 9000000000000000000) }}",
        "{% for i in 1..100000 %}{% for j in 1..100000 %}{% endfor %}{% endfor %}",
        "{% set s = 'aaaaaaaaaa' %}{% for i in 1..100 %}{% set s = s ~ s %}{% endfor %}",
        "{% set s = 'aaaaaaaaaa' %}{% for i in 1..100 %}{% set s = s + s %}{% endfor %}",
        "{% set s = [1, 2] %}{% for i in 1..100 %}{% set s = s + s %}{% endfor %}",
        "{% for i in 1..9999 %}{{ m }}{{ m }}{{ 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' }}{% endfor %}",
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% block a %}{{ block('a') }}{% endblock %}",
        "{{ render(x) }}",
        "{{ s.repeat(big) }}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ " + "[" * 5000 + "]" * 5000 + " }}",
        "{{ " + "{'a':" * 5000 + "1" + "}" * 5000 + " }}",
        "{{ " + "not " * 5000 + "1 }}",
        "{{ " + "true ? " * 5000 + "1 }}",
        "{% if true %}" * 5000,
        '{{ "#{' * 2000,
        "{{ " + " ~ ".join(["s"] * 20000) + " }}",
        "{{ s" + ".x" * 20000 + " }}",
        "{{ s" + " | upper" * 20000 + " }}",
    ],
)  # fmt: skip
def test_attacks_end_early(dialect: Dialect, attack: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ExpressionError):
        RENDERERS[dialect].render(attack, scope(x="{{ render(x) }}", big=2**30))
    assert time.perf_counter() - began < 5


@BOTH
def test_render_bomb_with_recursion(dialect: Dialect) -> None:
    bomb = scope(a="{{ a }}{{ a }}x")
    bomb.recursive = True
    with pytest.raises(ExpressionError):
        RENDERERS[dialect].render("{{ a }}", bomb)


# --- the fuzzer

_ATOMS = [
    "a", "b.c", "l", "m", "n", "s", "x[0]", "'t'", '"q"', "1", "2.5", "3L", "null", "true", "[]", "[1, 'a']", "{}",
    "{'k': 1}", "missing", "loop.index", "1..3", '"#{n}"', "max(1, n)", "now()", "m.k", "l[0]", "''", "-1", "f", "c",
    "'yyyy-MM-dd'", "'DAYS'", "'UTC'", "'2024-02-29'", "'#,##0.00'", "'a(b)?'", "'.x[]'", "'INT'", "'{\"a\": 1}'", "'%s %d'",
    "arr", "2147483648", "d", "kv('x')", "secret('x')", "uuid()", "range(1, 3)", "fromJson('[1]')", "render('{{ n }}')",
]  # fmt: skip
_BINARY = ["+", "-", "*", "/", "%", "==", "!=", "<", ">", "<=", ">=", "~", "..", "and", "or", "contains", "isIn", "??", "???", "equals"]  # fmt: skip
_TESTS = ["defined", "null", "empty", "even", "odd", "iterable", "map", "json", "nope"]
_NAMES = sorted({*RENDERERS[V1].filters, *RENDERERS[V2].filters}) or ["nope"]
_CALLS = sorted({*RENDERERS[V1].functions, *RENDERERS[V2].functions} - {"http", "errorLogs"}) or ["nope"]


_PARAMETERS = {
    name: definition.params
    for renderer in RENDERERS.values()
    for table in (renderer.filters, renderer.functions)
    for name, definition in table.items()
    if definition.params
}


def _named(inner: st.SearchStrategy[str], names: list[str]) -> st.SearchStrategy[tuple[str, str]]:
    """A name and arguments that it takes, by name."""

    def arguments(name: str) -> st.SearchStrategy[tuple[str, str]]:
        parameters = _PARAMETERS.get(name, ())
        chosen = st.fixed_dictionaries({}, optional=dict.fromkeys(parameters, inner))
        return chosen.map(lambda given: (name, ", ".join(f"{key}={value}" for key, value in given.items())))

    return st.sampled_from(names).flatmap(arguments)


def _extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arguments = st.lists(inner, max_size=3).map(", ".join)
    return st.one_of(
        st.tuples(inner, st.sampled_from(_BINARY), inner).map(lambda t: f"{t[0]} {t[1]} {t[2]}"),
        inner.map(lambda one: f"({one})"),
        inner.map(lambda one: f"not {one}"),
        inner.map(lambda one: f"-{one}"),
        st.tuples(inner, st.sampled_from(_TESTS)).map(lambda t: f"{t[0]} is {t[1]}"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} ? {t[1]} : {t[2]})"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]})[{t[1]}]"),
        st.tuples(inner, st.sampled_from(_NAMES), arguments).map(lambda t: f"{t[0]} | {t[1]}({t[2]})"),
        st.tuples(st.sampled_from(_CALLS), arguments).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(inner, st.sampled_from(["size", "length", "getKey", "substring", "split", "get", "repeat", "intValue"]), arguments).map(lambda t: f"({t[0]}).{t[1]}({t[2]})"),
        st.tuples(inner, _named(inner, _NAMES)).map(lambda t: f"{t[0]} | {t[1][0]}({t[1][1]})"),
        _named(inner, _CALLS).map(lambda t: f"{t[0]}({t[1]})"),
        arguments.map(lambda one: f"[{one}]"),
        st.tuples(inner, inner).map(lambda t: f"{{{t[0]}: {t[1]}}}"),
    )  # fmt: skip


expressions = st.recursive(st.sampled_from(_ATOMS), _extend, max_leaves=8)
statements = st.one_of(
    expressions.map(lambda one: f"{{{{ {one} }}}}"),
    st.tuples(expressions, expressions).map(lambda t: f"{{% if {t[0]} %}}x{{% else %}}{{{{ {t[1]} }}}}{{% endif %}}"),
    st.tuples(expressions, expressions).map(lambda t: f"{{% for a in {t[0]} %}}{{{{ {t[1]} }}}}{{% endfor %}}"),
    st.tuples(expressions, expressions).map(lambda t: f"{{% set a = {t[0]} %}}{{{{ {t[1]} }}}}"),
    st.tuples(expressions, expressions).map(lambda t: f"{{% macro g(a, b={t[0]}) %}}{{{{ {t[1]} }}}}{{% endmacro %}}{{{{ g(1) }}}}"),
    st.tuples(st.sampled_from(_NAMES), expressions).map(lambda t: f"{{% filter {t[0]} %}}{{{{ {t[1]} }}}}{{% endfilter %}}"),
)  # fmt: skip
noise = st.lists(
    st.sampled_from(list("{}%#-|~.?:=()[]'\"\\ \n\t,ab1L") + ["{{", "}}", "{%", "%}", "if ", "for ", "is not", "set ", "raw", "é", "\U0001f600", "\x00"]),
    max_size=40,
).map("".join)  # fmt: skip


def _variables() -> dict[str, Any]:
    import datetime as dt
    from decimal import Decimal

    return {
        "a": "text",
        "b": {"c": None, "d": [1, 2]},
        "x": [None, 1],
        "f": Float("1.5"),
        "c": Character("z"),
        "arr": Array(["p", "q"], "String"),
        "d": dt.datetime(2024, 2, 29, 1, 2, 3, tzinfo=dt.UTC),
        "e": Decimal("1.5"),
        "g": Long(7),
        "l": [3, 1, 2],
    }


def _try(template: str, dialect: Dialect) -> None:
    renderer = RENDERERS[dialect]
    began = time.perf_counter()
    problems(template, dialect)
    for call in (renderer.render, renderer.render_typed):
        try:
            call(template, scope(**_variables()))
        except InternalError:
            raise
        except SimulatorError as error:
            assert isinstance(error.message, str)
    assert time.perf_counter() - began < 60, "it hangs"


# The same examples each time in the suite; FUZZ_EXAMPLES=20000 looks at that many new ones.
_EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
_SETTINGS = settings(
    max_examples=_EXAMPLES or 150,
    derandomize=not _EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@_SETTINGS
@given(statements, st.sampled_from([V1, V2]))
def test_fuzz_templates(template: str, dialect: Dialect) -> None:
    _try(template, dialect)


@_SETTINGS
@given(noise, st.sampled_from([V1, V2]))
def test_fuzz_noise(template: str, dialect: Dialect) -> None:
    _try(template, dialect)


@_SETTINGS
@given(st.lists(st.one_of(statements, noise), max_size=4).map("".join), st.sampled_from([V1, V2]))
def test_fuzz_mixtures(template: str, dialect: Dialect) -> None:
    _try(template, dialect)
