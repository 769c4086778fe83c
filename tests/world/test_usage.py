"""What stubs guess from the way a flow uses a value."""

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

import simulator
from simulator.diagnostics import Collector
from simulator.dialect import V1, V2, Dialect
from simulator.model.build import build_flow
from simulator.model.flow import Flow
from simulator.plugins.registry import Registry
from simulator.world.stubs import stubs
from simulator.world.usage import usage

CALL = "  - {id: call, type: io.kestra.plugin.somewhere.Call}\n"


def build(tasks: str, dialect: Dialect = V2) -> Flow:
    collector = Collector()
    text = f"id: a\nnamespace: company.team\ntasks:\n{CALL}{tasks}"
    flow = build_flow(text, "a.yml", dialect, Registry(), collector=collector)
    assert flow is not None, collector.items
    return flow


def of(expression: str, dialect: Dialect = V2) -> Any:
    """The sample outputs of `call` for one expression."""
    log = json.dumps({"id": "log", "type": "io.kestra.plugin.core.log.Log", "message": expression})
    return usage(build(f"  - {log}\n", dialect))["outputs"].get("call").sample("call")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("{{ outputs.call.a.b }}", {"a": {"b": "sample b"}}),
        ("{{ outputs.call.items[0].id }}", {"items": [{"id": 1}]}),
        ("{{ outputs.call.names | first }}", {"names": ["sample name"]}),
        ("{{ outputs.call.n > 5 }}", {"n": 6}),
        ("{{ outputs.call.n < 5 }}", {"n": 4}),
        ("{{ 5 < outputs.call.n }}", {"n": 6}),
        ("{{ outputs.call.kind == 'file' }}", {"kind": "file"}),
        ("{{ outputs.call.ratio * 2 }}", {"ratio": 1}),
        ("{{ outputs.call.at | date('yyyy') }}", {"at": "2026-01-31T09:00:00Z"}),
        ("{{ outputs.call.body ?? 'x' }}", {"body": "sample body"}),
        (
            "{% for x in outputs.call.users %}{{ x.email | lower }}{% endfor %}",
            {"users": [{"email": "sample email"}]},
        ),
    ],
)
def test_samples(expression: str, expected: Any) -> None:
    assert of(expression) == expected


@pytest.mark.parametrize(
    ("expression", "inside"),
    [
        ("{{ fromJson(outputs.call.body).user.name }}", {"user": {"name": "sample name"}}),
        ("{{ outputs.call.body | jq('.users[0].name') | first }}", {"users": [{"name": "sample name"}]}),
        ("{{ outputs.call.body | jq('[.[] | select(.n > 3)]') }}", [{"n": 1}]),
        ("{{ outputs.call.body | jq('.[] | select(.kind == \"a\") | .id') }}", [{"kind": "a", "id": 1}]),
    ],
)
def test_json_in_text(expression: str, inside: Any) -> None:
    assert json.loads(of(expression)["body"]) == inside


def test_elements_of_a_loop() -> None:
    flow = build(
        """
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: "{{ outputs.call.rows }}"
    tasks:
      - {id: log, type: io.kestra.plugin.core.log.Log, message: "{{ fromJson(taskrun.value).sku }}"}
""",
        V1,
    )
    assert usage(flow)["outputs"].get("call").sample() == {"rows": [{"sku": "sample sku"}]}


def test_outputs_behind_the_value_of_a_task_run() -> None:
    flow = build(
        """
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b]
    tasks:
      - {id: inner, type: io.kestra.plugin.somewhere.Call}
      - {id: log, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.inner[taskrun.value].code }}"}
""",
        V1,
    )
    assert stubs(flow, Registry(), V1)["inner"] == {"outputs": {"code": 200}}


def test_files_of_the_kind_that_is_read() -> None:
    flow = build(
        """
  - {id: read, type: io.kestra.plugin.serdes.csv.CsvToIon, from: "{{ outputs.call.outputFiles['a.csv'] }}"}
  - {id: open, type: io.kestra.plugin.compress.ArchiveDecompress, algorithm: ZIP, from: "{{ outputs.call.zip }}"}
"""
    )
    files = stubs(flow, Registry(), V2)["call"]["files"]
    assert files["outputFiles"] == {"a.csv": "id,name\n1,sample\n"}
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(files["zip"]["base64"]))) as archive:
        assert archive.read("rows.csv") == b"id,name\n1,sample\n"


def test_what_a_type_does_not_give_is_not_invented() -> None:
    flow = build(
        """
  - {id: get, type: io.kestra.plugin.core.http.Request, uri: "https://a.example"}
  - {id: log, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.get.rows }} {{ outputs.get.body.id }}"}
"""
    )
    made = stubs(flow, Registry(), V2, wanted=lambda task: task.id == "get")["get"]
    # `body` of a Request is text, whatever the flow hopes.
    assert made == {"outputs": {"body": '{"id": 1}'}}


def test_without_a_reader_the_type_says_what_it_gives() -> None:
    flow = build("  - {id: sh, type: io.kestra.plugin.scripts.shell.Script, script: echo}\n")
    made = stubs(flow, Registry(), V2, wanted=lambda task: task.id == "sh")["sh"]
    assert made["outputs"]["exitCode"] == 0


def test_a_mock_stores_files_where_the_outputs_have_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    flow = tmp_path / "a.yml"
    flow.write_text(
        f"id: a\nnamespace: company.team\ntasks:\n{CALL}"
        "  - {id: r, type: io.kestra.plugin.core.debug.Return, "
        'format: "{{ read(outputs.call.outputs[0].uri) }}{{ outputs.call.outputs[0].n }}"}\n'
    )
    mock = {"outputs": {"outputs": [{"n": 7}]}, "files": {"outputs": [{"uri": "x"}]}, "vars": {"v": 1}}
    with simulator.run(flow, mocks={"call": mock}) as execution:
        assert execution.task("r").outputs == {"value": "x7"}
        assert (execution.task("call").outputs or {})["vars"] == {"v": 1}
