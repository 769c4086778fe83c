"""The grammar of cron expressions: expectations are what cron-utils 9.2.1 says, with Kestra's definition."""

import pytest

from simulator.dialect import V1, V2
from simulator.errors import InvalidFlowError
from simulator.model.cron import read_cron


def problem(text: str, *, seconds: bool = False, dialect=V1) -> str:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidFlowError) as caught:
        read_cron(text, seconds=seconds, dialect=dialect)
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Empty expression!"),
        ("* * *", "Cron expression contains 3 parts but we expect one of [5]"),
        ("0 0 12 * * *", "Cron expression contains 6 parts but we expect one of [5]"),
        ("@Daily", "Cron expression contains 1 parts but we expect one of [5]"),
        ("@reboot", "Nickname @reboot not supported!"),
        ("60 * * * *", "Failed to parse cron expression. Value 60 not in range [0, 59]"),
        ("* * * * 8", "Failed to parse cron expression. Value 8 not in range [0, 7]"),
        ("*/70 * * * *", "Failed to parse cron expression. Period 70 not in range [0, 59]"),
        ("*/0 * * * *", "Failed to parse cron expression. Period 0 not in range [0, 59]"),
        ("* 22-2 * * *", "Failed to parse cron expression. Invalid range! [22,2]"),
        ("* * * * SUN-TUE", "Failed to parse cron expression. Invalid range! [7,2]"),
        ("5- * * * *", "Failed to parse cron expression. Missing values for range: 5-"),
        ("1/ * * * *", "Failed to parse cron expression. Missing steps for expression: 1/"),
        ("* * * * 5#2", "Failed to parse cron expression. Invalid expression: 5#2"),
        ("* * ? * *", "Failed to parse cron expression. Invalid expression: ?"),
        (
            "* * 15W * *",
            "Failed to parse cron expression. Invalid chars in expression! Expression: 15W Invalid chars: W",
        ),
        (
            "* * L * *",
            "Failed to parse cron expression. Invalid chars in expression! Expression: L Invalid chars: L",
        ),
        ("1, * * * *", "Invalid field value! Trailing commas not permitted! '1,'"),
    ],
)
def test_what_is_refused_and_why(text: str, message: str) -> None:
    assert problem(text) == message


def test_six_fields_with_seconds() -> None:
    assert problem("0 12 * * *", seconds=True) == "Cron expression contains 5 parts but we expect one of [6]"
    fields = read_cron("*/20 0 12 * * *", seconds=True, dialect=V1)
    assert (fields.seconds, fields.minutes, fields.hours) == ((0, 20, 40), (0,), (12,))
    assert read_cron("@daily", seconds=True, dialect=V1).seconds == (0,)


@pytest.mark.parametrize(
    ("text", "weekdays"),
    [
        ("MON-FRI", {0, 1, 2, 3, 4}),
        ("0", {6}),
        ("7", {6}),
        ("FRI-SUN", {4, 5, 6}),
        ("7/2", {6, 1, 3, 5}),
        ("4/3", {3, 6}),
    ],
)
def test_sunday_is_0_and_7(text: str, weekdays: set[int]) -> None:
    assert read_cron(f"0 0 * * {text}", seconds=False, dialect=V1).weekdays == weekdays


def test_the_last_day_is_of_2_alone_and_stands_alone() -> None:
    def last(day: str) -> set[int]:
        return set(read_cron(f"0 0 {day} * *", seconds=False, dialect=V2).last_days)

    assert (last("L"), last("l-3"), last("1,L")) == ({0}, {3}, set())
    assert "Value 0 not in range" in problem("0 0 L-0 * *", dialect=V2)


def test_a_step_of_one_is_no_restriction() -> None:
    fields = read_cron("0 0 */1 * */2", seconds=False, dialect=V1)
    assert (fields.days, fields.weekdays) == (None, {6, 1, 3, 5})
