"""The AWS server process: moto's S3, or its other services, behind our own gate. Run by `simulator.doubles.s3` and
`aws`, never by hand.

    python -m simulator.doubles.s3_server

It talks to its parent over stdin and stdout, one JSON document a line: credentials never stand in an argument list or
an environment, there is no administration over HTTP, and when the pipe closes the process ends, whatever became of the
parent. The socket listens before moto is imported: a client that comes early waits in the queue of the kernel.

The gate (security.md, traps 21-23): loopback only, foreign `Host` and any `Origin` are refused, no CORS headers leave,
moto's own administration is not served, every request must be signed with a key that exists.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Serves until stdin closes."""
    # The first line comes with the start; listening first lets the parent go on while moto is imported.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(256)
    port = listener.getsockname()[1]
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # Whatever moto or werkzeug print goes to the log on stderr, not into the protocol.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _reply(replies, {"port": port})
    first = sys.stdin.readline()
    if not first:
        return
    # Hundreds of modules that stay: no cycles to look for while they come, and none in them afterwards.
    gc.disable()
    try:
        app = _app(port, json.loads(first))
        server = app.server(listener)
    except BaseException as error:
        _reply(replies, {"error": f"{type(error).__name__}: {error}"})
        raise
    gc.freeze()
    gc.enable()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.5}, daemon=True).start()
    _reply(replies, {"ready": True})
    for line in sys.stdin:
        try:
            answer: dict[str, Any] = {"ok": app.command(json.loads(line))}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        _reply(replies, answer)
    # The pipe is closed: the parent is gone, or about to end us. Nothing here is worth an orderly shutdown.
    from simulator.doubles.platform import RUN_PREFIX, remove_run_dir

    home = Path.cwd()
    if home.name.startswith(RUN_PREFIX):
        remove_run_dir(home)
    os._exit(0)


def _app(port: int, config: dict[str, Any]) -> Any:
    """S3 alone, or the other services: neither loads what only the other needs."""
    if config.get("app") == "aws":
        from simulator.doubles.aws_app import AwsApp

        return AwsApp(port, config)
    from simulator.doubles.s3_app import S3App

    return S3App(port, config)


def _reply(stream: Any, message: dict[str, Any]) -> None:
    stream.write(json.dumps(message) + "\n")
    stream.flush()


if __name__ == "__main__":
    main()
