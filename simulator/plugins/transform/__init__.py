"""`io.kestra.plugin.transform.*`: JSONata. Listed in simulator.plugins.registry."""

from __future__ import annotations

_HERE = "simulator.plugins.transform.jsonata"

TYPES: dict[str, str] = {
    "io.kestra.plugin.transform.jsonata.TransformItems": f"{_HERE}:TransformItems",
    "io.kestra.plugin.transform.jsonata.TransformValue": f"{_HERE}:TransformValue",
}

ALIASES: dict[str, str] = {}
