"""Suites that are written: recorded and generated ones hold when they are run."""

from pathlib import Path

import simulator
from simulator.testing.generate import generate_suite
from simulator.testing.record import record
from simulator.testing.runner import Runner, read_suites
from tests.testing.project import flow
from tests.testing.test_coverage import BODY

LOOP = """tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b]
    tasks:
      - {id: inner, type: io.kestra.plugin.core.debug.Return, format: "<{{ taskrun.value }}>"}
  - {id: odd, type: io.kestra.plugin.core.debug.Return, format: "{% raw %}{{ x }}{% endraw %}"}
"""


def results(folder: Path, text: str, kestra: str = "auto") -> dict[str, str]:
    (folder / "demo.test.yml").write_text(text, "utf-8")
    flags = {"kestra": kestra} if kestra != "auto" else {}
    with Runner(environ={}, flags=flags) as runner:
        found = [runner.run(item) for item in read_suites([folder], kestra=kestra)]
    return {item.case: f"{item.state} {[failure.message for failure in item.failures]}" for item in found}


def test_a_recorded_execution_holds(tmp_path: Path) -> None:
    path = flow(tmp_path, LOOP)
    with simulator.run(path, kestra="1") as execution:
        text = record(execution.value, flow=execution._session.flow)
    # 1.x suites know no expectedState, and a success needs none.
    assert "expectedState" not in text
    assert "value: a" in text
    assert results(tmp_path, text, "1") == {"recorded": "SUCCESS []"}


def test_stored_files_come_along(tmp_path: Path) -> None:
    path = flow(
        tmp_path,
        "tasks:\n  - {id: put, type: io.kestra.plugin.core.storage.Write, content: 'a{{ 1 }}b', extension: .txt}\n"
        "  - {id: size, type: io.kestra.plugin.core.storage.Size, uri: '{{ outputs.put.uri }}'}\n",
    )
    with simulator.run(path) as execution:
        assert execution.state == "SUCCESS"
        text = record(execution.value, storage=execution._session.rundir.root / "storage")
    assert "put-1.txt: a1b" in text
    assert results(tmp_path, text) == {"recorded": "SUCCESS []"}


def test_a_generated_suite_goes_every_way(tmp_path: Path) -> None:
    text = generate_suite(flow(tmp_path, BODY))
    assert "not reached yet" not in text
    found = results(tmp_path, text)
    assert set(found) == {
        "succeeds",
        "choose_then",
        "choose_else",
        "switch_case_a",
        "switch_case_b",
        "errors",
    }
    assert set(found.values()) == {"SUCCESS []"}
