"""Loops: values, counters, parents, outputs inside and outside, what stands in the way."""

from __future__ import annotations

import pytest

from tests.migrate.helpers import after, hint, migrated, rules

CORE = "io.kestra.plugin.core."

LOOP = """\
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: ["a", "b"]
    tasks:
      - id: ret
        type: io.kestra.plugin.core.debug.Return
        format: "{{{{ {direct} }}}}"
      - id: if
        type: io.kestra.plugin.core.flow.If
        condition: "{{{{ true }}}}"
        then:
          - id: deep
            type: io.kestra.plugin.core.debug.Return
            format: "{{{{ {deep} }}}}"
  - id: end
    type: io.kestra.plugin.core.debug.Return
    format: "{{{{ {outside} }}}}"
"""


def loop(direct: str = "1", deep: str = "2", outside: str = "3") -> str:
    return LOOP.format(direct=direct, deep=deep, outside=outside)


def as_loop(direct: str = "1", deep: str = "2", outside: str = "3") -> str:
    return (
        loop(direct, deep, outside)
        .replace("flow.ForEach", "flow.Loop")
        .replace('["a", "b"]\n', '["a", "b"]\n    concurrencyLimit: 1\n')
    )


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ({"direct": "taskrun.value"}, {"direct": "item.value"}),
        ({"direct": "taskrun.iteration + 1"}, {"direct": "item.index + 1"}),
        ({"direct": "taskrun['value'] | jq('.a')"}, {"direct": "item.value | jq('.a')"}),
        ({"direct": "taskrun.startDate"}, {"direct": "taskrun.startDate"}),
        ({"deep": "parent.taskrun.value"}, {"deep": "item.value"}),
        ({"deep": "parents[0].taskrun.value"}, {"deep": "item.value"}),
        ({"deep": "outputs.ret[parent.taskrun.value].value"}, {"deep": "outputs.ret.value"}),
        ({"deep": "outputs['ret'][parents[0].taskrun.value]['value']"}, {"deep": "outputs['ret']['value']"}),
        ({"deep": "currentEachOutput(outputs.ret).value"}, {"deep": "outputs.ret.value"}),
        ({"deep": "parent.outputs.evaluationResult"}, {"deep": "outputs.if.evaluationResult"}),
        ({"outside": "outputs.ret | length"}, {"outside": "outputs.each.iterationCount"}),
        ({"outside": "taskrun.value"}, {"outside": "taskrun.value"}),
        ({"direct": "'taskrun'.value"}, {"direct": "'taskrun'.value"}),
    ],
)
def test_scopes(before: dict[str, str], wanted: dict[str, str]) -> None:
    assert after(loop(**before)) == as_loop(**wanted)


@pytest.mark.parametrize(
    ("before", "rule_id", "reason"),
    [
        ({"outside": "outputs.ret['a'].value"}, "LOOP-10", "loopOutputs(outputs.each.outputs, 'ret')"),
        ({"outside": "outputs.ret"}, "LOOP-10", "loopOutputs"),
        ({"deep": "outputs.ret['a'].value"}, "LOOP-09", "by hand"),
        ({"deep": "parents | length"}, "LOOP-06", "item.value"),
        ({"deep": "parents[1].taskrun.value"}, "LOOP-06", "item.value"),
        ({"direct": "render('{{ taskrun.value }}')"}, "LOOP-01", "a text inside of an expression"),
    ],
)
def test_what_stands_in_the_way(before: dict[str, str], rule_id: str, reason: str) -> None:
    body = loop(**before)
    assert after(body) == body
    assert reason in hint(body, rule_id)
    assert "not rewritten: " in hint(body, "LOOP-01")


def test_an_output_without_the_value() -> None:
    body = loop(deep="outputs.ret.value")
    assert after(body) == as_loop(deep="outputs.ret.value")
    assert rules(body, rewritten=False) == ["LOOP-16"]


NESTED = """\
tasks:
  - id: outer
    type: io.kestra.plugin.core.flow.EachSequential
    value: '["a", "b"]'
    tasks:
      - id: first
        type: io.kestra.plugin.core.debug.Return
        format: "{{ taskrun.value }}"
      - id: inner
        type: io.kestra.plugin.core.flow.ForEach
        values: "{{ outputs.first[taskrun.value].value }}"  # of the outer loop
        concurrencyLimit: 2
        tasks:
          - id: second
            type: io.kestra.plugin.core.debug.Return
            format: "{{ taskrun.value }} {{ parent.taskrun.value }} {{ outputs.first[parent.taskrun.value].value }}"
          - id: third
            type: io.kestra.plugin.core.debug.Return
            format: "{{ outputs.second[parent.taskrun.value][taskrun.value].value }}"
"""


def test_nested_loops() -> None:
    assert after(NESTED) == (
        NESTED.replace("flow.EachSequential", "flow.Loop")
        .replace("flow.ForEach", "flow.Loop")
        .replace('    value: \'["a", "b"]\'', '    values: \'["a", "b"]\'\n    concurrencyLimit: 1')
        .replace('format: "{{ taskrun.value }}"', 'format: "{{ item.value }}"')
        .replace("{{ outputs.first[taskrun.value].value }}", "{{ outputs.first.value }}")
        .replace("{{ taskrun.value }} {{ parent.taskrun.value }}", "{{ item.value }} {{ item.parent.value }}")
        .replace("outputs.first[parent.taskrun.value]", "outputs.first")
        .replace("outputs.second[parent.taskrun.value][taskrun.value]", "outputs.second")
    )
    assert migrated(NESTED).open == ()


