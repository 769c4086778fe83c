"""Cases on disk -> `Case` objects. The format is described beside the cases (FORMAT.md).

A folder is walked: a YAML file that holds a list is a file of expression cases, one that holds a map with `flows` is a
flow case. Everything below a folder named `src` is test data. A file that is neither is reported, never skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

__all__ = ["Case", "Result", "load"]


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Case:
    """One case of one file. `kind` is "expression", "flow" or "broken" (then `problem` says why)."""

    id: str
    kind: str
    data: Mapping[str, Any]
    path: Path
    problem: str | None = None

    @property
    def versions(self) -> tuple[str, ...]:
        found = self.data.get("kestra")
        return tuple(map(str, found)) if isinstance(found, list) and found else ()

    @property
    def features(self) -> tuple[str, ...]:
        return tuple(map(str, self.data.get("features") or ("(none)",)))

    def mentions(self, word: str) -> bool:
        """Does `-k WORD` pick it: in its id, its features or its file name."""
        return word in self.id or word in self.path.name or any(word in feature for feature in self.features)


@dataclass(frozen=True)
class Result:
    """A case run in one version. `reason` says why it failed; it is empty when it passed."""

    id: str
    kestra: str
    passed: bool
    reason: str = ""
    expected: str = ""
    actual: str = ""
    features: tuple[str, ...] = field(default=())


def load(folder: Path) -> Iterator[Case]:
    """All cases below a folder (or in one file), in the order of their paths."""
    paths = [folder] if folder.is_file() else sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")])
    for path in paths:
        relative = path.relative_to(folder) if path != folder else Path(path.name)
        if "src" not in relative.parts[:-1]:
            yield from _file(path)


def _file(path: Path) -> Iterator[Case]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        yield Case(path.stem, "broken", {}, path, f"the file cannot be read: {type(error).__name__}")
        return
    if isinstance(content, Mapping) and "flows" in content:
        yield Case(str(content.get("id", path.stem)), "flow", content, path)
    elif isinstance(content, list):
        for index, item in enumerate(content):
            if isinstance(item, Mapping) and "template" in item:
                yield Case(str(item.get("id", f"{path.stem}[{index}]")), "expression", item, path)
            else:
                yield Case(f"{path.stem}[{index}]", "broken", {}, path, "an item that is no case")
    else:
        yield Case(path.stem, "broken", {}, path, "neither a flow case nor a list of expression cases")
