"""A diagnostic points at its line with a caret."""

from simulator.diagnostics import Diagnostic, Position, Severity, Span
from simulator.reports.diagnostics import SourceLines, render_diagnostic, summary
from simulator.reports.style import Style


def render(text: str, diagnostic: Diagnostic) -> str:
    return render_diagnostic(diagnostic, SourceLines({"a.yml": text}), Style(False))


def found(line: int, start: int, end: int, **rest: str) -> Diagnostic:
    span = Span("a.yml", Position(line, start), Position(line, end))
    return Diagnostic("SIM-X-001", Severity.ERROR, "wrong", span, rest.get("hint"))


def test_line_and_caret() -> None:
    assert render("id: a\ntype: Lgo\n", found(2, 7, 10, hint="did you mean `Log`?")).splitlines() == [
        "a.yml:2:7: error SIM-X-001: wrong",
        "  2 | type: Lgo",
        "    |       ^^^",
        "    hint: did you mean `Log`?",
    ]


def test_without_a_place_there_is_no_excerpt() -> None:
    assert render("", Diagnostic("SIM-X-001", Severity.WARNING, "odd")) == "warning SIM-X-001: odd"


def test_a_place_outside_the_text_is_no_error() -> None:
    assert render("one line", found(99, 1, 2)) == "a.yml:99:1: error SIM-X-001: wrong"


def test_a_very_long_line_is_cut_around_the_caret() -> None:
    lines = render("x" * 5000 + "HERE" + "y" * 5000, found(1, 5001, 5005)).splitlines()
    assert len(lines[1]) < 200
    column = lines[2].index("^")
    assert lines[1][column : column + 4] == "HERE"
    assert lines[2].count("^") == 4


def test_control_characters_are_shown_not_sent() -> None:
    assert "\x1b" not in render("a\x1b[2Jb", found(1, 1, 2))


def test_summary_counts_by_weight() -> None:
    items = [found(1, 1, 2), found(2, 1, 2), Diagnostic("SIM-X-002", Severity.WARNING, "odd")]
    assert summary(items) == "2 errors, 1 warning"
    assert summary([]) == ""
