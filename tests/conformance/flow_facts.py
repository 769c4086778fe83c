"""Facts about an execution as flow cases state them (FORMAT.md, "expect"): every key is looked at or refused."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from simulator.engine.execution import Execution, LogEntry, StateType, TaskRun
from tests.conformance.flow_match import Mismatch, NotUnderstood, References, check, only

__all__ = ["Place", "check_execution", "check_tasks", "values_of"]

_EXECUTION_KEYS = frozenset(
    [
        "state",
        "task_runs",
        "task_runs_min",
        "failed_task_runs_min",
        "tasks",
        "absent",
        "order",
        "after_end",
        "history",
        "history_contains",
        "history_lacks",
        "history_size",
        "state_not",
        "state_in",
        "outputs",
        "inputs",
        "variables",
        "logs",
        "log_counts",
        "labels",
        "labels_exact",
        "labels_non_system_exact",
        "all_tasks",
        "parent",
        "original_id",
        "kind",
        "context_outputs",
        "trigger",
        "id",
        "executions",
        "terminated",
        "attempt_number",
        "task_state_counts",
        "flow_revision",
        "new_execution",
        "new_task_run_ids",
        "same_execution",
        "count",
        "inputs_match",
        "is",
        "flow",
    ]
)
_TASK_KEYS = frozenset(
    [
        "id",
        "index",
        "nth",
        "values",
        "count",
        "state",
        "state_in",
        "state_not",
        "iteration",
        "value",
        "attempts",
        "attempts_min",
        "attempt_states",
        "outputs",
        "outputs_at",
        "outputs_contains",
        "outputs_match",
        "outputs_not",
        "outputs_exact",
        "outputs_file_lines",
        "last_attempt_state",
        "last_attempt_terminated",
        "last_attempt_history",
        "last_attempt_history_size",
        "attempts_added",
        "history",
        "history_contains",
        "history_counts",
        "history_size",
        "terminated",
        "new_task_run",
        "log_file",
        "min_seconds_since_restarted",
    ]
)


class Place:
    """What facts may ask beyond the execution itself."""

    refs: References
    source: Execution | None = None
    """The execution that an action acted on, before it."""

    def logs(self, execution: Execution) -> Sequence[LogEntry]:
        raise NotUnderstood("logs")

    def context_outputs(self, execution: Execution) -> Any:
        raise NotUnderstood("context_outputs")

    def executions(self, execution: Execution, wanted: Sequence[Mapping[str, Any]]) -> None:
        raise NotUnderstood("executions")

    def name(self, value: Any) -> str | None:
        """The id of execution number `value`."""
        raise NotUnderstood("parent")


def history(state: Any) -> list[str]:
    return [entry.state.value for entry in state.histories]


def values_of(execution: Execution, run: TaskRun) -> list[str]:
    """Values of the ancestors and of the run itself, outermost first, without those that have none."""
    by_id = {item.id: item for item in execution.task_runs}
    chain: list[str] = []
    current: TaskRun | None = run
    while current is not None:
        if current.value is not None:
            chain.append(current.value)
        current = by_id.get(current.parent_task_run_id or "")
    return chain[::-1]


def check_execution(where: str, facts: Mapping[str, Any], execution: Execution, place: Place) -> None:
    """Raises Mismatch or NotUnderstood."""
    only(where, facts, _EXECUTION_KEYS)
    refs = place.refs
    runs = execution.task_runs
    state = execution.state.current.value
    simple: dict[str, Any] = {
        "state": state,
        "task_runs": len(runs),
        "outputs": execution.outputs,
        "inputs": execution.inputs,
        "variables": execution.variables,
        "history_size": len(execution.state.histories),
        "original_id": execution.original_id,
        "kind": execution.kind,
        "id": execution.id,
        "attempt_number": execution.attempt_number,
        "terminated": execution.state.current.is_terminated,
    }
    for key, actual in simple.items():
        if key in facts:
            _check_simple(f"{where}.{key}", facts[key], actual, refs)
    if "state_not" in facts and state == facts["state_not"]:
        raise Mismatch(f"{where}: state is {state}")
    if "state_in" in facts and state not in facts["state_in"]:
        raise Mismatch(f"{where}: state {state} not in {facts['state_in']}")
    if len(runs) < facts.get("task_runs_min", 0):
        raise Mismatch(f"{where}: {len(runs)} task runs, at least {facts['task_runs_min']} expected")
    failed = sum(run.state.current is StateType.FAILED for run in runs)
    if failed < facts.get("failed_task_runs_min", 0):
        raise Mismatch(f"{where}: {failed} failed task runs")
    _check_history(where, facts, execution.state)
    if "tasks" in facts:
        check_tasks(where, facts["tasks"], execution, place)
    for task_id in facts.get("absent", ()):
        if any(run.task_id == task_id for run in runs):
            raise Mismatch(f"{where}: there is a task run of {task_id}")
    _check_order(where, facts, execution)
    for run in runs if "all_tasks" in facts else ():
        _check_run(f"{where}.all_tasks({run.task_id})", facts["all_tasks"], execution, run, place)
    if "task_state_counts" in facts:
        counts = Counter(run.state.current.value for run in runs)
        check(f"{where}.task_state_counts", facts["task_state_counts"], dict(counts), refs)
    _check_labels(where, facts, execution, refs)
    _check_identity(where, facts, execution, place)
    _check_logs(where, facts, execution, place)
    if "context_outputs" in facts:
        check(f"{where}.context_outputs", facts["context_outputs"], place.context_outputs(execution), refs)
    if "trigger" in facts:
        _check_trigger(where, facts["trigger"], execution, refs)
    if "inputs_match" in facts:
        for key, pattern in facts["inputs_match"].items():
            actual = (execution.inputs or {}).get(key)
            if re.fullmatch(pattern, str(actual), re.DOTALL) is None:
                raise Mismatch(f"{where}.inputs.{key}: {actual!r} does not match {pattern!r}")
    if "executions" in facts:
        place.executions(execution, facts["executions"])


def _check_simple(where: str, expected: Any, actual: Any, refs: References) -> None:
    check(where, expected, actual, refs)


def _check_history(where: str, facts: Mapping[str, Any], state: Any) -> None:
    states = history(state)
    if "history" in facts and states[: len(facts["history"])] != list(facts["history"]):
        raise Mismatch(f"{where}: history {states}, expected to start with {facts['history']}")
    for name in facts.get("history_contains", ()):
        if name not in states:
            raise Mismatch(f"{where}: history {states} lacks {name}")
    for name in facts.get("history_lacks", ()):
        if name in states:
            raise Mismatch(f"{where}: history {states} has {name}")


def _check_order(where: str, facts: Mapping[str, Any], execution: Execution) -> None:
    by_task = {run.task_id: run for run in execution.task_runs}
    for first, second in facts.get("order", ()):
        one, two = by_task.get(first), by_task.get(second)
        if one is None or two is None:
            raise Mismatch(f"{where}.order: no task run of {first if one is None else second}")
        end = one.state.end_date
        if end is None or two.state.start_date < end:
            raise Mismatch(f"{where}.order: {second} started before {first} ended")
    for name in facts.get("after_end", ()):
        run = by_task.get(name)
        end = execution.state.end_date
        if run is None or end is None or run.state.start_date < end:
            raise Mismatch(f"{where}.after_end: {name} did not start after the end")


def _check_labels(where: str, facts: Mapping[str, Any], execution: Execution, refs: References) -> None:
    labels = dict(execution.labels)
    if "labels" in facts:
        check(f"{where}.labels", facts["labels"], labels, refs)
    if "labels_exact" in facts:
        check(f"{where}.labels", facts["labels_exact"], labels, refs, exact=True)
    if "labels_non_system_exact" in facts:
        own = {key: value for key, value in labels.items() if not key.startswith("system.")}
        check(f"{where}.labels", facts["labels_non_system_exact"], own, refs, exact=True)


def _check_identity(where: str, facts: Mapping[str, Any], execution: Execution, place: Place) -> None:
    source = place.source
    if (
        "new_execution" in facts
        and source is not None
        and (execution.id != source.id) is not facts["new_execution"]
    ):
        raise Mismatch(f"{where}: execution id {execution.id}, source {source.id}")
    if (
        "same_execution" in facts
        and source is not None
        and (execution.id == source.id) is not facts["same_execution"]
    ):
        raise Mismatch(f"{where}: execution id {execution.id}, source {source.id}")
    if "new_task_run_ids" in facts and source is not None:
        shared = {run.id for run in execution.task_runs} & {run.id for run in source.task_runs}
        if bool(shared) is facts["new_task_run_ids"]:
            raise Mismatch(f"{where}: task runs with old ids: {sorted(shared)}")
    if "parent" in facts:
        expected = facts["parent"]
        if isinstance(expected, Mapping) and "$ref" in expected:
            expected = place.refs.resolve(expected["$ref"])
        elif isinstance(expected, Mapping):
            _check_parent_kind(where, expected, execution, place)
            return
        elif expected is not None:
            expected = place.name(expected)
        if execution.parent_id != expected:
            raise Mismatch(f"{where}: parent {execution.parent_id}, expected {expected}")
    if "flow_revision" in facts:
        wanted = facts["flow_revision"]
        actual = execution.flow_revision
        if wanted == "latest":
            wanted = place.refs.resolve("flow.latest")
        check(f"{where}.flow_revision", wanted, actual, place.refs)


def _check_parent_kind(where: str, expected: Mapping[str, Any], execution: Execution, place: Place) -> None:
    only(f"{where}.parent", expected, ("kind",))
    parent = place.refs.resolve(f"execution-kind.{execution.parent_id}")
    if parent != expected["kind"]:
        raise Mismatch(f"{where}: the parent's kind is {parent}")


def _check_logs(where: str, facts: Mapping[str, Any], execution: Execution, place: Place) -> None:
    levels = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")
    for level, count in facts.get("log_counts", {}).items():
        found = [e for e in place.logs(execution) if levels.index(e.level) >= levels.index(level)]
        check(f"{where}.log_counts.{level}", count, len(found), place.refs)
    for wanted in facts.get("logs", ()):
        only(
            f"{where}.logs",
            wanted,
            ["level", "task", "contains", "equals", "starts_with", "ends_with", "count", "task_run_index"],
        )
        found = [entry for entry in place.logs(execution) if _is_log(entry, wanted, execution, place.refs)]
        if "count" in wanted:
            if len(found) != wanted["count"]:
                raise Mismatch(f"{where}.logs: {len(found)} entries like {dict(wanted)}")
        elif not found:
            texts = [(e.level, e.task_id, e.message[:200]) for e in place.logs(execution)]
            raise Mismatch(f"{where}.logs: no entry like {dict(wanted)} among {texts}")


def _is_log(entry: LogEntry, wanted: Mapping[str, Any], execution: Execution, refs: References) -> bool:
    if "level" in wanted and entry.level != wanted["level"]:
        return False
    if "task" in wanted and entry.task_id != wanted["task"]:
        return False
    if "task_run_index" in wanted and entry.task_run_id != execution.task_runs[wanted["task_run_index"]].id:
        return False
    tests = {
        "contains": lambda text: text in entry.message,
        "equals": lambda text: text == entry.message,
        "starts_with": lambda text: entry.message.startswith(text),
        "ends_with": lambda text: entry.message.endswith(text),
    }
    return all(test(wanted[name]) for name, test in tests.items() if name in wanted)


def _check_trigger(where: str, facts: Mapping[str, Any], execution: Execution, refs: References) -> None:
    for path, value in facts.items():
        if path == "variables":
            check(f"{where}.trigger", value, execution.trigger, refs)
            continue
        node: Any = execution.trigger
        for step in path.split("."):
            node = node.get(step) if isinstance(node, Mapping) else None
        if path in ("id", "type") and node is None:
            node = execution.trigger_id if path == "id" else execution.trigger_type
        if isinstance(value, str):
            value = re.sub(
                r"\{\{ id of execution (\d+) \}\}", lambda m: str(refs.resolve(f"execution.{m[1]}.id")), value
            )
        check(f"{where}.trigger.{path}", value, node, refs)


# --- task runs


def check_tasks(where: str, tasks: Sequence[Mapping[str, Any]], execution: Execution, place: Place) -> None:
    """Each entry picks task runs and states facts about one of them."""
    used: set[str] = set()
    for entry in tasks:
        only(f"{where}.tasks", entry, _TASK_KEYS)
        name = f"{where}.tasks({entry.get('id', entry.get('index'))})"
        found = [run for run in execution.task_runs if "id" not in entry or run.task_id == entry["id"]]
        if "count" in entry:
            if len(found) != entry["count"]:
                raise Mismatch(f"{name}: {len(found)} task runs, expected {entry['count']}")
            if not found:
                continue
        if "index" in entry:
            index = entry["index"]
            if not -len(execution.task_runs) <= index < len(execution.task_runs):
                raise Mismatch(f"{name}: there are {len(execution.task_runs)} task runs")
            run = execution.task_runs[index]
            if "id" in entry and run.task_id != entry["id"]:
                ids = [item.task_id for item in execution.task_runs]
                raise Mismatch(f"{name}: at {index} is {run.task_id} in {ids}")
            found = [run]
        if "nth" in entry:
            found = found[entry["nth"] : entry["nth"] + 1]
        if "values" in entry:
            found = [run for run in found if values_of(execution, run) == [str(v) for v in entry["values"]]]
        if not found:
            raise Mismatch(f"{name}: no such task run among {[r.task_id for r in execution.task_runs]}")
        problems: list[str] = []
        fresh = [run for run in found if run.id not in used] or found
        for run in fresh:
            try:
                _check_run(name, entry, execution, run, place)
            except Mismatch as error:
                problems.append(str(error))
            else:
                used.add(run.id)
                break
        else:
            raise Mismatch(problems[0])


def _check_run(
    where: str, facts: Mapping[str, Any], execution: Execution, run: TaskRun, place: Place
) -> None:
    refs = place.refs
    attempts = run.attempts
    last = attempts[-1] if attempts else None
    simple: dict[str, Any] = {
        "state": run.state.current.value,
        "iteration": run.iteration,
        "value": run.value,
        "terminated": run.state.current.is_terminated,
        "history_size": len(run.state.histories),
        "attempts": None if attempts is None else len(attempts),
        "last_attempt_state": last.state.current.value if last else None,
        "last_attempt_terminated": last.state.current.is_terminated if last else None,
        "last_attempt_history": history(last.state) if last else None,
        "last_attempt_history_size": len(last.state.histories) if last else None,
    }
    for key, actual in simple.items():
        if key in facts:
            check(f"{where}.{key}", facts[key], actual, refs)
    if "state_in" in facts and run.state.current.value not in facts["state_in"]:
        raise Mismatch(f"{where}: state {run.state.current.value}")
    if "state_not" in facts and run.state.current.value == facts["state_not"]:
        raise Mismatch(f"{where}: state {run.state.current.value}")
    if len(attempts or ()) < facts.get("attempts_min", 0):
        raise Mismatch(f"{where}: {len(attempts or ())} attempts")
    if "attempt_states" in facts:
        states = [attempt.state.current.value for attempt in attempts or ()]
        if states[: len(facts["attempt_states"])] != list(facts["attempt_states"]):
            raise Mismatch(f"{where}: attempts {states}, expected {facts['attempt_states']}")
    if "history_counts" in facts:
        counts = Counter(history(run.state))
        check(f"{where}.history_counts", facts["history_counts"], dict(counts), refs)
    _check_history(where, facts, run.state)
    _check_outputs(where, facts, run, refs)
    _check_against_source(where, facts, run, place)
    if "min_seconds_since_restarted" in facts:
        dates = [entry.date for entry in run.state.histories if entry.state is StateType.RESTARTED]
        if not dates or run.state.histories[-1].date - dates[-1] < dt.timedelta(
            seconds=facts["min_seconds_since_restarted"]
        ):
            raise Mismatch(f"{where}: ended too early after the restart")
    if "log_file" in facts:
        raise NotUnderstood("log_file")


def _check_outputs(where: str, facts: Mapping[str, Any], run: TaskRun, refs: References) -> None:
    outputs = run.outputs or {}
    if "outputs" in facts:
        check(f"{where}.outputs", facts["outputs"], outputs, refs)
    if "outputs_exact" in facts:
        check(f"{where}.outputs", facts["outputs_exact"], outputs, refs, exact=True)
    for path, value in facts.get("outputs_at", {}).items():
        check(f"{where}.outputs.{path}", value, _at(outputs, path), refs)
    for path, value in facts.get("outputs_not", {}).items():
        if _at(outputs, path) == value:
            raise Mismatch(f"{where}.outputs.{path}: is {value!r}")
    for key, text in facts.get("outputs_contains", {}).items():
        for one in text if isinstance(text, list) else [text]:
            if str(one) not in str(outputs.get(key)):
                raise Mismatch(f"{where}.outputs.{key}: {outputs.get(key)!r} does not contain {one!r}")
    for key, pattern in facts.get("outputs_match", {}).items():
        if re.fullmatch(pattern, str(outputs.get(key)), re.DOTALL) is None:
            raise Mismatch(f"{where}.outputs.{key}: {outputs.get(key)!r} does not match {pattern!r}")
    for key, count in facts.get("outputs_file_lines", {}).items():
        lines = len(refs.read(str(outputs.get(key))).decode().splitlines())
        check(f"{where}.outputs.{key} lines", count, lines, refs)


def _at(tree: Any, path: str) -> Any:
    for step in path.split("."):
        if isinstance(tree, Mapping):
            tree = tree.get(step)
        elif isinstance(tree, list) and step.isdigit() and int(step) < len(tree):
            tree = tree[int(step)]
        else:
            return None
    return tree


def _check_against_source(where: str, facts: Mapping[str, Any], run: TaskRun, place: Place) -> None:
    source = place.source
    if source is None or not {"new_task_run", "attempts_added"} & set(facts):
        return
    if "new_task_run" in facts:
        known = {item.id for item in source.task_runs}
        if (run.id not in known) is not facts["new_task_run"]:
            raise Mismatch(f"{where}: task run id {run.id} is {'known' if run.id in known else 'new'}")
    if "attempts_added" in facts:
        before = next(item for item in source.task_runs if item.task_id == run.task_id)
        added = len(run.attempts or ()) - len(before.attempts or ())
        if added != facts["attempts_added"]:
            raise Mismatch(f"{where}: {added} attempts added")
