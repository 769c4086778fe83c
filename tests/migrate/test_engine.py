"""Migrations as a whole: places, idempotence, untouched files, anything as input."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.diagnostics import Severity
from simulator.dialect import V1, V2, Dialect
from simulator.errors import InvalidFlowError
from simulator.migrate.engine import migrate
from simulator.migrate.rules import RULES, Kind
from simulator.model.check import check_text
from simulator.plugins.registry import Registry
from simulator.source.yaml import read_yaml
from tests.migrate import test_conditions, test_defaults, test_loops, test_steps
from tests.migrate.helpers import HEAD, task

SHARED = Path(__file__).parents[3] / "shared"

EVERY = [
    *(HEAD + task(case[1]) for case in test_steps.TASK_CASES.values()),
    *(HEAD + task(case[0]) for case in test_steps.OPEN_CASES.values()),
    *(HEAD + test_conditions.SCHEDULE + test_conditions.conditions(*items) for items in test_conditions.WHEN),
    *(HEAD + test_conditions.FLOW + test_conditions.conditions(*items) for items in test_conditions.DEPENDS),
    HEAD + test_loops.NESTED,
    HEAD + test_loops.loop("taskrun.value", "outputs.ret[parent.taskrun.value].value"),
    HEAD + test_loops.ITEM % "x",
    HEAD + test_loops.ITEM % "{{ outputs.each_merge.subflowOutputs }}",
    HEAD + test_defaults.defaults(f"  - type: {test_defaults.LOG}\n    values: {{level: ERROR}}\n"),
]


def test_codes_are_unique_and_stable() -> None:
    codes = [rule.code for rule in RULES.values()]
    assert len(set(codes)) == len(codes)
    assert RULES["EXP-06"].code == "SIM-MIG-706" and RULES["FLOW-01"].code == "SIM-MIG-001"
    for rule in RULES.values():
        assert rule.what and rule.advice and rule.kind.severity in Severity


@pytest.mark.parametrize("text", EVERY)
@pytest.mark.parametrize("stay_v1", [False, True])
def test_once_is_enough(text: str, stay_v1: bool) -> None:
    first = migrate(text, stay_v1=stay_v1)
    second = migrate(first.after, stay_v1=stay_v1)
    assert second.after == first.after
    assert not any(finding.rewritten for finding in second.findings)


def test_places_are_those_of_the_original() -> None:
    text = (
        f"{HEAD}inputs:\n  - name: a  # one\n    type: BOOLEAN\n{task('type: io.kestra.core.tasks.debugs.Echo')}"
        "    format: \"{{ x ?? 'y' ~ json(z) }}\"\n"
    )
    result = migrate(text)
    lines = text.splitlines()

    def written(rule_id: str) -> str:
        span = next(finding.span for finding in result.findings if finding.rule.id == rule_id)
        assert span.start.line == span.end.line
        return lines[span.start.line - 1][span.start.column - 1 : span.end.column - 1]

    assert written("INP-01") == "name"
    assert written("INP-02") == "BOOLEAN"
    assert written("TYPE-A") == "io.kestra.core.tasks.debugs.Echo"
    assert written("EXP-06") == "x ?? 'y'"
    assert written("EXP-01") == "json"


def test_what_needs_nothing_stays_byte_for_byte() -> None:
    text = (
        "\ufeff"
        + (HEAD + task("type: io.kestra.plugin.core.log.Log\nmessage:   hi   # x\n\n\n")).replace(
            "\n", "\r\n"
        )
        + "#end"
    )
    result = migrate(text)
    assert result.after == text and not result.changed and not result.to_do


def test_no_map_is_no_flow() -> None:
    for text in ("- a\n", "x", "a: [", ""):
        with pytest.raises(InvalidFlowError):
            migrate(text)


def test_long_expressions_are_no_deep_ones() -> None:
    """A chain of operators or names is a deep tree; nothing here may run out of stack."""
    for middle in (
        " ~ ".join(["a"] * 3000),
        "a" + ".b" * 3000,
        "a" + " | json" * 1000,
        " ?? ".join(["a"] * 300) + " ~ b",
    ):
        text = HEAD + task(f'type: io.kestra.plugin.core.log.Log\nmessage: "{{{{ {middle} }}}}"')
        assert migrate(text).after.count("(") <= 2


_WORDS = st.sampled_from(
    ["taskrun.value", "parent.taskrun.value", "outputs.b[taskrun.value].x", "a ?? 'b' | upper", "json(x)", "x | json", "1 + n ?? 0",
     "parents[0].taskrun.value", "taskrun.iteration", "outputs.a", "inputs.a-b", "read(outputs.a.uri)", "}}", "{{", "{% raw %}"]
)  # fmt: skip
_TEXTS = st.one_of(
    _WORDS.map(lambda word: f"{{{{ {word} }}}}"),
    st.sampled_from(["x", "'q'", 'say "x"', "two\nlines", "# c", ""]),
)
_TYPES = st.sampled_from(
    ["io.kestra.plugin.core." + name for name in
     ("log.Log", "flow.ForEach", "flow.EachParallel", "flow.EachSequential", "flow.If", "flow.ForEachItem", "flow.Sequential", "debug.Echo",
      "state.Set", "state.Get", "http.Request", "flow.Pause", "flow.Template", "flow.Dag")]
    + ["io.kestra.plugin.scripts.shell.Commands", "io.kestra.core.tasks.log.Log"]
)  # fmt: skip


def _tasks(depth: int) -> st.SearchStrategy[object]:
    return st.fixed_dictionaries(
        {"id": st.sampled_from("abcdefgh"), "type": _TYPES},
        optional={
            "message": _TEXTS,
            "value": _TEXTS,
            "values": st.one_of(_TEXTS, st.lists(_TEXTS, max_size=2)),
            "items": _TEXTS,
            "runner": st.sampled_from(["PROCESS", "DOCKER"]),
            "docker": st.just({"image": "x", "user": "u"}),
            "options": st.just({"connectTimeout": "PT1S", "logLevel": "INFO"}),
            "allowFailed": st.booleans(),
            "data": st.just({"a": 1}),
            **(
                {
                    "tasks": st.lists(_tasks(depth - 1), max_size=2),
                    "then": st.lists(_tasks(depth - 1), max_size=2),
                }
                if depth
                else {}
            ),
        },
    )


_FLOWS = st.fixed_dictionaries(
    {"id": st.just("f"), "namespace": st.just("n"), "tasks": st.lists(_tasks(2), min_size=1, max_size=3)},
    optional={
        "pluginDefaults": st.lists(
            st.fixed_dictionaries({"type": _TYPES, "values": st.dictionaries(st.sampled_from(["message", "level"]), _TEXTS)}), max_size=2
        ),
        "inputs": st.lists(st.fixed_dictionaries({"name": st.just("a"), "type": st.sampled_from(["BOOLEAN", "ENUM"])}), max_size=1),
    },
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(_FLOWS, st.booleans(), st.booleans())
def test_any_flow_comes_out_as_a_flow_and_only_once(
    flow: dict[str, object], flow_style: bool, stay_v1: bool
) -> None:
    import yaml

    text = yaml.safe_dump(flow, default_flow_style=None if flow_style else False, sort_keys=False, width=60)
    first = migrate(text, stay_v1=stay_v1)
    read_yaml(first.after)
    second = migrate(first.after, stay_v1=stay_v1)
    assert second.after == first.after


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="abc:-{}[]'\"|>#&*! \n\r\t%?~\ufeff", max_size=60))
def test_any_text_is_a_flow_or_an_error(text: str) -> None:
    try:
        result = migrate(f"a: 1\n{text}")
    except InvalidFlowError:
        return
    assert not result.changed or result.findings


def _corpus() -> list[Path]:
    return sorted([*SHARED.glob("corpus/flows/**/*.y*ml"), *SHARED.glob("conformance/flows/src/*.yaml")])


def _mistakes(text: str, dialect: Dialect, catalog: Registry) -> list[str]:
    checked = check_text(text, "flow.yml", catalog=catalog, dialect=dialect)
    return [str(item) for item in checked.diagnostics if item.severity is Severity.ERROR]


def _compare(files: list[Path]) -> int:
    """Every flow that 1.x takes stays valid in 1.x when asked to, and is valid in 2.0 when nothing is left to a person."""
    catalog = Registry()
    compared = 0
    for path in files:
        text = path.read_bytes().decode()
        try:
            result = migrate(text, path.name, catalog=catalog)
        except InvalidFlowError:
            continue
        assert migrate(result.after, path.name, catalog=catalog).after == result.after, path
        assert result.changed or result.after == text
        if _mistakes(text, V1, catalog):
            continue
        stayed = migrate(text, path.name, stay_v1=True, catalog=catalog)
        assert _mistakes(stayed.after, V1, catalog) == [], path
        if any(finding.rule.kind in (Kind.REFUSED, Kind.FAILS) for finding in result.open):
            continue
        compared += 1
        assert _mistakes(result.after, V2, catalog) == [], path
    return compared


def test_some_real_flows_are_valid_afterwards() -> None:
    files = _corpus()[::12]
    if not files:
        pytest.skip("the corpus of flows is not there")
    assert _compare(files) > len(files) // 3


@pytest.mark.slow
def test_all_real_flows_are_valid_afterwards() -> None:
    files = _corpus()
    if not files:
        pytest.skip("the corpus of flows is not there")
    assert _compare(files) > len(files) // 3


def test_tasks_of_a_pause_move_once_the_order_of_the_loop_is_settled() -> None:
    text = HEAD + (
        "tasks:\n  - id: each\n    type: io.kestra.plugin.core.flow.EachParallel\n    value: [a]\n    tasks:\n"
        "      - id: pause\n        type: io.kestra.plugin.core.flow.Pause\n        delay: PT1S\n        tasks:\n"
        "          - id: log\n            type: io.kestra.plugin.core.log.Log\n            message: x\n"
    )
    once = migrate(text).after
    assert "      - id: log\n" in once
    assert migrate(once).after == once