def test_the_tasks_of_an_each_parallel_stay_beside_each_other() -> None:
    body = (
        f"tasks:\n  - id: p\n    type: {CORE}flow.EachParallel\n    value: [1, 2]\n    tasks:\n"
        f"      - id: a\n        type: {CORE}log.Log\n        message: |\n          {{{{ taskrun.value }}}}\n"
        f"      # second\n      - id: b\n        type: {CORE}log.Log\n        message: x\n"
    )
    assert after(body) == (
        f"tasks:\n  - id: p\n    type: {CORE}flow.Loop\n    values: [1, 2]\n    concurrencyLimit: 0\n    tasks:\n"
        f"      - id: p_parallel\n        type: {CORE}flow.Parallel\n        tasks:\n"
        f"          - id: a\n            type: {CORE}log.Log\n            message: |\n              {{{{ item.value }}}}\n"
        f"          # second\n          - id: b\n            type: {CORE}log.Log\n            message: x\n"
    )


def test_a_single_task_needs_no_parallel() -> None:
    body = (
        f"tasks:\n  - id: p\n    type: {CORE}flow.EachParallel\n    concurrent: 4\n    value: [1, 2]\n    tasks:\n"
        f"      - id: a\n        type: {CORE}log.Log\n        message: x\n"
    )
    assert after(body) == body.replace("EachParallel", "Loop").replace(
        "concurrent:", "concurrencyLimit:"
    ).replace("value:", "values:")
    assert rules(body, rewritten=False) == ["LOOP-15"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: "concurrency:\n  limit: 1\n" + text, "one execution at a time"),
        (
            lambda text: (
                "tasks:\n  - id: allow\n    type: io.kestra.plugin.core.flow.AllowFailure\n"
                + "".join(f"    {line}\n" for line in text.splitlines())
            ),
            "AllowFailure",
        ),
        (
            lambda text: text.replace(
                "    tasks:\n      - id: ret",
                "    finally:\n      - id: fin\n        type: io.kestra.plugin.core.log.Log\n        message: x\n    tasks:\n      - id: ret",
            ),
            "finally",
        ),
    ],
)
def test_loops_that_2_0_runs_otherwise(change: object, reason: str) -> None:
    body = change(loop())  # type: ignore[operator]
    assert after(body) == body
    assert reason in hint(body, "LOOP-01")


ITEM = """\
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEachItem
    description: one by one  # slowly
    items: "{{ inputs.file }}"
    batch:
      rows: 100  # enough
    namespace: company.team
    flowId: child
    wait: true
    inputs:
      part: "{{ taskrun.items }}"
      number: "{{ taskrun.iteration }}"
  - id: end
    type: io.kestra.plugin.core.log.Log
    message: "%s"
"""


def test_for_each_item() -> None:
    assert after(ITEM % "done") == (
        """\
tasks:
  - id: each_split
    type: io.kestra.plugin.core.storage.Split
    from: "{{ inputs.file }}"
    rows: 100  # enough
  - id: each
    type: io.kestra.plugin.core.flow.Loop
    description: one by one  # slowly
    values: "{{ outputs.each_split.uris }}"
    concurrencyLimit: 0
    tasks:
      - id: each_items
        type: io.kestra.plugin.core.flow.Subflow
        namespace: company.team
        flowId: child
        wait: true
        inputs:
          part: "{{ item.value }}"
          number: "{{ item.index }}"
  - id: end
    type: io.kestra.plugin.core.log.Log
    message: "done"
"""
    )


def test_the_merged_outputs_of_a_for_each_item() -> None:
    body = ITEM % "{{ read(outputs.each_merge.subflowOutputs) }}"
    result = after(body)
    assert "    concurrencyLimit: 0\n    outputs:\n      - id: outputs\n        type: JSON\n" in result
    assert '        value: "{{ outputs.each_items.outputs }}"\n    tasks:\n' in result
    assert result.endswith(
        """\
  - id: each_merge
    type: io.kestra.plugin.core.storage.Write
    extension: .ion
    content: |-
      {% for one in loopOutputs(outputs.each.outputs, 'outputs') %}{{ one | toIon }}
      {% endfor %}
  - id: end
    type: io.kestra.plugin.core.log.Log
    message: "{{ read(outputs.each_merge.uri) }}"
"""
    )
    unwaited = body.replace("wait: true", "wait: false")
    assert after(unwaited) == unwaited
    assert "not waited for" in hint(unwaited, "LOOP-12")


@pytest.mark.parametrize(
    "path", ["outputs.each_items.iterations", "outputs.each_split.splits", "outputs.each_merge"]
)
def test_other_outputs_of_a_for_each_item(path: str) -> None:
    body = ITEM % f"{{{{ {path} }}}}"
    assert after(body) == body
    assert "storage.Concat" in hint(body, "LOOP-13")
    assert f"`{path}` is read" in hint(body, "LOOP-12")


def test_loops_have_to_be_rewritten_together() -> None:
    body = NESTED.replace("outputs.second[parent.taskrun.value]", "outputs.second['a']")
    assert after(body) == body
    assert rules(body, rewritten=True) == []
    assert {"LOOP-01", "LOOP-02", "LOOP-09"} <= set(rules(body, rewritten=False))


def test_stay_1_compatible_leaves_loops() -> None:
    body = loop(direct="taskrun.value")
    assert after(body, stay_v1=True) == body
    assert "without --stay-1-compatible" in hint(body, "LOOP-01", stay_v1=True)


def test_a_failure_that_is_allowed_inside_is_told() -> None:
    body = loop().replace("id: deep\n", "id: deep\n            allowFailure: true\n")
    assert "flow.Loop" in after(body)
    assert rules(body, rewritten=False) == ["LOOP-17"]
    assert rules(body.replace("allowFailure: true", "allowFailure: false"), rewritten=False) == []
