"""read, fileURI, fileSize, fileExists, isFileEmpty. Source: expressions.md 14.3, storage.md 5.

Here a path is understood and access is decided as Kestra does; the bytes come from `scope.files`, which guards its
folders by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import unquote

from simulator.errors import ExpressionError, StorageError
from simulator.expressions.functions.stores import flow_namespace
from simulator.expressions.java.casts import as_string, class_cast, int_value
from simulator.expressions.java.slugs import slug
from simulator.expressions.java.values import Long, Uri, is_number, is_string
from simulator.expressions.registry import Args, Call, Definition, Table, table
from simulator.expressions.scope import FileService

__all__ = ["TABLE"]

_Result = TypeVar("_Result")
_BINARY_ION = b"\xe0\x01\x00\xea"
_MISSING_STORAGE = "that is a path to the internal storage URI."
_MISSING_BOTH = "that is a path to a namespace file or an internal storage URI."
_MISSING = {"fileSize": _MISSING_STORAGE, "fileExists": _MISSING_STORAGE}
_SECURITY_MARKS = ("is not authorized", "has been disabled inside the Kestra configuration")


def _illegal(call: Call, message: str) -> ExpressionError:
    """IllegalArgumentException: bare in 1.1, a PebbleException in 2.0."""
    if call.dialect.major == 1:
        return call.raw_error(message, java_type="IllegalArgumentException")
    return call.error(message, cause_type="IllegalArgumentException")


def _failed(call: Call, error: StorageError) -> ExpressionError:
    kind = getattr(error, "java_type", None)
    if kind == "SecurityException" or any(mark in error.message for mark in _SECURITY_MARKS):
        found = call.raw_error(error.message, java_type="SecurityException")
    elif kind == "IllegalArgumentException":
        found = _illegal(call, error.message)
    else:
        found = call.error(error.message, cause_type=kind or "FileNotFoundException")
    found.hint = error.hint
    return found


def _asked(call: Call, run: Callable[[FileService], _Result]) -> _Result:
    service = call.scope.files
    if service is None:
        error = call.error(f"The '{call.name}' function needs a storage, and there is none here.")
        raise error
    try:
        return run(service)
    except StorageError as error:
        raise _failed(call, error) from error


def _path(call: Call, args: Args) -> str:
    path = args.get("path")
    if path is None:
        rest = _MISSING.get(call.name, _MISSING_BOTH)
        raise call.error(f"The '{call.name}' function expects an argument 'path' {rest}")
    if isinstance(path, Uri):
        return str.__str__(path)
    if not is_string(path):
        raise call.error(f"Unable to read the file {call.text(path)}: a path is text or a URI.")
    return str.__str__(path)


def _scheme(path: str) -> str | None:
    scheme, mark, _ = path.partition("://")
    return scheme if mark and scheme and scheme.replace("-", "").replace("+", "").isalnum() else None


def _namespace(call: Call, args: Args) -> str | None:
    given = args.get("namespace")
    return None if given is None else as_string(given)


def _target(call: Call, args: Args) -> tuple[str, str | None]:
    """What to ask the file service for: a URI, or the path of a namespace file and its namespace."""
    path = _path(call, args)
    namespace = _namespace(call, args)
    scheme = _scheme(path)
    if scheme == "kestra":
        _check_storage(call, path)
        return path, None
    if scheme == "file":
        return path, None
    if scheme == "nsfile":
        authority, _, rest = path.removeprefix("nsfile://").partition("/")
        if authority and namespace:
            raise _illegal(
                call, "You cannot set a namespace both as the function argument and inside the URI"
            )
        return _namespace_path(call, unquote(rest)), authority or namespace or flow_namespace(call)
    if scheme is not None:
        raise _illegal(call, f"Cannot process the URI {path}: scheme not supported.")
    return _namespace_path(call, path), namespace or flow_namespace(call)


def _namespace_path(call: Call, path: str) -> str:
    if call.dialect.major > 1:
        if ".." in path.split("/"):
            raise _illegal(
                call, "File should be accessed with their full path and not using relative '..' path."
            )
        return path.removeprefix("/")
    return path


def _variable(call: Call, name: str) -> Mapping[str, Any]:
    found = call.variable(name)
    return found if isinstance(found, Mapping) else {}


def _check_storage(call: Call, uri: str) -> None:
    """Files of this execution, of the flow's namespace, of the parent execution; others by their namespace."""
    path = "/" + uri.removeprefix("kestra://").lstrip("/")
    namespace = flow_namespace(call)
    flow, execution, trigger = (_variable(call, name) for name in ("flow", "execution", "trigger"))
    if namespace is not None:
        folder = "/" + namespace.replace(".", "/")
        if path.startswith(f"{folder}/_files"):
            return
        if execution and path.startswith(_execution(folder, flow.get("id"), execution.get("id"))):
            return
    if trigger:
        folder = "/" + str(trigger.get("namespace", "")).replace(".", "/")
        if path.startswith(_execution(folder, trigger.get("flowId"), trigger.get("executionId"))):
            return
        if call.dialect.major == 1:
            raise _illegal(
                call, f"Unable to read the file '{uri}' as it didn't belong to the parent execution"
            )
    # The open-source edition lets every namespace in, but the path must be one of an execution.
    _, mark, rest = path.partition("/executions/")
    if "/_files/" not in path and (not mark or "/tasks/" not in rest):
        raise _illegal(call, f"Unable to read the file '{uri}' as it is not an execution file")


