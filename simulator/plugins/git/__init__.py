"""`io.kestra.plugin.git.*` through the `git` program, against local repositories or hosts that are allowed.

Listed in simulator.plugins.registry.
"""

from __future__ import annotations

_HERE = "simulator.plugins.git"
_TYPE = "io.kestra.plugin.git"

TYPES: dict[str, str] = {
    f"{_TYPE}.Clone": f"{_HERE}.clone:Clone",
    f"{_TYPE}.PushFlows": f"{_HERE}.push:PushFlows",
    f"{_TYPE}.PushNamespaceFiles": f"{_HERE}.push:PushNamespaceFiles",
    f"{_TYPE}.SyncNamespaceFiles": f"{_HERE}.sync:SyncNamespaceFiles",
    f"{_TYPE}.SyncFlows": f"{_HERE}.sync:SyncFlows",
}

ALIASES: dict[str, str] = {}
