"""Inputs and flow outputs of executions, through `simulator.model.inputs` (flow.md 3, 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.engine.encryption import decrypt, encrypt, marked
from simulator.engine.live import Live
from simulator.engine.scope import scope_of, variables_of
from simulator.errors import InvalidInputError, SecretError, SimulatorError
from simulator.model.flow import Flow, Input, Task
from simulator.storage.base import StorageContext
from simulator.storage.guard import encode_segment

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel

__all__ = [
    "clear_inputs",
    "encryptor",
    "resolve_flow_inputs",
    "resolve_resume_inputs",
    "uploader",
    "with_defaults",
]


def resolve_flow_inputs(
    kernel: Kernel,
    live: Live,
    given: Mapping[str, Any],
    upload: Callable[[str, Any], str] | None = None,
) -> dict[str, Any]:
    """Typed values of the flow's inputs. Raises InvalidInputError with Kestra's text."""
    from simulator.model.inputs import resolve_inputs, undeclared

    scope = scope_of(kernel, live, variables_of(kernel, live))
    resolved = resolve_inputs(
        live.flow,
        given,
        renderer=kernel.renderer,
        scope=scope,
        upload=upload or uploader(kernel, live),
        encrypt=encryptor(kernel),
    )
    if len(resolved) < len(given):
        # Kestra looks for them only then: with as many values as inputs nobody is told
        for message in undeclared(live.flow, given):
            kernel.log(live, "WARN", message)
    return resolved


def resolve_resume_inputs(
    kernel: Kernel,
    live: Live,
    task: Task,
    given: Mapping[str, Any],
    *,
    upload: Callable[[str, Any], str] | None = None,
) -> dict[str, Any]:
    """Typed values of a Pause's `onResume`. Raises InvalidInputError."""
    from simulator.model.build import build_pause_inputs
    from simulator.model.inputs import resolve_values

    inputs = build_pause_inputs(task.property_node("onResume"), kernel.dialect, kernel.registry)
    scope = scope_of(kernel, live, variables_of(kernel, live))
    return resolve_values(
        inputs,
        given,
        dialect=kernel.dialect,
        renderer=kernel.renderer,
        scope=scope,
        upload=upload or uploader(kernel, live),
        encrypt=encryptor(kernel),
        told="`--resume {0}=VALUE`, or `simulate resume -i {0}=VALUE`",
    )


def encryptor(kernel: Kernel) -> Callable[[str], str] | None:
    """What encrypts SECRET values; None without a key."""
    key = kernel.settings.encryption_key
    if key is None:
        return None

    def run(text: str) -> str:
        if text:
            kernel.redactor.register(text)
        return encrypt(key, text)

    return run


def uploader(kernel: Kernel, live: Live) -> Callable[[str, str], str]:
    """Stores the file of a FILE input: `executions/<id>/inputs/<inputId>/<fileName>` (storage.md 1)."""

    def run(input_id: str, path: str) -> str:
        value = live.value
        source = Path(path.removeprefix("file://"))
        if not source.is_file():
            raise InvalidInputError(f"Can't upload file: {path}", hint="give the path of a local file")
        prefix = kernel.storage.prefix(StorageContext(value.namespace, value.flow_id, value.id))
        return kernel.storage.put_at(f"{prefix}/inputs/{input_id}/{encode_segment(source.name)}", source)

    return run


def with_defaults(kernel: Kernel, live: Live, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they are, plus the defaults of declared inputs that are missing, also of those that `dependsOn`
    leaves out (RunVariables): rendered with nothing but `flow`, and left out when that does not do."""
    from simulator.model.inputs import default_value, nest

    result = dict(inputs)
    flow = variables_of(kernel, live)["flow"]
    for item in _flat(live.flow.inputs):
        if not item.has_defaults or _has(result, item.id):
            continue
        scope = scope_of(kernel, live, {"flow": flow})
        try:
            value = default_value(item, kernel.dialect, kernel.renderer, scope)
        except SimulatorError:
            continue
        head, _, rest = item.id.partition(".")
        above = result.get(head)
        if not rest:
            result[head] = value
        elif above is None or isinstance(above, Mapping):
            result[head] = {**(above or {}), **nest([(rest, value)])}
    return result


def _has(tree: Any, path: str) -> bool:
    for step in path.split("."):
        if not isinstance(tree, Mapping) or step not in tree:
            return False
        tree = tree[step]
    return True


def clear_inputs(kernel: Kernel, flow: Flow, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Inputs as expressions see them: SECRET ones decrypted, and their clear values known to the redactor."""
    secret = [item for item in _flat(flow.inputs) if item.type == "SECRET"]
    if not secret:
        return inputs
    result = dict(inputs)
    for item in secret:
        _clear(kernel, result, item.id.split("."))
    return result


def _clear(kernel: Kernel, tree: dict[str, Any], path: list[str]) -> None:
    head, *rest = path
    value = tree.get(head)
    if rest and isinstance(value, Mapping):
        below = tree[head] = dict(value)
        _clear(kernel, below, rest)
        return
    key = kernel.settings.encryption_key
    text = value.get("value") if marked(value) and isinstance(value, Mapping) else value
    if not isinstance(text, str):
        return
    if key is not None:
        try:
            text = decrypt(key, text)
        except SecretError:
            return
    if text:
        kernel.redactor.register(text)
    tree[head] = text


def _flat(inputs: tuple[Input, ...], prefix: str = "") -> list[Input]:
    from dataclasses import replace

    result: list[Input] = []
    for item in inputs:
        named = replace(item, id=prefix + item.id) if prefix else item
        result.append(named)
        result.extend(_flat(item.children, f"{named.id}."))
    return result
