"""The composition root: a flow file, settings and the world around them become a finished execution.

    with Session.open(Path("flows/postgres_to_s3.yml"), flags={}, environ=os.environ) as session:
        session.reporters.append(reporter)
        execution = session.run()

`open` reads and checks everything that can be known before a run, and starts the doubles that the flow will need while
it does so. `run` may be called once; `close` takes everything down (also when something failed).
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import random
import zoneinfo
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.diagnostics import Collector, Diagnostic
from simulator.dialect import dialect_of
from simulator.doubles.base import Address
from simulator.doubles.supervisor import Supervisor
from simulator.engine.events import (
    DiagnosticRaised,
    DoubleReady,
    Event,
    Reporter,
    RunEnded,
    RunStarted,
)
from simulator.engine.execution import Execution, StateType
from simulator.errors import (
    ExitCode,
    InvalidFlowError,
    NotFoundError,
    SimulatorError,
    UsageError,
)
from simulator.model.flow import Flow
from simulator.plugins.registry import Registry
from simulator.reports.masking import mask_deep, mask_diagnostic, mask_event, mask_json_lines, masked_values
from simulator.world.config import Settings, merge
from simulator.world.doubles import DoublesOfRun, all_doubles, head_start
from simulator.world.endpoints import NetworkPolicy, RunEndpoints
from simulator.world.flowfile import read_flow_text
from simulator.world.inside import export, look_inside
from simulator.world.mocks import Mocks
from simulator.world.preflight import check_mocks, refuse_unsupported, undeclared_inputs
from simulator.world.rundir import STATE_DIR, RunDir
from simulator.world.sidefile import SideFile, read_side_file, side_file_of
from simulator.world.telling import Telling

if TYPE_CHECKING:
    from simulator.engine.processes import Processes
    from simulator.secrets.redact import Redactor

__all__ = ["Session", "exit_code_of"]

#: A loop of failing task runs says the same thing often enough.
_DIAGNOSTICS_KEPT = 200


def exit_code_of(state: StateType, *, strict: bool = False) -> ExitCode:
    """What the process says for an execution that ended (or stopped) in this state."""
    match state:
        case StateType.SUCCESS | StateType.SKIPPED:
            return ExitCode.SUCCESS
        case StateType.WARNING:
            return ExitCode.WARNING if strict else ExitCode.SUCCESS
        case StateType.PAUSED | StateType.BREAKPOINT:
            return ExitCode.PAUSED
    return ExitCode.FAILED


class Session:
    """One run of one flow. Build it with `open`."""

    def __init__(self, flow_file: Path, text: str, settings: Settings, side: SideFile | None) -> None:
        self.flow_file = flow_file
        self.text = text
        self.settings = settings
        self.side = side
        self.diagnostics: list[Diagnostic] = []
        self.registry = Registry()
        self.supervisor = Supervisor(all_doubles(settings, side))
        self.rundir: RunDir | None = None
        self._telling = Telling()
        self._closed = False
        self.frozen: bool | None = None
        """Whether real work leaves no trace on the clock; None: when its start is given"""
        self.execution: Execution | None = None
        self.executor: Any = None
        self._redactor: Redactor | None = None
        self._processes: Processes | None = None

    @property
    def reporters(self) -> list[Reporter]:
        """Who hears of the run; add to it before `run`."""
        return self._telling.reporters

    # --- opening

    @classmethod
    def open(
        cls,
        flow_file: Path,
        *,
        flags: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
        side_file: Path | None = None,
        cwd: Path | None = None,
        local: bool = True,
        redactor: Redactor | None = None,
    ) -> Session:
        """Everything before the run. Raises SimulatorError with all that is wrong; nothing is left running then.

        `redactor` learns the secrets as they are read, so that errors of `open` itself are masked too.
        `local` False: the run is elsewhere, so no double starts and types that cannot run here are fine.
        """
        environ = environ or {}
        text = read_flow_text(flow_file)
        side_path = side_file or side_file_of(flow_file)
        if side_file is not None and not side_file.exists():
            raise UsageError(f"there is no side file `{side_file}`")
        side = read_side_file(side_path) if side_path.exists() else None
        session = cls(flow_file, text, merge(flags or {}, environ, side), side)
        session._redactor = redactor
        session.supervisor.__enter__()
        try:
            if local:
                session._head_start()
            session._load(environ, cwd or Path.cwd())
            if local:
                session._refuse_unsupported()
        except BaseException:
            session.close()
            raise
        return session

    def _head_start(self) -> None:
        head_start(self.text, self.supervisor, NetworkPolicy(self.settings.live, self.settings.allow))

    def _load(self, environ: Mapping[str, str], cwd: Path) -> None:
        from simulator.secrets.vault import Vault

        settings = self.settings
        extra = dict(settings.env)
        for key, value in settings.secrets.items():
            extra[f"SECRET_{key}"] = base64.b64encode(str(value).encode()).decode()
        self.vault = Vault.load(
            self._env_files(cwd),
            format=settings.env_format,
            extra=extra,
            environ=environ if settings.inherit_env else None,
            redactor=self._redactor,
        )
        self.diagnostics += self.vault.diagnostics
        self.flow = self._build_flow()
        self.diagnostics += check_mocks(self.flow, settings.mocks, self.registry, self.dialect)
        self.diagnostics += undeclared_inputs(self.flow, settings.inputs)
        self._hide_secret_inputs()

    def _env_files(self, cwd: Path) -> list[Path]:
        """Given ones, else `.env_encoded` beside the flow, else in the working directory."""
        if self.settings.env_files:
            from simulator.secrets.envfile import require_env_files

            require_env_files(self.settings.env_files)
            return list(self.settings.env_files)
        for folder in (self.flow_file.parent, cwd):
            candidate = folder / ".env_encoded"
            if candidate.is_file():
                return [candidate]
        return []

    def _build_flow(self) -> Flow:
        """The model; in `auto` the dialect that the flow asks for. Raises InvalidFlowError with all that is wrong."""
        from simulator.model.build import build_flow
        from simulator.model.dialects import choose

        collector = Collector()
        file = str(self.flow_file)
        defaults = self.settings.config.get("plugin_defaults") or ()
        flow: Flow | None = None
        if self.settings.kestra == "auto":
            choice = choose(self.text, file, self.registry)
            self.dialect = choice.dialect
            if choice.notice is not None:
                self.diagnostics.append(choice.notice)
            if not defaults:
                flow = choice.flow
                collector.extend(choice.diagnostics)
        else:
            self.dialect = dialect_of(self.settings.kestra)
        if flow is None:
            collector = Collector()
            flow = build_flow(
                self.text, file, self.dialect, self.registry, collector=collector, plugin_defaults=defaults
            )
        if flow is None or collector.has_errors:
            raise InvalidFlowError(f"{file} is not a valid flow", diagnostics=collector.sorted())
        self.diagnostics += collector.sorted()
        return flow

    def check(self) -> None:
        """What a static reader knows of the flow beyond Kestra's validation; each finding becomes an event.

        Done after the run: it delays nothing, and what failed is told with its own words first.
        """
        from simulator.model.check import Surroundings, check_flow
        from simulator.model.check.ignores import filter_ignored

        surroundings = Surroundings(
            secrets=frozenset(self.vault.names()), namespace_file=self.namespace_files.exists
        )
        found = check_flow(self.flow, self.registry, surroundings=surroundings)
        places = {item.span.start for item in self.diagnostics if item.span is not None}
        for item in filter_ignored(self.text, found):
            if item.span is None or item.span.start not in places:
                self._emit(DiagnosticRaised(self._now(), item))

    def _refuse_unsupported(self) -> None:
        self.diagnostics = refuse_unsupported(
            self.flow,
            Mocks(self.settings.mocks, self.settings.mock_types),
            self.registry,
            self.dialect,
            known=self.diagnostics,
            side_file=side_file_of(self.flow_file),
        )

    # --- running

    def run(self) -> Execution:
        """Runs the flow until it is over or waits for somebody. Raises SimulatorError when it cannot start."""
        executor = self.prepare()
        started = self._now()
        self._emit(
            RunStarted(
                started,
                str(self.flow_file),
                self.flow.namespace,
                self.flow.id,
                str(self.dialect),
                self._facts(),
            )
        )
        self.diagnostics = [mask_diagnostic(item, self.vault.redactor) for item in self.diagnostics]
        for diagnostic in tuple(self.diagnostics):
            self._emit(DiagnosticRaised(started, diagnostic))
        created = self._create()
        self.execution = created
        executor.run_until_idle()
        self.execution = executor.execution(created.id)
        self.check()
        return self.execution

    def _create(self) -> Execution:
        """The execution, started by hand or as a trigger would."""
        settings = self.settings
        if settings.trigger is None:
            return self.executor.create(  # type: ignore[no-any-return]
                self.flow.namespace, self.flow.id, self._given_inputs(), settings.labels
            )
        fired = self.executor.fire(
            self.flow.namespace, self.flow.id, settings.trigger, at=settings.at, payload=settings.payload
        )
        if fired is None:
            raise NotFoundError(
                f"the trigger `{settings.trigger}` starts nothing now",
                hint="its conditions do not hold, or it finds nothing new; "
                "`simulate triggers FLOW` lists when it fires",
            )
        return fired  # type: ignore[no-any-return]

    def resume(self, inputs: Mapping[str, Any], execution_id: str | None = None) -> Execution:
        """Goes on with the paused execution (or another one of the run). Raises InvalidInputError when an answer is not
        valid."""
        assert self.execution is not None, "run() comes first"
        self.executor.act("resume", execution_id or self.execution.id, inputs=dict(inputs))
        self.executor.run_until_idle()
        self.execution = self.executor.execution(self.execution.id)
        return self.execution

    def prepare(self) -> Any:
        """The executor with everything around it; made once."""
        if self.executor is not None:
            return self.executor
        from simulator.engine.clock import RunClock
        from simulator.engine.executor import Executor
        from simulator.engine.processes import Processes
        from simulator.expressions.renderer import Renderer
        from simulator.storage.kv import LocalKv
        from simulator.storage.local import LocalStorage
        from simulator.storage.namespace_files import LocalNamespaceFiles
        from simulator.world.deployed import DeployedFlows
        from simulator.world.http_service import RunHttp

        settings = self.settings
        self.seed = settings.seed if settings.seed is not None else random.SystemRandom().randrange(1 << 32)
        rng = random.Random(self.seed)
        self.rundir = self._new_rundir()
        if self.rundir.notice is not None:
            self.diagnostics.append(self.rundir.notice)
        mocks: Mocks = Mocks(settings.mocks, settings.mock_types)
        if settings.from_task or settings.until_task:
            from simulator.world.reuse import ReusingMocks, part_of

            part = part_of(self.flow, settings.from_task, settings.until_task, self.state_dir)
            part.bring_files(self.rundir.storage)
            self.diagnostics += masked_values([part.earlier] if part.earlier is not None else [])
            mocks = ReusingMocks(settings.mocks, settings.mock_types, part)
            self.flow = part.flow
        self.clock = RunClock(
            simulated=not settings.real_time,
            start=settings.now,
            frozen=self.frozen if self.frozen is not None else settings.now is not None,
        )
        self.flows = DeployedFlows(self.flow, settings.flows, self.registry, self.dialect)
        self.storage = LocalStorage(self.rundir.storage, self.dialect, rng, self.clock.now)
        self.kv = LocalKv(self.storage, self.clock, self.dialect, self._namespaces)
        self.namespace_files = LocalNamespaceFiles(self.storage, self.dialect, self.clock.now)
        if self.rundir.kept:
            from simulator.engine.store import EventStore

            # First in line: what was reported anywhere is on disk before.
            self.reporters.insert(
                0, EventStore(self.rundir.root, lambda lines: mask_json_lines(lines, self.vault.redactor))
            )
        self._fill_stores()
        doubles = DoublesOfRun(self.supervisor, self._on_double)
        self.endpoints = RunEndpoints(doubles, NetworkPolicy(settings.live, settings.allow))
        self._processes = Processes(self.rundir.note_process, self.rundir.forget_process)
        self.executor = Executor(
            dialect=self.dialect,
            flows=self.flows,
            registry=self.registry,
            renderer=Renderer(self.dialect),
            storage=self.storage,
            kv=self.kv,
            namespace_files=self.namespace_files,
            clock=self.clock,
            endpoints=self.endpoints,
            processes=self._processes,
            secrets=self.vault,
            redactor=self.vault.redactor,
            sink=self._emit,
            settings=self._engine_settings(),
            mocks=mocks,
            http=RunHttp(self.endpoints),
            on_turn=self._telling.hand_on,
        )
        return self.executor

    def _new_rundir(self) -> RunDir:
        return RunDir.create(self.settings.state_dir, keep=self.settings.keep)

    @property
    def state_dir(self) -> Path:
        return self.settings.state_dir or Path(STATE_DIR)

    def _engine_settings(self) -> Any:
        from simulator.engine.settings import EngineSettings

        config = self.settings.config
        assert self.rundir is not None
        return EngineSettings(
            envs=self.vault.envs,
            env_vars=dict(self.settings.env),
            globals_=self.settings.globals,
            kestra={key: str(config[key]) for key in ("environment", "url") if config.get(key)},
            recursive_rendering=bool(config.get("recursive_rendering")),
            encryption_key=config.get("encryption_key"),
            allowed_paths=tuple(Path(item) for item in config.get("allowed_paths") or ()),
            docker=self.settings.docker,
            work_root=self.rundir.work,
            zone=self._zone(),
            seed=self.seed,
            run_flow_triggers=bool(self.settings.flows),
            record_properties=any(
                getattr(reporter, "wants_properties", False) for reporter in self.reporters
            ),
        )

    def _namespaces(self) -> list[str]:
        return [flow.namespace for flow in self.flows.all()]

    def _zone(self) -> dt.tzinfo:
        name = self.settings.timezone
        if not name:
            return dt.UTC
        try:
            return zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            raise UsageError(f"`{name}` is no time zone", hint="for example Europe/Berlin") from None

    def _fill_stores(self) -> None:
        """KV pairs and namespace files that the settings bring along."""
        for namespace, pairs in self.settings.kv.items():
            for key, value in pairs.items():
                self.kv.put(namespace, key, value)
        files = self.settings.namespace_files
        if isinstance(files, Path):
            if not files.is_dir():
                raise UsageError(f"there is no folder `{files}` of namespace files")
            for path in sorted(files.rglob("*")):
                if path.is_file() and not path.is_symlink():
                    name = path.relative_to(files).as_posix()
                    self.namespace_files.put(self.flow.namespace, name, path.read_bytes())
        elif files:
            for name, content in files.items():
                self.namespace_files.put(self.flow.namespace, name, str(content).encode())

    def _hide_secret_inputs(self) -> None:
        """Values of SECRET inputs are secrets from here on, whatever becomes of the run."""
        from simulator.model.flow_rules import leaves

        given = self._given_inputs()
        for name, item in leaves(self.flow.inputs):
            if item.type == "SECRET" and given.get(name) not in (None, ""):
                self.vault.register(str(given[name]))

    def _given_inputs(self) -> dict[str, Any]:
        """`@path` inputs: a FILE input takes the path, any other its text."""
        types = {item.id: item.type for item in self.flow.inputs}
        given: dict[str, Any] = {}
        for name, value in self.settings.inputs.items():
            if isinstance(value, Path) and types.get(name) != "FILE":
                given[name] = value.read_text("utf-8").removesuffix("\n")
            else:
                given[name] = str(value) if isinstance(value, Path) else value
        return given

    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        if self.settings.seed is not None:
            facts["seed"] = self.seed
        return facts

    # --- events

    def _now(self) -> dt.datetime:
        return self.clock.now()

    def _emit(self, event: Event) -> None:
        """Takes an event for every reporter, in order."""
        # No reporter sees a secret, whatever it cuts, escapes or forgets.
        if not self.vault.redactor.idle:
            event = mask_event(event, self.vault.redactor)
        if isinstance(event, DiagnosticRaised) and event.diagnostic not in self.diagnostics:
            if len(self.diagnostics) >= _DIAGNOSTICS_KEPT:
                return
            self.diagnostics.append(event.diagnostic)
        self._telling.take(event)
        if self.executor is None or not self.executor.working:
            self._telling.hand_on()

    def _on_double(self, name: str, address: Address) -> None:
        # Scheme and place only: a path may hold the token that keeps others out.
        shown = f"{address.url.partition('://')[0]}://{address.host}:{address.port}"
        self._telling.announce(name, DoubleReady(self._now(), name, shown, address.facts))

    # --- looking inside

    def contents(self) -> dict[str, Any]:
        """What the started doubles hold."""
        found: dict[str, Any] = {}
        for name in self.supervisor.started():
            # A double that died is told where it mattered; the report is written all the same.
            with contextlib.suppress(SimulatorError):
                found[name] = dict(self.supervisor.get(name).contents())
        return found

    def outbox(self) -> list[dict[str, Any]]:
        """Messages that left, in order: `channel` and what it was told."""
        sent = self.executor.outbox if self.executor is not None else []
        return [{"channel": channel, **message} for channel, message in sent]

    def previews(self) -> dict[str, Any]:
        """The beginnings of what the run left: for reports."""
        from simulator.world.previews import previews

        # Contents are data, but what is shown of them is not; masked before it is cut.
        found: dict[str, Any] = mask_deep(previews(self), self.vault.redactor)
        return found

    def look_inside(self) -> list[str]:
        """Commands that open a client on each started double; see `simulator.world.inside`."""
        return look_inside(self)

    def export(self, folder: Path) -> int:
        """Writes uploaded objects and stored files to a folder; how many."""
        return export(self, folder)

    # --- the end

    def finish(self, exit_code: int) -> None:
        """Tells the reporters that the run is over and closes them."""
        facts: dict[str, Any] = {}
        if self.execution is not None:
            facts["executionId"] = self.execution.id
        self._emit(RunEnded(self._now(), exit_code, facts))
        self._telling.close()

    def close(self) -> None:
        """Takes the doubles down and removes what is not kept. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if self.executor is not None:
            self.executor.close()
        if self._processes is not None:
            self._processes.close()
        self.supervisor.stop()
        if self.rundir is not None:
            self.rundir.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
