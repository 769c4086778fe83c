"""Java's base64 decoder, to the letter (secrets.md 1.1)."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.secrets.encoding import (
    clean_line_breaks,
    decode_java,
    encode_value,
    expand_macro,
    is_macro,
    looks_encoded,
)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", b""),
        ("cGFzc3dvcmQ=", b"password"),
        ("cGFzc3dvcmQ", b"password"),
        ("YQ==", b"a"),
        ("YQ", b"a"),
        ("YWI=", b"ab"),
        ("YR==", b"a"),
        ("YWJj", b"abc"),
        ("+/+/", b"\xfb\xff\xbf"),
    ],
)
def test_decodes(text: str, data: bytes) -> None:
    assert decode_java(text) == data


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("YQ=", "Input byte array has wrong 4-byte ending unit"),
        ("YWJj=", "Input byte array has wrong 4-byte ending unit"),
        ("YQ=x", "Input byte array has wrong 4-byte ending unit"),
        ("====", "Input byte array has wrong 4-byte ending unit"),
        ("a b=", "Illegal base64 character 20"),
        ("ab-c", "Illegal base64 character 2d"),
        ("ab_c", "Illegal base64 character 5f"),
        ("100%", "Illegal base64 character 25"),
        ("a", "Input byte[] should at least have 2 bytes for base64 bytes"),
        ("=", "Input byte[] should at least have 2 bytes for base64 bytes"),
        ("YWJjZ", "Last unit does not have enough valid bits"),
        ("a=", "Last unit does not have enough valid bits"),
        ("YQ==YQ==", "Input byte array has incorrect ending byte at 4"),
        ("YWI=YWI=", "Input byte array has incorrect ending byte at 4"),
        ("abc\u20ac", "Illegal base64 character 3f"),
        ("abc\u00e9", "Illegal base64 character -17"),
        ("YQ\n==", "Illegal base64 character a"),
    ],
)
def test_refuses_with_javas_words(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        decode_java(text)
    assert str(caught.value) == message


@given(st.binary())
def test_decodes_what_python_encodes(data: bytes) -> None:
    encoded = base64.b64encode(data).decode()
    assert decode_java(encoded) == data
    stripped = encoded.rstrip("=")
    assert decode_java(stripped) == data


def test_long_values_are_not_wrapped() -> None:
    assert "\n" not in encode_value("x" * 500)


def test_every_java_line_break_is_removed_and_no_blank() -> None:
    assert clean_line_breaks("a\r\nb\nc\rd\x0be\x0cf\x85g\u2028h\u2029i j\tk") == "abcdefghi j\tk"


@pytest.mark.parametrize(
    ("macro", "clear"),
    [
        ('{{ "actual" | base64encode }}', "actual"),
        ("{{'it\"s'|base64encode}}", 'it"s'),
        (r'{{ "a\"b\\c" | base64encode }}', 'a"b\\c'),
        ('{{ "pa$$ #1" | base64encode }}', "pa$$ #1"),
    ],
)
def test_macro(macro: str, clear: str) -> None:
    assert is_macro(macro)
    assert expand_macro(macro) == base64.b64encode(clear.encode()).decode()


@pytest.mark.parametrize("text", ["{{ x | base64encode }}", '{{ "a" ~ "b" | base64encode }}', '{{ "a" }}'])
def test_other_expressions_are_not_expanded(text: str) -> None:
    assert is_macro(text)
    assert expand_macro(text) is None


def test_looks_encoded_wants_more_than_luck() -> None:
    assert looks_encoded(encode_value("hunter2 is my password"))
    assert not looks_encoded("password")
    assert not looks_encoded("hunter2")
