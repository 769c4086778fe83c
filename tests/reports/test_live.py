"""The live region: erased before text goes above it, gone at the end, never wider than the screen."""

import io

import pytest

from simulator.engine.events import ExecutionStarted, RunEnded, TaskRunChanged
from simulator.engine.execution import StateType
from simulator.reports import live
from simulator.reports.live import LiveRegion, LiveReporter
from simulator.reports.style import Style
from simulator.secrets.redact import Redactor
from tests.reports.test_console import START, execution, task_run


def screen(text: str) -> list[str]:
    """What a terminal shows after these characters (cursor up, erase below, line feeds)."""
    lines: list[str] = [""]
    row = 0
    index = 0
    while index < len(text):
        if text.startswith("\x1b[", index):
            end = next(i for i in range(index + 2, len(text)) if text[i].isalpha())
            number, letter = text[index + 2 : end], text[end]
            if letter == "A":
                row -= int(number or 1)
            elif letter == "J":
                del lines[row + 1 :]
                lines[row] = ""
            index = end + 1
            continue
        if text[index] == "\n":
            row += 1
            if row == len(lines):
                lines.append("")
        else:
            lines[row] += text[index]
        index += 1
    return lines


def test_text_goes_above_the_region() -> None:
    stream = io.StringIO()
    region = LiveRegion(stream, None)
    region.show(["running a", "running b"])
    region.write("done x\n")
    assert screen(stream.getvalue()) == ["done x", "running a", "running b", ""]
    region.show(["running b"])
    region.show([])
    assert screen(stream.getvalue()) == ["done x", ""]


def test_secrets_are_masked_in_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    LiveRegion(stream, Redactor(["a-clear-secret"])).show(["each[a-clear-secret]"])
    assert "a-clear-secret" not in stream.getvalue() and "each[" in stream.getvalue()


def test_long_lines_are_cut_without_cutting_colour_codes() -> None:
    text = Style(True)("x" * 50, "red")
    cut = live._cut(text, 10)
    assert cut.count("x") == 10 and cut.endswith("\x1b[0m")


def test_the_tree_of_open_task_runs() -> None:
    reporter = LiveReporter(LiveRegion(io.StringIO(), None), Style(False))
    reporter.on_event(ExecutionStarted(START, execution()))
    parent = task_run("par", StateType.RUNNING, 0)
    reporter.on_event(TaskRunChanged(START, parent, "io.kestra.plugin.core.flow.Parallel"))
    child = task_run("a", StateType.RUNNING, 0, parent_task_run_id=parent.id)
    reporter.on_event(TaskRunChanged(START, child, "io.kestra.plugin.core.log.Log"))
    done = task_run("b", StateType.RUNNING, 0)
    reporter.on_event(TaskRunChanged(START, done))
    reporter.on_event(TaskRunChanged(START, task_run("b", StateType.SUCCESS, 1)))
    lines = reporter._frame("*")
    assert [line.split()[1] for line in lines[:2]] == ["par", "a"]
    assert lines[1].startswith("  *   a") and "1 done, 2 open" in lines[2]
    reporter.on_event(RunEnded(START, 0))


def test_a_frame_is_one_write_and_wide_characters_take_two_columns() -> None:
    class Terminal(io.StringIO):
        writes = 0

        def write(self, text: str) -> int:
            self.writes += 1
            return super().write(text)

    stream = Terminal()
    region = LiveRegion(stream, None)
    region.show(["a", "b"])
    region.write("story\n")
    region.show(["c"])
    assert stream.writes == 3
    assert live._cut("\u6771" * 10, 7) == "\u6771" * 3
