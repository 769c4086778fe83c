"""Runs every case below a folder in every version that it names, and keeps the score."""

from __future__ import annotations

import importlib
import importlib.util
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from simulator.dialect import DIALECTS, dialect_of
from tests.conformance.cases import Case, Result, load
from tests.conformance.expressions import run_expression_case

__all__ = ["GAPS", "read_gaps", "report", "run", "to_json"]

GAPS = Path(__file__).with_name("known_gaps.yaml")
NO_FLOW_RUNNER = "flow cases: no runner"


def run(folder: Path, *, kestra: str | None = None, word: str | None = None) -> Iterator[Result]:
    """The results, case by case. `kestra` (1 or 2) and `word` pick some. A case that names no version fails."""
    flow_runner = _flow_runner()
    seen: set[str] = set()
    for case in load(folder):
        if word is not None and not case.mentions(word):
            continue
        if case.kind != "broken" and case.id in seen:
            yield Result(case.id, "-", False, "the id is used twice", features=case.features)
        seen.add(case.id)
        if case.problem is not None:
            yield Result(case.id, "-", False, f"not understood: {case.problem}", features=case.features)
            continue
        if not case.versions:
            yield Result(case.id, "-", False, "the case names no version", features=case.features)
        for version in case.versions:
            if version not in DIALECTS:
                yield Result(
                    case.id, version, False, f"not understood: version {version}", features=case.features
                )
            elif kestra is None or dialect_of(version).name == kestra:
                yield _one(case, version, flow_runner)


def _one(case: Case, version: str, flow_runner: Callable[..., Result] | None) -> Result:
    if case.kind == "expression":
        return run_expression_case(case, version)
    if flow_runner is None:
        return Result(case.id, version, False, NO_FLOW_RUNNER, features=case.features)
    try:
        return flow_runner(case, case.path, version)
    except Exception as error:
        return Result(
            case.id, version, False, f"unexpected {type(error).__name__}: {error}", features=case.features
        )


def _flow_runner() -> Callable[..., Result] | None:
    """`run_flow_case(case, path, kestra)` of tests/conformance/flow_cases.py, when it is there."""
    if importlib.util.find_spec("tests.conformance.flow_cases") is None:
        return None
    runner: Callable[..., Result] = importlib.import_module("tests.conformance.flow_cases").run_flow_case
    return runner


def read_gaps(path: Path = GAPS) -> dict[str, str]:
    """Known gaps: `<case id> <version>` -> reason. Each needs a reason."""
    import yaml

    found: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    bad = [name for name, reason in found.items() if not isinstance(reason, str) or not reason.strip()]
    if bad:
        raise ValueError(f"known gaps without a reason: {bad}")
    return dict(found)


def to_json(results: Iterable[Result]) -> dict[str, Any]:
    """The machine form of a run."""
    cases = [
        {"id": result.id, "kestra": result.kestra, "passed": result.passed, "reason": result.reason}
        for result in results
    ]
    return {"passed": sum(bool(case["passed"]) for case in cases), "total": len(cases), "cases": cases}


def report(results: list[Result]) -> str:
    """Failing cases with expected and actual, then the score per feature and version."""
    lines: list[str] = []
    for result in results:
        if not result.passed:
            lines.append(f"FAIL {result.id} [{result.kestra}]: {result.reason}")
            if result.expected or result.actual:
                lines += [f"     expected {result.expected!r}", f"     actual   {result.actual!r}"]
    scores: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for result in results:
        for feature in result.features:
            score = scores[feature, result.kestra]
            score[0] += result.passed
            score[1] += 1
    if lines:
        lines.append("")
    for (feature, version), (passed, total) in sorted(scores.items()):
        lines.append(f"{feature:32} {version:4} {passed:5} / {total}")
    for version in sorted({result.kestra for result in results}):
        own = [result.passed for result in results if result.kestra == version]
        lines.append(f"{'all of ' + version:37} {sum(own):5} / {len(own)}")
    passed = sum(result.passed for result in results)
    lines.append(f"{'all':37} {passed:5} / {len(results)}")
    return "\n".join(lines)
