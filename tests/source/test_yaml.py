from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.diagnostics import Collector, Position
from simulator.errors import InvalidFlowError
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode
from simulator.source.text import MAX_CODE_POINTS, SourceText, decode, template_position
from simulator.source.yaml import MAX_DEPTH, read_yaml

# text -> value of `a`: observed readings of Kestra's reader (Jackson on SnakeYAML)
READINGS = {
    "on": True, "yes": True, "y": "y", "No": False, "off": False, "True": True, "TRUE": True, "tRuE": "tRuE",
    "012": 10, "0o12": "0o12", "08": "08", "0x1F": 31, "0b101": 5, "1_000": 1000, "1_000.5": 1000.5, "_1": "_1",
    "+12": 12, "-0": 0, "12345678901": 12345678901, "123456789012345678901234567890": 123456789012345678901234567890,
    "1.5": 1.5, "1e3": 1000.0, "1.0e+3": 1000.0, ".5": 0.5, "5.": 5.0, "2024-01-01": "2024-01-01",
    "2024-01-01T10:00:00Z": "2024-01-01T10:00:00Z", "12:30:45": "12:30:45", "~": None, "null": None, "Null": None,
    "NULL": None, "nUll": "nUll", "": "", '""': "", "=": "=", "!!str 123": "123", '!!int "123"': 123,
    "!!binary aGk=": b"hi", "!!set {x, y}": {"x": "", "y": ""}, "!custom v": "v", "!!java.net.URL x": "x",
    "|\n  line1\n  line2": "line1\nline2", ">-\n  l1\n  l2": "l1 l2", "'it''s'": "it's", '"x\\ty"': "x\ty",
    '"{{ x }}"': "{{ x }}", "b # c": "b", "b#c": "b#c", "[1, 2,]": [1, 2], "{b: 1, }": {"b": 1}, '"1" ': "1",
    "0.1.2": "0.1.2", "1,000": "1,000", "0_1": 1, "00": 0, "1__0": 10, "0777": 511, "-012": -10, "0x_1": 1,
    "1e400": float("inf"), '"\\u00e9"': "é", "é": "é", "!!timestamp 2024-01-01": "2024-01-01", "!!float 1": 1.0,
    "!!null x": None, "!!bool yes": True,
}  # fmt: skip

ERRORS = {
    "a: .inf": "Malformed numeric value '.inf'",
    "a: -.INF": "Malformed numeric value '-.INF'",
    "a: .nan": "Malformed numeric value '.nan'",
    "a: 1: 2": "mapping values are not allowed here\n in 'reader', line 1, column 5:\n    a: 1: 2\n        ^",
    "? [a, b]\n: x": "Expected a field name (Scalar value in YAML), got this instead: <org.yaml.snakeyaml.events.SequenceStartEvent(anchor=null, tag=null, implicit=true)>",
    "a: 1\na: 2": "Duplicate field 'a'",
    "a: {{ x }}": "Expected a field name (Scalar value in YAML), got this instead: <org.yaml.snakeyaml.events.MappingStartEvent(anchor=null, tag=null, implicit=true)>",
    "a: {{ x }} b": "Expected a field name (Scalar value in YAML), got this instead: <org.yaml.snakeyaml.events.MappingStartEvent(anchor=null, tag=null, implicit=true)>",
    "a: @x": "while scanning for the next token\nfound character '@' that cannot start any token. (Do not use @ for indentation)\n in 'reader', line 1, column 4:\n    a: @x\n       ^",
    "a: `x": "while scanning for the next token\nfound character '`' that cannot start any token. (Do not use ` for indentation)\n in 'reader', line 1, column 4:\n    a: `x\n       ^",
    "a: %x": "while scanning for the next token\nfound character '%' that cannot start any token. (Do not use % for indentation)\n in 'reader', line 1, column 4:\n    a: %x\n       ^",
    "a: - b": "sequence entries are not allowed here\n in 'reader', line 1, column 4:\n    a: - b\n       ^",
    "\ta: 1": "while scanning for the next token\nfound character '\\t(TAB)' that cannot start any token. (Do not use \\t(TAB) for indentation)\n in 'reader', line 1, column 1:\n    \ta: 1\n    ^",
    "a:\t1": "while scanning for the next token\nfound character '\\t(TAB)' that cannot start any token. (Do not use \\t(TAB) for indentation)\n in 'reader', line 1, column 3:\n    a:\t1\n      ^",
    "# only comment": "No content to map due to end-of-input",
    "": "No content to map due to end-of-input",
}


