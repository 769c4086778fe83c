"""Headless Chromium, when the machine has one: what a page shows, what it says on its console, what it asks the network for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--disable-features=NetworkTimeServiceQuerying,OptimizationHints,MediaRouter",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--enable-logging=stderr",
    "--window-size=1400,900",
)


@dataclass(frozen=True)
class Page:
    dom: str
    console: list[str]
    requests: list[str]


def open_page(path: Path, fragment: str = "", *, screenshot: Path | None = None) -> Page:
    """The page once its script is done."""
    assert CHROMIUM is not None
    with tempfile.TemporaryDirectory() as profile:
        net_log = Path(profile) / "net.json"
        what = [f"--screenshot={screenshot}"] if screenshot else ["--dump-dom"]
        done = subprocess.run(
            [
                CHROMIUM,
                *FLAGS,
                f"--user-data-dir={profile}/data",
                f"--log-net-log={net_log}",
                "--virtual-time-budget=4000",
            ]
            + [*what, path.absolute().as_uri() + fragment],
            capture_output=True,
            text=True,
            timeout=90,
            env={**os.environ, "HOME": profile},
        )
        requests = _requests(net_log)
    console = [line.split("CONSOLE", 1)[1] for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Page(done.stdout, console, requests)


def _requests(net_log: Path) -> list[str]:
    """URLs of every request that a page asked for (the browser's own have no origin)."""
    try:
        text = net_log.read_text("utf-8", errors="replace")
    except OSError:
        return []
    try:
        log = json.loads(text)
    except ValueError:  # the browser was stopped while it wrote: the events are whole up to the last comma
        log = json.loads(text.rstrip().rstrip(",") + "]}")
    found = []
    for event in log.get("events", ()):
        params = event.get("params") or {}
        url = params.get("url", "")
        if params.get("initiator", "not an origin") != "not an origin" and url.startswith(
            ("http:", "https:", "ws:", "wss:")
        ):
            found.append(url)
    return found
