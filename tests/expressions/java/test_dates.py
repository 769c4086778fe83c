"""Patterns, named formats, zones and reading of dates: the tables of expressions.md 12, row by row."""

from __future__ import annotations

import datetime as dt

import pytest

from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.locales import locale_of
from simulator.expressions.java.moments import add_unit, format_moment, read_moment
from simulator.expressions.java.zones import zone_of

ENGLISH = locale_of("en_US")
PARIS = zone_of("Europe/Paris")
MOMENT = dt.datetime(2013, 9, 8, 17, 19, 12, 123456, tzinfo=PARIS)


def shown(pattern: str, moment: dt.datetime = MOMENT, locale: str = "en_US") -> str:
    assert moment.tzinfo is not None
    return format_moment(moment, moment.tzinfo, pattern, locale_of(locale))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy uuuu YYYY yy", "2013 2013 2013 13"),
        ("M MM MMM MMMM MMMMM, L LLLL", "9 09 Sep September S, 9 September"),
        ("d dd D DD", "8 08 251 251"),
        ("E EEEE, e c", "Sun Sunday, 1 1"),
        ("w W, Q QQQ, F", "37 2, 3 Q3, 2"),
        ("a, h hh K, H k, B", "PM, 5 05 5, 17 17, in the afternoon"),
        ("m s, S SSS n N A", "19 12, 1 123 123456000 62352123456000 62352123"),
        (
            "X XX XXX, x, Z ZZZZ ZZZZZ, O OOOO",
            "+02 +0200 +02:00, +02, +0200 GMT+02:00 +02:00, GMT+2 GMT+02:00",
        ),
        ("z zzzz VV, G", "CEST Central European Summer Time Europe/Paris, AD"),
        ("'text' '' [d]", "text ' 8"),
        ("iso", "2013-09-08T17:19:12.123456+02:00"),
        ("iso_milli", "2013-09-08T17:19:12.123+02:00"),
        ("iso_sec", "2013-09-08T17:19:12+02:00"),
        ("sql", "2013-09-08 17:19:12.123456"),
        ("iso_date", "2013-09-08+02:00"),
        ("iso_ordinal_date", "2013-251+02:00"),
        ("iso_week_date", "2013-W36-7+02:00"),
        ("rfc_1123_date_time", "Sun, 8 Sep 2013 17:19:12 +0200"),
        ("iso_instant", "2013-09-08T15:19:12.123456Z"),
        ("iso_date_time", "2013-09-08T17:19:12.123456+02:00[Europe/Paris]"),
        ("short", "9/8/13, 5:19\u202fPM"),
    ],
)
def test_printing(pattern: str, text: str) -> None:
    assert shown(pattern) == text


def test_seconds_are_always_there_and_fractions_when_they_are() -> None:
    whole = MOMENT.replace(microsecond=0)
    assert shown("iso_local_time", whole) == "17:19:12"
    assert shown("iso_local_date_time", whole.replace(microsecond=120000)) == "2013-09-08T17:19:12.12"
    assert shown("iso_instant", whole) == "2013-09-08T15:19:12Z"


def test_offset_zero() -> None:
    utc = MOMENT.astimezone(dt.UTC)
    assert shown("X XXX x xxx Z O", utc) == "Z Z +00 +00:00 +0000 GMT"
    assert shown("rfc_1123_date_time", utc) == "Sun, 8 Sep 2013 15:19:12 GMT"
    assert shown("iso_date_time", utc) == "2013-09-08T15:19:12.123456Z"
    assert shown("iso_date_time", MOMENT.astimezone(zone_of("UTC"))) == "2013-09-08T15:19:12.123456Z[UTC]"


def test_locales() -> None:
    assert shown("EEEE d MMMM, EEE MMM", locale="fr") == "dimanche 8 septembre, dim. sept."
    assert shown("EEEE, d. MMMM", locale="de_DE") == "Sonntag, 8. September"
    assert (shown("e w", locale="fr_FR"), shown("e w", locale="en_US")) == ("7 36", "1 37")
    assert shown("LLLL|MMMM", locale="ru") == "сентябрь|сентября"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("T", "Unknown pattern letter: T"),
        ("x'P", "Pattern ends with an incomplete string literal: x'P"),
        ("{", "Pattern includes reserved character: '{'"),
        ("ddd", "Too many pattern letters: d"),
        ("hhh", "Too many pattern letters: h"),
        ("V", "Pattern letter count must be 2: V"),
        ("d]", "Pattern invalid as it contains ] without previous ["),
    ],
)
def test_bad_patterns(pattern: str, message: str) -> None:
    with pytest.raises(JavaError, match="^.*$") as caught:
        shown(pattern)
    assert (caught.value.java_type, caught.value.message) == ("IllegalArgumentException", message)


