"""Flow files in and out: finding them, reading them with their line ends, writing them in one step."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from simulator.errors import InvalidFlowError, NotFoundError, StorageError, UsageError
from simulator.source.nodes import MapNode
from simulator.source.text import decode
from simulator.source.yaml import read_yaml

__all__ = ["find", "read", "write"]

_ENDINGS = (".yml", ".yaml")
_SKIPPED = frozenset({"node_modules", "venv", "__pycache__", "site-packages"})
_FLOW_KEYS = ("id", "namespace", "tasks")


def find(paths: Iterable[Path]) -> Iterator[Path]:
    """The files named, and the flows in the folders named (hidden folders are passed over).

    Raises NotFoundError for a path that does not exist.
    """
    seen: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise NotFoundError(f"{path} does not exist")
        found = (file for file in sorted(_files(path)) if _is_flow(file)) if path.is_dir() else iter([path])
        for file in found:
            if file.resolve() not in seen:
                seen.add(file.resolve())
                yield file


def _files(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
        yield from (Path(root) / name for name in names if name.endswith(_ENDINGS))


def _is_flow(path: Path) -> bool:
    """A map with id, namespace and tasks. Only a file that may be one is parsed."""
    try:
        text = read(path)
        if not all(f"{key}" in text for key in _FLOW_KEYS):
            return False
        root = read_yaml(text, str(path))
    except (InvalidFlowError, StorageError):
        return False
    return isinstance(root, MapNode) and all(key in root for key in _FLOW_KEYS)


def read(path: Path) -> str:
    """The text of a file: line ends as they are, a byte order mark as its first character.

    Raises StorageError when it cannot be read, InvalidFlowError when it is no text.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return decode(data, str(path))


def write(path: Path, text: str) -> None:
    """Replaces a file in one step: a reader sees the old or the new text; the mode stays, links stay links.

    Raises UsageError for a file that is not UTF-8, StorageError when it cannot be written.
    """
    target = path.resolve()
    try:
        target.read_bytes().decode("utf-8")
        mode = target.stat().st_mode & 0o7777
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8: only such files are rewritten") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(target)
    except OSError as error:
        with suppress(OSError):
            Path(name).unlink()
        raise StorageError(f"{path} cannot be written: {error.strerror}") from None
