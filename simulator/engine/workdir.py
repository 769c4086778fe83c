"""Working directories and the files that go in and out of them (storage.md 4).

One folder per task run, mode 0700, made on first use and removed after the task (after the whole WorkingDirectory for
its children). What a task writes outside of it is its own affair; what we write never leaves it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from simulator.engine.files import Files
from simulator.errors import StorageError, TaskError
from simulator.storage.base import StorageContext
from simulator.storage.globs import match_working_dir, namespace_matcher
from simulator.storage.ids import id_from

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel

__all__ = ["WorkDir"]

_SCHEMES = ("kestra://", "file://", "nsfile://")
_CHUNK = 1 << 20


def stored_name(path: Path) -> str:
    """Kestra's name of a collected output file: `<IdUtils.from(absolute path)>-<basename>` (storage.md 1.1)."""
    return f"{id_from(str(path))}-{path.name}"


class WorkDir:
    """A lazily made folder."""

    def __init__(self, kernel: Kernel, name: str) -> None:
        self._kernel = kernel
        self._name = name
        self._path: Path | None = None

    @property
    def made(self) -> bool:
        return self._path is not None

    @property
    def path(self) -> Path:
        if self._path is None:
            root = self._kernel.settings.work_root
            if root is None:
                self._path = Path(tempfile.mkdtemp(prefix=f"{self._name}-"))
            else:
                root.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._path = root / self._name
                self._path.mkdir(mode=0o700)
            self._path = self._path.resolve()
        return self._path

    def resolve(self, name: str) -> Path:
        """A path inside; refuses to leave the folder."""
        target = (self.path / name.lstrip("/")).resolve()
        if not target.is_relative_to(self.path):
            raise StorageError(
                "The path to resolve must be a relative path inside the current working directory."
            )
        return target

    def write(self, name: str, content: str | bytes | IO[bytes]) -> Path:
        """Writes a file inside; a stream is copied piece by piece."""
        target = self.resolve(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, (str, bytes)):
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        else:
            with target.open("wb") as out:
                shutil.copyfileobj(content, out, _CHUNK)
        return target

    def input_files(self, files: Mapping[str, Any], source: Files) -> None:
        """Writes each entry: a URI is copied, anything else is the content; nulls are left out."""
        for name, content in files.items():
            if content is None:
                continue
            target = self.resolve(str(name))
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str) and content.startswith(_SCHEMES):
                with source.open(content) as stream, target.open("wb") as out:
                    shutil.copyfileobj(stream, out, _CHUNK)
            else:
                self.write(str(name), content if isinstance(content, (str, bytes)) else str(content))

    def output_files(self, patterns: Iterable[str], context: StorageContext) -> dict[str, str]:
        """Stores every regular file that matches: relative path -> URI. Symlinks are skipped. A stored file is gone from the
        folder (storage.md 2, `putFile(File)`)."""
        if self._path is None:
            return {}
        stored: dict[str, str] = {}
        for path in sorted(set(match_working_dir(self.path, patterns))):
            name = path.relative_to(self.path).as_posix()
            stored[name] = self._kernel.storage.put(context, path, stored_name(path))
            path.unlink(missing_ok=True)
        return stored

    def load_namespace_files(self, options: Any, flow_namespace: str, log: Any) -> int:
        """Copies namespace files by the rules of `namespaceFiles`; how many."""
        options = options or {}
        if options.get("enabled") is False:
            return 0
        namespaces = options.get("namespaces") or [flow_namespace]
        wanted = namespace_matcher(_list(options.get("include")), _list(options.get("exclude")))
        exists = str(options.get("ifExists") or "OVERWRITE")
        count = 0
        for namespace in namespaces:
            for name in self._kernel.namespace_files.list(namespace):
                if not wanted(name):
                    continue
                target = f"{namespace}/{name}" if options.get("folderPerNamespace") else name
                path = self.resolve(target)
                if path.exists():
                    if exists == "FAIL":
                        raise TaskError(f"File {target} already exist")
                    if exists == "IGNORE":
                        continue
                    if exists == "WARN":
                        log.warn(f"File {target} already exist")
                        continue
                    log.info(f"File {target} already exist, overwriting it")
                self.write(target, self._kernel.namespace_files.read(namespace, name))
                count += 1
        log.info("Loaded {} namespace files from '{}' in {}", count, ", ".join(namespaces), "PT0S")
        return count

    def remove(self) -> None:
        """Takes the folder away; never raises."""
        if self._path is not None:
            shutil.rmtree(self._path, ignore_errors=True)
            self._path = None


def _list(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
