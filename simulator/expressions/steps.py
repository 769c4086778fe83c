"""The evaluation of a template, step by step: each sub-expression with the value it had.

    for step in trace(renderer, "{{ a ~ (b + 1) }}", scope):
        print(step.text, step.value)  # b + 1 -> 3, then a ~ (b + 1) -> x3

Steps come in the order in which they were finished; literals are left out, and so is the way to an attribute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simulator.errors import ExpressionError
from simulator.expressions import nodes
from simulator.expressions.compiler import Run
from simulator.expressions.parser import parse
from simulator.expressions.raw import take_raw
from simulator.expressions.renderer import Compiled, Renderer
from simulator.expressions.runtime import State
from simulator.expressions.scope import Scope
from simulator.expressions.statements import CompiledBlock, CompiledMacro, StatementCompiler

__all__ = ["MAX_STEPS", "Step", "trace"]

MAX_STEPS = 1000
"""More are not kept (a loop repeats its steps)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One evaluated sub-expression: its text, where it stands, and its value or its error."""

    text: str
    offset: int
    value: Any = None
    error: ExpressionError | None = None


def trace(renderer: Renderer, template: str, scope: Scope) -> tuple[Sequence[Step], str | None]:
    """The steps and the rendered text. An error is raised as by `render`, with the steps so far in `.steps`."""
    if "{" not in template:
        return (), template
    steps: list[Step] = []
    try:
        # As render does it, for the parse errors.
        renderer.compiled(template, scope)
        compiled = _traced(renderer, template, steps)
        return steps, renderer.run_text(compiled, template, scope)
    except ExpressionError as error:
        error.steps = tuple(steps)  # type: ignore[attr-defined]
        raise


def _traced(renderer: Renderer, template: str, steps: list[Step]) -> Compiled:
    shown, raws = take_raw(template)
    spans: dict[int, tuple[int, int]] = {}
    tree = parse(shown, renderer.dialect, spans)
    compiler = _Tracer(renderer, shown, spans, steps)
    return Compiled(
        compiler.body(tree.body),
        {macro.name: CompiledMacro(compiler, macro) for macro in tree.macros},
        {name: CompiledBlock(compiler, block) for name, block in tree.blocks.items()},
        shown,
        raws,
    )


class _Tracer(StatementCompiler):
    """A compiler whose closures say what they returned."""

    def __init__(
        self, renderer: Renderer, source: str, spans: dict[int, tuple[int, int]], steps: list[Step]
    ) -> None:
        super().__init__(renderer.dialect, renderer.filters, renderer.functions, renderer.tests)
        self.source, self.spans, self.steps = source, spans, steps
        self._quiet: set[int] = set()

    def expression(self, node: nodes.Expression) -> Run:
        if isinstance(node, nodes.Attribute) and isinstance(node.target, (nodes.Name, nodes.Attribute)):
            self._quiet.add(id(node.target))
        run = super().expression(node)
        span = self.spans.get(id(node))
        if isinstance(node, nodes.Literal) or id(node) in self._quiet or span is None:
            return run
        offset, text, steps = span[0], self.source[slice(*span)].rstrip(), self.steps

        def traced(state: State) -> Any:
            try:
                value = run(state)
            except ExpressionError as error:
                if len(steps) < MAX_STEPS:
                    steps.append(Step(text, offset, error=error))
                raise
            if len(steps) < MAX_STEPS:
                steps.append(Step(text, offset, value))
            return value

        return traced
