"""Shell tasks as real processes: files, environment, exit codes, what the process table shows."""

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1
from simulator.engine.processes import Processes
from simulator.errors import TaskError
from simulator.plugins import scripts
from simulator.plugins.registry import Registry
from simulator.plugins.scripts.command import build_call
from simulator.plugins.scripts.languages import PowershellCommands, RubyScript, ShellCommands, ShellScript
from simulator.plugins.scripts.legacy import Bash
from simulator.plugins.scripts.triggers import ShellCommandsTrigger
from simulator.plugins.scripts.unsupported import TerraformCli
from tests.plugins.fake_context import FakeContext

Run = Callable[..., tuple[Any, FakeContext]]


def test_outputs_of_a_success(script: Run) -> None:
    outputs, ctx = script(
        ShellCommands,
        commands=[
            "echo hello",
            "echo oops >&2",
            """echo '::{"outputs":{"n":1}}::'""",
            "printf data > out.txt",
        ],
        outputFiles=["*.txt"],
    )
    assert set(outputs) == {"exitCode", "vars", "outputFiles"}
    assert (outputs["exitCode"], outputs["vars"]) == (0, {"n": 1})
    assert ctx.read(outputs["outputFiles"]["out.txt"]) == b"data"
    assert "hello" in ctx.logger.messages("INFO")
    assert ctx.logger.messages("ERROR") == ["oops"]
    assert "Command succeed with exit code 0" in ctx.logger.messages("DEBUG")


def test_vars_and_files_are_always_there(script: Run) -> None:
    assert script(ShellCommands, commands=["true"])[0] == {"exitCode": 0, "vars": {}, "outputFiles": {}}


def test_a_failure_keeps_its_outputs(script: Run) -> None:
    with pytest.raises(TaskError) as caught:
        script(
            ShellCommands,
            commands=["echo x > a.txt", """echo '::{"outputs":{"n":1}}::'""", "exit 3", "echo never"],
            outputFiles=["a.txt", "never.txt"],
        )
    assert caught.value.message == "Command failed with exit code 3"
    assert caught.value.outputs is not None
    assert caught.value.outputs["exitCode"] == 3
    assert caught.value.outputs["vars"] == {"n": 1}
    assert list(caught.value.outputs["outputFiles"]) == ["a.txt"]


def test_fail_fast(script: Run) -> None:
    with pytest.raises(TaskError, match="exit code 1"):
        script(ShellCommands, commands=["false", "echo reached"])
    outputs, ctx = script(ShellCommands, commands=["false", "echo reached"], failFast=False)
    assert outputs["exitCode"] == 0
    assert "reached" in ctx.logger.messages("INFO")


def test_a_missing_program(script: Run) -> None:
    with pytest.raises(TaskError, match="^Command failed with exit code 127$") as caught:
        script(ShellCommands, commands=["surely-no-such-program"], containerImage="some/image")
    assert "some/image" in str(caught.value.hint)
    with pytest.raises(TaskError, match='^Cannot run program "surely-none"'):
        script(ShellCommands, commands=["true"], interpreter=["surely-none", "-c"])


def test_it_is_one_shell_call(script: Run) -> None:
    outputs, ctx = script(
        ShellCommands,
        beforeCommands=["x=5", "echo before"],
        commands=["""echo "::{\\"outputs\\":{\\"x\\":$x,\\"zero\\":\\"$0\\"}}::" """.strip()],
    )
    assert outputs["vars"] == {"x": 5, "zero": "/bin/sh"}
    # In 2.0 the output of beforeCommands is logged at DEBUG.
    assert "before" in ctx.logger.messages("DEBUG")
    _, ctx = script(ShellCommands, V1, beforeCommands=["echo before"], commands=["true"])
    assert "before" in ctx.logger.messages("INFO")


def test_bash(script: Run) -> None:
    outputs, _ = script(
        ShellCommands,
        interpreter=["/bin/bash", "-c"],
        commands=["a=(1 2 3)", 'echo "::{\\"outputs\\":{\\"n\\":${a[2]}}}::"'],
    )
    assert outputs["vars"] == {"n": 3}


