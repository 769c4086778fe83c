"""Writes simulator/expressions/java/locales.json from CLDR (run by hand when CLDR moves on; needs `babel`).

    python -m tests.expressions.java.make_locales

The table keeps what Java's DateTimeFormatter and DecimalFormat read from CLDR, so that the product needs no locale
library of 30 MB. CLDR data: Unicode License v3.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

LANGUAGES = [
    "af",
    "ar",
    "az",
    "be",
    "bg",
    "bn",
    "bs",
    "ca",
    "cs",
    "cy",
    "da",
    "de",
    "el",
    "en",
    "es",
    "et",
    "eu",
    "fa",
    "fi",
    "fr",
    "ga",
    "gl",
    "he",
    "hi",
    "hr",
    "hu",
    "hy",
    "id",
    "is",
    "it",
    "ja",
    "ka",
    "kk",
    "ko",
    "lt",
    "lv",
    "mk",
    "ms",
    "nb",
    "nl",
    "nn",
    "pl",
    "pt",
    "ro",
    "ru",
    "sk",
    "sl",
    "sq",
    "sr",
    "sv",
    "sw",
    "ta",
    "th",
    "tr",
    "uk",
    "uz",
    "vi",
    "zh",
]
REGIONAL = [
    "de_AT",
    "de_CH",
    "en_AU",
    "en_CA",
    "en_GB",
    "en_IE",
    "en_IN",
    "en_NZ",
    "es_AR",
    "es_MX",
    "es_US",
    "fr_BE",
    "fr_CA",
    "fr_CH",
    "it_CH",
    "pt_PT",
    "zh_Hant",
]
STYLES = ("full", "long", "medium", "short")
WIDTHS = ("wide", "abbreviated", "narrow")
TARGET = Path(__file__).parents[3] / "simulator" / "expressions" / "java" / "locales.json"


def _names(data: Any, context: str, order: tuple[Any, ...]) -> list[list[str]]:
    return [[data[context][width][key] for key in order] for width in WIDTHS]


def entry(name: str) -> dict[str, Any]:
    from babel import Locale

    locale = Locale.parse(name)
    symbols = locale.number_symbols["latn"]
    months, days, quarters = tuple(range(1, 13)), tuple(range(7)), tuple(range(1, 5))
    found: dict[str, Any] = {
        "months": _names(locale.months, "format", months),
        "standalone_months": _names(locale.months, "stand-alone", months),
        "days": _names(locale.days, "format", days),
        "standalone_days": _names(locale.days, "stand-alone", days),
        "quarters": _names(locale.quarters, "format", quarters),
        "eras": [[locale.eras[width][0], locale.eras[width][1]] for width in WIDTHS],
        "ampm": [
            locale.day_periods["format"]["abbreviated"][key]
            if "abbreviated" in locale.day_periods["format"]
            and key in locale.day_periods["format"]["abbreviated"]
            else locale.day_periods["format"]["wide"][key]
            for key in ("am", "pm")
        ],
        "date": [str(locale.date_formats[style]) for style in STYLES],
        "time": [str(locale.time_formats[style]) for style in STYLES],
        "datetime": [str(locale.datetime_formats[style]) for style in STYLES],
        "symbols": [symbols["decimal"], symbols["group"], symbols["minusSign"], symbols["percentSign"]],
    }
    return found


def weeks() -> dict[str, list[int]]:
    """Region -> [first day of the week (Monday 1), days the first week must have]."""
    from babel import Locale
    from babel.localedata import locale_identifiers

    found = {"001": [1, 1]}
    for identifier in sorted(locale_identifiers()):
        locale = Locale.parse(identifier)
        if locale.territory and locale.territory not in found:
            found[locale.territory] = [locale.first_week_day + 1, locale.min_week_days]
    return {region: week for region, week in found.items() if region == "001" or week != found["001"]}


def zones() -> dict[str, list[str]]:
    """Zone -> English long names, standard and daylight."""
    from babel import Locale
    from babel.core import get_global

    english = Locale.parse("en_US")
    found = {}
    for zone, meta in sorted(get_global("meta_zones").items()):
        names = english.meta_zones.get(meta, {}).get("long")
        if names and "standard" in names:
            found[zone] = [names["standard"], names.get("daylight", names["standard"])]
    # CLDR keeps old canonical names (Asia/Calcutta), the tz database new ones: name both.
    for line in resources.files("tzdata").joinpath("zoneinfo/tzdata.zi").read_text("utf-8").splitlines():
        if line.startswith("L "):
            _, target, alias = line.split()
            for known, other in ((target, alias), (alias, target)):
                if known in found and not other.startswith("Etc/"):
                    found.setdefault(other, found[known])
    return found


def likely_regions() -> dict[str, str]:
    from babel.core import get_global

    found = {}
    for language in LANGUAGES:
        likely = get_global("likely_subtags").get(language, "")
        found[language] = likely.rpartition("_")[2]
    return found


def main() -> None:
    locales = {name: entry(name) for name in LANGUAGES}
    for name in REGIONAL:
        base = locales[name.partition("_")[0]]
        locales[name] = {key: value for key, value in entry(name).items() if base[key] != value}
    table = {"locales": locales, "weeks": weeks(), "regions": likely_regions(), "zones": zones()}
    TARGET.write_text(
        json.dumps(table, ensure_ascii=False, separators=(",", ":"), sort_keys=True) + "\n", "utf-8"
    )


if __name__ == "__main__":
    main()
