"""Settings of a run: from flags, `SIMULATE_*` variables and the side file, each knowing where it came from.

Precedence: flag, then environment, then side file, then default. `Settings.origin` maps a name to `flag`, `env`,
`side file` or `default`, for `doctor` and for messages.
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from simulator.errors import UsageError
from simulator.world.sidefile import SideFile

__all__ = ["Settings", "merge", "parse_now"]


@dataclass(frozen=True, slots=True)
class Settings:
    """All that shapes one run. Paths are absolute or relative to the working directory."""

    kestra: str = "auto"
    """`1`, `2` or `auto`"""
    env_files: tuple[Path, ...] = ()
    env_format: str = "compose"
    """Grammar of the env files: `compose` or `raw`"""
    env: Mapping[str, str] = field(default_factory=dict)
    inherit_env: bool = False
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Secrets in clear, for tests"""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace_files: Path | Mapping[str, Any] | None = None
    flows: tuple[Path, ...] = ()
    kv: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mocks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mock_types: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    live: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    faults: tuple[Mapping[str, Any], ...] = ()
    now: dt.datetime | None = None
    seed: int | None = None
    real_time: bool = False
    timezone: str | None = None
    globals: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    resume: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    trigger: str | None = None
    """Start the flow as this trigger would"""
    at: dt.datetime | None = None
    """The schedule's date, for `trigger`"""
    payload: Any = None
    """What the trigger brings: a webhook's body, variables of a Flow trigger"""
    from_task: str | None = None
    until_task: str | None = None
    """Run only a part of the flow, from and until these tasks"""
    keep: int = 20
    """How many executions are kept under the state directory; 0 keeps none"""
    state_dir: Path | None = None
    """Where executions are kept: `.simulate` in the working directory when None"""
    docker: bool = False
    origin: Mapping[str, str] = field(default_factory=dict)


def parse_now(text: str) -> dt.datetime:
    """An ISO date or date-time as an aware moment (UTC when it names no zone). Raises UsageError."""
    try:
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"`{text}` is not an ISO date-time", hint="for example 2026-01-31 or 2026-01-31T09:00:00Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


_ENVIRONMENT = {
    "SIMULATE_KESTRA": "kestra",
    "SIMULATE_SEED": "seed",
    "SIMULATE_NOW": "now",
    "SIMULATE_STATE_DIR": "state_dir",
    "SIMULATE_LIVE": "live",
    "SIMULATE_ALLOW": "allow",
}


def merge(flags: Mapping[str, Any], environ: Mapping[str, str], side: SideFile | None) -> Settings:
    """One `Settings` from the three sources. A flag that is None or empty was not given."""
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}

    def take(name: str, value: Any, source: str) -> None:
        if name not in values and value not in (None, (), {}, ""):
            values[name] = value
            origin[name] = source

    for name, value in flags.items():
        take(name, value, "flag")
    for variable, name in _ENVIRONMENT.items():
        if environ.get(variable):
            take(name, _convert(name, environ[variable]), "env")
    if side is not None:
        found = _from_side_file(side)
        if flags.get("inputs") or flags.get("trigger") not in (None, found.get("trigger")):
            # The command says how it starts: what the file's trigger brings is of no use then.
            found.pop("trigger", None)
            found.pop("payload", None)
        for name, value in found.items():
            if name in ("inputs", "labels", "env", "secrets", "kv", "mocks", "mock_types") and name in values:
                # The flag adds to what the file says, and wins where both speak.
                values[name] = {**value, **values[name]}
            elif name in ("live", "allow", "flows") and name in values:
                values[name] = (*values[name], *value)
            else:
                take(name, value, "side file")
    for name in values.get("live", ()):
        _check_live(name)
    return replace(Settings(**values), origin=origin)


def _check_live(name: str) -> None:
    """A misspelt service would silently be taken for a host. Raises UsageError."""
    from simulator.doubles.registry import DOUBLES

    close = difflib.get_close_matches(name.lower(), DOUBLES, 1, cutoff=0.5)
    if close and name.lower() not in DOUBLES and name.isalnum():
        raise UsageError(
            f"live: there is no service `{name}`",
            hint=f"did you mean `{close[0]}`? A host of that name is let through by `--allow {name}`",
        )


def _convert(name: str, text: str) -> Any:
    if name == "seed":
        if not text.lstrip("-").isdigit():
            raise UsageError(f"SIMULATE_SEED must be a whole number, not `{text}`")
        return int(text)
    if name == "now":
        return parse_now(text)
    if name == "state_dir":
        return Path(text)
    if name in ("live", "allow"):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def _from_side_file(side: SideFile) -> dict[str, Any]:
    plain = {
        name: side.get(name)
        for name in (
            "kestra",
            "seed",
            "timezone",
            "inputs",
            "trigger",
            "payload",
            "labels",
            "kv",
            "mocks",
            "mock_types",
            "globals",
            "config",
            "resume",
        )
    }
    found: dict[str, Any] = {name: value for name, value in plain.items() if value is not None}
    if "kestra" in found:
        found["kestra"] = str(found["kestra"])
    if side.get("now") is not None:
        found["now"] = parse_now(str(side.get("now")))
    found["env_files"] = side.env_files
    found["env"] = {str(key): str(value) for key, value in (side.get("env") or {}).items()}
    found["secrets"] = {str(key): str(value) for key, value in (side.get("secrets") or {}).items()}
    found["live"] = tuple(str(item) for item in side.get("live") or ())
    found["allow"] = tuple(str(item) for item in side.get("allow") or ())
    found["faults"] = tuple(side.get("faults") or ())
    found["flows"] = tuple(side.resolve(str(item)) for item in side.get("flows") or ())
    files = side.get("namespace_files")
    if isinstance(files, str):
        found["namespace_files"] = side.resolve(files)
    elif isinstance(files, Mapping):
        found["namespace_files"] = files
    return {name: value for name, value in found.items() if value not in ((), {}, None)}
