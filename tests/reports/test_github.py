"""Workflow commands cannot be forged by what a message holds."""

from simulator.diagnostics import Diagnostic, Position, Severity, Span
from simulator.reports.github import annotation, summary_table


def test_annotation() -> None:
    span = Span("flows/a,b.yml", Position(3, 5), Position(3, 9))
    line = annotation(Diagnostic("SIM-X-001", Severity.ERROR, "100% wrong\n::error::forged", span))
    assert line == (
        "::error file=flows/a%2Cb.yml,line=3,endLine=3,col=5,title=SIM-X-001::100%25 wrong%0A::error::forged"
    )
    assert "\n" not in line


def test_cells_stay_in_their_table() -> None:
    table = summary_table("Run", ["a"], [["x | y\nz <b>"]])
    assert "| x \\| y z &lt;b> |" in table
