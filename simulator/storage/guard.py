"""The one gate that every path goes through: URI text to path segments, segments to a place inside a root.

Nothing else in the storage room joins a path that came from a flow. Messages are Kestra's (storage.md 1.3, 4, 5).
Both the raw text and its percent-decoded form are looked at, because the disk path is the decoded one.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote, unquote

from simulator.errors import StorageError

__all__ = [
    "SCHEME",
    "encode_name",
    "encode_path",
    "encode_segment",
    "inside",
    "namespace_path",
    "normalize",
    "open_path",
    "relative_inside",
    "segments",
]

SCHEME = "kestra"

PARENT = "File should be accessed with their full path and not using relative '..' path."
ESCAPE = "The path to resolve must be a relative path inside the current working directory."

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# What java.net.URI refuses in a path; everything above ASCII passes unless it is a control or a space.
_ILLEGAL = re.compile(r"[\x00-\x20\"<>\\^`{|}\x7f-\xa0]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def encode_path(path: str) -> str:
    """A path as it stands in a URI: every character that a URI cannot hold percent-encoded, slashes kept."""
    return quote(path, safe="/!$&'()*+,;=:@~-._", errors="surrogateescape")


def encode_segment(name: str) -> str:
    """A file name as one segment of a path, left as it is but for what a URI cannot hold there."""
    return "".join(
        quote(char, safe="") if char in "%?#/\\" or _ILLEGAL.match(char) else char for char in name
    )


def encode_name(name: str) -> str:
    """A name as 1.x encodes it: as a whole, so that `/` becomes `%2F` and a space `%20` (storage.md 1.1)."""
    return quote(name, safe="*", errors="surrogateescape").replace("~", "%7E")


def segments(uri: str | None) -> tuple[str, ...]:
    """The decoded path segments of a `kestra:///` URI.

    Raises StorageError with Kestra's text for no URI, no scheme, another scheme, an illegal URI or a path with `..`.
    """
    if uri is None:
        raise StorageError("Invalid internal storage uri, got null")
    scheme = _SCHEME.match(uri)
    if scheme is None:
        raise StorageError(f"Invalid internal storage uri, got uri '{uri}'")
    if scheme[1] != SCHEME:
        raise StorageError(f"Invalid internal storage scheme, got uri '{uri}'")
    rest = uri[scheme.end() :].partition("#")[0].partition("?")[0]
    if rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        if authority:
            raise StorageError(
                f"Invalid internal storage uri, got uri '{uri}'",
                hint="An internal storage URI has three slashes: kestra:///folder/file.",
            )
        rest = slash + path
    # A backslash gets the same answer as `..` when it hides one, so that is looked at before the URI grammar.
    _refuse_parents(rest)
    if (bad := _ILLEGAL.search(rest)) is not None:
        at = uri.index(rest) + bad.start() if rest in uri else bad.start()
        raise StorageError(f"Illegal character in path at index {at}: {uri}")
    if (bad := _BAD_ESCAPE.search(rest)) is not None:
        at = uri.index(rest) + bad.start() if rest in uri else bad.start()
        raise StorageError(f"Malformed escape pair at index {at}: {uri}")
    return split(unquote(rest, errors="surrogateescape"))


def split(path: str) -> tuple[str, ...]:
    """The segments of a decoded path; `.` and empty ones fall away, `..`, NUL and backslashes are refused."""
    _refuse_parents(path)
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    for part in parts:
        if "\0" in part or "\\" in part:
            raise StorageError(f"Invalid path: '{path.replace(chr(0), '<NUL>')}'")
    return parts


def _refuse_parents(path: str) -> None:
    """Refuses `..` as a segment, plain or percent-encoded (also twice), with slashes or backslashes."""
    for _ in range(3):
        if ".." in path and ".." in re.split(r"[/\\]", path):
            raise StorageError(PARENT)
        decoded = unquote(path)
        if decoded == path:
            return
        path = decoded


def inside(root: Path, parts: tuple[str, ...]) -> Path:
    """The place below `root`; refused when a symbolic link on the way leads out of it.

    `root` must be absolute and free of links itself (the caller resolves it once).
    """
    path = root.joinpath(*parts)
    try:
        resolved = path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise StorageError(f"Invalid path: '{'/'.join(parts)}'") from error
    if resolved != root and root not in resolved.parents:
        raise StorageError(PARENT)
    return path


def relative_inside(root: Path, relative: str, message: str = ESCAPE) -> Path:
    """A path that a flow gives relative to a directory (working directory, destination folders).

    A leading slash, `..`, NUL or a link that leaves `root` raise StorageError(message).
    """
    text = relative.replace("\\", "/")
    if "\0" in text or text.startswith("/") or ".." in text.split("/"):
        raise StorageError(message)
    root = root.resolve()
    path = root.joinpath(*(part for part in text.split("/") if part not in ("", ".")))
    try:
        resolved = path.resolve()
    except (OSError, RuntimeError) as error:
        raise StorageError(message) from error
    if resolved != root and root not in resolved.parents:
        raise StorageError(message)
    return path


def open_path(path: Path, roots: tuple[Path, ...]) -> Path:
    """A `file://` path, allowed only below one of `roots` after links are followed.

    Raises StorageError with the text of Kestra's SecurityException (storage.md 1.3).
    """
    try:
        resolved = path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise StorageError(f"Invalid path: '{path}'") from error
    for root in roots:
        base = root.resolve()
        if resolved == base or base in resolved.parents:
            return resolved
    raise StorageError(
        f"The path {path} is not authorized. Only files inside the working directory are allowed by default, "
        "other path must be allowed either globally inside the Kestra configuration using the "
        "`kestra.local-files.allowed-paths` property, or by plugin using the `allowed-paths` plugin configuration."
    )


def normalize(path: str) -> str:
    """A namespace file path without its leading run of `.` and `/` (storage.md 5), guarded; `a/b/c`."""
    text = path.replace("\\", "/")
    _refuse_parents(text)
    return "/".join(split(text.lstrip("./")))


_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def namespace_path(namespace: str) -> str:
    """`company.team` as a folder: `company/team`. Raises StorageError for what cannot be a namespace."""
    if _NAMESPACE.fullmatch(namespace) is None or ".." in namespace:
        raise StorageError(f"Invalid namespace: '{namespace}'")
    return namespace.replace(".", "/").strip("/")
