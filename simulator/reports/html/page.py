"""The document around a report's data: one HTML text that nothing in the data can break out of, masked or not.

The page knows which of its parts came from a flow. Masking touches the strings there and encodes them afterwards: a
secret `true`, `1`, `"` or `{` leaves JSON, script, style and their hashes alone.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

from simulator.reports.masking import STRUCTURE, mask_deep
from simulator.reports.sink import Document, Redacts

__all__ = ["LOG_FIELDS", "RUN_FIELDS", "Page"]

#: columns of a row of `runs`; the script reads the names from the data
RUN_FIELDS = (
    "id", "execution", "task", "value", "iteration", "state", "start", "end",
    "parent", "mocked", "fact", "type", "attempts", "outputs", "real", "properties",
)  # fmt: skip
LOG_FIELDS = ("run", "execution", "level", "at", "message", "task")

#: the columns that a flow or a task wrote; ids, states and dates are ours
_RUN_DATA = frozenset(map(RUN_FIELDS.index, ("value", "fact", "outputs", "properties")))
_LOG_DATA = frozenset({LOG_FIELDS.index("message")})
_STRUCTURE = STRUCTURE | {"endLine", "run", "version"}
_TEXT_NODE = re.compile(r"(?<=>)([^<>]+)(?=<)")


class Page(Document):
    """The whole document, as text."""

    __slots__ = ("_data", "_drawings", "_encoded", "_title")

    _data: Mapping[str, Any]
    _drawings: Mapping[str, str]
    _encoded: str
    _title: str

    @classmethod
    def of(cls, data: Mapping[str, Any], drawings: Mapping[str, str], *, title: str) -> Page:
        """`drawings`: name of a flow -> SVG."""
        encoded = _json_for_script(data)
        page = cls(_document(encoded, drawings, title))
        page._data, page._drawings, page._encoded, page._title = data, drawings, encoded, title
        return page

    def masked(self, redactor: Redacts) -> str:
        """The page with every secret hidden that mask_event has not hidden yet."""
        encoded = self._encoded
        plain = encoded.replace("\\u003c", "<")  # as secrets are written
        if redactor.redact(plain) != plain or redactor.redact(encoded) != encoded:
            encoded = _json_for_script(_masked(self._data, redactor))
        drawings = {
            name: _TEXT_NODE.sub(lambda match: html.escape(redactor.redact(html.unescape(match[0]))), drawing)
            for name, drawing in self._drawings.items()
        }
        return _document(encoded, drawings, redactor.redact(self._title))


def _masked(data: Mapping[str, Any], redactor: Redacts) -> dict[str, Any]:
    rows: dict[str, frozenset[int]] = {"runs": _RUN_DATA, "logs": _LOG_DATA, "jumps": frozenset()}
    return {
        key: [
            [mask_deep(item, redactor) if at in rows[key] else item for at, item in enumerate(row)]
            for row in value
        ]
        if key in rows
        else value
        if key in ("flow", "fields")
        else mask_deep(value, redactor, keys=key == "previews", skip=_STRUCTURE)
        for key, value in data.items()
    }


def _json_for_script(value: Any) -> str:
    """JSON that cannot end a script element, whatever the strings in it say; half characters become `?`."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return text.encode("utf-8", "replace").decode()


def _resource(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def _document(encoded: str, drawings: Mapping[str, str], title: str) -> str:
    from jinja2 import Environment

    style, script = _resource("report.css"), _resource("report.js")
    template = Environment(autoescape=True, keep_trailing_newline=True).from_string(_resource("page.html.j2"))
    return template.render(
        title=title,
        style=style,
        script=script,
        policy=f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'",
        drawings=drawings,
        data=encoded,
    )
