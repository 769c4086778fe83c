"""Java patterns on the `regex` library. Source: expressions.md 10 and 11, java.util.regex.Pattern."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.regexes import PatternError, extract, find, replace_all, split


@pytest.mark.parametrize(
    ("pattern", "text", "match"),
    [
        (r"\p{Alpha}+", "12abc", "abc"),
        ("[a-z&&[^b]]+", "abc", "a"),
        ("[a-z&&def]+", "abcdef", "def"),
        ("[a[bc]]+", "xcab", "cab"),
        (r"\Qa.b\E", "xa.b", "a.b"),
        ("(?i)ABC", "abc", "abc"),
        (r"(?<n>a)\k<n>", "aa", "aa"),
        ("a{2,3}+", "aaaa", "aaa"),
        ("(?m)^b$", "a\nb", "b"),
        (".+", "a\nb", "a"),
        (".+", "a\u0085b", "a"),
        ("(?s).+", "a\nb", "a\nb"),
        ("b$", "ab\r\n", "b"),
        (r"b\z", "b\n", None),
        ("[]a]", "a]", "a"),
        (r"[\p{L}&&[^\p{Lu}]]+", "ABcd", "cd"),
        (r"\w+", "é", None),
        (r"(?U)\w+", "é", "é"),
        (r"\d", "٣", None),
        (r"\p{L}+", "éa1", "éa"),
        ("(?i)é", "É", None),
        ("(?iu)é", "É", "É"),
        (r"\bfoo\b", "éfoo", "foo"),
        (r"\h", "\u00a0", "\u00a0"),
        ("(?x) a b # c", "ab", "ab"),
        (r"\x41\u0042\x{43}", "ABC", "ABC"),
        (r"\R", "a\r\nb", "\r\n"),
        ("(?<=a)b(?!c)", "abcab", "b"),
    ],
)
def test_find(pattern: str, text: str, match: str | None) -> None:
    found = find(pattern, text, 1.0)
    assert (found.group() if found else None) == match


@pytest.mark.parametrize(
    ("pattern", "description"),
    [
        ("[unclosed", "Unclosed character class"),
        ("*a", "Dangling meta character '*'"),
        ("a**", "Dangling meta character '*'"),
        ("(a", "Unclosed group"),
        ("a)", "Unmatched closing ')'"),
        ("x{", "Illegal repetition"),
        (r"\y", "Illegal/unsupported escape sequence"),
        ("[b-a]", "Illegal character range"),
    ],
)
def test_bad_patterns(pattern: str, description: str) -> None:
    with pytest.raises(JavaError) as caught:
        find(pattern, "", 1.0)
    assert isinstance(caught.value, PatternError)
    assert (caught.value.java_type, caught.value.description) == ("PatternSyntaxException", description)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("[", "Unclosed character class near index 0\n[\n^"),
        ("(a", "Unclosed group near index 2\n(a"),
        (")", "Unmatched closing ')'\n)"),
        ("a{2,b}", "Unclosed counted closure near index 4\na{2,b}\n    ^"),
        ("a{,3}", "Illegal repetition near index 2\na{,3}\n  ^"),
        ("b\\", "Unescaped trailing backslash near index 2\nb\\"),
        (r"\x1g", "Illegal hexadecimal escape sequence near index 3\n\\x1g\n   ^"),
        ("(?<2>a)", "capturing group name does not start with a Latin letter near index 3\n(?<2>a)\n   ^"),
        ("(?<a-b>c)", "named capturing group is missing trailing '>' near index 4\n(?<a-b>c)\n    ^"),
        (r"\p{Nope}", "Unknown character property name {Nope} near index 7\n\\p{Nope}\n       ^"),
    ],
)
def test_place_in_bad_patterns(pattern: str, message: str) -> None:
    with pytest.raises(PatternError) as caught:
        find(pattern, "", 1.0)
    assert caught.value.message == message


def test_replacement_text() -> None:
    assert replace_all(r"(\d)", "a1", "-$1-", 1.0) == "a-1-"
    assert replace_all("(?<d>[0-9])", "a1", "${d}${d}", 1.0) == "a11"
    assert replace_all("(a)", "a", "$12", 1.0) == "a2"
    assert replace_all("a", "a", r"\$\\", 1.0) == "$\\"
    assert replace_all("x*", "abc", "-", 1.0) == "-a-b-c-"
    for replacement in ("$2", "$", "\\", "${no}"):
        with pytest.raises(JavaError):
            replace_all("(a)", "a", replacement, 1.0)


def test_split() -> None:
    assert split(",", "a,b,,c,,", 0, 1.0) == ["a", "b", "", "c"]
    assert split(",", "a,b,,", -1, 1.0) == ["a", "b", "", ""]
    assert split(",", "a,b,c", 2, 1.0) == ["a", "b,c"]
    assert split("", "abc", 0, 1.0) == ["a", "b", "c"]
    assert split(",", ",a", 0, 1.0) == ["", "a"]
    assert split(",", "", 0, 1.0) == [""]
    assert split(",", ",,", 0, 1.0) == []
    assert split("(?=b)", "bab", 0, 1.0) == ["ba", "b"]


def test_extract() -> None:
    assert extract("(a)(b)?", "xa", 1, 1.0) == "a"
    assert extract("(a)(b)?", "xa", 2, 1.0) is None
    assert extract("z", "xa", 0, 1.0) is None
    for group in (-1, 3):
        with pytest.raises(JavaError, match=f"Group index {group} is out of bounds"):
            extract("(a)(b)?", "xa", group, 1.0)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab[](){}|*+?^$\\.-&,0123pPQEdwsx<>:=!i"), st.text(alphabet="ab01 \n", max_size=8))
def test_any_text_is_a_pattern_or_a_java_error(pattern: str, text: str) -> None:
    with contextlib.suppress(JavaError):
        find(pattern, text, 0.5)
