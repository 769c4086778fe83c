from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.diagnostics import Diagnostic, Severity
from simulator.dialect import V1, V2, Dialect
from simulator.model.check import Surroundings, check_text
from simulator.model.check.codes import CODES
from simulator.model.dialects import choose
from simulator.model.flow import FlowId
from simulator.plugins.registry import Registry
from simulator.source.text import SourceText
from tests.model.fake import FakeCatalog

CATALOG = FakeCatalog()
_CORE = "io.kestra.plugin.core."
HEAD = """\
id: demo
namespace: team
inputs:
  - {id: day, type: DATE, defaults: "2026-01-01"}
  - {id: db.user, type: STRING, defaults: x}
variables: {bucket: b}
tasks:
"""


def log(name: str, message: str) -> str:
    return f'  - {{id: {name}, type: {_CORE}log.Log, message: "{message}"}}\n'


QUERY = "  - {id: query, type: io.kestra.plugin.test.Query, url: x}\n"


def found(tasks: str, dialect: Dialect = V2, **around: object) -> list[Diagnostic]:
    text = tasks if tasks.startswith("id:") else HEAD + tasks
    surroundings = Surroundings(**around)  # type: ignore[arg-type]
    return list(
        check_text(text, "f.yml", catalog=CATALOG, dialect=dialect, surroundings=surroundings).diagnostics
    )


def loop(kind: str, inner: str) -> str:
    indented = "\n".join("      " + line.strip() for line in inner.strip().splitlines())
    return f"  - id: loop\n    type: {_CORE}flow.{kind}\n    values: [a, b]\n    tasks:\n{indented}\n"


FINE = {
    "inputs": log("a", "{{ inputs.day }} {{ inputs.db.user }} {{ inputs.nope ?? 'x' }} {{ inputs.nope | default('x') }}"),
    "variables": log("a", "{{ vars.bucket }} {{ flow.id }} {{ execution.startDate }} {{ taskrun.id }} {{ trigger.date }}"),
    "outputs": QUERY + log("a", "{{ outputs.query.uri }} {{ outputs['query']['size'] }}"),
    "local": log("a", "{% set x = 1 %}{{ x }}{% for y in [1] %}{{ y }}{{ loop.index }}{% endfor %}"),
    "loop": loop("Loop", log("a", "{{ item.value }} {{ outputs.b.value }}").replace("outputs.b.value", "item.index")),
    "unknown": "  - {id: u, type: io.kestra.plugin.other.Thing, text: '{{ row.x }}'}\n" + log("a", "{{ outputs.u.anything }}"),
    "errors": QUERY + "errors:\n" + log("e", "{{ outputs.query.uri }}"),
    "raw": log("a", "{% raw %}{{ not ours }}{% endraw %}"),
}  # fmt: skip


@pytest.mark.parametrize("tasks", FINE.values(), ids=FINE)
def test_no_false_alarm(tasks: str) -> None:
    assert [str(item) for item in found(tasks) if item.severity > Severity.NOTICE] == []


WRONG: dict[str, tuple[str, Dialect, str, str]] = {
    # name: (tasks, dialect, code, the text that the finding points at)
    "parse": (log("a", "{{ inputs.day | }}"), V2, "SIM-EXPR-001", "}}"),
    "filter": (log("a", "{{ inputs.day | uper }}"), V2, "SIM-EXPR-002", "uper"),
    "function": (log("a", "{{ nou() }}"), V2, "SIM-EXPR-002", "nou"),
    "input": (log("a", "{{ inputs.dai }}"), V2, "SIM-REF-001", "dai"),
    "variable": (log("a", "{{ vars.bukket }}"), V2, "SIM-REF-003", "bukket"),
    "task": (QUERY + log("a", "{{ outputs.qery.uri }}"), V2, "SIM-REF-004", "qery"),
    "output": (QUERY + log("a", "{{ outputs.query.url }}"), V2, "SIM-REF-005", "url"),
    "old output": (QUERY + log("a", "{{ outputs.query.rows }}"), V2, "SIM-REF-005", "rows"),
    "later": (log("a", "{{ outputs.query.uri }}") + QUERY, V2, "SIM-REF-011", "query"),
    "itself": (log("a", "{{ outputs.a.x }}"), V2, "SIM-REF-011", "a.x"),
    "root": (log("a", "{{ bucket }}"), V2, "SIM-REF-009", "bucket"),
    "item": (log("a", "{{ item.value }}"), V2, "SIM-REF-008", "item"),
    "out of loop": (loop("Loop", QUERY) + log("a", "{{ outputs.query.uri }}"), V2, "SIM-REF-006", "query"),
    "value": (log("a", "{{ taskrun.value }}"), V1, "SIM-REF-007", "value"),
    "value in 2.0": (loop("Loop", log("a", "{{ taskrun.value }}")), V2, "SIM-REF-007", "value"),
}  # fmt: skip


