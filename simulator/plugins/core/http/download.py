"""http.Download (core-tasks.md 9)."""

from __future__ import annotations

import re
from email.message import Message
from urllib.parse import unquote, urlsplit

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, T, TaskSpec
from simulator.plugins.core.http.client import HttpResponse, send
from simulator.plugins.core.http.message import COMMON, HEADERS_OUT, build_request
from simulator.plugins.core.http.options import read_options
from simulator.plugins.core.specs import CORE, alias, prop

__all__ = ["Download"]


class Download:
    """Stores the body of an answer as a file, in constant memory."""

    spec = TaskSpec(
        f"{CORE}http.Download",
        properties=(*COMMON, prop("failOnEmptyResponse", T.BOOLEAN, default=True), prop("saveAs", since=2)),
        outputs=(
            OutputSpec("uri", T.URI),
            OutputSpec("code", T.INTEGER),
            OutputSpec("length", T.INTEGER),
            HEADERS_OUT,
        ),
        needs=("http",),
        aliases=alias(f"{CORE}http.Download"),
        doc="Downloads a file.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        options = read_options(ctx)
        request = build_request(ctx, options)
        with send(ctx, request, options) as response:
            path = ctx.temp_file(_extension(response.url, ctx.dialect.major))
            size = 0
            with path.open("wb") as target:
                for chunk in response.chunks() if response.has_body else ():
                    size += len(chunk)
                    target.write(chunk)
            ctx.metric("response.length", size)
            expected = response.first("content-length")
            if response.has_body and expected is not None and expected.isdigit() and int(expected) != size:
                raise TaskError(f"Invalid size, got {size}, expected {expected}")
            if size == 0:
                if ctx.get("failOnEmptyResponse", True):
                    raise TaskError("No response from server")
                ctx.logger.warn("File '{}' is empty", response.url)
            name = (ctx.get("saveAs") if ctx.dialect.major >= 2 else None) or _disposition(response)
            uri = ctx.put_file(path, name or path.name)
            outputs = {"code": response.code, "uri": uri, "headers": response.headers, "length": size}
            return TaskResult(outputs, fact=f"{size:,} bytes -> {uri}")


def _extension(url: str, major: int) -> str:
    """The extension of the URL's file name: from its first dot in 1.x, from its last in 2.0."""
    name = unquote(urlsplit(url).path).rsplit("/", 1)[-1]
    at = name.find(".") if major < 2 else name.rfind(".")
    extension = name[at:] if at >= 0 else ""
    return extension if re.fullmatch(r"(\.[\w+-]{1,40})+", extension) else ".tmp"


def _disposition(response: HttpResponse) -> str | None:
    """The file name of a Content-Disposition header, without any folder."""
    value = response.first("content-disposition")
    if value is None:
        return None
    message = Message()
    message["content-disposition"] = value
    name = message.get_filename()
    if not name:
        return None
    last = name.replace("\\", "/").rsplit("/", 1)[-1].replace("\0", "")
    return None if last in ("", ".", "..") else last
