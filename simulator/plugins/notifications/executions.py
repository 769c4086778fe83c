"""Tasks that tell a service about an execution: the facts in the service's own shape of message."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.model.catalog import PropertySpec, T, TaskSpec
from simulator.plugins.notifications.client import OPTIONS, Answer, Healthy, http_failure, post
from simulator.plugins.notifications.facts import EXECUTION, Facts, facts_of
from simulator.plugins.notifications.webhooks import (
    SENDGRID,
    SENTRY,
    TELEGRAM,
    TWILIO,
    URL,
    basic,
    check_slack,
    compact,
    form,
    send_sentry,
    send_telegram,
)

__all__ = ["ExecutionMessage"]


def _text(*names: str) -> tuple[PropertySpec, ...]:
    return tuple(PropertySpec(name) for name in names)


def _spec(name: str, *own: PropertySpec, url: bool = True) -> TaskSpec:
    """`url`, the properties about the execution, and the service's own (which win over a common one)."""
    names = {spec.name for spec in own}
    common = tuple(spec for spec in EXECUTION if spec.name not in names)
    head = (URL,) if url else ()
    return TaskSpec(f"io.kestra.plugin.{name}", properties=(*head, *own, *common, OPTIONS), needs=("http",))


def _given(ctx: RunContext, **names: str) -> dict[str, Any]:
    """The properties that are set, by the key that the service uses."""
    return {key: ctx.get(name) for key, name in names.items() if ctx.get(name) is not None}


class ExecutionMessage:
    """Posts `message(facts)` to `url`."""

    spec: ClassVar[TaskSpec]
    channel: ClassVar[str]
    healthy: ClassVar[Healthy] = Healthy()

    def run(self, ctx: RunContext) -> TaskResult:
        facts = facts_of(ctx)
        answer = post(ctx, self.channel, self.url(ctx), compact(self.message(ctx, facts)), self.healthy, headers=self.headers(ctx))  # fmt: skip
        self.check(ctx, answer)
        return TaskResult(fact=f"{self.channel} message about {facts.id}, status {answer.status}")

    def url(self, ctx: RunContext) -> str:
        return str(ctx.get("url"))

    def headers(self, ctx: RunContext) -> dict[str, str]:
        return {}

    def check(self, ctx: RunContext, answer: Answer) -> None:
        if not answer.good:
            raise http_failure(answer)
        if answer.status == 200:
            ctx.logger.info("Request succeeded")

    def message(self, ctx: RunContext, facts: Facts) -> Any:
        raise NotImplementedError


class SlackExecution(ExecutionMessage):
    channel = "slack"
    spec = _spec(
        "slack.notifications.SlackExecution",
        *_text("channel", "username", "iconUrl", "iconEmoji", "messageText"),
    )

    def message(self, ctx: RunContext, facts: Facts) -> Any:
        fields = [{"title": name, "value": f"`{value}`", "short": True} for name, value in facts.pairs()]
        attachment: dict[str, Any] = {
            "color": "danger" if facts.bad else "warning" if facts.state == "WARNING" else "good",
            "text": f"> {facts.summary}" + (f"\n{facts.message}" if facts.message else ""),
            "mrkdwn_in": ["text", "fields"],
            "fields": fields,
        }
        own = _given(ctx, channel="channel", username="username", icon_url="iconUrl", icon_emoji="iconEmoji")
        return {"text": f"*<{facts.link}|{facts.title}>*", "attachments": [attachment], **own}

    def check(self, ctx: RunContext, answer: Answer) -> None:
        check_slack(ctx, answer)


class DiscordExecution(ExecutionMessage):
    channel = "discord"
    healthy = Healthy(204, None)
    spec = _spec(
        "discord.DiscordExecution",
        *_text("content", "username", "avatarUrl"),
        PropertySpec("embedList", T.LIST),
    )

    def message(self, ctx: RunContext, facts: Facts) -> Any:
        embed = {
            "title": facts.title,
            "url": facts.link,
            "description": facts.summary + (f"\n{facts.message}" if facts.message else ""),
            "color": 0xE01E5A if facts.bad else 0x2EB67D,
            "fields": [{"name": name, "value": value, "inline": True} for name, value in facts.pairs()],
        }
        own = _given(ctx, content="content", username="username", avatar_url="avatarUrl")
        return {**own, "embeds": ctx.get("embedList") or [embed]}


class TeamsExecution(ExecutionMessage):
    channel = "teams"
    healthy = Healthy(200, "1")
    spec = _spec(
        "microsoft365.teams.TeamsExecution", *_text("themeColor", "activityTitle", "activitySubtitle")
    )

    def message(self, ctx: RunContext, facts: Facts) -> Any:
        section = {
            "activityTitle": ctx.get("activityTitle") or facts.title,
            "activitySubtitle": ctx.get("activitySubtitle") or facts.summary,
            "facts": [{"name": name, "value": value} for name, value in facts.pairs()],
            "markdown": True,
        }
        if facts.message:
            section["text"] = facts.message
        return {
            "@type": "MessageCard",
            "@context": "http://schema.org/extensions",
            "themeColor": ctx.get("themeColor") or ("E01E5A" if facts.bad else "2EB67D"),
            "summary": facts.title,
            "sections": [section],
            "potentialAction": [
                {"@type": "OpenUri", "name": "Kestra", "targets": [{"os": "default", "uri": facts.link}]}
            ],
        }


