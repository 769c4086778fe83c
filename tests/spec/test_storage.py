"""storage.md as flows see it: files of a directory, guards of URIs, keys, states, durations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.spec.walk import BOTH, Walk

READ = "tasks: [{{id: r, type: @debug.Return, format: \"{{{{ read('{}') }}}}\"}}]"


@BOTH
@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (
            "kestra:///a/../b",
            "File should be accessed with their full path and not using relative '..' path.",
        ),
        ("kestra:///nope.txt", None),
    ],
)
def test_files_that_are_not_read(tmp_path: Path, name: str, uri: str, message: str | None) -> None:
    walk = Walk(tmp_path, name, f"tasks: [{{id: s, type: @storage.Size, uri: '{uri}'}}]")
    assert walk.run().state.current == "FAILED"
    missing = "nope.txt (No such file or directory)" if name == "1.x" else f"File not found for URI: {uri}"
    assert (message or missing) in walk.logs("ERROR")[0]


FILES: dict[str, Any] = {
    "{a.txt: hi, d/b.txt: '{{ flow.id }}', c.txt: null}": {"a.txt": "hi", "d/b.txt": "main"},
    "\"{{ {'e.txt': 'x'} | %s }}\"": {"e.txt": "x"},
    "{copy.txt: '{{ outputs.w.uri }}'}": {"copy.txt": "stored"},
    "{'{{ flow.id }}.txt': k}": {"main.txt": "k"},
}


@BOTH
@pytest.mark.parametrize("files", FILES)
def test_files_of_a_directory(tmp_path: Path, name: str, files: str) -> None:
    if "%s" in files:
        files, found = files % ("json" if name == "1.x" else "toJson"), FILES[files]
    else:
        found = FILES[files]
    walk = Walk(
        tmp_path,
        name,
        f"""
        tasks:
          - {{id: w, type: @storage.Write, content: stored}}
          - id: d
            type: @flow.WorkingDirectory
            inputFiles: {files}
            outputFiles: ["**"]
            tasks: [{{id: l, type: @log.Log, message: x}}]
        """,
    )
    done = walk.run()
    kept = (walk.task(done, "d").outputs or {})["outputFiles"]
    storage = walk.executor.kernel.storage
    assert {path: storage.open(uri).read().decode() for path, uri in kept.items()} == found


@BOTH
@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.txt", ["a.txt"]),
        ("**.txt", ["a.txt", "d/b.txt"]),
        ("**/*.txt", ["d/b.txt"]),
        ("d/*", ["d/b.txt"]),
        ("{a,c}.txt", ["a.txt"]),
        ("glob:**.txt", ["a.txt", "d/b.txt"]),
        ("[ab].txt", ["a.txt"]),
        ("?.txt", ["a.txt"]),
        ("*", ["a.txt"]),
        ("**/a.txt", []),
    ],
)
def test_patterns_of_output_files(tmp_path: Path, name: str, pattern: str, found: list[str]) -> None:
    walk = Walk(
        tmp_path,
        name,
        f"""
        tasks:
          - id: d
            type: @flow.WorkingDirectory
            inputFiles: {{a.txt: x, d/b.txt: y}}
            outputFiles: ["{pattern}"]
            tasks: [{{id: l, type: @log.Log, message: x}}]
        """,
    )
    outputs = walk.task(walk.run(), "d").outputs or {}
    assert sorted(outputs.get("outputFiles", {})) == found


@BOTH
@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ("key: 'bad key!', value: x", "Key must start with an alphanumeric character"),
        ("key: '-a', value: x", "Key must start with an alphanumeric character"),
        ("key: '', value: x", "Key cannot be null or empty"),
        (
            "key: k, value: x, namespace: other.space",
            "Cannot access the KV store. The namespace 'other.space' does not exist.",
        ),
    ],
)
def test_keys_that_are_refused(tmp_path: Path, name: str, properties: str, message: str) -> None:
    walk = Walk(tmp_path, name, f"tasks: [{{id: s, type: @kv.Set, {properties}}}]")
    assert walk.run().state.current == "FAILED"
    assert walk.logs("ERROR")[0].startswith(message)


@BOTH
def test_keys_are_looked_for_in_the_namespaces_above(tmp_path: Path, name: str) -> None:
    walk = Walk(
        tmp_path,
        name,
        """
        tasks:
          - {id: missing, type: @kv.Get, key: nope}
          - {id: gone, type: @kv.Delete, key: nope}
          - {id: f, type: @debug.Return, format: "{{ kv('nope', errorOnMissing=false) is null }}"}
          - {id: bad, type: @debug.Return, format: "{{ kv('nope') }}"}
        """,
    )
    done = walk.run()
    assert not walk.task(done, "missing").outputs
    assert walk.task(done, "gone").outputs == {"deleted": False}
    assert walk.task(done, "f").outputs == {"value": "true"}
    assert "The key 'nope' does not exist in the namespace 'spec'." in walk.logs("ERROR", "bad")[0]


def test_a_state_is_kept_below_the_flow_and_its_value(tmp_path: Path) -> None:
    walk = Walk(
        tmp_path,
        "1.x",
        """
        tasks:
          - {id: s, type: @state.Set, data: {a: 1, l: [1], m: {x: 1}}}
          - {id: t, type: @state.Set, data: {b: "{{ flow.id }}", l: [2], m: {y: 2}}}
          - {id: g, type: @state.Get}
          - {id: n, type: @state.Set, namespace: true, name: shared, data: {a: 1}}
          - {id: d, type: @state.Delete}
          - {id: e, type: @state.Get, errorOnMissing: true}
        """,
    )
    done = walk.run()
    assert walk.task(done, "g").outputs == {
        "count": 4,
        "data": {"a": 1, "l": [1, 2], "m": {"x": 1, "y": 2}, "b": "main"},
    }
    assert (walk.task(done, "s").outputs or {})["key"] == "main_states_tasks-states_default"
    assert (walk.task(done, "n").outputs or {})["key"] == "states_tasks-states_shared"
    assert walk.task(done, "d").outputs == {"deleted": True}
    assert walk.logs("ERROR") == ["State main_states_tasks-states_default not found"]
