"""1.x conditions: all must hold (core-tasks.md 11). A function per type, and one table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.engine.execution import Execution
from simulator.engine.triggers.condition_specs import _PACKAGE
from simulator.errors import SimulatorError, TaskError, UnsupportedError
from simulator.model.flow import Flow

__all__ = ["CONDITIONS", "Subject", "all_hold"]

_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_IN_MONTH = ("FIRST", "SECOND", "THIRD", "FOURTH")


@dataclass(frozen=True, slots=True)
class Subject:
    """What conditions look at. `render` renders text in the trigger's context; `canonical` finds a type's own name."""

    flow: Flow
    execution: Execution | None
    render: Callable[[Any], Any]
    canonical: Callable[[str], str | None]
    seen: Callable[[str, Mapping[str, Any]], bool]
    """Of a MultipleCondition: whether all of its conditions were seen (id, condition)."""


def all_hold(conditions: Sequence[Mapping[str, Any]], subject: Subject) -> bool:
    """Whether every condition holds. Raises SimulatorError when one cannot be evaluated."""
    return all(_holds(condition, subject) for condition in conditions)


def _holds(condition: Mapping[str, Any], subject: Subject) -> bool:
    name = subject.canonical(str(condition.get("type"))) or str(condition.get("type"))
    test = CONDITIONS.get(name.removeprefix(f"{_PACKAGE}."))
    if test is None:
        raise UnsupportedError(f"The condition {name} is not evaluated by this simulator")
    return test(condition, subject)


def _execution(subject: Subject) -> Execution:
    if subject.execution is None:
        raise TaskError("Invalid condition with null execution")
    return subject.execution


def _date(condition: Mapping[str, Any], subject: Subject) -> dt.datetime:
    raw = condition.get("date") or "{{ trigger.date }}"
    text = subject.render(raw)
    try:
        moment = dt.datetime.fromisoformat(str(text).partition("[")[0])
    except ValueError:
        raise TaskError(f"Text '{text}' could not be parsed") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _moment(text: Any) -> dt.datetime:
    moment = dt.datetime.fromisoformat(str(text).partition("[")[0])
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _seconds(time: dt.time | dt.datetime) -> float:
    """An offset time as Java compares it: the time of the day less the offset, which may be below 0 or above a day."""
    whole = time.hour * 3600 + time.minute * 60 + time.second + time.microsecond / 1e6
    return whole - (time.utcoffset() or dt.timedelta()).total_seconds()


def _time(text: Any) -> float:
    return _seconds(dt.time.fromisoformat(str(text)))


def _read(text: Any, read: Callable[[Any], Any]) -> Any:
    try:
        return read(text)
    except ValueError:
        raise TaskError(f"Text '{text}' could not be parsed") from None


def _between(condition: Mapping[str, Any], subject: Subject, read: Callable[[Any], Any], value: Any) -> bool:
    after, before = subject.render(condition.get("after")), subject.render(condition.get("before"))
    if after is None and before is None:
        raise TaskError("Invalid condition with no before nor after")
    return (after is None or value > _read(after, read)) and (before is None or value < _read(before, read))


def _date_time_between(condition: Mapping[str, Any], subject: Subject) -> bool:
    return _between(condition, subject, _moment, _date(condition, subject))


def _time_between(condition: Mapping[str, Any], subject: Subject) -> bool:
    return _between(condition, subject, _time, _seconds(_date(condition, subject)))


def _one_of(condition: Mapping[str, Any], subject: Subject, name: str, allowed: Sequence[str]) -> str:
    """A rendered word. Raises TaskError for another one."""
    found = str(subject.render(condition.get(name)))
    if found not in allowed:
        raise TaskError(f"Invalid {name} '{found}', expected one of [{', '.join(allowed)}]")
    return found


def _day_week(condition: Mapping[str, Any], subject: Subject) -> bool:
    wanted = _one_of(condition, subject, "dayOfWeek", _DAYS)
    return _DAYS[_date(condition, subject).weekday()] == wanted


def _day_week_in_month(condition: Mapping[str, Any], subject: Subject) -> bool:
    date = _date(condition, subject)
    weekday = _one_of(condition, subject, "dayOfWeek", _DAYS)
    wanted = _one_of(condition, subject, "dayInMonth", (*_IN_MONTH, "LAST"))
    if _DAYS[date.weekday()] != weekday:
        return False
    if wanted == "LAST":
        return (date + dt.timedelta(days=7)).month != date.month
    return (date.day - 1) // 7 == _IN_MONTH.index(wanted)


def _weekend(condition: Mapping[str, Any], subject: Subject) -> bool:
    return _date(condition, subject).weekday() >= 5


def _public_holiday(condition: Mapping[str, Any], subject: Subject) -> bool:
    try:
        import holidays
    except ImportError:
        raise UnsupportedError(
            "PublicHoliday needs a calendar of holidays", hint="install the package `holidays`"
        ) from None
    date = _date(condition, subject).date()
    country = str(subject.render(condition.get("country")) or "US").upper()
    division = subject.render(condition.get("subDivision"))
    try:
        known = holidays.country_holidays(country, years=date.year)
    except NotImplementedError:
        raise TaskError(f"Cannot find resource 'holidays/Holidays_{country.lower()}.xml'.") from None
    if date in known:
        return True
    # an unknown part of a country adds nothing to the holidays of the country
    return (
        division is not None
        and division in known.subdivisions
        and date in holidays.country_holidays(country, subdiv=division, years=date.year)
    )


def _execution_flow(condition: Mapping[str, Any], subject: Subject) -> bool:
    execution = _execution(subject)
    wanted = (subject.render(condition["namespace"]), subject.render(condition["flowId"]))
    return (execution.namespace, execution.flow_id) == wanted


def _execution_namespace(condition: Mapping[str, Any], subject: Subject) -> bool:
    execution = _execution(subject)
    namespace = str(subject.render(condition["namespace"]))
    comparison = condition.get("comparison")
    if comparison is None:
        comparison = "PREFIX" if condition.get("prefix") else "EQUALS"
    if comparison == "PREFIX":
        return execution.namespace.startswith(namespace)
    if comparison == "SUFFIX":
        return execution.namespace.endswith(namespace)
    return execution.namespace == namespace


def labels_of(raw: Any) -> dict[str, str]:
    """Labels given as a map or as a list of {key, value}."""
    if isinstance(raw, Mapping):
        return {str(key): str(value) for key, value in raw.items()}
    return {str(item["key"]): str(item["value"]) for item in raw or ()}


def flat_labels(raw: Any, prefix: str = "") -> list[tuple[str, str]]:
    """As `labels_of`, also of a map that is nested by the dots of its keys."""
    if not isinstance(raw, Mapping):
        return list(labels_of(raw).items())
    found: list[tuple[str, str]] = []
    for key, value in raw.items():
        if isinstance(value, Mapping):
            found.extend(flat_labels(value, f"{prefix}{key}."))
        else:
            found.append((f"{prefix}{key}", str(value)))
    return found


def _execution_labels(condition: Mapping[str, Any], subject: Subject) -> bool:
    own = dict(_execution(subject).labels)
    return all(own.get(key) == value for key, value in labels_of(condition["labels"]).items())


def _execution_status(condition: Mapping[str, Any], subject: Subject) -> bool:
    state = _execution(subject).state.current.value
    allowed, refused = condition.get("in"), condition.get("notIn")
    return (allowed is None or state in allowed) and (refused is None or state not in refused)


def _execution_outputs(condition: Mapping[str, Any], subject: Subject) -> bool:
    if not _execution(subject).outputs:
        return False
    return str(subject.render(condition["expression"])).strip().lower() == "true"


def _has_retry_attempt(condition: Mapping[str, Any], subject: Subject) -> bool:
    allowed, refused = condition.get("in"), condition.get("notIn")
    for run in _execution(subject).task_runs:
        for attempt in run.attempts or ():
            state = attempt.state.current.value
            if (allowed is None or state in allowed) and (refused is None or state not in refused):
                return True
    return False


def _expression(condition: Mapping[str, Any], subject: Subject) -> bool:
    text = subject.render(condition["expression"])
    return text is not None and bool(str(text).strip()) and str(text).strip() != "false"


def _not(condition: Mapping[str, Any], subject: Subject) -> bool:
    return not any(_holds(item, subject) for item in condition["conditions"])


def _or(condition: Mapping[str, Any], subject: Subject) -> bool:
    return any(_holds(item, subject) for item in condition["conditions"])


def _multiple(condition: Mapping[str, Any], subject: Subject) -> bool:
    return subject.seen(str(condition.get("id")), condition)


def _flow(condition: Mapping[str, Any], subject: Subject) -> bool:
    return (subject.flow.namespace, subject.flow.id) == (condition["namespace"], condition["flowId"])


def _flow_namespace(condition: Mapping[str, Any], subject: Subject) -> bool:
    namespace = str(condition["namespace"])
    own = subject.flow.namespace
    return own.startswith(namespace) if condition.get("prefix") else own == namespace


def holds_quietly(condition: Mapping[str, Any], subject: Subject) -> bool:
    """As one condition; what cannot be evaluated does not hold."""
    try:
        return _holds(condition, subject)
    except SimulatorError:
        return False


CONDITIONS: dict[str, Callable[[Mapping[str, Any], Subject], bool]] = {
    "DateTimeBetween": _date_time_between,
    "DayWeek": _day_week,
    "DayWeekInMonth": _day_week_in_month,
    "ExecutionFlow": _execution_flow,
    "ExecutionLabels": _execution_labels,
    "ExecutionNamespace": _execution_namespace,
    "ExecutionOutputs": _execution_outputs,
    "ExecutionStatus": _execution_status,
    "Expression": _expression,
    "FlowCondition": _flow,
    "FlowNamespaceCondition": _flow_namespace,
    "HasRetryAttempt": _has_retry_attempt,
    "MultipleCondition": _multiple,
    "Not": _not,
    "Or": _or,
    "PublicHoliday": _public_holiday,
    "TimeBetween": _time_between,
    "Weekend": _weekend,
}
