"""Scripts in containers, against a `docker` on PATH that runs the command here and writes down how it was called."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V2
from simulator.engine.processes import Processes
from simulator.engine.task import ProcessResult
from simulator.errors import TaskError, UnsupportedError
from simulator.plugins.scripts.docker import Container
from simulator.plugins.scripts.languages import ShellCommands
from simulator.plugins.scripts.python import PythonScript
from tests.plugins.fake_context import FakeContext

FAKE = """#!{python}
import json, os, subprocess, sys
args = sys.argv[1:]
with open({record!r}, "a") as file:
    file.write(json.dumps(args) + "\\n")
if args[0] == "version":
    if {broken!r}:
        print("Cannot connect to the Docker daemon", file=sys.stderr)
        sys.exit(1)
    print("27.0")
elif args[0] == "run":
    if "missing:image" in args:
        print("Unable to find image", file=sys.stderr)
        sys.exit(125)
    image = next(index for index, arg in enumerate(args) if arg.endswith(":image"))
    names = [args[index + 1] for index, arg in enumerate(args) if arg == "--env"]
    env = {{name: os.environ[name] for name in names}}
    env.setdefault("PATH", os.environ["PATH"])
    sys.exit(subprocess.run(args[image + 1:], env=env).returncode)
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Callable[[], list[list[str]]]]:
    """Puts the stand-in on PATH; the calls that it saw."""

    def install(*, broken: bool = False) -> Callable[[], list[list[str]]]:
        folder, record = tmp_path / "bin", tmp_path / "calls.jsonl"
        folder.mkdir()
        path = folder / "docker"
        path.write_text(FAKE.format(python=sys.executable, record=str(record), broken=broken))
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        return lambda: [json.loads(line) for line in record.read_text().splitlines()]

    return install


def context(tmp_path: Path, plugin: Any, **properties: Any) -> FakeContext:
    properties.setdefault("containerImage", "ubuntu:image")
    ctx = FakeContext(tmp_path, properties, spec=plugin.spec, dialect=V2)
    ctx.processes, ctx.docker = Processes(), True
    return ctx


def test_commands_run_in_the_image(tmp_path: Path, docker: Any) -> None:
    calls = docker()
    ctx = context(
        tmp_path,
        ShellCommands,
        env={"TOKEN": "s3cret-value", "FLAG": True},
        commands=[
            'echo "::{\\"outputs\\":{\\"t\\":\\"$TOKEN$FLAG\\"}}::"',
            "pwd > out.txt",
            'echo "$SIMULATE_X"',
        ],
        outputFiles=["out.txt"],
    )
    outputs = ShellCommands().run(ctx).outputs or {}
    assert outputs["vars"] == {"t": "s3cret-valuetrue"}
    assert ctx.read(outputs["outputFiles"]["out.txt"]).decode().strip() == str(ctx.working_dir)
    version, run = calls()
    assert version[0] == "version" and run[0] == "run"
    folder = str(ctx.working_dir)
    assert f"{folder}:{folder}" in run and "--rm" in run and "--interactive" in run
    assert [run[index + 1] for index, arg in enumerate(run) if arg == "--env"] == [
        "FLAG",
        "TOKEN",
        "WORKING_DIR",
    ]
    # neither a variable's value nor the command's text can be read in the process table
    assert "s3cret" not in " ".join(run) and "out.txt" not in " ".join(run)


def test_settings_of_the_runner_become_options(tmp_path: Path, docker: Any) -> None:
    docker()
    runner = {
        "type": "io.kestra.plugin.scripts.runner.docker.Docker",
        "image": "from-runner:image",
        "user": "{{ 1000 }}",
        "networkMode": "host",
        "extraHosts": ["a:1.2.3.4", "b:1.2.3.5"],
        "pullPolicy": "NEVER",
        "cpu": {"cpus": 1.5},
        "memory": {"memory": "512MB"},
        "privileged": True,
        "entryPoint": ["/init", "-x"],
        "host": "tcp://127.0.0.1:2375",
    }
    ctx = context(tmp_path, ShellCommands, taskRunner=runner, containerImage=None)
    call = Container(ctx, "default:image").call(["sh", "-c", "x"], {}, interactive=False)
    assert call[1:4] == ["--host", "tcp://127.0.0.1:2375", "run"]
    text = " ".join(call)
    for option in (
        "--user 1000",
        "--network host",
        "--add-host a:1.2.3.4 --add-host b:1.2.3.5",
        "--pull never",
        "--cpus 1.5",
        "--memory 512MB",
        "--privileged",
        "--entrypoint /init",
    ):
        assert option in text
    assert call[call.index("from-runner:image") :] == ["from-runner:image", "-x", "sh", "-c", "x"]


