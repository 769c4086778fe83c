from __future__ import annotations

from pathlib import Path

import pytest

from simulator.source.project import Project, kind_of, side_file

FLOW = "id: {}\nnamespace: team  # ours\ntasks:\n  - id: a\n    type: x\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {
        "a.yml": FLOW.format("one"),
        "sub/b.yaml": FLOW.format("'two'"),
        "sub/broken.yml": FLOW.format("three") + "  x: {{ y }}\n\t",
        "a.sim.yml": "mocks: {}\nid: x\ntasks: []\n",
        "suite.yml": "id: s\nflowId: one\nnamespace: team\ntestCases: []\n",
        "other.yml": "services:\n  id: x\n  tasks: []\n",
        ".hidden/c.yml": FLOW.format("no"),
        "node_modules/d.yml": FLOW.format("no"),
        "notes.txt": FLOW.format("no"),
        "binary.yml": "\x00\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_found(folder: Path) -> None:
    project = Project(folder)
    assert [(str(item.path), item.namespace, item.id) for item in project.flows()] == [
        ("a.yml", "team", "one"),
        ("sub/b.yaml", "team", "two"),
        ("sub/broken.yml", "team", "three"),
    ]
    assert [(item.id, item.flow_id) for item in project.suites()] == [("s", "one")]
    found = project.flow("team", "one")
    assert found is not None
    assert [suite.id for suite in project.suites_of(found)] == ["s"]
    assert found.side_file == Path("a.sim.yml")
    assert project.flow("team", "nine") is None


def test_single_files(folder: Path) -> None:
    assert [item.id for item in Project([folder / "sub" / "b.yaml", folder / "missing.yml"]).flows()] == [
        "two"
    ]


def test_kinds() -> None:
    assert kind_of('"id": a\n"tasks": []')[0] == "flow"
    assert kind_of("charts: []\nid: x")[0] is None
    assert side_file(Path("x/y.z.yml")) == Path("x/y.z.sim.yml")