def test_the_environment_is_what_kestra_would_give(script: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "c2VzYW1l")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sesame")
    monkeypatch.setenv("ENV_X", "1")
    monkeypatch.setenv("VIRTUAL_ENV", "/somewhere")
    _, ctx = script(ShellCommands, commands=["env"], env={"MINE": "{{ flow.id }}", "YES": True})
    names = {line.partition("=")[0] for line in ctx.logger.messages("INFO") if "=" in line}
    allowed = {
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "PWD",
        "_",
        "SHLVL",
    }
    assert {name for name in names if not name.startswith("LC_")} <= allowed | {
        "MINE",
        "YES",
        "WORKING_DIR",
        "OLDPWD",
    }
    assert {"MINE=my_flow", "YES=true"} <= set(ctx.logger.messages("INFO"))


def test_input_files_and_variables(script: Run) -> None:
    outputs, ctx = script(
        ShellCommands,
        inputFiles={"in/a.txt": "{{ flow.id }}\n", "b.sh": "echo from-b\n"},
        outputFiles=["done.txt"],
        commands=[
            "cat in/a.txt",
            "sh b.sh",
            "cat {{ inputFiles['b.sh'] }} > {{ outputFiles['done.txt'] }}",
            "pwd",
        ],
    )
    said = ctx.logger.messages("INFO")
    assert {"my_flow", "from-b", str(ctx.working_dir)} <= set(said)
    assert ctx.read(outputs["outputFiles"]["done.txt"]) == b"echo from-b\n"


def test_namespace_files_come_before_input_files(script: Run, tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path, spec=ShellCommands.spec)
    ctx.namespace_files.put("company.team", "lib/a.txt", b"namespace")
    ctx.namespace_files.put("company.team", "b.txt", b"namespace")
    ctx.processes = Processes()
    ctx.properties |= {
        "namespaceFiles": {"enabled": True},
        "inputFiles": {"b.txt": "input"},
        "commands": ["cat lib/a.txt", "echo", "cat b.txt"],
    }
    ShellCommands().run(ctx)
    assert ctx.logger.messages("INFO")[-2:] == ["namespace", "input"]


def test_storage_uris_become_paths(script: Run, tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path, spec=ShellCommands.spec)
    uri = ctx.store("content\n", "some.csv")
    _, ctx = script(ShellCommands, commands=[f"cat {uri}", f"echo {uri}"])
    said = ctx.logger.messages("INFO")
    assert said[-2] == "content"
    path = Path(said[-1])
    assert path.parent == ctx.working_dir
    assert path.suffix == ".csv"


def test_output_directory(script: Run) -> None:
    outputs, ctx = script(
        ShellCommands,
        outputDirectory=True,
        commands=["echo 1 > {{ outputDir }}/x.csv", "echo 2 > $OUTPUT_DIR/y"],
    )
    assert {name: ctx.read(uri) for name, uri in outputs["outputFiles"].items()} == {
        "x.csv": b"1\n",
        "y": b"2\n",
    }


def test_the_image_is_named(script: Run) -> None:
    _, ctx = script(ShellCommands, commands=["true"], containerImage="ubuntu:24.04")
    assert any("ubuntu:24.04" in text for text in ctx.logger.messages("INFO"))
    _, ctx = script(
        ShellCommands, commands=["true"], taskRunner={"type": "io.kestra.plugin.core.runner.Process"}
    )
    assert not any("local process" in text for text in ctx.logger.messages())


