"""The sentinel test (security D.3): secrets go everywhere, and no sink shows one.

Data, not sinks: the uploaded objects and exported files, the database, and the files of the internal storage
(`storage/` of a kept run): later tasks, and a `resume`, need them as they are. What is *shown* of them is masked.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import simulator
from simulator.secrets.redact import MASK, Redactor
from tests.cli.simulate import environment, simulate
from tests.security.sentinel import SECRETS, env_file, scan, scan_tree

pytestmark = pytest.mark.slow

#: Where secrets may lie: the source of them, exported data, and the internal storage (see the module text).
DATA = ("/.env_encoded", "/exported/", "/storage/")

_EACH = """
  - {{id: log_{0}, type: io.kestra.plugin.core.log.Log, message: "it is {{{{ secret('{1}') }}}} !"}}
  - {{id: out_{0}, type: io.kestra.plugin.core.debug.Return, format: "{{{{ secret('{1}') }}}}"}}
  - id: json_{0}
    type: io.kestra.plugin.core.log.Log
    message: "{{{{ {{'a': secret('{1}')}} | toJson }}}} {{{{ secret('{1}') | urlencode }}}} {{{{ secret('{1}') | base64encode }}}}"
  - id: fail_{0}
    type: io.kestra.plugin.core.execution.Fail
    allowFailure: true
    errorMessage: "bad {{{{ secret('{1}') }}}}"
  - id: date_{0}
    type: io.kestra.plugin.core.log.Log
    allowFailure: true
    message: "{{{{ secret('{1}') | date('yyyy') }}}}"
  - {{id: kv_{0}, type: io.kestra.plugin.core.kv.Set, key: "k_{0}", value: "{{{{ secret('{1}') }}}}"}}
  - id: check_{0}
    type: io.kestra.plugin.core.execution.Assert
    conditions: ["{{{{ outputs.out_{0}.value == secret('{1}') }}}}"]
  - id: script_{0}
    type: io.kestra.plugin.scripts.shell.Commands
    allowFailure: true
    taskRunner: {{type: io.kestra.plugin.core.runner.Process}}
    env: {{TOKEN: "{{{{ secret('{1}') }}}}"}}
    commands:
      - printf '%s\\n' "$TOKEN"
      - printf '%s' "$TOKEN" | base64 -w0 >&2
      - exit 3
  - id: each_{0}
    type: io.kestra.plugin.core.flow.ForEach
    values: ["{{{{ secret('{1}') | urlencode }}}}"]
    tasks: [{{id: in_{0}, type: io.kestra.plugin.core.log.Log, message: "{{{{ taskrun.value }}}}"}}]
  - id: sql_{0}
    type: io.kestra.plugin.jdbc.postgresql.Query
    allowFailure: true
    url: jdbc:postgresql://db.example.test/app
    username: app
    password: "{{{{ secret('{1}') }}}}"
    sql: "select 1 as n"
"""

_FLOW = """
id: leaky
namespace: company.team
labels: {{team: data}}
inputs:
  - {{id: token, type: STRING, defaults: "{{{{ secret('WORD') }}}}"}}
tasks:
{each}
  - {{id: label, type: io.kestra.plugin.core.execution.Labels, labels: {{owner: "{{{{ secret('WORD') }}}}"}}}}
  - id: up
    type: io.kestra.plugin.aws.s3.Upload
    allowFailure: true
    accessKeyId: "{{{{ secret('WORD') }}}}"
    secretKeyId: "{{{{ secret('RANDOM') }}}}"
    region: eu-central-1
    bucket: b
    key: "{{{{ secret('WORD') }}}}.txt"
    from: "{{{{ outputs.file.uri }}}}"
  - {{id: mocked, type: io.kestra.plugin.core.debug.Return, format: x}}
  - id: web
    type: io.kestra.plugin.core.http.Request
    allowFailure: true
    uri: "https://api.example.test/x?key={{{{ secret('QUOTES') | urlencode }}}}"
    headers: {{X-Key: "{{{{ secret('WORD') }}}}"}}
    options: {{auth: {{type: BASIC, username: u, password: "{{{{ secret('QUOTES') }}}}"}}}}
  - id: asserted
    type: io.kestra.plugin.core.execution.Assert
    allowFailure: true
    errorMessage: "no {{{{ secret('UMLAUT') }}}}"
    conditions: ["{{{{ secret('WORD') == 'x' }}}}"]
  - {{id: hold, type: io.kestra.plugin.core.flow.Pause}}
  - {{id: after, type: io.kestra.plugin.core.log.Log, message: "got {{{{ outputs.out_word.value }}}}"}}
