"""Installations of scripts do not change the machine."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.plugins.scripts.guard import InstallGuard
from simulator.plugins.scripts.languages import ShellCommands
from simulator.plugins.scripts.python import PythonScript
from tests.plugins.fake_context import FakeContext

Run = Callable[..., tuple[Any, FakeContext]]


def made_package(folder: Path) -> Path:
    """A source tree that pip can install without any index."""
    (folder / "made_up").mkdir(parents=True)
    (folder / "made_up" / "__init__.py").write_text("value = 42\n")
    (folder / "pyproject.toml").write_text(
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
        "[project]\nname = 'made-up'\nversion = '1'\n"
    )
    (folder / "backend.py").write_text(
        "import zipfile\n"
        "def build_wheel(folder, config_settings=None, metadata_directory=None):\n"
        "    name = 'made_up-1-py3-none-any.whl'\n"
        "    with zipfile.ZipFile(folder + '/' + name, 'w') as wheel:\n"
        "        wheel.writestr('made_up/__init__.py', 'value = 42\\n')\n"
        "        wheel.writestr('made_up-1.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: made-up\\nVersion: 1\\n')\n"
        "        wheel.writestr('made_up-1.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n"
        "        wheel.writestr('made_up-1.dist-info/RECORD', '')\n"
        "    return name\n"
    )
    return folder


@pytest.mark.slow
def test_pip_installs_for_the_run_only(script: Run, tmp_path: Path) -> None:
    package = made_package(tmp_path / "source")
    _, ctx = script(
        PythonScript,
        beforeCommands=[f"python3 -m pip install --quiet --no-index --no-build-isolation {package}"],
        script="import made_up\nprint('value', made_up.value, made_up.__file__)",
    )
    (said,) = [text for text in ctx.logger.messages("INFO") if text.startswith("value 42")]
    place = Path(said.split()[-1])
    assert "simulate-install-" in str(place)
    assert not place.exists()


def test_package_managers_are_not_run(script: Run) -> None:
    outputs, ctx = script(
        ShellCommands,
        beforeCommands=["apt-get update && apt-get install -y surely-not-a-package"],
        commands=["echo done"],
    )
    assert outputs["exitCode"] == 0
    assert "done" in ctx.logger.messages("INFO")
    assert (
        ctx.logger.messages("WARN")
        == ["`apt-get` is not run on this machine: the programs that it installs must be there already"] * 2
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("echo pipe | pipeline", set()),
        ("echo adapt apt", set()),
        ("pip install x", {"PIP_TARGET"}),
        ("python -m venv v && . v/bin/activate && pip install x", set()),
    ],
)
def test_only_where_something_is_installed(text: str, names: set[str]) -> None:
    with InstallGuard(text) as guard:
        env = guard.environment({"PATH": "/bin"})
    assert {name for name in env if name == "PIP_TARGET"} == names
    assert bool(names) == (env["PATH"] != "/bin")
    assert shutil.which("sh", path=env["PATH"])