class GoogleChatExecution(ExecutionMessage):
    channel = "google-chat"
    healthy = Healthy(200, {"name": "spaces/local/messages/1"})
    spec = _spec("googleworkspace.chat.GoogleChatExecution", *_text("text"))

    def message(self, ctx: RunContext, facts: Facts) -> Any:
        return {"text": ctx.get("text") or "\n".join(facts.lines())}


class ZulipExecution(ExecutionMessage):
    channel = "zulip"
    healthy = Healthy(200, {"result": "success", "msg": ""})
    spec = _spec("zulip.ZulipExecution", *_text("channel", "username", "iconUrl", "iconEmoji"))

    def message(self, ctx: RunContext, facts: Facts) -> Any:
        own = _given(ctx, channel="channel", username="username", icon_url="iconUrl", icon_emoji="iconEmoji")
        return {"text": "\n".join(facts.lines()), **own}


class WhatsAppExecution(ExecutionMessage):
    channel = "whatsapp"
    healthy = Healthy(200, {"messages": [{"id": "local"}]})
    spec = _spec(
        "whatsapp.WhatsAppExecution",
        *_text("profileName", "from", "messageId", "textBody", "recipientId"),
        PropertySpec("whatsAppIds", T.LIST),
    )

    def message(self, ctx: RunContext, facts: Facts) -> Any:
        own = _given(
            ctx, profileName="profileName", to="whatsAppIds", messageId="messageId", recipientId="recipientId"
        )
        return {
            **own,
            "from": ctx.get("from"),
            "text": {"body": ctx.get("textBody") or "\n".join(facts.lines())},
        }


class ZendutyExecution(ExecutionMessage):
    channel = "zenduty"
    healthy = Healthy(201, {"status": "success"})
    spec = _spec(
        "zenduty.ZendutyExecution",
        *_text("alertType", "message", "summary", "entityId"),
        PropertySpec("urls", T.LIST),
    )

    def message(self, ctx: RunContext, facts: Facts) -> Any:
        return {
            "alert_type": str(ctx.get("alertType") or ("error" if facts.bad else "info")).lower(),
            "message": ctx.get("message") or facts.title,
            "summary": ctx.get("summary") or facts.summary,
            "entity_id": ctx.get("entityId") or facts.id,
            "payload": dict(facts.pairs()),
            "urls": ctx.get("urls") or [{"link_url": facts.link, "link_text": "Kestra"}],
        }


class PagerDutyExecution(ExecutionMessage):
    channel = "pagerduty"
    healthy = Healthy(202, {"status": "success", "message": "Event processed", "dedup_key": "local"})
    spec = _spec(
        "pagerduty.PagerDutyExecution",
        *_text("payloadSummary", "deduplicationKey", "routingKey", "eventAction"),
    )

    def message(self, ctx: RunContext, facts: Facts) -> Any:
        return {
            **_given(ctx, routing_key="routingKey", dedup_key="deduplicationKey"),
            "event_action": ctx.get("eventAction") or "trigger",
            "links": [{"href": facts.link, "text": "Kestra"}],
            "payload": {
                "summary": ctx.get("payloadSummary") or f"{facts.title}: {facts.summary}",
                "source": f"{facts.namespace}.{facts.flow_id}",
                "severity": "critical" if facts.bad else "info",
                "custom_details": dict(facts.pairs()),
            },
        }


class OpsgenieExecution(ExecutionMessage):
    channel = "opsgenie"
    healthy = Healthy(202, {"result": "Request will be processed", "requestId": "local"})
    spec = _spec(
        "opsgenie.OpsgenieExecution",
        *_text("message", "alias", "priority"),
        PropertySpec("authorizationToken", secret=True),
        PropertySpec("responders", T.MAP),
        PropertySpec("visibleTo", T.MAP),
        PropertySpec("tags", T.LIST),
    )

    def headers(self, ctx: RunContext) -> dict[str, str]:
        token = ctx.get("authorizationToken")
        return {"Authorization": f"GenieKey {token}"} if token else {}

    def message(self, ctx: RunContext, facts: Facts) -> Any:
        people = {
            key: [{"id": who, "type": kind} for who, kind in (ctx.get(name) or {}).items()]
            for key, name in (("responders", "responders"), ("visibleTo", "visibleTo"))
        }
        return {
            "message": ctx.get("message") or facts.title,
            **_given(ctx, alias="alias", priority="priority", tags="tags"),
            **{key: value for key, value in people.items() if value},
            "description": "\n".join(facts.lines()),
            "details": dict(facts.pairs()),
        }


