"""No false alarm: real flows that are valid in their dialect pass without an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.cli.check import CheckCatalog
from simulator.diagnostics import Severity
from simulator.model.check import check_text

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "flows"

#: flows whose expressions Kestra cannot render either: file -> the code that says so
BROKEN = {
    "ai-document-data-extraction.yaml": "SIM-EXPR-002",  # a filter that no Kestra has
    "dropbox-backup-to-s3.yaml": "SIM-EXPR-001",  # doubled quotes as in SQL
    "kvm-scheduled-maintenance-window.yaml": "SIM-EXPR-001",  # Python's `not in`
}

pytestmark = pytest.mark.skipif(
    not CORPUS.is_dir(), reason="the corpus of real flows is not beside the repository"
)


@pytest.fixture(scope="module")
def catalog() -> CheckCatalog:
    return CheckCatalog()


def test_valid_flows_pass(catalog: CheckCatalog) -> None:
    files = sorted(CORPUS.rglob("*.y*ml"))
    assert len(files) > 100
    wrong: dict[str, set[str]] = {}
    for file in files:
        checked = check_text(file.read_text("utf-8"), file.name, catalog=catalog)
        errors = {item.code for item in checked.diagnostics if item.severity is Severity.ERROR}
        assert checked.flow is not None
        if errors:
            wrong[file.name] = errors
    assert wrong == {name: {code} for name, code in BROKEN.items()}


def test_findings_have_a_place_and_a_known_code(catalog: CheckCatalog) -> None:
    from simulator.model.check.codes import CODES

    for file in sorted(CORPUS.rglob("*.y*ml")):
        for item in check_text(file.read_text("utf-8"), file.name, catalog=catalog).diagnostics:
            assert item.code in CODES
            assert item.span is not None
