"""Every real flow runs to an end in its dialect, with mocks and other surroundings made from the flow itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.corpus.world import run_flow

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "flows"
EXPECTED: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("expected_failures.yml").read_text("utf-8")
)
FLOWS = sorted(CORPUS.rglob("*.y*ml")) if CORPUS.is_dir() else []

needs_corpus = pytest.mark.skipif(not FLOWS, reason="the corpus of real flows is not beside the repository")


@needs_corpus
@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_flow_reaches_its_end(path: Path, tmp_path: Path) -> None:
    outcome = run_flow(path, tmp_path)
    assert outcome.execution is not None, outcome.reasons
    expected = EXPECTED.get(path.name)
    if expected is None:
        assert outcome.state == "SUCCESS", outcome.reasons
    else:
        assert outcome.state == "FAILED", f"it ends {outcome.state} now: take it off expected_failures.yml"
        assert not expected["message"] or any(expected["message"] in text for text in outcome.reasons)
    # A run says which task runs were real: whatever reaches out is mocked here, and only that.
    mocked = {run.task_id for run in outcome.execution.task_runs if run.mocked}
    assert mocked <= outcome.mocked
    assert not any("Traceback" in text for text in outcome.reasons)


@needs_corpus
@pytest.mark.parametrize(
    "name",
    ["shell-scripts", "scan-dynamodb-table", "snowflake-query-trigger", "incident-response-jira-slack"],
)
def test_scripts_run_for_real(name: str, tmp_path: Path) -> None:
    """A sample whose scripts need nothing but this machine."""
    path = next(path for path in FLOWS if path.stem == name)
    outcome = run_flow(
        path, tmp_path, ("io.kestra.plugin.scripts.python.", "io.kestra.plugin.scripts.shell.")
    )
    assert outcome.execution is not None and outcome.state == "SUCCESS", outcome.reasons
    scripts = [task.id for task in outcome.flow.walk_tasks() if ".scripts." in task.type]
    ran = [run for run in outcome.execution.task_runs if run.task_id in scripts]
    assert ran and not any(run.mocked for run in ran)


@needs_corpus
def test_expected_failures_name_flows_and_reasons() -> None:
    assert set(EXPECTED) <= {path.name for path in FLOWS}
    for name, entry in EXPECTED.items():
        assert entry["why"] in ("blueprint", "purpose", "sample"), name
        assert entry["reason"], name
