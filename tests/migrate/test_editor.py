"""The round-trip editor: nothing but the edited stretch changes."""

from __future__ import annotations

import pytest

from simulator.migrate.editor import Document, Edit, EditConflictError, Trace, apply, quoted, reindent
from simulator.source.nodes import MapNode, ScalarNode

TEXT = """\
# head
first: 1   # one
"second": 'two'
list:
  - a: 1
    # about b
    b: {x: 1, y: [1, 2]}  # b
    c: |
      text # no comment

  - d: 2
last:
"""


def edited(text: str, edits: list[Edit]) -> str:
    return apply(text, edits)[0]


def item(document: Document, number: int) -> MapNode:
    node = document.map.entries["list"].items[number]  # type: ignore[union-attr]
    assert isinstance(node, MapNode)
    return node


def test_rename_keeps_quotes() -> None:
    document = Document.read(TEXT)
    assert edited(TEXT, document.rename(document.map, "second", "new")) == TEXT.replace('"second"', '"new"')
    assert edited(TEXT, document.rename(document.map, "last", "end")) == TEXT.replace("last:", "end:")


def test_set_scalar_keeps_the_way_of_writing() -> None:
    document = Document.read(TEXT)
    first, second = document.map.entries["first"], document.map.entries["second"]
    assert isinstance(first, ScalarNode) and isinstance(second, ScalarNode)
    assert edited(TEXT, document.set_scalar(first, "true")) == TEXT.replace("1   # one", '"true"   # one')
    assert edited(TEXT, document.set_scalar(second, "it's")) == TEXT.replace("'two'", "'it''s'")


@pytest.mark.parametrize(
    ("key", "gone"),
    [("first", "first: 1   # one\n"), ("last", "last:\n"), ("second", "\"second\": 'two'\n")],
)
def test_remove_takes_the_line(key: str, gone: str) -> None:
    document = Document.read(TEXT)
    assert edited(TEXT, document.remove(document.map, key)) == TEXT.replace(gone, "")


def test_remove_the_first_key_of_an_item() -> None:
    document = Document.read(TEXT)
    wanted = TEXT.replace("  - a: 1\n    # about b\n    b:", "    # about b\n  - b:")
    assert edited(TEXT, document.remove(item(document, 0), "a")) == wanted


def test_remove_a_block_scalar_and_the_only_key() -> None:
    document = Document.read(TEXT)
    assert edited(TEXT, document.remove(item(document, 0), "c")) == TEXT.replace(
        "    c: |\n      text # no comment\n", ""
    )
    assert edited(TEXT, document.remove(item(document, 1), "d")) == TEXT.replace("- d: 2", "- {}")


@pytest.mark.parametrize(("key", "wanted"), [("x", "{y: [1, 2]}"), ("y", "{x: 1}")])
def test_remove_in_braces(key: str, wanted: str) -> None:
    document = Document.read(TEXT)
    inner = item(document, 0).entries["b"]
    assert isinstance(inner, MapNode)
    assert edited(TEXT, document.remove(inner, key)) == TEXT.replace("{x: 1, y: [1, 2]}", wanted)


def test_add() -> None:
    document = Document.read(TEXT)
    block = item(document, 0)
    assert edited(TEXT, document.add_after(block, "b", ["n:", "  m: 1"])) == TEXT.replace(
        "# b\n", "# b\n    n:\n      m: 1\n"
    )
    assert edited(TEXT, document.add_after(block, "c", ["n: 1"])) == TEXT.replace(
        "comment\n", "comment\n    n: 1\n"
    )
    inner = block.entries["b"]
    assert isinstance(inner, MapNode)
    assert edited(TEXT, document.add_after(inner, "x", ["n: 1"])) == TEXT.replace("x: 1,", "x: 1, n: 1,")
    assert edited(TEXT, document.add_after(document.map, "last", ["n: 1"])) == TEXT + "n: 1\n"


def test_add_at_the_end_of_a_file_without_a_line_end() -> None:
    text = "a: 1"
    document = Document.read(text)
    assert edited(text, document.add_after(document.map, "a", ["b: 2"])) == "a: 1\nb: 2"


def test_line_ends_are_those_of_the_file() -> None:
    text = "a: 1\r\nb: 2\r\n"
    document = Document.read(text)
    assert edited(text, document.add_after(document.map, "a", ["n: 1"])) == "a: 1\r\nn: 1\r\nb: 2\r\n"
    assert edited(text, document.remove(document.map, "a")) == "b: 2\r\n"


def test_replace_keeps_the_comments_inside() -> None:
    text = "a:\n  # why\n  b: '# no'  # yes\n  c: 2\nd: 3\n"
    document = Document.read(text)
    assert edited(text, document.replace_entry(document.map, "a", ["n: 1"])) == "# why\n# yes\nn: 1\nd: 3\n"


def test_entry_lines() -> None:
    document = Document.read(TEXT)
    block = item(document, 0)
    assert document.entry_lines(block, "c", "z") == ["z: |", "  text # no comment"]
    assert document.entry_lines(block, "b") == ["b: {x: 1, y: [1, 2]}  # b"]


def test_edits_that_meet_are_refused() -> None:
    for edits in ([Edit(0, 3, ""), Edit(2, 4, "")], [Edit(1, 1, "a"), Edit(1, 1, "b")]):
        with pytest.raises(EditConflictError):
            apply("abcdef", edits)


def test_the_way_back() -> None:
    text, trace = apply("abcdef", [Edit(1, 2, "XYZ"), Edit(4, 5, ""), Edit(6, 6, "!")])
    assert text == "aXYZcdf!"
    assert [trace.back(offset) for offset in range(len(text))] == [0, 1, 1, 1, 2, 3, 5, 6]
    assert Trace([]).back(7) == 7


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("abc", "abc"),
        ("io.kestra.x.Y", "io.kestra.x.Y"),
        ("true", '"true"'),
        ("a: b", '"a: b"'),
        ("", '""'),
        ("1", '"1"'),
        ("{x}", '"{x}"'),
    ],
)
def test_quoted(value: str, written: str) -> None:
    assert quoted(value) == written


def test_reindent() -> None:
    assert reindent("a\n    b\n\n      c\n", 4, 2) == "a\n  b\n\n    c\n"
    assert reindent("a\n  b\n", 2, 6) == "a\n      b\n"
