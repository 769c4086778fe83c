"""`simulate migrate`: what it prints, what it writes, its exit codes."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path

import pytest

from simulator.cli.console import Console
from simulator.cli.main import main
from simulator.errors import ExitCode

OLD = (
    "id: a\nnamespace: n\ntasks:\n  - id: t  # mine\n    type: io.kestra.core.tasks.log.Log\n    message: x\n"
)
NEW = OLD.replace("io.kestra.core.tasks.log.Log", "io.kestra.plugin.core.log.Log")
OPEN = NEW.replace("core.log.Log", "core.trigger.Toggle")


class Result:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def simulate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.chdir(tmp_path)

    def call(*argv: str) -> Result:
        out, err = io.StringIO(), io.StringIO()
        code = main(["migrate", *argv], Console(out, err, {}))
        return Result(code, out.getvalue(), err.getvalue())

    return call


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(text.encode())
    return path


def test_finds_flows_and_changes_nothing(simulate) -> None:  # type: ignore[no-untyped-def]
    path = write("flows/a.yml", OLD)
    write("other.yml", "a: 1\n")
    write(".hidden/b.yml", OLD)
    write("flows/broken.yml", "tasks: [\nid namespace")
    result = simulate()
    assert result.code == ExitCode.SUCCESS
    assert "flows/a.yml:5:11: can be rewritten SIM-MIG-201" in result.out
    assert "1 flow: 1 can be rewritten, 0 need a person, 0 need nothing" in result.out
    assert path.read_text() == OLD


def test_check(simulate) -> None:  # type: ignore[no-untyped-def]
    write("a.yml", OLD)
    write("b.yml", NEW)
    assert simulate("--check").code == ExitCode.FAILED
    assert simulate("--check", "b.yml").code == ExitCode.SUCCESS
    assert simulate("a.yml").code == ExitCode.SUCCESS


def test_diff_is_alone_on_stdout(simulate) -> None:  # type: ignore[no-untyped-def]
    write("a.yml", OLD)
    result = simulate("--diff", "a.yml")
    assert result.out == (
        "--- a/a.yml\n+++ b/a.yml\n@@ -2,5 +2,5 @@\n namespace: n\n tasks:\n   - id: t  # mine\n"
        "-    type: io.kestra.core.tasks.log.Log\n+    type: io.kestra.plugin.core.log.Log\n     message: x\n"
    )
    assert "TYPE-A" in result.err


def test_diff_of_a_file_without_a_line_end(simulate) -> None:  # type: ignore[no-untyped-def]
    write("a.yml", "id: a\nnamespace: n\ntasks:\n  - {id: t, type: io.kestra.core.tasks.log.Log, message: x}")
    assert simulate("--diff", "a.yml").out.count("\\ No newline at end of file\n") == 2


def test_write_keeps_mode_and_line_ends(simulate) -> None:  # type: ignore[no-untyped-def]
    path = write("a.yml", OLD.replace("\n", "\r\n"))
    path.chmod(0o640)
    link = Path("link.yml")
    link.symlink_to("a.yml")
    assert simulate("--write", "link.yml").code == ExitCode.SUCCESS
    assert path.read_bytes() == NEW.replace("\n", "\r\n").encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert sorted(path.name for path in Path().iterdir()) == ["a.yml", "link.yml"]
    assert simulate("--check", "a.yml").code == ExitCode.SUCCESS


def test_write_and_check_tell_what_is_left(simulate) -> None:  # type: ignore[no-untyped-def]
    write("a.yml", OLD)
    assert simulate("--write", "--check", "a.yml").code == ExitCode.SUCCESS
    write("b.yml", OPEN)
    result = simulate("--write", "--check", "b.yml")
    assert result.code == ExitCode.FAILED
    assert "error SIM-MIG-204: `io.kestra.plugin.core.trigger.Toggle` is gone" in result.out
    assert "hint: `io.kestra.plugin.kestra.triggers.Toggle` needs `auth`" in result.out


def test_json(simulate) -> None:  # type: ignore[no-untyped-def]
    write("a.yml", OLD)
    data = json.loads(simulate("--format", "json", "a.yml").out)
    assert data["to_do"] is True
    (file,) = data["files"]
    assert file["file"] == "a.yml" and file["changed"] is True
    assert file["findings"] == [
        {
            "code": "SIM-MIG-201", "rule": "TYPE-A", "kind": "refused", "severity": "warning",
            "message": "`io.kestra.core.tasks.log.Log` is `io.kestra.plugin.core.log.Log`",
            "file": "a.yml", "line": 5, "column": 11, "end_line": 5, "end_column": 39, "rewritten": True, "hint": None,
        }
    ]  # fmt: skip
    assert [rule["rule"] for rule in data["rules"]] == ["TYPE-A"]


def test_advice_is_asked_for(simulate) -> None:  # type: ignore[no-untyped-def]
    write("a.yml", NEW.replace("message: x", "message: \"{{ kv('x') }}\""))
    quiet, loud = simulate("--check", "a.yml"), simulate("--check", "--advice", "a.yml")
    assert quiet.code == loud.code == ExitCode.SUCCESS
    assert "SIM-MIG-709" not in quiet.out and "1 remarks" in quiet.out
    assert "SIM-MIG-709" in loud.out


def test_what_is_no_flow(simulate) -> None:  # type: ignore[no-untyped-def]
    assert simulate().code == ExitCode.NOT_FOUND
    assert simulate("nowhere.yml").code == ExitCode.NOT_FOUND
    write("a.yml", "a: [")
    write("b.yml", OLD)
    result = simulate("--diff", "a.yml", "b.yml")
    assert result.code == ExitCode.INVALID
    assert "SIM-YAML-001" in result.err and "+++ b/b.yml" in result.out
    assert simulate("--diff", "--format", "json", "b.yml").code == ExitCode.USAGE


def test_only_utf_8_is_rewritten(simulate) -> None:  # type: ignore[no-untyped-def]
    path = write("a.yml", "")
    path.write_bytes(OLD.encode("utf-16"))
    result = simulate("--write", "a.yml")
    assert result.code == ExitCode.USAGE and "is not UTF-8" in result.err
    assert path.read_bytes() == OLD.encode("utf-16")
