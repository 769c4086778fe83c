"""`email.MailSend` and `email.MailExecution` (fs-and-others.md 1): a real message over SMTP, to the double by default."""

from __future__ import annotations

import html
import json
import smtplib
import ssl
from email.message import EmailMessage
from typing import Any, ClassVar

from simulator.engine.task import Endpoint, RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import PropertySpec, T, TaskSpec
from simulator.plugins.notifications.facts import EXECUTION, Facts, facts_of

__all__ = ["MailExecution", "MailSend"]

_DEFAULT_TEXT = "Please view this email in a modern email client"
_PORTS = {"SMTP": 25, "SMTPS": 465, "SMTP_TLS": 587}

_PROPERTIES: tuple[PropertySpec, ...] = (
    PropertySpec("host"),
    PropertySpec("port", T.INTEGER),
    PropertySpec("username"),
    PropertySpec("password", secret=True),
    PropertySpec("transportStrategy", T.ENUM, default="SMTPS", values=("SMTP", "SMTPS", "SMTP_TLS")),
    PropertySpec("sessionTimeout", T.INTEGER, default=10000, doc="milliseconds"),
    PropertySpec("verifyServerIdentity", T.BOOLEAN, default=True),
    PropertySpec("trustedHosts", T.LIST, item=PropertySpec("item")),
    PropertySpec("from"),
    PropertySpec("to"),
    PropertySpec("cc"),
    PropertySpec("subject"),
    PropertySpec("htmlTextContent"),
    PropertySpec("plainTextContent", default=_DEFAULT_TEXT),
    PropertySpec("attachments", T.ANY),
    PropertySpec("embeddedImages", T.ANY),
)


class MailSend:
    """Text and HTML as alternatives, attachments from the internal storage."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.email.MailSend", properties=_PROPERTIES, needs=("smtp",)
    )

    def run(self, ctx: RunContext) -> TaskResult:
        return send(ctx, ctx.get("htmlTextContent"), ctx.get("plainTextContent", _DEFAULT_TEXT))


class MailExecution:
    """A mail about an execution."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.email.MailExecution",
        properties=(*_PROPERTIES, *(spec for spec in EXECUTION if spec.name != "payload")),
        needs=("smtp",),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        return send(ctx, _page(facts_of(ctx)), ctx.get("plainTextContent", _DEFAULT_TEXT))


def _page(facts: Facts) -> str:
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in facts.pairs()
    )
    message = f"<p>{html.escape(facts.message)}</p>" if facts.message else ""
    return (
        f"<h1>{html.escape(facts.title)}</h1><p>{html.escape(facts.summary)}</p>{message}"
        f'<table>{rows}</table><p><a href="{html.escape(facts.link)}">Kestra</a></p>'
    )


def send(ctx: RunContext, html_text: str | None, plain_text: str) -> TaskResult:
    """Builds and sends the message. Raises TaskError for a refused or unreachable server."""
    for name in ("host", "from", "to"):
        if not ctx.get(name):
            raise TaskError(f"{name} must not be null")
    to, cc = _addresses(ctx.get("to")), _addresses(ctx.get("cc"))
    message = EmailMessage()
    try:
        message["From"] = str(ctx.get("from"))
        message["To"] = ", ".join(to)
        if cc:
            message["Cc"] = ", ".join(cc)
        message["Subject"] = str(ctx.get("subject") or "")
    except ValueError as error:
        raise TaskError(f"Invalid mail header: {error}") from None
    message.set_content(plain_text)
    if html_text:
        message.add_alternative(html_text, subtype="html")
        for image in _files(ctx, "embeddedImages"):
            # The HTML part is the last alternative: images belong to it.
            part = message.get_payload()[-1]  # type: ignore[index]
            main, _, sub = image[2].partition("/")
            part.add_related(image[1], main, sub or "octet-stream", cid=f"<{image[0]}>")  # type: ignore[union-attr]
    attachments = _files(ctx, "attachments")
    for name, data, kind in attachments:
        main, _, sub = kind.partition("/")
        message.add_attachment(data, maintype=main, subtype=sub or "octet-stream", filename=name)

    strategy = str(ctx.get("transportStrategy", "SMTPS"))
    host, port = str(ctx.get("host")), int(ctx.get("port") or _PORTS[strategy])
    endpoint = ctx.endpoints.resolve("smtp", f"smtp://{host}:{port}")
    _deliver(ctx, endpoint, strategy, message, [*to, *cc])
    ctx.outbox(
        "mail",
        {
            "from": str(ctx.get("from")),
            "to": to,
            "cc": cc,
            "subject": ctx.get("subject"),
            "html": html_text,
            "text": plain_text,
            "attachments": [name for name, _, _ in attachments],
        },
    )
    return TaskResult(fact=f"mail to {len(to) + len(cc)} recipient{'s' if len(to) + len(cc) != 1 else ''}")


def _deliver(
    ctx: RunContext, endpoint: Endpoint, strategy: str, message: EmailMessage, recipients: list[str]
) -> None:
    timeout = int(ctx.get("sessionTimeout", 10000)) / 1000
    # The double speaks plain SMTP on loopback; a real server is spoken to as the flow says.
    plain = endpoint.double is not None or strategy == "SMTP"
    context = ssl.create_default_context()
    if not ctx.get("verifyServerIdentity", True):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        client: smtplib.SMTP
        if strategy == "SMTPS" and not plain:
            client = smtplib.SMTP_SSL(endpoint.host, endpoint.port, timeout=timeout, context=context)
        else:
            client = smtplib.SMTP(endpoint.host, endpoint.port, timeout=timeout)
        with client:
            if strategy == "SMTP_TLS" and not plain:
                client.starttls(context=context)
            if ctx.get("username"):
                client.login(str(ctx.get("username")), str(ctx.get("password") or ""))
            refused = client.send_message(message, to_addrs=recipients)
        for address, (code, reason) in refused.items():
            ctx.logger.warn(
                "Recipient {} was refused: {} {}", address, code, reason.decode("utf-8", "replace")
            )
    except smtplib.SMTPAuthenticationError as error:
        raise TaskError(f"Authentication failed: {error.smtp_code} {_bytes_text(error.smtp_error)}") from None
    except (smtplib.SMTPException, OSError) as error:
        raise TaskError(f"Failed to send email: {error}") from None


def _bytes_text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _addresses(value: Any) -> list[str]:
    items = value if isinstance(value, list) else str(value or "").split(";")
    return [str(item).strip() for item in items if str(item).strip()]


def _files(ctx: RunContext, name: str) -> list[tuple[str, bytes, str]]:
    """(name, content, content type) of `attachments` or `embeddedImages`, a list or JSON text of one."""
    value = ctx.get(name)
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else None
        except ValueError:
            raise TaskError(f"The `{name}` attribute must be a String or a List") from None
    if value is None:
        return []
    if not isinstance(value, list):
        raise TaskError(f"The `{name}` attribute must be a String or a List")
    files = []
    for item in value:
        if not isinstance(item, dict) or "uri" not in item:
            raise TaskError(f"The `{name}` attribute must hold objects with `name` and `uri`")
        uri = str(item["uri"])
        if not uri.startswith("kestra://"):
            raise TaskError(f"Invalid internal storage scheme, got uri '{uri}'")
        with ctx.open_uri(uri) as source:
            content = source.read()
        label = str(item.get("name") or uri.rpartition("/")[2])
        files.append((label, content, str(item.get("contentType") or "application/octet-stream")))
    return files