outputs:
  - {{id: shown, type: STRING, value: "{{{{ outputs.out_word.value }}}} {{{{ outputs.out_quotes.value }}}}"}}
"""


def project(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    env_file(folder)
    each = "".join(_EACH.format(name.lower(), name) for name in SECRETS)
    file_task = """
  - {id: file, type: io.kestra.plugin.core.storage.Write, content: "{{ secret('JSON') }}"}"""
    flow = folder / "leaky.yml"
    flow.write_text(_FLOW.format(each=file_task + each))
    (folder / "leaky.sim.yml").write_text(
        "env_files: [.env_encoded]\nmocks:\n  mocked: {outputs: {value: \"{{ secret('QUOTES') }}\"}}\n"
        'doubles:\n  http:\n    - {url: "https://api.example.test/*", status: 401, body: "denied"}\n'
    )
    return flow


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """One run with every report; all that was written lies below the folder."""
    root = tmp_path_factory.mktemp("sentinel")
    (root / "tmp").mkdir()
    flow = project(root / "flows")
    env = {
        "TMPDIR": str(root / "tmp"),
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(root / "summary.md"),
    }
    names = ("json", "events", "junit", "report")
    reports = [part for name in names for part in (f"--{name}", f"out.{name}")]
    done = simulate(flow, "-vvv", *reports, "--export", "exported", cwd=root, **env)
    assert done.code in (0, 8), done.text[-3000:]
    return root, {"out": done.out, "err": done.err}


def test_a_run_shows_no_secret_anywhere(world: tuple[Path, dict[str, str]]) -> None:
    root, texts = world
    assert {name: scan(text) for name, text in texts.items() if scan(text)} == {}
    assert scan_tree(root, without=DATA) == {}
    assert MASK in texts["err"]
    assert {"out.json", "out.events", "out.junit", "out.report", "summary.md"} <= {
        p.name for p in root.iterdir()
    }
    lines = [json.loads(line) for line in (root / "out.events").read_text().splitlines()]
    runs = [line["taskRun"] for line in lines if "taskRun" in line]
    states = {run["taskId"]: run["state"]["current"] for run in runs}
    # The tasks had the values: each compared its output with the secret.
    assert {states[f"check_{name.lower()}"] for name in SECRETS} == {"SUCCESS"}


@pytest.mark.parametrize(
    "command",
    [
        ["executions", "list", "--json"],
        ["executions", "show", "--json"],
        ["executions", "logs", "--level", "TRACE"],
        ["executions", "outputs"],
        ["report", "-o", "kept.html"],
        ["run", "flows/leaky.yml", "--plan"],
        ["show", "flows/leaky.yml"],
        ["graph", "flows/leaky.yml"],
        ["list"],
        ["mocks", "flows/leaky.yml"],
        ["secrets", "check", "flows/leaky.yml"],
        ["secrets", "list", "--env-file", "flows/.env_encoded"],
        ["migrate", "flows/leaky.yml", "--diff"],
        ["check", "flows", "--format", "text"],
        ["check", "flows", "--format", "json"],
        ["check", "flows", "--format", "github"],
        ["eval", "--flow", "flows/leaky.yml", "{{ secret('QUOTES') }} {{ secret('PEM') | base64encode }}"],
        ["eval", "--flow", "flows/leaky.yml", "{{ secret('JSON') | date('yyyy') }}"],
    ],
    ids=lambda command: "-".join(command[:2]),
)
def test_no_command_shows_a_secret(world: tuple[Path, dict[str, str]], command: list[str]) -> None:
    root, _ = world
    done = simulate(*command, cwd=root, SIMULATE_DEBUG="1")
    assert scan(done.text) == set(), done.text[-2000:]
    assert done.code != 3, done.text[-2000:]
    if command[0] == "report":
        assert scan((root / "kept.html").read_bytes()) == set()


def test_going_on_with_masked_outputs_is_said(world: tuple[Path, dict[str, str]]) -> None:
    root, _ = world
    done = simulate("resume", cwd=root)
    assert scan(done.text) == set()
    assert "SIM-RUN-005" in done.err and "`out_word`" in done.err, done.text[-2000:]
    part = simulate("flows/leaky.yml", "--from", "after", cwd=root)
    assert scan(part.text) == set()
    assert "SIM-RUN-005" in part.err and "`out_word`" in part.err, part.text[-2000:]


def test_of_the_test_without_the_redactor_the_scan_finds_every_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    flow = project(tmp_path / "flows")
    monkeypatch.setattr(Redactor, "redact", lambda self, text: text)
    from simulator.cli.main import main

    main([str(flow), "-vvv", "--json", "out.json", "--events", "out.events", "--junit", "out.junit"])
    for name in ("out.json", "out.events", "out.junit"):
        assert scan(Path(name).read_bytes()) == set(SECRETS), name
    kept = next(Path(".simulate/runs").glob("*/events.jsonl"))
    assert scan(kept.read_bytes()) == set(SECRETS)


def test_python_shows_masked_values_but_keeps_the_real_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with simulator.run(project(tmp_path / "flows")) as execution:
        assert execution.task("out_quotes").outputs["value"] == SECRETS["QUOTES"]  # type: ignore[index]
        shown = [repr(execution), repr(execution.value), repr(execution.task_runs), repr(execution.logs)]
        shown += [json.dumps(execution.to_json()), repr(execution.diagnostics)]
    assert {number: scan(text) for number, text in enumerate(shown) if scan(text)} == {}


def test_other_processes_see_no_secret(tmp_path: Path) -> None:
    """Arguments of the whole tree, and the environment of all but the script that was given the value."""
    flow = project(tmp_path / "flows")
    flow.write_text(
        "id: sleeper\nnamespace: a.b\ntasks:\n- id: s\n  type: io.kestra.plugin.scripts.shell.Commands\n"
        "  taskRunner: {type: io.kestra.plugin.core.runner.Process}\n"
        "  commands: [\"echo {{ secret('WORD') }} > /dev/null; sleep 30\"]\n"
    )
    flow.with_name("leaky.sim.yml").write_text("env_files: [.env_encoded]\n")
    inherited = environment(SECRET_OTHER="emFuemliYXI=", AWS_SECRET_ACCESS_KEY=SECRETS["RANDOM"])
    run = subprocess.Popen(
        [sys.executable, "-m", "simulator", str(flow)],
        cwd=tmp_path, env=inherited, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(200):
            tree = psutil.Process(run.pid).children(recursive=True)
            if any("sleep" in item.name() for item in tree):
                break
            time.sleep(0.05)
        else:
            raise AssertionError("the script never started")
        pids = [run.pid, *(item.pid for item in tree)]
        arguments = b"\0".join(
            Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids if psutil.pid_exists(pid)
        )
        assert scan(arguments) == set()
        for item in tree:
            assert scan(Path(f"/proc/{item.pid}/environ").read_bytes()) == set(), item.name()
    finally:
        run.terminate()
        run.wait(20)


def test_a_secret_that_looks_like_structure_keeps_documents_whole(tmp_path: Path) -> None:
    """Short numbers and words of the format itself: reports still parse, a kept run can still be read."""
    import base64

    values = {"A": "2026", "B": "true", "C": "null", "D": "taskRun", "E": "SUCCESS", "F": "1234"}
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}
    (tmp_path / ".env_encoded").write_text("".join(f"SECRET_{k}={v}\n" for k, v in encoded.items()))
    flow = tmp_path / "f.yml"
    flow.write_text(
        "id: f\nnamespace: a.b\ntasks:\n- {id: r, type: io.kestra.plugin.core.debug.Return, "
        "format: \"{{ secret('F') }}-{{ secret('A') }}\"}\n"
    )
    done = simulate(
        flow, "--json", "o.json", "--events", "o.jsonl", "--now", "2026-01-31T00:00:00Z", cwd=tmp_path
    )
    assert done.code == 0, done.text
    run = json.loads((tmp_path / "o.json").read_text())["execution"]["taskRunList"][0]
    assert run["outputs"]["value"] == "******-******" and run["state"]["current"] == "SUCCESS"
    assert [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    shown = simulate("executions", "outputs", cwd=tmp_path)
    assert shown.code == 0 and "******-******" in shown.out and "1234" not in shown.out


def test_only_secret_entries_of_an_env_file_are_masked(tmp_path: Path) -> None:
    from simulator.secrets.vault import Vault

    (tmp_path / "e").write_text(
        "ENV_REGION=eu-central-1\nPLAIN=us-east-1-plain\nsecret_low=bG93ZXItY2FzZQ==\nSECRET_BAD=not base64 at all\n"
    )
    redact = Vault.load([tmp_path / "e"]).redactor.redact
    assert redact("eu-central-1 us-east-1-plain") == "eu-central-1 us-east-1-plain"
    assert redact("lower-case, not base64 at all") == f"{MASK}, {MASK}"


def test_an_internal_error_is_told_without_its_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Trap 2: an exception that carries the value, with the traceback that SIMULATE_DEBUG asks for."""
    from simulator.cli import main as cli
    from simulator.session import Session

    def broken(self: Session) -> None:
        raise RuntimeError("no way: " + " ".join(self.vault.find(name) for name in SECRETS))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Session, "run", broken)
    monkeypatch.setenv("SIMULATE_DEBUG", "1")
    assert cli.main([str(project(tmp_path / "flows"))]) == 3
    shown = capsys.readouterr()
    assert "Traceback" in shown.err and "RuntimeError" in shown.err
    assert scan(shown.out + shown.err) == set()


