"""Triggers of the core package and 1.x conditions: what starts executions (core-tasks.md 10, 11)."""

from __future__ import annotations

#: type -> "module:Class"
TYPES: dict[str, str] = {}

#: alias -> type
ALIASES: dict[str, str] = {}
