"""Time zones as `java.time.ZoneId.of` reads and prints them.

Source: expressions.md 12 ("unknown zone", zone names), language of the JDK's ZoneId.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
import zoneinfo

from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.locales import zone_long_names

__all__ = ["RegionOffset", "offset_seconds", "offset_text", "region_id", "zone_id", "zone_name", "zone_of"]

_OFFSET = re.compile(r"([+-])(\d{1,2})(?:(?::(\d\d)(?::(\d\d))?)|(?:(\d\d)(\d\d)?))?")
_PREFIXED = re.compile(r"(UTC|GMT|UT)([+-].*)?")
_REGION = re.compile(r"[A-Za-z][A-Za-z0-9~/._+-]+")
# Java's copy of the tz database leaves these out: they are no region ids there.
_NOT_IN_JAVA = frozenset({"EST", "MST", "HST", "ROC", "Factory", "localtime", "posixrules"})
# The tz database has only numeric abbreviations for these, Java has letters.
_SHORT_NAMES = {
    "America/Sao_Paulo": ("BRT", "BRST"),
    "America/Argentina/Buenos_Aires": ("ART", "ARST"),
    "America/Buenos_Aires": ("ART", "ARST"),
    "America/Santiago": ("CLT", "CLST"),
    "America/Bogota": ("COT", "COST"),
    "America/Lima": ("PET", "PEST"),
    "America/Caracas": ("VET", "VET"),
    "America/Guayaquil": ("ECT", "ECT"),
    "America/La_Paz": ("BOT", "BOT"),
    "America/Montevideo": ("UYT", "UYST"),
    "America/Asuncion": ("PYT", "PYST"),
    "Asia/Dubai": ("GST", "GST"),
    "Asia/Singapore": ("SGT", "SGT"),
    "Asia/Bangkok": ("ICT", "ICT"),
    "Asia/Ho_Chi_Minh": ("ICT", "ICT"),
    "Asia/Kuala_Lumpur": ("MYT", "MYT"),
    "Asia/Kathmandu": ("NPT", "NPT"),
    "Asia/Dhaka": ("BDT", "BDT"),
    "Asia/Tehran": ("IRST", "IRDT"),
    "Asia/Kabul": ("AFT", "AFT"),
    "Asia/Tashkent": ("UZT", "UZT"),
    "Asia/Baku": ("AZT", "AZST"),
    "Asia/Tbilisi": ("GET", "GEST"),
    "Asia/Yerevan": ("AMT", "AMST"),
    "Asia/Yangon": ("MMT", "MMT"),
    "Europe/Istanbul": ("TRT", "TRT"),
    "Asia/Riyadh": ("AST", "ADT"),
}


class RegionOffset(dt.tzinfo):
    """A region whose rules are one fixed offset (`UTC`, `GMT+02:00`): unlike a bare offset it has a name."""

    def __init__(self, key: str, offset: dt.timedelta) -> None:
        self.key = key
        self._offset = offset

    def utcoffset(self, moment: dt.datetime | None) -> dt.timedelta:
        return self._offset

    def dst(self, moment: dt.datetime | None) -> dt.timedelta:
        return dt.timedelta()

    def tzname(self, moment: dt.datetime | None) -> str:
        return self.key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RegionOffset) and (self.key, self._offset) == (other.key, other._offset)

    def __hash__(self) -> int:
        return hash((self.key, self._offset))

    def __repr__(self) -> str:
        return f"RegionOffset({self.key!r})"


def _offset_of(text: str) -> dt.tzinfo:
    if text == "Z":
        return dt.UTC
    match = _OFFSET.fullmatch(text)
    if match is None or (len(match[2]) == 1 and len(text) != 2):
        raise JavaError("DateTimeException", f"Invalid ID for ZoneOffset, invalid format: {text}")
    hours, minutes, seconds = int(match[2]), int(match[3] or match[5] or 0), int(match[4] or match[6] or 0)
    if hours > 18:
        raise JavaError(
            "DateTimeException",
            f"Zone offset hours not in valid range: value {hours} is not in the range -18 to 18",
        )
    if minutes > 59 or seconds > 59:
        unit, number = ("minutes", minutes) if minutes > 59 else ("seconds", seconds)
        raise JavaError(
            "DateTimeException",
            f"Zone offset {unit} not in valid range: value {number} is not in the range -59 to 59",
        )
    delta = dt.timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if delta > dt.timedelta(hours=18):
        raise JavaError("DateTimeException", "Zone offset not in valid range: -18:00 to +18:00")
    if not delta:
        return dt.UTC
    return dt.timezone(-delta if match[1] == "-" else delta)


@functools.lru_cache(maxsize=512)
def zone_of(text: str) -> dt.tzinfo:
    """`ZoneId.of(text)`.

    Raises JavaError: ZoneRulesException `Unknown time-zone ID: X`, DateTimeException for malformed ids.
    """
    if len(text) <= 1 or text[0] in "+-":
        return _offset_of(text)
    prefixed = _PREFIXED.fullmatch(text)
    if prefixed is not None:
        if prefixed[2] is None:
            return RegionOffset(text, dt.timedelta())
        try:
            offset = _offset_of(prefixed[2]).utcoffset(None) or dt.timedelta()
        except JavaError as error:
            raise JavaError("DateTimeException", f"Invalid ID for offset-based ZoneId: {text}") from error
        return RegionOffset(prefixed[1] + (offset_text(offset) if offset else ""), offset)
    if _REGION.fullmatch(text) is None:
        raise JavaError("DateTimeException", f"Invalid ID for region-based ZoneId, invalid format: {text}")
    if text not in _NOT_IN_JAVA and not text.startswith(("posix/", "right/")):
        try:
            return zoneinfo.ZoneInfo(text)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            pass
    raise JavaError("ZoneRulesException", f"Unknown time-zone ID: {text}")


def offset_text(offset: dt.timedelta) -> str:
    """The id of a fixed offset: `+02:00`, `-03:30`, `Z`."""
    seconds = offset_seconds(offset)
    if seconds == 0:
        return "Z"
    hours, rest = divmod(abs(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02d}:{minutes:02d}" + (f":{rest:02d}" if rest else "")


def offset_seconds(offset: dt.timedelta | None) -> int:
    return 0 if offset is None else offset.days * 86400 + offset.seconds


def region_id(zone: dt.tzinfo | None) -> str | None:
    """The region id, None for a bare offset."""
    key = getattr(zone, "key", None)
    return key if isinstance(key, str) else None


def zone_id(moment: dt.datetime) -> str:
    """The id of the zone of an aware moment: the region, else the offset."""
    return region_id(moment.tzinfo) or offset_text(moment.utcoffset() or dt.timedelta())


def zone_name(moment: dt.datetime, *, full: bool) -> str:
    """What pattern letter `z` (`zzzz` when full) prints, in English."""
    region = region_id(moment.tzinfo)
    if region is None:
        return zone_id(moment)
    daylight = bool(moment.dst())
    if region in ("UTC", "UT", "Etc/UTC", "Etc/UCT", "UCT", "Etc/Universal", "Universal", "Zulu", "Etc/Zulu"):
        return "Coordinated Universal Time" if full else "UTC"
    if region in ("GMT", "Etc/GMT", "Etc/Greenwich", "Greenwich"):
        return "Greenwich Mean Time" if full else "GMT"
    if full:
        names = zone_long_names(region)
        return names[daylight] if names else region
    if region in _SHORT_NAMES:
        return _SHORT_NAMES[region][daylight]
    name = moment.tzname() or region
    return region if name[:1] in "+-" else name
