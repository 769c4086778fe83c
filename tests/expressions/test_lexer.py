"""Tokens: the corners where Pebble differs from every other template language."""

import pytest

from simulator.expressions.lexer import ParseError, tokenize


def tokens(source: str) -> list[tuple[str, str]]:
    return [(token.type, token.value) for token in tokenize(source)][:-1]


def inside(source: str) -> list[tuple[str, str]]:
    return tokens("{{" + source + "}}")[1:-1]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1", [("NUMBER", "1")]),
        ("1L", [("LONG", "1")]),
        ("1.5", [("NUMBER", "1.5")]),
        ("1..2", [("NUMBER", "1"), ("OPERATOR", ".."), ("NUMBER", "2")]),
        ("a ??? b", [("NAME", "a"), ("OPERATOR", "???"), ("NAME", "b")]),
        ("a is not b", [("NAME", "a"), ("OPERATOR", "is not"), ("NAME", "b")]),
        ("a is  not b", [("NAME", "a"), ("OPERATOR", "is"), ("OPERATOR", "not"), ("NAME", "b")]),
        ("order", [("NAME", "order")]),
        ("is_active", [("NAME", "is_active")]),
        ("é水_1", [("NAME", "é水_1")]),
        (r"'a\'b\n\"'", [("STRING", r"a'b\n\"")]),
        (r'"a\"b"', [("STRING", 'a"b')]),
        ("'a}}b'", [("STRING", "a}}b")]),
        (
            '"a#{b}c"',
            [
                ("STRING_OPEN", '"'),
                ("STRING", "a"),
                ("STRING_INTERPOLATION_START", "#{"),
                ("NAME", "b"),
                ("STRING_INTERPOLATION_END", "}"),
                ("STRING", "c"),
                ("STRING_CLOSE", '"'),
            ],
        ),
        (r'"a\"b#c"', [("STRING_OPEN", '"'), ("STRING", r"a\"b#c"), ("STRING_CLOSE", '"')]),
    ],
)
def test_expression_tokens(source: str, expected: list[tuple[str, str]]) -> None:
    assert inside(source) == expected


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("a {{- x -}} b", ["a", "b"]),
        ("a {{-x}}", ["a "]),
        ("a\n{%- if x -%}\n b", ["a", "b"]),
        ("a {#- c -#} b", ["a", "b"]),
        ("a{# b {# c #} d", ["a", " d"]),
        ("{ a } b }}", ["{ a } b }}"]),
        ("{% verbatim %}  {{ x }} {% endverbatim %}", ["{{ x }} "]),
        ("{% verbatim %}{{ x }} {%- endverbatim -%} y", ["{{ x }}", "y"]),
        ("a\r\n", ["a\r\n"]),
    ],
)
def test_text(source: str, texts: list[str]) -> None:
    assert [value for kind, value in tokens(source) if kind == "TEXT"] == texts


@pytest.mark.parametrize(
    ("source", "message", "offset"),
    [
        ("{# a", "Unclosed comment.", 0),
        ("{% verbatim %}a", "Unclosed verbatim tag.", 0),
        ("{{ (1 }}", 'Unclosed ")"', 6),
        ("{{ [1, 2", 'Unclosed "]"', 3),
        ("{{ ) }}", 'Unexpected ")"', 3),
        ("{{ $ }}", "Unexpected character [$]", 3),
        ("{{ 'a }}", "Unexpected character [']", 3),
        ('{{ "a#{1 }}', 'Unclosed ""', 3),
    ],
)
def test_errors(source: str, message: str, offset: int) -> None:
    with pytest.raises(ParseError) as caught:
        tokenize(source)
    assert caught.value.message.startswith(message)
    assert caught.value.offset == offset or message == 'Unclosed ""'


def test_offsets_point_into_the_source() -> None:
    source = "ab {{ foo.bar | upper }}"
    for token in tokenize(source)[:-1]:
        assert source.startswith(token.value, token.offset)
