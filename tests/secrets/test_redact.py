"""The redactor: nothing gets through, in no form, at no chunk border, and plain text is left alone."""

from __future__ import annotations

import base64
import html
import json
import shlex
import time
import urllib.parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.secrets.redact import MASK, MIN_LENGTH, Redactor

PEM = (
    "-----BEGIN KEY-----\n"
    + "\n".join(f"MIIEvQIBADANBgkqhkiG9w0BAQ{n:02d}" for n in range(20))
    + "\n-----END KEY-----\n"
)
DOCUMENT = {"type": "service_account", "private_key": PEM, "id": "k-0123456789"}
SHAPES = {
    "word": "hunter2hunter2",
    "random": base64.b64encode(bytes(range(64))).decode(),
    "pem": PEM,
    "json": json.dumps(DOCUMENT),
    "quotes": """pa"ss'wo%rd&<x>\\$`""",
    "unicode": "p\u00e4ssw\u00f6rd\u20ac\U0001f511",
}


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


FORMS = {
    "raw": lambda s: s,
    "stripped": str.strip,
    "base64": b64,
    "base64url": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "base64 after a user name": lambda s: b64("user:" + s),
    "base64 in the middle": lambda s: b64("ab" + s + "tail"),
    "url": lambda s: urllib.parse.quote(s, safe=""),
    "url plus": urllib.parse.quote_plus,
    "json": json.dumps,
    "json utf-8": lambda s: json.dumps(s, ensure_ascii=False),
    "shell": shlex.quote,
    "html": html.escape,
    "hex": lambda s: s.strip().encode().hex(),
    "HEX": lambda s: s.strip().encode().hex().upper(),
    "repr": repr,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", FORMS)
def test_forms(shape: str, form: str) -> None:
    redactor = Redactor([SHAPES[shape]])
    text = FORMS[form](SHAPES[shape])
    shown = redactor.redact(f"<<{text}>>")
    assert MASK in shown
    # What is left is at most the edge letters that base64 shares with the neighbours.
    assert len(shown.replace(MASK, "")) <= len("<<>>\"\"''") + (
        20 if "in the middle" in form or "user" in form else 0
    )
    assert redactor.hidden >= 1


def test_every_long_line_is_hidden() -> None:
    redactor = Redactor([PEM])
    for line in PEM.splitlines():
        assert redactor.redact(f"log: {line}!") == f"log: {MASK}!"


def test_json_written_otherwise_and_its_leaves() -> None:
    redactor = Redactor([SHAPES["json"]])
    for text in (json.dumps(DOCUMENT, separators=(",", ":")), json.dumps(DOCUMENT, indent=2)):
        assert redactor.redact(text) == MASK
    assert redactor.redact("key k-0123456789") == f"key {MASK}"
    assert redactor.redact('{"a": "b"}') == '{"a": "b"}'


@pytest.mark.parametrize("order", [("abc123", "abc123XYZ"), ("abc123XYZ", "abc123")])
def test_a_prefix_of_another_leaves_no_tail(order: tuple[str, str]) -> None:
    assert Redactor(order).redact("abc123XYZ abc123") == f"{MASK} {MASK}"


def test_overlapping_secrets_leave_no_tail() -> None:
    redactor = Redactor(["abcdef", "defghijk"])
    assert redactor.redact("-abcdefghijk-") == f"-{MASK}-"
    assert redactor.redact("abcdefabcdef") == MASK * 2  # as Kestra: adjacent ones are two


@pytest.mark.parametrize("value", ["", " ", "a", "abc", " abc \n"])
def test_tiny_values_are_not_replaced(value: str) -> None:
    redactor = Redactor()
    assert not redactor.register(value)
    assert redactor.redact("abc a b c") == "abc a b c"


def test_off_switch_for_the_test_of_tests() -> None:
    redactor = Redactor(["hunter2hunter2"])
    redactor.enabled = False
    assert redactor.redact("hunter2hunter2") == "hunter2hunter2"
    assert redactor.stream().feed("hunter2hunter2") == "hunter2hunter2"
    assert redactor.contains_secret("hunter2hunter2")


def test_plain_lines_are_not_held_back() -> None:
    stream = Redactor([PEM, "hunter2hunter2"]).stream()
    assert stream.feed("a plain line\n") == "a plain line\n"
    assert stream.feed("then hunter") == "then "
    assert stream.feed("s\n") == "hunters\n"
    assert stream.close() == ""


values_ = st.lists(st.text(alphabet="ab/+=\n\u00e9", min_size=1, max_size=12), min_size=1, max_size=4)


@settings(max_examples=200)
@given(values_, st.data())
def test_chunks_do_not_matter(values: list[str], data: st.DataObject) -> None:
    redactor = Redactor(values)
    pieces = st.one_of(
        st.sampled_from(values), st.sampled_from([b64(v) for v in values]), st.text("ab/+=\nx", max_size=5)
    )
    text = "".join(data.draw(st.lists(pieces, max_size=8)))
    whole = redactor.redact(text)
    stream = redactor.stream()
    assert "".join([stream.feed(char) for char in text] + [stream.close()]) == whole
    cut = data.draw(st.integers(0, len(text)))
    stream = redactor.stream()
    assert stream.feed(text[:cut]) + stream.feed(text[cut:]) + stream.close() == whole
    raw = redactor.stream()
    encoded = text.encode()
    assert (
        b"".join([raw.feed_bytes(encoded[i : i + 1]) for i in range(len(encoded))] + [raw.close_bytes()])
        == whole.encode()
    )


@settings(max_examples=200)
@given(values_, st.text("ab/+=\n\u00e9x", max_size=60))
def test_no_form_survives(values: list[str], text: str) -> None:
    redactor = Redactor(values, mask="\0")
    shown = redactor.redact(text)
    for value in values:
        if len(value.strip()) >= MIN_LENGTH:
            assert value not in shown


@given(
    st.text(min_size=4).filter(lambda s: len(s.strip()) >= 4), st.binary(max_size=5), st.binary(max_size=5)
)
def test_base64_at_any_alignment(value: str, before: bytes, after: bytes) -> None:
    data = value.encode("utf-8", "surrogatepass") if value.isprintable() else value.encode("utf-8", "replace")
    if data.decode("utf-8", "replace") != value:
        return
    text = base64.b64encode(before + data + after).decode()
    shown = Redactor([value]).redact(text)
    assert MASK in shown


def test_cost_on_plain_logs() -> None:
    redactor = Redactor(list(SHAPES.values()))
    line = "2026-11-24 06:00:00.000 INFO  fetch  Starting query: select id, first_name from users\n"
    text = line * 12_000
    redactor.redact(line)
    start = time.perf_counter()
    assert redactor.redact(text) == text
    assert time.perf_counter() - start < 2.0  # about 0.1 s for 1 MB on a quiet machine


def test_pathological_text_is_bounded() -> None:
    redactor = Redactor(["a" * 5000, "a" * 4000 + "b"])
    start = time.perf_counter()
    redactor.redact("a" * 100_000)
    assert time.perf_counter() - start < 5.0
