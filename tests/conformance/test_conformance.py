"""All cases of ../shared/conformance, when it is there: none may fail that is no known gap, no gap may pass."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.conformance.runner import NO_FLOW_RUNNER, read_gaps, run

FOLDER = Path(__file__).parents[3] / "shared" / "conformance"


@pytest.mark.slow
@pytest.mark.parametrize("part", ["expressions", "flows"])
def test_cases(part: str) -> None:
    folder = FOLDER / part
    if not folder.is_dir():
        pytest.skip("the conformance cases are not beside the repository")
    if part == "flows" and importlib.util.find_spec("tests.conformance.flow_cases") is None:
        pytest.skip(NO_FLOW_RUNNER)
    gaps = read_gaps()
    results = list(run(folder))
    assert results, "no case found: the folder is empty or was not understood"
    failed = {f"{result.id} {result.kestra}": result for result in results if not result.passed}
    passed = {f"{result.id} {result.kestra}" for result in results if result.passed}
    regressions = [
        f"{name}: {result.reason} (expected {result.expected!r}, got {result.actual!r})"
        for name, result in failed.items()
        if name not in gaps
    ]
    assert not regressions, f"{len(regressions)} cases fail that are no known gaps:\n" + "\n".join(
        regressions
    )
    closed = sorted(passed & set(gaps))
    assert not closed, "these gaps are closed: take them out of known_gaps.yaml:\n" + "\n".join(closed)


def test_every_gap_has_a_reason() -> None:
    assert all(reason.strip() for reason in read_gaps().values())
