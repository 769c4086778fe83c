"""Webhook: an HTTP call starts a flow, and what the caller gets back (core-tasks.md 10)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from simulator.engine.execution import Execution, StateType
from simulator.engine.live import Live
from simulator.engine.scope import scope_of, variables_of
from simulator.errors import SimulatorError
from simulator.model.flow import Flow, Trigger

if TYPE_CHECKING:
    from simulator.engine.executor import Executor

__all__ = ["WebhookResponse", "Webhooks", "payload_variables"]

_CALL = frozenset({"body", "headers", "parameters", "key"})


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    status: int
    body: str | None = None
    content_type: str | None = None
    execution_id: str | None = None


def body_value(body: str | None) -> Any:
    """A JSON map or list, else the text; None when empty."""
    if body is None or not body.strip():
        return None
    try:
        found = json.loads(body)
    except ValueError:
        return body
    return found if isinstance(found, (dict, list)) else body


def payload_variables(payload: Any) -> dict[str, Any]:
    """`trigger` variables of a payload given by hand: {body, headers, parameters, key}, or the body alone.

    As those of a call: a body of JSON text is read, headers and parameters are lists of texts.
    """
    if not (isinstance(payload, Mapping) and payload and set(payload) <= _CALL):
        payload = {"body": payload}
    variables: dict[str, Any] = {name: _lists(payload.get(name)) for name in ("headers", "parameters")}
    body = payload.get("body")
    value = body_value(body) if isinstance(body, str) else body
    if value is not None:
        variables["body"] = value
    if payload.get("key") is not None:
        variables["key"] = payload["key"]
    return variables


def _lists(values: Any) -> dict[str, list[str]]:
    """Each value as a list of texts."""
    if not isinstance(values, Mapping):
        return {}
    return {
        str(name): [str(item) for item in value] if isinstance(value, list) else [str(value)]
        for name, value in values.items()
    }


class Webhooks:
    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.kernel = executor.kernel

    def call(
        self,
        namespace: str,
        flow_id: str,
        key: str,
        *,
        method: str = "POST",
        query: str = "",
        body: str | None = None,
        headers: Mapping[str, list[str]] | None = None,
    ) -> WebhookResponse:
        """One call of `/webhook/<namespace>/<flow>/<key>`; runs the flow when the trigger waits for it."""
        flow = self.kernel.flows.find(namespace, flow_id)
        if flow is None:
            return _error(404, "Flow not found")
        trigger = self._trigger(flow, key)
        if trigger is None:
            return _error(404, "Webhook not found")
        variables: dict[str, Any] = {
            "headers": dict(headers or {}),
            "parameters": parse_qs(query, keep_blank_values=True),
        }
        value = body_value(body)
        if value is not None:
            variables["body"] = value
        triggers = self.executor.triggers
        try:
            if not triggers.holds(flow, trigger, variables):
                return WebhookResponse(204)
        except SimulatorError:
            return _error(404, "No execution triggered")
        if self.kernel.dialect.major >= 2:
            variables["_context"] = {"id": trigger.id, "type": trigger.type}
        try:
            raw = trigger.properties.get("inputs")
            inputs = triggers.render(flow, trigger, raw, variables) if raw is not None else None
            live = triggers.start(flow, trigger, variables, inputs)
        except SimulatorError as error:
            return _error(422, error.message)
        if str(trigger.properties.get("wait")).lower() != "true":
            return self._answer(200, live)
        self.executor.run_until(lambda: live.over)
        return self._ended(trigger, live)

    def _trigger(self, flow: Flow, key: str) -> Trigger | None:
        for trigger in flow.triggers:
            if not (trigger.canonical or "").endswith(".trigger.Webhook"):
                continue
            if self.executor.triggers.is_off(flow, trigger):
                continue
            try:
                own = self.executor.triggers.render(flow, trigger, str(trigger.properties.get("key")), {})
            except SimulatorError:
                continue
            if str(own).strip() == key:
                return trigger
        return None

    def _ended(self, trigger: Trigger, live: Live) -> WebhookResponse:
        """2.0.0: 500 for a FAILED execution unless `responseCode` says another; without an answer when it fails to render."""
        failed = live.state is StateType.FAILED and self.kernel.dialect.major >= 2
        code = 500 if failed else 200
        raw = trigger.properties.get("responseCode")
        if raw is not None:
            scope = scope_of(self.kernel, live, variables_of(self.kernel, live))
            try:
                code = int(self.kernel.renderer.render(str(raw), scope) or code)
            except (SimulatorError, ValueError):
                return WebhookResponse(500, execution_id=live.id)
        if str(trigger.properties.get("returnOutputs")).lower() != "true":
            return self._answer(code, live)
        text = json.dumps(dict(live.value.outputs or {}), separators=(",", ":"), default=str)
        kind = str(trigger.properties.get("responseContentType") or "application/json")
        return WebhookResponse(code, text, kind, live.id)

    def _answer(self, status: int, live: Live) -> WebhookResponse:
        """The execution as JSON, with the address of its page."""
        from simulator.engine.jsonform import to_json

        execution: Execution = live.snapshot()
        found = dict(to_json(execution))
        url = str(self.kernel.settings.kestra.get("url", "")).rstrip("/")
        found["url"] = f"{url}/ui/main/executions/{execution.namespace}/{execution.flow_id}/{execution.id}"
        return WebhookResponse(status, json.dumps(found, default=str), "application/json", live.id)


def _error(status: int, message: str) -> WebhookResponse:
    return WebhookResponse(status, json.dumps({"message": message}), "application/json")
