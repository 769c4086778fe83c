"""From a plain `.env` to the `.env_encoded` that a Kestra server reads.

Does what the loop of Kestra's guide does (`SECRET_` before the name, base64 of the value) and none of what it does by
accident: it keeps a last `=`, never wraps, reads the last line without a newline, drops quotes, comments and `export`,
and knows no `-n` (users.md B.2, secrets.md 8). The third way of the guide, `SECRET_X={{ "actual" | base64encode }}`,
is expanded.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from simulator.diagnostics import Collector, Diagnostic, Severity
from simulator.errors import SecretError, UsageError
from simulator.secrets.encoding import encode_value, is_macro, looks_encoded
from simulator.secrets.envfile import EnvEntry, EnvFile, parse_env_text, read_env_file

__all__ = ["encode_entries", "encode_file", "encode_text", "write_private"]

PREFIX = "SECRET_"


def encode_file(source: Path) -> tuple[str, tuple[Diagnostic, ...]]:
    """The text of the encoded file, and what was odd about the plain one.

    Raises SecretError with all diagnostics when the source cannot be encoded as it is meant.
    """
    return encode_entries(read_env_file(source, format="plain"))


def encode_text(text: str, file: str = "<string>") -> tuple[str, tuple[Diagnostic, ...]]:
    """As `encode_file`, for a text."""
    return encode_entries(parse_env_text(text, file, format="plain"))


def encode_entries(plain: EnvFile) -> tuple[str, tuple[Diagnostic, ...]]:
    """One line `SECRET_<name>=<base64>` for each variable, in file order, the last one of a name."""
    found = Collector(list(plain.diagnostics))
    lines: dict[str, str] = {}
    owners: dict[str, EnvEntry] = {}
    for name, entry in plain.last().items():
        variable = name if name.startswith(PREFIX) else PREFIX + name
        key = variable.upper()
        if key in owners:
            found.error(
                "SIM-SECRET-012",
                f"{variable} and {owners[key].name} differ in case only: a Kestra server does not start with both",
                entry.span,
            )
        owners[key] = entry
        lines[variable] = f"{variable}={_encoded(entry, found)}\n"
    if found.has_errors:
        errors = [item for item in found.sorted() if item.severity is Severity.ERROR]
        raise SecretError(errors[0].message, span=errors[0].span, diagnostics=tuple(found.sorted()))
    return "".join(lines.values()), tuple(found.sorted())


def _encoded(entry: EnvEntry, found: Collector) -> str:
    if entry.macro:
        return entry.value
    if entry.quote and is_macro(entry.value):
        found.error(
            "SIM-ENV-008",
            "this expression cannot be expanded inside quotes",
            entry.value_span,
            hint='write {{ "text" | base64encode }} without quotes around it, or the value itself',
        )
    elif entry.name.startswith(PREFIX) and looks_encoded(entry.value):
        found.warning(
            "SIM-SECRET-014",
            f"{entry.name} already looks encoded: it is encoded once more",
            entry.value_span,
            hint="put clear values into this file, without the prefix",
        )
    return encode_value(entry.value)


def write_private(path: Path, text: str, *, force: bool = False) -> None:
    """Writes a file that only its owner can read, all at once: readers see the old or the new one.

    Raises UsageError when it exists and `force` is not given, SecretError when the folder cannot be written.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a directory")
    if path.is_file() and not force:
        raise UsageError(
            f"{path} exists already",
            code="SIM-SECRET-015",
            hint="--force overwrites it, -o names another file",
        )
    temporary = ""
    try:
        path = path.resolve()
        if path.exists() and not path.is_file():  # a pipe, /dev/stdout: there is nothing to replace
            path.write_text(text, encoding="utf-8", errors="surrogateescape")
            return
        # mkstemp makes it 0600 from the start: there is no moment at which others could open it.
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if force:
            Path(temporary).replace(path)
        else:
            os.link(temporary, path)  # fails when somebody was faster, unlike a rename
            Path(temporary).unlink()
    except FileExistsError:
        _remove(temporary)
        raise UsageError(f"{path} exists already", code="SIM-SECRET-015") from None
    except OSError as error:
        _remove(temporary)
        raise SecretError(f"{path} cannot be written: {error.strerror}", code="SIM-SECRET-015") from None
    except BaseException:
        _remove(temporary)
        raise


def _remove(temporary: str) -> None:
    if temporary:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
