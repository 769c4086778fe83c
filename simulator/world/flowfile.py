"""The text of a flow file, or what is wrong with it: a folder, a binary, too large, not there."""

from __future__ import annotations

from pathlib import Path

from simulator.errors import InvalidFlowError, UsageError

__all__ = ["read_flow_text"]

_MAX_FLOW_BYTES = 8 * 1024 * 1024


def read_flow_text(path: Path) -> str:
    """The text of a flow file. Raises InvalidFlowError or UsageError for anything that cannot be one."""
    if path.is_dir():
        raise UsageError(f"`{path}` is a folder", hint=f"`simulate list {path}` shows the flows in it")
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_FLOW_BYTES + 1)  # a pipe or device does not say how much it holds
    except FileNotFoundError:
        raise UsageError(f"there is no file `{path}`", hint=_near(path)) from None
    except OSError as error:
        raise UsageError(f"cannot read `{path}`: {error.strerror}") from None
    if len(data) > _MAX_FLOW_BYTES:
        raise InvalidFlowError(
            f"`{path}` is larger than {_MAX_FLOW_BYTES >> 20} MiB: not a flow", code="SIM-FLOW-002"
        )
    if b"\x00" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidFlowError(f"`{path}` is binary: not a flow", code="SIM-FLOW-002")
    from simulator.source.text import decode

    text = decode(data, str(path))
    _refuse_others(path, text)
    return text


def _refuse_others(path: Path, text: str) -> None:
    """Our own files beside a flow, given in its place. Raises UsageError with what was meant."""
    from simulator.source.project import is_side_file, kind_of, owner_of

    if is_side_file(path):
        owner = owner_of(path)
        hint = None if owner == path else f"`simulate {owner}` runs the flow that it belongs to"
        raise UsageError(f"`{path}` is a side file, not a flow", hint=hint)
    if kind_of(text)[0] == "suite":
        raise UsageError(f"`{path}` is a test suite, not a flow", hint=f"`simulate test {path}` runs it")


def _near(path: Path) -> str | None:
    import difflib

    try:
        names = [
            item.name for item in path.parent.iterdir() if item.suffix in (".yml", ".yaml") and item.exists()
        ]
    except OSError:
        return None
    close = difflib.get_close_matches(path.name, names, 1)
    return f"did you mean `{path.parent / close[0]}`?" if close else None
