"""A tab of headless Chromium, driven over its debugging pipe: clicks, keys, what a script sees, pictures, frame times.

    with Tab(path) as tab:
        tab.key("Enter")
        assert tab.js("document.title") == "flow"

The pipe (two file descriptors, JSON ended by NUL) needs neither a port nor a library.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.reports.browser import CHROMIUM, FLAGS

#: puts the two pipes where the browser looks for them
_PLUMBER = (
    "import os, sys; a, b = int(sys.argv[1]), int(sys.argv[2]); os.dup2(a, 100); os.dup2(b, 101); "
    "os.dup2(100, 3); os.dup2(101, 4); os.execv(sys.argv[3], sys.argv[3:])"
)

_KEYS = {
    "Enter": 13,
    "Escape": 27,
    "Tab": 9,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
}


class Tab:
    """One page; `console` and `requests` gather what it said and asked for."""

    def __init__(
        self, path: Path, fragment: str = "", *, width: int = 1400, height: int = 900, dark: bool = False
    ):
        assert CHROMIUM is not None
        self.console: list[str] = []
        self.requests: list[str] = []
        self._number = 0
        self._session: str | None = None
        self._buffer = b""
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        there, self._write = os.pipe()
        self._read, back = os.pipe()
        # the browser reads commands from descriptor 3 and answers on 4
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PLUMBER, str(there), str(back), CHROMIUM, *FLAGS]
            + ["--remote-debugging-pipe", f"--user-data-dir={self._profile.name}/data", "about:blank"],
            pass_fds=(there, back),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": self._profile.name},
        )
        os.close(there)
        os.close(back)
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = "dark" if dark else "light"
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        started = time.monotonic()
        self.send("Page.navigate", url=path.absolute().as_uri() + fragment)
        while self.js("document.documentElement?.dataset.ready") != "true":
            assert time.monotonic() - started < 30, self.console
            time.sleep(0.005)
        # two frames: laid out and painted
        self.js("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        self.seconds_to_open = time.monotonic() - started

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            data = os.read(self._read, 1 << 20)
            assert data, "the browser is gone"
            self._buffer += data
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        params = message.get("params", {})
        match message.get("method"):
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded":
                self.console.append(json.dumps(params))
            case "Network.requestWillBeSent" if params["request"]["url"].startswith(("http", "ws")):
                self.requests.append(params["request"]["url"])
        return message

    def js(self, expression: str) -> Any:
        """The value of an expression; of what it promises, when it is a promise."""
        answer = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def key(self, key: str) -> None:
        code = _KEYS.get(key) or ord(key.upper())
        for kind in ("keyDown", "keyUp"):
            text = (
                {"text": "\r" if key == "Enter" else key}
                if kind == "keyDown" and (len(key) == 1 or key == "Enter")
                else {}
            )
            self.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text)

    def text(self) -> str:
        return str(self.js("document.getElementById('app').innerText"))

    def picture(self, target: Path) -> None:
        target.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def pdf(self, target: Path) -> None:
        target.write_bytes(base64.b64decode(self.send("Page.printToPDF", printBackground=False)["data"]))

    def frames(self, selector: str, steps: int = 120) -> list[float]:
        """Milliseconds between frames while a box scrolls from its top to its end."""
        script = """new Promise(done => { const box = document.querySelector(%s), times = []; let n = 0, last = performance.now();
          const step = now => { times.push(now - last); last = now; n += 1; box.scrollTop = (box.scrollHeight - box.clientHeight) * n / %d;
            n < %d ? requestAnimationFrame(step) : done(times.slice(2)); }; requestAnimationFrame(step); })"""
        found: list[float] = self.js(script % (json.dumps(selector), steps, steps))
        return found

    def close(self) -> None:
        os.close(self._write)
        os.close(self._read)
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._profile.cleanup()

    def __enter__(self) -> Tab:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
