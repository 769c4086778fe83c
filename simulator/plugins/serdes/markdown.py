"""`markdown.*`: described, not run here (it would need a CommonMark library for three rarely used tasks): mock them."""

from __future__ import annotations

from typing import NoReturn

from simulator.engine.task import RunContext
from simulator.errors import UnsupportedError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.serdes.rows import CHARSET, FROM

__all__ = ["HtmlToMarkdown", "MarkdownToHtml", "MarkdownToText"]


class _MockOnly:
    spec: TaskSpec

    def run(self, ctx: RunContext) -> NoReturn:
        raise UnsupportedError(f"{self.spec.type} is not run here", hint=f"mock the task `{ctx.task.id}`")


def _spec(name: str, *own: PropertySpec) -> TaskSpec:
    return TaskSpec(
        f"io.kestra.plugin.serdes.markdown.{name}",
        properties=(FROM, CHARSET, *own),
        outputs=(OutputSpec("uri", T.URI),),
        supported=False,
    )


class MarkdownToHtml(_MockOnly):
    spec = _spec("MarkdownToHtml")


class MarkdownToText(_MockOnly):
    spec = _spec("MarkdownToText")


class HtmlToMarkdown(_MockOnly):
    spec = _spec(
        "HtmlToMarkdown",
        PropertySpec("ignoreTags", T.LIST, item=PropertySpec("item")),
        PropertySpec("baseUri"),
    )
