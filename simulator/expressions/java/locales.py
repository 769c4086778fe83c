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
_REGION_ALONE = 25
"""With this release comes a commons-lang that takes a region alone for a locale."""
_COUNTRIES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT "
    "BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH "
    "ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT "
    "HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS "
    "LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI "
    "NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG "
    "SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG "
    "UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW "
)
"""ISO 3166: codes of two letters between blanks."""
_NO_AT = 23
"""The Java release that joins date and time with a comma in English too."""


@dataclass(frozen=True, slots=True, eq=False)
class Locale:
    """Names and formats of one locale. `names[...]` hold three widths: wide, abbreviated, narrow."""

    name: str
    data: dict[str, Any]
    first_day: int
    """First day of the week, Monday is 1."""
    minimal_days: int
    """Days that the first week of a year must have."""
    release: int = 21
    """The Java release whose data it is: 1.1 runs on 21, 2.0 on 25."""

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
        if self.name.startswith("en") and index < 2 and self.release < _NO_AT:
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
def locale_of(text: str, release: int = 21) -> Locale:
    """commons-lang's `LocaleUtils.toLocale` with the data that belongs to it.

    A language that nobody has data for has Java's root data. Raises JavaError IllegalArgumentException
    `Invalid locale format: X`.
    """
    if release >= _REGION_ALONE and len(text) == 2 and text.isalpha() and text in _COUNTRIES:
        return _root(text, text, release)
    match = _LOCALE.fullmatch(text)
    if match is None or text.endswith("_") or (text and not match[1] and not match[2]):
        raise JavaError("IllegalArgumentException", f"Invalid locale format: {text}")
    table = _table()
    language, region = match[1] or "en", match[2]
    name = f"{language}_{region}" if region else language
    language = _ALIASES.get(language, language)
    key = _ALIASES.get(name, f"{language}_{region}" if region else language)
    locales = table["locales"]
    if language not in locales or (text and not match[1]):
        return _root(text, region, release)
    data = {**locales[language], **locales.get(key, {})}
    weeks = table["weeks"]
    first_day, minimal_days = weeks.get(region or table["regions"].get(language, "001"), weeks["001"])
    return Locale(name, data, first_day, minimal_days, release)


def _root(name: str, region: str | None, release: int) -> Locale:
    """English without long names, dates from the year to the day."""
    data = dict(_table()["locales"]["en"])
    for kind in ("days", "months", "standalone_days", "standalone_months", "quarters", "eras"):
        data[kind] = [data[kind][1], data[kind][1], data[kind][2]]
    data["date"] = ["y MMM d, EEE", "y MMM d", "y MMM d", "y-MM-dd"]
    data["time"] = ["HH:mm:ss OOOO", "HH:mm:ss z", "HH:mm:ss", "HH:mm"]
    data["datetime"] = ["{1} {0}"] * 4
    weeks = _table()["weeks"]
    first_day, minimal_days = weeks.get(region or "001", weeks["001"])
    return Locale(name, data, first_day, minimal_days, release)


DEFAULT = "en_US"
"""The JVM's default locale."""
