"""namespace.UploadFiles, DownloadFiles, DeleteFiles, PurgeFiles (core-tasks.md 8)."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, Protocol, cast

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import StorageError, TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.core.purge import NAMESPACES, matcher, namespaces_of, version_limits
from simulator.plugins.core.specs import CORE, prop, strings
from simulator.storage.globs import match_working_dir, namespace_matcher

__all__ = ["DeleteFiles", "DownloadFiles", "PurgeFiles", "UploadFiles"]

_NAMESPACE = prop("namespace", required=True)


class _Files(Protocol):
    """What the namespace files offer beyond the contract."""

    def put(self, namespace: str, path: str, content: Any, *, conflict: str = "OVERWRITE") -> str: ...
    def open(self, namespace: str, path: str) -> BinaryIO: ...
    def remove_empty_folder(self, namespace: str, path: str) -> bool: ...
    def known_namespaces(self) -> Sequence[str]: ...
    def purge_versions(
        self, namespace: str, matches: Callable[[str], bool], *, before: Any, keep: int | None
    ) -> int: ...


def _required_namespace(ctx: RunContext) -> str:
    namespace = ctx.get("namespace")
    if namespace is None:
        raise TaskError("namespace: must not be null")
    return str(namespace)


def _patterns(ctx: RunContext, message: str) -> list[str]:
    """`files` as a list of globs: a text or a list of texts."""
    value = ctx.get("files")
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise TaskError(message)


class UploadFiles:
    """Puts files of the working directory, or stored files, into a namespace."""

    spec = TaskSpec(
        f"{CORE}namespace.UploadFiles",
        properties=(
            _NAMESPACE,
            strings("files"),
            PropertySpec("filesMap", T.ANY, as_property=False, doc="name to URI, or JSON text of that"),
            prop("destination", default="/"),
            prop("conflict", T.ENUM, values=("OVERWRITE", "ERROR", "SKIP"), default="OVERWRITE"),
        ),
        doc="Uploads files into a namespace.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        namespace = _required_namespace(ctx)
        patterns, files = ctx.get("files") or [], self._files_map(ctx)
        if not patterns and files is None:
            raise TaskError("files or filesMap is required")
        destination = ctx.get("destination", "/")
        conflict = ctx.get("conflict", "OVERWRITE")
        count = 0
        for path in list(match_working_dir(ctx.working_dir, patterns)) if patterns else ():
            relative = path.relative_to(ctx.working_dir).as_posix()
            self._put(ctx, namespace, posixpath.join(destination, relative), path, conflict)
            count += 1
        for name, uri in (files or {}).items():
            try:
                source = ctx.open_uri(uri)
            except StorageError as error:
                # A file that is not there is passed over in silence, as Kestra does; anything else is told.
                if error.code != "SIM-STORAGE-404":
                    raise
                continue
            with source:
                self._put(ctx, namespace, destination + name, source, conflict)
            count += 1
        return TaskResult(fact=f"{count} files -> {namespace}")

    @staticmethod
    def _put(ctx: RunContext, namespace: str, path: str, content: Any, conflict: str) -> None:
        """Files of the working directory go into the folder `destination`; names of `filesMap` stand right behind it, so
        there a folder wants its slash."""
        store = cast(_Files, ctx.namespace_files)
        shown = "/" + path.lstrip("/")
        there = ctx.namespace_files.exists(namespace, path)
        if there and conflict == "ERROR":
            raise TaskError(
                f"File '{shown}' already exists in namespace '{namespace}' and conflict is set to ERROR"
            )
        if there and conflict == "SKIP":
            ctx.logger.debug(
                "File '{}' already exists in namespace '{}' and conflict is set to SKIP. Skipping.",
                shown,
                namespace,
            )
            return
        store.put(namespace, path, content, conflict=conflict)
        told = "overwritten into" if there else "added to"
        ctx.logger.debug(f"File '{{}}' {told} namespace '{{}}'.", shown, namespace)

    @staticmethod
    def _files_map(ctx: RunContext) -> dict[str, str] | None:
        import orjson

        value = ctx.get("filesMap")
        if isinstance(value, str):
            try:
                value = orjson.loads(value)
            except ValueError:
                raise TaskError("filesMap must be a Map<String, String>") from None
        if value is None:
            return None
        if not isinstance(value, Mapping) or not all(isinstance(item, str) for item in value.values()):
            raise TaskError("filesMap must be a Map<String, String>")
        return {str(name): uri for name, uri in value.items()}


class DownloadFiles:
    """Stores files of a namespace in the internal storage."""

    spec = TaskSpec(
        f"{CORE}namespace.DownloadFiles",
        properties=(
            _NAMESPACE,
            PropertySpec("files", T.ANY, required=True, as_property=False, doc="a glob or a list of globs"),
            prop("destination", default=""),
        ),
        outputs=(OutputSpec("files", T.MAP, item=OutputSpec("file", T.URI)),),
        doc="Downloads files of a namespace.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        namespace = _required_namespace(ctx)
        patterns = _patterns(ctx, "The files property must be a string or a list of strings.")
        matches = namespace_matcher(patterns)
        destination = ctx.get("destination", "")
        store = cast(_Files, ctx.namespace_files)
        files = {}
        for path in ctx.namespace_files.list(namespace):
            if matches(path):
                with store.open(namespace, path) as source:
                    uri = files[f"/{path}"] = ctx.put_bytes(source, f"{destination}{path}".lstrip("/"))
                ctx.logger.debug("Downloaded {}", uri)
        ctx.metric("downloaded", len(files))
        return TaskResult({"files": files}, fact=f"{len(files)} files")


class DeleteFiles:
    """Deletes files of a namespace."""

    spec = TaskSpec(
        f"{CORE}namespace.DeleteFiles",
        properties=(
            _NAMESPACE,
            PropertySpec("files", T.ANY, required=True, as_property=False, doc="a glob or a list of globs"),
            prop("deleteParentFolder", T.BOOLEAN, default=False),
        ),
        doc="Deletes files of a namespace.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        namespace = _required_namespace(ctx)
        matches = namespace_matcher(_patterns(ctx, "Files must be a String or a list of String"))
        parents = ctx.get("deleteParentFolder", False)
        store = cast(_Files, ctx.namespace_files)
        count = 0
        for path in ctx.namespace_files.list(namespace):
            if matches(path) and ctx.namespace_files.delete(namespace, path):
                count += 1
                ctx.logger.debug("Deleted {}", path)
                folder = posixpath.dirname(path)
                while parents and folder and store.remove_empty_folder(namespace, folder):
                    if ctx.dialect.major >= 2:
                        ctx.logger.debug("Deleted empty folder: {}", folder)
                    folder = posixpath.dirname(folder)
        ctx.metric("deleted", count)
        return TaskResult(fact=f"{count} files")


class PurgeFiles:
    """Deletes old revisions of namespace files (2.0)."""

    spec = TaskSpec(
        f"{CORE}namespace.PurgeFiles",
        properties=(
            prop("filePattern"),
            *NAMESPACES,
            PropertySpec(
                "behavior",
                T.OBJECT,
                as_property=False,
                fields=(
                    PropertySpec("type", T.ENUM, values=("version",)),
                    PropertySpec("before"),
                    PropertySpec("keepAmount", T.INTEGER),
                ),
            ),
        ),
        outputs=(OutputSpec("size", T.INTEGER),),
        since=2,
        doc="Purges revisions of namespace files.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        store = cast(_Files, ctx.namespace_files)
        names = namespaces_of(ctx, store.known_namespaces())
        ctx.logger.info("purging {} namespaces: {}", len(names), f"[{', '.join(names)}]")
        behavior = ctx.get("behavior") or {"type": "version", "keepAmount": 1}
        before, keep = version_limits(behavior)
        pattern = ctx.get("filePattern")
        by_path = matcher(pattern)
        size = sum(
            store.purge_versions(
                name, lambda path: by_path(path) or by_path(f"/{path}"), before=before, keep=keep
            )
            for name in names
        )
        ctx.logger.info("purged {} files", size)
        return TaskResult({"size": size}, fact=f"{size} files")
