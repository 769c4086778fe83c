"""The environment of script processes: what Kestra would give, nothing more.

Kestra's Process runner inherits its worker's environment. A worker does not hold the developer's variables, so a short
list of what every system has is passed on; `SECRET_*`, `ENV_*`, cloud keys and tokens of the calling shell never are
(security.md, trap 11).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

__all__ = ["base_environment", "install_environment", "text_of"]

_PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "SYSTEMROOT")

#: What an installer of packages needs to reach its registry; given to the installer only, never to the script.
_INSTALLER_PREFIXES = ("PIP_", "UV_", "SSL_CERT", "REQUESTS_CA_BUNDLE", "NPM_CONFIG_")
_INSTALLER_NAMES = frozenset(
    {"http_proxy", "https_proxy", "no_proxy", "all_proxy", "xdg_config_home", "xdg_cache_home"}
)


def base_environment() -> dict[str, str]:
    """The variables that every script process gets."""
    return {
        name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith("LC_")
    } | {"PATH": os.environ.get("PATH", os.defpath)}


def install_environment() -> dict[str, str]:
    """For the process that installs `dependencies`: the base and the settings of pip and uv."""
    extra = {
        name: value
        for name, value in os.environ.items()
        if name.upper().startswith(_INSTALLER_PREFIXES) or name.lower() in _INSTALLER_NAMES
    }
    return base_environment() | extra


def text_of(values: Mapping[str, Any] | None) -> dict[str, str]:
    """`env` as a process takes it: texts, booleans in Java's spelling, nulls left out."""
    result = {}
    for name, value in (values or {}).items():
        if value is None:
            continue
        result[str(name)] = str(value).lower() if isinstance(value, bool) else str(value)
    return result
