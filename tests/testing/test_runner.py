"""Cases run as Kestra runs them, and say why when they fail."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.errors import InvalidFlowError
from simulator.reports.style import Style
from simulator.testing.results import CaseResult
from simulator.testing.runner import Runner, read_suites
from simulator.testing.text import failure_text
from tests.testing.project import case, flow, suite

RETURN = "type: io.kestra.plugin.core.debug.Return"


@pytest.fixture
def runner() -> Iterator[Runner]:
    with Runner(environ={}) as made:
        yield made


def run(runner: Runner, folder: Path) -> dict[str, CaseResult]:
    return {found.case.id: runner.run(found) for found in read_suites([folder])}


def one(runner: Runner, folder: Path, body: str, text: str, side: str = "") -> CaseResult:
    flow(folder, body)
    suite(folder, text, side=side)
    (result,) = run(runner, folder).values()
    return result


def shown(result: CaseResult) -> str:
    return failure_text(result, Style(False))


def test_a_fixture_takes_the_place_of_a_task(runner: Runner, tmp_path: Path) -> None:
    body = f"tasks:\n  - {{id: call, type: io.kestra.plugin.unknown.Thing}}\n  - {{id: last, {RETURN}, format: '{{{{ outputs.call.code }}}}'}}\n"
    result = one(
        runner,
        tmp_path,
        body,
        case(
            "happy",
            fixtures="inputs: {}\ntasks:\n  - {id: call, outputs: {code: 200}}",
            assertions='- {value: "{{ outputs.last.value }}", equalTo: 200}',
        ),
    )
    assert (result.state, result.failures) == ("SUCCESS", ())
    assert [(run.task_id, run.mocked) for run in result.runs] == [("call", True), ("last", False)]


def test_a_task_that_cannot_run_is_an_error_when_it_is_reached(runner: Runner, tmp_path: Path) -> None:
    result = one(
        runner, tmp_path, "tasks:\n  - {id: call, type: io.kestra.plugin.unknown.Thing}\n", case("bare")
    )
    assert result.state == "ERROR"
    assert "`call`: the type io.kestra.plugin.unknown.Thing cannot run here" in shown(result)


def test_outputs_of_a_fixture_are_rendered(runner: Runner, tmp_path: Path) -> None:
    body = f"inputs:\n  - {{id: n, type: INT}}\ntasks:\n  - {{id: a, {RETURN}, format: a}}\n  - {{id: b, {RETURN}, format: b}}\n"
    result = one(
        runner,
        tmp_path,
        body,
        case(
            "rendered",
            fixtures="inputs: {n: 4}\ntasks:\n  - id: b\n    outputs: {value: '{{ outputs.a.value }}-{{ inputs.n }}'}",
            assertions='- {value: "{{ outputs.b.value }}", equalTo: a-4}',
        ),
    )
    assert result.state == "SUCCESS", shown(result)


def test_a_fixture_comes_before_run_if(runner: Runner, tmp_path: Path) -> None:
    body = f"tasks:\n  - {{id: a, {RETURN}, format: real, runIf: 'false'}}\n"
    result = one(
        runner,
        tmp_path,
        body,
        case(
            "mocked",
            fixtures="tasks:\n  - {id: a, outputs: {value: canned}}",
            assertions='- {value: "{{ outputs.a.value }}", equalTo: canned}',
        ),
    )
    assert result.state == "SUCCESS", shown(result)


def test_files_and_their_uris(runner: Runner, tmp_path: Path) -> None:
    body = f"inputs:\n  - {{id: data, type: FILE}}\ntasks:\n  - {{id: a, {RETURN}, format: '{{{{ read(inputs.data) }}}}'}}\n"
    result = one(
        runner,
        tmp_path,
        body,
        case(
            "file",
            fixtures="files: {x.txt: hello}\ninputs: {data: \"{{ files['x.txt'] }}\"}",
            assertions='- {value: "{{ outputs.a.value }}", equalTo: hello}',
        ),
    )
    assert result.state == "SUCCESS", shown(result)


def test_a_trigger_brings_its_variables(runner: Runner, tmp_path: Path) -> None:
    body = f"tasks:\n  - {{id: a, {RETURN}, format: '{{{{ trigger.body.id }}}}'}}\n"
    result = one(
        runner,
        tmp_path,
        body,
        case(
            "fired",
            fixtures="trigger:\n  id: hook\n  type: io.kestra.plugin.core.trigger.Webhook\n  variables: {body: {id: 7}}",
            assertions='- {value: "{{ outputs.a.value }}", equalTo: 7}',
        ),
    )
    assert result.state == "SUCCESS", shown(result)


def test_values_of_a_1x_loop(runner: Runner, tmp_path: Path) -> None:
    body = (
        "tasks:\n  - id: each\n    type: io.kestra.plugin.core.flow.ForEach\n    values: [a, b]\n"
        "    tasks:\n      - {id: call, type: io.kestra.plugin.unknown.Thing}\n"
    )
    flow(tmp_path, body)
    fixtures = "tasks:\n  - {id: call, value: a, outputs: {n: 1}}\n  - {id: call, value: b, outputs: {n: 2}}"
    suite(
        tmp_path,
        case("both", fixtures=fixtures, assertions="- {value: \"{{ outputs.call['b'].n }}\", equalTo: 2}"),
    )
    (found,) = read_suites([tmp_path], kestra="1")
    with Runner(environ={}, flags={"kestra": "1"}) as old:
        result = old.run(found)
    assert result.state == "SUCCESS", shown(result)


def test_iterations_of_a_2x_loop(runner: Runner, tmp_path: Path) -> None:
    body = (
        "tasks:\n  - id: each\n    type: io.kestra.plugin.core.flow.Loop\n    values: [a, b]\n"
        "    tasks:\n      - {id: call, type: io.kestra.plugin.unknown.Thing}\n"
    )
    result = one(
        runner,
        tmp_path,
        body,
        case("both", fixtures="tasks:\n  - {id: call, outputs: {n: 1}}"),
        "expect: {task_runs: {call: 2}}",
    )
    assert result.state == "SUCCESS", shown(result)


def test_a_failing_fixture_runs_the_errors_branch(runner: Runner, tmp_path: Path) -> None:
    body = f"tasks:\n  - {{id: a, {RETURN}, format: x}}\nerrors:\n  - {{id: tell, {RETURN}, format: told}}\n"
    result = one(
        runner,
        tmp_path,
        body,
        case(
            "fails",
            more="expectedState: FAILED",
            fixtures="tasks:\n  - {id: a, state: FAILED}",
            assertions='- {value: "{{ outputs.tell.value }}", equalTo: told}\n- {value: "{{ errorLogs() | length }}", equalTo: 0}',
        ),
    )
    assert result.state == "SUCCESS", shown(result)


def test_the_expected_state_is_success_unless_named(runner: Runner, tmp_path: Path) -> None:
    body = "tasks:\n  - {id: a, type: io.kestra.plugin.core.execution.Fail}\n"
    result = one(runner, tmp_path, body, case("dies"))
    assert result.state == "FAILED"
    assert "expected the execution to end SUCCESS but it ended FAILED" in shown(result)


def test_what_a_failure_shows(runner: Runner, tmp_path: Path) -> None:
    body = f"tasks:\n  - {{id: count, {RETURN}, format: '3'}}\n"
    result = one(
        runner,
        tmp_path,
        body,
        case("wrong", assertions='- {value: "{{ outputs.count.value + 1 }}", equalTo: 5}'),
    )
    text = shown(result)
    assert result.state == "FAILED"
    assert "expected '{{ outputs.count.value + 1 }}' to equal '5' but was" in text
    assert "outputs.count.value = 3" in text
    assert f"{tmp_path}/demo.test.yml:8" in text
    assert f"count  SUCCESS  debug.Return  0.00 s  {tmp_path}/demo.yml:4" in text


def test_an_assertion_that_cannot_be_evaluated_is_an_error(runner: Runner, tmp_path: Path) -> None:
    body = f"tasks:\n  - {{id: a, {RETURN}, format: x}}\n"
    result = one(
        runner,
        tmp_path,
        body,
        case("odd", assertions='- {value: "{{ outputs.a.nothing }}", equalTo: 1}'),
    )
    assert result.state == "ERROR"
    assert result.errors[0].message.startswith("Could not evaluate assertion: `{")


def test_no_secret_is_shown(runner: Runner, tmp_path: Path) -> None:
    body = f"tasks:\n  - {{id: a, {RETURN}, format: \"{{{{ secret('TOKEN') }}}}\"}}\n"
    assertions = (
        "- {value: \"{{ secret('TOKEN') ~ 'x' }}\", equalTo: other}\n"
        '- {value: "{{ outputs.a.value }}", equalTo: other}\n'
        "- {value: \"{{ secret('PIN') }}\", equalTo: '1'}"
    )
    result = one(
        runner,
        tmp_path,
        body,
        case("leaks", assertions=assertions),
        "secrets: {TOKEN: very-secret-value, PIN: '777'}",
    )
    assert result.state == "FAILED"
    everything = shown(result) + str(result)
    assert "very-secret-value" not in everything
    assert "777" not in shown(result)


def test_a_disabled_case_is_skipped(runner: Runner, tmp_path: Path) -> None:
    body = f"tasks:\n  - {{id: a, {RETURN}, format: x}}\n"
    assert one(runner, tmp_path, body, case("off", more="disabled: true")).state == "SKIPPED"


def test_inputs_that_are_not_valid_are_an_error(runner: Runner, tmp_path: Path) -> None:
    body = f"inputs:\n  - {{id: n, type: INT}}\ntasks:\n  - {{id: a, {RETURN}, format: x}}\n"
    result = one(runner, tmp_path, body, case("bad", fixtures="inputs: {n: many}"))
    assert result.state == "ERROR"
    assert "n" in shown(result)


def test_a_flow_that_is_not_there(tmp_path: Path) -> None:
    suite(tmp_path, case("lost"), name="lost")
    with pytest.raises(InvalidFlowError) as caught:
        read_suites([tmp_path])
    assert "Flow with id: 'lost' does not exist on Namespace: 'company.team'" in str(
        caught.value.diagnostics[0]
    )


@pytest.mark.parametrize(
    ("expect", "message"),
    [
        ("task_runs: {a: 2}", "expected 2 task runs of `a` but there were 1"),
        ("logs: [{task: say, contains: bye}]", "expected at least one of the log entries to fit"),
        ("logs: [{level: INFO, count: 0}]", "expected 0 of the log entries to fit"),
        ("state: WARNING", "expected the execution to end WARNING but it ended SUCCESS"),
        ("outputs: {result: 2}", "expected the output `result` to be another"),
        ("outbox: [{method: POST}]", "expected at least one of the messages to fit"),
        ("s3: [{bucket: b, key: k}]", "expected s3://b/k to exist"),
        ("sql: [{query: select 1, rows: []}]", "the execution used no PostgreSQL double"),
    ],
)
def test_expectations_that_do_not_hold(runner: Runner, tmp_path: Path, expect: str, message: str) -> None:
    body = (
        f"tasks:\n  - {{id: a, {RETURN}, format: x}}\n"
        "  - {id: say, type: io.kestra.plugin.core.log.Log, message: hello}\n"
        "outputs:\n  - {id: result, type: INT, value: 1}\n"
    )
    result = one(runner, tmp_path, body, case("checked"), f"expect: {{{expect}}}")
    assert result.state == "FAILED"
    assert message in shown(result)


def test_expectations_that_hold(runner: Runner, tmp_path: Path) -> None:
    body = (
        "tasks:\n  - {id: say, type: io.kestra.plugin.core.log.Log, message: hello}\n"
        "outputs:\n  - {id: result, type: INT, value: 1}\n"
    )
    side = "expect: {task_runs: {say: 1}, logs: [{task: say, level: INFO, equals: hello, count: 1}], outputs: {result: 1}}"
    result = one(runner, tmp_path, body, case("checked"), side)
    assert result.state == "SUCCESS", shown(result)


def test_a_mock_that_fails_twice(runner: Runner, tmp_path: Path) -> None:
    body = (
        "tasks:\n  - id: call\n    type: io.kestra.plugin.unknown.Thing\n"
        "    retry: {type: constant, interval: PT1H, maxAttempts: 3}\n"
    )
    side = "cases: {lucky: {mocks: {call: {fail: 2, outputs: {code: 200}}}}}"
    result = one(
        runner,
        tmp_path,
        body,
        case("lucky", assertions='- {value: "{{ outputs.call.code }}", equalTo: 200}'),
        side,
    )
    assert result.state == "SUCCESS", shown(result)


def test_a_pause_goes_on_with_an_answer(runner: Runner, tmp_path: Path) -> None:
    body = (
        "tasks:\n  - id: ask\n    type: io.kestra.plugin.core.flow.Pause\n"
        "    onResume: [{id: ok, type: BOOL}]\n"
    )
    result = one(
        runner,
        tmp_path,
        body,
        case("answered", assertions='- {value: "{{ outputs.ask.onResume.ok }}", equalTo: "true"}'),
        "resume: {ask: {ok: true}}",
    )
    assert result.state == "SUCCESS", shown(result)
