"""The HTTP and SMTP doubles: answers by rule, faults, records, and who may talk to them."""

import http.client
import json
import smtplib
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from simulator.doubles.http import UNMATCHED_HEADER, HttpDouble, target
from simulator.doubles.http_rules import parse_rules
from simulator.doubles.smtp import SmtpDouble
from simulator.errors import DoubleError, UsageError

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Calls:
    def __init__(self, *rules: dict[str, Any], base: Path | None = None) -> None:
        self.double = HttpDouble(rules, base=base)
        self.address = self.double.ready()

    def __call__(
        self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, Any]:
        request = urllib.request.Request(
            target(self.address.url, url), data=body, method=method, headers=headers or {}
        )
        try:
            with OPENER.open(request, timeout=5) as response:
                return response.status, response.read(), response.headers
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(), error.headers


@pytest.fixture
def start() -> Iterator[Any]:
    made: list[Calls] = []

    def make(*rules: dict[str, Any], base: Path | None = None) -> Calls:
        made.append(Calls(*rules, base=base))
        return made[-1]

    yield make
    for calls in made:
        calls.double.stop()


def test_the_first_rule_that_fits_answers(start: Any) -> None:
    call = start(
        {"method": "POST", "url": "https://api.example.com/users", "status": 201, "body": {"id": 1}},
        {"url": "https://api.example.com/**", "body": "any"},
    )
    status, body, headers = call("POST", "https://api.example.com/users?dry=1", b"{}")
    assert (status, json.loads(body), headers["Content-Type"]) == (201, {"id": 1}, "application/json")
    assert call("GET", "https://api.example.com/users")[:2] == (200, b"any")


def test_patterns(start: Any) -> None:
    call = start(
        {"url": "https://a.example/v1/*/items", "body": "one"},
        {"url": "https://a.example/q?x=1", "body": "query"},
        {"url": r"regex:https://a\.example/r/\d+", "body": "regex"},
    )
    assert call("GET", "https://a.example/v1/7/items")[1] == b"one"
    assert call("GET", "https://a.example/v1/7/8/items")[0] == 501
    assert call("GET", "https://a.example/q?x=1")[1] == b"query"
    assert call("GET", "https://a.example/q?x=2")[0] == 501
    assert call("GET", "https://a.example/r/42")[1] == b"regex"
    assert call("GET", "http://a.example/r/42")[0] == 501


def test_matching_on_headers_and_body(start: Any) -> None:
    call = start(
        {"url": "https://a.example/", "headers_match": {"X-Key": "k"}, "body": "key"},
        {"url": "https://a.example/", "body_contains": "urgent", "body": "urgent"},
        {"url": "https://a.example/", "body": "else"},
    )
    assert call("GET", "https://a.example/", headers={"x-key": "k"})[1] == b"key"
    assert call("POST", "https://a.example/", b"very urgent")[1] == b"urgent"
    assert call("POST", "https://a.example", b"calm")[1] == b"else"


def test_sequences_and_times(start: Any) -> None:
    call = start(
        {"url": "https://a.example/x", "responses": [{"status": 503}, {"status": 200, "body": "ok"}]},
        {"url": "https://a.example/y", "times": 1, "body": "first"},
        {"url": "https://a.example/y", "body": "then"},
    )
    assert [call("GET", "https://a.example/x")[0] for _ in range(3)] == [503, 200, 200]
    assert [call("GET", "https://a.example/y")[1] for _ in range(3)] == [b"first", b"then", b"then"]


def test_files_and_headers(start: Any, tmp_path: Path) -> None:
    (tmp_path / "answer.csv").write_text("a,b\n")
    call = start({"url": "https://a.example/f", "file": "answer.csv", "headers": {"X-N": 3}}, base=tmp_path)
    status, body, headers = call("GET", "https://a.example/f")
    assert (status, body, headers["X-N"]) == (200, b"a,b\n", "3")
    assert call("HEAD", "https://a.example/f")[1] == b""


def test_an_unmatched_request_says_which_rule_to_write(start: Any) -> None:
    call = start()
    status, body, headers = call("PUT", "https://api.example.com/v1/x?secret=1", b"1")
    assert status == 501
    assert headers[UNMATCHED_HEADER] == "1"
    assert b"`--allow " in body and b"lets it out" in body
    assert b"  - method: PUT\n    url: https://api.example.com/v1/x\n" in body
    assert b"secret" not in body
    # The rule that it proposes is one.
    import yaml

    proposed = yaml.safe_load(body.decode().split("side file:\n")[1])["http"]
    assert parse_rules(proposed)[0].fits_url("https://api.example.com/v1/x?secret=1")


def test_prepared_rules_come_last_and_once(start: Any) -> None:
    call = start({"url": "https://hooks.example/declared", "body": "mine"})
    for _ in range(2):
        call.double.prepare({"rule": {"url": "https://hooks.example/**", "method": "POST", "body": "ok"}})
    call.double.prepare({})
    assert call("POST", "https://hooks.example/declared", b"")[1] == b"mine"
    assert call("POST", "https://hooks.example/other", b"")[1] == b"ok"
    assert call.double.answers("https://hooks.example/declared?x=1")
    assert not call.double.answers("https://hooks.example/other")


def test_requests_are_recorded_without_credentials(start: Any) -> None:
    call = start({"url": "https://a.example/**", "body": "ok"})
    call("POST", "https://a.example/p?q=1", b"hello", {"Authorization": "Bearer sesame", "X-Api-Key": "k1"})
    (request,) = call.double.contents()["requests"]
    assert (request["method"], request["url"], request["body"]) == (
        "POST",
        "https://a.example/p?q=1",
        "hello",
    )
    assert request["headers"]["host"] == "a.example"
    assert "sesame" not in json.dumps(request)
    assert "k1" not in json.dumps(request)


