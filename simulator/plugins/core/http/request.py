"""http.Request (core-tasks.md 9)."""

from __future__ import annotations

import unicodedata
from typing import Any

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, T, TaskSpec
from simulator.plugins.core.http.client import HttpResponse, send
from simulator.plugins.core.http.message import COMMON, HEADERS_OUT, build_request
from simulator.plugins.core.http.options import HttpOptions, read_options
from simulator.plugins.core.specs import CORE, alias, prop

__all__ = ["REQUEST_OUTPUTS", "Request", "request_outputs", "response_text"]

_MAX_BODY = 19 * 1024 * 1024

REQUEST_OUTPUTS: tuple[OutputSpec, ...] = (
    OutputSpec("uri", T.STRING),
    OutputSpec("code", T.INTEGER),
    HEADERS_OUT,
    OutputSpec("body", T.STRING),
    OutputSpec("encryptedBody"),
)


class Request:
    """Sends a request; the answer's body becomes an output, as text."""

    spec = TaskSpec(
        f"{CORE}http.Request",
        properties=(*COMMON, prop("encryptBody", T.BOOLEAN, default=False)),
        outputs=REQUEST_OUTPUTS,
        needs=("http",),
        aliases=alias(f"{CORE}http.Request"),
        doc="Sends an HTTP request.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        options = read_options(ctx)
        with send(ctx, build_request(ctx, options), options) as response:
            outputs = request_outputs(ctx, response, options)
            return TaskResult(outputs, fact=f"{response.code} {response.url}")


def response_text(ctx: RunContext, response: HttpResponse, options: HttpOptions) -> str | None:
    """The body as text, None when the answer has none. Raises TaskError for what cannot be an output."""
    if not response.has_body:
        return None
    data = response.read()
    ctx.metric("response.length", len(data))
    ctx.metric("response.bytes", len(data))
    if ctx.dialect.major >= 2 and len(data) > _MAX_BODY:
        raise TaskError(
            f"Response body is too large to store in task outputs ({len(data)} bytes).",
            hint="Use io.kestra.plugin.core.http.Download, which stores the body as a file.",
        )
    try:
        text = data.decode(options.charset, "replace")
    except LookupError:
        raise TaskError(f"Unsupported charset: {options.charset}") from None
    for char in set(text):
        # Java looks at UTF-16 units, so only characters of the first plane can be undefined.
        if ord(char) <= 0xFFFF and unicodedata.category(char) == "Cn":
            raise TaskError(
                f"Illegal unicode code point in request body: {ord(char)}, the Request task only support valid "
                "Unicode strings as body.\nYou can try using the Download task instead."
            )
    return text


def request_outputs(ctx: RunContext, response: HttpResponse, options: HttpOptions) -> dict[str, Any]:
    text = response_text(ctx, response, options)
    outputs: dict[str, Any] = {"uri": response.url, "code": response.code, "headers": response.headers}
    if text is not None:
        if ctx.get("encryptBody", False):
            outputs["encryptedBody"] = ctx.encrypt(text)
        else:
            outputs["body"] = text
    return outputs
