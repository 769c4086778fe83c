"""`fs.local.*`: files of this machine, below the folders that are allowed (fs-and-others.md 9).

Kestra's tasks need the plugin configuration `allowed-paths`. Here `config: allowed_paths:` of the side file holds it;
without it every task fails as it does there. A path is compared after all symbolic links are followed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError, UnsupportedError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec

__all__ = ["Copy", "Delete", "Download", "Downloads", "List", "Move", "Upload", "Uploads"]

_FROM = PropertySpec("from", required=True)
_OVERWRITE_ON = PropertySpec("overwrite", T.BOOLEAN, default=True)
_OVERWRITE_OFF = PropertySpec("overwrite", T.BOOLEAN, default=False)
_REGEXP = PropertySpec("regExp")
_RECURSIVE = PropertySpec("recursive", T.BOOLEAN, default=False)
_MAX_FILES = PropertySpec("maxFiles", T.INTEGER, default=25)
_FILES = OutputSpec("files", T.LIST)


def allowed(ctx: RunContext, text: str) -> Path:
    """The real path of `text`. Raises TaskError with the plugin's texts outside the allowed folders."""
    folders = [folder.resolve() for folder in ctx.allowed_paths]
    if not folders:
        raise TaskError(
            "The 'allowed-paths' configuration is required to enable access to the local filesystem. "
            "Please set it in the plugin configuration.",
            hint="list the folders that flows may touch in the side file: `config: {allowed_paths: [/data]}`",
        )
    plain = text.removeprefix("file://")
    if "\0" in plain:
        raise TaskError(f"Access to path '{text}' is denied.")
    path = Path(plain)
    # The last part may be a link that is to be moved or deleted itself: only its folder is followed then.
    real = path.resolve()
    if not any(real == folder or real.is_relative_to(folder) for folder in folders):
        raise TaskError(
            f"Access to path '{plain}' is denied. Ensure that the path is within the configured 'allowed-paths'.",
            hint=f"the configuration allows {', '.join(map(str, folders))}",
        )
    return real


def describe(path: Path) -> dict[str, Any]:
    """One file as the outputs show it."""
    facts = path.stat()

    def moment(seconds: float) -> str:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat().replace("+00:00", "Z")

    return {
        "uri": path.as_uri(),
        "localPath": str(path),
        "name": path.name,
        "parent": str(path.parent),
        "size": facts.st_size,
        "createdDate": moment(facts.st_ctime),
        "modifiedDate": moment(facts.st_mtime),
        "accessedDate": moment(facts.st_atime),
        "directory": path.is_dir(),
    }


def found(ctx: RunContext, folder: Path, *, files_only: bool) -> list[Path]:
    """The entries of a folder that fit `regExp` (matched against the whole path), sorted by path."""
    if not folder.is_dir():
        raise TaskError(f"'{folder}' is not a directory")
    entries = folder.rglob("*") if ctx.get("recursive", False) else folder.iterdir()
    pattern = ctx.get("regExp")
    try:
        regex = re.compile(str(pattern)) if pattern else None
    except re.error as error:
        raise TaskError(f"Invalid regExp: {error}") from None
    chosen = [
        path
        for path in sorted(entries)
        if not path.is_symlink()
        and (not files_only or path.is_file())
        and (regex is None or regex.fullmatch(str(path)))
    ]
    limit = int(ctx.get("maxFiles", 25))
    if len(chosen) > limit:
        ctx.logger.warn("Too many files to process ({}), limiting to {}", len(chosen), limit)
    return chosen[:limit]


