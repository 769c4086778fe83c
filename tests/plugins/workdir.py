"""Files of a working directory: `inputFiles`, `outputFiles`, `namespaceFiles` (storage.md 4), as functions on a folder.

The plugin tests' context calls these; rendering is the caller's.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from simulator.errors import StorageError
from simulator.storage import guard
from simulator.storage.base import NamespaceFiles
from simulator.storage.globs import match_working_dir, namespace_matcher
from simulator.storage.ids import id_from, random_name
from simulator.storage.javalike import java_class

__all__ = [
    "collect_output_files",
    "load_namespace_files",
    "make_temp_file",
    "parse_input_files",
    "write_input_files",
]

_URI_SCHEMES = ("kestra://", "file://", "nsfile://")


def make_temp_file(root: Path, rng: random.Random, extension: str | None = ".tmp") -> Path:
    """A new empty file named as Kestra names them."""
    while True:
        path = root / random_name(rng, extension)
        try:
            path.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            continue
        return path


def parse_input_files(files: Any) -> dict[str, Any]:
    """`inputFiles` as a map: a map, or text that is a JSON object; null values dropped.

    Raises StorageError with Kestra's text for anything else.
    """
    if files is None:
        return {}
    if isinstance(files, str):
        import orjson

        try:
            files = orjson.loads(files)
        except ValueError as error:
            raise StorageError(f"Invalid `files` properties: {error}") from None
    if not isinstance(files, Mapping):
        raise StorageError(f"Invalid `files` properties with type '{java_class(files)}'")
    return {str(name): content for name, content in files.items() if content is not None}


def write_input_files(
    root: Path, files: Mapping[str, Any], open_uri: Callable[[str], BinaryIO]
) -> dict[str, Path]:
    """Writes files into `root`: a storage, namespace or local URI is copied in chunks, other text written as it is."""
    written = {}
    for name, content in files.items():
        path = guard.relative_inside(root, name.removeprefix("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        text = str(content)
        if text.strip().startswith(_URI_SCHEMES) and "\n" not in text.strip():
            with open_uri(text.strip()) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
        else:
            path.write_text(text, encoding="utf-8", errors="replace", newline="")
        written[name] = path
    return written


def collect_output_files(
    root: Path, patterns: Iterable[str], put_file: Callable[[Path, str], str]
) -> dict[str, str]:
    """Stores the files that match: path relative to `root` -> URI. The stored name is an id of the path and the name."""
    result = {}
    for path in list(match_working_dir(root, patterns)):
        relative = path.relative_to(root).as_posix()
        result[relative] = put_file(path, f"{id_from(str(path))}-{path.name}")
    return result


def load_namespace_files(
    root: Path,
    store: NamespaceFiles,
    namespaces: Sequence[str],
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    if_exists: str = "OVERWRITE",
    folder_per_namespace: bool = False,
    log: Callable[[str, str], None] = lambda level, message: None,
) -> int:
    """Copies namespace files into `root`; later namespaces overwrite earlier ones. How many were loaded.

    `if_exists`: OVERWRITE, FAIL (StorageError), WARN or IGNORE (both keep the old file).
    """
    matches = namespace_matcher(include, exclude)
    count = 0
    for namespace in namespaces:
        base = root / namespace if folder_per_namespace else root
        for name in store.list(namespace):
            if not matches(name):
                continue
            base.mkdir(parents=True, exist_ok=True)
            path = guard.relative_inside(base, name)
            if path.exists():
                if if_exists == "FAIL":
                    raise StorageError(f"File {path} already exist")
                if if_exists == "IGNORE":
                    continue
                if if_exists == "WARN":
                    log("WARN", f"File {path} already exist")
                    continue
                log("INFO", f"File {path} already exist, overwriting it")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(store.read(namespace, name))
            count += 1
    return count
