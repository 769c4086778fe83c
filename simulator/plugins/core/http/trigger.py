"""http.Trigger (core-tasks.md 9): asks a URL from time to time and fires when a condition on the answer holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulator.engine.task import RunContext, TriggerResult
from simulator.model.catalog import Kind, PropertySpec, T, TaskSpec
from simulator.plugins.core.http.client import send
from simulator.plugins.core.http.message import COMMON, build_request
from simulator.plugins.core.http.options import read_options
from simulator.plugins.core.http.request import REQUEST_OUTPUTS, response_text
from simulator.plugins.core.specs import CORE, alias, is_truthy, prop

__all__ = ["HttpTrigger"]

_CONDITION = "{{ response.statusCode < 400 }}"


class HttpTrigger:
    """A polling trigger; failed codes are not an error of its own, the condition decides."""

    spec = TaskSpec(
        f"{CORE}http.Trigger",
        Kind.TRIGGER,
        properties=(
            *COMMON,
            PropertySpec("interval", T.DURATION, dynamic=False, as_property=False, doc="default PT60S"),
            PropertySpec("responseCondition", as_property=False, doc=f"default {_CONDITION}"),
            prop("encryptBody", T.BOOLEAN, default=False),
        ),
        outputs=REQUEST_OUTPUTS,
        needs=("http",),
        aliases=alias(f"{CORE}http.Trigger"),
        doc="Fires on the answer of an HTTP request.",
    )

    def evaluate(self, ctx: RunContext) -> TriggerResult | None:
        options = replace(read_options(ctx), allow_failed=True, allowed_codes=())
        with send(ctx, build_request(ctx, options), options) as response:
            text = response_text(ctx, response, options)
            seen = {"statusCode": response.code, "body": text, "headers": response.headers}
            condition = ctx.raw("responseCondition") or _CONDITION
            if not is_truthy(ctx.render(str(condition), {"response": seen}), ctx.dialect):
                return None
            found: dict[str, Any] = {"uri": response.url, "code": response.code, "headers": response.headers}
            if text is not None:
                encrypt = ctx.get("encryptBody", False)
                found["encryptedBody" if encrypt else "body"] = ctx.encrypt(text) if encrypt else text
            return TriggerResult(found, ctx.clock.now())
