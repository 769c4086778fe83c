"""Short hands with which the core types declare their properties, and the truth of rendered text."""

from __future__ import annotations

from typing import Any

from simulator.dialect import Dialect
from simulator.model.catalog import PropertySpec, T

__all__ = ["CORE", "NAMESPACE", "alias", "is_truthy", "prop", "strings", "text"]

CORE = "io.kestra.plugin.core."


def prop(name: str, kind: T = T.STRING, **options: Any) -> PropertySpec:
    """A `Property<T>`."""
    return PropertySpec(name, kind, **options)


def text(name: str, **options: Any) -> PropertySpec:
    """A plain dynamic text field (`@PluginProperty(dynamic = true) String`)."""
    return PropertySpec(name, T.STRING, as_property=False, **options)


def strings(name: str, **options: Any) -> PropertySpec:
    """A `Property<List<String>>`."""
    return PropertySpec(name, T.LIST, item=PropertySpec("item"), **options)


#: `namespace` of the tasks that act on a namespace; the default is the flow's own (resolved by `namespace_of`)
NAMESPACE = PropertySpec("namespace", doc="default: the flow's namespace")


def is_truthy(rendered: Any, dialect: Dialect) -> bool | None:
    """Kestra's truth of a rendered text: None for null, False for `false`, `0`, `-0` and nothing (2.0 trims first)."""
    if rendered is None:
        return None
    if isinstance(rendered, bool):
        return rendered
    shown = str(rendered)
    if dialect.major >= 2:
        shown = shown.strip()
    return shown not in ("", "false", "0", "-0")


def alias(type_name: str) -> tuple[str, ...]:
    """The aliases of a type, for its spec."""
    from simulator.plugins.core import ALIASES

    return tuple(old for old, new in ALIASES.items() if new == type_name)
