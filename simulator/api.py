"""The public way in from Python: `simulator.run(...)` gives an `Execution` that can be asked about everything.

    import simulator

    with simulator.run("flows/postgres_to_s3.yml") as execution:
        assert execution.state == "SUCCESS"
        assert execution.task("fetch").outputs["size"] == 6
        body = execution.s3["kestra-bucket"]["data/users.csv"]
        rows = execution.postgres("select count(*) as n from users")

The doubles stay up until the execution is closed (end of the `with` block, or of the program), so that assertions can
look inside them.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from simulator.diagnostics import Diagnostic
from simulator.engine.events import Event, LogEmitted, MetricEmitted
from simulator.engine.execution import Execution as ExecutionValue
from simulator.engine.execution import LogEntry, Metric, StateType, TaskRun
from simulator.errors import NotFoundError, UsageError
from simulator.session import Session

__all__ = ["AwsContents", "Execution", "Recorder", "S3Bucket", "S3Contents", "check", "run"]


class Recorder:
    """Keeps logs and metrics of a run."""

    def __init__(self) -> None:
        self.logs: list[LogEntry] = []
        self.metrics: list[Metric] = []

    def on_event(self, event: Event) -> None:
        match event:
            case LogEmitted():
                self.logs.append(event.entry)
            case MetricEmitted():
                self.metrics.append(event.metric)

    def close(self) -> None:
        """Nothing is kept back."""


class S3Bucket(Mapping[str, bytes]):
    """The objects of a bucket: key -> bytes."""

    def __init__(self, double: Any, name: str) -> None:
        self._double = double
        self.name = name

    def _keys(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._double.contents().get(self.name) or {}
        return found

    def __getitem__(self, key: str) -> bytes:
        if key not in self._keys():
            raise KeyError(key)
        return bytes(self._double.read(self.name, key))

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys())

    def __len__(self) -> int:
        return len(self._keys())

    def __repr__(self) -> str:
        return f"<bucket {self.name}: {', '.join(self._keys()) or 'empty'}>"


class S3Contents(Mapping[str, S3Bucket]):
    """The buckets of the S3 double; empty when it was not started."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def _double(self) -> Any | None:
        started = "s3" in self._session.supervisor.started()
        return self._session.supervisor.get("s3") if started else None

    def _names(self) -> list[str]:
        double = self._double()
        return list(double.contents()) if double is not None else []

    def __getitem__(self, name: str) -> S3Bucket:
        if name not in self._names():
            raise KeyError(name)
        return S3Bucket(self._double(), name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())


class AwsContents(Mapping[str, Mapping[str, list[Any]]]):
    """What lies in SQS, SNS, DynamoDB, Kinesis and EventBridge now: section -> name -> list, as the side file calls them.

    Empty when the execution used none of them. Every look asks the double anew; nothing is taken out of it.
    """

    SECTIONS = ("queues", "topics", "tables", "streams", "buses")

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def queues(self) -> Mapping[str, list[str]]:
        """Queue -> bodies of the messages that were sent and not deleted."""
        return self["queues"]

    @property
    def topics(self) -> Mapping[str, list[dict[str, Any]]]:
        """Topic -> what was published: `message`, and `subject` when there is one."""
        return self["topics"]

    @property
    def tables(self) -> Mapping[str, list[dict[str, Any]]]:
        """Table -> its items as plain values."""
        return self["tables"]

    @property
    def streams(self) -> Mapping[str, list[dict[str, Any]]]:
        """Stream -> its records: `partitionKey`, `data` as text."""
        return self["streams"]

    @property
    def buses(self) -> Mapping[str, list[dict[str, Any]]]:
        """Event bus -> the entries of PutEvents, with their `region`."""
        return self["buses"]

    def __getitem__(self, section: str) -> Mapping[str, list[Any]]:
        if section not in self.SECTIONS:
            raise KeyError(section)
        supervisor = self._session.supervisor
        if "aws" not in supervisor.started():
            return {}
        found: Mapping[str, list[Any]] = supervisor.get("aws").contents().get(section) or {}
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.SECTIONS)

    def __len__(self) -> int:
        return len(self.SECTIONS)


