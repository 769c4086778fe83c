"""http.* against a real server on loopback."""

import gzip
import json
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1, V2, Dialect
from simulator.engine.task import Endpoint
from simulator.errors import NetworkRefusedError, StorageError, TaskError
from simulator.plugins.core.http.download import Download
from simulator.plugins.core.http.request import Request
from simulator.plugins.core.http.sse import SseRequest, parse_events
from simulator.plugins.core.http.trigger import HttpTrigger
from tests.plugins.fake_context import FakeContext


class Handler(BaseHTTPRequestHandler):
    """Echoes what it got on /echo; the other paths each show one behaviour."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        pass

    def answer(self, code: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        if path == "/echo" or path.startswith("/echo/"):
            seen = {
                "method": self.command,
                "path": self.path,
                "headers": dict(self.headers.items()),
                "body": body.decode("utf-8", "replace"),
            }
            self.answer(200, json.dumps(seen).encode(), Content_Type="application/json", X_One="1")
        elif path.startswith("/code/"):
            self.answer(int(path[6:]), b"" if path.endswith("04") else b"the body")
        elif path == "/redirect":
            self.answer(302, Location="/echo?redirected=1")
        elif path == "/away":
            self.answer(302, Location="http://elsewhere.example/echo")
        elif path == "/loop":
            self.answer(302, Location="/loop")
        elif path == "/gzip":
            self.answer(200, gzip.compress(b"packed"), Content_Encoding="gzip")
        elif path == "/deflate":
            self.answer(200, zlib.compress(b"packed"), Content_Encoding="deflate")
        elif path == "/file.tar.gz":
            self.answer(200, b"archive")
        elif path == "/named":
            self.answer(200, b"named", Content_Disposition='attachment; filename="../../report 1.csv"')
        elif path == "/short":
            self.answer(200, b"abc", Content_Length="10")
            self.close_connection = True
        elif path == "/bad-unicode":
            self.answer(200, "x\uffff".encode())
        elif path == "/basic":
            ok = self.headers.get("Authorization") == "Basic dXNlcjpww6Rzcw=="
            self.answer(200 if ok else 401)
        elif path == "/digest":
            self.digest()
        elif path == "/events":
            self.answer(
                200, b': hi\n\nid: 1\nevent: tick\ndata: {"a": "x"}\n\ndata: {"a": "y"}\r\n\r\ndata: lost'
            )
        elif path == "/hang":
            time.sleep(3)
            self.close_connection = True
        elif path == "/drop":
            self.close_connection = True
        else:
            self.answer(404, b"no such path")

    def digest(self) -> None:
        import hashlib
        import re

        sent = self.headers.get("Authorization", "")
        fields = dict(re.findall(r'(\w+)="?([^",]+)"?', sent))

        def md5(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        first, second = md5("user:here:secret"), md5(f"{self.command}:/digest")
        middle = f"n1:{fields.get('nc')}:{fields.get('cnonce')}:auth"
        if sent.startswith("Digest") and fields.get("response") == md5(f"{first}:{middle}:{second}"):
            self.answer(200, b"in")
        else:
            self.answer(401, WWW_Authenticate='Digest realm="here", qop="auth", nonce="n1", opaque="o"')

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_any


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


HOST = "http://api.example"


def make(
    tmp_path: Path, cls: Any, port: int, properties: dict[str, Any], dialect: Dialect = V2
) -> FakeContext:
    properties = {**properties, "uri": HOST + properties["uri"]}
    ctx = FakeContext(tmp_path, properties, spec=cls.spec, dialect=dialect)
    endpoint = Endpoint(f"http://127.0.0.1:{port}", "127.0.0.1", port, "http")
    resolve = ctx.endpoints.resolve

    def only_the_api(kind: str, url: str, **wanted: Any) -> Endpoint:
        ctx.endpoints.table = {"http": endpoint} if url.startswith(HOST) or "127.0.0.1" in url else {}
        return resolve(kind, url, **wanted)

    ctx.endpoints.resolve = only_the_api  # type: ignore[method-assign]
    return ctx


def request(tmp_path: Path, port: int, dialect: Dialect = V2, **properties: Any) -> dict[str, Any]:
    ctx = make(tmp_path, Request, port, properties, dialect)
    outputs = Request().run(ctx).outputs
    assert outputs is not None
    return dict(outputs)


def echoed(tmp_path: Path, port: int, dialect: Dialect = V2, **properties: Any) -> dict[str, Any]:
    seen: dict[str, Any] = json.loads(request(tmp_path, port, dialect, uri="/echo", **properties)["body"])
    return seen


def test_get(tmp_path: Path, port: int) -> None:
    outputs = request(tmp_path, port, uri="/echo?a=b c")
    assert outputs["code"] == 200
    assert outputs["uri"] == f"{HOST}/echo?a=b%20c"
    assert outputs["headers"]["X-One"] == ["1"]
    seen = json.loads(outputs["body"])
    assert (seen["method"], seen["path"], seen["body"]) == ("GET", "/echo?a=b%20c", "")
    assert seen["headers"]["Host"] == "api.example"
    assert seen["headers"]["User-Agent"] == "Kestra"
    assert seen["headers"]["Content-Type"] == "application/json"


def test_bodies(tmp_path: Path, port: int) -> None:
    seen = echoed(tmp_path, port, method="POST", body='{"x": "{{ flow.id }} é"}')
    assert seen["body"] == '{"x": "my_flow é"}'
    assert seen["headers"]["Content-Type"] == "application/json; charset=UTF-8"
    seen = echoed(
        tmp_path, port, method="PUT", body="x", contentType="text/plain", headers={"X-A": "{{ 1 + 1 }}"}
    )
    assert seen["headers"]["X-A"] == "2"
    assert seen["headers"]["Content-Type"] == "text/plain; charset=UTF-8"
    # Headers replace the type that a request without a body would get.
    assert "Content-Type" not in echoed(tmp_path, port, headers={"X-A": "1"})["headers"]
    seen = echoed(tmp_path, port, method="POST", formData={"a": "b c&", "n": 1})
    assert seen["body"] == "a=b+c%26&n=1"
    assert seen["headers"]["Content-Type"].startswith("application/x-www-form-urlencoded")


def test_multipart(tmp_path: Path, port: int) -> None:
    ctx = make(tmp_path, Request, port, {"uri": "/echo"})
    stored = ctx.store("file content", "f.csv")
    ctx.properties |= {
        "method": "POST",
        "contentType": "multipart/form-data",
        "formData": {
            "t": "text",
            "f": stored,
            "g": {"name": "named.csv", "content": stored},
            "j": {"a": [1]},
        },
    }
    outputs = Request().run(ctx).outputs
    assert outputs is not None
    seen = json.loads(outputs["body"])
    boundary = seen["headers"]["Content-Type"].partition("boundary=")[2]
    parts = seen["body"].split(f"--{boundary}")
    assert 'name="t"' in parts[1]
    assert parts[1].endswith("\r\n\r\ntext\r\n")
    assert 'name="f"; filename="f.csv"' in parts[2]
    assert parts[2].endswith("file content\r\n")
    assert 'filename="named.csv"' in parts[3]
    assert parts[4].endswith('{"a":[1]}\r\n')
    assert parts[5] == "--\r\n"


def test_params_in_2(tmp_path: Path, port: int) -> None:
    assert echoed(tmp_path, port, params={"a": "x y", "b": ["1", 2]})["path"] == "/echo?a=x%20y&b=1&b=2"
    assert echoed(tmp_path, port, V1, params={"a": "x"})["path"] == "/echo"
    with pytest.raises(TaskError, match="^Unsupported param type: class java.util.LinkedHashMap$"):
        echoed(tmp_path, port, params={"a": {"b": 1}})


def test_redirects(tmp_path: Path, port: int) -> None:
    seen = json.loads(request(tmp_path, port, uri="/redirect", method="POST", body="x")["body"])
    assert (seen["method"], seen["path"]) == ("GET", "/echo?redirected=1")
    outputs = request(tmp_path, port, uri="/redirect", options={"followRedirects": False})
    assert outputs["code"] == 302
    with pytest.raises(TaskError, match="Maximum redirects"):
        request(tmp_path, port, uri="/loop")


def test_a_redirect_asks_again_where_it_may_go(tmp_path: Path, port: int) -> None:
    with pytest.raises(NetworkRefusedError):
        request(tmp_path, port, uri="/away")


@pytest.mark.parametrize(
    ("code", "options", "dialect", "fails"),
    [
        (404, {}, V2, True),
        (404, {"allowFailed": True}, V2, False),
        (404, {"allowFailed": "{{ true }}"}, V1, False),
        (404, {"allowedResponseCodes": [404]}, V2, False),
        (404, {"allowedResponseCodes": [404]}, V1, True),
        (404, {"allowedResponseCodes": [404], "allowFailed": True}, V1, False),
        (200, {"allowedResponseCodes": [404]}, V2, True),
        (200, {"allowedResponseCodes": ["404"]}, V1, True),
        (500, {}, V1, True),
    ],
)
def test_codes(tmp_path: Path, port: int, code: int, options: Any, dialect: Dialect, fails: bool) -> None:
    if fails:
        with pytest.raises(TaskError) as error:
            request(tmp_path, port, dialect, uri=f"/code/{code}", options=options)
        body = "" if code == 404 else " and body:\nthe body"
        assert error.value.message == f"Failed http request with response code '{code}'{body}"
    else:
        assert request(tmp_path, port, dialect, uri=f"/code/{code}", options=options)["code"] == code


def test_allow_failed_of_1(tmp_path: Path, port: int) -> None:
    assert request(tmp_path, port, V1, uri="/nothing", allowFailed=True)["body"] == "no such path"


def test_empty_bodies(tmp_path: Path, port: int) -> None:
    assert "body" not in request(tmp_path, port, uri="/code/204")
    assert "body" not in request(tmp_path, port, uri="/echo", method="HEAD")
    assert request(tmp_path, port, uri="/redirect", options={"followRedirects": False})["body"] == ""


@pytest.mark.parametrize("path", ["/gzip", "/deflate"])
def test_packed_bodies(tmp_path: Path, port: int, path: str) -> None:
    outputs = request(tmp_path, port, uri=path)
    assert outputs["body"] == "packed"
    assert not {"Content-Encoding", "Content-Length"} & set(outputs["headers"])


def test_auth(tmp_path: Path, port: int) -> None:
    basic = {"auth": {"type": "BASIC", "username": "user", "password": "päss"}}
    assert request(tmp_path, port, uri="/basic", options=basic)["code"] == 200
    old = {"basicAuthUser": "user", "basicAuthPassword": "päss"}
    assert request(tmp_path, port, V1, uri="/basic", options=old)["code"] == 200
    bearer = {"auth": {"type": "BEARER", "token": "{{ flow.id }}"}}
    assert echoed(tmp_path, port, options=bearer)["headers"]["Authorization"] == "Bearer my_flow"
    digest = {"auth": {"type": "DIGEST", "username": "user", "password": "secret"}}
    assert request(tmp_path, port, uri="/digest", options=digest)["body"] == "in"
    wrong = {"auth": {"type": "DIGEST", "username": "user", "password": "x"}}
    with pytest.raises(TaskError, match="response code '401'"):
        request(tmp_path, port, uri="/digest", options=wrong)
    with pytest.raises(TaskError, match="Could not resolve type id 'X'"):
        request(tmp_path, port, uri="/echo", options={"auth": {"type": "X"}})


def test_encrypted_body(tmp_path: Path, port: int) -> None:
    outputs = request(tmp_path, port, uri="/code/200", encryptBody=True)
    assert outputs["encryptedBody"] == {"value": "the body", "type": "io.kestra.datatype:aes_encrypted"}
    assert "body" not in outputs


def test_text_that_is_none(tmp_path: Path, port: int) -> None:
    with pytest.raises(TaskError) as error:
        request(tmp_path, port, uri="/bad-unicode")
    assert error.value.message == (
        "Illegal unicode code point in request body: 65535, the Request task only support valid Unicode strings as "
        "body.\nYou can try using the Download task instead."
    )


def test_broken_connections(tmp_path: Path, port: int) -> None:
    with pytest.raises(TaskError, match="Read timed out"):
        request(tmp_path, port, uri="/hang", options={"timeout": {"readIdleTimeout": "PT0.1S"}})
    with pytest.raises(TaskError, match="api.example"):
        request(tmp_path, port, uri="/drop")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
        with pytest.raises(
            TaskError, match=r"^Connect to http://api.example \[api.example\] failed: Connection refused"
        ):
            request(tmp_path, closed, uri="/echo")


def test_bad_addresses(tmp_path: Path) -> None:
    for uri in ("ftp://x/y", "no uri", "http://", "http://x:port/"):
        ctx = FakeContext(tmp_path, {"uri": uri}, spec=Request.spec)
        with pytest.raises(TaskError):
            Request().run(ctx)
    ctx = FakeContext(tmp_path, {"uri": "http://x/", "headers": {"A": "b\r\nInjected: 1"}}, spec=Request.spec)
    ctx.endpoints.table["http"] = Endpoint("http://127.0.0.1:1", "127.0.0.1", 1)
    with pytest.raises(TaskError, match="line break"):
        Request().run(ctx)


def test_a_kill_wakes_the_request(tmp_path: Path, port: int) -> None:
    ctx = make(tmp_path, Request, port, {"uri": "/hang"})
    timer = threading.Timer(0.2, lambda: [action() for action in ctx.cancel_actions])
    timer.start()
    start = time.perf_counter()
    with pytest.raises(TaskError):
        Request().run(ctx)
    timer.join()
    assert time.perf_counter() - start < 2


def test_logs_never_show_credentials(tmp_path: Path, port: int) -> None:
    options = {
        "auth": {"type": "BEARER", "token": "t0ken"},
        "logs": ["REQUEST_HEADERS", "RESPONSE_HEADERS", "REQUEST_BODY", "RESPONSE_BODY"],
    }
    ctx = make(
        tmp_path, Download, port, {"uri": "/code/200", "method": "POST", "body": "sent", "options": options}
    )
    outputs = Download().run(ctx).outputs
    assert outputs is not None
    assert ctx.read(outputs["uri"]) == b"the body"
    shown = "\n".join(ctx.logger.messages())
    assert "t0ken" not in shown
    assert "request body: sent" in shown
    assert "response body: the body" in shown
    assert f"Request '{HOST}/code/200' from '127.0.0.1' with the response code '200'" in shown


# -- Download ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dialect", "end"), [(V1, ".tar.gz"), (V2, ".gz")], ids=str)
def test_download(tmp_path: Path, port: int, dialect: Dialect, end: str) -> None:
    ctx = make(tmp_path, Download, port, {"uri": "/file.tar.gz"}, dialect)
    outputs = Download().run(ctx).outputs
    assert outputs is not None
    assert (outputs["code"], outputs["length"]) == (200, 7)
    assert ctx.read(outputs["uri"]) == b"archive"
    name = outputs["uri"].rsplit("/", 1)[1]
    assert name.endswith(end)
    assert name.removesuffix(end).isdigit()


def test_download_names(tmp_path: Path, port: int) -> None:
    ctx = make(tmp_path, Download, port, {"uri": "/named"})
    outputs = Download().run(ctx).outputs
    assert outputs is not None
    assert outputs["uri"].endswith("/run1/report%201.csv")
    ctx.properties["saveAs"] = "{{ flow.id }}.csv"
    outputs = Download().run(ctx).outputs
    assert outputs is not None
    assert outputs["uri"].endswith("/run1/my_flow.csv")
    ctx.properties["saveAs"] = "../../../x"
    with pytest.raises(StorageError):
        Download().run(ctx)


def test_download_failures(tmp_path: Path, port: int) -> None:
    with pytest.raises(TaskError, match="^No response from server$"):
        Download().run(make(tmp_path, Download, port, {"uri": "/code/204"}))
    ctx = make(tmp_path, Download, port, {"uri": "/code/204", "failOnEmptyResponse": False})
    Download().run(ctx)
    assert ctx.logger.messages("WARN") == [f"File '{HOST}/code/204' is empty"]
    with pytest.raises(TaskError):
        Download().run(make(tmp_path, Download, port, {"uri": "/short"}))
    with pytest.raises(TaskError, match="response code '404' and body:\nno such path"):
        Download().run(make(tmp_path, Download, port, {"uri": "/nothing"}))


# -- SSE and trigger ----------------------------------------------------------------------------------------------------


def test_sse(tmp_path: Path, port: int) -> None:
    ctx = make(tmp_path, SseRequest, port, {"uri": "/events"})
    assert SseRequest().run(ctx).outputs == {
        "uri": f"{HOST}/events",
        "size": 3,
        "events": [
            {"comment": "hi"},
            {"data": '{"a": "x"}', "id": "1", "name": "tick"},
            {"data": '{"a": "y"}'},
        ],
    }
    ctx.properties |= {"concatJqExpression": ".a", "failedOnMissingJq": False}
    assert SseRequest().run(ctx).outputs == {"uri": f"{HOST}/events", "size": 3, "result": "xy"}
    ctx.properties["failedOnMissingJq"] = True
    with pytest.raises(TaskError, match="^Failed to resolve JQ expression '.a' and value ''$"):
        SseRequest().run(ctx)


def test_events_across_chunks() -> None:
    data = "data: é\r\ndata: b\r\n\r\nretry: 10\nid: 7\n\n".encode()
    expected = [{"data": "é\nb"}, {"id": "7", "retry": 10}]
    for size in (1, 2, 3, 100):
        chunks = [data[at : at + size] for at in range(0, len(data), size)]
        assert list(parse_events(chunks)) == expected


def test_trigger(tmp_path: Path, port: int) -> None:
    ctx = make(tmp_path, HttpTrigger, port, {"uri": "/code/200"})
    found = HttpTrigger().evaluate(ctx)
    assert found is not None
    assert (found.variables["code"], found.variables["body"]) == (200, "the body")
    ctx.properties["uri"] = f"{HOST}/nothing"
    assert HttpTrigger().evaluate(ctx) is None
    ctx.properties["responseCondition"] = "{{ response.statusCode == 404 and response.body contains 'path' }}"
    assert HttpTrigger().evaluate(ctx) is not None


def test_an_endpoint_that_stands_for_many_servers(tmp_path: Path, port: int) -> None:
    ctx = FakeContext(tmp_path, {"uri": "https://u:p@api.example/a?b=1"}, spec=Request.spec)
    url = f"http://127.0.0.1:{port}/echo/token"
    ctx.endpoints.table["http"] = Endpoint(url, "127.0.0.1", port, "http", {"style": "prefix"})
    outputs = Request().run(ctx).outputs
    assert outputs is not None
    seen = json.loads(outputs["body"])
    assert seen["path"] == "/echo/token/https/api.example/a?b=1"
    assert seen["headers"]["Host"] == f"127.0.0.1:{port}"
    assert outputs["uri"] == "https://u:p@api.example/a?b=1"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://x/a{b}", "Illegal character in path at index 10: http://x/a{b}"),
        ("http://x/a?q=a|b", "Illegal character in query at index 14: http://x/a?q=a|b"),
        ("http://x/%zz", "Malformed escape pair at index 9: http://x/%zz"),
    ],
)
def test_addresses_that_java_refuses(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(TaskError) as error:
        Request().run(FakeContext(tmp_path, {"uri": f"{{% raw %}}{url}{{% endraw %}}"}, spec=Request.spec))
    assert error.value.message == message


def test_addresses_beyond_ascii(tmp_path: Path, port: int) -> None:
    assert request(tmp_path, port, uri="/echo?é=[1]")["uri"] == f"{HOST}/echo?%C3%A9=[1]"
