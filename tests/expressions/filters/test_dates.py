"""Date filters: inputs, zones, clock changes, units. Source: expressions.md 12."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.expressions.filters.harness import BOTH, fails, render

CASES = [
    ("{{ day | date }}", "2024-02-29T12:00:00.000000Z"),
    ("{{ zoned | date }}", "2013-09-08T15:19:12.123456Z"),
    ("{{ zoned | date(timeZone='+02:00') }}", "2013-09-08T17:19:12.123456+02:00"),
    ("{{ local | date(timeZone='Europe/Paris') }}", "2024-03-31T01:30:00.000000+01:00"),
    # 02:30 does not exist on that day in Paris, the clock goes on to 03:30.
    ("{{ '2024-03-31T02:30' | date(timeZone='Europe/Paris') }}", "2024-03-31T03:30:00.000000+02:00"),
    # 02:30 comes twice on that day, the first one counts.
    ("{{ '2024-10-27T02:30' | date(timeZone='Europe/Paris') }}", "2024-10-27T02:30:00.000000+02:00"),
    ("{{ '2013-09-08' | date(timeZone='Europe/Paris') }}", "2013-09-08T00:00:00.000000+02:00"),
    ("{{ 1378653552 | date('sql_sec') }}", "2013-09-08 15:19:12"),
    ("{{ 1378653552123 | date('sql_milli') }}", "2013-09-08 15:19:12.123"),
    ("{{ 1378653552123456000 | date('sql') }}", "2013-09-08 15:19:12.123456"),
    ("{{ 1378653552000123456 | date('sql') }}", "2013-09-08 15:19:12.123456"),
    ("{{ -1 | date('iso_sec') }}", "1969-12-31T23:59:59Z"),
    ("{{ n | date }}{{ n | dateAdd(1, 'DAYS') }}{{ n | timestamp }}", ""),
    ("{{ '2024-01-31' | dateAdd(1, 'MONTHS', 'iso_local_date') }}", "2024-02-29"),
    ("{{ '2024-02-29' | dateAdd(-1, 'YEARS', 'iso_local_date') }}", "2023-02-28"),
    ("{{ '2024-01-31' | dateAdd('-1', 'WEEKS', 'iso_local_date') }}", "2024-01-24"),
    ("{{ '2024-01-31' | dateAdd(1.9, 'DECADES', 'iso_local_date') }}", "2034-01-31"),
    # Days keep the wall clock over the change of the clock, hours the distance.
    ("{{ '2024-03-30T12:00' | dateAdd(1, 'DAYS', 'HH:mm', 'Europe/Paris') }}", "12:00"),
    ("{{ '2024-03-30T12:00' | dateAdd(24, 'HOURS', 'HH:mm', 'Europe/Paris') }}", "13:00"),
    ("{{ '2024-01-31' | dateAdd(i, 'HALF_DAYS') }}", "2024-02-02T12:00:00.000000Z"),
    ("{{ day | timestamp }} {{ day | timestamp | className }}", "1709208000 java.lang.Long"),
    (
        "{{ zoned | timestampMilli }} {{ zoned | timestampMicro }} {{ zoned | timestampNano }}",
        "1378653552123 1378653552123456 1378653552123456000",
    ),
    ("{{ zoned | timestampMicro | className }}", "java.lang.String"),
    ("{{ '01/02/2024' | timestamp(existingFormat='dd/MM/yyyy') }}", "1706745600"),
    ("{{ '2024-01-31' | date('EEEE d MMMM', locale='fr') }}", "mercredi 31 janvier"),
    ("{{ '2024-01-31' | date('EEE', locale='de_DE') }}", "Mi."),
]

ERRORS = [
    ("{{ i | date }}", "ClassCastException"),
    ("{{ true | date }}", "ClassCastException"),
    ("{{ 'abc' | date }}", "DateTimeParseException: Text 'abc' could not be parsed at index 0"),
    ("{{ '2024-01-31' | date('T') }}", "IllegalArgumentException: Unknown pattern letter: T"),
    (
        "{{ '2024-01-31' | date(timeZone='PST') }}",
        "java.time.zone.ZoneRulesException: Unknown time-zone ID: PST",
    ),
    ("{{ '2024-01-31' | date(timeZone='') }}", "java.time.DateTimeException"),
    ("{{ '2024-01-31' | date('EEE', locale='EN') }}", "Invalid locale format: EN"),
    ("{{ '2024-01-31' | dateAdd('x', 'DAYS') }}", "x can't be converted to long"),
    ("{{ '2024-01-31' | dateAdd([1], 'DAYS') }}", "Incorrect [1] format, must be a number"),
    ("{{ '2024-01-31' | dateAdd(1, 'days') }}", "No enum constant java.time.temporal.ChronoUnit.days"),
    ("{{ '2024-01-31' | dateAdd(1) }}", "NullPointerException"),
    ("{{ '2024-01-31' | dateAdd(99999, 'YEARS') }}", "DateTimeException"),
    ("{{ 99999999999999999 | date }}", "DateTimeException"),
    ("{{ '10:00' | date(existingFormat='HH:mm') }}", "DateTimeParseException"),
]


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(("template", "expected"), CASES)
def test_dates(template: str, expected: str, dialect: str) -> None:
    assert (render(template, dialect) or "") == expected


@pytest.mark.parametrize(("template", "text"), ERRORS)
def test_errors(template: str, text: str) -> None:
    assert text in fails(template).message


def test_the_system_zone_is_the_default() -> None:
    zone = dt.timezone(dt.timedelta(hours=-5))
    assert render("{{ '2024-01-31T10:00' | date('iso_sec') }}", zone=zone) == "2024-01-31T10:00:00-05:00"