@pytest.mark.parametrize(("written", "value"), READINGS.items())
def test_scalar_is_read_as_kestra_reads_it(written: str, value: object) -> None:
    read = read_yaml(f"a: {written}" if written else "a:").plain()["a"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(("text", "message"), ERRORS.items())
def test_what_kestras_reader_refuses(text: str, message: str) -> None:
    with pytest.raises(InvalidFlowError) as caught:
        read_yaml(text, "flow.yml")
    assert caught.value.message == message
    assert caught.value.span is not None


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("on: x", {"on": "x"}),
        ("1: x", {"1": "x"}),
        ("null: x", {"null": "x"}),
        ("base: &b {x: 1}\nc: *b", {"base": {"x": 1}, "c": "b"}),
        ("base: &b {x: 1}\nc:\n  <<: *b\n  y: 3", {"base": {"x": 1}, "c": {"<<": "b", "y": 3}}),
        ("a: 1\n---\nb: 2", {"a": 1}),
        ("a: 1\n---\nb: [", {"a": 1}),
        ("%YAML 1.2\n---\na: yes", {"a": True}),
        ("- x", ["x"]),
        ("x", "x"),
        ("\ufeffa: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("a: |\n  x\n  \ty\n", {"a": "x\n\ty\n"}),
    ],
)
def test_structure(text: str, plain: object) -> None:
    assert read_yaml(text).plain() == plain


def test_surprises_are_told() -> None:
    found = Collector()
    read_yaml("base: &b 1\nc:\n  <<: *b\n---\nx: 1", "f.yml", collector=found)
    assert [(item.code, item.span and item.span.start.line) for item in found.sorted()] == [
        ("SIM-YAML-012", 3),
        ("SIM-YAML-011", 3),
        ("SIM-YAML-010", 4),
    ]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a: {{ x }}", 'starts with `{{` needs quotes: "{{ x }}"'),
        ('a: {{ x["y"] }}', "needs quotes: '{{ x[\"y\"] }}'"),
        ("a: {% if x %}", "starts with `{%` needs quotes"),
        ("a:\t1", "no tab"),
        (
            "inputs:\n  - id:hello\n    type: STRING",
            "In line 2 a blank is missing after the colon: `id: hello`",
        ),
        ("a: see: this", "needs quotes: 'see: this'"),
        ("a: @x", "must not start with `@`"),
        ("a: 1\na: 2", "line 1"),
        ("a: 'x", "never closed"),
    ],
)
def test_traps_have_a_hint(text: str, hint: str) -> None:
    with pytest.raises(InvalidFlowError) as caught:
        read_yaml(text)
    assert hint in (caught.value.hint or "")


def test_limits() -> None:
    for text in (
        "[" * 100_000,
        "# \t\n" + "[" * 100_000,  # a tab is looked at by the scanner in Python, which is slow at depth
        "# \t\n" + "- " * 100_000 + "x",
        "- " * 5000 + "x",
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
        "a" * (MAX_CODE_POINTS + 1),
    ):
        with pytest.raises(InvalidFlowError):
            read_yaml(text)
    depth = MAX_DEPTH - 1
    assert read_yaml("[" * depth + "]" * depth)


def _walk(node: Node) -> list[Node]:
    children = (
        node.entries.values()
        if isinstance(node, MapNode)
        else node.items
        if isinstance(node, ListNode)
        else ()
    )
    return [node, *(below for child in children for below in _walk(child))]


def test_spans_point_at_the_text() -> None:
    text = "id: a\ntasks:\n  - id: b\n    message: 'c'\n  - {id: d}\nlast: 1\n"
    source = SourceText("f.yml", text)
    root = read_yaml(text, "f.yml")
    cut = [text[source.index(n.span.start) : source.index(n.span.end)] for n in _walk(root)]
    assert cut == [
        text.rstrip("\n"), "a", "- id: b\n    message: 'c'\n  - {id: d}", "id: b\n    message: 'c'", "b", "'c'", "{id: d}", "d", "1",
    ]  # fmt: skip
    assert isinstance(root, MapNode)
    assert root.key_spans["last"].start == Position(6, 1)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="a: -[]{}\n\t'\"|>&*!#%@,?01.\r", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        for node in _walk(read_yaml(text)):
            assert node.span.start <= node.span.end
            if isinstance(node, ScalarNode):
                for offset in range(len(node.text) + 1):
                    template_position(node, offset)
    except InvalidFlowError as error:
        assert error.to_diagnostics()[0].span is not None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    try:
        assert isinstance(decode(data, "f"), str)
    except InvalidFlowError as error:
        assert error.span is not None


def test_an_expression_without_quotes_is_pointed_at() -> None:
    with pytest.raises(InvalidFlowError) as caught:
        read_yaml("a:\n  b: {{ x }}\n", "f.yml")
    span = caught.value.span
    assert span is not None
    assert (span.start, span.end) == (Position(2, 6), Position(2, 8))


def test_the_line_of_an_open_quote_is_named() -> None:
    with pytest.raises(InvalidFlowError) as caught:
        read_yaml('a: x\nb: "hello\nc: y\n', "f.yml")
    assert caught.value.hint == "The quote that opens in line 2 is never closed, or closed too early."
