"""What the fixtures of the pytest plugin give: flows to run, doubles to look into, golden executions.

    def test_users(kestra, postgres, s3):
        execution = kestra.run("flows/postgres_to_s3.yml")
        assert execution.state == "SUCCESS"
        assert len(postgres("select * from users")) == 6
        assert b"Ada" in s3["kestra-bucket"]["data/users.csv"]

Doubles are those of the process. Each run finds them as the flow's side file says, so the fixtures show the last run.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from simulator.api import Execution, Recorder, S3Bucket
from simulator.errors import UsageError
from simulator.testing.case import CaseSession, open_case
from simulator.testing.doubles import DoublePool
from simulator.testing.side import SuiteSide
from simulator.testing.suite import Case, Fixtures

__all__ = ["Buckets", "Kestra", "Outbox", "Postgres", "Secrets", "Snapshot", "Time"]


class Secrets(MutableMapping[str, str]):
    """Secrets of one test, in clear. Neither `repr` nor a failing assertion shows a value."""

    def __init__(self) -> None:
        from simulator.secrets.redact import Redactor

        self._values: dict[str, str] = {}
        self._redactor = Redactor()

    def __getitem__(self, key: str) -> str:
        return self._values[key]

    def __setitem__(self, key: str, value: str) -> None:
        self._values[key] = value
        self._redactor.register(value)

    def __delitem__(self, key: str) -> None:
        del self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<secrets {', '.join(self._values) or 'none'}>"


class Time:
    """The time of the last run."""

    def __init__(self, kestra: Kestra) -> None:
        self._kestra = kestra

    @property
    def now(self) -> dt.datetime:
        moment: dt.datetime = self._kestra.session.clock.now()
        return moment

    def advance(self, duration: dt.timedelta | None = None, **parts: float) -> dt.datetime:
        """Goes on by a duration (`days=3`): what is due until then happens, schedules included."""
        until = self.now + (duration if duration is not None else dt.timedelta(**parts))
        executor = self._kestra.session.executor
        executor.play_triggers(until)
        executor.run_until_idle(before=until)
        self._kestra.session.clock.jump(until)
        self._kestra.refresh()
        return self.now


class Kestra:
    """Runs flows. Relative paths are looked for in the working directory, then below pytest's root."""

    def __init__(self, pool: DoublePool, secrets: Secrets, root: Path, dialect: str) -> None:
        self._pool = pool
        self._secrets = secrets
        self._root = root
        self._dialect = dialect
        self._sessions: list[CaseSession] = []
        self._executions: list[Execution] = []
        self.time = Time(self)

    def run(
        self,
        flow: str | os.PathLike[str],
        *,
        inputs: Mapping[str, Any] | None = None,
        tasks: Mapping[str, Mapping[str, Any]] | None = None,
        trigger: str | None = None,
        payload: Any = None,
        **flags: Any,
    ) -> Execution:
        """Runs a flow and returns its execution, whatever state it ended in.

        `tasks`: task id -> outputs of a task that is not to run; `trigger`: start it as this trigger would, with
        `payload`; `flags` as those of `simulator.run` (labels, mocks, kv, now, seed, env, flows, allow...). Raises
        SimulatorError when the flow, its inputs or its side file are not valid.
        """
        from simulator.diagnostics import Position, Span
        from simulator.testing.suite import TaskFixture

        path = self._path(flow)
        here = Span(str(path), Position(1, 1), Position(1, 1))
        fixtures = Fixtures(
            inputs=dict(inputs or {}),
            tasks=tuple(TaskFixture(name, here, outputs=outputs) for name, outputs in (tasks or {}).items()),
        )
        given: dict[str, Any] = {
            "secrets": dict(self._secrets),
            "trigger": trigger,
            "payload": payload,
            **flags,
        }
        if self._dialect != "auto":
            given.setdefault("kestra", self._dialect)
        self.release()
        session = open_case(
            path,
            Case("pytest", here, fixtures=fixtures),
            SuiteSide(path.with_name(f"{path.stem}.pytest.sim.yml")),
            self._pool,
            environ=dict(os.environ),
            flags=given,
        )
        self._sessions.append(session)
        recorder = Recorder()
        session.reporters.append(recorder)
        execution = Execution(session, session.run(), recorder)
        self._executions.append(execution)
        return execution

    def trigger(self, flow: str | os.PathLike[str], trigger_id: str, **options: Any) -> Execution:
        """Starts a flow as one of its triggers would (`payload` is what it brings)."""
        return self.run(flow, trigger=trigger_id, **options)

    def resume(self, execution: Execution, inputs: Mapping[str, Any] | None = None) -> Execution:
        """Goes on with a paused execution."""
        return execution.resume(inputs)

    def restart(self, execution: Execution) -> Execution:
        """Runs a failed execution again from where it failed."""
        return execution.restart()

    @property
    def session(self) -> CaseSession:
        """Of the last run. Raises UsageError before the first."""
        if not self._sessions:
            raise UsageError("no flow has run in this test yet")
        return self._sessions[-1]

    def refresh(self) -> None:
        """Executions show what has become of them."""
        for execution in self._executions[-1:]:
            execution.value = self.session.executor.execution(execution.id)

    def release(self) -> None:
        """The next run starts with doubles as new: those of the last one go back."""
        if self._sessions:
            self._sessions[-1].close()

    def close(self) -> None:
        for session in self._sessions:
            session.close()

    def _path(self, flow: str | os.PathLike[str]) -> Path:
        path = Path(flow)
        if not path.is_absolute() and not path.exists() and (self._root / path).exists():
            return self._root / path
        return path

    def __repr__(self) -> str:
        return f"<kestra, {len(self._executions)} executions>"


