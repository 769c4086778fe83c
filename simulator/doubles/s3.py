"""The S3 double: a server of its own process, bound to 127.0.0.1, with credentials that are really checked.

Declared mode knows the key pairs and buckets of the side file and nothing else; what the side file leaves out (pairs,
buckets, or both) is taken over from what a task asks for (`prepare`). Objects live in the memory of that process: a big one costs it about three times its size.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.doubles.base import Address
from simulator.doubles.faults import normalize
from simulator.doubles.platform import Child, make_run_dir, note_child, remove_run_dir
from simulator.errors import DoubleError

__all__ = ["S3Double"]

#: Faults that the gate in the server process plays (`s3_app`).
KINDS = frozenset({"status", "slow", "credentials", "disk_full", "reset", "refuse"})


class S3Double:
    """`declared` is the side file's `doubles.s3` (None: undeclared mode); `resolve` finds files named in it."""

    name = "s3"
    title = "S3"

    def __init__(
        self,
        declared: Mapping[str, Any] | None = None,
        *,
        resolve: Callable[[str], Path] = Path,
        faults: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self._declared = declared
        self._resolve = resolve
        self._faults = normalize(faults, KINDS, self.name)
        # What a flow without keys signs with, as the worker's role would in production.
        self._role = ("AKIA" + secrets.token_hex(8).upper(), secrets.token_urlsafe(24))
        self._lock = threading.RLock()
        self._child: Child | None = None
        self._run_dir: Path | None = None
        self._address: Address | None = None
        self._ready = False
        self._prepared: set[tuple[Any, ...]] = set()

    # Life cycle -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the process and tells it what to serve; returns before it answers."""
        with self._lock:
            if self._child is not None:
                return
            config = self._config()
            run_dir = self._run_dir = make_run_dir(self.name)
            with (run_dir / "server.log").open("wb") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", "simulator.doubles.s3_server"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    cwd=run_dir,
                    env=_environment(),
                    start_new_session=True,
                )
            self._child = Child(process)
            note_child(run_dir, process.pid)
            self._send(config)

    def ready(self, timeout: float = 30.0) -> Address:
        """The address. The socket listens within milliseconds; the first answer may take until moto is loaded."""
        self.start()
        with self._lock:
            if self._address is None:
                port = int(self._receive(timeout)["port"])
                url = f"http://127.0.0.1:{port}"
                self._address = Address(url, "127.0.0.1", port, {"path_style": True, "role": self._role})
            return self._address

    def stop(self) -> None:
        with self._lock:
            child, self._child = self._child, None
            run_dir, self._run_dir = self._run_dir, None
            self._address, self._ready = None, False
        if child is not None:
            if child.process.stdin:
                with contextlib.suppress(OSError):
                    child.process.stdin.close()
            import signal

            # Memory only: nothing to flush, and its interpreter takes 0.3 s to say goodbye.
            child.stop(signal.SIGKILL)
            if child.process.stdout:
                child.process.stdout.close()
        if run_dir is not None:
            remove_run_dir(run_dir)

    # Contents -------------------------------------------------------------------------------------------------

    def prepare(self, wanted: Mapping[str, Any]) -> None:
        """Adds the key pair unless pairs are declared, and the bucket in its region unless buckets are; once."""
        declared = self._declared or {}
        if declared.get("credentials") and declared.get("buckets"):
            return
        names = ("access_key", "secret_key", "session_token", "region", "bucket")
        key = tuple(wanted.get(name) for name in names)
        with self._lock:
            if key in self._prepared:
                return
            order: dict[str, Any] = {}
            if wanted.get("access_key") and not declared.get("credentials"):
                order["credentials"] = [
                    {
                        "access_key": wanted["access_key"],
                        "secret_key": wanted.get("secret_key") or "",
                        "session_token": wanted.get("session_token"),
                    }
                ]
            if wanted.get("bucket") and not declared.get("buckets"):
                order["buckets"] = {wanted["bucket"]: {"region": wanted.get("region"), "assumed": True}}
            self.order(order)
            self._prepared.add(key)

    def reset(
        self,
        declared: Mapping[str, Any] | None,
        *,
        resolve: Callable[[str], Path] = Path,
        faults: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """As a new one would be with these settings; the process stays. For tests that share it one after the other."""
        with self._lock:
            self._declared, self._resolve = declared, resolve
            self._faults = normalize(faults, KINDS, self.name)
            self._prepared.clear()
            if self._child is not None:
                self.order({"reset": True, **self._config()})

    def contents(self) -> Mapping[str, Any]:
        """Bucket -> key -> size, etag, content type."""
        if self._child is None:
            return {}
        found = self.order({"contents": True})
        return dict(found)

    def read(self, bucket: str, key: str) -> bytes:
        """The bytes of an object. Raises DoubleError when there is none."""
        with self.saved(bucket, key) as path:
            return path.read_bytes()

    @contextlib.contextmanager
    def saved(self, bucket: str, key: str) -> Iterator[Path]:
        """An object as a temporary file."""
        with self._lock:
            if self._run_dir is None:
                raise DoubleError("the S3 double has been stopped")
            handle, name = tempfile.mkstemp(dir=self._run_dir)
        path = Path(name)
        try:
            import os

            os.close(handle)
            self.order({"save": key, "bucket": bucket, "path": name})
            yield path
        finally:
            path.unlink(missing_ok=True)

    def order(self, order: Mapping[str, Any]) -> Any:
        """Sends an order to the process and waits for its answer. Raises DoubleError with its reason."""
        self.ready()
        with self._lock:
            if not self._ready:
                self._receive(30.0)
                self._ready = True
            self._send(order)
            return self._receive(60.0).get("ok")

    # The pipe -------------------------------------------------------------------------------------------------

    def _config(self) -> dict[str, Any]:
        declared = self._declared or {}
        buckets: dict[str, Any] = {}
        for name, facts in (declared.get("buckets") or {}).items():
            facts = dict(facts or {})
            facts["objects"] = {
                str(key): {"base64": base64.b64encode(self._content(value)).decode()}
                for key, value in (facts.get("objects") or {}).items()
            }
            buckets[str(name)] = facts
        return {"credentials": self._credentials(), "buckets": buckets, "faults": self._faults}

    def _credentials(self) -> list[dict[str, Any]]:
        """The declared key pairs, and the one of the worker's role."""
        declared = [
            {
                "access_key": str(pair["access_key"]),
                "secret_key": str(pair["secret_key"]),
                "session_token": pair.get("session_token"),
            }
            for pair in (self._declared or {}).get("credentials") or ()
        ]
        return [*declared, {"access_key": self._role[0], "secret_key": self._role[1]}]

    def _content(self, value: Any) -> bytes:
        if isinstance(value, Mapping):
            try:
                return self._resolve(str(value["file"])).read_bytes()
            except (OSError, KeyError) as error:
                raise DoubleError(f"object of the S3 double cannot be read: {error}") from None
        return str(value).encode()

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._child is not None
        stdin = self._child.process.stdin
        assert stdin is not None
        try:
            stdin.write(json.dumps(message).encode() + b"\n")
            stdin.flush()
        except OSError:
            raise DoubleError(f"the {self.title} double ended" + self._last_words()) from None

    def _receive(self, timeout: float) -> dict[str, Any]:
        assert self._child is not None
        process = self._child.process
        assert process.stdout is not None
        # A pipe has no timeout: the process is ended instead, which closes it.
        timer = threading.Timer(timeout, process.kill)
        timer.daemon = True
        timer.start()
        try:
            line = process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            raise DoubleError(f"the {self.title} double ended" + self._last_words())
        message: dict[str, Any] = json.loads(line)
        if "error" in message:
            raise DoubleError(f"the {self.title} double: {message['error']}")
        return message

    def _last_words(self) -> str:
        if self._run_dir is None:
            return ""
        try:
            lines = (self._run_dir / "server.log").read_text("utf-8", "replace").strip().splitlines()
        except OSError:
            return ""
        return f": {lines[-1]}" if lines else ""


def _environment() -> dict[str, str]:
    """What the server process needs of ours: no AWS variables, no secrets, no proxies."""
    import os

    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV") if name in os.environ}
    # Where our own packages come from may be said by the caller's path only.
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    return {**kept, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "AWS_EC2_METADATA_DISABLED": "true"}
