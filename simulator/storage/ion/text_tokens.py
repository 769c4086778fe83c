"""The tokens of Ion text, and the scalars behind them (storage.md 2.2, 2.3). JSON's tokens are a part of these."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

from simulator.errors import StorageError
from simulator.values import Instant

__all__ = ["BLOB", "CLOB", "TOKEN", "number", "timestamp", "timestamp_value", "unescape"]

TOKEN = re.compile(
    r"""(?P<space>[\s]+|//[^\n]*(?:\n|\Z)|/\*.*?\*/)
    |(?P<punct>[\[\]{},:()])
    |"(?P<plain>[^"\\\n]*)"
    |(?P<string>"(?:[^"\\\n]|\\[\s\S])*")
    |(?P<long>'''(?:[^'\\]|\\[\s\S]|'(?!''))*''')
    |(?P<quoted>'(?:[^'\\\n]|\\[\s\S])*')
    |(?P<time>\d{4}-\d{2}(?:-\d{2}(?:T(?:\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))?)?|T)|\d{4}T)
    |(?P<number>-?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|\d[\d_]*(?:\.(?:\d[\d_]*)?)?(?:[eEdD][+-]?\d+)?)|[+-]inf\b)
    |(?P<symbol>[A-Za-z_$][A-Za-z0-9_$]*)
    """,
    re.VERBOSE | re.DOTALL,
)
BLOB = re.compile(r"\{\{\s*([A-Za-z0-9+/=\s]*)\}\}")
CLOB = re.compile(r"""\{\{\s*("(?:[^"\\]|\\[\s\S])*"|'''[\s\S]*?''')\s*\}\}""")
_TIME = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(?:(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(Z|[+-]\d{2}:\d{2})?)?)?)?)?T?"
)
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}"
    r"|\r\n|[\s\S])"
)
_SIMPLE = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r",
    "\\": "\\", '"': '"', "'": "'", "/": "/", "?": "?", "\n": "",
}  # fmt: skip


def unescape(text: str) -> str:
    """Ion and JSON escapes to characters; a pair of JSON surrogates becomes one character."""
    if "\\" not in text:
        return text

    def char(match: re.Match[str]) -> str:
        code = match[0][1:]
        if len(code) == 11:
            return code_pair(code)
        if code[0] in "uUx" and len(code) > 1:
            number = int(code[1:], 16)
            if number > 0x10FFFF:
                raise StorageError(f"Invalid Ion escape \\{code}")
            return chr(number)
        if code == "\r\n":
            return ""
        try:
            return _SIMPLE[code]
        except KeyError:
            raise StorageError(f"Invalid Ion escape \\{code}") from None

    def code_pair(code: str) -> str:
        high, low = int(code[1:5], 16), int(code[7:11], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))

    return _ESCAPE.sub(char, text)


def timestamp_value(moment: dt.datetime, offset_minutes: int | None) -> dt.date | dt.datetime:
    """Kestra's reading of a timestamp (2.3): UTC midnight is a date, another offset a ZonedDateTime, else Instant.

    `moment` is the local time, naive; no offset = unknown.
    """
    if offset_minutes:
        zone = dt.timezone(dt.timedelta(minutes=offset_minutes))
        return moment.replace(tzinfo=zone)
    if moment.time() == dt.time():
        return moment.date()
    return Instant.combine(moment.date(), moment.time(), dt.UTC)


def timestamp(text: str) -> dt.date | dt.datetime:
    match = _TIME.fullmatch(text)
    assert match is not None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    micros = int((fraction or "").ljust(6, "0")[:6])
    try:
        moment = dt.datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            micros,
        )
        offset = None
        if zone not in (None, "Z", "-00:00"):
            sign = -1 if zone[0] == "-" else 1
            offset = sign * (int(zone[1:3]) * 60 + int(zone[4:6]))
        return timestamp_value(moment, offset)
    except ValueError as error:
        raise StorageError(f"Invalid Ion timestamp {text}: {error}") from None


def number(text: str) -> int | float | Decimal:
    text = text.replace("_", "")
    if text.endswith("inf"):
        return float(text)
    lower = text.lower()
    if lower.lstrip("-").startswith(("0x", "0b")):
        return int(lower, 0)
    try:
        if "e" in lower:
            return float(text)
        if "d" in lower:
            return Decimal(lower.replace("d", "e"))
        return Decimal(text) if "." in text else int(text)
    except (ValueError, ArithmeticError):
        raise StorageError(f"Invalid Ion number {text[:40]}") from None
