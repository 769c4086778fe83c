from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.diagnostics import Position, Span
from simulator.errors import InvalidFlowError
from simulator.source.nodes import MapNode, ScalarNode
from simulator.source.text import SourceText, decode, template_position
from simulator.source.yaml import read_yaml


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings(encoding: str) -> None:
    assert decode("id: é".encode(encoding), "f") == "id: é"


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(InvalidFlowError) as caught:
        decode(b"id: x\nname: \xff\xfa", "f.yml")
    assert str(caught.value.span) == "f.yml:2:7"


def test_positions_over_every_line_end() -> None:
    source = SourceText("f", "a\nbc\r\nd\re")
    assert [source.position(i) for i in (0, 2, 3, 6, 8)] == [
        Position(1, 1), Position(2, 1), Position(2, 2), Position(3, 1), Position(4, 1),
    ]  # fmt: skip
    assert [source.index(source.position(i)) for i in range(9)] == list(range(9))
    assert [source.line(n) for n in range(6)] == ["", "a", "bc", "d", "e", ""]


def test_excerpt_shows_the_place() -> None:
    source = SourceText("f", "id: x\nname: \x1bvalue\n")
    assert (
        source.excerpt(Span("f", Position(2, 7), Position(2, 13)), context=1)
        == "1 | id: x\n2 | name: .value\n  |       ^^^^^^"
    )


def test_excerpt_of_a_long_line_is_cut() -> None:
    source = SourceText("f", "a: " + "x" * 1000 + "HERE" + "y" * 1000)
    line, carets = source.excerpt(Span("f", Position(1, 1004), Position(1, 1008))).split("\n")
    assert line[carets.index("^") : carets.rindex("^") + 1] == "HERE"
    assert len(line) < 200


WRITTEN = [
    "a: foo {{ X }}",
    "a: foo bar\n  baz {{ X }}",
    "a: foo\n\n\n  baz {{ X }} z",
    "a: 'it''s {{ X }}'",
    'a: "tab\\t \\u00e9\\x41 {{ X }}"',
    'a: "one \\\n   two {{ X }}"',
    'a: "one  \n   two\n\n  three {{ X }}"',
    "a: |\n  one\n    two {{ X }}\n",
    "a: |2-\n    one\n    two {{ X }}\n",
    "b: 1\na:\n  - |\n\n    one\n    {{ X }}\n",
    "a: >\n  one\n  two\n\n  three {{ X }}\n",
    "a: >\n  one\n    more\n  less {{ X }}\n",
    "a: >-\n  one\n\n\n  {{ X }} two\n  three",
    "a: >-\n  {{ X }}\n  three",
    "a: |  # comment\r\n  one\r\n  {{ X }}\r\n",
    # The end mark of a block scalar is the start of the next line, whose indentation is not the scalar's.
    "a:\n  b: >\n    one\n    {{ X }}\nc: 1\n",
    "a:\n  b: >-\n      one\n\n      {{ X }} two\n\n  # remark\nc: 1\n",
    "a: >2\n    one\n   {{ X }}\n  two\nc: 1\n",
    "a: |1\n    one\n   {{ X }}\n  two\nc: 1\n",
]


@pytest.mark.parametrize("text", WRITTEN)
def test_template_position_finds_the_place_in_the_file(text: str) -> None:
    root = read_yaml(text)
    assert isinstance(root, MapNode)
    node = root.entries["a"]
    while not isinstance(node, ScalarNode):
        node = next(iter(node.entries.values() if isinstance(node, MapNode) else node.items))
    source = SourceText("f", text)
    assert template_position(node, node.text.index("X")) == source.position(text.index("X"))


_LINES = st.lists(
    st.sampled_from(["", "a", "b c", "  d", "e  f ", "\tg", "'h'", "   ", "#i"]), min_size=1, max_size=6
)


@given(
    lines=_LINES, header=st.sampled_from([">", ">-", ">+", "|", "|-"]), deep=st.booleans(), last=st.booleans()
)
def test_template_position_finds_every_character_of_a_block(
    lines: list[str], header: str, deep: bool, last: bool
) -> None:
    indent = "    " if deep else "  "
    lines = ["x", *lines]
    text = f"a: {header}\n" + "\n".join(f"{indent}{line}" if line else "" for line in lines)
    text += "" if last else "\nz: 1\n"
    root = read_yaml(text)
    assert isinstance(root, MapNode)
    node = root.entries["a"]
    assert isinstance(node, ScalarNode)
    source = SourceText("f", text)
    places = [source.index(template_position(node, offset)) for offset in range(len(node.text))]
    for offset, char in enumerate(node.text):
        if not char.isspace():
            assert text[places[offset]] == char
    assert places == sorted(places)
