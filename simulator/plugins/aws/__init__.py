"""`io.kestra.plugin.aws.*`; listed in simulator.plugins.registry."""

from __future__ import annotations

TYPES: dict[str, str] = {
    "io.kestra.plugin.aws.s3.Upload": "simulator.plugins.aws.upload:Upload",
}

ALIASES: dict[str, str] = {}


def prewarm() -> None:
    """Imports what the first client needs; run it in a thread while something else waits."""
    from simulator.plugins.aws.connection import prewarm as warm

    warm()
