"""Where bytes leave: a text sink behind the redactor, and an atomic file writer.

Every report is built on one of these; none opens a file or a stream by itself.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TextIO

from simulator.errors import StorageError

__all__ = [
    "Document",
    "Redacts",
    "Writer",
    "file_writer",
    "is_special",
    "stream_writer",
    "write_atomically",
]


class Redacts(Protocol):
    def redact(self, text: str) -> str: ...


Writer = Callable[[str], None]


class Document(str):
    """A text that masks itself: its syntax (script, style, JSON inside HTML) survives whatever a secret is.

    Hiding a secret `true` or `{` in the finished text would break the document it stands in.
    """

    __slots__ = ()

    def masked(self, redactor: Redacts) -> str:
        raise NotImplementedError


def stream_writer(stream: TextIO, redactor: Redacts | None, *, json: bool = False) -> Writer:
    """Writes whole pieces of text to a stream; with `json` each piece is a document (or line) and stays one."""

    def write(text: str) -> None:
        stream.write(_masked(text, redactor, json))
        stream.flush()

    return write


def file_writer(path: Path, redactor: Redacts | None, *, json: bool = False) -> Writer:
    """Replaces a file by the text, atomically; `json` as for `stream_writer`."""

    def write(text: str) -> None:
        write_atomically(path, _masked(text, redactor, json).encode())

    return write


def _masked(text: str, redactor: Redacts | None, json: bool) -> str:
    if redactor is None:
        return text
    if isinstance(text, Document):
        return text.masked(redactor)
    if json:
        from simulator.reports.masking import mask_json

        return mask_json(text, redactor)
    return redactor.redact(text)


def write_atomically(path: Path, content: bytes, mode: int = 0o644) -> None:
    """The whole content or the old file, whatever happens in between; a pipe or device (`/dev/stdout`) is written to, and
    a link stays one. Raises StorageError when it cannot be written."""
    try:
        _write(path, content, mode)
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror}", hint="is the disk full, or the place read-only?"
        ) from None


def is_special(path: Path) -> bool:
    """Whether a path is a pipe, a device or a socket: replacing `/dev/null` by a file would break the machine."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _write(path: Path, content: bytes, mode: int) -> None:
    path = path.resolve()
    if is_special(path):
        path.write_bytes(content)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
