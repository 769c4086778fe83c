"""Messages to people: chat, alerts and mail. Payloads are built as the plugins build them, sent for real (to a double
unless allowed further), and kept in the run's outbox. Listed in simulator.plugins.registry.
"""

from __future__ import annotations

_HERE = "simulator.plugins.notifications"

#: package of the type -> (package of the old `io.kestra.plugin.notifications.*`, class -> module)
_SERVICES: dict[str, tuple[str, dict[str, str]]] = {
    "slack.notifications": ("slack", {"SlackIncomingWebhook": "webhooks", "SlackExecution": "executions"}),
    "discord": ("discord", {"DiscordIncomingWebhook": "webhooks", "DiscordExecution": "executions"}),
    "microsoft365.teams": ("teams", {"TeamsIncomingWebhook": "webhooks", "TeamsExecution": "executions"}),
    "googleworkspace.chat": (
        "google",
        {"GoogleChatIncomingWebhook": "webhooks", "GoogleChatExecution": "executions"},
    ),
    "zulip": ("zulip", {"ZulipIncomingWebhook": "webhooks", "ZulipExecution": "executions"}),
    "whatsapp": ("whatsapp", {"WhatsAppIncomingWebhook": "webhooks", "WhatsAppExecution": "executions"}),
    "zenduty": ("zenduty", {"ZendutyAlert": "webhooks", "ZendutyExecution": "executions"}),
    "pagerduty": ("pagerduty", {"PagerDutyAlert": "webhooks", "PagerDutyExecution": "executions"}),
    "opsgenie": ("opsgenie", {"OpsgenieAlert": "webhooks", "OpsgenieExecution": "executions"}),
    "twilio.notify": ("twilio", {"TwilioAlert": "webhooks", "TwilioExecution": "executions"}),
    "sentry": ("sentry", {"SentryAlert": "webhooks", "SentryExecution": "executions"}),
    "telegram": ("telegram", {"TelegramSend": "webhooks", "TelegramExecution": "executions"}),
    "twilio.sendgrid": (
        "sendgrid",
        {"SendGridMailSend": "executions", "SendGridMailExecution": "executions"},
    ),
    "line": ("line", {"LineExecution": "executions"}),
    "email": ("mail", {"MailSend": "mail", "MailExecution": "mail"}),
}

TYPES: dict[str, str] = {
    f"io.kestra.plugin.{package}.{name}": f"{_HERE}.{module}:{name}"
    for package, (_, classes) in _SERVICES.items()
    for name, module in classes.items()
}

ALIASES: dict[str, str] = {
    f"io.kestra.plugin.notifications.{old}.{name}": f"io.kestra.plugin.{package}.{name}"
    for package, (old, classes) in _SERVICES.items()
    for name in classes
} | {
    f"io.kestra.plugin.slack.{name}": f"io.kestra.plugin.slack.notifications.{name}"
    for name in ("SlackIncomingWebhook", "SlackExecution")
}
