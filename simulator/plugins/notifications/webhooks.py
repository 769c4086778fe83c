"""Tasks that post a payload of the flow's own to a chat or alert service (fs-and-others.md 1)."""

from __future__ import annotations

import base64
import json
import re
import uuid
from typing import Any, ClassVar
from urllib.parse import quote, urlencode, urlsplit

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import PropertySpec, TaskSpec
from simulator.plugins.notifications.client import OPTIONS, Answer, Healthy, http_failure, post

__all__ = ["Webhook", "compact"]

URL = PropertySpec("url", required=True, secret=True)
PAYLOAD = PropertySpec("payload")


def compact(value: Any) -> bytes:
    """JSON as the plugins send it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def parsed_payload(ctx: RunContext) -> Any:
    """The payload as JSON. Raises TaskError for text that is none, or for no payload."""
    payload = ctx.get("payload")
    if payload is None:
        raise TaskError("payload must not be null")
    if not isinstance(payload, str):
        return payload
    try:
        return json.loads(payload)
    except json.JSONDecodeError as error:
        place = f"line: {error.lineno}, column: {error.colno}"
        raise TaskError(
            f"{error.msg} at [Source: (String); {place}]", hint="`payload` is no valid JSON"
        ) from None


class Webhook:
    """Posts `payload` to `url`. Services differ in whether the text is parsed and in their answer."""

    spec: ClassVar[TaskSpec]
    channel: ClassVar[str]
    healthy: ClassVar[Healthy] = Healthy()
    parse: ClassVar[bool] = True

    def run(self, ctx: RunContext) -> TaskResult:
        body = compact(self.payload(ctx)) if self.parse else self.text(ctx).encode()
        answer = post(
            ctx,
            self.channel,
            self.url(ctx),
            body,
            self.healthy,
            content_type=self.content_type(ctx),
            headers=self.headers(ctx),
        )
        self.check(ctx, answer)
        return TaskResult(fact=f"{self.channel} message, status {answer.status}")

    def url(self, ctx: RunContext) -> str:
        url = ctx.get("url")
        if not url:
            raise TaskError("url must not be null")
        return str(url)

    def payload(self, ctx: RunContext) -> Any:
        return parsed_payload(ctx)

    def text(self, ctx: RunContext) -> str:
        payload = ctx.get("payload")
        if payload is None:
            raise TaskError("payload must not be null")
        return payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)

    def content_type(self, ctx: RunContext) -> str:
        return "application/json"

    def headers(self, ctx: RunContext) -> dict[str, str]:
        return {}

    def check(self, ctx: RunContext, answer: Answer) -> None:
        if not answer.good:
            raise http_failure(answer)
        if answer.status == 200:
            ctx.logger.info("Request succeeded")


def webhook_spec(name: str, *own: PropertySpec) -> TaskSpec:
    """The spec of an incoming webhook: `url`, `payload`, `options` and more."""
    return TaskSpec(f"io.kestra.plugin.{name}", properties=(URL, PAYLOAD, *own, OPTIONS), needs=("http",))


_BOLD = re.compile(r"\*\*(.+?)\*\*")
_ITALIC = re.compile(r"__(.+?)__")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


def slack_markup(text: str) -> str:
    """Markdown's bold, italic and links in Slack's own form."""
    text = _BOLD.sub(r"*\1*", text)
    text = _ITALIC.sub(r"_\1_", text)
    return _LINK.sub(r"<\2|\1>", text)


def check_slack(ctx: RunContext, answer: Answer) -> None:
    """Any 2xx is fine; else Slack's own message."""
    if not answer.good:
        raise http_failure(
            answer,
            f"Slack webhook request failed with status {answer.status}: {answer.reason} - {answer.body}",
        )
    ctx.logger.info("Request succeeded")


