"""Reading what a URI names, for expressions and task runs: kestra://, nsfile://, file:// (storage.md 1.3).

`file://` is allowed inside the working directory and under the configured paths only.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote, urlsplit

from simulator.errors import StorageError

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel

__all__ = ["Files"]

_SCHEMES = ("kestra", "file", "nsfile")


class Files:
    """expressions.scope.FileService, and `open` for task runs. `namespace` is the flow's."""

    def __init__(self, kernel: Kernel, namespace: str, execution_id: str, working_dir: Path | None) -> None:
        self._kernel = kernel
        self._namespace = namespace
        self._execution_id = execution_id
        self._working_dir = working_dir

    def open(self, uri: str) -> BinaryIO:
        """Opens for reading. Raises StorageError with Kestra's text."""
        scheme = uri.partition("://")[0] if "://" in uri else ""
        if scheme == "kestra":
            return self._kernel.storage.open(uri)
        if scheme == "nsfile":
            namespace, path = self._namespace_path(uri)
            return io.BytesIO(self._kernel.namespace_files.read(namespace, path))
        if scheme == "file":
            return self._local(uri).open("rb")
        if not scheme:
            raise StorageError(f"Invalid internal storage uri, got uri '{uri}'")
        raise StorageError(f"Scheme not supported: {scheme}. Supported schemes are: [kestra, file, nsfile]")

    def read(self, uri: str, *, namespace: str | None = None, version: int | None = None) -> bytes:
        if "://" not in uri:
            return self._kernel.namespace_files.read(namespace or self._namespace, uri, version)
        with self.open(uri) as stream:
            return stream.read()

    def exists(self, uri: str, *, namespace: str | None = None) -> bool:
        if "://" not in uri:
            return self._kernel.namespace_files.exists(namespace or self._namespace, uri)
        if uri.startswith("nsfile://"):
            return self._kernel.namespace_files.exists(*self._namespace_path(uri))
        if uri.startswith("file://"):
            return self._local(uri).is_file()
        return self._kernel.storage.exists(uri)

    def size(self, uri: str, *, namespace: str | None = None) -> int:
        if uri.startswith("kestra://"):
            return self._kernel.storage.info(uri).size
        if uri.startswith("file://"):
            return self._local(uri).stat().st_size
        return len(self.read(uri, namespace=namespace))

    def namespace_file_uri(self, path: str, namespace: str, version: int | None = None) -> str:
        return self._kernel.namespace_files.uri(namespace, path, version)

    def _namespace_path(self, uri: str) -> tuple[str, str]:
        rest = uri.removeprefix("nsfile://")
        namespace, _, path = rest.partition("/")
        return namespace or self._namespace, unquote(path)

    def _local(self, uri: str) -> Path:
        path = Path(unquote(urlsplit(uri).path)).resolve()
        roots = [*self._kernel.settings.allowed_paths]
        if self._working_dir is not None:
            roots.append(self._working_dir)
        if not any(path.is_relative_to(root.resolve()) for root in roots):
            raise StorageError(
                f"The path {path} is not authorized. Only files inside the working directory are allowed by default, "
                "other paths must be allowed either globally inside the Kestra configuration using the "
                "`kestra.local-files.allowed-paths` property, or by plugin using the `allowed-paths` plugin configuration."
            )
        if not path.is_file():
            raise StorageError(f"{path} (No such file or directory)")
        return path
