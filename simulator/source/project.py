"""What lies in a folder: flows, test suites, side files, namespace files.

    for found in Project(Path.cwd()).flows():
        found.path, found.namespace, found.id

Files are told apart by their top-level keys, read from the text without parsing YAML: a flow with a syntax error is
still found (and `check` says what is wrong with it). Hidden folders, environments and build output are left out;
symbolic links to folders are not followed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

__all__ = ["FoundFlow", "FoundSuite", "Project", "is_side_file", "kind_of", "owner_of", "side_file"]

_ENDINGS = (".yml", ".yaml")
_SIDE = (".sim.yml", ".sim.yaml")
_SKIPPED = frozenset(
    {"node_modules", "__pycache__", "venv", "env", "build", "dist", "site-packages", "target"}
)
_MAX_BYTES = 4 * 1024 * 1024
_KEY = re.compile(
    r"^[\"']?(id|namespace|tasks|testCases|flowId|charts|type)[\"']?[ \t]*:[ \t]*(.*?)[ \t]*\r?$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, order=True)
class FoundFlow:
    """A file that looks like a flow. `path` is relative to the working directory where that is shorter."""

    path: Path
    namespace: str
    id: str

    @property
    def side_file(self) -> Path:
        """Where its side file would be."""
        return side_file(self.path)


@dataclass(frozen=True, slots=True, order=True)
class FoundSuite:
    """A file that looks like a test suite of a flow."""

    path: Path
    namespace: str
    id: str
    flow_id: str


def side_file(flow_file: Path) -> Path:
    """`a/b.yml` -> `a/b.sim.yml`."""
    return flow_file.with_name(f"{flow_file.stem}.sim.yml")


def is_side_file(path: Path) -> bool:
    return path.name.endswith(_SIDE)


def owner_of(path: Path) -> Path:
    """The flow or suite that a side file belongs to; the path itself when it is none, or stands alone."""
    if is_side_file(path):
        stem = path.stem.removesuffix(".sim")
        for ending in _ENDINGS:
            if (owner := path.with_name(stem + ending)).is_file():
                return owner
    return path


def kind_of(text: str) -> tuple[str | None, dict[str, str]]:
    """`flow`, `suite` or None, and the top-level values that say so.

    >>> kind_of("id: a\\nnamespace: b\\ntasks:\\n- id: x\\n")[0]
    'flow'
    """
    keys: dict[str, str] = {}
    for match in _KEY.finditer(text):
        keys.setdefault(match[1], _plain(match[2]))
    if "testCases" in keys:
        return "suite", keys
    if "tasks" in keys and ("id" in keys or "namespace" in keys):
        return "flow", keys
    return None, keys


def _plain(written: str) -> str:
    """A scalar of one line without its quotes or comment."""
    text = written.strip()
    if text[:1] in ("'", '"'):
        end = text.find(text[0], 1)
        return text[1:end] if end > 0 else text[1:]
    return re.split(r"\s#", text, maxsplit=1)[0].strip()


class Project:
    """The files below one or more folders (or single files). Reads each file once, when first asked."""

    def __init__(self, root: Path | Iterable[Path]) -> None:
        self.roots = (root,) if isinstance(root, Path) else tuple(root)

    def flows(self) -> list[FoundFlow]:
        """Flows, by path."""
        return self._found[0]

    def suites(self) -> list[FoundSuite]:
        """Test suites, by path."""
        return self._found[1]

    def flow(self, namespace: str, flow_id: str) -> FoundFlow | None:
        """The flow of that name, the first one by path when several files hold it."""
        return next(
            (item for item in self.flows() if (item.namespace, item.id) == (namespace, flow_id)), None
        )

    def suites_of(self, flow: FoundFlow) -> list[FoundSuite]:
        return [
            suite for suite in self.suites() if (suite.namespace, suite.flow_id) == (flow.namespace, flow.id)
        ]

    @cached_property
    def _found(self) -> tuple[list[FoundFlow], list[FoundSuite]]:
        flows: list[FoundFlow] = []
        suites: list[FoundSuite] = []
        for path in sorted(set(self.files())):
            text = _read(path)
            if text is None:
                continue
            kind, keys = kind_of(text)
            if kind == "flow":
                flows.append(FoundFlow(path, keys.get("namespace", ""), keys.get("id", "")))
            elif kind == "suite":
                suites.append(
                    FoundSuite(path, keys.get("namespace", ""), keys.get("id", ""), keys.get("flowId", ""))
                )
        return flows, suites

    def files(self) -> Iterator[Path]:
        """Every YAML file that is no side file."""
        for root in self.roots:
            if root.is_file():
                yield _short(root)
            else:
                yield from _walk(root)


def _walk(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        names[:] = [
            name
            for name in names
            if not name.startswith(".")
            and name not in _SKIPPED
            and not (Path(folder) / name / "pyvenv.cfg").exists()
        ]
        for name in files:
            if name.endswith(_ENDINGS) and not name.endswith(_SIDE) and not name.startswith("."):
                yield _short(Path(folder) / name)


def _short(path: Path) -> Path:
    """Relative to the working directory when it lies below it."""
    try:
        return path.absolute().relative_to(Path.cwd())
    except ValueError:
        return path


def _read(path: Path) -> str | None:
    try:
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            return None
        return path.read_text("utf-8-sig", errors="replace")
    except OSError:
        return None
