"""Six secrets that nobody can mistake, and a scanner that knows every form of them (security traps 1 to 13).

The forms are written here a second time, on purpose: a form that the product forgets must not be forgotten by its test.
"""

from __future__ import annotations

import base64
import html
import json
import random
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

_RANDOM = random.Random(20260131)
_KEY_LINES = [base64.b64encode(_RANDOM.randbytes(48)).decode() for _ in range(4)]
PEM = "-----BEGIN PRIVATE KEY-----\n" + "\n".join(_KEY_LINES) + "\n-----END PRIVATE KEY-----\n"

SECRETS = {
    "WORD": "zanzibar",
    "RANDOM": base64.b64encode(_RANDOM.randbytes(64)).decode(),
    "PEM": PEM,
    "JSON": json.dumps(
        {"account": "svc-Qx7Lw9@example.test", "private_key": 'Kj8#f"d\\q' + _KEY_LINES[0][:20]}
    ),
    "QUOTES": "pa\"ss'w%rd\\q7Kz&<3$x",
    "UMLAUT": "pässwört-東京-ñandú",
}
"""Name -> value, as `secret('WORD')` gives it."""


def env_file(folder: Path) -> Path:
    path = folder / ".env_encoded"
    lines = [
        f"SECRET_{name}={base64.b64encode(value.encode()).decode()}\n" for name, value in SECRETS.items()
    ]
    path.write_text("".join(lines) + "ENV_REGION=eu-central-1\nPLAIN=us-east-1-plain\n")
    return path


def _parts(value: str) -> list[str]:
    """The value, its lines and the leaves of its JSON."""
    parts = [value, value.strip()]
    if "\n" in value:
        parts += [line for line in value.splitlines() if len(line) >= 8 and not line.startswith("-----")]
    if value.startswith("{"):
        parts += json.loads(value).values()
    return list(dict.fromkeys(parts))


def _forms(part: str) -> Iterator[str]:
    data = part.encode()
    yield part
    yield from (quote(part, safe=""), quote(part), quote_plus(part))
    yield json.dumps(part)[1:-1]
    yield json.dumps(part, ensure_ascii=False)[1:-1]
    once = json.dumps(part, ensure_ascii=False)
    yield json.dumps(once, ensure_ascii=False)[3:-3]
    yield from (escape(part), html.escape(part), repr(part)[1:-1])
    yield from (data.hex(), data.hex().upper())
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + data).decode()
        core = encoded[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]
        yield core
        yield core.replace("+", "-").replace("/", "_")


NEEDLES = {
    form.encode(): name
    for name, value in SECRETS.items()
    for part in _parts(value)
    for form in _forms(part)
    if len(form) >= 6
}


def scan(text: str | bytes) -> set[str]:
    """The names of the secrets that stand in a text in any form."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    return {name for needle, name in NEEDLES.items() if needle in data}


def scan_tree(root: Path, *, without: tuple[str, ...] = ()) -> dict[str, set[str]]:
    """File -> secrets in it, for every file below a folder (names included)."""
    found = {}
    for path in root.rglob("*"):
        relative = path.relative_to(root).as_posix()
        if not path.is_file() or any(part in f"/{relative}" for part in without):
            continue
        hits = scan(path.read_bytes()) | scan(relative)
        if hits:
            found[relative] = hits
    return found