def test_no_text_in_the_process_table(script: Run, tmp_path: Path) -> None:
    seen: list[str] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.append(path.read_text())
                except OSError:
                    continue
            time.sleep(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    script(ShellScript, script=": open-sesame-4711\nsleep 0.2")
    stop.set()
    watcher.join()
    assert seen
    assert not [line for line in seen if "open-sesame-4711" in line]


def test_calls_of_known_interpreters() -> None:
    assert build_call(["/bin/sh", "-c"], "x") == (["/bin/sh", "-c", 'eval "$(/bin/cat)"'], b"x")
    assert build_call(["bash", "-lc"], "x")[1] == b"x"
    assert build_call(["pwsh", "-NoProfile", "-Command"], "x")[1] == b"x"
    assert build_call(["unknown", "-c"], "x") == (["unknown", "-c", "x"], None)
    assert build_call(["sh"], "x") == (["sh", "x"], None)


def test_a_script_may_be_long_and_have_here_documents(script: Run) -> None:
    text = "cat <<'EOF'\nfirst $x\nEOF\n" + "\n".join(f": line {i}" for i in range(20_000)) + "\necho end"
    _, ctx = script(ShellScript, script=text)
    assert ctx.logger.messages("INFO") == ["first $x", "end"]


def test_standard_input_is_empty(script: Run) -> None:
    _, ctx = script(ShellScript, script='read -r x || true; echo "got:$x"')
    assert ctx.logger.messages("INFO") == ["got:"]


def test_protocol_from_a_file_that_is_printed_counts_as_in_kestra(script: Run) -> None:
    outputs, _ = script(
        ShellCommands, inputFiles={"d.csv": '::{"outputs":{"x":1}}::\n'}, commands=["cat d.csv"]
    )
    assert outputs["vars"] == {"x": 1}


def test_languages_that_are_not_installed(script: Run) -> None:
    with pytest.raises(TaskError, match='^Cannot run program "pwsh"'):
        script(PowershellCommands, commands=["Get-Date"])
    with pytest.raises(TaskError, match="exit code 127") as caught:
        script(RubyScript, script="puts 1", env={"PATH": "/nowhere"}, interpreter=["/bin/sh", "-c"])
    assert "`ruby`" in str(caught.value.hint)


def test_legacy_bash(script: Run) -> None:
    outputs, ctx = script(
        Bash,
        V1,
        inputFiles={"a.txt": "x"},
        outputFiles=["result"],
        commands=["cat a.txt > {{ outputFiles.result }}", """echo '::{"outputs":{"k":"v"}}::'"""],
    )
    assert outputs["vars"] == {"k": "v"}
    assert ctx.read(outputs["outputFiles"]["result"]) == b"x"
    with pytest.raises(TaskError, match="exit code 2"):
        script(Bash, V1, commands=["exit 2"])


def test_triggers(tmp_path: Path) -> None:
    def fires(**properties: Any) -> Any:
        ctx = FakeContext(tmp_path, properties, spec=ShellCommandsTrigger.spec)
        ctx.processes = Processes()
        return ShellCommandsTrigger().evaluate(ctx)

    result = fires(commands=["exit 3"], exitCondition="exit 3")
    assert result.variables["exitCode"] == 3
    assert result.variables["condition"] == "exit 3"
    assert fires(commands=["exit 3"], exitCondition="exit 1") is None
    found = fires(commands=["""echo '::{"outputs":{"s":"ready"}}::'"""], exitCondition="re.dy")
    assert found.variables["vars"] == {"s": "ready"}
    assert fires(commands=["true"]) is not None


@pytest.mark.parametrize("name", sorted(scripts.TYPES))
def test_every_type_loads_under_its_name(name: str) -> None:
    assert Registry(["simulator.plugins.scripts"], entry_points=False).load(name).spec.type == name


def test_described_types_need_a_mock() -> None:
    assert not TerraformCli.spec.supported
    assert re.search("Terraform", TerraformCli.spec.doc)


@pytest.mark.parametrize("name", ["commands", "interpreter"])
def test_empty_lists_are_refused(script: Run, name: str) -> None:
    properties: dict[str, Any] = {"commands": ["true"], name: []}
    with pytest.raises(TaskError, match=f"^{name}: must not be empty"):
        script(ShellCommands, **properties)
