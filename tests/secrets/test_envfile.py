"""The env-file grammars: what Compose accepts, what it refuses, and where."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.diagnostics import Severity
from simulator.errors import SecretError
from simulator.secrets.envfile import EnvFile, parse_env_text, read_env_file


def values(text: str, format: str = "compose", **environ: str) -> dict[str, str]:
    read = parse_env_text(text, format=format, environ=environ)
    assert not [str(item) for item in read.diagnostics if item.severity is Severity.ERROR]
    return {name: entry.value for name, entry in read.last().items()}


def findings(text: str, format: str = "compose") -> list[tuple[str, int, int]]:
    read = parse_env_text(text, format=format)
    return [(i.code, i.span.start.line, i.span.start.column) for i in read.diagnostics if i.span]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("A=b=c==", "b=c=="),
        ("A=", ""),
        ("A = b ", "b"),
        ("export A=b", "b"),
        ("A: b", "b"),
        ("A='x y'", "x y"),
        ('A="x\\ty\\n"', "x\ty\n"),
        ("A='x\\ty'", "x\\ty"),
        ("A='two\nlines'", "two\nlines"),
        ('A="q\\"q"', 'q"q'),
        ("A='it\\'s'", "it's"),
        ('A="v" # comment', "v"),
        ("A=v # comment", "v"),
        ("A=v#no", "v#no"),
        ("A=$$x", "$x"),
        ("A='$x'", "$x"),
        ('A="\\$x"', "$x"),
        ("A=${B:-d}", "d"),
        ("A=${B-d}${B:+e}", "d"),
        ("A=${B:-${C:-deep}}", "deep"),
        ("A=b\r", "b"),
        ("A=ends without newline", "ends without newline"),
    ],
)
def test_compose_value(line: str, value: str) -> None:
    assert values(line)["A"] == value


def test_interpolation_sees_earlier_lines_and_the_environment_first() -> None:
    assert values("B=file\nA=$B-${B}")["A"] == "file-file"
    assert values("B=file\nA=$B", B="host")["A"] == "host"


def test_name_alone_takes_the_environment() -> None:
    assert values("A\n", A="host") == {"A": "host"}
    assert findings("A\n") == [("SIM-ENV-004", 1, 1)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OK=1\nSECRET_# comment=\n", [("SIM-ENV-003", 2, 8)]),
        ("SECRET_export F=MQ==\n", [("SIM-ENV-003", 1, 1)]),
        ("A='open\nB=1\n", [("SIM-ENV-005", 1, 3)]),
        ("A='x'y\n", [("SIM-ENV-005", 1, 6)]),
        ("A=1\n\nA=2\n", [("SIM-ENV-010", 3, 1)]),
        ("A=x # y\n", [("SIM-ENV-006", 1, 5)]),
        ("A=$nope\n", [("SIM-ENV-007", 1, 3)]),
        ("A=${\n", [("SIM-ENV-007", 1, 3)]),
        ("A=${B:?}\n", [("SIM-ENV-007", 1, 3)]),
        ("A=5$\n", [("SIM-ENV-007", 1, 3)]),
        ("=x\n", [("SIM-ENV-003", 1, 1)]),
        ("a/b=1\nc+d=1\n", [("SIM-ENV-003", 1, 2), ("SIM-ENV-003", 2, 2)]),
        ("A={{ b | base64encode }}\n", [("SIM-ENV-008", 1, 3)]),
    ],
)
def test_oddities_have_a_place(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert findings(text) == expected


def test_all_mistakes_are_reported_at_once() -> None:
    assert len(findings("a b=1\n# fine\n?=2\nOK=3\n'x=4\n")) == 3


@pytest.mark.parametrize("tail", ["c3Q=", "c3Q", "c3Rz", "a+/b", "a+/="])
def test_wrapped_base64_is_recognised(tail: str) -> None:
    wrapped = "QUJD" * 19
    read = parse_env_text(f"SECRET_X={wrapped}\n{tail}\nSECRET_Y=MQ==\n")
    assert [item.code for item in read.diagnostics] == ["SIM-ENV-009"]
    assert "SECRET_X" in read.diagnostics[0].message
    assert [entry.name for entry in read.entries] == ["SECRET_X", "SECRET_Y"]


def test_raw_keeps_everything_after_the_first_equals() -> None:
    text = "# c\n\n  A= 'x' # y \nB=$C\n"
    assert values(text, "raw") == {"A": " 'x' # y ", "B": "$C"}
    assert findings("a b=1\n", "raw") == [("SIM-ENV-003", 1, 1)]
    assert findings("=1\n", "raw") == [("SIM-ENV-003", 1, 1)]


def test_plain_does_not_interpolate() -> None:
    assert values('A=p$w\nB="p$w\\$"\nC=${D}\n', "plain") == {"A": "p$w", "B": "p$w$", "C": "${D}"}
    assert values("A=a:b\n", "plain") == {"A": "a:b"}


def test_macro_is_expanded_before_the_grammar_cuts_it() -> None:
    read = parse_env_text('SECRET_X={{ "a $ # b" | base64encode }}\n')
    assert read.entries[0].value == "YSAkICMgYg=="
    assert read.entries[0].macro


def test_values_are_not_in_representations() -> None:
    read = parse_env_text("A=hunter2\n'=hunter2\nB='hunter2\n")
    assert "hunter2" not in repr(read)
    assert "hunter2" not in "".join(map(str, read.diagnostics))


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="Env file not found"):
        read_env_file(tmp_path / "none")
    with pytest.raises(SecretError, match="cannot be read"):
        read_env_file(tmp_path)
    latin = tmp_path / "latin"
    latin.write_bytes("A=1\nB=\u00e9\n".encode("latin-1"))
    with pytest.raises(SecretError) as caught:
        read_env_file(latin)
    assert caught.value.span is not None
    assert (caught.value.span.start.line, caught.value.span.start.column) == (2, 3)


def test_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    file = tmp_path / "bom"
    file.write_bytes(b"\xef\xbb\xbfA=1\n")
    assert [entry.name for entry in read_env_file(file).entries] == ["A"]


@given(st.text(max_size=200), st.sampled_from(["compose", "raw", "plain"]))
def test_no_text_breaks_the_reader(text: str, format: str) -> None:
    read = parse_env_text(text, format=format)
    assert isinstance(read, EnvFile)
    lines = text.split("\n")
    for item in read.diagnostics:
        assert item.span is not None
        assert 1 <= item.span.start.line <= len(lines)
        assert item.span.start.column <= len(lines[item.span.start.line - 1]) + 1


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True),
        st.text(st.characters(blacklist_categories=("Cs",)), max_size=30),
        max_size=5,
    )
)
def test_double_quoted_values_come_back(variables: dict[str, str]) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$") + '"'

    text = "\n".join(f"{name}={quoted(value)}" for name, value in variables.items())
    assert values(text) == variables
