"""The package of the page "add a task type in ten minutes": what the page shows is what is tested here."""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.dialect import V2
from simulator.errors import TaskError
from simulator.plugins.registry import Registry
from tests.plugins.fake_context import FakeContext

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "simulator/plugins/README.md"
TYPE = "com.example.greetings.Greet"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package as an installer leaves it: its module and the entry points of its pyproject.toml."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
    info = tmp_path / f"kestra_greetings-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in points.items())
        for group, points in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    (tmp_path / "kestra_greetings.py").write_text((HERE / "kestra_greetings.py").read_text())
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("kestra_greetings", None)


def test_the_type_is_found_by_its_entry_point(installed: None, tmp_path: Path) -> None:
    registry = Registry()
    spec = registry.spec(TYPE, V2)
    assert spec is not None
    assert spec.type == TYPE
    plugin = registry.load(TYPE)
    assert plugin is not None
    ctx = FakeContext(tmp_path, {"names": ["Ada", "{{ flow.id }}"]}, spec=spec)
    outputs = plugin().run(ctx).outputs
    assert outputs["count"] == 2
    assert ctx.read(outputs["uri"]) == b"Hello, Ada!\nHello, my_flow!\n"
    assert ctx.metrics == [("greetings", 2, "counter", {})]
    with pytest.raises(TaskError, match="nobody to greet"):
        plugin().run(FakeContext(tmp_path, {"names": []}, spec=spec))


def test_without_the_package_the_type_is_unknown() -> None:
    assert Registry().load(TYPE) is None


def test_the_page_shows_this_package() -> None:
    page = PAGE.read_text(encoding="utf-8")
    module = (HERE / "kestra_greetings.py").read_text(encoding="utf-8")
    assert f"```python\n{module}```" in page
    points = (
        (HERE / "pyproject.toml")
        .read_text(encoding="utf-8")
        .partition('[project.entry-points."simulator.tasks"]')
    )
    assert (points[1] + points[2].partition("\n\n")[0]).strip() in page
