"""core-tasks.md 7 and 8: files of namespaces, and of the internal storage, by what tasks say and leave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.spec.walk import BOTH, Walk

NS = "@namespace.{}, namespace: '{{{{ flow.namespace }}}}'"
UPLOAD, DOWNLOAD, DELETE = (NS.format(f"{name}Files") for name in ("Upload", "Download", "Delete"))
MAP = "filesMap: {\"a/b.txt\": '{{ outputs.w.uri }}', c.sql: '{{ outputs.w.uri }}'}"


def tasks(*lines: str) -> str:
    return "tasks:\n  - {id: w, type: @storage.Write, content: hello}\n" + "".join(
        f"  - {{id: t{number}, type: {line}}}\n" for number, line in enumerate(lines)
    )


@BOTH
@pytest.mark.parametrize(
    ("destination", "paths"),
    [
        ("/dir/", ["dir/a/b.txt", "dir/c.sql"]),
        ("/dir", ["dira/b.txt", "dirc.sql"]),
        (None, ["a/b.txt", "c.sql"]),
    ],
)
def test_names_stand_right_behind_the_destination(
    tmp_path: Path, name: str, destination: str | None, paths: list[str]
) -> None:
    more = f", destination: {destination}" if destination else ""
    walk = Walk(tmp_path, name, tasks(f"{UPLOAD}, {MAP}{more}"))
    walk.run()
    assert walk.executor.kernel.namespace_files.list("spec") == paths
    assert walk.logs("DEBUG") == [f"File '/{path}' added to namespace 'spec'." for path in paths]


@BOTH
@pytest.mark.parametrize("destination", ["/dir", "/dir/", "dir"])
def test_files_of_the_directory_go_into_it(tmp_path: Path, name: str, destination: str) -> None:
    walk = Walk(
        tmp_path,
        name,
        f"""
        tasks:
          - id: w
            type: @flow.WorkingDirectory
            inputFiles: {{a.txt: x, d/b.txt: y}}
            tasks: [{{id: u, type: {UPLOAD}, files: ["**.txt"], destination: "{destination}"}}]
        """,
    )
    walk.run()
    assert walk.executor.kernel.namespace_files.list("spec") == ["dir/a.txt", "dir/d/b.txt"]


@BOTH
@pytest.mark.parametrize(
    ("conflict", "state", "told"),
    [
        (
            "ERROR",
            "FAILED",
            "ERROR File '/c.sql' already exists in namespace 'spec' and conflict is set to ERROR",
        ),
        (
            "SKIP",
            "SUCCESS",
            "DEBUG File '/c.sql' already exists in namespace 'spec' and conflict is set to SKIP. Skipping.",
        ),
        ("OVERWRITE", "SUCCESS", "DEBUG File '/c.sql' overwritten into namespace 'spec'."),
    ],
)
def test_a_file_that_is_there(tmp_path: Path, name: str, conflict: str, state: str, told: str) -> None:
    files = "filesMap: {c.sql: '{{ outputs.w.uri }}'}"
    walk = Walk(tmp_path, name, tasks(f"{UPLOAD}, {files}", f"{UPLOAD}, {files}, conflict: {conflict}"))
    assert walk.run().state.current == state
    assert [line for line in walk.logs(task="t1") if not line.startswith("TRACE")] == [told]


@BOTH
def test_files_that_are_fetched_and_deleted(tmp_path: Path, name: str) -> None:
    walk = Walk(
        tmp_path,
        name,
        tasks(
            f"{UPLOAD}, {MAP}, destination: dir/",
            f"{DOWNLOAD}, files: ['**.txt', 'dir/*.sql'], destination: out/",
            f"{DOWNLOAD}, files: '**.nope'",
            f"{DELETE}, files: 'dir/**.sql'",
            f"{DELETE}, files: 'dir/a/b.txt', deleteParentFolder: true",
            f"{DELETE}, files: [nope.x]",
        ),
    )
    done = walk.run()
    assert done.state.current == "SUCCESS"
    found: dict[str, Any] = (walk.task(done, "t1").outputs or {})["files"]
    assert sorted(found) == ["/dir/a/b.txt", "/dir/c.sql"]
    assert walk.logs("DEBUG", "t1") == [f"Downloaded {uri}" for uri in found.values()]
    assert found["/dir/c.sql"].endswith("/out%2Fdir%2Fc.sql" if name == "1.x" else "/out/dir/c.sql")
    assert walk.task(done, "t2").outputs == {"files": {}}
    assert walk.logs("DEBUG", "t3") == ["Deleted dir/c.sql"]
    empty = ["Deleted empty folder: dir/a", "Deleted empty folder: dir"] if name == "2.0" else []
    assert walk.logs("DEBUG", "t4") == ["Deleted dir/a/b.txt", *empty]
    assert walk.executor.kernel.namespace_files.list("spec") == []


@BOTH
@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("@storage.Split, from: '{{ outputs.w.uri }}', bytes: 2B", "Invalid size with value '2B'"),
        ("@storage.Split, from: '{{ outputs.w.uri }}', bytes: 10 MB", "Invalid size with value '10 MB'"),
        ("@storage.Concat, files: nope", "Unrecognized token 'nope': was expecting"),
        (f"{UPLOAD}", "files or filesMap is required"),
        (f"{DOWNLOAD}, files: 5", "The files property must be a string or a list of strings."),
        (f"{DELETE}, files: 5", "Files must be a String or a list of String"),
    ],
)
def test_what_is_refused(tmp_path: Path, name: str, task: str, message: str) -> None:
    walk = Walk(tmp_path, name, tasks(task))
    assert walk.run().state.current == "FAILED"
    assert walk.logs("ERROR")[0].startswith(message)


@BOTH
def test_a_value_is_a_text_unless_an_expression_gives_another(tmp_path: Path, name: str) -> None:
    values = {
        "5": "5",
        "true": "true",
        "[1, a]": '[1,"a"]',
        "{a: 1}": '{"a":1}',
        "'{{ 5 }}'": 5,
        "\"{{ {'a': 1} }}\"": {"a": 1},
        "'{\"a\": 1}', kvType: JSON": {"a": 1},
    }
    lines = []
    for number, value in enumerate(values):
        lines.append(f"  - {{id: s{number}, type: @kv.Set, key: k{number}, value: {value}}}")
        lines.append(f"  - {{id: g{number}, type: @kv.Get, key: k{number}}}")
    walk = Walk(tmp_path, name, "tasks:\n" + "\n".join(lines))
    done = walk.run()
    assert [
        (walk.task(done, f"g{number}").outputs or {}).get("value") for number in range(len(values))
    ] == list(values.values())


@BOTH
def test_a_return_of_nothing_says_nothing(tmp_path: Path, name: str) -> None:
    walk = Walk(tmp_path, name, "tasks: [{id: r, type: @debug.Return}]")
    assert walk.task(walk.run(), "r").outputs in ({}, None)
    assert walk.logs("DEBUG") == []