class SlackIncomingWebhook(Webhook):
    channel = "slack"
    spec = webhook_spec("slack.notifications.SlackIncomingWebhook", PropertySpec("messageText"))

    def payload(self, ctx: RunContext) -> Any:
        if ctx.raw("payload") is not None:
            return parsed_payload(ctx)
        text = ctx.get("messageText")
        if text is None:
            raise TaskError("Either 'messageText' or 'payload' must be provided")
        try:
            return json.loads(str(text))
        except ValueError:
            return {"text": slack_markup(str(text))}

    def check(self, ctx: RunContext, answer: Answer) -> None:
        check_slack(ctx, answer)


class DiscordIncomingWebhook(Webhook):
    channel = "discord"
    healthy = Healthy(204, None)
    spec = webhook_spec("discord.DiscordIncomingWebhook")


class TeamsIncomingWebhook(Webhook):
    channel = "teams"
    healthy = Healthy(200, "1")
    parse = False
    spec = webhook_spec("microsoft365.teams.TeamsIncomingWebhook")


class GoogleChatIncomingWebhook(Webhook):
    channel = "google-chat"
    healthy = Healthy(200, {"name": "spaces/local/messages/1"})
    spec = webhook_spec("googleworkspace.chat.GoogleChatIncomingWebhook")


class ZulipIncomingWebhook(Webhook):
    channel = "zulip"
    healthy = Healthy(200, {"result": "success", "msg": ""})
    spec = webhook_spec("zulip.ZulipIncomingWebhook")


class WhatsAppIncomingWebhook(Webhook):
    channel = "whatsapp"
    healthy = Healthy(200, {"messages": [{"id": "local"}]})
    spec = webhook_spec("whatsapp.WhatsAppIncomingWebhook")


class ZendutyAlert(Webhook):
    channel = "zenduty"
    healthy = Healthy(201, {"status": "success"})
    spec = webhook_spec("zenduty.ZendutyAlert")


class PagerDutyAlert(Webhook):
    channel = "pagerduty"
    healthy = Healthy(202, {"status": "success", "message": "Event processed", "dedup_key": "local"})
    spec = webhook_spec("pagerduty.PagerDutyAlert")


class OpsgenieAlert(Webhook):
    channel = "opsgenie"
    healthy = Healthy(202, {"result": "Request will be processed", "requestId": "local"})
    spec = webhook_spec("opsgenie.OpsgenieAlert", PropertySpec("authorizationToken", secret=True))

    def headers(self, ctx: RunContext) -> dict[str, str]:
        token = ctx.get("authorizationToken")
        return {"Authorization": f"GenieKey {token}"} if token else {}


def form(values: dict[str, Any]) -> str:
    """As a form sends it; nested values as JSON."""
    flat = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    return urlencode(flat)


