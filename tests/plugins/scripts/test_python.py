"""Python and Node tasks: the interpreter, the `kestra` module, dependencies."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1
from simulator.errors import TaskError
from simulator.plugins.scripts import python as module
from simulator.plugins.scripts.languages import NodeScript, ShellCommands
from simulator.plugins.scripts.python import PythonCommands, PythonScript
from tests.plugins.fake_context import FakeContext

Run = Callable[..., tuple[Any, FakeContext]]


def test_a_script_with_the_helper_package(script: Run) -> None:
    outputs, ctx = script(
        PythonScript,
        script=(
            "from kestra import Kestra\n"
            "Kestra.outputs({'a': 1, 'é': None})\n"
            "Kestra.counter('rows', 3, {'t': 'x'})\n"
            "Kestra.timer('took', 0.5)\n"
            "Kestra.gauge('g', 7)\n"
            "log = Kestra.logger()\n"
            "log.warning('careful')\n"
            "log.debug('detail')\n"
            "print('plain', true, null)\n"
        ),
    )
    assert outputs["vars"] == {"a": 1, "é": None}
    assert ctx.metrics == [
        ("rows", 3, "counter", {"t": "x"}),
        ("took", 0.5, "timer", {}),
        ("g", 7, "gauge", {}),
    ]
    assert any(text.endswith(" - careful") for text in ctx.logger.messages("WARN"))
    assert any(text.endswith(" - detail") for text in ctx.logger.messages("DEBUG"))
    assert "plain True None" in ctx.logger.messages("INFO")


def test_an_exception_fails_the_task_with_its_traceback(script: Run) -> None:
    with pytest.raises(TaskError, match="^Command failed with exit code 1$"):
        script(PythonScript, script="raise ValueError('no')")


def test_traceback_lines_count_three_more(script: Run, tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path, {"script": "1/0"}, spec=PythonScript.spec)
    from simulator.engine.processes import Processes

    ctx.processes = Processes()
    with pytest.raises(TaskError):
        PythonScript().run(ctx)
    assert any(", line 4, in <module>" in text for text in ctx.logger.messages("ERROR"))


def test_environment(script: Run) -> None:
    outputs, _ = script(
        PythonScript,
        env={"NAME": "x"},
        script=(
            "import json, os\n"
            "keep = ('NAME', 'PYTHONUNBUFFERED', 'PIP_ROOT_USER_ACTION', 'PIP_DISABLE_PIP_VERSION_CHECK', 'WORKING_DIR')\n"
            "print('::' + json.dumps({'outputs': {k: os.environ.get(k) for k in keep}}) + '::')\n"
        ),
    )
    working_dir = outputs["vars"].pop("WORKING_DIR")
    assert Path(working_dir).name == "work"
    assert outputs["vars"] == {
        "NAME": "x",
        "PYTHONUNBUFFERED": "true",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def test_text_that_still_holds_an_expression_is_not_evaluated_twice(script: Run) -> None:
    _, ctx = script(
        PythonScript,
        variables={"outputs": {"page": "{{ flow.id }}"}},
        script="print('''{{ outputs.page }}''')",
    )
    assert "{{ flow.id }}" in ctx.logger.messages("INFO")
    assert any("renders script files twice" in text for text in ctx.logger.messages("WARN"))


def test_commands_find_python_and_the_helper(script: Run) -> None:
    outputs, _ = script(
        PythonCommands,
        inputFiles={"main.py": "from kestra import Kestra\nKestra.outputs({'ok': True})\n"},
        commands=["python main.py"],
    )
    assert outputs["vars"] == {"ok": True}


def test_a_machine_without_python_on_path(script: Run, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "cat", "dirname"):
        (tools / name).symlink_to(str(shutil.which(name)))
    outputs, _ = script(
        PythonScript,
        env={"PATH": str(tools)},
        script="import sys, json\nprint('::' + json.dumps({'outputs': {'v': sys.prefix}}) + '::')",
    )
    assert outputs["vars"]["v"] == sys.prefix


def test_a_virtual_environment_of_before_commands_wins(script: Run, tmp_path: Path) -> None:
    fake = tmp_path / "venv" / "bin"
    fake.mkdir(parents=True)
    (fake / "python").write_text("#!/bin/sh\necho from-venv\n")
    (fake / "python").chmod(0o755)
    _, ctx = script(
        PythonScript, beforeCommands=[f"export VIRTUAL_ENV={fake.parent}"], script="print('plain')"
    )
    assert "from-venv" in ctx.logger.messages("INFO")


def test_dependencies_that_are_there_are_not_installed(script: Run) -> None:
    _, ctx = script(PythonScript, dependencies=["pip"], script="print('ok')")
    assert "ok" in ctx.logger.messages("INFO")
    assert not any("Installing" in text for text in ctx.logger.messages())


def test_dependencies_are_installed_once(
    script: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    installed: list[list[str]] = []

    def fake(ctx: Any, interpreter: str, wanted: list[str], target: Path) -> None:
        installed.append(wanted)
        (target / "made_up_package.py").write_text("value = 42\n")

    monkeypatch.setattr(module, "_run_installer", fake)
    for _ in range(2):
        outputs, ctx = script(
            PythonScript,
            dependencies=["made-up-package-of-this-test"],
            script="import made_up_package\nprint('value', made_up_package.value)",
        )
        assert "value 42" in ctx.logger.messages("INFO")
    assert installed == [["made-up-package-of-this-test"]]
    assert ctx.metrics == [("deps.cache.download.duration", 0.0, "timer", {})]


@pytest.mark.slow
def test_a_failing_installation_says_why(
    script: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(TaskError, match="^Failed to install Python dependencies: "):
        script(PythonScript, dependencies=["surely-no-such-package"], packageManager="PIP", script="print(1)")
    assert [path.name for path in (tmp_path / "cache" / "kestra-simulator" / "python").iterdir()] == []


def test_an_unknown_python_version_warns(script: Run) -> None:
    _, ctx = script(PythonScript, pythonVersion="9.9", script="print(1)")
    assert any("Python 9.9 is not installed" in text for text in ctx.logger.messages("WARN"))


def test_images_with_python_bring_the_helper_to_shell_tasks(script: Run) -> None:
    command = "python3 -c 'from kestra import Kestra; Kestra.outputs({\"a\": 1})'"
    outputs, _ = script(ShellCommands, containerImage="ghcr.io/kestra-io/pydata:latest", commands=[command])
    assert outputs["vars"] == {"a": 1}


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_node_with_the_helper_library(script: Run) -> None:
    outputs, ctx = script(
        NodeScript,
        V1,
        script=(
            "const Kestra = require('@kestra-io/libs');\n"
            "Kestra.outputs({a: [1, 'x']});\nKestra.counter('c', 2);\nKestra.logger.warn('careful');\nconsole.log('hi');\n"
        ),
    )
    assert outputs["vars"] == {"a": [1, "x"]}
    assert ctx.metrics == [("c", 2, "counter", {})]
    assert "careful" in ctx.logger.messages("WARN")
    assert "hi" in ctx.logger.messages("INFO")
