"""`simulate eval`: value on stdout, type, steps and errors on stderr, exit codes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from simulator.cli.console import Console
from simulator.cli.main import main
from simulator.errors import ExitCode


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(["eval", *arguments], Console(out, err, {}))
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def variables(tmp_path: Path) -> str:
    path = tmp_path / "vars.yml"
    path.write_text("a: {b: [1, 2]}\nn: 3\ns: '9'\n")
    return str(path)


def test_value_and_type(variables: str) -> None:
    assert run("{{ a.b[0] + n }}", "--vars", variables) == (ExitCode.SUCCESS, "4\n", "type: String\n")
    assert run("{{ a }}", "--vars", variables, "--typed") == (
        ExitCode.SUCCESS,
        '{"b":[1,2]}\n',
        "type: LinkedHashMap\n",
    )
    assert run("{{ n }}", "--vars", variables, "--typed") == (ExitCode.SUCCESS, "3\n", "type: Integer\n")
    assert run("{{ null }}", "--typed")[1] == "null\n"


def test_dialects(variables: str) -> None:
    assert run("{{ s - 1 }}", "--vars", variables)[1] == "8\n"
    code, out, err = run("{{ s - 1 }}", "--vars", variables, "--kestra", "1")
    assert (code, out) == (ExitCode.INVALID, "")
    assert "Could not perform subtraction" in err


def test_steps(variables: str) -> None:
    code, out, err = run("{{ a.b[0] ~ (n + 1) }}", "--vars", variables, "--steps")
    assert (code, out) == (ExitCode.SUCCESS, "14\n")
    assert err.splitlines() == [
        "  a.b[0]  =  1  (Integer)",
        "  n  =  3  (Integer)",
        "  n + 1  =  4  (Long)",
        "  a.b[0] ~ (n + 1)  =  14  (String)",
        "type: String",
    ]


def test_error_with_caret_and_hint(variables: str) -> None:
    code, out, err = run("line\n{{ n ~ a.bb }}", "--vars", variables, "--steps")
    assert (code, out) == (ExitCode.INVALID, "")
    assert "  n  =  3  (Integer)" in err
    assert "<template>:2:10: error SIM-EXPR-001: Unable to find `bb` used in the expression" in err
    assert "did you mean `b`?" in err


def test_json_variables(tmp_path: Path) -> None:
    path = tmp_path / "vars.json"
    path.write_text('{"x": 1.0}')
    assert run("{{ x }}", "--vars", str(path))[1] == "1.0\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["{{ 1 }}", "--vars", "no-such-file.yml"],
        ["--batch", "no-such-file.jsonl"],
        ["{{ 1 }}", "--batch", "-"],
        ["{{ 1 }}", "--kestra", "3"],
    ],
)
def test_usage(arguments: list[str]) -> None:
    assert run(*arguments)[0] == ExitCode.USAGE


def test_batch(tmp_path: Path) -> None:
    path = tmp_path / "batch.jsonl"
    path.write_text(
        "\n".join(
            [
                '{"id": 1, "template": "{{ x + 1 }}", "vars": {"x": 1}}',
                '{"id": 2, "template": "{{ x }}", "vars": {"x": [1]}, "typed": true}',
                '{"id": 3, "template": "{{ x }}"}',
                "",
                '{"id": 4, "template": {"a": "{{ 1 }}"}}',
                '{"id": 5, "template": "{{ \'2\' - 1 }}", "kestra": "1.1"}',
            ]
        )
    )
    code, out, _ = run("--batch", str(path))
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == ExitCode.SUCCESS
    assert answers[:2] == [{"id": 1, "result": "2"}, {"id": 2, "result": [1]}]
    assert answers[2]["error"] == {
        "type": "IllegalVariableEvaluationException",
        "cause": "RootAttributeNotFoundException",
        "message": "Unable to find `x` used in the expression `{{ x }}` at line 1",
        "offset": 3,
        "hint": None,
    }
    assert answers[3] == {"id": 4, "result": {"a": "1"}}
    assert "Could not perform subtraction" in answers[4]["error"]["message"]


def test_batch_lines_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "batch.jsonl"
    path.write_text(
        'no json\n[]\n{"template": "x", "colour": 1}\n{"template": "x", "kestra": "9"}\n{"id": 5, "template": "x"}'
    )
    code, out, _ = run("--batch", str(path))
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == ExitCode.INVALID
    assert ["error" in answer for answer in answers] == [True, True, True, True, False]


FLOW = """
id: sample
namespace: company.team
inputs:
  - id: day
    type: STRING
    defaults: monday
variables:
  table: users
tasks:
  - id: hello
    type: io.kestra.plugin.core.log.Log
    message: hi
"""


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "sample.yml"
    path.write_text(FLOW)
    return str(path)


def test_in_the_context_of_a_flow(flow: str, tmp_path: Path) -> None:
    template = "{{ flow.id }} {{ inputs.day }} {{ vars.table }} {{ task.id ?? 'no task' }}"
    assert run(template, "--flow", flow)[:2] == (ExitCode.SUCCESS, "sample monday users no task\n")
    code, out, _ = run(template, "--flow", flow, "-i", "day=friday", "--task", "hello")
    assert (code, out) == (ExitCode.SUCCESS, "sample friday users hello\n")
    assert run("{{ 1 }}", "--flow", flow, "--task", "nothing")[0] == ExitCode.NOT_FOUND
    assert run("{{ 1 }}", "--task", "hello")[0] == ExitCode.USAGE
    # A look leaves nothing behind.
    assert not list((tmp_path / ".simulate").glob("runs/*/events.jsonl"))


def test_secrets_are_masked(flow: str, tmp_path: Path) -> None:
    env = tmp_path / "secrets.env"
    env.write_text("SECRET_PASSWORD=aHVudGVyMi1odW50ZXIy\n")
    code, out, err = run("{{ secret('PASSWORD') ~ '!' }}", "--flow", flow, "--env-file", str(env), "--steps")
    assert (code, out) == (ExitCode.SUCCESS, "******!\n")
    assert "hunter2" not in err


def _keep_a_run(path: Path) -> None:
    from simulator.engine.store import EventStore
    from simulator.session import Session

    with Session.open(path) as session:
        session.prepare()
        assert session.rundir is not None
        if not any(isinstance(one, EventStore) for one in session.reporters):
            session.reporters.append(EventStore(session.rundir.root, session.vault.redactor.redact))
        session.run()
        session.finish(0)


def test_in_the_context_of_a_kept_execution(flow: str) -> None:
    path = Path(flow)
    path.write_text(
        FLOW.replace("io.kestra.plugin.core.log.Log", "io.kestra.plugin.core.debug.Return").replace(
            "message: hi", "format: hi"
        )
    )
    _keep_a_run(path)
    template = "{{ outputs.hello.value }} {{ execution.state }} {{ taskrun.value ?? '-' }}"
    assert run(template, "--run", "last", "--task", "hello")[:2] == (ExitCode.SUCCESS, "hi SUCCESS -\n")
    code, _, err = run("{{ outputs.hello.valu }}", "--run", "last")
    assert code == ExitCode.INVALID
    assert "did you mean `value`?" in err
    assert run("{{ 1 }}", "--run", "no-such-id")[0] == ExitCode.NOT_FOUND