@pytest.mark.parametrize("fault", ["refuse", "reset"])
def test_connection_faults(start: Any, fault: str) -> None:
    call = start({"url": "https://a.example/", "body": "x" * 10, "fault": fault})
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        call("GET", "https://a.example/")


def test_faults_of_the_whole_double(tmp_path: Path) -> None:
    call = Calls.__new__(Calls)
    call.double = HttpDouble(
        [{"url": "https://a.example/", "body": "ok"}],
        faults=[{"kind": "status", "after": 1, "times": 2, "status": 429}],
    )
    call.address = call.double.ready()
    assert [call("GET", "https://a.example/")[0] for _ in range(4)] == [200, 429, 429, 200]
    call.double.stop()
    with pytest.raises(UsageError, match="no fault `deadlock`"):
        HttpDouble(faults=[{"kind": "deadlock"}])


def test_a_truncated_answer_is_noticed(start: Any) -> None:
    call = start({"url": "https://a.example/", "body": "x" * 10, "fault": "truncate"})
    with pytest.raises(http.client.IncompleteRead):
        call("GET", "https://a.example/")


def test_slow_answers_arrive_whole(start: Any) -> None:
    call = start({"url": "https://a.example/", "body": "x" * 1500, "fault": "slow", "delay": "PT0.01S"})
    assert call("GET", "https://a.example/")[1] == b"x" * 1500


def test_a_hanging_answer_ends_with_the_double(start: Any) -> None:
    import threading

    call = start({"url": "https://a.example/", "fault": "hang"})
    threading.Timer(0.05, call.double.stop).start()
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        call("GET", "https://a.example/")


def test_chunked_bodies(start: Any) -> None:
    call = start({"url": "https://a.example/", "body": "ok"})
    parts = urlsplit(target(call.address.url, "https://a.example/"))
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    connection.request("POST", parts.path, body=iter([b"ab", b"cd"]), encode_chunked=True)
    assert connection.getresponse().read() == b"ok"
    connection.close()
    assert call.double.contents()["requests"][0]["body"] == "abcd"


def test_strangers_are_refused(start: Any) -> None:
    call = start({"url": "https://a.example/**", "body": "ok"})
    path = urlsplit(target(call.address.url, "https://a.example/")).path

    def get(path: str, **headers: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", call.address.port, timeout=5)
        connection.request("GET", path, headers=headers)
        status = connection.getresponse().status
        connection.close()
        return status

    assert get(path) == 200
    assert get("/wrong/https/a.example/") == 404
    assert get("/") == 404
    # A browser names the port that it calls, whatever name the page used.
    assert get(path, Host=f"evil.example:{call.address.port}") == 421
    assert get(path, Host="") == 421
    assert get(path, Origin="https://evil.example") == 421
    assert len(call.double.contents()["requests"]) == 1


def test_a_request_as_the_real_server_would_get_it(start: Any) -> None:
    call = start(
        {"url": "http://plain.example:8080/x", "body": "http"},
        {"url": "https://safe.example/x", "body": "https"},
    )

    def get(path: str, host: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", call.address.port, timeout=5)
        connection.request("GET", path, headers={"Host": host})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, body

    assert get("/x?q=1", "plain.example:8080") == (200, b"http")
    assert get("/x", "safe.example") == (200, b"https")
    assert get("https://safe.example/x", "safe.example") == (200, b"https")
    assert get("/y", "safe.example")[0] == 501
    urls = [request["url"] for request in call.double.contents()["requests"]]
    assert urls == [
        "http://plain.example:8080/x?q=1",
        "https://safe.example/x",
        "https://safe.example/x",
        "https://safe.example/y",
    ]


def test_it_listens_on_loopback_only(start: Any) -> None:
    call = start()
    assert call.double._server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"body": "x"}, "`url` is missing"),
        ({"url": "https://a/", "statsu": 200}, "unknown key `statsu`"),
        ({"url": "https://a/", "fault": "explode"}, "unknown fault `explode`"),
        ({"url": "https://a/", "delay": "soon"}, "is no duration"),
        ({"url": "https://a/", "file": "missing.txt"}, "cannot read `file` missing.txt"),
        ({"url": "regex:("}, "no regular expression"),
    ],
)
def test_wrong_rules(rule: dict[str, Any], text: str, tmp_path: Path) -> None:
    with pytest.raises(DoubleError, match="http rule 1") as caught:
        HttpDouble([rule], base=tmp_path)
    assert text in str(caught.value)


def test_stop_is_idempotent() -> None:
    double = HttpDouble()
    double.stop()
    double.start()
    double.stop()
    double.stop()


def test_smtp_keeps_mails() -> None:
    double = SmtpDouble()
    address = double.ready()
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", "b@example.com", "Hi"
    message.set_content("line\n.dot\n")
    with smtplib.SMTP(address.host, address.port, timeout=5) as client:
        client.login("user", "word")
        client.send_message(message)
    double.stop()
    (mail,) = double.contents()["messages"]
    assert (mail["sender"], mail["recipients"]) == ("a@example.com", ["b@example.com"])
    assert "Subject: Hi" in mail["message"]
    assert "\n.dot" in mail["message"].replace("\r", "")
    assert "word" not in json.dumps(double.contents())


def test_smtp_refuses_what_was_declared() -> None:
    double = SmtpDouble(username="u", password="p", reject=frozenset({"no@example.com"}))
    address = double.ready()
    with smtplib.SMTP(address.host, address.port, timeout=5) as client:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("u", "wrong")
        client.login("u", "p")
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail("a@example.com", ["no@example.com"], "x")
    double.stop()
    assert double.contents()["messages"] == []