@pytest.mark.parametrize(
    ("text", "pattern", "iso"),
    [
        ("2013-09-08T16:19:00+02", None, "2013-09-08T14:19:00Z"),
        ("2013-09-08T16:19", None, "2013-09-08T16:19:00Z"),
        ("2013-09-08t16:19:00z", None, "2013-09-08T16:19:00Z"),
        ("2013-09-08T16:19:00+02:00[Europe/Paris]", None, "2013-09-08T14:19:00Z"),
        ("2013-09-08 24:00", "yyyy-MM-dd HH:mm", "2013-09-09T00:00:00Z"),
        ("2013-09-08", None, "2013-09-08T00:00:00Z"),
        ("08092023", "ddMMyyyy", "2023-09-08T00:00:00Z"),
        ("20230908101112", "yyyyMMddHHmmss", "2023-09-08T10:11:12Z"),
        ("1/2/20", "M/d/yy", "2020-01-02T00:00:00Z"),
        ("July 1, 2020", "MMMM d, yyyy", "2020-07-01T00:00:00Z"),
        ("2023-09-08 10:11 PM", "yyyy-MM-dd hh:mm a", "2023-09-08T22:11:00Z"),
        ("Tue, 08 Feb 2022 19:38:26 GMT", "rfc_1123_date_time", "2022-02-08T19:38:26Z"),
        ("31.02.2023", "dd.MM.yyyy", "2023-02-28T00:00:00Z"),
        ("2024-060", "iso_ordinal_date", "2024-02-29T00:00:00Z"),
        ("2024-W10-2", "iso_week_date", "2024-03-05T00:00:00Z"),
        ("2023-09-08 10:11 +0530", "yyyy-MM-dd HH:mm XX", "2023-09-08T04:41:00Z"),
    ],
)
def test_reading(text: str, pattern: str | None, iso: str) -> None:
    assert format_moment(read_moment(text, dt.UTC, pattern), dt.UTC, "iso_sec", ENGLISH) == iso


@pytest.mark.parametrize(
    ("text", "pattern", "end"),
    [
        ("2013-09-08T16:19:00+0200", None, ", unparsed text found at index 10"),
        ("2013-09-08 16:19:00", None, ", unparsed text found at index 10"),
        ("2013-9-8", None, " at index 5"),
        ("20130908", None, " at index 0"),
        ("2024-02-30", None, ": Invalid date 'FEBRUARY 30'"),
        ("2023-02-29", None, ": Invalid date 'February 29' as '2023' is not a leap year"),
        ("2024-13-01", None, ": Invalid value for MonthOfYear (valid values 1 - 12): 13"),
        ("2013-09-08T24:00", None, ", unparsed text found at index 10"),
        ("", None, " at index 0"),
        ("july 1, 2020", "MMMM d, yyyy", " at index 0"),
        ("1.2.2023", "dd.MM.yyyy", " at index 0"),
        ("32.01.2023", "dd.MM.yyyy", ": Invalid value for DayOfMonth (valid values 1 - 31): 32"),
        ("10:00", "HH:mm", ": Unable to obtain LocalDate from TemporalAccessor"),
        ("2023-01", "yyyy-MM", ": Unable to obtain LocalDate from TemporalAccessor"),
    ],
)
def test_what_cannot_be_read(text: str, pattern: str | None, end: str) -> None:
    with pytest.raises(JavaError) as caught:
        read_moment(text, dt.UTC, pattern)
    assert caught.value.java_type == "DateTimeParseException"
    assert caught.value.message == f"Text '{text}' could not be parsed{end}"


@pytest.mark.parametrize(
    "name", ["Europe/Paris", "+02:00", "+2", "GMT+2", "UTC+1", "UTC", "Z", "CET", "-0330"]
)
def test_zones(name: str) -> None:
    assert zone_of(name).utcoffset(MOMENT.replace(tzinfo=None)) is not None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("PST", "ZoneRulesException"),
        ("EST", "ZoneRulesException"),
        ("europe/paris", "ZoneRulesException"),
        ("posix/Europe/Paris", "ZoneRulesException"),
        ("../etc/passwd", "DateTimeException"),
        ("", "DateTimeException"),
        ("+19", "DateTimeException"),
        ("+2:30", "DateTimeException"),
    ],
)
def test_no_zones(name: str, kind: str) -> None:
    with pytest.raises(JavaError) as caught:
        zone_of(name)
    assert caught.value.java_type == kind


def test_adding_keeps_the_zone() -> None:
    start = dt.datetime(2024, 10, 26, 12, tzinfo=PARIS)
    assert add_unit(start, 1, "DAYS").isoformat() == "2024-10-27T12:00:00+01:00"
    assert add_unit(start, 24, "HOURS").isoformat() == "2024-10-27T11:00:00+01:00"
    assert add_unit(start, -8, "MONTHS").isoformat() == "2024-02-26T12:00:00+01:00"
    with pytest.raises(JavaError, match="ChronoUnit.FORTNIGHTS"):
        add_unit(start, 1, "FORTNIGHTS")
