"""`simulate secrets`, command by command: exit codes, output, and never a value."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from simulator.cli.console import Console
from simulator.cli.main import main
from simulator.secrets.encoding import encode_value

ROOT = Path(__file__).parent.parent.parent
FLOW = """id: f
namespace: ns
tasks:
  - id: t
    type: io.kestra.plugin.core.log.Log
    message:
      - "{{ secret('GOOD') }} and {{ secret('gone') }}"
      - "{{ secret(inputs.name) }}"
"""


def call(*argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(["secrets", *argv], Console(out, err, {}))
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    lines = {
        "GOOD": encode_value("good-value-1"),
        "TWICE": encode_value(encode_value("twice-value-2")),
        "CLEAR": "clear value 3!",
    }
    (tmp_path / ".env_encoded").write_text("".join(f"SECRET_{key}={value}\n" for key, value in lines.items()))
    (tmp_path / "flow.yml").write_text(FLOW)
    return tmp_path


def test_encode(tmp_path: Path) -> None:
    source = tmp_path / ".env"
    source.write_text("A=secret-value-1\nB=secret-value-2=\n")
    code, out, err = call("encode", str(source))
    assert (code, out) == (0, "")
    target = tmp_path / ".env_encoded"
    assert (
        target.read_text()
        == f"SECRET_A={encode_value('secret-value-1')}\nSECRET_B={encode_value('secret-value-2=')}\n"
    )
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert "2 secrets" in err and "value" not in err
    code, _, err = call("encode", str(source))
    assert code == 2 and "exists already" in err and "--force" in err
    assert call("encode", str(source), "--force")[0] == 0
    assert call("encode", str(source), "-o", "-")[1] == target.read_text()
    assert call("encode", str(source), "-o", str(source), "--force")[0] == 2
    assert call("encode", str(tmp_path / "none"))[0] == 4


def test_encode_shows_the_place_of_a_mistake(tmp_path: Path) -> None:
    source = tmp_path / ".env"
    source.write_text("A='open\n")
    code, _, err = call("encode", str(source))
    assert code == 4
    assert f"{source}:1:3" in err
    assert not (tmp_path / ".env_encoded").exists()


@pytest.mark.usefixtures("project")
def test_check() -> None:
    code, out, err = call("check")
    assert code == 1
    assert "GOOD   ok" in out and "GONE   missing" in out and "TWICE  unused, suspicious" in out
    assert "flow.yml:7:38" in out and "Cannot find secret for key 'gone'." in out
    assert "computed at run time: flow.yml:8:13" in out
    assert ".env_encoded:3:1" in out and "Could not decode secret 'SECRET_CLEAR'" in out
    for value in ("good-value-1", "twice-value-2", "clear value 3!"):
        assert value not in out + err
        assert encode_value(value) not in out + err


def test_check_passes_when_all_are_there(project: Path) -> None:
    (project / "flow.yml").write_text(FLOW.replace("gone", "TWICE"))
    assert call("check", "flow.yml")[0] == 0
    assert call("check", "none.yml")[0] == 5


@pytest.mark.usefixtures("project")
def test_list_and_decode() -> None:
    code, out, err = call("list")
    assert (code, out) == (0, "GOOD   .env_encoded:1:1\nTWICE  .env_encoded:2:1\n")
    assert "SECRET_CLEAR" in err and "clear value" not in err
    code, out, err = call("decode", "good")
    assert code == 2 and "--show" in err and not out
    assert call("decode", "good", "--show")[:2] == (0, "good-value-1")
    code, _, err = call("decode", "clear", "--show")
    assert code == 5 and "skipped" in err


def test_side_file_names_the_env_file(project: Path) -> None:
    (project / "other").write_text(
        f"SECRET_GONE={encode_value('other-value')}\nSECRET_GOOD={encode_value('xx-value')}\n"
    )
    (project / "flow.sim.yml").write_text("env_files: [other]\n")
    code, out, _ = call("check", "flow.yml")
    assert code == 0
    assert out.startswith("other: 2 secrets, 1 flow\n")


#: Lines of a plain file that each earn a diagnostic, and hold a value all the same.
ODD = (
    "A=hidden-value #hidden-rest",
    'B="hidden-value"hidden-rest',
    "MY C=hidden-value",
    "D hidden-value",
    "SECRET_E hidden-value",
    "hidden-value",
    "hidden:value",
    "=hidden-value",
    "SECRET_F=aGlkZGVuLXZhbHVlLXR3aWNl",
    'G="x\nhidden=value"hidden-rest',
    "H='hidden-value",
)


def test_no_diagnostic_shows_a_line_of_a_plain_file(tmp_path: Path) -> None:
    source = tmp_path / ".env"
    source.write_text("\n".join(ODD))
    code, out, err = call("encode", str(source))
    assert code == 4 and not out
    assert err.count("    | ") + err.count("     | ") >= len(ODD), "each with its place"
    assert "hidden" not in err
    assert "aGlkZGVu" not in err
    assert "1 | A=****" in err and "5 | SECRET_E *****" in err, "names are no secrets"
    source.write_bytes(b"PASSWORD=hidden\xfcvalue\n")
    code, _, err = call("encode", str(source))
    assert code == 4 and f"{source}:1:16" in err and "hidden" not in err


@pytest.mark.usefixtures("project")
def test_no_diagnostic_shows_the_rest_of_a_wrapped_value(tmp_path: Path) -> None:
    rest = "q2ItioCi0ZHbuA7eu01aZxZg=="
    (tmp_path / ".env_encoded").write_text(f"SECRET_L={'Q' * 76}\n{rest}\n")
    _, out, err = call("check")
    assert "wrapped at 76" in out and rest[:8] not in out + err and rest[-8:] not in out + err


def test_encode_reads_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "secrets", "encode", "-"],
        input=b"A=some value\n",
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stdout) == (0, b"")
    assert (tmp_path / ".env_encoded").read_text() == f"SECRET_A={encode_value('some value')}\n"


def test_an_env_file_may_be_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    line = f"SECRET_A={encode_value('some value')}\n"
    writer = threading.Thread(target=pipe.write_text, args=(line,))
    writer.start()
    code, out, _ = call("list", "--env-file", str(pipe))
    writer.join()
    assert (code, out) == (0, f"A  {pipe}:1:1\n")


def test_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = call("encode", ".")
    assert code == 2 and "is a folder" in err
    for command in ("list", "check"):
        code, out, err = call(command)
        assert code == 5 and "no .env_encoded" in err and not out
        code, _, err = call(command, "--env-file", "none")
        assert code == 2 and "there is no env file `none`" in err
        code, _, err = call(command, "--env-file", ".")
        assert code == 2 and "is a folder" in err


@pytest.mark.usefixtures("project")
def test_check_names_what_cannot_be_decoded() -> None:
    assert "CLEAR  not Base64\n" in call("check")[1]


@pytest.mark.usefixtures("project")
def test_options_are_not_abbreviated() -> None:
    code, _, err = call("check", "--env-fil", ".env_encoded")
    assert code == 2 and "did you mean `--env-file`?" in err
