"""`simulate migrate --verify`: runs each rewritten flow before and after, in its own dialect, and compares the two.

Both runs have the same seed, inputs, side file and doubles. Tasks that cannot run here, and scripts (which would run
twice on this machine), are mocked, on both sides with the same outputs, made from what the flow reads; mocks and
inputs of the side file come first. Loops, branches, expressions, retries and outputs are real.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.diagnostics import Severity
from simulator.errors import SimulatorError

if TYPE_CHECKING:
    from simulator.migrate.engine import Migration
    from simulator.migrate.verify import Run
    from simulator.model.catalog import Catalog
    from simulator.model.flow import Flow, Input

__all__ = ["Verdict", "as_json", "table", "verify"]

_SCRIPTS = ("io.kestra.plugin.scripts.", "io.kestra.plugin.core.runner.", "io.kestra.core.tasks.scripts.")
_SAMPLES: Mapping[str, Any] = {
    "INT": "1", "FLOAT": "1.5", "BOOL": "true", "BOOLEAN": "true", "DATE": "2026-01-31", "TIME": "09:00:00",
    "DATETIME": "2026-01-31T09:00:00Z", "DURATION": "PT1M", "JSON": "{}", "YAML": "{}", "EMAIL": "ada@example.com",
    "URI": "https://example.com/sample", "ARRAY": "[]", "MULTISELECT": "[]",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one flow: the states of both runs (None: did not start), why it did not, and the differences."""

    file: str
    before: str | None
    after: str | None
    mocked: tuple[str, ...] = ()
    reason: str | None = None
    differences: tuple[str, ...] = ()

    @property
    def ran(self) -> bool:
        return self.before is not None and self.after is not None

    @property
    def result(self) -> str:
        """`same`, `different`, or `not run`: nothing was shown (neither side runs here, or a person has to finish
        the migration first)."""
        return "different" if self.differences else "same" if self.ran else "not run"


def verify(migrations: Iterable[Migration]) -> list[Verdict]:
    """Runs every migration that changes its file. What one side refuses and the other runs is a difference."""
    changed = [migration for migration in migrations if migration.changed]
    with tempfile.TemporaryDirectory(prefix="simulate-verify-") as name:
        folders = {"1": Path(name) / "before", "2": Path(name) / "after"}
        paths: dict[str, list[Path]] = {}
        for major, folder in folders.items():
            folder.mkdir()
            paths[major] = [folder / f"{number}.yml" for number in range(len(changed))]
            for path, migration in zip(paths[major], changed, strict=True):
                text = migration.before if major == "1" else migration.after
                path.write_text(text, encoding="utf-8", newline="")
        return [
            _verdict(migration, old, new)
            for migration, old, new in zip(changed, paths["1"], paths["2"], strict=True)
        ]


def _verdict(migration: Migration, old: Path, new: Path) -> Verdict:
    from simulator.migrate.verify import compare, made_or_removed

    mocks: dict[str, Any] = {}
    inputs: dict[str, Any] = {}
    for path, kestra in ((new, "2"), (old, "1")):
        more_mocks, more_inputs = _world(path, kestra)
        mocks |= more_mocks  # the same outputs on both sides: those of the flow before
        inputs |= more_inputs
    ran: list[tuple[Run | None, str, Any]] = []
    for path, kestra in ((old, "1"), (new, "2")):
        ran.append(_run(Path(migration.file), path, kestra, mocks, inputs))
    (before, why_old, redact), (after, why_new, _) = ran
    names = tuple(sorted(mocks))
    old_state, new_state = _state(before), _state(after)
    if before is not None and after is not None:
        ignored = made_or_removed(migration.before, migration.after)
        found = tuple(redact(str(item)) for item in compare(before, after, ignore=ignored))
        return Verdict(migration.file, old_state, new_state, names, None, found)
    reason = why_old or why_new
    if before is None and after is None:
        return Verdict(migration.file, None, None, names, reason)
    if after is None and any(not finding.advisory for finding in migration.open):
        return Verdict(migration.file, old_state, None, names, f"the rest is left to a person: {reason}")
    side = "before" if before is None else "after"
    return Verdict(migration.file, old_state, new_state, names, reason, (f"cannot run {side}: {reason}",))


def _state(run: Run | None) -> str | None:
    return str(run.execution["state"]["current"]) if run is not None else None


