"""When cron expressions fire: expectations are what cron-utils 9.2.1 says, with Kestra's definition."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from simulator.dialect import V2
from simulator.engine.triggers.cron import Cron


def texts(cron: str, start: str, zone: str, count: int, *, seconds: bool = False) -> list[str]:
    """The next dates after a start (UTC); with a negative count the ones before."""
    expression = Cron(cron, seconds=seconds, zone=ZoneInfo(zone), dialect=V2)
    moment: dt.datetime | None = dt.datetime.fromisoformat(start).replace(tzinfo=dt.UTC)
    found = []
    for _ in range(abs(count)):
        assert moment is not None
        moment = expression.previous(moment) if count < 0 else expression.next(moment)
        found.append("none" if moment is None else moment.strftime("%m-%dT%H:%M%z").removesuffix("00"))
    return found


@pytest.mark.parametrize(
    ("cron", "found"),
    [
        # what summer time leaves out is skipped
        ("30 2 * * *", ["03-31T02:30+02", "04-01T02:30+02"]),
        ("15 1-3 * * *", ["03-30T01:15+01", "03-30T03:15+02", "03-31T01:15+02"]),
    ],
)
def test_the_hour_that_is_not_there(cron: str, found: list[str]) -> None:
    assert texts(cron, "2025-03-29T12:00", "Europe/Berlin", len(found)) == found


@pytest.mark.parametrize(
    ("cron", "found"),
    [
        ("30 2 * * *", ["10-26T02:30+02", "10-27T02:30+01"]),
        ("30 2,3 * * *", ["10-26T02:30+02", "10-26T02:30+01", "10-26T03:30+01"]),
        ("30 2,5 * * *", ["10-26T02:30+02", "10-26T05:30+01"]),
        (
            "*/30 2 * * *",
            ["10-26T02:00+02", "10-26T02:30+02", "10-26T02:00+01", "10-26T02:30+01", "10-27T02:00+01"],
        ),
    ],
)
def test_the_hour_that_comes_twice(cron: str, found: list[str]) -> None:
    assert texts(cron, "2025-10-25T12:00", "Europe/Berlin", len(found)) == found


def test_backwards_through_the_hour_that_comes_twice() -> None:
    found = texts("0 * * * *", "2025-10-26T02:30", "Europe/Berlin", -5)
    assert found == ["10-26T03:00+01", "10-26T02:00+01", "10-26T02:00+02", "10-26T01:00+02", "10-26T00:00+02"]


def test_a_midnight_that_is_not_there() -> None:
    assert texts("0 0 * * *", "2025-09-06T12:00", "America/Santiago", 1) == ["09-08T00:00-03"]


def test_day_of_the_month_or_weekday() -> None:
    assert [item[:5] for item in texts("0 0 */2 * 1", "2025-06-01T12:00", "UTC", 6)] == [
        "06-02", "06-03", "06-05", "06-07", "06-09", "06-11",
    ]  # fmt: skip
    assert [item[:5] for item in texts("0 0 13 * 5", "2025-06-01T12:00", "UTC", 3)] == [
        "06-06",
        "06-13",
        "06-20",
    ]


def test_the_last_day_of_a_month() -> None:
    assert [item[:5] for item in texts("0 0 L * *", "2025-01-31T12:00", "UTC", 3)] == [
        "02-28",
        "03-31",
        "04-30",
    ]
    assert [item[:5] for item in texts("0 0 L-3 * *", "2025-06-01T12:00", "UTC", 2)] == ["06-27", "07-28"]


def test_days_that_never_come() -> None:
    assert texts("0 0 30,31 2 *", "2025-06-01T12:00", "UTC", 1) == ["none"]
    assert texts("0 0 29 2 *", "2025-06-01T12:00", "UTC", 1) == ["02-29T00:00+00"]


def test_seconds() -> None:
    cron = Cron("*/20 30 2 * * *", seconds=True)
    first = cron.next(dt.datetime(2025, 6, 1, 2, 30, 41, tzinfo=dt.UTC))
    assert first == dt.datetime(2025, 6, 2, 2, 30, tzinfo=dt.UTC)
    assert cron.previous(first) == dt.datetime(2025, 6, 1, 2, 30, 40, tzinfo=dt.UTC)
