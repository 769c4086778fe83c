"""The main job from one command, and everything that may go wrong with it."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import simulator
from tests.cli.simulate import edit, environment, example, simulate

SECRETS = ("actual_postgres_password", "actual_aws_access_key", "actual_aws_secret_key", "actual_openai_key")


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return example(tmp_path / "flows")


def secret_file(flow: Path, **values: str) -> None:
    """Replaces secrets of the encoded file (values in clear)."""
    path = flow.parent / ".env_encoded"
    text = path.read_text()
    for name, value in values.items():
        encoded = base64.b64encode(value.encode()).decode()
        text = re.sub(rf"^SECRET_{name}=.*$", f"SECRET_{name}={encoded}", text, flags=re.MULTILINE)
    path.write_text(text)


def test_the_story_in_ten_lines(flow: Path) -> None:
    result = simulate(flow)
    assert result.code == 0, result.text
    lines = result.out.splitlines()
    assert len(lines) <= 10
    assert any("SUCCESS   fetch" in line and "6 rows" in line for line in lines)
    assert any(
        "SUCCESS   write_to_s3" in line and "s3://kestra-bucket/data/users.csv" in line for line in lines
    )
    assert lines[-1].startswith("SUCCESS  postgres_to_s3  2 task runs")
    assert not [secret for secret in SECRETS if secret in result.text]


def test_the_bytes_in_the_bucket_are_the_rows_in_the_database(flow: Path) -> None:
    with simulator.run(flow) as execution:
        assert execution.state == "SUCCESS"
        uri = execution.task("fetch").outputs["uri"]  # type: ignore[index]
        body = execution.s3["kestra-bucket"]["data/users.csv"]
        assert body == execution.file(uri)
        rows = execution.postgres("select id, first_name, last_name, city from users")
        assert execution.rows(uri) == rows and len(rows) == 6
        assert any(row["city"] == "東京" for row in rows)


def test_csv_done_right(flow: Path) -> None:
    with simulator.run(flow.with_name("postgres_to_s3_csv.yml")) as execution:
        assert execution.state == "SUCCESS"
        lines = execution.s3["kestra-bucket"]["data/users.csv"].decode().splitlines()
    assert lines[0].replace('"', "") == "id,first_name,last_name,city"
    assert len(lines) == 7 and "O'Connor" in lines[6]


def test_the_users_csv_that_holds_ion_is_warned_about(flow: Path) -> None:
    result = simulate(flow)
    line = next(n for n, text in enumerate(flow.read_text().splitlines(), 1) if "data/users.csv" in text)
    assert re.search(rf"postgres_to_s3\.yml:{line}:\d+: warning SIM-", result.err), result.err
    assert "io.kestra.plugin.serdes.csv.IonToCsv" in result.err


@pytest.mark.parametrize("kestra", ["1", "2"])
def test_both_dialects_store_their_own_ion(flow: Path, kestra: str) -> None:
    with simulator.run(flow, kestra=kestra) as execution:
        body = execution.s3["kestra-bucket"]["data/users.csv"]
    if kestra == "1":
        assert body.decode().splitlines()[0].startswith("{id:1,first_name:")
    else:
        assert body.startswith(b"\xe0\x01\x00\xea")


def test_a_wrong_password_fails_as_postgresql_fails(flow: Path) -> None:
    secret_file(flow, POSTGRES_PASSWORD="not_the_password")
    result = simulate(flow)
    assert result.code == 1
    assert 'password authentication failed for user "pg_user"' in result.err
    assert "FAILED    fetch" in result.out and "write_to_s3" not in result.out
    assert "not_the_password" not in result.text


@pytest.mark.parametrize(
    ("name", "message"),
    [("AWS_ACCESS_KEY", "InvalidAccessKeyId"), ("AWS_SECRET_KEY", "SignatureDoesNotMatch")],
)
def test_wrong_aws_keys_fail_as_s3_fails(flow: Path, name: str, message: str) -> None:
    secret_file(flow, **{name: "wrong_value_of_this_key"})
    result = simulate(flow, "-v")
    assert result.code == 1
    known = {
        "InvalidAccessKeyId": "The AWS Access Key Id you provided does not exist",
        "SignatureDoesNotMatch": "The request signature we calculated does not match",
    }
    assert message in result.err or known[message] in result.err
    assert "wrong_value_of_this_key" not in result.text


def test_a_missing_secret_fails_the_task_run_with_kestras_words(flow: Path) -> None:
    edit(flow.parent / ".env_encoded", "SECRET_POSTGRES_PASSWORD=", "SECRET_POSTGRES_PASWORD=")
    result = simulate(flow)
    assert result.code == 1
    assert "Cannot find secret for key 'POSTGRES_PASSWORD'." in result.err
    assert "POSTGRES_PASWORD" in result.err


def test_an_undecodable_secret_is_skipped_and_said(flow: Path) -> None:
    path = flow.parent / ".env_encoded"
    path.write_text(
        re.sub(r"(?m)^SECRET_POSTGRES_PASSWORD=.*$", "SECRET_POSTGRES_PASSWORD=no base64!", path.read_text())
    )
    result = simulate(flow)
    assert result.code == 1
    assert "Could not decode secret 'SECRET_POSTGRES_PASSWORD', make sure it is Base64-encoded" in result.err
    assert "Cannot find secret for key 'POSTGRES_PASSWORD'." in result.err
    assert "no base64!" not in result.text


def test_a_missing_table_shows_how_to_seed_it(flow: Path) -> None:
    flow.with_name("postgres_to_s3.sim.yml").write_text("env_files: [.env_encoded]\n")
    result = simulate(flow)
    assert result.code == 1
    assert 'relation "users" does not exist' in result.err
    assert "seed" in result.err


def test_without_a_side_file_the_doubles_accept_the_flow(flow: Path) -> None:
    flow.with_name("postgres_to_s3.sim.yml").unlink()
    edit(flow, "select id, first_name, last_name, city from users", "select 1 as id")
    result = simulate(flow)
    assert result.code == 0, result.text


def test_an_undeclared_bucket_is_no_such_bucket(flow: Path) -> None:
    edit(flow.with_name("postgres_to_s3.sim.yml"), "kestra-bucket:", "another-bucket:")
    result = simulate(flow)
    assert result.code == 1
    assert "NoSuchBucket" in result.err or "The specified bucket does not exist" in result.err


def test_json_has_kestras_names(flow: Path) -> None:
    result = simulate(flow, "--json", "-")
    document = json.loads(result.out)
    execution = document["execution"]
    assert {"id", "namespace", "flowId", "inputs", "labels", "state", "taskRunList"} <= set(execution)
    assert execution["state"]["current"] == "SUCCESS"
    assert [run["taskId"] for run in execution["taskRunList"]] == ["fetch", "write_to_s3"]
    assert document["doubles"]["postgres"]["pg_user"] == {"public.users": 6}
    assert "SUCCESS" in result.err


def test_a_path_with_spaces_and_other_letters(tmp_path: Path) -> None:
    flow = example(tmp_path / "mein Ordner – データ")
    result = simulate(flow, cwd=flow.parent)
    assert result.code == 0, result.text


def test_a_place_that_cannot_be_written(flow: Path) -> None:
    (flow.parent / ".simulate").write_text("a file where a folder should be")
    result = simulate(flow, cwd=flow.parent)
    assert result.code == 0, result.text
    assert "SIM-RUN-001" in result.err


def test_two_runs_at_once(flow: Path) -> None:
    command = [sys.executable, "-m", "simulator", str(flow), "-q"]
    runs = [subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [run.communicate(timeout=60)[0].split()[0] for run in runs] == ["SUCCESS", "SUCCESS"]
    assert [run.returncode for run in runs] == [0, 0]


def family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def slow_flow(flow: Path) -> None:
    """The query takes long, so that there is time to interrupt it."""
    edit(flow, "select id, first_name, last_name, city from users", "select 1 as id from pg_sleep(30)")


def command_line(process: psutil.Process) -> str:
    """Empty for a process that has ended, its parent's farewell pending or not."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def started(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Waits until the query runs; the processes under ours."""
    for _ in range(200):
        found = family(process.pid)
        if any("SELECT" in command_line(item) for item in found):
            return found
        time.sleep(0.05)
    raise AssertionError("the query never started")