def _no_overwrite(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise TaskError(
            f"File '{path}' already exists and cannot be overwritten. Set `overwrite: true` to replace it."
        )


def _write(ctx: RunContext, uri: str, target: Path) -> int:
    """A storage file to a path, through a neighbour so that nobody sees half of it."""
    if not uri.startswith("kestra://"):
        raise TaskError("'from' must be a Kestra's internal storage URI")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    try:
        with ctx.open_uri(uri) as source, part.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size


def _guarded(action: Callable[[], TaskResult]) -> TaskResult:
    try:
        return action()
    except OSError as error:
        raise TaskError(f"{error.filename or ''}: {error.strerror}".lstrip(": ")) from None


def _store(ctx: RunContext, path: Path) -> str:
    copy = ctx.temp_file(path.suffix or ".tmp")
    shutil.copyfile(path, copy)
    return ctx.put_file(copy, path.name)


class Upload:
    """A storage file to a path of this machine."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.fs.local.Upload",
        properties=(PropertySpec("from", T.URI, required=True), PropertySpec("to"), _OVERWRITE_ON),
        outputs=(OutputSpec("uri", T.URI), OutputSpec("size", T.INTEGER)),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        source = str(ctx.get("from"))
        target = allowed(ctx, str(ctx.get("to") or source.rpartition("/")[2]))
        if target.is_dir():
            target = target / source.rpartition("/")[2]
        _no_overwrite(target, bool(ctx.get("overwrite", True)))
        return _guarded(
            lambda: TaskResult(
                {"size": _write(ctx, source, target), "uri": target.as_uri()}, fact=str(target)
            )
        )


class Uploads:
    """Several storage files into one folder."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.fs.local.Uploads",
        properties=(
            PropertySpec("from", T.DATA, required=True),
            PropertySpec("to", required=True),
            _REGEXP,
            _MAX_FILES,
            _OVERWRITE_ON,
        ),
        outputs=(_FILES,),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        folder = allowed(ctx, str(ctx.get("to")))
        sources = _sources(ctx.get("from"))
        pattern = ctx.get("regExp")
        if pattern:
            sources = {name: uri for name, uri in sources.items() if re.fullmatch(str(pattern), name)}
        written: list[str] = []

        def copy() -> TaskResult:
            for name, uri in list(sources.items())[: int(ctx.get("maxFiles", 25))]:
                target = allowed(ctx, str(folder / name))
                _no_overwrite(target, bool(ctx.get("overwrite", True)))
                _write(ctx, uri, target)
                written.append(target.as_uri())
            return TaskResult({"files": written}, fact=f"{len(written)} files -> {folder}")

        return _guarded(copy)


def _sources(value: Any) -> dict[str, str]:
    """File name -> URI of a URI, a list, a map or JSON text of one."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise TaskError(f"Cannot read `from`: {error}") from None
    if isinstance(value, dict):
        return {str(name): str(uri) for name, uri in value.items()}
    items = value if isinstance(value, list) else [value]
    return {str(uri).rpartition("/")[2]: str(uri) for uri in items}


class Download:
    """A path of this machine into the storage, checked by its checksum if wanted."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.fs.local.Download",
        properties=(
            _FROM,
            PropertySpec("validateChecksum", T.BOOLEAN, default=False),
            PropertySpec("checksumExpected"),
            PropertySpec(
                "checksumAlgorithm", T.ENUM, default="SHA_256", values=("MD5", "SHA_1", "SHA_256", "SHA_512")
            ),
        ),
        outputs=(OutputSpec("uri", T.URI), OutputSpec("size", T.INTEGER), OutputSpec("checksum")),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        path = allowed(ctx, str(ctx.get("from")))
        if not path.is_file():
            raise TaskError(f"{path} (No such file or directory)")

        def load() -> TaskResult:
            outputs: dict[str, Any] = {"size": path.stat().st_size}
            if ctx.get("validateChecksum", False):
                name = str(ctx.get("checksumAlgorithm", "SHA_256")).replace("_", "").lower()
                with path.open("rb") as source:
                    outputs["checksum"] = hashlib.file_digest(source, name).hexdigest()
                expected = ctx.get("checksumExpected")
                if expected and str(expected).lower() != outputs["checksum"]:
                    raise TaskError(f"Checksum mismatch: expected {expected}, got {outputs['checksum']}")
            outputs["uri"] = _store(ctx, path)
            return TaskResult(outputs, fact=f"{path} -> {outputs['uri']}")

        return _guarded(load)


class List:
    """What lies in a folder."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.fs.local.List",
        properties=(_FROM, _REGEXP, _RECURSIVE, _MAX_FILES, PropertySpec("sort", default="NONE")),
        outputs=(_FILES, OutputSpec("count", T.INTEGER)),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        if ctx.get("sort", "NONE") != "NONE":
            raise UnsupportedError(
                f"the order `sort: {ctx.get('sort')}` is not known here",
                hint="leave `sort` out, or mock the task",
            )
        folder = allowed(ctx, str(ctx.get("from")))
        files = [describe(path) for path in found(ctx, folder, files_only=False)]
        return TaskResult({"files": files, "count": len(files)}, fact=f"{len(files)} entries")


class Downloads:
    """The files of a folder into the storage; afterwards they stay, are moved or deleted."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.fs.local.Downloads",
        properties=(
            _FROM,
            _REGEXP,
            _RECURSIVE,
            _MAX_FILES,
            PropertySpec("action", T.ENUM, default="NONE", values=("NONE", "MOVE", "DELETE")),
            PropertySpec("moveDirectory"),
        ),
        outputs=(_FILES, OutputSpec("outputFiles", T.MAP)),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        folder = allowed(ctx, str(ctx.get("from")))
        action = ctx.get("action", "NONE")
        target = (
            allowed(ctx, str(ctx.get("moveDirectory")))
            if action == "MOVE" and ctx.get("moveDirectory")
            else None
        )
        if action == "MOVE" and target is None:
            raise TaskError("moveDirectory is required when action is MOVE")

        def load() -> TaskResult:
            files: list[dict[str, Any]] = []
            for path in found(ctx, folder, files_only=True):
                files.append({**describe(path), "uri": _store(ctx, path)})
                if action == "DELETE":
                    path.unlink()
                elif target is not None:
                    target.mkdir(parents=True, exist_ok=True)
                    shutil.move(str(path), str(target / path.name))
            outputs = {"files": files, "outputFiles": {item["localPath"]: item["uri"] for item in files}}
            return TaskResult(outputs, fact=f"{len(files)} files")

        return _guarded(load)


class Copy:
    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.fs.local.Copy",
        properties=(_FROM, PropertySpec("to", required=True), _OVERWRITE_OFF),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        return _guarded(lambda: self._transfer(ctx, _copy))

    def _transfer(self, ctx: RunContext, transfer: Callable[[Path, Path], object]) -> TaskResult:
        source, target = allowed(ctx, str(ctx.get("from"))), allowed(ctx, str(ctx.get("to")))
        if not source.exists():
            raise TaskError(f"Source '{source}' does not exist")
        if target.is_dir() and not source.is_dir():
            target = target / source.name
        _no_overwrite(target, bool(ctx.get("overwrite", False)))
        target.parent.mkdir(parents=True, exist_ok=True)
        transfer(source, target)
        return TaskResult(fact=f"{source} -> {target}")


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)