class Postgres:
    """Rows of the PostgreSQL double, with all rights."""

    def __init__(self, kestra: Kestra) -> None:
        self._kestra = kestra

    def __call__(self, sql: str, database: str | None = None) -> list[dict[str, Any]]:
        session = self._kestra.session
        double: Any = session.supervisor.get("postgres")
        session.supervisor.start("postgres")
        rows: list[dict[str, Any]] = double.query(sql, database)
        return rows

    def __repr__(self) -> str:
        return "<postgres double>"


class Buckets(Mapping[str, S3Bucket]):
    """Buckets of the S3 double by name."""

    def __init__(self, kestra: Kestra) -> None:
        self._kestra = kestra

    def _double(self) -> Any:
        self._kestra.session.supervisor.start("s3")
        return self._kestra.session.supervisor.get("s3")

    def __getitem__(self, name: str) -> S3Bucket:
        double = self._double()
        if name not in double.contents():
            raise KeyError(name)
        return S3Bucket(double, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._double().contents())

    def __len__(self) -> int:
        return len(self._double().contents())

    def __repr__(self) -> str:
        return "<s3 double>"


class Outbox(Sequence[Mapping[str, Any]]):
    """Messages of the last run, masked."""

    def __init__(self, kestra: Kestra) -> None:
        self._kestra = kestra

    def _messages(self) -> list[dict[str, Any]]:
        from simulator.testing.expectations import outbox_of

        session = self._kestra.session
        text = json.dumps(outbox_of(session), default=str)
        found: list[dict[str, Any]] = json.loads(session.vault.redactor.redact(text))
        return found

    def __getitem__(self, index: Any) -> Any:
        return self._messages()[index]

    def __len__(self) -> int:
        return len(self._messages())

    def __repr__(self) -> str:
        return f"<outbox {self._messages()}>"


_UNSTABLE = (
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?"), "<date>"),
    (re.compile(r"kestra:///[^\s\"']+"), "<uri>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:<port>"),
)


class Snapshot:
    """Golden executions: `<test file>.snapshots/<test>.json`, unstable values replaced."""

    def __init__(self, test_file: Path, name: str, update: bool) -> None:
        safe = re.sub(r"[^\w.\[\]-]+", "_", name)
        self._path = test_file.with_name(f"{test_file.stem}.snapshots") / f"{safe}.json"
        self._update = update
        self._count = 0

    def __call__(self, execution: Execution) -> None:
        """Compares; a difference is an AssertionError that shows it. A missing file is written by
        `--update-snapshots` only."""
        self._count += 1
        path = self._path if self._count == 1 else self._path.with_suffix(f".{self._count}.json")
        text = json.dumps(_stable(execution), ensure_ascii=False, indent=2) + "\n"
        if self._update:
            from simulator.reports.sink import write_atomically

            write_atomically(path, text.encode())
            return
        if not path.exists():
            raise AssertionError(f"no snapshot {path}: --update-snapshots writes it")
        expected = path.read_text("utf-8")
        if expected != text:
            import difflib

            diff = difflib.unified_diff(
                expected.splitlines(), text.splitlines(), "snapshot", "execution", lineterm="", n=2
            )
            raise AssertionError(f"the execution differs from {path}\n" + "\n".join(diff))


def _stable(execution: Execution) -> dict[str, Any]:
    value = execution.to_json()
    document = {
        "flow": f"{value['namespace']}.{value['flowId']}",
        "state": value["state"]["current"],
        "inputs": value.get("inputs") or {},
        "outputs": value.get("outputs") or {},
        "taskRuns": [
            {
                "taskId": run["taskId"],
                **({"value": run["value"]} if run.get("value") is not None else {}),
                "state": run["state"]["current"],
                "outputs": run.get("outputs") or {},
            }
            for run in value.get("taskRunList") or ()
        ],
    }
    text = json.dumps(document, ensure_ascii=False)
    ids = [value["id"], *(run["id"] for run in value.get("taskRunList") or ())]
    for pattern, name in _UNSTABLE:
        text = pattern.sub(name, text)
    for number, ident in enumerate(ids):
        text = text.replace(ident, f"<id {number}>")
    result: dict[str, Any] = json.loads(text)
    return result