def _world(path: Path, kestra: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The mocks and inputs that a flow needs; nothing for one that is not valid (the run says so)."""
    from simulator.diagnostics import Collector
    from simulator.dialect import dialect_of
    from simulator.model.build import build_flow
    from simulator.plugins.registry import Registry
    from simulator.world.stubs import stubs

    catalog: Catalog = Registry()
    dialect = dialect_of(kestra)
    try:
        flow = build_flow(path.read_text("utf-8"), str(path), dialect, catalog, collector=Collector())
    except SimulatorError:
        return {}, {}
    if flow is None:
        return {}, {}
    found: dict[str, Any] = stubs(
        flow, catalog, dialect, wanted=lambda task: task.type.startswith(_SCRIPTS) and not task.children
    )
    return found, _inputs(flow)


def _inputs(flow: Flow) -> dict[str, Any]:
    """A value for every required input without a default."""
    found: dict[str, Any] = {}
    for item in flow.inputs:
        for inner, name in [(child, f"{item.id}.{child.id}") for child in item.children] or [(item, item.id)]:
            if inner.required and inner.node.get("defaults") is None and inner.type != "FILE":
                found[name] = _sample(inner)
    return found


def _sample(item: Input) -> Any:
    values = item.node.plain().get("values") if item.type in ("SELECT", "ENUM") else None
    if isinstance(values, list) and values:
        first = values[0]
        return str(first.get("value")) if isinstance(first, dict) else str(first)
    return _SAMPLES.get(item.type, "sample")


def _run(
    original: Path, path: Path, kestra: str, mocks: Mapping[str, Any], inputs: Mapping[str, Any]
) -> tuple[Run | None, str, Any]:
    """One run, or why there is none; and the redactor for what is shown of it."""
    import os

    from simulator.api import Recorder
    from simulator.engine.jsonform import log_to_json, to_json
    from simulator.migrate.verify import Run
    from simulator.session import Session
    from simulator.world.sidefile import read_side_file, side_file_of

    env_file = original.parent / ".env_encoded"
    try:
        side_path = side_file_of(original)
        given: dict[str, Mapping[str, Any]] = {}
        if side_path.exists():
            side = read_side_file(side_path)
            given = {key: dict(side.get(key) or {}) for key in ("mocks", "inputs")}
        flags: dict[str, Any] = {
            "kestra": kestra,
            "mocks": {key: value for key, value in mocks.items() if key not in given.get("mocks", {})},
            "inputs": {key: value for key, value in inputs.items() if key not in given.get("inputs", {})},
            "env_files": (env_file,) if env_file.is_file() else (),
            "flows": (path.parent,),
            "seed": 1,
            "keep": 0,
        }
        session = Session.open(
            path, flags=flags, environ=os.environ, side_file=side_path if side_path.exists() else None
        )
    except SimulatorError as error:
        return None, _reason(error), str
    recorder = Recorder()
    session.reporters.append(recorder)
    try:
        main = session.run()
        executions = [to_json(each) for each in session.executor.executions()]
    except SimulatorError as error:
        return None, session.vault.redactor.redact(_reason(error)), str
    finally:
        session.close()
    run = Run(
        next(each for each in executions if each["id"] == main.id),
        [each for each in executions if each.get("kind") == "LOOP"],
        [log_to_json(entry) for entry in recorder.logs],
    )
    return run, "", session.vault.redactor.redact


def _reason(error: SimulatorError) -> str:
    first = next((item for item in error.to_diagnostics() if item.severity is Severity.ERROR), None)
    text = first.message if first is not None else str(error)
    where = f" (line {first.span.start.line})" if first is not None and first.span is not None else ""
    return text.splitlines()[0][:200] + where


def table(verdicts: Sequence[Verdict]) -> list[str]:
    """One line per flow, differences below it, and a count."""
    if not verdicts:
        return ["nothing was rewritten: there is nothing to compare"]
    width = max(len(one.file) for one in verdicts)
    lines = [f"{'flow':<{width}}  {'before':<9} {'after':<9} {'result':<9}  mocked"]
    for one in verdicts:
        mocked = ", ".join(one.mocked) or "-"
        lines.append(
            f"{one.file:<{width}}  {one.before or '-':<9} {one.after or '-':<9} {one.result:<9}  {mocked}"
        )
        lines += [f"    {text}" for text in one.differences]
        if one.reason and not one.differences:
            lines.append(f"    not run: {one.reason}")
    counts = [
        f"{sum(one.result == word for one in verdicts)} {word}" for word in ("same", "different", "not run")
    ]
    return [*lines, "", f"{len(verdicts)} compared: {', '.join(counts)}"]


def as_json(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """The same as data."""
    return [
        {
            "file": one.file,
            "before": one.before,
            "after": one.after,
            "result": one.result,
            "reason": one.reason,
            "mocked": list(one.mocked),
            "differences": list(one.differences),
        }
        for one in verdicts
    ]
