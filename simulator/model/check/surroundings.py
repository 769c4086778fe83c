"""Secrets, namespace files and subflows: what a flow needs from around it."""

from __future__ import annotations

import re

from simulator.diagnostics import Severity
from simulator.model.catalog import Kind
from simulator.model.check.context import CheckContext
from simulator.model.check.expressions import references_of
from simulator.model.convert import is_dynamic
from simulator.model.flow import FlowId, Task
from simulator.model.flow_rules import leaves
from simulator.model.problems import suggest
from simulator.source.nodes import MapNode, Node, ScalarNode

__all__ = ["is_secret_name", "check_files", "check_secrets", "check_secrets_in_clear", "check_subflows"]

_FILE_FUNCTIONS = frozenset({"read", "fileURI", "fileSize", "fileExists", "isFileEmpty"})
_SECRET_KEY = re.compile(
    r"(?:^|[a-z_])(?:password|passwd|passphrase|secret|secretkey|secretkeyid|apikey|api_key|accesstoken|authtoken|bearertoken|privatekey|token)$",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(r"(?:url|uri|name|id|path|file|field|type)$", re.IGNORECASE)


def check_secrets(context: CheckContext) -> None:
    """SIM-SECRET-030: a secret that no env file gives."""
    known = context.surroundings.secrets
    if known is None:
        return
    for site in context.sites:
        if "secret" not in site.node.text or not site.has_expression:
            continue
        for reference in references_of(context, site):
            name = (
                (reference.arguments or (reference.named.get("key"),))[0]
                if reference.kind == "function" and reference.name == "secret"
                else None
            )
            if isinstance(name, str) and name.upper() not in known and "namespace" not in reference.named:
                message = f"Cannot find secret for key '{name}'."
                hint = (
                    suggest(name.upper(), known)
                    or f"Add SECRET_{name.upper()} to the env file (`simulate secrets encode`)."
                )
                context.warn(
                    "SIM-SECRET-030", message, context.at(site, reference.offset, reference.offset + 6), hint
                )


def check_secrets_in_clear(context: CheckContext) -> None:
    """SIM-SECRET-031: a password in the flow's own text."""
    for task in context.flow.walk_tasks():
        spec = context.catalog.spec(task.type, context.dialect)
        declared = {prop.name for prop in spec.properties if prop.secret} if spec is not None else set()
        children = {key.partition(".")[0] for key in task.children}
        for key, node in task.node.entries.items():
            if key not in children:
                _clear(context, key, node, declared)
    for trigger in context.flow.triggers:
        spec = context.catalog.spec(trigger.type, context.dialect)
        declared = {prop.name for prop in spec.properties if prop.secret} if spec is not None else set()
        for key, node in trigger.node.entries.items():
            _clear(context, key, node, declared)
    for item in context.flow.inputs:
        default = item.node.get("defaults")
        if item.type == "SECRET" and default is not None:
            _clear(context, "password", default, set())


def is_secret_name(key: str) -> bool:
    """Whether a key's name says that its value is a secret (password, apiKey, DB_TOKEN...)."""
    return bool(_SECRET_KEY.search(key)) and not _NO_SECRET.search(key)


def _clear(context: CheckContext, key: str, node: Node, declared: set[str]) -> None:
    if isinstance(node, ScalarNode):
        named = key in declared or is_secret_name(key)
        if named and isinstance(node.value, str) and node.text.strip() and not is_dynamic(node.text):
            context.warn(
                "SIM-SECRET-031", f"`{key}` holds a value in clear", node.span,
                f"Put it into the env file and write {{{{ secret('{_env_name(key)}') }}}}.",
            )  # fmt: skip
        return
    for inner, child in (
        node.entries.items() if isinstance(node, MapNode) else ((key, child) for child in node.items)
    ):
        _clear(context, inner, child, declared)


def _env_name(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).replace("-", "_").upper()


def check_files(context: CheckContext) -> None:
    """SIM-FILE-001: a namespace file that is not there."""
    exists = context.surroundings.namespace_file
    if exists is None:
        return
    namespace = context.flow.namespace
    for site in context.sites:
        text = site.node.text
        if (
            text.startswith("nsfile:///")
            and not is_dynamic(text)
            and not exists(namespace, text[len("nsfile:///") :])
        ):
            context.warn(
                "SIM-FILE-001",
                f"The namespace `{namespace}` has no file `{text[len('nsfile:///') :]}`",
                site.node.span,
            )
        if not site.has_expression:
            continue
        for reference in references_of(context, site):
            if reference.kind != "function" or reference.name not in _FILE_FUNCTIONS or reference.named:
                continue
            path = reference.arguments[0] if reference.arguments else None
            if isinstance(path, str) and ":" not in path and not exists(namespace, path):
                span = context.at(site, reference.offset, reference.offset + len(reference.name))
                context.warn("SIM-FILE-001", f"The namespace `{namespace}` has no file `{path}`", span)


def check_subflows(context: CheckContext) -> None:
    """SIM-REF-020: a subflow that is not here; 021: it is disabled; 022/023: its inputs."""
    flows = context.surroundings.flows
    for task in context.flow.walk_tasks():
        spec = context.catalog.spec(task.type, context.dialect)
        if spec is None or spec.kind is not Kind.EXECUTABLE:
            continue
        namespace, name = task.properties.get("namespace"), task.properties.get("flowId")
        if not isinstance(namespace, str) or not isinstance(name, str):
            continue
        if namespace.replace(" ", "") == "{{flow.namespace}}":
            namespace = context.flow.namespace
        if is_dynamic(namespace + name):
            continue
        node = task.node.get("flowId") or task.node
        child = flows.get(FlowId(namespace, name))
        if child is None:
            if context.surroundings.unknown_flows:
                near = suggest(f"{namespace}.{name}", map(str, flows))
                context.warn(
                    "SIM-REF-020",
                    f"The subflow '{name}' not found in namespace '{namespace}'.",
                    node.span,
                    near,
                )
            continue
        if child.disabled:
            context.warn(
                "SIM-REF-021", f"The subflow '{name}' is disabled in namespace '{namespace}'.", node.span
            )
        _subflow_inputs(
            context,
            task,
            {
                path: item.required and not item.has_defaults and item.depends_on is None
                for path, item in leaves(child.inputs)
            },
        )


def _subflow_inputs(context: CheckContext, task: Task, declared: dict[str, bool]) -> None:
    node = task.node.get("inputs")
    given = node.entries if isinstance(node, MapNode) else {}
    if node is not None and not isinstance(node, MapNode):
        return
    roots = {path.split(".")[0] for path in declared}
    for key, value in given.items():
        if key not in declared and key not in roots:
            context.report(
                "SIM-REF-022",
                f"The subflow has no input `{key}`",
                value.span,
                suggest(key, declared),
                Severity.WARNING,
            )
    if task.type.endswith("ForEachItem"):
        return
    for path, needed in declared.items():
        if needed and path not in given and path.split(".")[0] not in given:
            context.report(
                "SIM-REF-023", f"The subflow needs the input `{path}`, which is not given",
                (node or task.node.get("flowId") or task.node).span, None, Severity.WARNING,
            )  # fmt: skip
