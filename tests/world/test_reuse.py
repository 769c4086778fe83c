"""A part of a flow, with outputs of the last execution for the rest; and plans that touch nothing."""

from pathlib import Path

import pytest

from simulator.session import Session
from tests.cli.simulate import simulate

FLOW = """\
id: parts
namespace: company.team
tasks:
  - {id: a, type: io.kestra.plugin.core.debug.Return, format: "{{ now() }}"}
  - {id: b, type: io.kestra.plugin.core.storage.Write, content: "{{ outputs.a.value }}"}
  - {id: c, type: io.kestra.plugin.core.debug.Return, format: "{{ read(outputs.b.uri) }}"}
"""


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "parts.yml"
    path.write_text(FLOW)
    return path


def run(flow: Path, **flags: object) -> Session:
    with Session.open(flow, flags=flags) as session:
        session.run()
        session.finish(0)
    return session


def outputs(session: Session) -> dict[str, object]:
    assert session.execution is not None
    return {item.task_id: item.outputs for item in session.execution.task_runs}


def test_only_takes_over_what_came_before(flow: Path) -> None:
    first = outputs(run(flow))
    second = outputs(run(flow, from_task="c", until_task="c"))
    assert second == first
    assert list(second) == ["a", "b", "c"]


def test_until_leaves_out_the_rest(flow: Path) -> None:
    assert list(outputs(run(flow, until_task="b"))) == ["a", "b"]


def test_from_runs_again_what_follows(flow: Path) -> None:
    first = outputs(run(flow))
    session = run(flow, from_task="b")
    assert session.execution is not None and not any(one.mocked for one in session.execution.task_runs)
    second = outputs(session)
    assert second["a"] == first["a"] and second["b"] != first["b"] and second["c"] == first["c"]


def test_an_execution_of_a_part_has_not_all_that_is_needed(flow: Path) -> None:
    first = outputs(run(flow))
    run(flow, until_task="a")
    assert outputs(run(flow, from_task="c", until_task="c")) == first


def test_without_an_earlier_execution(flow: Path) -> None:
    result = simulate(flow, "--only", "c", cwd=flow.parent)
    assert result.code == 5 and "run the whole flow once" in result.err


def test_an_unknown_task(flow: Path) -> None:
    result = simulate(flow, "--until", "d", cwd=flow.parent)
    assert result.code == 2 and "it has: a, b, c" in result.err


def test_a_plan_renders_what_it_can_and_touches_nothing(flow: Path) -> None:
    flow.write_text(FLOW.replace('"{{ now() }}"', "\"{{ flow.id }} {{ secret('KEY') }}\""))
    result = simulate(flow, "--plan", cwd=flow.parent)
    assert result.code == 0
    assert "secret('KEY') }}  (no secret is loaded" in result.out
    Path(".env_encoded").write_text("SECRET_KEY=bm90aGluZw==\n")
    result = simulate(flow, "--plan", cwd=flow.parent)
    assert "format: parts ******" in result.out and "nothing" not in result.out
    assert "content: {{ outputs.a.value }}  (known when it runs)" in result.out
    assert not Path(".simulate").exists()
