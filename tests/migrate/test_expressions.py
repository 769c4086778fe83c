"""Templates: names, operators, dashes; in every way of writing a scalar."""

from __future__ import annotations

import pytest

from simulator.dialect import V1, V2
from simulator.migrate.precedence import parentheses, with_parentheses
from simulator.migrate.templates import parse, same_meaning
from tests.migrate.helpers import HEAD, after, hint, migrated, rules, task

LOG = "type: io.kestra.plugin.core.log.Log\n"

GROUPED = {
    "a ?? 'x' | upper": "(a ?? 'x') | upper",
    "a ?? 'x' ~ b": "(a ?? 'x') ~ b",
    "b ~ a ?? 'x'": "b ~ (a ?? 'x')",
    "n ?? 0 + 1": "(n ?? 0) + 1",
    "1 + n ?? 0": "1 + (n ?? 0)",
    "k == a ?? 'x'": "k == (a ?? 'x')",
    "a ?? 'x' == k": "a ?? 'x' == k",
    "a | f ?? 'x'": "a | f ?? 'x'",
    "a ?? b and c": "a ?? b and c",
    "a ?? b contains c": "a ?? b contains c",
    "a ??? b ~ c": "(a ??? b) ~ c",
    "x ~ a isIn b": "x ~ (a isIn b)",
    "(a ?? b) ~ c ?? d ?? e": "(a ?? b) ~ (c ?? d ?? e)",
    "a ?? b .. c ?? d": "(a ?? b) .. c ?? d",
    "not a ?? b ~ c": "(not a ?? b) ~ c",
    "f(a ?? b ~ c, g=d ?? 1 + 2)": "f((a ?? b) ~ c, g=(d ?? 1) + 2)",
    "[a ?? b ~ c][0]": "[a ?? b ~ c][0]",  # does not parse
    "a ?? b ~ c ? d ?? e | f : g": "(a ?? b) ~ c ? (d ?? e) | f : g",
    '"x#{a ?? b ~ c}" ~ d': '"x#{(a ?? b) ~ c}" ~ d',
    "x.y[a ?? 0 + 1]": "x.y[(a ?? 0) + 1]",
    "a ?? b | f | g ?? c": "(a ?? b) | f | g ?? c",
}


@pytest.mark.parametrize("expression", GROUPED)
@pytest.mark.parametrize("frame", ["{{ %s }}", "{{%s}}", "a {{- %s -}} b", "{%% if %s %%}x{%% endif %%}"])
def test_grouping_of_1_is_kept(expression: str, frame: str) -> None:
    text = frame % expression
    extents = parentheses(text)
    assert extents is not None
    result = with_parentheses(text, extents)
    assert result == frame % GROUPED[expression]
    old, new = parse(text, V1), parse(result, V2)
    assert (old is None and new is None) or (old is not None and new is not None and same_meaning(old, new))
    assert parentheses(result) == []


STYLES = {
    "plain": "message: a {{ n ?? 0 + 1 }} b",
    "double": 'message: "a {{ n ?? 0 + 1 }} b"',
    "double with escapes": r'message: "\t\"é\u00e9\" {{ n ?? 0 + 1 }} \\"',
    "single": "message: 'it''s {{ n ?? 0 + 1 }}'",
    "literal": "message: |\n  first\n\n    {{ n ?? 0 + 1 }}\n  last",
    "literal with a keep mark": "message: |2+\n    {{ n ?? 0 + 1 }}\n\n",
    "folded": "message: >-\n  first\n  second\n\n  {{ n ?? 0 + 1 }}\n    more\n  last",
    "folded plain": "message: first\n  {{ n ?? 0 + 1 }}\n  last",
    "folded double": 'message: "first\n\n  {{ n ?? 0 + 1 }}\\\n  last"',
    "over two lines": "message: >\n  {{ n ??\n  0 + 1 }}\n",
    "in a list": "message: [\"{{ n ?? 0 + 1 }}\", '{{ x }}']",
}


@pytest.mark.parametrize("style", STYLES)
def test_every_way_of_writing(style: str) -> None:
    body = task(LOG + STYLES[style])
    wanted = (
        body.replace("n ?? 0 + 1", "(n ?? 0) + 1")
        .replace("{{ n ??\n", "{{ (n ??\n")
        .replace("0 + 1 }}\n", "0) + 1 }}\n")
    )
    if style != "over two lines":
        wanted = body.replace("n ?? 0 + 1", "(n ?? 0) + 1")
    assert after(body) == wanted
    (finding,) = migrated(body).findings
    assert finding.rule.id == "EXP-06" and finding.rewritten
    line, column = finding.span.start.line, finding.span.start.column
    assert (HEAD + body).splitlines()[line - 1][column - 1 :].startswith("n ??")


def test_line_ends_and_byte_order_mark_stay() -> None:
    from simulator.migrate.engine import migrate

    text = "\ufeff" + (HEAD + task(LOG + "message: |\n  x\n  {{ json(a) }}\nlevel: INFO")).replace(
        "\n", "\r\n"
    )
    assert migrate(text).after == text.replace("json(a)", "fromJson(a)")