class Move(Copy):
    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.fs.local.Move",
        properties=(_FROM, PropertySpec("to", required=True), _OVERWRITE_OFF),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        return _guarded(
            lambda: self._transfer(ctx, lambda source, target: shutil.move(str(source), str(target)))
        )


class Delete:
    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.fs.local.Delete",
        properties=(
            _FROM,
            PropertySpec("errorOnMissing", T.BOOLEAN, default=False),
            _RECURSIVE,
            _REGEXP,
            PropertySpec("maxFiles", T.INTEGER, default=25),
        ),
        outputs=(
            OutputSpec("uri", T.URI),
            OutputSpec("deleted", T.BOOLEAN),
            OutputSpec("uris", T.LIST, item=OutputSpec("uri", T.URI)),
        ),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        path = allowed(ctx, str(ctx.get("from")))
        uri = path.as_uri()
        if not path.exists():
            if ctx.get("errorOnMissing", False):
                raise TaskError(f"{path} (No such file or directory)")
            return TaskResult({"uri": uri, "deleted": False, "uris": []})

        def remove() -> TaskResult:
            uris = [uri]
            if path.is_dir() and ctx.get("regExp"):
                chosen = found(ctx, path, files_only=True)
                uris = [item.as_uri() for item in chosen]
                for item in chosen:
                    item.unlink()
            elif path.is_dir() and ctx.get("recursive", False):
                shutil.rmtree(path)
            elif path.is_dir():
                path.rmdir()
            else:
                path.unlink()
            return TaskResult({"uri": uri, "deleted": bool(uris), "uris": uris}, fact=f"{len(uris)} deleted")

        return _guarded(remove)
