"""Every transcript in the documentation is what the command really says.

A block fenced as `console` is a transcript: `$ simulate ...` and its output, run in a copy of the example project; a line
`...` stands for any number of lines. A block below `<!-- file: NAME -->` is written to that file first.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.simulate import FLOWS, example, simulate

ROOT = FLOWS.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(
    r"(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_UNSTABLE = (
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\d+\.\d\d s"), "N s"),
    (re.compile(r"\d+\.ion"), "N.ion"),
    (re.compile(r"execution \w{20,}"), "execution ID"),
    (re.compile(r"[ \t]+"), " "),
)


def stable(text: str) -> list[str]:
    for pattern, name in _UNSTABLE:
        text = pattern.sub(name, text)
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, output = part.partition("\n")
        yield line, stable(output)


def fits(expected: list[str], found: list[str]) -> bool:
    """`...` takes any number of lines."""
    parts = [re.escape(line) + r"\n" if line != "..." else r"(?:.*\n)*?" for line in expected]
    return re.fullmatch("".join(parts), "".join(line + "\n" for line in found)) is not None


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_transcripts(page: Path, tmp_path: Path) -> None:
    example(tmp_path / "flows")
    for block in _BLOCK.finditer(page.read_text("utf-8")):
        if block["file"]:
            (tmp_path / block["file"]).write_text(block["text"], "utf-8")
        if block["kind"] != "console":
            continue
        for line, expected in commands(block["text"]):
            program, *arguments = shlex.split(line)
            assert program == "simulate", f"{page.name}: only simulate is run, not {line}"
            found = stable(simulate(*arguments, cwd=tmp_path).out)
            assert fits(expected, found), f"{page.name}: $ {line}\n" + "\n".join(found)


def test_dots_take_lines() -> None:
    assert fits(["a", "...", "d"], ["a", "b", "c", "d"])
    assert fits(["a", "...", "d"], ["a", "d"])
    assert not fits(["a", "d"], ["a", "b", "d"])
    assert not fits(["...", "x"], ["a", "d"])
