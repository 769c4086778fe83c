"""Git tasks against repositories in a temporary folder."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from simulator.engine.processes import Processes
from simulator.errors import NetworkRefusedError, TaskError, UnsupportedError
from simulator.plugins import git as family
from simulator.plugins.git.clone import Clone
from simulator.plugins.git.push import PushFlows, PushNamespaceFiles
from simulator.plugins.git.sync import SyncFlows, SyncNamespaceFiles
from simulator.plugins.registry import Registry
from simulator.storage import ion
from tests.plugins.fake_context import FakeContext, make_flow

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

IDENTITY = ["-c", "user.name=t", "-c", "user.email=t@example.com"]


def git(cwd: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *IDENTITY, *arguments], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A bare repository with two commits on main, a tag on the first and a branch `dev`."""
    work = tmp_path / "seed"
    work.mkdir()
    git(work, "init", "-q", "-b", "main")
    (work / "a.txt").write_text("one\n")
    git(work, "add", ".")
    git(work, "commit", "-q", "-m", "first")
    git(work, "tag", "v1")
    (work / "a.txt").write_text("two\n")
    git(work, "commit", "-q", "-a", "-m", "second")
    git(work, "checkout", "-q", "-b", "dev")
    (work / "dev.txt").write_text("dev\n")
    git(work, "add", ".")
    git(work, "commit", "-q", "-m", "dev")
    bare = tmp_path / "remote.git"
    git(tmp_path, "clone", "-q", "--bare", str(work), str(bare))
    git(bare, "symbolic-ref", "HEAD", "refs/heads/main")
    return bare


def context(tmp_path: Path, plugin: Any, **properties: Any) -> FakeContext:
    ctx = FakeContext(tmp_path, properties, spec=plugin.spec)
    ctx.processes = Processes()
    return ctx


def rows(ctx: FakeContext, uri: str) -> list[Any]:
    with ctx.open_uri(uri) as stream:
        return list(ion.iter_rows(stream))


def clone(tmp_path: Path, remote: Path, **properties: Any) -> Path:
    ctx = context(tmp_path, Clone, url=f"file://{remote}", **properties)
    outputs = Clone().run(ctx).outputs
    assert outputs is not None
    return Path(outputs["directory"])


def test_clone_into_the_working_directory(tmp_path: Path, remote: Path) -> None:
    (tmp_path / "work").mkdir(mode=0o700)
    (tmp_path / "work" / "there.txt").write_text("kept")
    folder = clone(tmp_path, remote)
    assert folder == tmp_path / "work"
    assert (folder / "a.txt").read_text() == "two\n"
    assert (folder / "there.txt").read_text() == "kept"
    assert git(folder, "rev-list", "--count", "HEAD") == "1"


def test_clone_a_branch_into_a_directory(tmp_path: Path, remote: Path) -> None:
    folder = clone(tmp_path, remote, branch="dev", directory="sub/repo")
    assert folder == tmp_path / "work" / "sub" / "repo"
    assert (folder / "dev.txt").exists()


def test_tag_and_commit(tmp_path: Path, remote: Path) -> None:
    assert (clone(tmp_path, remote, tag="v1", directory="t") / "a.txt").read_text() == "one\n"
    first = git(remote, "rev-parse", "v1")
    assert (clone(tmp_path, remote, commit=first, directory="c") / "a.txt").read_text() == "one\n"
    with pytest.raises(TaskError, match="^Cannot resolve tag: v9$"):
        clone(tmp_path, remote, tag="v9", directory="x")
    with pytest.raises(TaskError, match="^Cannot resolve commit SHA: 1234567$"):
        clone(tmp_path, remote, commit="1234567", directory="y")


def test_a_repository_that_is_there_is_updated(tmp_path: Path, remote: Path) -> None:
    folder = clone(tmp_path, remote, branch="main")
    seed = tmp_path / "seed"
    git(seed, "checkout", "-q", "main")
    (seed / "a.txt").write_text("three\n")
    git(seed, "commit", "-q", "-a", "-m", "third")
    git(seed, "push", "-q", str(remote), "main")
    assert clone(tmp_path, remote, branch="main") == folder
    assert (folder / "a.txt").read_text() == "three\n"


def test_what_cannot_be_cloned(tmp_path: Path, remote: Path) -> None:
    with pytest.raises(TaskError, match="^git clone failed: "):
        clone(tmp_path, tmp_path / "nowhere")
    with pytest.raises(TaskError, match="git clone failed: .*nobranch"):
        clone(tmp_path, remote, branch="nobranch")
    with pytest.raises(TaskError, match="inside the current working directory"):
        clone(tmp_path, remote, directory="../out")


@pytest.mark.parametrize(
    "url", ["https://git.example.com/x.git", "git@git.example.com:x/y.git", "ssh://h.example/x"]
)
def test_hosts_that_are_not_allowed(tmp_path: Path, url: str) -> None:
    with pytest.raises(NetworkRefusedError):
        Clone().run(context(tmp_path, Clone, url=url))


@pytest.mark.parametrize("url", ["ext::sh -c touch% /tmp/x", "-upload-pack=x", "ftp://h/x", ""])
def test_urls_that_are_none(tmp_path: Path, url: str) -> None:
    with pytest.raises((TaskError, NetworkRefusedError)):
        Clone().run(context(tmp_path, Clone, url=url))


def test_configuration_cannot_start_programs(tmp_path: Path, remote: Path) -> None:
    with pytest.raises(TaskError, match="would start a program"):
        clone(tmp_path, remote, gitConfig={"core.sshCommand": "touch x"})
    assert clone(tmp_path, remote, gitConfig={"core.autocrlf": False})


