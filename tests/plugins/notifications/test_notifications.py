"""Chat, alerts and mail: what is sent, over real HTTP and SMTP to the doubles."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest

from simulator.doubles.http import HttpDouble
from simulator.doubles.smtp import SmtpDouble
from simulator.engine.execution import Execution, History, State, StateType, TaskRun
from simulator.engine.task import Endpoint
from simulator.errors import NetworkRefusedError, TaskError
from simulator.plugins import notifications
from simulator.plugins.notifications import executions, webhooks
from simulator.plugins.notifications.mail import MailExecution, MailSend
from simulator.plugins.notifications.webhooks import (
    DiscordIncomingWebhook,
    SentryAlert,
    SlackIncomingWebhook,
    TeamsIncomingWebhook,
    TelegramSend,
)
from simulator.plugins.registry import Registry
from tests.plugins.fake_context import START, FakeContext

URL = "https://hooks.example.com/services/T/B"


class Http:
    """Endpoints that answer with a real double."""

    def __init__(self, double: HttpDouble, smtp: SmtpDouble) -> None:
        self.double = double
        self.smtp = smtp

    def resolve(self, kind: str, url: str, **wanted: Any) -> Endpoint:
        double: Any = self.double if kind == "http" else self.smtp
        double.prepare(wanted)
        address = double.ready()
        return Endpoint(address.url, address.host, address.port, kind, address.facts)


class Sent:
    def __init__(self, tmp_path: Path, *rules: dict[str, Any]) -> None:
        self.tmp_path = tmp_path
        self.double = HttpDouble(rules)
        self.smtp = SmtpDouble()
        self.ctx: Any = None

    def __call__(self, plugin: Any, *known: Execution, variables: Any = None, **properties: Any) -> Any:
        if "to" not in properties and "dsn" not in properties and "token" not in properties:
            properties.setdefault("url", URL)
        self.ctx = FakeContext(self.tmp_path, properties, spec=plugin.spec, variables=variables)
        self.ctx.endpoints = Http(self.double, self.smtp)
        self.ctx.executions.known = list(known)
        return plugin().run(self.ctx)

    @property
    def requests(self) -> list[dict[str, Any]]:
        return list(self.double.contents()["requests"])

    @property
    def body(self) -> Any:
        return json.loads(self.requests[-1]["body"])

    def close(self) -> None:
        self.double.stop()
        self.smtp.stop()


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[Sent]:
    made = Sent(tmp_path)
    yield made
    made.close()


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Callable[..., Sent]]:
    made: list[Sent] = []

    def make(**answer: Any) -> Sent:
        made.append(Sent(tmp_path, {"url": "https://**", **answer}))
        return made[-1]

    yield make
    for item in made:
        item.close()


# -- slack -----------------------------------------------------------------------------------------------------------


def test_slack_payload_is_parsed_and_sent_again(sent: Sent) -> None:
    result = sent(SlackIncomingWebhook, payload='{ "text" : "flow {{ flow.id }} é" }')
    assert result.outputs is None
    (request,) = sent.requests
    assert (request["method"], request["url"]) == ("POST", URL)
    assert request["body"] == '{"text":"flow my_flow é"}'
    assert request["headers"]["content-type"] == "application/json"
    assert sent.ctx.logger.messages("INFO") == ["Request succeeded"]


def test_the_outbox_keeps_what_left(sent: Sent) -> None:
    sent(SlackIncomingWebhook, messageText="hello")
    assert sent.ctx.messages == [
        ("slack", {"method": "POST", "url": URL, "body": {"text": "hello"}, "status": 200})
    ]


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("plain", {"text": "plain"}),
        ("**b** and __i__ at [here](https://x.y)", {"text": "*b* and _i_ at <https://x.y|here>"}),
        ('{"blocks": []}', {"blocks": []}),
    ],
)
def test_slack_message_text(sent: Sent, text: str, body: Any) -> None:
    sent(SlackIncomingWebhook, messageText=text)
    assert sent.body == body


def test_slack_needs_a_message(sent: Sent) -> None:
    with pytest.raises(TaskError, match="^Either 'messageText' or 'payload' must be provided$"):
        sent(SlackIncomingWebhook)
    with pytest.raises(TaskError):
        sent(SlackIncomingWebhook, payload="{broken")
    assert sent.requests == []


def test_slack_failures_in_its_own_words(answering: Callable[..., Sent]) -> None:
    sent = answering(status=403, body="invalid_token")
    with pytest.raises(TaskError) as caught:
        sent(SlackIncomingWebhook, messageText="x")
    assert caught.value.message == "Slack webhook request failed with status 403: Forbidden - invalid_token"
    assert sent.ctx.messages[0][1]["status"] == 403


def test_a_redirect_is_not_followed(answering: Callable[..., Sent]) -> None:
    sent = answering(status=302, headers={"Location": "http://169.254.169.254/"})
    with pytest.raises(TaskError, match="status 302"):
        sent(SlackIncomingWebhook, messageText="x")
    assert len(sent.requests) == 1


@pytest.mark.parametrize("fault", ["refuse", "reset"])
def test_connection_faults_fail_the_task(answering: Callable[..., Sent], fault: str) -> None:
    sent = answering(fault=fault)
    with pytest.raises(TaskError):
        sent(SlackIncomingWebhook, messageText="x")


def test_a_slow_service_times_out(answering: Callable[..., Sent]) -> None:
    sent = answering(delay=5)
    with pytest.raises(TaskError, match="timed out"):
        sent(SlackIncomingWebhook, messageText="x", options={"readTimeout": "PT0.05S"})


def test_options_headers(sent: Sent) -> None:
    sent(SlackIncomingWebhook, messageText="x", options={"headers": {"X-Own": "{{ flow.id }}"}})
    assert (
        sent.requests[0]["headers"]["x-own"] == "{{ flow.id }}"
        or sent.requests[0]["headers"]["x-own"] == "my_flow"
    )


def test_no_rule_at_all_says_what_to_write(tmp_path: Path) -> None:
    sent = Sent(tmp_path)

    class Unprepared(Http):
        def resolve(self, kind: str, url: str, **wanted: Any) -> Endpoint:
            return super().resolve(kind, url)

    ctx = FakeContext(tmp_path, {"url": URL, "messageText": "x"}, spec=SlackIncomingWebhook.spec)
    ctx.endpoints = Unprepared(sent.double, sent.smtp)  # type: ignore[assignment]
    with pytest.raises(NetworkRefusedError) as caught:
        SlackIncomingWebhook().run(ctx)
    assert f"url: {URL}" in str(caught.value.hint)
    sent.close()


def test_a_refused_network_passes_through(tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path, {"url": URL, "messageText": "x"}, spec=SlackIncomingWebhook.spec)
    with pytest.raises(NetworkRefusedError):
        SlackIncomingWebhook().run(ctx)
    ctx = FakeContext(tmp_path, {"url": "not a url", "messageText": "x"}, spec=SlackIncomingWebhook.spec)
    with pytest.raises(TaskError, match="^Invalid URL"):
        SlackIncomingWebhook().run(ctx)


# -- the others ------------------------------------------------------------------------------------------------------


def test_discord_answers_204_and_logs_nothing(sent: Sent) -> None:
    sent(DiscordIncomingWebhook, payload='{"content": "x"}')
    assert sent.body == {"content": "x"}
    assert sent.ctx.logger.messages("INFO") == []


def test_teams_sends_the_text_as_it_is(sent: Sent) -> None:
    sent(TeamsIncomingWebhook, payload="{ not json")
    assert sent.requests[0]["body"] == "{ not json"


def test_other_failures_use_the_http_clients_words(answering: Callable[..., Sent]) -> None:
    with pytest.raises(TaskError) as caught:
        answering(status=500, body="oops")(DiscordIncomingWebhook, payload="{}")
    assert caught.value.message == "Failed http request with response code '500' and body:\noops"


def test_telegram(sent: Sent) -> None:
    sent(TelegramSend, token="t0", channel="@c", payload='{"text": "hi"}')
    assert sent.requests[0]["url"] == "https://api.telegram.org/bott0/sendMessage"
    assert sent.body == {"chat_id": "@c", "text": "hi"}
    sent(TelegramSend, token="t0", channel="@c", payload="plain")
    assert sent.body["text"] == "plain"


def test_sentry_envelope(sent: Sent) -> None:
    sent(SentryAlert, dsn="https://key@o1.ingest.example/42", payload='{"level": "error"}')
    (request,) = sent.requests
    assert request["url"] == "https://o1.ingest.example/api/42/envelope/?sentry_version=7&sentry_key=key"
    head, item, event = [json.loads(line) for line in request["body"].splitlines()]
    assert item == {"type": "event", "length": len(json.dumps(event, separators=(",", ":")))}
    assert event["level"] == "error"
    assert head["event_id"] == event["event_id"]
    with pytest.raises(TaskError, match="^Invalid Sentry DSN$"):
        sent(SentryAlert, dsn="https://no-key.example/42", payload="{}")


def execution(
    execution_id: str, *runs: tuple[str, StateType], state: StateType = StateType.FAILED
) -> Execution:
    later = START + dt.timedelta(seconds=75)
    return Execution(
        id=execution_id,
        namespace="company.team",
        flow_id="other",
        state=State((History(StateType.CREATED, START), History(state, later))),
        task_runs=tuple(
            TaskRun(f"r-{name}", execution_id, "company.team", "other", name, State((History(ended, later),)))
            for name, ended in runs
        ),
    )


FAILED = execution("e9", ("first", StateType.SUCCESS), ("second", StateType.FAILED))


def test_slack_execution(sent: Sent) -> None:
    sent(
        executions.SlackExecution,
        FAILED,
        executionId="e9",
        channel="#ops",
        iconEmoji=":x:",
        customMessage="look",
        customFields={"Env": "dev"},
    )
    body = sent.body
    assert (body["channel"], body["icon_emoji"]) == ("#ops", ":x:")
    assert "[company.team] other ➛ FAILED" in body["text"]
    assert "/ui/main/executions/company.team/other/e9" in body["text"]
    (attachment,) = body["attachments"]
    assert attachment["color"] == "danger"
    assert attachment["text"] == "> Failed on task `second` after 1m 15s\nlook"
    titles = [field["title"] for field in attachment["fields"]]
    assert titles == ["Namespace", "Flow ID", "Execution ID", "Execution Status", "Final task ID", "Env"]


def test_the_current_execution_is_the_default(sent: Sent) -> None:
    sent(executions.SlackExecution)
    assert "[company.team] my_flow ➛ RUNNING" in sent.body["text"]


def test_an_execution_that_only_the_trigger_knows(sent: Sent) -> None:
    trigger = {"executionId": "t1", "namespace": "other.team", "flowId": "f", "state": "FAILED"}
    sent(executions.SlackExecution, executionId="{{ trigger.executionId }}", variables={"trigger": trigger})
    assert "[other.team] f ➛ FAILED" in sent.body["text"]
    with pytest.raises(TaskError, match="^Unable to find execution 'nobody'$"):
        sent(executions.SlackExecution, executionId="nobody")


@pytest.mark.parametrize(
    ("plugin", "properties", "expected"),
    [
        (executions.DiscordExecution, {"content": "c"}, {"content": "c"}),
        (executions.TeamsExecution, {}, {"@type": "MessageCard", "themeColor": "E01E5A"}),
        (executions.GoogleChatExecution, {"text": "own"}, {"text": "own"}),
        (executions.ZulipExecution, {"channel": "eng"}, {"channel": "eng"}),
        (
            executions.ZendutyExecution,
            {"message": "m"},
            {"message": "m", "alert_type": "error", "entity_id": "e9"},
        ),
        (executions.PagerDutyExecution, {"routingKey": "r"}, {"routing_key": "r", "event_action": "trigger"}),
        (executions.OpsgenieExecution, {"alias": "a"}, {"alias": "a"}),
        (executions.WhatsAppExecution, {"from": "1"}, {"from": "1"}),
        (executions.LineExecution, {"channelAccessToken": "t"}, {}),
    ],
)
def test_execution_messages(
    sent: Sent, plugin: Any, properties: dict[str, Any], expected: dict[str, Any]
) -> None:
    sent(plugin, FAILED, executionId="e9", **properties)
    body = sent.body
    assert {key: body.get(key) for key in expected} == expected
    assert len(sent.ctx.messages) == 1
    if "text" not in properties:
        assert "other" in json.dumps(body)


def test_twilio_sends_a_form_with_basic_auth(sent: Sent) -> None:
    sent(
        executions.TwilioExecution,
        FAILED,
        executionId="e9",
        identity="7",
        body="it failed",
        accountSID="a",
        authToken="b",
    )
    assert sent.requests[0]["body"] == "Identity=7&Body=it+failed"
    assert sent.requests[0]["headers"]["authorization"] == "***"
    sent(webhooks.TwilioAlert, accountSID="a", authToken="b", payload='{"Identity": "7", "Body": "x"}')
    assert sent.requests[-1]["body"] == "Identity=7&Body=x"


def test_sentry_execution(sent: Sent) -> None:
    sent(
        executions.SentryExecution, FAILED, executionId="e9", dsn="https://key@h.example/1", transaction="/t"
    )
    event = sent.ctx.messages[0][1]["body"]
    assert (event["level"], event["transaction"]) == ("error", "/t")
    assert event["extra"]["Flow ID"] == "other"


def test_sendgrid(sent: Sent) -> None:
    result = sent(
        executions.SendGridMailExecution,
        FAILED,
        executionId="e9",
        to=["a@example.com"],
        **{"from": "b@example.com"},
        subject="s",
        sendgridApiKey="k",
    )
    assert result.outputs["statusCode"] == 202
    assert sent.body["personalizations"] == [{"to": [{"email": "a@example.com"}]}]


# -- mail ------------------------------------------------------------------------------------------------------------

MAIL = {
    "host": "mail.example.com",
    "port": 465,
    "from": "a@example.com",
    "to": "b@example.com; c@example.com",
}


def test_mail(sent: Sent) -> None:
    ctx = FakeContext(sent.tmp_path, spec=MailSend.spec)
    uri = ctx.store(b"a,b\n", "report.csv")
    sent(
        MailSend,
        **MAIL,
        cc="d@example.com",
        username="u",
        password="p",
        subject="Hi {{ flow.id }} é",
        htmlTextContent="<b>bold</b>",
        attachments=[{"name": "r.csv", "uri": uri, "contentType": "text/csv"}],
    )
    (mail,) = sent.smtp.contents()["messages"]
    assert mail["recipients"] == ["b@example.com", "c@example.com", "d@example.com"]
    message = message_from_string(mail["message"])
    parts = {part.get_content_type(): part.get_payload(decode=True) for part in message.walk()}
    assert parts["text/html"].strip() == b"<b>bold</b>"
    assert parts["text/plain"].strip() == b"Please view this email in a modern email client"
    assert parts["text/csv"].strip() == b"a,b"
    (channel, kept) = sent.ctx.messages[0]
    assert channel == "mail"
    assert (kept["to"], kept["cc"]) == (["b@example.com", "c@example.com"], ["d@example.com"])
    assert kept["subject"] == "Hi my_flow é"
    assert kept["attachments"] == ["r.csv"]


def test_mail_images_belong_to_the_page(sent: Sent) -> None:
    ctx = FakeContext(sent.tmp_path, spec=MailSend.spec)
    image = {"name": "logo", "uri": ctx.store(b"\x89PNG", "logo.png"), "contentType": "image/png"}
    sent(MailSend, **MAIL, htmlTextContent='<img src="cid:logo">', embeddedImages=json.dumps([image]))
    (mail,) = sent.smtp.contents()["messages"]
    message = message_from_string(mail["message"])
    images = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert [part["Content-ID"] for part in images] == ["<logo>"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"host": None}, "host must not be null"),
        ({"subject": "a\nBcc: x@y"}, "Invalid mail header"),
        ({"attachments": 7}, "The `attachments` attribute must be a String or a List"),
        ({"attachments": [{"name": "x", "uri": "file:///etc/passwd"}]}, "Invalid internal storage scheme"),
    ],
)
def test_wrong_mails(sent: Sent, change: dict[str, Any], text: str) -> None:
    with pytest.raises(TaskError, match=text):
        sent(MailSend, **{**MAIL, **change})
    assert sent.smtp.contents()["messages"] == []


def test_a_refusing_server(tmp_path: Path) -> None:
    sent = Sent(tmp_path)
    sent.smtp = SmtpDouble(username="u", password="p")
    with pytest.raises(TaskError, match="^Authentication failed"):
        sent(MailSend, **MAIL, username="u", password="wrong")
    sent.close()


def test_mail_execution(sent: Sent) -> None:
    sent(MailExecution, FAILED, **MAIL, executionId="e9", subject="s", customMessage="<look>")
    html = sent.ctx.messages[0][1]["html"]
    assert "other" in html
    assert "&lt;look&gt;" in html


# -- the family ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(notifications.TYPES))
def test_every_type_loads_under_its_name(name: str) -> None:
    assert Registry(["simulator.plugins.notifications"], entry_points=False).load(name).spec.type == name


def test_old_names() -> None:
    registry = Registry(["simulator.plugins.notifications"], entry_points=False)
    old = "io.kestra.plugin.notifications.slack.SlackIncomingWebhook"
    assert registry.load(old) is SlackIncomingWebhook
    for alias, name in notifications.ALIASES.items():
        assert registry.load(alias).spec.type == name
