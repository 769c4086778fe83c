"""The PostgreSQL double: a real server on 127.0.0.1, up in a tenth of a second, gone with the run.

    double = PostgresDouble({"users": {"pg_user": {"password": "x"}}, "databases": {"pg_user": {"owner": "pg_user"}}})
    double.start()
    address = double.ready()            # postgresql://127.0.0.1:41234
    double.stop()

Passwords are really checked (SCRAM). Names that PostgreSQL reserves (`pg_user` of Kestra's own examples) work: the role
is created under another name and renamed in the catalogue. Two modes: *declared*, where exactly the users and databases
of the side file exist; and *undeclared*, where `prepare` makes the role and database that a task asks for. A side file
that names no users (only a seed, say) leaves them to the flow.
Source: stack.md 1.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.doubles.base import Address
from simulator.doubles.faults import normalize
from simulator.doubles.pg_admin import Admin
from simulator.doubles.pg_binaries import Binaries, find_binaries, reachable_for
from simulator.doubles.pg_faults import KINDS, FaultProxy
from simulator.doubles.pg_template import Template, copy_template, ensure_template
from simulator.doubles.platform import (
    Child,
    Identity,
    cache_dir,
    free_port,
    make_run_dir,
    note_child,
    remove_run_dir,
    server_identity,
    spawn_watched,
)
from simulator.errors import DoubleError, SimulatorError

__all__ = ["PostgresDouble"]

#: A server whose data dies with the run needs none of what guards data against power cuts.
_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "shared_buffers": "32MB",
    # Inside the data directory: in /dev/shm the segments of a server that was killed would stay.
    "dynamic_shared_memory_type": "mmap",
    "huge_pages": "off",
    "jit": "off",
    "log_timezone": "UTC",
    # Statements may hold passwords: they never reach the server's log.
    "log_min_error_statement": "panic",
    "log_statement": "none",
}


class PostgresDouble:
    """See the module. `declared` is the side file's `doubles.postgres` (None: undeclared mode).

    `resolve` turns a relative path of a seed file into a real one; `faults` are played by a proxy in front. All methods may be called from any thread.
    """

    name = "postgres"

    def __init__(
        self,
        declared: Mapping[str, Any] | None = None,
        *,
        resolve: Callable[[str], Path] = Path,
        cache: Path | None = None,
        faults: Sequence[Mapping[str, Any]] = (),
        resettable: bool = False,
    ) -> None:
        self._resettable = resettable
        self._declared = declared
        #: Nobody said which users there are: the flow's own are taken.
        self._open = declared is None or not declared.get("users")
        self._resolve = resolve
        self._cache = cache
        self._faults = normalize(faults, KINDS, self.name)
        self._proxy: FaultProxy | None = None
        self._lock = threading.Lock()
        self._prepare_lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._done = threading.Event()
        self._error: SimulatorError | None = None
        self._address: Address | None = None
        self._child: Child | None = None
        self._run_dir: Path | None = None
        self._admin: Admin | None = None
        self._stopped = False

    # Life cycle -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begins to start in the background."""
        with self._lock:
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._bring_up, name="double-postgres", daemon=True)
                self._thread.start()

    def ready(self, timeout: float = 30.0) -> Address:
        self.start()
        if not self._done.wait(timeout):
            raise DoubleError(f"the PostgreSQL double is not up after {timeout:g} s" + self._last_words())
        if self._error is not None:
            raise self._error
        if self._address is None:
            raise DoubleError("the PostgreSQL double has been stopped")
        return self._address

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._done.wait(10.0)
        if self._proxy is not None:
            self._proxy.stop()
        admin, self._admin = self._admin, None
        if admin is not None:
            admin.close()
        if self._child is not None:
            import signal

            # The data is thrown away: an immediate shutdown is 10 ms shorter than a clean one.
            self._child.stop(signal.SIGQUIT)
        if self._run_dir is not None:
            remove_run_dir(self._run_dir)
        self._address = None

    def _bring_up(self) -> None:
        try:
            # The client's import takes as long as the server's start: side by side.
            importing = threading.Thread(target=_import_client, daemon=True)
            importing.start()
            identity = server_identity()
            binaries, template = self._template(identity)
            port = self._launch(binaries, template, identity)
            importing.join()
            self._admin = Admin("127.0.0.1", port, template.password, binaries, keep=self._resettable)
            if self._declared is not None and not self._open:
                self._admin.declare(self._declared, self._resolve)
            if self._faults:
                # The task's client meets the faults; seeding and looking inside go past them.
                self._proxy = FaultProxy(port, self._faults)
                port = self._proxy.port
            self._address = Address(
                f"postgresql://127.0.0.1:{port}", "127.0.0.1", port, {"users": self._admin.users()}
            )
        except SimulatorError as error:
            self._error = error
        except Exception as error:
            self._error = DoubleError(f"the PostgreSQL double cannot start: {error}" + self._last_words())
        finally:
            self._done.set()

    def _template(self, identity: Identity) -> tuple[Binaries, Template]:
        found = find_binaries()
        cache = self._cache or cache_dir()
        try:
            cache.mkdir(parents=True, exist_ok=True)
            binaries = reachable_for(found, identity, cache)
            return binaries, ensure_template(binaries, identity, cache)
        except OSError:
            # A read-only home: made anew for this run, half a second slower.
            self._run_dir = self._run_dir or make_run_dir("postgres", identity)
            cache = self._run_dir / "cache"
            cache.mkdir(mode=0o755)
            binaries = reachable_for(found, identity, cache)
            return binaries, ensure_template(binaries, identity, cache)

    def _launch(self, binaries: Binaries, template: Template, identity: Identity) -> int:
        run_dir = self._run_dir = self._run_dir or make_run_dir("postgres", identity)
        data = run_dir / "data"
        copy_template(template, data)
        options = dict(_OPTIONS)
        options["timezone"] = str((self._declared or {}).get("time_zone") or "UTC")
        if template.major >= 18:
            options["io_method"] = "sync"
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        for _ in range(5):
            port = free_port()
            argv = [binaries.program("postgres"), "-D", str(data), "-p", str(port), *settings]
            with (run_dir / "server.log").open("ab") as log:
                self._child = spawn_watched(
                    argv,
                    identity=identity,
                    env={"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"},
                    cwd=data,
                    log=log,
                    run_dir=run_dir,
                )
            note_child(run_dir, self._child.pid)
            if self._wait_ready(data):
                return port
            self._child.stop()
            if "Address already in use" not in self._log_text():
                break
            (run_dir / "server.log").unlink()
        raise DoubleError("the PostgreSQL double ended at once" + self._last_words())

    def _wait_ready(self, data: Path) -> bool:
        """Watches postmaster.pid: line 8 says `ready` when connections are taken."""
        assert self._child is not None
        pid_file = data / "postmaster.pid"
        end = time.monotonic() + 25.0
        while time.monotonic() < end and self._child.alive and not self._stopped:
            with contextlib.suppress(OSError):
                lines = pid_file.read_text().splitlines()
                if len(lines) > 7 and lines[7].strip() == "ready" and int(lines[0]) == self._child.pid:
                    return True
            time.sleep(0.001)
        return False

    def _log_text(self) -> str:
        if self._run_dir is None:
            return ""
        try:
            return (self._run_dir / "server.log").read_text("utf-8", "replace")
        except OSError:
            return ""

    def _last_words(self) -> str:
        lines = [line for line in self._log_text().splitlines() if "LOG:" not in line]
        return f": {lines[-1].strip()}" if lines else ""

    # Contents -------------------------------------------------------------------------------------------------

    def prepare(self, wanted: Mapping[str, Any]) -> None:
        """Without declared users: makes the role `user` (with `password`) and the `database`, seeded, once."""
        self.ready()
        if self._open and self._admin is not None:
            with self._prepare_lock:
                self._admin.provide(
                    str(wanted.get("user") or "postgres"),
                    wanted.get("password"),
                    wanted.get("database"),
                    self._declared or {},
                    self._resolve,
                )

    def reset(self) -> bool:
        """Every database as it was before the first task came (`resettable` only). False when something outside of the
        databases has changed (roles, settings): a new server is needed then."""
        return self._admin is not None and self._admin.reset()

    def contents(self) -> Mapping[str, Any]:
        """Database -> `schema.table` -> number of rows; empty databases are left out."""
        if self._admin is None:
            return {}
        return self._admin.contents()

    def connect(self, database: str | None = None) -> Any:
        """A psycopg connection with all rights, for looking inside. The caller closes it.

        Without a name: the only database with anything in it, else the only one that was made.
        """
        self.ready()
        assert self._admin is not None
        return self._admin.connect(database or self._admin.default_database())

    def query(self, sql: str, database: str | None = None) -> list[dict[str, Any]]:
        """The rows of one statement, as dictionaries."""
        from psycopg.rows import dict_row

        with self.connect(database) as connection, connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []


def _import_client() -> None:
    import psycopg  # noqa: F401