NAMES = {
    "{{ json(x) }}": "{{ fromJson(x) }}",
    "{{ json (x) }}": "{{ fromJson (x) }}",
    "{{ x | json }}": "{{ x | toJson }}",
    "{{ x|json|json }}": "{{ x|toJson|toJson }}",
    "{{ json(x | json).json | jq('json(.)') }}": "{{ fromJson(x | toJson).json | jq('json(.)') }}",
    "{% for i in json(x) %}{{ i | json }}{% endfor %}": "{% for i in fromJson(x) %}{{ i | toJson }}{% endfor %}",
    "{% filter upper | json %}x{% endfilter %}": "{% filter upper | toJson %}x{% endfilter %}",
    "{{ read('a', version=2) }}": "{{ read('a', revision=2) }}",
    "{{ 'a #{json(x)}' ~ 1 }}": "{{ 'a #{json(x)}' ~ 1 }}",
}


@pytest.mark.parametrize("template", NAMES)
def test_names(template: str) -> None:
    body = task(LOG + f'message: "{template}"')
    assert after(body) == body.replace(template, NAMES[template])


def test_interpolated_text() -> None:
    body = task(LOG + """message: '{{ "a #{json(x)}" }}'""")
    assert "#{fromJson(x)}" in after(body)


DASHED = """\
inputs:
  - id: my-file
    type: STRING
    defaults: x
  - id: my
    type: STRING
    defaults: y
tasks:
  - id: get-it
    type: io.kestra.plugin.core.debug.Return
    format: "%s"
"""


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ("{{ outputs.get-it.value }}", "{{ outputs['get-it'].value }}"),
        ("{{ outputs.get-it.value ~ 'x' }}", "{{ outputs['get-it'].value ~ 'x' }}"),
        ("{{ inputs.my-file }}", "{{ inputs.my-file }}"),  # `inputs.my` exists: it may be a subtraction
        ("{{ outputs.get-itx }}", "{{ outputs.get-itx }}"),
        ("{{ a.outputs.get-it }}", "{{ a.outputs.get-it }}"),
        ("{% raw %}{{ outputs.get-it }}{% endraw %}", "{% raw %}{{ outputs.get-it }}{% endraw %}"),
    ],
)
def test_dashes(before: str, wanted: str) -> None:
    assert after(DASHED % before) == DASHED % wanted


ION = """\
tasks:
  - id: query
    type: io.kestra.plugin.jdbc.postgresql.Query
    sql: SELECT 1
    fetchType: {fetch}
  - id: log
    type: io.kestra.plugin.core.log.Log
    message: "{{{{ {text} }}}}"
"""


def test_ion_read_as_text() -> None:
    plain = ION.format(fetch="STORE", text="read(outputs.query.uri)")
    assert "fromIon(read(...))" in hint(plain, "EXP-05")
    assert rules(ION.format(fetch="FETCH", text="read(outputs.query.uri)"), rewritten=False) == []
    assert rules(ION.format(fetch="STORE", text="fromIon(read(outputs.query.uri))"), rewritten=False) == []
    for name in ("json", "fromJson"):
        body = ION.format(fetch="STORE", text=f"{name}(read(outputs.query.uri)).a")
        assert after(body) == ION.format(fetch="STORE", text="fromIon(read(outputs.query.uri)).a")


def test_expressions_of_a_2_0_flow_are_left_alone() -> None:
    body = task(LOG + 'message: "{{ a ?? b | upper }}"') + (
        "triggers:\n  - id: t\n    type: io.kestra.plugin.core.trigger.Schedule\n    cron: '* * * * *'\n    when: 'true'\n"
    )
    assert after(body) == body
    assert "only 2.0 knows" in hint(body, "EXP-06")


def test_variables_with_expressions() -> None:
    body = 'variables:\n  a: "{{ now() }}"\n  b: x\n' + task(
        LOG + 'message: "{{ vars.a }} {{ vars.b }} {{ render(vars.a) }}"'
    )
    result = migrated(body)
    (finding,) = result.open
    assert finding.rule.id == "EXP-12" and finding.advisory and not result.to_do


def test_the_schedule_is_the_trigger() -> None:
    body = task(LOG + 'message: "{{ schedule.date }} {{ schedule }} {{ a.schedule.date }}"')
    assert after(body) == body.replace("{{ schedule.date", "{{ trigger.date")
    own = task(LOG + "message: \"{% set schedule = {'date': 1} %}{{ schedule.date }}\"")
    assert after(own) == own


BRANCH = """\
tasks:
  - id: my-if
    type: io.kestra.plugin.core.flow.If
    condition: "{{ true }}"
    then:
      - id: seq
        type: io.kestra.plugin.core.flow.Sequential
        tasks:
          - id: log
            type: io.kestra.plugin.core.log.Log
            message: "{{ %s }}"
"""


def test_outputs_of_parent() -> None:
    for path in ("parent.outputs", "parents[0].outputs"):
        body = BRANCH % f"{path}.evaluationResult"
        assert after(body) == BRANCH % "outputs['my-if'].evaluationResult"
    body = BRANCH % "parents[1].outputs.x"
    assert after(body) == body and rules(body, rewritten=False) == ["EXP-17"]
