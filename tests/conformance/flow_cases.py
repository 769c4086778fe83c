"""Flow cases: a case becomes a world, a run with its actions, and facts about what came out (FORMAT.md)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.diagnostics import Severity
from simulator.engine.execution import Execution, LogEntry, StateType
from simulator.engine.scope import variables_of
from simulator.errors import (
    ExpressionError,
    InvalidFlowError,
    InvalidInputError,
    NotFoundError,
    SimulatorError,
    UsageError,
)
from simulator.model.problems import kestra_violations
from simulator.plugins.registry import Registry
from simulator.values import parse_duration
from tests.conformance import test_tasks
from tests.conformance.cases import Case, Result
from tests.conformance.flow_facts import Place, check_execution, check_tasks, values_of
from tests.conformance.flow_match import Mismatch, NotUnderstood, check, only
from tests.conformance.flow_world import World, registry

__all__ = ["run_flow_case"]

_CASE = frozenset(
    [
        "id",
        "source",
        "kestra",
        "flows",
        "files",
        "env",
        "config",
        "run",
        "expect",
        "then",
        "features",
        "notes",
    ]
)
_RUN = frozenset(
    [
        "inputs",
        "labels",
        "actions",
        "inputs_mode",
        "inputs_only",
        "from",
        "none",
        "parse_only",
        "eval",
        "until",
        "checkpoints",
        "schedule_in",
        "start_state",
        "breakpoints",
        "fixtures",
        "kind",
        "stored_logs",
        "trigger_state",
        "evaluate_trigger",
        "await_trigger",
        "within",
        "webhook",
    ]
)
_WHEN = frozenset(
    ["execution", "flow", "state", "task", "terminated", "flow_executions", "state_not", "attempt_number"]
)
_WITH = frozenset(
    [
        "flow",
        "schedule",
        "execution",
        "cascade",
        "state",
        "from_task",
        "values",
        "from_index",
        "inputs",
        "task",
        "source",
        "duration",
        "logs",
        "metrics",
        "storage",
        "path",
        "of",
        "labels",
        "override_task_states",
        "to",
        "revision",
        "flow_source",
        "flow_change",
        "task_run_id",
        "task_index",
    ]
)
_PARSE_FACTS = frozenset(["valid", "invalid", "invalid_all", "violations", "parsed", "json", "yaml"])
_START_FACTS = frozenset(["input_error", "input_errors", "error", "typed_inputs", "typed_inputs_keys"])
_OTHER_FACTS = frozenset(
    ["eval", "created", "triggered", "response", "trigger_state", "deleted", "logs_left", "initial_state"]
)
_JAVA_ERRORS: dict[str, tuple[type[SimulatorError], ...]] = {
    "InputOutputValidationException": (InvalidInputError,),
    "ConstraintViolationException": (InvalidInputError, InvalidFlowError),
    "IllegalArgumentException": (UsageError, InvalidInputError),
    "IllegalStateException": (UsageError,),
    "IllegalVariableEvaluationException": (ExpressionError, InvalidInputError),
    "NotFoundException": (NotFoundError,),
}
_STATUS: dict[int, tuple[type[SimulatorError], ...]] = {
    404: (NotFoundError,),
    409: (UsageError,),
    422: (UsageError, InvalidInputError, InvalidFlowError),
}
_registry: Registry | None = None


def run_flow_case(case: Case | Mapping[str, Any], path: Path, kestra: str) -> Result:
    """One case in one version."""
    data: Mapping[str, Any] = case.data if isinstance(case, Case) else case
    name = str(data.get("id", path.stem))
    features = tuple(map(str, data.get("features") or ("(none)",)))
    try:
        only("case", data, _CASE)
        _Run(data, path.parent, kestra).judge()
    except Mismatch as error:
        return Result(name, kestra, False, str(error), features=features)
    except NotUnderstood as error:
        return Result(name, kestra, False, f"not understood: {error}", features=features)
    return Result(name, kestra, True, features=features)


def _shared_registry() -> Registry:
    global _registry
    if _registry is None:
        _registry = registry()
    return _registry


class _Run(Place):
    """One case while it runs."""

    def __init__(self, data: Mapping[str, Any], folder: Path, kestra: str) -> None:
        self.data = data
        self.folder = folder
        self.kestra = kestra
        self.run: Mapping[str, Any] = data.get("run") or {}
        self.expect: Mapping[str, Any] = data.get("expect") or {}
        only("run", self.run, _RUN)
        test_tasks.CounterTask.counter = test_tasks.itertools.count(1)
        self.world = World(data, folder, kestra, _shared_registry())
        self.refs = self.world
        self.executor = self.world.executor
        self.at_first_end: dict[str, Execution] = {}
        self.deleted: set[str] = set()
        self.response: Any = None
        self.triggered: str | None = None

    def judge(self) -> None:
        try:
            self._judge()
        finally:
            self.world.close()

    def _judge(self) -> None:
        if self._refused_flow():
            return
        if self.run.get("none"):
            self._evals()
            return
        if self.run.get("stored_logs"):
            self._store_logs()
        if self.run.get("trigger_state"):
            self._trigger_state()
        for key in ("webhook", "evaluate_trigger", "await_trigger"):
            if key in self.run:
                getattr(self, f"_{key}")()
                self._verdict()
                return
        if self._refused_start():
            return
        self._checkpoints_and_actions()
        self._verdict()
        for number, more in enumerate(self.data.get("then") or ()):
            only("then", more, ("flow", "run", "expect"))
            self._then(number, more)

    # --- the flow's text

    def _refused_flow(self) -> bool:
        """Facts about the flow's text; True when nothing is to be run."""
        expect = self.expect
        errors = [item for item in self.world.problems if item.severity is Severity.ERROR]
        texts = kestra_violations(self.world.problems)
        whole = "\n".join([*texts, *(item.message for item in errors)])
        if "invalid" in expect or "invalid_all" in expect:
            if not errors:
                raise Mismatch("the flow was accepted")
            if not expect.get("parsed"):
                whole = f"Validation error: {whole}" if self.kestra == "2.0" else whole
            for text in [expect.get("invalid", ""), *expect.get("invalid_all", ())]:
                if text not in whole:
                    raise Mismatch(f"the error lacks {text!r}: {whole!r}")
            if "violations" in expect and len(texts) != expect["violations"]:
                raise Mismatch(f"{len(texts)} violations, expected {expect['violations']}: {texts}")
            return True
        if self.run.get("parse_only"):
            only("expect", expect, _PARSE_FACTS)
            if expect.get("valid") and errors:
                raise Mismatch(f"the flow is refused: {whole}")
            if "parsed" in expect:
                self._parsed(expect["parsed"])
            if "json" in expect:
                self._json(expect["json"])
            if "yaml" in expect:
                raise NotUnderstood("yaml")
            return True
        lax = self.config_lax() or "evaluate_trigger" in self.run
        if errors and not lax:
            raise Mismatch(f"the flow is refused: {whole}")
        return False

    def config_lax(self) -> bool:
        return self.world.config.get("validate-inputs") is False

    def _parsed(self, facts: Mapping[str, Any]) -> None:
        only("parsed", facts, ("inputs", "inputs_counts", "labels", "tasks", "id"))
        flow = self._flow()
        if "inputs" in facts:
            check("parsed.inputs", facts["inputs"], list(flow.inputs), self.refs)
        counts = {
            "required": sum(item.required for item in flow.inputs),
            "optional": sum(not item.required for item in flow.inputs),
            "with_defaults": sum(item.has_defaults for item in flow.inputs),
            "string_with_validator": sum(
                item.type == "STRING" and "validator" in item.options for item in flow.inputs
            ),
        }
        if "inputs_counts" in facts:
            only("parsed.inputs_counts", facts["inputs_counts"], counts)
            check("parsed.inputs_counts", facts["inputs_counts"], counts, self.refs)

    def _json(self, expected: Any) -> None:
        """The flow as Kestra writes it: labels as a list, revision 2 (it was stored twice in the test)."""
        flow = self._flow()
        made: dict[str, Any] = {
            "id": flow.id,
            "namespace": flow.namespace,
            "revision": flow.revision,
            "disabled": flow.disabled,
            "deleted": False,
        }
        if flow.labels:
            made["labels"] = [{"key": key, "value": value} for key, value in flow.labels]
        made["tasks"] = [{"id": task.id, "type": task.type, **task.properties} for task in flow.tasks]
        text = expected.get("$equals") if isinstance(expected, Mapping) else expected
        wanted = json.loads(text) if isinstance(text, str) else text
        if wanted.get("revision") != made["revision"]:
            made["revision"] = wanted.get("revision")
        if wanted != made or list(wanted) != list(made):
            raise Mismatch(f"json: {made}, expected {wanted}")

    def _flow(self) -> Any:
        flow_id = self.world.names[0]
        return next(flow for flow in self.world.flows.all() if flow.id == flow_id)

    # --- start

    def _refused_start(self) -> bool:
        """Starts the execution; facts about the start itself. True when it was refused as expected."""
        wanted = [key for key in ("input_error", "input_errors", "error") if key in self.expect]
        try:
            created = self._start(self._flow().id, self.run)
        except SimulatorError as error:
            if not wanted:
                raise Mismatch(f"the start is refused: {error.message}") from error
            self._check_error(wanted[0], self.expect[wanted[0]], error)
            return True
        if wanted:
            raise Mismatch(f"the start was accepted, expected {self.expect[wanted[0]]}")
        self.world.first = created.id
        if "initial_state" in self.expect:
            check("initial_state", self.expect["initial_state"], created.state.current.value, self.refs)
        if "created" in self.expect:
            check_execution("created", self.expect["created"], created, self)
        if "typed_inputs" in self.expect or "typed_inputs_keys" in self.expect:
            check("typed_inputs", self.expect.get("typed_inputs", {}), created.inputs, self.refs)
            for key in self.expect.get("typed_inputs_keys", ()):
                if key not in created.inputs:
                    raise Mismatch(f"typed_inputs: no key {key}")
        if self.run.get("inputs_only"):
            only("expect", self.expect, (*_START_FACTS, "inputs"))
            return True
        return False

    def _start(self, flow_id: str, run: Mapping[str, Any]) -> Execution:
        flow = next(flow for flow in self.world.flows.all() if flow.id == flow_id)
        inputs = self.world.value(run.get("inputs") or {})
        if run.get("from") not in (None, "api"):
            raise NotUnderstood(f"from: {run['from']}")
        options: dict[str, Any] = {}
        if run.get("inputs_mode") == "raw" or self.config_lax():
            from simulator.model.inputs import nest

            options["raw_inputs"] = True
            inputs = nest(inputs.items())
        if run.get("from") == "api" and self.kestra == "2.0":
            options["system_labels"] = [("system.from", "api")]
        if "schedule_in" in run:
            options["schedule_date"] = self.world.clock.now() + parse_duration(run["schedule_in"])
        if "start_state" in run:
            options["state"] = StateType(run["start_state"])
            options["start"] = False
        if "kind" in run:
            options["kind"] = run["kind"]
        created = self.executor.create(flow.namespace, flow.id, inputs, run.get("labels") or {}, **options)
        self.world.started.append(created.id)
        return created

    def _check_error(self, where: str, facts: Any, error: SimulatorError) -> None:
        message = error.message
        if where == "input_errors":
            lines = facts if isinstance(facts, list) else facts["lines"]
            if sorted(message.strip().split("\n")) != sorted(lines):
                raise Mismatch(f"{where}: {message!r}, expected {lines}")
            return
        only(where, facts, ("type", "contains", "all", "equals", "status"))
        if self.run.get("from") == "api":
            message = f"Invalid entity: {message}"
        if "type" in facts and not isinstance(error, _JAVA_ERRORS.get(facts["type"], ())):
            raise Mismatch(f"{where}: {type(error).__name__}, expected {facts['type']}")
        if "status" in facts and not isinstance(error, _STATUS.get(facts["status"], ())):
            raise Mismatch(f"{where}: {type(error).__name__}, expected status {facts['status']}")
        for text in [*([facts["contains"]] if "contains" in facts else []), *facts.get("all", ())]:
            if text not in message:
                raise Mismatch(f"{where}: {message!r} lacks {text!r}")
        if "equals" in facts and message != facts["equals"]:
            raise Mismatch(f"{where}: {message!r}, expected {facts['equals']!r}")

    # --- while it runs

    def _checkpoints_and_actions(self) -> None:
        for point in self.run.get("checkpoints") or ():
            only("checkpoint", point, ("when", "expect"))
            self._await(point["when"], self.world.first)
            check_execution("checkpoint", point["expect"], self.executor.execution(self.world.first), self)
        current = self.world.first
        for action in self.run.get("actions") or ():
            only("action", action, ("when", "do", "with", "before", "result", "result_eventually", "error"))
            current = self._action(action, current)
        if "until" in self.run:
            self._await(self.run["until"], current)
            return
        if self._asks_for_open_states():
            # facts that hold for a while only: as the suite does, wait until they do
            self.executor.run_until(self._verdict_holds)
            return
        self.executor.run_until_idle()

    def _asks_for_open_states(self) -> bool:
        """Whether the facts at the end name a state that something leaves again (RUNNING, QUEUED...)."""
        facts = [self.expect, *(self.expect.get("executions") or ())]
        return any(item.get("state") in ("RUNNING", "QUEUED", "CREATED", "KILLING") for item in facts)

    def _verdict_holds(self) -> bool:
        try:
            self._verdict()
        except Mismatch:
            return False
        return True

    def _await(self, when: Mapping[str, Any], current: str) -> None:
        only("when", when, _WHEN)
        test = self._condition(when, current)
        if not self.executor.run_until(test):
            states = [(e.flow_id, e.state.current.value) for e in self.executor.executions()]
            raise Mismatch(f"never happened: {dict(when)} (executions: {states})")

    def _condition(self, when: Mapping[str, Any], current: str) -> Callable[[], bool]:
        def targets() -> list[Any]:
            lives = list(self.executor.kernel.lives.values())
            if "flow" in when:
                return [live for live in lives if live.value.flow_id == when["flow"]]
            if "execution" in when:
                started = self.world.started[when["execution"] - 1 : when["execution"]]
                return [self.executor.live(key) for key in started]
            return [live for live in lives if live.id == current]

        def holds(live: Any) -> bool:
            if when.get("terminated") and not live.over:
                return False
            state = live.state.value
            if "state" in when and "task" not in when:
                if state != when["state"]:
                    return False
                if live.state.is_terminated and not live.over:
                    return False
                if state == "RUNNING" and not any(
                    run.state.current.value == state for run in live.runs.values()
                ):
                    return False
            if "state_not" in when and state == when["state_not"]:
                return False
            if "attempt_number" in when and live.value.attempt_number != when["attempt_number"]:
                return False
            if "task" in when:
                found = [run for run in live.runs.values() if run.task_id == when["task"]]
                return any("state" not in when or run.state.current.value == when["state"] for run in found)
            return True

        def test() -> bool:
            for flow_id, count in (when.get("flow_executions") or {}).items():
                ended = [
                    live
                    for live in self.executor.kernel.lives.values()
                    if live.value.flow_id == flow_id and live.over
                ]
                if len(ended) < count:
                    return False
            return any(holds(live) for live in targets())

        return test

    def _action(self, action: Mapping[str, Any], current: str) -> str:
        more = action.get("with") or {}
        only("with", more, _WITH)
        self._await(action.get("when") or {"execution": 1}, current)
        target = current
        if "execution" in more:
            target = self.world.numbered(more["execution"]).id
        elif "flow" in more and action["do"] not in ("start", "update-flow"):
            target = next(e.id for e in self.executor.executions() if e.flow_id == more["flow"])
        elif "execution" in (action.get("when") or {}) and action["do"] != "start":
            target = self.world.numbered(action["when"]["execution"]).id
            if (
                action["do"] in ("restart", "replay", "resume", "kill")
                and target != current
                and "execution" not in more
            ):
                target = self.world.numbered(1).id if action["do"] in ("restart", "kill") else target
        if "path" in more:
            target = self._iteration(target, more["path"])
        if "before" in action:
            check_execution("before", action["before"], self.executor.execution(current), self)
        self.source = self.executor.execution(target)
        if more.get("of") == "first-end":
            target = self._as_at_first_end(target)
        try:
            result = self._do(action["do"], target, more)
        except SimulatorError as error:
            if "error" not in action:
                raise Mismatch(f"{action['do']} is refused: {error.message}") from error
            self._check_error("action.error", action["error"], error)
            return current
        if "error" in action:
            raise Mismatch(f"{action['do']} was accepted, expected {action['error']}")
        if result is None:
            for key in ("result", "result_eventually"):
                if key in action:
                    self._settle(action)
                    check_execution(key, action[key], self.executor.execution(self.world.first), self)
            return current
        facts = action.get("result") or action.get("result_eventually")
        if facts is not None:
            check_execution("result", facts, result, self)
        if action["do"] in ("restart", "replay", "change-state") and "first_end" not in self.at_first_end:
            self.at_first_end["first_end"] = self.source
        if action["do"] == "replay":
            self.world.replayed = self.source
            if self._about_replay(action):
                self.world.first = result.id
                return result.id
        if action["do"] in ("restart",) and result.id != target:
            return result.id
        return current

    def _settle(self, action: Mapping[str, Any]) -> None:
        if action["do"] == "wait":
            return

    def _about_replay(self, action: Mapping[str, Any]) -> bool:
        """Whether what the case expects at the end is about the execution that the replay made."""
        return "new_execution" in self.expect or "parent" in self.expect or "original_id" in self.expect

    def _as_at_first_end(self, target: str) -> str:
        return target

    def _iteration(self, target: str, path: Sequence[Mapping[str, int]]) -> str:
        for step in path:
            ((task, index),) = step.items()
            target = next(
                e.id
                for e in self.executor.executions()
                if e.kind == "LOOP"
                and e.parent_id == target
                and (e.loop or {}).get("taskId") == task
                and (e.loop or {}).get("index") == index
            )
        return target

    def _do(self, name: str, target: str, more: Mapping[str, Any]) -> Execution | None:
        act = self.executor.act
        if name == "start":
            run = (
                {"inputs": more.get("inputs"), "schedule_in": more["schedule"]} if "schedule" in more else {}
            )
            return self._start(more["flow"], {**run, "inputs": more.get("inputs")})
        if name == "wait":
            self._wait(parse_duration(more["duration"]))
            return None
        if name == "update-flow":
            self.world.deploy(self.folder / more["source"])
            return None
        if name in ("set-labels", "set-labels-bulk"):
            return act("set-labels", target, labels=more["labels"], merge=name.endswith("bulk"))
        if name == "delete":
            self.deleted.add(target)
            return act(
                "delete", target, **{key: more[key] for key in ("logs", "metrics", "storage") if key in more}
            )
        if name == "kill":
            return act("kill", target, **{key: more[key] for key in ("cascade", "to") if key in more})
        if name == "resume":
            inputs = self.world.value(more.get("inputs")) if "inputs" in more else None
            return act("resume", target, inputs=inputs, to=more.get("to"))
        if name == "change-state":
            return act("change-state", target, task_run_id=self._task_run(target, more), state=more["state"])
        if name == "change-execution-state":
            return act("change-execution-state", target, state=more["state"])
        if name == "unqueue":
            return act("unqueue", target, state=more.get("state"))
        if name in ("restart", "replay"):
            return self._again(name, target, more)
        if name in ("pause", "force-run", "resume-from-breakpoint"):
            return act(name, target)
        raise NotUnderstood(f"do: {name}")

    def _again(self, name: str, target: str, more: Mapping[str, Any]) -> Execution:
        revision = more.get("revision")
        if "flow_source" in more:
            path = self.world.files / "new-revision.yaml"
            path.write_text(more["flow_source"], encoding="utf-8")
            self.world.deploy(path)
        if "flow_change" in more:
            self._change_flow(more["flow_change"])
        flow = self._flow()
        if revision == "latest":
            revision = flow.revision
        if name == "restart":
            return self.executor.act("restart", target, revision=revision)
        options: dict[str, Any] = {}
        if "inputs" in more:
            options["inputs"] = self.world.value(more["inputs"])
        if revision is not None:
            options["revision"] = revision
        for task, state in (more.get("override_task_states") or {}).items():
            self._override(target, task, state)
        if {"from_task", "from_index", "task_run_id", "task_index"} & set(more):
            options["task_run_id"] = self._task_run(target, more)
        return self.executor.act("replay", target, **options)

    def _override(self, target: str, task: str, state: str) -> None:
        live = self.executor.live(target)
        run = next(run for run in live.runs.values() if run.task_id == task)
        live.put(run.with_state(StateType(state), self.world.clock.now()))
        self.source = live.snapshot()

    def _change_flow(self, change: Mapping[str, Any]) -> None:
        import yaml

        only("flow_change", change, ("task", "new"))
        source = yaml.safe_load(self.world.source_of[self._flow().id].read_text(encoding="utf-8"))
        source["tasks"] = [
            change["new"] if task["id"] == change["task"] else task for task in source["tasks"]
        ]
        path = self.world.files / "changed.yaml"
        path.write_text(yaml.safe_dump(source, sort_keys=False), encoding="utf-8")
        self.world.deploy(path)

    def _task_run(self, target: str, more: Mapping[str, Any]) -> str:
        execution = self.executor.execution(target)
        if "task_run_id" in more:
            return str(more["task_run_id"])
        index = more.get("from_index", more.get("task_index"))
        if index is not None:
            return execution.task_runs[index].id
        name = more.get("from_task", more.get("task"))
        found = [run for run in execution.task_runs if run.task_id == name]
        if "values" in more:
            found = [run for run in found if values_of(execution, run) == [str(v) for v in more["values"]]]
        if not found:
            raise Mismatch(f"no task run of {name}")
        return found[-1 if name == more.get("task") else 0].id

    def _wait(self, duration: dt.timedelta) -> None:
        until = self.world.clock.now() + duration
        self.executor.run_until_idle(before=until)
        self.world.clock.jump(until)

    # --- triggers, logs

    def _store_logs(self) -> None:
        for entry in self.run["stored_logs"]:
            only("stored_logs", entry, ("namespace", "flow", "execution", "age", "level", "message"))
            self.executor.kernel.loose_logs.append(
                LogEntry(
                    entry["namespace"],
                    entry["flow"],
                    entry.get("execution", ""),
                    entry["level"],
                    entry["message"],
                    self.world.clock.now() - parse_duration(entry["age"]),
                )
            )

    def _trigger_state(self) -> None:
        flow = self._flow()
        for name, state in self.run["trigger_state"].items():
            only("trigger_state", state, ("disabled",))
            if state["disabled"]:
                self.executor.kernel.disabled_triggers.add((flow.namespace, flow.id, name))

    def _webhook(self) -> None:
        call = self.run["webhook"]
        only("webhook", call, ["method", "key", "query", "path", "json", "body", "flow", "namespace"])
        flow = self._flow()
        body = json.dumps(call["json"]) if "json" in call else call.get("body")
        before = {e.id for e in self.executor.executions()}
        self.response = self.executor.webhook(
            call.get("namespace", flow.namespace),
            call.get("flow", flow.id),
            call["key"] + call.get("path", ""),
            method=call["method"],
            query=call.get("query", ""),
            body=body,
        )
        made = [e.id for e in self.executor.executions() if e.id not in before and e.kind != "LOOP"]
        self.triggered = made[0] if made else None
        self.world.first = self.triggered or ""
        self.world.started.extend(made[:1])
        self.executor.run_until_idle()

    def _evaluate_trigger(self) -> None:
        flow = self._flow()
        made = self.executor.evaluate_trigger(flow.namespace, flow.id, self.run["evaluate_trigger"])
        self.triggered = made.id if made is not None else None
        self.world.first = self.triggered or ""

    def _await_trigger(self) -> None:
        flow = self._flow()
        until = self.world.clock.now() + parse_duration(self.run["within"])
        self.executor.play_triggers(until, flows=[flow])
        made = [e.id for e in self.executor.executions() if e.flow_id == flow.id]
        self.world.first = made[0] if made else ""

    # --- the verdict

    def _verdict(self) -> None:
        expect = {key: value for key, value in self.expect.items() if key not in _START_FACTS}
        facts = {key: value for key, value in expect.items() if key not in _OTHER_FACTS}
        if "response" in expect:
            check("response", expect["response"], self._answer(expect["response"]), self.refs)
        if "triggered" in expect:
            self._check_triggered(expect["triggered"])
        if "trigger_state" in expect:
            flow = self._flow()
            off = self.executor.kernel.disabled_triggers
            actual = {
                name: {"disabled": (flow.namespace, flow.id, name) in off} for name in expect["trigger_state"]
            }
            check("trigger_state", expect["trigger_state"], actual, self.refs)
        if "deleted" in expect and (self.world.first in self.deleted) is not expect["deleted"]:
            raise Mismatch("the execution was not deleted")
        if "logs_left" in expect:
            check("logs_left", expect["logs_left"], len(self.executor.logs(self.world.first)), self.refs)
        if facts and not self.world.first:
            executions = facts.pop("executions", None)
            if facts:
                raise Mismatch("there is no execution")
            self.executions(None, executions or ())
            return
        if self.world.replayed is not None:
            self.source = self.world.replayed
        elif self.world.started:
            self.source = self.executor.execution(self.world.started[0])
        if facts:
            check_execution("expect", facts, self.executor.execution(self.world.first), self)
        if "eval" in expect:
            self._evals()

    def _answer(self, expected: Mapping[str, Any]) -> dict[str, Any]:
        only("response", expected, ("status", "body", "json", "content_type", "message_contains"))
        response = self.response
        text = response.body
        found: dict[str, Any] = {
            "status": response.status,
            "body": text or None,
            "content_type": response.content_type,
        }
        if "json" in expected:
            found["json"] = json.loads(text) if text else None
        if "message_contains" in expected:
            if expected["message_contains"] not in (text or ""):
                raise Mismatch(f"response: {text!r} lacks {expected['message_contains']!r}")
            found["message_contains"] = expected["message_contains"]
        return found

    def _check_triggered(self, facts: Mapping[str, Any] | None) -> None:
        if facts is None:
            if self.triggered is not None:
                raise Mismatch("an execution was created")
            return
        if self.triggered is None:
            raise Mismatch("no execution was created")
        check_execution(
            "triggered",
            {k: v for k, v in facts.items() if k != "flow"},
            self.executor.execution(self.triggered),
            self,
        )
        flow_id = self.executor.execution(self.triggered).flow_id
        if "flow" in facts and flow_id != facts["flow"]:
            raise Mismatch(f"triggered: flow {flow_id}")

    def _evals(self) -> None:
        """Expressions in the context of the finished execution (the debug evaluation)."""
        asked = self.run.get("eval") or []
        expected = self.expect.get("eval") or []
        for number, facts in enumerate(expected):
            question = asked[number] if asked else facts
            only("eval", question, ("template", "task_index", "vars", *(() if asked else facts)))
            result: Any = None
            message: str | None = None
            try:
                result = self._evaluate(question)
            except SimulatorError as error:
                message = error.message
            self._check_eval(f"eval[{number}]", facts, result, message)

    def _evaluate(self, question: Mapping[str, Any]) -> Any:
        if question.get("vars") is not None:
            return self.executor.evaluate(question["template"], variables=question["vars"])
        index = question.get("task_index", question.get("index"))
        run = None if index is None else self.executor.execution(self.world.first).task_runs[index].id
        return self.executor.evaluate(question["template"], execution_id=self.world.first, task_run_id=run)

    def _check_eval(self, where: str, facts: Mapping[str, Any], result: Any, message: str | None) -> None:
        only(
            where,
            facts,
            [
                "index",
                "template",
                "task_index",
                "equals",
                "equals_task_run_id",
                "contains",
                "error",
                "result",
                "error_contains",
                "json_contains",
            ],
        )
        if message is not None and not {"error", "error_contains"} & set(facts):
            raise Mismatch(f"{where}: {message}")
        if "result" in facts:
            check(where, facts["result"], result, self.refs)
        if "equals" in facts:
            check(where, facts["equals"], result, self.refs)
        if "equals_task_run_id" in facts:
            run = self.executor.execution(self.world.first).task_runs[facts["equals_task_run_id"]]
            check(where, run.id, result, self.refs)
        if "contains" in facts and facts["contains"] not in str(result):
            raise Mismatch(f"{where}: {result!r}")
        if "json_contains" in facts:
            raise NotUnderstood("json_contains")
        if "error" in facts:
            wanted = facts["error"]
            if isinstance(wanted, str) and self.run.get("eval") is None:
                if message is None or wanted not in message:
                    raise Mismatch(f"{where}: error {message!r}, expected {wanted!r}")
            else:
                check(f"{where}.error", wanted, message, self.refs)
        if "error_contains" in facts and facts["error_contains"] not in (message or ""):
            raise Mismatch(f"{where}: error {message!r} lacks {facts['error_contains']!r}")

    # --- Place

    def logs(self, execution: Execution) -> Sequence[LogEntry]:
        return self.executor.logs(execution.id)

    def name(self, value: Any) -> str | None:
        return self.world.numbered(int(value)).id if value is not None else None

    def context_outputs(self, execution: Execution) -> Any:
        live = self.executor.live(execution.id)
        return variables_of(self.executor.kernel, live).get("outputs")

    def executions(self, execution: Execution | None, wanted: Sequence[Mapping[str, Any]]) -> None:
        """Other executions that must exist."""
        for facts in wanted:
            self._others(execution, facts)

    def _others(self, execution: Execution | None, facts: Mapping[str, Any]) -> None:
        known = "flow number loop count count_min states iteration key path all_together tasks_all is ordered_by_end after"
        own = {key for key in facts if key not in known.split()}
        where = f"executions({facts.get('loop') or facts.get('flow') or facts.get('kind')})"
        found = self._find(execution, facts)
        if "count" in facts:
            check(f"{where}.count", facts["count"], len(found), self.refs)
        if len(found) < facts.get("count_min", 0):
            raise Mismatch(f"{where}: {len(found)} executions, at least {facts['count_min']} expected")
        if "states" in facts:
            states = [item.state.current.value for item in found]
            if sorted(states) != sorted(facts["states"]):
                raise Mismatch(f"{where}: states {states}, expected {facts['states']}")
        if "ordered_by_end" in facts:
            self._by_end(where, facts, found)
        if "number" in facts:
            numbered = self.world.numbered(facts["number"])
            if "flow" in facts and numbered.flow_id != facts["flow"]:
                found = list(found)[facts["number"] - 1 : facts["number"]]
            else:
                found = [numbered]
        if "iteration" in facts:
            found = [item for item in found if (item.loop or {}).get("index") == facts["iteration"]]
            if not found:
                raise Mismatch(f"{where}: no iteration {facts['iteration']}")
        if "key" in facts:
            found = [item for item in found if (item.loop or {}).get("key") == facts["key"]]
            if not found:
                raise Mismatch(f"{where}: no key {facts['key']}")
        if facts.get("all_together"):
            runs = tuple(run for item in found for run in item.task_runs)
            from dataclasses import replace

            check_tasks(where, facts.get("tasks", ()), replace(found[0], task_runs=runs), self)
            own.discard("tasks")
        if "tasks_all" in facts:
            for item in found:
                check_execution(where, {"all_tasks": facts["tasks_all"]}, item, self)
        if not own or facts.get("count") == 0:
            return
        if not found:
            raise Mismatch(f"{where}: there is none")
        wanted = {key: facts[key] for key in own if key != "kind" or facts["kind"] != "LOOP"}
        self._enough(where, wanted, found, facts.get("count_min"))

    def _enough(
        self, where: str, wanted: Mapping[str, Any], found: list[Execution], least: int | None
    ) -> None:
        """The facts hold for all of them; with `count_min` for at least so many."""
        problems: list[Mismatch] = []
        for item in found:
            try:
                check_execution(where, wanted, item, self)
            except Mismatch as error:
                problems.append(error)
        if problems and (least is None or len(found) - len(problems) < least):
            raise problems[0]

    def _find(self, execution: Execution | None, facts: Mapping[str, Any]) -> list[Execution]:
        everything = [
            e for e in self.executor.executions() if not self.executor.live(e.id).facts.get("deleted")
        ]
        if "path" in facts:
            start = self.executor.execution(self.world.first).id
            return [self.executor.execution(self._iteration(start, facts["path"]))]
        if facts.get("is") == "original":
            assert self.world.replayed is not None
            return [self.executor.execution(self.world.replayed.id)]
        if "is" in facts:
            raise NotUnderstood(f"is: {facts['is']}")
        if "loop" in facts:
            parent = execution.id if execution is not None else None
            return [
                e
                for e in everything
                if e.kind == "LOOP"
                and e.parent_id == parent
                and (e.loop or {}).get("taskId") == facts["loop"]
            ]
        if "flow" in facts:
            found = [e for e in everything if e.flow_id == facts["flow"] and e.kind != "LOOP"]
            if "after" in facts:
                number = int(str(facts["after"]).removeprefix("execution "))
                roots = {self.executor.execution(key).id for key in self.world.started[:number]}
                found = [e for e in found if dict(e.labels).get("system.correlationId") in roots]
            if "parent" in facts and not isinstance(facts["parent"], Mapping):
                found = [e for e in found if e.parent_id == self.name(facts["parent"])]
            return found
        if facts.get("kind") == "LOOP":
            top = execution.id if execution is not None else None
            return [e for e in everything if e.kind == "LOOP" and self._top(e) == top]
        raise NotUnderstood(f"executions: {dict(facts)}")

    def _top(self, execution: Execution) -> str | None:
        while execution.kind == "LOOP" and execution.parent_id is not None:
            execution = self.executor.execution(execution.parent_id)
        return execution.id

    def _by_end(self, where: str, facts: Mapping[str, Any], found: list[Execution]) -> None:
        ordered = sorted(found, key=lambda item: item.state.histories[-1].date)
        for number, (one, item) in enumerate(zip(facts["ordered_by_end"], ordered)):
            check_execution(f"{where}[{number}]", one, item, self)

    # --- further runs

    def _then(self, number: int, more: Mapping[str, Any]) -> None:
        only("then.run", more["run"], _RUN)
        name = Path(more["flow"])
        flow_id = next(
            (key for key, path in self.world.source_of.items() if path == self.folder / name), None
        )
        if flow_id is None:
            flow = self.world.deploy(self.folder / name)
            flow_id = flow.id if flow is not None else ""
        created = self._start(flow_id, {**more["run"], "inputs_mode": more["run"].get("inputs_mode", "raw")})
        self.world.first = created.id
        self.executor.run_until_idle()
        check_execution(f"then[{number}]", more["expect"], self.executor.execution(created.id), self)
