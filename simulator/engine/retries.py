"""When a failed task run is tried again (execution.md 5). Pure functions over the model and the attempts made."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence

from simulator.dialect import Dialect
from simulator.engine.execution import Attempt
from simulator.model.flow import Flow, Retry, Task

__all__ = ["next_retry_date", "retry_of"]


def retry_of(task: Task, ancestors: Sequence[Task], flow: Flow) -> Retry | None:
    """The task's own retry, else that of the nearest flowable around it that has one, else the flow's."""
    if task.retry is not None:
        return task.retry
    return next((above.retry for above in ancestors if above.retry is not None), flow.retry)


def delay(retry: Retry, attempts: int, rng: random.Random, dialect: Dialect) -> dt.timedelta:
    """How long to wait after `attempts` attempts. 1.x grows linearly and retries at once the first time."""
    if retry.type == "constant":
        return retry.interval or dt.timedelta()
    if retry.type == "exponential":
        interval = retry.interval or dt.timedelta()
        factor = retry.delay_factor or 2.0
        if dialect.major == 1:
            wait = interval * int(factor) * (attempts - 1)
        else:
            try:
                wait = interval * (factor ** (attempts - 1))
            except OverflowError:
                wait = retry.max_interval or interval
        return min(wait, retry.max_interval) if retry.max_interval is not None else wait
    low = retry.min_interval or dt.timedelta()
    high = retry.max_interval or low
    millisecond = dt.timedelta(milliseconds=1)
    first, last = low // millisecond, high // millisecond
    return (rng.randrange(first, last) if last > first else first) * millisecond


def next_retry_date(
    retry: Retry, attempts: Sequence[Attempt], rng: random.Random, dialect: Dialect
) -> dt.datetime | None:
    """The date of the next try, None when there is none (`maxAttempts` counts the first run too)."""
    if not attempts:
        return None
    if retry.max_attempts is not None and len(attempts) >= retry.max_attempts:
        return None
    base = attempts[-1].state.histories[-1].date
    date = base + delay(retry, len(attempts), rng, dialect)
    if retry.max_duration is not None and date > attempts[0].state.start_date + retry.max_duration:
        return None
    return date