def _execution(folder: str, flow: Any, execution: Any) -> str:
    return f"{folder}/{slug(str(flow))}/executions/{execution}/"


def _revision(call: Call, args: Args) -> int | None:
    given = args.get("revision")
    if given is None:
        return None
    if not is_number(given):
        raise class_cast(given, "java.lang.Number")
    return int_value(given)


def _read(call: Call, args: Args) -> Any:
    target, namespace = _target(call, args)
    revision = _revision(call, args)
    content = _asked(call, lambda files: files.read(target, namespace=namespace, version=revision))
    if call.dialect.major > 1 and content.startswith(_BINARY_ION):
        return content
    return content.decode("utf-8", "replace")


def _size_of(call: Call, args: Args) -> int:
    target, namespace = _target(call, args)
    return _asked(call, lambda files: files.size(target, namespace=namespace))


def _file_size(call: Call, args: Args) -> Any:
    return Long(_size_of(call, args))


def _file_exists(call: Call, args: Args) -> bool:
    target, namespace = _target(call, args)
    return _asked(call, lambda files: files.exists(target, namespace=namespace))


def _is_file_empty(call: Call, args: Args) -> bool:
    return _size_of(call, args) == 0


def _plain_uri(namespace: str | None, path: str) -> str:
    folder = (namespace or "").replace(".", "/")
    return f"kestra:///{folder}/_files/{path}"


def _file_uri(call: Call, args: Args) -> str:
    path = _path(call, args)
    if call.dialect.major > 1 and _scheme(path) in ("kestra", "file"):
        return path
    if "../" in path:
        raise _illegal(call, "Path must not contain '../'")
    namespace = flow_namespace(call)
    if call.dialect.major == 1:
        return _plain_uri(namespace, path.removeprefix("/"))
    target, named = _target(call, args)
    revision = _revision(call, args)
    service = call.scope.files
    if service is None:
        return _plain_uri(named, target)
    try:
        return service.namespace_file_uri(target, named or "", revision)
    except StorageError as error:
        if revision is None:
            return _plain_uri(named, target)
        raise call.error(
            f"Revision {revision} of file '{target}' was not found in namespace '{named}'."
        ) from error


_PATH = ("path", "namespace")

TABLE: Table = table(
    Definition("read", _read, _PATH, until=1),
    Definition("read", _read, (*_PATH, "revision"), since=2),
    Definition("fileURI", _file_uri, ("path",), until=1),
    Definition("fileURI", _file_uri, (*_PATH, "revision"), since=2),
    Definition("fileSize", _file_size, _PATH),
    Definition("fileExists", _file_exists, _PATH),
    Definition("isFileEmpty", _is_file_empty, _PATH),
)
