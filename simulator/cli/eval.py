"""`simulate eval`: the value of an expression, its type, and how it came about.

simulate eval "{{ inputs.name | upper }}" --vars vars.yml --steps
simulate eval --batch expressions.jsonl
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.errors import ExitCode, ExpressionError, InternalError, SimulatorError, UsageError

if TYPE_CHECKING:
    from simulator.cli.console import Console
    from simulator.expressions.renderer import Renderer
    from simulator.expressions.scope import Scope

__all__ = ["HELP", "add_arguments", "run"]

HELP = "Evaluate an expression as Kestra would: its value and its type, step by step with --steps."
_BATCH_KEYS = frozenset(("id", "template", "vars", "typed", "kestra"))
_VALUE_WIDTH = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from simulator.cli.options import add_run_options

    parser.add_argument("template", nargs="?", help="the text to evaluate, for example '{{ 1 + 1 }}'")
    parser.add_argument(
        "--vars", type=Path, metavar="FILE", help="context variables (YAML or JSON); they win"
    )
    parser.add_argument(
        "--flow", type=Path, metavar="FLOW", help="in the context of a flow that is about to run"
    )
    parser.add_argument("--run", metavar="ID", help="in the context of a kept execution (`last`: the newest)")
    parser.add_argument("--task", metavar="ID", help="as that task of the flow or execution")
    parser.add_argument("--typed", action="store_true", help="keep the type instead of rendering to text")
    parser.add_argument("--steps", action="store_true", help="show each sub-expression and its value")
    parser.add_argument(
        "--batch",
        metavar="FILE",
        help="one JSON object {id, template, vars, typed, kestra} a line (- for stdin); one answer a line",
    )
    add_run_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    if args.batch is not None:
        if args.template is not None or args.vars is not None or args.steps:
            raise UsageError("--batch takes its templates and variables from the file")
        return _batch(args.batch, _dialect_name(args), console)
    if args.template is None:
        raise UsageError("simulate eval needs a template", hint="for example: simulate eval '{{ 1 + 1 }}'")
    if args.flow is not None or args.run is not None:
        from simulator.cli.eval_context import context_of

        with context_of(args, console) as (renderer, scope):
            scope.variables = {**scope.variables, **_variables(args.vars)}
            return _evaluate(args, renderer, scope, console)
    if args.task is not None:
        raise UsageError("--task needs --flow or --run")
    from simulator.dialect import dialect_of
    from simulator.expressions.renderer import Renderer
    from simulator.expressions.scope import Scope

    dialect = dialect_of(_dialect_name(args))
    scope = Scope(dialect=dialect, variables=_variables(args.vars))
    return _evaluate(args, Renderer(dialect), scope, console)


def _dialect_name(args: argparse.Namespace) -> str:
    return "1" if args.kestra == "1" else "2"


def _evaluate(args: argparse.Namespace, renderer: Renderer, scope: Scope, console: Console) -> int:
    try:
        if args.steps:
            from simulator.expressions.steps import trace

            steps, _ = trace(renderer, args.template, scope)
            _show_steps(steps, renderer, console)
        value = (
            renderer.render_typed(args.template, scope, keep_classes=True)
            if args.typed
            else renderer.render(args.template, scope)
        )
    except ExpressionError as error:
        _show_steps(getattr(error, "steps", ()), renderer, console)
        _show_error(args.template, error, console)
        return ExitCode.INVALID
    console.out(_text(value, renderer))
    console.err(f"type: {_type_name(value)}")
    return ExitCode.SUCCESS


def _text(value: Any, renderer: Renderer) -> str:
    from simulator.expressions.text import as_text

    return "null" if value is None else as_text(value, renderer.dialect)


def _type_name(value: Any) -> str:
    from simulator.expressions.java.values import simple_class_name

    return simple_class_name(value)


def _show_steps(steps: Any, renderer: Renderer, console: Console) -> None:
    from simulator.expressions.text import java_text

    for step in steps:
        if step.error is not None:
            console.err(f"  {step.text}  !!  {step.error.message}")
            continue
        text = "null" if step.value is None else java_text(step.value)
        shown = text if len(text) <= _VALUE_WIDTH else f"{text[:_VALUE_WIDTH]}... ({len(text)} characters)"
        console.err(f"  {step.text}  =  {shown}  ({_type_name(step.value)})")


def _show_error(template: str, error: ExpressionError, console: Console) -> None:
    from simulator.diagnostics import Diagnostic, Severity, Span

    span = None
    if error.offset is not None:
        start = _position(template, error.offset)
        span = Span("<template>", start, type(start)(start.line, start.column + 1))
    diagnostic = Diagnostic(error.code, Severity.ERROR, error.message, span, error.hint)
    console.report([diagnostic], {"<template>": template})


def _position(template: str, offset: int) -> Any:
    from simulator.diagnostics import Position

    before = template[:offset]
    return Position(before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)


def _variables(path: Path | None) -> Mapping[str, Any]:
    if path is None:
        return {}
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"--vars: cannot read `{path}`: {reason}") from None
    if path.suffix == ".json":
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"--vars: `{path}` is no JSON: {error}") from None
    else:
        from simulator.source.yaml import read_own

        content = read_own(text, str(path)).plain()
    if not isinstance(content, Mapping):
        raise UsageError(f"--vars: `{path}` must hold a map")
    return content


# --- batch


def _batch(name: str, kestra: str, console: Console) -> int:
    """Answers every line; the exit code says whether all lines were readable, not whether all rendered."""
    from simulator.dialect import DIALECTS, dialect_of
    from simulator.expressions.renderer import Renderer
    from simulator.expressions.scope import Scope

    renderers: dict[str, Renderer] = {}
    readable = True
    for number, line in _lines(name):
        request = _request(line)
        if isinstance(request, str):
            readable = False
            console.out(_json({"id": None, "line": number, "error": {"message": request}}))
            continue
        answer: dict[str, Any] = {"id": request.get("id")}
        version = str(request.get("kestra", kestra))
        if version not in DIALECTS:
            readable = False
            console.out(_json({**answer, "error": {"message": f"there is no dialect {version}"}}))
            continue
        dialect = dialect_of(version)
        renderer = renderers.setdefault(dialect.name, Renderer(dialect))
        scope = Scope(dialect=dialect, variables=request.get("vars") or {})
        try:
            answer["result"] = _result(renderer, request, scope)
        except ExpressionError as error:
            answer["error"] = {
                "type": error.java_type,
                "cause": error.cause_type,
                "message": error.message,
                "offset": error.offset,
                "hint": error.hint,
            }
        except SimulatorError as error:
            if isinstance(error, InternalError):
                raise
            answer["error"] = {"type": type(error).__name__, "message": error.message}
        console.out(_json(answer))
    return ExitCode.SUCCESS if readable else ExitCode.INVALID


def _result(renderer: Renderer, request: Mapping[str, Any], scope: Scope) -> Any:
    template = request["template"]
    if not isinstance(template, str) and template is not None:
        return renderer.render_deep(template, scope)
    if request.get("typed"):
        return renderer.render_typed(template, scope)
    return renderer.render(template, scope)


def _request(line: str) -> dict[str, Any] | str:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"no JSON: {error}"
    if not isinstance(request, dict) or "template" not in request:
        return "not an object with a template"
    unknown = sorted(set(request) - _BATCH_KEYS)
    if unknown:
        return f"unknown keys: {', '.join(unknown)}"
    if not isinstance(request.get("vars") or {}, dict):
        return "vars must be a map"
    return request


def _lines(name: str) -> Iterator[tuple[int, str]]:
    try:
        with nullcontext(sys.stdin) if name == "-" else Path(name).open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield number, line
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--batch: cannot read `{name}`: {error}") from None


def _json(answer: Mapping[str, Any]) -> str:
    return json.dumps(answer, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    from simulator.expressions.text import java_text

    return java_text(value)
