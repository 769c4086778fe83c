"""Functions that look at the run: variables, task states, error logs, loop outputs. Source: expressions.md 14."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from simulator.errors import SimulatorError
from simulator.expressions.filters.text import text_of
from simulator.expressions.java.casts import FROM_ARGUMENTS, as_map, as_string, not_null, pebble
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.values import EnumConstant, hash_map, is_list, is_string
from simulator.expressions.registry import Args, Call, Definition, Table, table
from simulator.values import parse_duration

__all__ = ["TABLE"]


def _print_context(call: Call, args: Args) -> Any:
    return hash_map(call.variables().items())


def _env(call: Call, args: Args) -> Any:
    name = args.get("name")
    if name is None:
        raise pebble("The 'env' function expects an argument 'name'.")
    envs = call.variable("envs")
    known = envs if isinstance(envs, Mapping) else call.scope.env_vars
    found = known.get(text_of(name))
    return args.get("default") if found is None or found == "" else found


def _tasks_with_state(call: Call, args: Args) -> Any:
    if "state" not in args:
        raise pebble("The 'tasksWithState' function expects an argument 'state'.")
    wanted = as_string(not_null(args["state"], "String.toUpperCase()", FROM_ARGUMENTS)).upper()
    found: list[dict[str, Any]] = []
    tasks = call.variable("tasks")
    for task, entry in (tasks if isinstance(tasks, Mapping) else {}).items():
        if not isinstance(entry, Mapping):
            continue
        if _has_state(call, entry.get("state"), wanted):
            found.append(hash_map([("taskId", task), ("state", wanted)]))
        for value, inner in entry.items():
            if isinstance(inner, Mapping) and _has_state(call, inner.get("state"), wanted):
                found.append(hash_map([("taskId", task), ("state", wanted), ("value", value)]))
    return found


def _has_state(call: Call, state: Any, wanted: str) -> bool:
    # 1.1 compares text only and passes over enum constants.
    if not is_string(state) and not (isinstance(state, EnumConstant) and call.dialect.major > 1):
        return False
    return str.__str__(state).upper() == wanted


def _error_logs(call: Call, args: Args) -> Any:
    if call.scope.logs is None:
        raise pebble(
            "The 'errorLogs' function can only be used in the Worker as it access logs from the database."
        )
    return [dict(entry) for entry in call.scope.logs.error_logs()]


def _current_each_output(call: Call, args: Args) -> Any:
    outputs = args.get("outputs")
    if not isinstance(outputs, Mapping):
        raise pebble("The 'currentEachOutput' function expects an argument 'outputs' with type map.")
    current: Any = outputs
    parents: Any = call.variable("parents")
    for parent in reversed(parents if is_list(parents) else []):
        taskrun = parent.get("taskrun") if isinstance(parent, Mapping) else None
        value = taskrun.get("value") if isinstance(taskrun, Mapping) else None
        if value is not None:
            current = as_map(current).get(value)
    taskrun = call.variable("taskrun")
    value = taskrun.get("value") if isinstance(taskrun, Mapping) else None
    return as_map(current).get(value)


def _loop_outputs(call: Call, args: Args) -> Any:
    outputs, name = args.get("outputs"), args.get("name")
    if outputs is None:
        raise pebble("The 'loopOutputs' function expects a non-null argument 'outputs'.")
    if not is_list(outputs):
        raise pebble("The 'loopOutputs' function expects 'outputs' to be a list.")
    if name is None:
        raise pebble("The 'loopOutputs' function expects a non-null argument 'name'.")
    if not is_string(name):
        raise pebble("The 'loopOutputs' function expects 'name' to be a string.")
    found: list[Any] = []
    for entry in outputs:
        inner = entry.get("outputs") if isinstance(entry, Mapping) else None
        found.append(inner.get(name) if isinstance(inner, Mapping) else None)
    return found


def _subflow(call: Call, args: Args) -> Any:
    service = call.scope.subflows
    if service is None or call.variable("taskrun") is not None or call.variable("trigger") is not None:
        error = call.error("The 'subflow' function can only be used while inputs are rendered.")
        error.hint = "Run the other flow with a Subflow task, or give the value as an input."
        raise error
    for name in ("namespace", "id"):
        if not is_string(args.get(name)):
            raise pebble(f"The 'subflow' function expects an argument '{name}'.")
    namespace, flow_id = text_of(args["namespace"]), text_of(args["id"])
    revision = args.get("revision")
    if revision is not None and (isinstance(revision, bool) or not isinstance(revision, int)):
        raise pebble("The 'subflow' function expects an argument 'revision' of type integer.")
    try:
        found = service.run(
            namespace,
            flow_id,
            inputs=_optional_map(args, "inputs"),
            revision=revision,
            labels=_optional_map(args, "labels"),
            timeout=_timeout(args.get("timeout")),
        )
    except SimulatorError as error:
        raise call.error(error.message) from error
    if found["state"] not in ("SUCCESS", "WARNING"):
        message = (
            f"Subflow '{namespace}'.'{flow_id}' ended in state {found['state']} (execution {found['id']})."
        )
        raise call.error(message)
    return dict(found)


def _optional_map(args: Args, name: str) -> Mapping[str, Any]:
    value = args.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise pebble(f"The 'subflow' function expects an argument '{name}' of type map.")
    return value


def _timeout(value: Any) -> dt.timedelta | None:
    if value is None or isinstance(value, dt.timedelta):
        return value
    try:
        return parse_duration(text_of(value))
    except ValueError:
        raise pebble("The 'subflow' function expects an argument 'timeout' that is a duration.") from None


def _i18n(call: Call, args: Args) -> Any:
    for name in ("bundle", "key"):
        if args.get(name) is not None:
            as_string(args[name])
    bundle = not_null(args.get("bundle"), "String.hashCode()", '"this.name"')
    raise JavaError("MissingResourceException", f"Can't find bundle for base name {bundle}, locale en_US")


TABLE: Table = table(
    Definition("printContext", _print_context, None),
    Definition("fetchContext", _print_context, None),
    Definition("env", _env, ("name", "default"), since=2),
    Definition("tasksWithState", _tasks_with_state, ("state",)),
    Definition("errorLogs", _error_logs, None),
    Definition("currentEachOutput", _current_each_output, ("outputs",), until=1),
    Definition("loopOutputs", _loop_outputs, ("outputs", "name"), since=2),
    Definition("subflow", _subflow, ("namespace", "id", "inputs", "revision", "labels", "timeout"), since=2),
    Definition("i18n", _i18n, ("bundle", "key", "params")),
)
