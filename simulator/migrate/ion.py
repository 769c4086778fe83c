"""Which outputs are Ion files: 2.0 writes them in binary, so `read` no longer gives their text (rule EXP-05).

Source: migration.md 6. Traced are tasks that always write Ion and those that are told to.
"""

from __future__ import annotations

import re

from simulator.expressions.nodes import Function
from simulator.migrate.editor import Document
from simulator.migrate.templates import path_of
from simulator.migrate.walk import CORE, tasks, text_at

__all__ = ["producers", "written_as_ion"]

_ALWAYS = re.compile(
    r"io\.kestra\.plugin\.(serdes\.\w+\.\w+ToIon|.*\.FileTransform|core\.storage\.(FilterItems|DeduplicateItems))"
)
_STORES = re.compile(r"io\.kestra\.plugin\..*")


def producers(document: Document) -> dict[str, str]:
    """Task id -> why its `uri` (or `uris`) is an Ion file."""
    found: dict[str, str] = {}
    for task in tasks(document.root):
        name = task.type.rpartition(".")[2]
        if _ALWAYS.fullmatch(task.type):
            found[task.id] = f"`{task.id}` is a {name}, which writes Ion"
        elif task.type == f"{CORE}storage.Concat":
            # storage.Write is no such task: it writes the text that it is given.
            if (text_at(task.node, "extension") or "").lstrip(".") == "ion":
                found[task.id] = f"`{task.id}` joins Ion files"
        elif _STORES.fullmatch(task.type) and (
            text_at(task.node, "fetchType") == "STORE"
            or (text_at(task.node, "store") or "").lower() == "true"
        ):
            found[task.id] = f"`{task.id}` stores its rows as Ion"
    return found


def written_as_ion(call: Function, made_by: dict[str, str]) -> str:
    """Why the file that a `read(outputs.x.uri)` reads is Ion; "" when it is not known to be."""
    if call.name != "read" or not call.arguments.positional:
        return ""
    path = path_of(call.arguments.positional[0])
    if path is None or path[0] != "outputs" or len(path) < 3 or path[-1] not in ("uri", "uris"):
        return ""
    return made_by.get(path[1], "") if isinstance(path[1], str) else ""
