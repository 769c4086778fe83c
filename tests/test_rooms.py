"""The direction of imports: a newcomer knows from a file's path what it may touch.

Reads every import statement (also those inside functions) and fails on an arrow that is not drawn here.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "simulator"

#: what every room may use
BASE = {"diagnostics", "errors", "dialect", "interrupts", "values", "_version"}

#: room -> what else it may import: a room, or one module of it
ARROWS: dict[str, set[str]] = {
    "source": set(),
    "expressions": {"storage.ion"},  # the ion filters read and write the format that storage keeps
    "secrets": set(),
    "doubles": set(),
    "storage": set(),
    "model": {"source", "expressions"},
    "engine": {"source", "model", "expressions", "storage", "secrets.redact", "plugins.registry"},
    "plugins": {
        "engine.task",
        "engine.execution",
        "expressions.java.json_errors",  # what Jackson says of a text that is no JSON: data, the same in every room
        "model.catalog",
        "model.flow",
        "storage",
    },
    "migrate": {"source", "model", "expressions", "plugins.registry"},
    "reports": {"engine.events", "engine.execution", "engine.jsonform", "model", "secrets.redact", "source"},
}

#: modules at the top of the house: they compose, so they may import every room
TOP = {
    "__init__",
    "__main__",
    "api",
    "cli",
    "remote",
    "session",
    "testing",
    "world",
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.lineno, node.module
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def allowed(room: str, target: str) -> bool:
    """`target` is a dotted name below `simulator`."""
    first = target.split(".")[0]
    if room in TOP or first in BASE or first == room:
        return True
    return any(target == arrow or target.startswith(arrow + ".") for arrow in ARROWS.get(room, ()))


def test_every_module_belongs_to_a_room() -> None:
    known = BASE | TOP | set(ARROWS)
    strangers = sorted({room_of(path) for path in modules()} - known)
    assert strangers == []


@pytest.mark.parametrize("room", sorted(ARROWS))
def test_arrows(room: str) -> None:
    wrong = [
        f"{path.relative_to(PACKAGE.parent)}:{line} imports {name}"
        for path in modules()
        if room_of(path) == room
        for line, name in imported(path)
        if name.startswith("simulator.") and not allowed(room, name.removeprefix("simulator."))
    ]
    assert wrong == []


def test_the_base_imports_no_room() -> None:
    for name in BASE:
        for line, target in imported(PACKAGE / f"{name}.py"):
            if target.startswith("simulator."):
                assert target.split(".")[1] in BASE, f"{name}.py:{line} imports {target}"


def test_an_arrow_that_is_not_drawn_is_found() -> None:
    assert not allowed("plugins", "doubles.postgres")
    assert not allowed("engine", "plugins.core.log")
    assert not allowed("reports", "engine.executor")
    assert allowed("plugins", "engine.task")


def test_every_package_has_its_page() -> None:
    rooms = [room for room in ARROWS if (PACKAGE / room).is_dir()] + ["testing", "cli", "remote", "world"]
    missing = [room for room in rooms if not (PACKAGE / room / "README.md").exists()]
    assert missing == []