def test_without_an_engine_it_says_so(tmp_path: Path, docker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UnsupportedError, match="there is no `docker` command on PATH"):
        ShellCommands().run(context(tmp_path, ShellCommands, commands=["true"]))
    docker(broken=True)
    with pytest.raises(
        UnsupportedError, match="no Docker engine answers: Cannot connect to the Docker daemon"
    ):
        ShellCommands().run(context(tmp_path, ShellCommands, commands=["true"]))


def test_what_cannot_be_kept_is_refused(tmp_path: Path, docker: Any) -> None:
    docker()
    with pytest.raises(TaskError, match="The container of the image missing:image could not be started"):
        ShellCommands().run(
            context(tmp_path, ShellCommands, commands=["true"], containerImage="missing:image")
        )
    with pytest.raises(UnsupportedError, match="the variable DOCKER_HOST cannot be given"):
        ShellCommands().run(context(tmp_path, ShellCommands, commands=["true"], env={"DOCKER_HOST": "x"}))
    runner = {"type": "io.kestra.plugin.scripts.runner.docker.Docker", "credentials": {"username": "u"}}
    with pytest.raises(UnsupportedError, match="`credentials` of the Docker task runner"):
        ShellCommands().run(context(tmp_path, ShellCommands, commands=["true"], taskRunner=runner))


def test_the_process_runner_stays_here(tmp_path: Path, docker: Any) -> None:
    docker()
    runner = {"type": "io.kestra.plugin.core.runner.Process"}
    ctx = context(tmp_path, ShellCommands, commands=["true"], taskRunner=runner)
    assert (ShellCommands().run(ctx).outputs or {})["exitCode"] == 0
    assert not (tmp_path / "calls.jsonl").exists()


def test_a_killed_run_ends_its_container(tmp_path: Path, docker: Any) -> None:
    calls = docker()
    ctx = context(tmp_path, ShellCommands, commands=["true"])
    real = ctx.processes

    class Killed:
        def run(self, argv: list[str], **options: Any) -> ProcessResult:
            result = real.run(argv, **options)
            return ProcessResult(137, killed=True) if "run" in argv else result

    ctx.processes = Killed()
    with pytest.raises(TaskError, match="exit code 137"):
        ShellCommands().run(ctx)
    run, kill = calls()[1:]
    assert kill == ["kill", run[run.index("--name") + 1]]
    ctx.cancel_actions[0]()
    assert calls()[-1] == kill


def test_python_installs_inside(tmp_path: Path, docker: Any) -> None:
    calls = docker()
    script = "from kestra import Kestra\nKestra.outputs({'a': true})"
    ctx = context(tmp_path, PythonScript, script=script, containerImage="python:image")
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    assert (PythonScript().run(ctx).outputs or {})["vars"] == {"a": True}
    assert any(arg.endswith(":ro") for arg in calls()[1])


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"commands": ["curl http://127.0.0.1:4566/x"]}, "127.0.0.1:4566"),
        ({"commands": ["true"], "env": {"DB": "jdbc:postgresql://localhost:5432/d"}}, "localhost:5432"),
        ({"commands": ["true"], "env": {"DB": "jdbc:postgresql://db.localhost:5432/d"}}, None),
        ({"commands": ["true 127.0.0.1"]}, None),
        ({"commands": ["true http://127.0.0.1:4566"], "network": "host"}, None),
        ({"commands": ["true http://127.0.0.1:4566"], "network": "bridge"}, "127.0.0.1:4566"),
    ],
)
def test_an_address_that_the_container_cannot_reach_is_told(
    tmp_path: Path, docker: Any, properties: dict[str, Any], named: str | None
) -> None:
    calls = docker()
    network = properties.pop("network", None)
    if network:
        properties["taskRunner"] = {
            "type": "io.kestra.plugin.scripts.runner.docker.Docker",
            "networkMode": network,
        }
    properties["commands"] = [f"echo '{command}'" for command in properties["commands"]]
    ctx = context(tmp_path, ShellCommands, **properties)
    ShellCommands().run(ctx)
    told = [text for text in ctx.logger.messages("WARN") if "networkMode: host" in text]
    assert [text.split()[0] for text in told] == ([named] if named else [])
    run = calls()[1]
    assert ("--network" in run) == (network is not None)