def basic(username: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


TWILIO = (
    PropertySpec("accountSID", required=True, secret=True),
    PropertySpec("authToken", required=True, secret=True),
)


class TwilioAlert(Webhook):
    """Twilio's API takes forms."""

    channel = "twilio"
    healthy = Healthy(201, {"sid": "local"})
    parse = False
    spec = webhook_spec("twilio.notify.TwilioAlert", *TWILIO)

    def text(self, ctx: RunContext) -> str:
        payload = parsed_payload(ctx)
        return form(payload) if isinstance(payload, dict) else str(payload)

    def content_type(self, ctx: RunContext) -> str:
        return "application/x-www-form-urlencoded"

    def headers(self, ctx: RunContext) -> dict[str, str]:
        return basic(str(ctx.get("accountSID")), str(ctx.get("authToken")))


SENTRY = (
    PropertySpec("dsn", required=True, secret=True),
    PropertySpec("endpointType", default="ENVELOPE", doc="ENVELOPE or STORE"),
)


def sentry_url(ctx: RunContext) -> str:
    """`https://<key>@<host>/<project>` as the address of the ingestion API."""
    parts = urlsplit(str(ctx.get("dsn")))
    project = parts.path.rstrip("/").rpartition("/")[2]
    key, _, host = parts.netloc.rpartition("@")
    if parts.scheme not in ("http", "https") or not key or not project:
        raise TaskError("Invalid Sentry DSN")
    base = f"{parts.scheme}://{host}/api/{project}"
    if str(ctx.get("endpointType", "ENVELOPE")).upper() == "STORE":
        return f"{base}/store/?sentry_version=7&sentry_key={quote(key)}"
    return f"{base}/envelope/?sentry_version=7&sentry_key={quote(key)}"


def sentry_body(ctx: RunContext, event: dict[str, Any]) -> bytes:
    """The event alone, or as an envelope with it as the only item."""
    event = {"event_id": uuid.uuid5(uuid.NAMESPACE_URL, ctx.task_run_id).hex, **event}
    data = compact(event)
    if str(ctx.get("endpointType", "ENVELOPE")).upper() == "STORE":
        return data
    head = compact({"event_id": event["event_id"], "dsn": ctx.get("dsn")})
    return head + b"\n" + compact({"type": "event", "length": len(data)}) + b"\n" + data + b"\n"


class SentryAlert:
    channel = "sentry"
    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.sentry.SentryAlert", properties=(*SENTRY, PAYLOAD, OPTIONS), needs=("http",)
    )

    def run(self, ctx: RunContext) -> TaskResult:
        payload = parsed_payload(ctx)
        if not isinstance(payload, dict):
            raise TaskError("payload must be a JSON object")
        return send_sentry(ctx, payload)


def send_sentry(ctx: RunContext, event: dict[str, Any]) -> TaskResult:
    """Posts one event; the outbox shows it without the envelope."""
    answer = post(
        ctx,
        "sentry",
        sentry_url(ctx),
        sentry_body(ctx, event),
        Healthy(200, {"id": "local"}),
        content_type="application/x-sentry-envelope",
        summary=event,
    )
    if not answer.good:
        raise http_failure(answer)
    ctx.logger.info("Request succeeded")
    return TaskResult(fact=f"sentry event, status {answer.status}")


TELEGRAM = (
    PropertySpec("token", required=True, secret=True),
    PropertySpec("channel", required=True),
    PropertySpec("parseMode"),
    PropertySpec("endpointOverride"),
)


def send_telegram(ctx: RunContext, text: str) -> TaskResult:
    """`sendMessage` of the bot API."""
    base = str(ctx.get("endpointOverride") or "https://api.telegram.org").rstrip("/")
    message: dict[str, Any] = {"chat_id": ctx.get("channel"), "text": text}
    if ctx.get("parseMode"):
        message["parse_mode"] = ctx.get("parseMode")
    answer = post(
        ctx,
        "telegram",
        f"{base}/bot{ctx.get('token')}/sendMessage",
        compact(message),
        Healthy(200, {"ok": True, "result": {"message_id": 1}}),
    )
    if not answer.good:
        raise http_failure(answer)
    return TaskResult(fact=f"telegram message, status {answer.status}")


class TelegramSend:
    """`payload` is the text of the message; a JSON object with `text` gives that text."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.telegram.TelegramSend", properties=(*TELEGRAM, PAYLOAD, OPTIONS), needs=("http",)
    )

    def run(self, ctx: RunContext) -> TaskResult:
        payload = ctx.get("payload")
        if payload is None:
            raise TaskError("payload must not be null")
        if isinstance(payload, str):
            try:
                found = json.loads(payload)
            except ValueError:
                found = None
        else:
            found = payload
        text = found["text"] if isinstance(found, dict) and "text" in found else payload
        return send_telegram(ctx, text if isinstance(text, str) else json.dumps(text, ensure_ascii=False))


SENDGRID = (
    PropertySpec("sendgridApiKey", required=True, secret=True),
    PropertySpec("from", required=True),
    PropertySpec("to", required=True),
    PropertySpec("cc"),
    PropertySpec("subject"),
    PropertySpec("htmlContent"),
    PropertySpec("textContent"),
)