@pytest.mark.parametrize(("tasks", "dialect", "code", "word"), WRONG.values(), ids=WRONG)
def test_what_fails_for_sure(tasks: str, dialect: Dialect, code: str, word: str) -> None:
    items = [item for item in found(tasks, dialect) if item.severity > Severity.NOTICE]
    assert code in [item.code for item in items]
    item = next(item for item in items if item.code == code)
    assert item.span is not None
    source = SourceText("f.yml", HEAD + tasks)
    assert source.text[source.index(item.span.start) :].startswith(word)
    assert item.severity is Severity.ERROR


def warnings(tasks: str, dialect: Dialect = V2, **around: object) -> list[tuple[str, str]]:
    return [
        (item.code, item.message)
        for item in found(tasks, dialect, **around)
        if item.severity is Severity.WARNING
    ]


def test_parallel_tasks_have_no_order() -> None:
    tasks = (
        f"  - id: p\n    type: {_CORE}flow.Parallel\n    tasks:\n    "
        + QUERY.strip().replace("- ", "- ", 1)
        + "\n  "
        + log("a", "{{ outputs.query.uri }}")
    )
    assert [code for code, _ in warnings(tasks)] == ["SIM-REF-012"]


BRANCHES = f"""\
  - id: choose
    type: {_CORE}flow.If
    condition: "{{{{ inputs.day }}}}"
    then:
      - {{id: query, type: io.kestra.plugin.test.Query, url: x}}
      - {{id: inside, type: {_CORE}log.Log, message: "{{{{ outputs.query.uri }}}}"}}
"""


def test_outputs_of_a_branch_are_not_always_there() -> None:
    outside = BRANCHES + log("a", "{{ outputs.query.uri }}")
    assert [code for code, _ in warnings(outside)] == ["SIM-REF-014"]
    output = BRANCHES + "outputs:\n  - {id: o, type: STRING, value: '{{ outputs.query.uri }}'}\n"
    assert [code for code, _ in warnings(output)] == ["SIM-REF-014"]
    assert warnings(BRANCHES + log("a", "{{ outputs.query.uri ?? '' }}")) == []


def test_count_sees_its_own_variable() -> None:
    tasks = f"  - {{id: c, type: {_CORE}execution.Count, startDate: 2026-01-01T00:00:00Z, expression: '{{{{ count >= 1 }}}}', flows: [{{namespace: team, flowId: x}}]}}\n"
    text = HEAD + tasks
    checked = check_text(text, "f.yml", catalog=Registry(), dialect=V1, surroundings=Surroundings())
    assert [str(item) for item in checked.diagnostics if item.severity > Severity.NOTICE] == []


def test_dag_order() -> None:
    tasks = f"""\
  - id: dag
    type: {_CORE}flow.Dag
    tasks:
      - task: {{id: one, type: io.kestra.plugin.test.Query, url: x}}
      - task: {{id: two, type: {_CORE}log.Log, message: "{{{{ outputs.one.uri }}}}"}}
        dependsOn: [one]
      - task: {{id: three, type: {_CORE}log.Log, message: "{{{{ outputs.one.uri }}}}"}}
"""
    items = [item for item in found(tasks) if item.severity > Severity.NOTICE]
    assert [(item.code, item.span and item.span.start.line) for item in items] == [("SIM-REF-012", 14)]


def test_value_below_a_nested_flowable() -> None:
    nested = f"  - id: n\n    type: {_CORE}flow.Sequential\n    tasks: [{{id: a, type: {_CORE}log.Log, message: '{{{{ taskrun.value }}}}'}}]\n"
    indented = "".join("    " + line + "\n" for line in nested.splitlines())
    tasks = f"  - id: loop\n    type: {_CORE}flow.ForEach\n    values: [a]\n    tasks:\n{indented}"
    item = next(item for item in found(tasks, V1) if item.code == "SIM-REF-007")
    assert "parent.taskrun.value" in (item.hint or "")


def test_secrets() -> None:
    tasks = "  - {id: q, type: io.kestra.plugin.test.Query, url: x, password: \"{{ secret('PG_PASS') }}\"}\n"
    assert warnings(tasks) == []
    assert warnings(tasks, secrets=frozenset({"PG_PASS"})) == []
    item = next(
        item for item in found(tasks, secrets=frozenset({"PG_PASSWORD"})) if item.code == "SIM-SECRET-030"
    )
    assert (item.message, item.hint) == (
        "Cannot find secret for key 'PG_PASS'.",
        "Did you mean `PG_PASSWORD`?",
    )
    assert [code for code, _ in warnings(tasks.replace("{{ secret('PG_PASS') }}", "hunter2"))] == [
        "SIM-SECRET-031"
    ]
    unknown = "  - {id: q, type: io.kestra.plugin.x.Y, apiKey: abc, tokenUrl: x, env: {DB_PASSWORD: y}}\n"
    assert [message for _, message in warnings(unknown)] == [
        "`apiKey` holds a value in clear",
        "`DB_PASSWORD` holds a value in clear",
    ]
    assert not any(
        "hunter2" in str(item) for item in found(tasks.replace("{{ secret('PG_PASS') }}", "hunter2"))
    )


