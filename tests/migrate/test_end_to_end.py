"""Flows run in 1.x, their migrations run in 2.0: the same states, outputs and logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulator import api
from simulator.engine.jsonform import log_to_json, to_json
from simulator.migrate.engine import migrate
from simulator.migrate.verify import Run, compare, made_or_removed
from tests.migrate import test_loops
from tests.migrate.helpers import HEAD

CORE = "io.kestra.plugin.core."


def run(folder: Path, text: str, kestra: str, **options: Any) -> Run:
    folder.mkdir()
    path = folder / "flow.yml"
    path.write_text(text)
    found = api.run(path, kestra=kestra, seed=1, **options)
    executions = [to_json(each) for each in found.executions]
    main = next(each for each in executions if each["id"] == found.id)
    iterations = [each for each in executions if each.get("kind") == "LOOP"]
    return Run(main, iterations, [log_to_json(entry) for entry in found.logs])


LOG = f"type: {CORE}log.Log\n    message: "

FLOWS = {
    "loop": test_loops.loop(
        direct="taskrun.value ~ taskrun.iteration",
        deep="parent.taskrun.value ~ outputs.ret[parent.taskrun.value].value ~ parent.outputs.evaluationResult",
        outside="outputs.ret | length",
    ),
    "nested": test_loops.NESTED.replace("""value: '["a", "b"]'""", """value: '["[1, 2]", "[3]"]'"""),
    "parallel": f"""\
tasks:
  - id: each
    type: {CORE}flow.EachParallel
    value: ["x", "y"]
    tasks:
      - id: one
        type: {CORE}debug.Echo
        format: "one {{{{ taskrun.value }}}}"
      - id: two
        type: {CORE}debug.Return
        format: "{{{{ taskrun.value | upper }}}}"
""",
    "expressions": f"""\
variables:
  n: null
tasks:
  - id: a
    {LOG}"{{{{ vars.n ?? 1 + 2 }}}} {{{{ 'x' ~ vars.missing ?? 'y' }}}}"
  - id: b
    {LOG}|
      {{{{ json('{{"k": [1, 2]}}').k | json }}}}
  - id: c_d
    type: {CORE}debug.Return
    format: "{{{{ vars.n ?? 'a b' | upper }}}}"
  - id: e
    {LOG}"{{{{ outputs.c_d.value ~ '!' }}}}"
outputs:
  - id: flag
    type: BOOLEAN
    value: true
""",
    "defaults and branches": f"""\
tasks:
  - id: choose
    type: io.kestra.core.tasks.flows.Switch
    value: b
    cases:
      b:
        - id: inside
          type: {CORE}log.Log
          message: "{{{{ parent.outputs.value }}}}"
  - id: fail
    type: {CORE}execution.Fail
    errorMessage: done
errors:
  - id: err
    type: {CORE}log.Log
    message: sorry
    level: WARN
pluginDefaults:
  - type: {CORE}log.Log
    forced: true
    values:
      level: ERROR
""",
}


@pytest.mark.parametrize("name", FLOWS)
def test_the_same_before_and_after(name: str, tmp_path: Path) -> None:
    text = HEAD + FLOWS[name]
    result = migrate(text)
    assert result.changed and result.open == ()
    before, after = run(tmp_path / "1", text, "1"), run(tmp_path / "2", result.after, "2")
    assert compare(before, after, ignore=made_or_removed(text, result.after)) == []
    assert before.logs or before.execution["taskRunList"]


def test_what_would_have_changed(tmp_path: Path) -> None:
    """Without its parentheses, the same expression gives something else in 2.0."""
    text = f'{HEAD}variables:\n  n: 1\ntasks:\n  - id: a\n    {LOG}"{{{{ vars.n ?? 1 + 2 }}}}"\n'
    before = run(tmp_path / "1", text, "1")
    (found,) = [item for item in compare(before, run(tmp_path / "2", text, "2")) if item.before == "1 times"]
    assert "'3'" in found.where
    assert compare(before, run(tmp_path / "3", migrate(text).after, "2")) == []


CHILD = f"""\
id: child
namespace: company.team
inputs:
  - id: part
    type: FILE
tasks:
  - id: size
    type: {CORE}storage.Size
    uri: "{{{{ inputs.part }}}}"
outputs:
  - id: size
    type: INT
    value: "{{{{ outputs.size.size }}}}"
"""

PARENT = f"""\
tasks:
  - id: rows
    type: {CORE}storage.Write
    extension: .txt
    content: |-
      aa
      bbb
      c
  - id: each
    type: {CORE}flow.ForEachItem
    items: "{{{{ outputs.rows.uri }}}}"
    batch:
      rows: 2
    namespace: company.team
    flowId: child
    inputs:
      part: "{{{{ taskrun.items }}}}"
  - id: end
    {LOG}"{{{{ read(outputs.each_merge.subflowOutputs) | trim }}}}"
"""


def test_for_each_item(tmp_path: Path) -> None:
    (tmp_path / "child.yml").write_text(CHILD)
    text = HEAD + PARENT
    result = migrate(text)
    assert result.open == ()
    before = run(tmp_path / "1", text, "1", flows=[tmp_path / "child.yml"])
    after = run(tmp_path / "2", result.after, "2", flows=[tmp_path / "child.yml"])
    assert before.execution["state"]["current"] == "SUCCESS"
    assert compare(before, after, ignore=made_or_removed(text, result.after)) == []
