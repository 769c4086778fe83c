"""A protocol double of the Kestra endpoints we use, with the troubles a real line has.

Written from the REST facts; it plays one execution that goes through a list of states.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class Server:
    """What the double does: `fail` maps `METHOD path-regex` to (status, message, times); `trouble` names a line fault."""

    url: str = ""
    states: list[str] = field(default_factory=lambda: ["CREATED", "RUNNING", "SUCCESS"])
    fail: dict[str, tuple[int, str]] = field(default_factory=dict)
    trouble: str = ""
    flows: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, str, bytes, dict[str, str]]] = field(default_factory=list)
    created: int = 0
    step: int = 0
    outputs: dict[str, Any] = field(default_factory=lambda: {"value": "hello"})
    broken: int = 0
    kill_path: str = "/kill"

    def execution(self, state: str) -> dict[str, Any]:
        history = [
            {"state": item, "date": f"2026-01-01T00:00:0{number}.123456789Z"}
            for number, item in enumerate(self.states[: self.states.index(state) + 1])
        ]
        return {
            "id": "5Xq8ZtQ3mWc1RkYb7NsLdP",
            "namespace": "company.team",
            "flowId": "hello",
            "flowRevision": 1,
            "labels": [{"key": "system.correlationId", "value": "5Xq8ZtQ3mWc1RkYb7NsLdP"}],
            "state": {"current": state, "histories": history},
            "taskRunList": [
                {
                    "id": "t1",
                    "executionId": "5Xq8ZtQ3mWc1RkYb7NsLdP",
                    "namespace": "company.team",
                    "flowId": "hello",
                    "taskId": "say",
                    "state": {"current": state, "histories": history},
                    "attempts": [{"state": {"current": state, "histories": history}}],
                }
            ]
            if state != "CREATED"
            else [],
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, *args: Any) -> None:
        return

    def _answer(self, status: int, body: Any, content_type: str = "application/json") -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _handle(self) -> None:
        state: Server = self.server.state
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        path = unquote(parts.path).removeprefix("/api/v1/main")
        state.calls.append((self.command, self.path, body, dict(self.headers)))
        for pattern, (status, message) in state.fail.items():
            method, expression = pattern.split(" ", 1)
            if method == self.command and re.fullmatch(expression, path):
                self._answer(status, {"message": message})
                return
        if match := re.fullmatch(r"/flows/([^/]+)/([^/]+)", path):
            key = ".".join(match.groups())
            if self.command == "PUT":
                state.flows[key] = body.decode()
            if key not in state.flows:
                self._answer(404, {"message": "Not Found"})
                return
            self._answer(200, {"id": match[2], "namespace": match[1], "source": state.flows[key]})
        elif path == "/flows" and self.command == "POST":
            text = body.decode()
            names = dict(re.findall(r"^(id|namespace): *(\S+)", text, re.MULTILINE))
            state.flows[f"{names['namespace']}.{names['id']}"] = text
            self._answer(200, {"id": names["id"]})
        elif re.fullmatch(r"/executions/company\.team/hello", path) and self.command == "POST":
            state.created += 1
            if state.trouble == "cut on create":
                self.close_connection = True
                self.connection.close()
                return
            self._answer(200, state.execution("CREATED"))
        elif path.endswith("/follow"):
            self._follow(state)
        elif path.endswith(state.kill_path) and self.command == "DELETE":
            self._answer(202, {})
        elif re.fullmatch(r"/executions/[^/]+", path) and self.command == "GET":
            self._answer(
                200, state.execution(state.states[-1] if state.trouble != "never ends" else "RUNNING")
            )
        elif path.startswith("/logs/"):
            self._answer(
                200,
                [{"level": "INFO", "message": "hello", "taskId": "say", "timestamp": "2026-01-01T00:00:01Z"}],
            )
        elif path.startswith("/outputs/"):
            self._answer(200, state.outputs)
        elif path.endswith("/files") and self.command == "POST":
            state.flows["file:" + parse_qs(parts.query)["path"][0]] = "uploaded"
            self._answer(200, {})
        else:
            self._answer(404, {"message": f"no such path {path}"})

    def _follow(self, state: Server) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for item in state.states:
            if state.trouble == "never ends" and item == state.states[-1]:
                return
            value = json.dumps(state.execution(item))
            self.wfile.write(f"id: progress\ndata: {value}\n\n".encode())
            self.wfile.flush()
            if state.trouble == "stall":
                time.sleep(1.0)
                return
            if state.trouble == "cut" and state.broken < 2:
                state.broken += 1
                self.connection.close()
                return
        self.wfile.write(b"id: end\ndata: {}\n\n")

    do_GET = do_POST = do_PUT = do_DELETE = _handle


@contextmanager
def kestra_double(**behaviour: Any) -> Iterator[Server]:
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    http.daemon_threads = True
    state = Server(url=f"http://127.0.0.1:{http.server_address[1]}", **behaviour)
    http.state = state  # type: ignore[attr-defined]
    http.handle_error = lambda *args: None  # type: ignore[method-assign]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        http.shutdown()
        http.server_close()