def test_namespace_files() -> None:
    tasks = log("a", "{{ read('a.sql') }} {{ read('b.sql') }}")
    assert warnings(tasks, namespace_file=lambda namespace, path: path == "a.sql") == [
        ("SIM-FILE-001", "The namespace `team` has no file `b.sql`")
    ]


def test_subflows() -> None:
    child = choose(
        f"id: child\nnamespace: team\ninputs: [{{id: n, type: INT}}]\ntasks:\n{log('x', 'y')}",
        "c.yml",
        CATALOG,
    ).flow
    assert child is not None
    sub = f"  - {{id: s, type: {_CORE}flow.Subflow, namespace: team, flowId: NAME, inputs: GIVEN}}\n"
    flows = {FlowId("team", "child"): child}
    assert (
        warnings(sub.replace("NAME", "child").replace("GIVEN", "{n: 1}"), flows=flows, unknown_flows=True)
        == []
    )
    assert warnings(sub.replace("NAME", "child").replace("GIVEN", "{m: 1}"), flows=flows) == [
        ("SIM-REF-023", "The subflow needs the input `n`, which is not given"),
        ("SIM-REF-022", "The subflow has no input `m`"),
    ]
    assert warnings(sub.replace("NAME", "chilt").replace("GIVEN", "{}"), flows=flows, unknown_flows=True) == [
        ("SIM-REF-020", "The subflow 'chilt' not found in namespace 'team'.")
    ]


def test_dead_branches() -> None:
    dead = f"  - {{id: i, type: {_CORE}flow.If, condition: 'false', then: [{{id: t, type: {_CORE}log.Log, message: x}}]}}\n"
    assert [code for code, _ in warnings(dead)] == ["SIM-DEAD-001"]
    assert [
        code for code, _ in warnings(log("a", "x").replace("message", 'runIf: "{{ false }}", message'))
    ] == ["SIM-DEAD-001"]


def test_ion_under_csv() -> None:
    tasks = """\
  - {id: fetch, type: io.kestra.plugin.jdbc.postgresql.Query, url: x, sql: select 1, fetchType: STORE}
  - {id: up, type: io.kestra.plugin.aws.s3.Upload, from: "{{ outputs.fetch.uri }}", bucket: b, key: data/users.csv}
"""
    item = next(item for item in found(tasks) if item.code == "SIM-DATA-001")
    assert item.message == "`users.csv` will hold Ion, not CSV: `fetch` stores its rows as Ion"
    assert "io.kestra.plugin.serdes.csv.IonToCsv" in (item.hint or "")
    assert not [one for one in found(tasks.replace("users.csv", "users.ion")) if one.code == "SIM-DATA-001"]


def test_defaults_of_inputs() -> None:
    text = HEAD.replace("defaults: x}", 'defaults: "{{ inputs.day }}"}') + log("a", "x")
    assert [code for code, _ in warnings(text)] == ["SIM-REF-002"]


def test_ignore_comments() -> None:
    bad = log("a", "{{ inputs.dai }}")
    assert found(bad.rstrip("\n") + "  # simulate: ignore SIM-REF-001\n") == []
    assert found("  # simulate: ignore SIM-REF\n" + bad) == []
    assert found("  # simulate: ignore SIM-EXPR\n" + bad) != []
    whole = "# simulate: ignore SIM-REF-001\n" + HEAD + bad
    assert list(check_text(whole, "f", catalog=CATALOG).diagnostics) == []


def test_all_findings_at_once_and_sorted() -> None:
    items = found(
        "id: demo\nnamespace: Team\nfoo: 1\ntasks:\n" + log("a", "{{ inputs.x }}") + log("a", "{{ vars.y }}")
    )
    assert [item.code for item in items] == [
        "SIM-FLOW-022",
        "SIM-FLOW-011",
        "SIM-REF-001",
        "SIM-FLOW-031",
        "SIM-REF-003",
    ]


def test_every_code_is_explained() -> None:
    for code, known in CODES.items():
        assert code.startswith("SIM-") and known.title and known.text.endswith((".", ")", "`", "`."))


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=80) | st.text(alphabet="{}%|'\"inputs. outputsvar()[]:-\n ", max_size=60))
def test_any_expression_gives_findings(text: str) -> None:
    import json

    check_text(
        HEAD + f"  - {{id: a, type: {_CORE}log.Log, message: {json.dumps(text)}}}\n", "f", catalog=CATALOG
    )


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_any_text_gives_findings(text: str) -> None:
    check_text(text, "f", catalog=CATALOG)
