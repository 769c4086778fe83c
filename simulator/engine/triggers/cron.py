"""Cron as Kestra reads it (core-tasks.md 10): five fields, six with seconds first, nicknames; dates in a time zone.

The arithmetic is cronsim's. A time that a change to summer time leaves out runs when the clock has moved on; one that
comes twice runs once.
"""

from __future__ import annotations

import datetime as dt

from cronsim import CronSim, CronSimError

from simulator.errors import InvalidFlowError

__all__ = ["Cron"]

_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_HORIZON = dt.timedelta(days=3660)


class Cron:
    """One expression in one zone."""

    def __init__(self, expression: str, *, seconds: bool = False, zone: dt.tzinfo = dt.UTC) -> None:
        """Raises InvalidFlowError for an expression that cannot be read."""
        text = _NICKNAMES.get(expression.strip().lower(), expression.strip())
        if seconds and text != expression.strip():
            text = f"0 {text}"
        fields = len(text.split())
        if fields != (6 if seconds else 5):
            raise InvalidFlowError(
                f"invalid cron expression '{expression}': expected {6 if seconds else 5} fields"
            )
        self.expression = text
        self.zone = zone
        self._never = self._impossible_day()
        self._check()

    def _impossible_day(self) -> bool:
        """A day that no month of the expression has (31 2): cron-utils takes it, and it never comes."""
        *_, day, month, weekday = self.expression.split()
        if weekday != "*" or not day.isdigit() or not 1 <= int(day) <= 31:
            return False
        named = {name: str(number) for number, name in enumerate(_MONTHS, 1)}
        months = [named.get(part.upper(), part) for part in month.split(",")]
        return all(part.isdigit() and 1 <= int(part) <= 12 for part in months) and all(
            int(day) > _LONGEST[int(part) - 1] for part in months
        )

    def _check(self) -> None:
        if self._never:
            return
        try:
            CronSim(self.expression, dt.datetime(2000, 1, 1))
        except CronSimError as error:
            raise InvalidFlowError(f"invalid cron expression '{self.expression}': {error}") from None

    def next(self, after: dt.datetime) -> dt.datetime | None:
        """The first date after `after` (exclusive), None when there is none in ten years."""
        return self._step(after, reverse=False)

    def previous(self, before: dt.datetime) -> dt.datetime | None:
        """The last date before `before` (exclusive)."""
        return self._step(before, reverse=True)

    def _step(self, start: dt.datetime, *, reverse: bool) -> dt.datetime | None:
        if self._never:
            return None
        local = start.astimezone(self.zone)
        try:
            found = next(CronSim(self.expression, local, reverse=reverse))
        except (CronSimError, StopIteration):
            return None
        if abs(found - start) > _HORIZON:
            return None
        return found