def test_a_failed_assertion_shows_no_secret(tmp_path: Path) -> None:
    """Trap 8: what pytest says of a comparison, what a test printed, and its JUnit file."""
    flow = project(tmp_path / "flows")
    names = [name.lower() for name in SECRETS]
    (tmp_path / "test_it.py").write_text(
        "import pytest, simulator\n\n"
        "@pytest.fixture(scope='module')\ndef done():\n"
        f"    with simulator.run({str(flow)!r}) as execution:\n        yield execution\n\n"
        f"@pytest.mark.parametrize('name', {names!r})\ndef test_one(done, name):\n"
        "    found = done.task(f'out_{name}').outputs['value']\n    print('printed', found)\n"
        "    assert found == 'something else'\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junit-xml=j.xml", "test_it.py"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert f"{len(names)} failed" in done.stdout and "something else" in done.stdout, done.stdout[-2000:]
    assert scan(done.stdout + done.stderr) == set()
    assert scan((tmp_path / "j.xml").read_bytes()) == set()


def test_a_failing_suite_shows_no_secret(tmp_path: Path) -> None:
    """`simulate test`: assertions over outputs, their messages, the reports in every format."""
    env_file(tmp_path)
    names = [name.lower() for name in SECRETS]
    returns = "".join(
        f"  - {{id: {name}, type: io.kestra.plugin.core.debug.Return, format: \"{{{{ secret('{name}') }}}}\"}}\n"
        for name in names
    )
    (tmp_path / "f.yml").write_text(f"id: f\nnamespace: a.b\ntasks:\n{returns}")
    cases = "".join(
        f"  - id: case_{name}\n    type: io.kestra.core.tests.flow.UnitTest\n    assertions:\n"
        f'      - {{value: "{{{{ outputs.{name}.value }}}}", equalTo: something else}}\n'
        for name in names
    )
    (tmp_path / "suite.yml").write_text(f"id: s\nnamespace: a.b\nflowId: f\ntestCases:\n{cases}")
    done = simulate("test", "-v", "--junit", "j.xml", "--json", "j.json", cwd=tmp_path, GITHUB_ACTIONS="true")
    assert done.code == 1 and "something else" in done.text, done.text[-2000:]
    assert scan(done.text) == set()
    assert scan_tree(tmp_path, without=DATA) == {}
    assert MASK in (tmp_path / "j.xml").read_text() and json.loads((tmp_path / "j.json").read_text())
