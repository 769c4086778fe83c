"""What `simulate secrets check` sees, as data."""

from __future__ import annotations

import pytest

from simulator.secrets.encoding import encode_value
from simulator.secrets.inspect import inspect_vault, suspicions
from simulator.secrets.vault import Vault


@pytest.mark.parametrize(
    ("encoded", "words"),
    [
        (encode_value(encode_value("a real password")), "encoded twice"),
        (encode_value("password\n"), "line break"),
        (encode_value('"quoted"'), "quotes"),
        (encode_value("abc"), "shorter than"),
        ("", "is empty"),
        ("password", "no UTF-8"),
        (encode_value("x" * 57), "76 columns"),
        (encode_value(" padded value"), "blank"),
        (encode_value("{{ x }}"), "expression"),
    ],
)
def test_suspicions(encoded: str, words: str) -> None:
    vault = Vault.from_environment({"SECRET_X": encoded})
    texts = suspicions(vault.secrets["X"])
    assert any(words in text for text in texts)


def test_a_good_one_is_not_suspected() -> None:
    for value in ("hunter2!", "-----BEGIN\nx\n-----END\n", "p\u00e4ss w\u00f6rd"):
        assert suspicions(Vault.from_environment({"SECRET_X": encode_value(value)}).secrets["X"]) == []


def test_report() -> None:
    vault = Vault.from_environment({"SECRET_A": encode_value("value-a"), "SECRET_B": encode_value("value-b")})
    report = inspect_vault(vault, [("a", None), ("C", None)])
    assert (report.used, report.missing, report.unused) == (("A", "C"), ("C",), ("B",))
    assert "value-" not in "".join(f"{item} {item.hint}" for item in report.diagnostics)