def test_credentials_never_reach_the_arguments(tmp_path: Path) -> None:
    calls: list[tuple[list[str], dict[str, str]]] = []

    class Watching(Processes):
        def run(self, argv: list[str], **options: Any) -> Any:
            calls.append((argv, dict(options["env"])))
            return super().run(["false"], **options)

    ctx = context(tmp_path, Clone, url="https://ada:sesame@git.example.com/x.git")
    ctx.processes = Watching()
    ctx.endpoints.resolve = lambda *asked, **wanted: None  # type: ignore[method-assign, assignment, return-value]
    with pytest.raises(TaskError):
        Clone().run(ctx)
    (argv, env) = calls[0]
    assert "https://git.example.com/x.git" in argv
    assert not any("sesame" in part for part in argv)
    assert env["SIMULATE_GIT_PASSWORD"] == "sesame"


def test_push_namespace_files(tmp_path: Path, remote: Path) -> None:
    properties = {"url": f"file://{remote}", "branch": "main", "commitMessage": "files"}
    ctx = context(tmp_path, PushNamespaceFiles, **properties)
    ctx.namespace_files.put("company.team", "lib/x.py", b"print(1)\n")
    outputs = PushNamespaceFiles().run(ctx).outputs
    assert outputs is not None
    assert git(remote, "rev-parse", "main") == outputs["commitId"]
    assert git(remote, "show", "main:_files/lib/x.py") == "print(1)"
    assert rows(ctx, outputs["files"]) == [
        {"file": "_files/lib/x.py", "additions": "+1", "deletions": "-0", "changes": "1"}
    ]
    # Nothing new: no commit.
    again = PushNamespaceFiles().run(ctx).outputs
    assert again is not None
    assert "commitId" not in again
    assert "No changes to commit. Skipping push." in ctx.logger.messages("INFO")


def test_push_needs_files_when_told_so(tmp_path: Path, remote: Path) -> None:
    ctx = context(tmp_path, PushNamespaceFiles, url=f"file://{remote}", files="no/**", errorOnMissing=True)
    with pytest.raises(
        TaskError, match="^No Namespace Files matched the provided 'files' parameter to commit.$"
    ):
        PushNamespaceFiles().run(ctx)


def test_push_flows_on_a_new_branch_and_dry(tmp_path: Path, remote: Path) -> None:
    from dataclasses import replace

    ctx = context(tmp_path, PushFlows, url=f"file://{remote}", branch="new", flows=["my*"], dryRun=True)
    flow, _ = make_flow({}, ctx.dialect, "x")
    ctx.executions.known_flows = [
        replace(flow, source="id: my_flow\n"),
        replace(flow, id="other", source="id: other\n"),
    ]
    outputs = PushFlows().run(ctx).outputs
    assert outputs is not None
    assert [row["file"] for row in rows(ctx, outputs["flows"])] == ["_flows/my_flow.yml"]
    assert "new" not in git(remote, "branch", "--list")
    ctx.properties["dryRun"] = False
    outputs = PushFlows().run(ctx).outputs
    assert outputs is not None
    assert git(remote, "show", "new:_flows/my_flow.yml") == "id: my_flow"
    assert git(remote, "log", "-1", "--format=%s", "new") == "Add flows from company.team namespace"


def test_sync_namespace_files(tmp_path: Path, remote: Path) -> None:
    ctx = context(tmp_path, PushNamespaceFiles, url=f"file://{remote}")
    ctx.namespace_files.put("company.team", "a.txt", b"a")
    ctx.namespace_files.put("company.team", "b.txt", b"b")
    PushNamespaceFiles().run(ctx)
    ctx = context(tmp_path, SyncNamespaceFiles, url=f"file://{remote}", delete=True)
    ctx.namespace_files.put("company.team", "a.txt", b"changed")
    ctx.namespace_files.put("company.team", "extra.txt", b"x")
    outputs = SyncNamespaceFiles().run(ctx).outputs
    assert outputs is not None
    states = [row["syncState"] for row in rows(ctx, outputs["files"])]
    assert states == ["OVERWRITTEN", "UNCHANGED", "DELETED"]
    assert ctx.namespace_files.read("company.team", "a.txt") == b"a"
    assert ctx.namespace_files.list("company.team") == ["a.txt", "b.txt"]


def test_sync_flows_tells_and_does_not_save(tmp_path: Path, remote: Path) -> None:
    properties = {
        "url": f"file://{remote}",
        "branch": "main",
        "gitDirectory": ".",
        "targetNamespace": "company.team",
    }
    with pytest.raises(UnsupportedError, match="a local run has none"):
        SyncFlows().run(context(tmp_path, SyncFlows, **properties))
    seed = tmp_path / "seed"
    git(seed, "checkout", "-q", "main")
    (seed / "f1.yml").write_text("id: f1\n")
    git(seed, "add", ".")
    git(seed, "commit", "-q", "-m", "flow")
    git(seed, "push", "-q", str(remote), "main")
    ctx = context(tmp_path, SyncFlows, dryRun=True, **properties)
    outputs = SyncFlows().run(ctx).outputs
    assert outputs is not None
    assert [(row["flowId"], row["syncState"]) for row in rows(ctx, outputs["flows"])] == [("f1", "ADDED")]


@pytest.mark.parametrize("name", sorted(family.TYPES))
def test_every_type_loads_under_its_name(name: str) -> None:
    assert Registry(["simulator.plugins.git"], entry_points=False).load(name).spec.type == name
