"""Flows that meet faults: their retries and errors branches run for real. And flows that talk HTTP, answered by rules."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import UsageError
from simulator.session import Session

RETRY = "retry: {type: constant, interval: PT1M, maxAttempts: 3}"


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sessions: list[Session] = []

    def __call__(self, tasks: str, side: str = "", **flags: Any) -> Session:
        flow = self.folder / "a.yml"
        flow.write_text(f"id: a\nnamespace: company.team\n{tasks}")
        if side:
            (self.folder / "a.sim.yml").write_text(side)
        session = Session.open(
            flow, flags={"keep": 0, "state_dir": self.folder, **flags}, environ={}, cwd=self.folder
        )
        self.sessions.append(session)
        session.run()
        return session


@pytest.fixture
def run(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    for session in world.sessions:
        session.close()


def ended(session: Session, task_id: str) -> tuple[str, int]:
    """State and number of attempts of a task's last run."""
    assert session.execution is not None
    found = [item for item in session.execution.task_runs if item.task_id == task_id][-1]
    return str(found.state.current), len(found.attempts or ())


GET = f"""
tasks:
  - id: get
    type: io.kestra.plugin.core.http.Request
    uri: https://api.example.com/users
    {RETRY}
"""
RULES = "http: [{url: 'https://api.example.com/**', body: {id: 7}}]\n"


@pytest.mark.parametrize("kind", ["status", "refuse", "reset"])
def test_http_faults_are_retried(run: World, kind: str) -> None:
    session = run(GET, RULES + f"faults: [{{double: http, kind: {kind}, times: 2}}]\n")
    assert ended(session, "get") == ("SUCCESS", 3)


def test_a_fault_that_stays_ends_in_the_errors_branch(run: World) -> None:
    errors = "errors: [{id: tell, type: io.kestra.plugin.core.log.Log, message: failed}]\n"
    session = run(GET + errors, RULES, faults=({"double": "http", "kind": "status", "status": 500},))
    assert ended(session, "get") == ("FAILED", 3)
    assert ended(session, "tell")[0] == "SUCCESS"


def postgres(sql: str) -> str:
    return f"""
tasks:
  - id: query
    type: io.kestra.plugin.jdbc.postgresql.Query
    url: jdbc:postgresql://db.example.com:5432/shop
    username: shop
    password: example
    sql: {sql}
    fetchType: FETCH_ONE
    {RETRY}
"""


@pytest.mark.parametrize("kind", ["deadlock", "refuse", "reset", "disk_full", "credentials"])
def test_postgres_faults_are_retried(run: World, kind: str) -> None:
    session = run(postgres("select 1 as n"), f"faults: [{{double: postgres, kind: {kind}, times: 1}}]\n")
    assert ended(session, "query") == ("SUCCESS", 2)


UPLOAD = f"""
tasks:
  - id: write
    type: io.kestra.plugin.core.storage.Write
    content: hello
  - id: upload
    type: io.kestra.plugin.aws.s3.Upload
    accessKeyId: key
    secretKeyId: example
    region: eu-central-1
    bucket: bucket
    key: k.txt
    from: "{{{{ outputs.write.uri }}}}"
    {RETRY}
"""


# The AWS client repeats what it takes for a passing trouble: 503 and broken connections strike more often than once.
@pytest.mark.parametrize(
    ("kind", "times"), [("credentials", 1), ("disk_full", 1), ("status", 3), ("reset", 4), ("refuse", 4)]
)
def test_s3_faults_are_retried(run: World, kind: str, times: int) -> None:
    session = run(UPLOAD, f"faults: [{{double: s3, kind: {kind}, times: {times}}}]\n")
    assert ended(session, "upload") == ("SUCCESS", 2)
    double: Any = session.supervisor.get("s3")
    assert double.read("bucket", "k.txt") == b"hello"


@pytest.mark.parametrize(
    ("fault", "hint"),
    [
        ({"double": "htp", "kind": "status"}, "http"),
        ({"double": "http", "kind": "statu"}, "status"),
        ({"double": "postgres", "kind": "deadlok"}, "deadlock"),
        ({"double": "s3", "kind": "slw"}, "slow"),
    ],
)
def test_a_wrong_fault_is_told_before_the_run(run: World, fault: dict[str, str], hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        run(GET, faults=(fault,))
    assert caught.value.hint is not None and f"did you mean `{hint}`?" in caught.value.hint


@pytest.mark.parametrize("double", ["http", "postgres", "s3"])
@pytest.mark.parametrize(("key", "value"), [("tims", 1), ("times", "many"), ("after", -1), ("delay", "soon")])
def test_a_wrong_setting_of_a_fault_is_told_before_the_run(
    run: World, double: str, key: str, value: object
) -> None:
    with pytest.raises(UsageError):
        run(GET, faults=({"double": double, "kind": "slow", key: value},))


# --- HTTP by rules


def test_download_expression_and_notification(run: World) -> None:
    session = run(
        """
tasks:
  - {id: file, type: io.kestra.plugin.core.http.Download, uri: "https://api.example.com/x.csv"}
  - {id: call, type: io.kestra.plugin.core.debug.Return, format: "{{ http('https://api.example.com/u').id }}"}
  - id: slack
    type: io.kestra.plugin.slack.notifications.SlackIncomingWebhook
    url: https://hooks.slack.com/services/abc
    payload: '{"text": "user {{ outputs.call.value }}"}'
""",
        "http:\n  - {url: 'https://api.example.com/x.csv', body: \"a,b\\n\"}\n"
        "  - {url: 'https://api.example.com/u', body: {id: 7}}\n",
    )
    assert session.execution is not None
    runs = {item.task_id: item for item in session.execution.task_runs}
    assert str(session.execution.state.current) == "SUCCESS"
    outputs = runs["file"].outputs
    assert outputs is not None and outputs["length"] == 4
    assert runs["call"].outputs == {"value": "7"}
    [message] = session.outbox()
    assert (message["channel"], message["body"]) == ("slack", {"text": "user 7"})


@pytest.mark.parametrize(
    "task",
    [
        "type: io.kestra.plugin.core.http.Request, uri: 'https://other.example.com/x'",
        "type: io.kestra.plugin.core.http.Request, uri: 'https://other.example.com/x', options: {allowFailed: true}",
        "type: io.kestra.plugin.core.debug.Return, format: \"{{ http('https://other.example.com/x') }}\"",
    ],
)
def test_an_unmatched_request_fails_with_the_rule_to_write(run: World, task: str) -> None:
    session = run(f"tasks: [{{id: get, {task}}}]\n")
    assert ended(session, "get")[0] == "FAILED"
    hints = [item.hint for item in session.diagnostics if item.code == "SIM-NET-001"]
    assert len(hints) == 1
    assert "    url: https://other.example.com/x\n" in str(hints[0])


class _Local(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"real")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("side", "body"),
    [("", "real"), ("http: [{{url: 'http://127.0.0.1:{port}/**', body: double}}]", "double")],
)
def test_servers_of_this_machine_are_real_unless_a_rule_speaks(run: World, side: str, body: str) -> None:
    with HTTPServer(("127.0.0.1", 0), _Local) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        port = server.server_address[1]
        task = f"{{id: get, type: io.kestra.plugin.core.http.Request, uri: 'http://127.0.0.1:{port}/x'}}"
        session = run(f"tasks: [{task}]\n", side.format(port=port))
        server.shutdown()
    assert session.execution is not None
    outputs = session.execution.task_runs[0].outputs
    assert outputs is not None and outputs["body"] == body
