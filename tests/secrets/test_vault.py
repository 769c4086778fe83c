"""Kestra's rules on where a secret comes from, and our words on why one is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import ExpressionError, SecretError
from simulator.secrets.encoding import encode_value
from simulator.secrets.vault import Vault


def hint_of(vault: Vault, key: str) -> str:
    with pytest.raises(ExpressionError) as caught:
        vault.find(key, "ns")
    assert caught.value.message == f"Cannot find secret for key '{key}'."
    assert caught.value.hint is not None
    return caught.value.hint


def test_key_is_upper_cased_on_both_sides() -> None:
    vault = Vault.from_environment({"SECRET_my_pass": encode_value("v")})
    assert vault.find("my_Pass", None) == "v"
    assert vault.names() == ["MY_PASS"]


def test_prefix_is_case_sensitive_and_says_so() -> None:
    vault = Vault.from_environment({"secret_x": encode_value("v"), "Secret_y": encode_value("v")})
    assert vault.names() == []
    assert "capitals" in hint_of(vault, "X")


def test_undecodable_is_skipped_with_kestras_line() -> None:
    vault = Vault.from_environment({"SECRET_NON_B64_SECRET": "some secret value", "SECRET_OK": "b2s="})
    assert vault.log == [
        "Could not decode secret 'SECRET_NON_B64_SECRET', make sure it is Base64-encoded: "
        "Illegal base64 character 20"
    ]
    assert vault.names() == ["OK"]
    assert "skipped" in hint_of(vault, "non_b64_secret")


def test_line_breaks_are_removed_before_decoding() -> None:
    encoded = encode_value("x" * 100)
    vault = Vault.from_environment({"SECRET_X": encoded[:76] + "\r\n" + encoded[76:]})
    assert vault.find("X") == "x" * 100


def test_empty_value_is_a_secret_and_so_is_the_empty_key() -> None:
    vault = Vault.from_environment({"SECRET_X": "", "SECRET_": "YQ=="})
    assert vault.find("X") == ""
    assert vault.find("") == "a"


def test_malformed_utf8_is_replaced() -> None:
    assert Vault.from_environment({"SECRET_X": "/w=="}).find("X") == "\ufffd"


def test_case_clash_is_refused_without_the_values() -> None:
    with pytest.raises(SecretError) as caught:
        Vault.from_environment({"SECRET_a": encode_value("value-one"), "SECRET_A": encode_value("value-two")})
    assert caught.value.message.startswith("Duplicate key A (attempted merging values")
    assert "value-" not in caught.value.message


def test_envs() -> None:
    vault = Vault.from_environment({"ENV_TEST1": "true", "env_x": "1", "SECRET_Y": "YQ=="})
    assert vault.envs == {"test1": "true"}
    with pytest.raises(SecretError):
        Vault.from_environment({"ENV_a": "1", "ENV_A": "2"})


def test_hints() -> None:
    vault = Vault.from_environment({"SECRET_POSTGRES_PASSWORD": encode_value("v"), "API_KEY": "clear"})
    assert "secret('POSTGRES_PASSWORD')" in hint_of(vault, "SECRET_POSTGRES_PASSWORD")
    assert "did you mean secret('POSTGRES_PASSWORD')" in hint_of(vault, "POSTGRES_PASSWROD")
    assert "without the prefix" in hint_of(vault, "api_key")
    assert "SECRET_OTHER=" in hint_of(vault, "OTHER")
    assert "no secret is loaded" in hint_of(Vault(), "OTHER")


def test_later_files_and_extra_win(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text(f"SECRET_A={encode_value('1')}\nSECRET_B={encode_value('1')}\nENV_X=1\n")
    second.write_text(f"SECRET_B={encode_value('2')}\n")
    vault = Vault.load([first, second], extra={"ENV_X": "2"}, environ={"ENV_X": "0", "ENV_Y": "0"})
    assert (vault.find("A"), vault.find("B")) == ("1", "2")
    assert vault.envs == {"x": "2", "y": "0"}


def test_file_that_compose_refuses_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("SECRET_# comment=\nSECRET_export F=MQ==\n")
    with pytest.raises(SecretError) as caught:
        Vault.load([file])
    assert len(caught.value.diagnostics) == 2
    assert Vault.load([file], strict=False).names() == []


def test_macro_is_expanded_with_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text('SECRET_X={{ "actual_value" | base64encode }}\n')
    vault = Vault.load([file])
    assert vault.find("X") == "actual_value"
    assert [item.code for item in vault.diagnostics] == ["SIM-SECRET-011"]


def test_everything_is_hidden_before_anybody_asks(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text(
        f"SECRET_A={encode_value('first-value')}\nSECRET_A={encode_value('second-value')}\nSECRET_C=in clear!\n"
    )
    vault = Vault.load([file])
    text = vault.redactor.redact("first-value second-value in clear! " + encode_value("second-value"))
    assert text == "****** ****** ****** ******"


def test_no_value_in_representations() -> None:
    vault = Vault.from_environment({"SECRET_X": encode_value("hunter2-hunter2")})
    assert "hunter2" not in repr(vault.secrets)
