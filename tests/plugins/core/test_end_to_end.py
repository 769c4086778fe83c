"""The core types in one flow each dialect, through the public API: what the fake context assumes, the engine does."""

from pathlib import Path

import pytest

import simulator

COMMON = """
id: all_core
namespace: company.team
tasks:
  - {id: hi, type: io.kestra.plugin.core.log.Log, message: ["one {{ flow.id }}", "two"], level: WARN}
  - {id: wait, type: io.kestra.plugin.core.flow.Sleep, duration: P3D}
  - id: w
    type: io.kestra.plugin.core.storage.Write
    content: "{id:1,c:\\"a\\"}\\n{id:2,c:\\"b\\"}\\n{id:3,c:\\"a\\"}\\n"
    extension: ion
  - {id: split, type: io.kestra.plugin.core.storage.Split, from: "{{ outputs.w.uri }}", rows: 2}
  - {id: concat, type: io.kestra.plugin.core.storage.Concat, files: "{{ outputs.split.uris }}", extension: .ion}
  - {id: rev, type: io.kestra.plugin.core.storage.Reverse, from: "{{ outputs.concat.uri }}"}
  - {id: dd, type: io.kestra.plugin.core.storage.DeduplicateItems, from: "{{ outputs.rev.uri }}", expr: "{{ c }}"}
  - {id: fi, type: io.kestra.plugin.core.storage.FilterItems, from: "{{ outputs.w.uri }}", filterCondition: "{{ c == 'a' }}"}
  - {id: first, type: io.kestra.plugin.core.debug.Return, format: "{{ fromIon(read(outputs.dd.uri)).id }}"}
  - {id: size, type: io.kestra.plugin.core.storage.Size, uri: "{{ outputs.w.uri }}"}
  - {id: set, type: io.kestra.plugin.core.kv.Set, key: k, value: "{{ outputs.fi }}", ttl: P1D}
  - {id: get, type: io.kestra.plugin.core.kv.Get, key: k}
  - {id: keys, type: io.kestra.plugin.core.kv.GetKeys}
  - id: up
    type: io.kestra.plugin.core.namespace.UploadFiles
    namespace: company.team
    filesMap: {"a/x.ion": "{{ outputs.w.uri }}"}
  - {id: down, type: io.kestra.plugin.core.namespace.DownloadFiles, namespace: company.team, files: "**"}
  - {id: same, type: io.kestra.plugin.core.execution.Assert, conditions: ["{{ read(outputs.down.files['/a/x.ion']) == read(outputs.w.uri) }}"]}
  - {id: drop, type: io.kestra.plugin.core.namespace.DeleteFiles, namespace: company.team, files: "**"}
  - {id: logs, type: io.kestra.plugin.core.log.PurgeLogs, endDate: "{{ now() }}"}
  - {id: old, type: io.kestra.plugin.core.execution.PurgeExecutions, endDate: "{{ now() }}"}
  - {id: values, type: io.kestra.plugin.core.output.OutputValues, values: {n: 1, t: "{{ outputs.get.value.droppedItemsTotal }}"}}
"""

ONLY_1 = """
  - {id: set2, type: io.kestra.plugin.core.state.Set, data: {a: "{{ outputs.get.value.processedItemsTotal }}"}}
  - {id: get2, type: io.kestra.plugin.core.state.Get}
  - {id: fetch, type: io.kestra.plugin.core.log.Fetch, level: WARN}
"""

ONLY_2 = """
  - {id: put, type: io.kestra.plugin.core.kv.Put, key: k, value: {more: true}}
  - {id: get2, type: io.kestra.plugin.core.kv.Get, key: k}
  - {id: purge, type: io.kestra.plugin.core.storage.PurgeStorage, namespace: company.team, endDate: "{{ now() }}", dryRun: false}
"""


@pytest.mark.parametrize(("kestra", "more"), [("1", ONLY_1), ("2", ONLY_2)])
def test_all_core_types(tmp_path: Path, kestra: str, more: str) -> None:
    flow = tmp_path / "all_core.yml"
    flow.write_text(COMMON + more, encoding="utf-8")
    execution = simulator.run(flow, kestra=kestra)
    outputs = {run.task_id: run.outputs or {} for run in execution.task_runs}
    assert str(execution.state) == "SUCCESS", [
        run for run in execution.task_runs if str(run.state.current) != "SUCCESS"
    ]
    assert len(outputs["split"]["uris"]) == 2
    # Reversed: 3, 2, 1; the last of each key stays: 2 and 1.
    assert outputs["first"] == {"value": "2"}
    assert outputs["size"] == {"size": 39}
    assert outputs["keys"] == {"keys": ["k"]}
    assert outputs["values"] == {"values": {"n": 1, "t": "1"}}
    assert outputs["logs"]["count"] >= 2
    assert outputs["old"]["executionsCount"] == 0
    if kestra == "1":
        assert outputs["get2"] == {"count": 1, "data": {"a": "3"}}
        assert outputs["fetch"]["size"] == 0
    else:
        assert outputs["get2"]["value"]["more"] is True
        assert outputs["purge"]["purgedCount"] == 1