class Execution:
    """A finished (or waiting) execution, with the doubles still up.

    `state` is one of Kestra's states as text. Everything it shows was masked before it got here, but the contents of
    the doubles and of stored files: they are data.
    """

    def __init__(self, session: Session, value: ExecutionValue, recorder: Recorder) -> None:
        self._session = session
        self._recorder = recorder
        self.value = value

    # --- what happened

    @property
    def id(self) -> str:
        return self.value.id

    @property
    def state(self) -> StateType:
        return self.value.state.current

    @property
    def task_runs(self) -> Sequence[TaskRun]:
        """In order of creation."""
        return self.value.task_runs

    @property
    def outputs(self) -> Mapping[str, Any]:
        return self.value.outputs or {}

    @property
    def inputs(self) -> Mapping[str, Any]:
        return self.value.inputs

    @property
    def labels(self) -> Mapping[str, str]:
        return dict(self.value.labels)

    @property
    def variables(self) -> Mapping[str, Any]:
        return self.value.variables or {}

    @property
    def logs(self) -> Sequence[LogEntry]:
        return self._recorder.logs

    @property
    def metrics(self) -> Sequence[Metric]:
        return self._recorder.metrics

    @property
    def diagnostics(self) -> Sequence[Diagnostic]:
        return self._session.diagnostics

    @property
    def outbox(self) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Messages that left: (channel, message)."""
        return list(self._session.executor.outbox)

    @property
    def executions(self) -> Sequence[ExecutionValue]:
        """This execution and those it started."""
        return list(self._session.executor.executions())

    def task(self, task_id: str, value: str | None = None) -> TaskRun:
        """The last task run of a task (for a loop: of that value). Raises NotFoundError."""
        for run in reversed(self.value.task_runs):
            if run.task_id == task_id and (value is None or run.value == value):
                return run
        known = ", ".join(dict.fromkeys(run.task_id for run in self.value.task_runs)) or "none"
        raise NotFoundError(f"no task run of `{task_id}`", hint=f"task runs there are: {known}")

    # --- what it left behind

    @property
    def s3(self) -> S3Contents:
        """Objects in the S3 double: `execution.s3["bucket"]["key"]` are bytes."""
        return S3Contents(self._session)

    @property
    def aws(self) -> AwsContents:
        """What lies in the double of the other AWS services: `execution.aws.queues["orders"]` are its messages."""
        return AwsContents(self._session)

    def postgres(self, sql: str, database: str | None = None) -> list[dict[str, Any]]:
        """Rows of a query on the PostgreSQL double, with all rights."""
        if "postgres" not in self._session.supervisor.started():
            raise UsageError("this execution used no PostgreSQL double")
        double: Any = self._session.supervisor.get("postgres")
        found: list[dict[str, Any]] = double.query(sql, database)
        return found

    def file(self, uri: str) -> bytes:
        """The bytes of a stored file (kestra:///...)."""
        with self._session.storage.open(uri) as stream:
            return stream.read()

    def rows(self, uri: str) -> list[Any]:
        """The rows of a stored Ion file."""
        from simulator.storage.fileserde import read_rows

        with self._session.storage.open(uri) as stream:
            return list(read_rows(stream))

    def resume(self, inputs: Mapping[str, Any] | None = None) -> Execution:
        """Goes on with a paused execution."""
        self._session.executor.act("resume", self.id, inputs=dict(inputs or {}))
        return self._go_on()

    def restart(self) -> Execution:
        """Runs a failed execution again from where it failed."""
        self._session.executor.act("restart", self.id)
        return self._go_on()

    def _go_on(self) -> Execution:
        self._session.executor.run_until_idle()
        self.value = self._session.executor.execution(self.id)
        return self

    def to_json(self) -> dict[str, Any]:
        """The execution in the shape of Kestra's REST API, masked."""
        from simulator.engine.jsonform import to_json
        from simulator.reports.masking import mask_deep, mask_execution

        redactor = self._session.vault.redactor
        # Masked before and after: what becomes text on the way has new shapes.
        result: dict[str, Any] = mask_deep(
            to_json(mask_execution(self.value, redactor)), redactor, keys=False
        )
        return result

    def close(self) -> None:
        """Takes the doubles down. Idempotent."""
        self._session.close()

    def __enter__(self) -> Execution:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Execution {self.value.namespace}.{self.value.flow_id} {self.state}>"


def run(
    flow: str | os.PathLike[str],
    *,
    inputs: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
    kestra: str = "auto",
    env_files: Sequence[str | os.PathLike[str]] = (),
    env: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    side_file: str | os.PathLike[str] | None = None,
    mocks: Mapping[str, Mapping[str, Any]] | None = None,
    mock_types: Mapping[str, Mapping[str, Any]] | None = None,
    flows: Sequence[str | os.PathLike[str]] = (),
    namespace_files: str | os.PathLike[str] | Mapping[str, str] | None = None,
    kv: Mapping[str, Mapping[str, Any]] | None = None,
    live: Sequence[str] = (),
    allow: Sequence[str] = (),
    now: dt.datetime | None = None,
    seed: int | None = None,
    real_time: bool = False,
    timezone: str | None = None,
    keep: int = 0,
) -> Execution:
    """Runs a flow and returns its execution, whatever state it ended in.

    Args: as the flags of `simulate run`; `secrets` are in clear (for tests); `now` must be aware; `keep` executions are
    kept under `.simulate` (none by default). Raises SimulatorError when the flow, its inputs or its side file are not
    valid, or when a double cannot start.
    """
    files = (
        namespace_files
        if isinstance(namespace_files, Mapping) or namespace_files is None
        else Path(namespace_files)
    )
    flags: dict[str, Any] = {
        "kestra": kestra if kestra != "auto" else None,
        "inputs": dict(inputs or {}),
        "labels": dict(labels or {}),
        "env_files": tuple(Path(item) for item in env_files),
        "env": dict(env or {}),
        "secrets": dict(secrets or {}),
        "mocks": dict(mocks or {}),
        "mock_types": dict(mock_types or {}),
        "flows": tuple(Path(item) for item in flows),
        "namespace_files": files,
        "kv": dict(kv or {}),
        "live": tuple(live),
        "allow": tuple(allow),
        "now": now,
        "seed": seed,
        "real_time": real_time or None,
        "timezone": timezone,
        "keep": keep,
    }
    session = Session.open(
        Path(flow),
        flags=flags,
        environ=os.environ,
        side_file=Path(side_file) if side_file is not None else None,
    )
    recorder = Recorder()
    session.reporters.append(recorder)
    try:
        value = session.run()
    except BaseException:
        session.close()
        raise
    return Execution(session, value, recorder)


def check(*paths: str | os.PathLike[str], kestra: str = "auto") -> list[Diagnostic]:
    """Everything that is wrong with flows, without running them."""
    from simulator.dialect import dialect_of
    from simulator.model.check import check_text
    from simulator.plugins.registry import Registry
    from simulator.world.flowfile import read_flow_text

    catalog = Registry()
    dialect = None if kestra == "auto" else dialect_of(kestra)
    found: list[Diagnostic] = []
    for path in map(Path, paths):
        found += check_text(read_flow_text(path), str(path), catalog=catalog, dialect=dialect).diagnostics
    return found