def gone(processes: list[psutil.Process], seconds: float = 8.0) -> list[psutil.Process]:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return [item for item in alive if command_line(item)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_leaves_nothing_behind(flow: Path, number: signal.Signals) -> None:
    slow_flow(flow)
    command = [sys.executable, "-m", "simulator", str(flow)]
    process = subprocess.Popen(
        command,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    children = started(process)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, out + err
    assert "Traceback" not in err
    assert gone(children) == []


def test_after_kill_9_nothing_keeps_running_and_the_next_run_works(flow: Path) -> None:
    slow_flow(flow)
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", str(flow)],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    children = started(process)
    process.kill()
    process.wait(10)
    assert gone(children) == []
    result = simulate(example(flow.parent))
    assert result.code == 0, result.text


def test_nothing_listens_beyond_loopback(flow: Path) -> None:
    slow_flow(flow)
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", str(flow)],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        pids = {item.pid for item in started(process)} | {process.pid}  # type: ignore[arg-type]
        sockets = [
            item for item in psutil.net_connections("inet") if item.pid in pids and item.status == "LISTEN"
        ]
        assert sockets, "no double listens"
        assert {item.laddr.ip for item in sockets} <= {"127.0.0.1", "::1"}
        lines = [" ".join(psutil.Process(pid).cmdline()) for pid in pids if psutil.pid_exists(pid)]
        assert not [line for line in lines if any(secret in line for secret in SECRETS)]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def test_no_network_is_needed(flow: Path) -> None:
    """A proxy that nobody answers: whatever tried to leave the machine would fail."""
    dead = "http://127.0.0.1:9"
    result = simulate(
        flow,
        HTTP_PROXY=dead,
        HTTPS_PROXY=dead,
        http_proxy=dead,
        https_proxy=dead,
        AWS_EC2_METADATA_DISABLED="",
    )
    assert result.code == 0, result.text


def test_a_secret_on_the_command_line_is_refused(flow: Path) -> None:
    result = simulate(flow, "--env", "SECRET_X=abc")
    assert result.code == 2 and "env file" in result.err


def test_export_writes_objects_and_files(flow: Path) -> None:
    result = simulate(flow, "--export", "out")
    assert result.code == 0, result.text
    exported = Path("out/s3/kestra-bucket/data/users.csv").read_bytes()
    stored = list(Path("out/storage").rglob("*.ion"))
    assert len(stored) == 1 and stored[0].read_bytes() == exported


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", 4),
        (b"just text", 4),
        (b"\x00\x01\x02binary", 4),
        (b"id: a\nnamespace: b\n", 4),
        (b"id: a\nnamespace: b\ntasks: []\n", 4),
        (b"id: a\nnamespace: b\ntasks:\n- {id: x, type: io.kestra.plugin.core.log.Logg, message: hi}\n", 4),
        (b"id: a\nnamespace: b\ntasks:\n- {id: x, type: io.kestra.plugin.foo.Bar}\n", 6),
        (b"id: a\nnamespace: b\ntasks:\n- {id: x, type: io.kestra.plugin.core.log.Log}\n", 4),
        (b"id: a\nnamespace: b\ntasks:\n- {id: x, message: {{ y }}}\n", 4),
        (b"\xff\xfe\x00garbage\xd8", 4),
        (b"a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n", 4),
    ],
)
def test_bad_input_is_a_diagnostic_never_a_traceback(tmp_path: Path, content: bytes, code: int) -> None:
    path = tmp_path / "bad.yml"
    path.write_bytes(content)
    result = simulate(path, cwd=tmp_path)
    assert result.code == code, result.text
    assert "Traceback" not in result.text and "internal error" not in result.text
    assert "error SIM-" in result.err


def test_a_folder_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert simulate(tmp_path, cwd=tmp_path).code == 2
    (tmp_path / "flow.yml").write_text("")
    missing = simulate(tmp_path / "flwo.yml", cwd=tmp_path)
    assert missing.code == 2 and "flow.yml" in missing.err


@pytest.mark.parametrize("code", [0, 1])
def test_doubles_that_are_kept_can_be_looked_into_until_ctrl_c(flow: Path, code: int) -> None:
    """The exit code stays that of the run: Ctrl-C is how this ends, not an accident."""
    import psycopg

    if code:
        edit(flow, "from users", "from nobody")
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", str(flow), "--keep-doubles"],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    told = []
    for line in process.stderr:
        told.append(line)
        if found := re.search(r"psql -h 127.0.0.1 -p (\d+) -U pg_user pg_user", line):
            break
    assert found, told
    address = f"host=127.0.0.1 port={found[1]} user=pg_user dbname=pg_user password={SECRETS[0]}"
    with psycopg.connect(address) as connection:
        assert connection.execute("select count(*) from users").fetchone() == (6,)
    assert not any(secret in line for secret in SECRETS for line in told)
    children = family(process.pid)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=20)
    assert process.returncode == code and "Traceback" not in rest
    assert gone(children) == []