class LineExecution(ExecutionMessage):
    """Broadcasts to the followers of a channel."""

    channel = "line"
    healthy = Healthy(200, {})
    spec = _spec(
        "line.LineExecution",
        PropertySpec("channelAccessToken", required=True, secret=True),
        PropertySpec("url", default="https://api.line.me/v2/bot/message/broadcast"),
        url=False,
    )

    def headers(self, ctx: RunContext) -> dict[str, str]:
        return {"Authorization": f"Bearer {ctx.get('channelAccessToken')}"}

    def message(self, ctx: RunContext, facts: Facts) -> Any:
        return {"messages": [{"type": "text", "text": "\n".join(facts.lines())}]}


class TwilioExecution:
    spec: ClassVar[TaskSpec] = _spec(
        "twilio.notify.TwilioExecution", *TWILIO, *_text("identity", "body", "tag")
    )

    def run(self, ctx: RunContext) -> TaskResult:
        facts = facts_of(ctx)
        message = {
            **_given(ctx, Identity="identity", Tag="tag"),
            "Body": ctx.get("body") or "\n".join(facts.lines()),
        }
        answer = post(
            ctx,
            "twilio",
            str(ctx.get("url")),
            form(message).encode(),
            Healthy(201, {"sid": "local"}),
            content_type="application/x-www-form-urlencoded",
            headers=basic(str(ctx.get("accountSID")), str(ctx.get("authToken"))),
            summary=message,
        )
        if not answer.good:
            raise http_failure(answer)
        return TaskResult(fact=f"twilio message about {facts.id}, status {answer.status}")


class SentryExecution:
    spec: ClassVar[TaskSpec] = _spec(
        "sentry.SentryExecution",
        *SENTRY,
        *_text("eventId", "platform", "transaction", "serverName"),
        PropertySpec("level", T.ENUM, default="ERROR", values=("DEBUG", "INFO", "WARNING", "ERROR", "FATAL")),
        PropertySpec("extra", T.MAP),
        PropertySpec("errors", T.MAP),
        url=False,
    )

    def run(self, ctx: RunContext) -> TaskResult:
        facts = facts_of(ctx)
        moment = ctx.clock.now().astimezone(dt.UTC)
        event = {
            **_given(ctx, event_id="eventId", transaction="transaction", server_name="serverName"),
            "timestamp": moment.isoformat().replace("+00:00", "Z"),
            "platform": str(ctx.get("platform") or "java").lower(),
            "level": str(ctx.get("level", "ERROR")).lower(),
            "message": facts.title,
            "extra": {
                "Title": facts.title,
                **dict(facts.pairs()),
                "Link": facts.link,
                **(ctx.get("extra") or {}),
            },
        }
        if ctx.get("errors"):
            event["errors"] = ctx.get("errors")
        return send_sentry(ctx, event)


class TelegramExecution:
    spec: ClassVar[TaskSpec] = _spec("telegram.TelegramExecution", *TELEGRAM, url=False)

    def run(self, ctx: RunContext) -> TaskResult:
        return send_telegram(ctx, "\n".join(facts_of(ctx).lines()))


def _send_grid(ctx: RunContext, html: str | None, text: str | None) -> TaskResult:
    def people(value: Any) -> list[dict[str, str]]:
        items = value if isinstance(value, list) else str(value or "").split(";")
        return [{"email": str(item).strip()} for item in items if str(item).strip()]

    recipients: dict[str, Any] = {"to": people(ctx.get("to"))}
    if ctx.get("cc"):
        recipients["cc"] = people(ctx.get("cc"))
    content = [
        {"type": kind, "value": value} for kind, value in (("text/plain", text), ("text/html", html)) if value
    ]
    message = {
        "personalizations": [recipients],
        "from": people(ctx.get("from"))[0],
        "subject": ctx.get("subject") or "",
        "content": content,
    }
    answer = post(
        ctx,
        "sendgrid",
        "https://api.sendgrid.com/v3/mail/send",
        compact(message),
        Healthy(202, None),
        headers={"Authorization": f"Bearer {ctx.get('sendgridApiKey')}"},
    )
    if not answer.good:
        raise http_failure(answer)
    return TaskResult(
        {"statusCode": answer.status, "body": answer.body, "headers": {}},
        fact=f"mail, status {answer.status}",
    )


_SENDGRID = tuple(
    PropertySpec("to", T.LIST, required=True, item=PropertySpec("item"))
    if spec.name == "to"
    else PropertySpec("cc", T.LIST, item=PropertySpec("item"))
    if spec.name == "cc"
    else spec
    for spec in SENDGRID
)


class SendGridMailSend:
    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.twilio.sendgrid.SendGridMailSend",
        properties=(*_SENDGRID, PropertySpec("attachments", T.ANY), OPTIONS),
        open_outputs=True,
        needs=("http",),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        return _send_grid(ctx, ctx.get("htmlContent"), ctx.get("textContent"))


class SendGridMailExecution:
    spec: ClassVar[TaskSpec] = _spec("twilio.sendgrid.SendGridMailExecution", *_SENDGRID, url=False)

    def run(self, ctx: RunContext) -> TaskResult:
        facts = facts_of(ctx)
        return _send_grid(ctx, ctx.get("htmlContent"), ctx.get("textContent") or "\n".join(facts.lines()))
