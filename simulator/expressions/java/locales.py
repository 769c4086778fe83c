"""Locale data for dates and numbers (CLDR, in `locales.json`), found the way Java finds it.

Written by `tests/expressions/java/make_locales.py`. Source of the rules: expressions.md 10 and 12.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from typing import Any

from simulator.expressions.java.errors import JavaError

__all__ = ["DEFAULT", "Locale", "locale_of", "zone_long_names"]

_LOCALE = re.compile(r"([a-z]{2,3})?(?:[_-]([A-Z]{2}|[0-9]{3})?(?:[_-]([A-Za-z0-9]+))?)?")
_ALIASES = {"no": "nb", "iw": "he", "in": "id", "zh_TW": "zh_Hant", "zh_HK": "zh_Hant", "zh_MO": "zh_Hant"}
_STYLES = ("full", "long", "medium", "short")


@dataclass(frozen=True, slots=True, eq=False)
class Locale:
    """Names and formats of one locale. `names[...]` hold three widths: wide, abbreviated, narrow."""

    name: str
    data: dict[str, Any]
    first_day: int
    """First day of the week, Monday is 1."""
    minimal_days: int
    """Days that the first week of a year must have."""

    def names(self, kind: str, width: int) -> list[str]:
        """Names of `months`, `days` (Monday first), `quarters`, `eras`...; width 0 wide, 1 abbreviated, 2 narrow."""
        found: list[str] = self.data[kind][width]
        return found

    @property
    def ampm(self) -> list[str]:
        found: list[str] = self.data["ampm"]
        return found

    @property
    def decimal(self) -> str:
        return str(self.data["symbols"][0])

    @property
    def group(self) -> str:
        return str(self.data["symbols"][1])

    @property
    def minus(self) -> str:
        return str(self.data["symbols"][2])

    @property
    def percent(self) -> str:
        return str(self.data["symbols"][3])

    def date_time_pattern(self, style: str) -> str:
        """The pattern of `DateTimeFormatter.ofLocalizedDateTime(style)`."""
        index = _STYLES.index(style)
        join = self.data["datetime"][index]
        if self.name.startswith("en") and index < 2:
            join = "{1} 'at' {0}"
        return str(join.replace("{1}", self.data["date"][index]).replace("{0}", self.data["time"][index]))


@functools.lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    from importlib import resources

    text = resources.files("simulator.expressions.java").joinpath("locales.json").read_text("utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def zone_long_names(region: str) -> tuple[str, str] | None:
    """English long names of a region, standard and daylight."""
    found = _table()["zones"].get(region)
    return (found[0], found[1]) if found else None


@functools.lru_cache(maxsize=128)
def locale_of(text: str) -> Locale:
    """commons-lang's `LocaleUtils.toLocale` with the data that belongs to it.

    Raises JavaError IllegalArgumentException `Invalid locale format: X`, or for a language without data here.
    """
    match = _LOCALE.fullmatch(text)
    if match is None or (text and not match[1] and not match[2]):
        raise JavaError("IllegalArgumentException", f"Invalid locale format: {text}")
    table = _table()
    language, region = match[1] or "en", match[2]
    name = f"{language}_{region}" if region else language
    language = _ALIASES.get(language, language)
    key = _ALIASES.get(name, f"{language}_{region}" if region else language)
    locales = table["locales"]
    if language not in locales:
        raise JavaError("IllegalArgumentException", f"No data for locale: {text}")
    data = {**locales[language], **locales.get(key, {})}
    weeks = table["weeks"]
    first_day, minimal_days = weeks.get(region or table["regions"].get(language, "001"), weeks["001"])
    return Locale(name, data, first_day, minimal_days)


DEFAULT = "en_US"
"""The JVM's default locale."""
