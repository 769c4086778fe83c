"""`.env` to `.env_encoded`: what the guide's loop does, without what it does by accident."""

from __future__ import annotations

import base64
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from simulator.errors import SecretError, UsageError
from simulator.secrets.encode import encode_text, write_private
from simulator.secrets.vault import Vault

PLAIN = r"""# database
A=abc=
B=abc==
C=LONG
D=x=y=

E="quoted"
export F=1
G=-n
H='single $quoted'
I=p$w
J=last"""

BASH_LOOP = """while IFS='=' read -r key value; do
  echo "SECRET_$key=$(echo -n "$value" | base64)";
done < .env > .env_encoded"""


def load(text: str) -> Vault:
    from simulator.secrets.envfile import parse_env_text

    return Vault.load([parse_env_text(text)])


def test_every_fault_of_the_loop_is_gone() -> None:
    encoded, found = encode_text(PLAIN.replace("LONG", "x" * 100))
    assert found == ()
    vault = load(encoded)
    assert {key: vault.find(key) for key in vault.names()} == {
        "A": "abc=",
        "B": "abc==",
        "C": "x" * 100,
        "D": "x=y=",
        "E": "quoted",
        "F": "1",
        "G": "-n",
        "H": "single $quoted",
        "I": "p$w",
        "J": "last",
    }


@pytest.mark.skipif(not shutil.which("bash") or not shutil.which("base64"), reason="needs bash and base64")
def test_a_file_written_by_the_real_loop(tmp_path: Path) -> None:
    plain = (
        "POSTGRES_PASSWORD=actual_postgres_password\nAWS_ACCESS_KEY=actual aws\nT=x=y=\nLONG="
        + "k" * 80
        + "\n"
    )
    (tmp_path / ".env").write_text(plain)
    subprocess.run(["bash", "-c", BASH_LOOP], cwd=tmp_path, check=True)
    vault = Vault.load([tmp_path / ".env_encoded"])
    assert vault.find("POSTGRES_PASSWORD") == "actual_postgres_password"
    assert vault.find("AWS_ACCESS_KEY") == "actual aws"
    assert vault.find("T") == "x=y="
    # GNU base64 wraps: the rest of the value is lost and the file says so.
    assert vault.find("LONG") == "k" * 57
    assert [item.code for item in vault.diagnostics] == ["SIM-ENV-009"]
    ours, _ = encode_text(plain.replace("LONG=" + "k" * 80, ""))
    written = (tmp_path / ".env_encoded").read_text()
    assert written.startswith(ours)


def test_macros_are_expanded() -> None:
    encoded, _ = encode_text("SECRET_X={{ \"actual\" | base64encode }}\nY={{ 'other' | base64encode }}\n")
    assert encoded == "SECRET_X=YWN0dWFs\nSECRET_Y=b3RoZXI=\n"
    with pytest.raises(SecretError, match="cannot be expanded"):
        encode_text("SECRET_X={{ x | base64encode }}\n")


def test_prefix_is_not_doubled_and_double_encoding_is_noticed() -> None:
    encoded, found = encode_text(f"SECRET_X={base64.b64encode(b'some words here').decode()}\n")
    assert encoded.startswith("SECRET_X=")
    assert [item.code for item in found] == ["SIM-SECRET-014"]


def test_names_that_kestra_would_merge_are_refused() -> None:
    with pytest.raises(SecretError, match="differ in case only"):
        encode_text("a=1\nA=2\n")


def test_private_atomic_and_not_over_another(tmp_path: Path) -> None:
    target = tmp_path / ".env_encoded"
    write_private(target, "one\n")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="exists already"):
        write_private(target, "two\n")
    assert target.read_text() == "one\n"
    write_private(target, "two\n", force=True)
    assert target.read_text() == "two\n"
    assert [path.name for path in tmp_path.iterdir()] == [".env_encoded"]
    with pytest.raises(UsageError, match="is a directory"):
        write_private(tmp_path, "x")
    with pytest.raises(SecretError, match="cannot be written"):
        write_private(tmp_path / "none" / "x", "x")
