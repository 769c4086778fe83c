"""`simulate test` and `simulate record`, as people use them."""

import json
import re
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.simulate import FLOWS, edit, example, simulate
from tests.testing.project import case, flow, suite

RETURN = "type: io.kestra.plugin.core.debug.Return"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    flow(tmp_path, f"tasks:\n  - {{id: a, {RETURN}, format: '3'}}\n")
    suite(
        tmp_path,
        case("good") + case("bad", assertions='- {value: "{{ outputs.a.value }}", equalTo: 4}'),
    )
    return tmp_path


def test_all_is_well(project: Path) -> None:
    done = simulate("test", "-k", "good", cwd=project)
    assert done.code == 0, done.text
    assert re.search(r"SUCCESS\s+demo\.test\.yml::good  0\.\d\d s\n\n1 passed in \d", done.out)


def test_a_failure_explains_itself(project: Path) -> None:
    done = simulate("test", cwd=project)
    assert done.code == 1
    assert "demo.test.yml:12: expected '{{ outputs.a.value }}' to equal '4' but was '3'" in done.out
    assert "where     outputs.a.value = 3" in done.out
    assert re.search(r"task run  a  SUCCESS  debug\.Return  0\.00 s  demo\.yml:4", done.out)
    assert re.search(r"FAILED demo\.test\.yml::bad - .*\n1 failed, 1 passed in", done.out)


def test_dots_first_failure_and_what_failed_last(project: Path) -> None:
    assert simulate("test", "-q", cwd=project).out.startswith(".F\n")
    assert "1 failed in" in simulate("test", "--lf", cwd=project).out
    suite(project, case("bad", assertions='- {value: "{{ outputs.a.value }}", equalTo: 4}') + case("later"))
    assert "1 failed in" in simulate("test", "-x", cwd=project).out
    assert simulate("test", "-k", "later and (", cwd=project).code == 2


def test_processes(project: Path) -> None:
    assert "1 failed, 1 passed in" in simulate("test", "-n", "2", cwd=project).out


def test_exit_codes(project: Path) -> None:
    assert simulate("test", "-k", "nobody", cwd=project).code == 5
    assert simulate("test", "nowhere", cwd=project).code == 5
    edit(project / "demo.test.yml", "equalTo: 4", "equalsTo: 4")
    done = simulate("test", cwd=project)
    assert done.code == 4
    assert "equalsTo" in done.err
    assert "equalTo" in done.err


def test_a_fixture_without_a_task_is_named(project: Path) -> None:
    edit(
        project / "demo.test.yml",
        "  - id: good",
        "  - id: fixed\n    type: io.kestra.core.tests.flow.UnitTest\n"
        "    fixtures: {tasks: [{id: aa}]}\n    assertions: [{value: '{{ flow.id }}', equalTo: demo}]\n  - id: good",
    )
    done = simulate("test", "-k", "fixed", cwd=project)
    assert done.code == 0, done.text
    assert "SIM-TEST-006" in done.err


def test_reports(project: Path) -> None:
    summary = project / "summary.md"
    done = simulate(
        "test",
        "--junit",
        "r.xml",
        "--report",
        "r.html",
        "--json",
        "-",
        cwd=project,
        GITHUB_ACTIONS="true",
        GITHUB_STEP_SUMMARY=str(summary),
    )
    (found,) = json.loads(done.out)
    assert (found["state"], [item["state"] for item in found["results"]]) == ("FAILED", ["SUCCESS", "FAILED"])
    page = (project / "r.html").read_text()
    assert '<b class="FAILED">FAILED</b> bad' in page
    assert "to equal &#x27;4&#x27; but was &#x27;3&#x27;" in page
    root = ElementTree.parse(project / "r.xml").getroot()
    assert [case.get("name") for case in root.iter("testcase")] == ["good", "bad"]
    assert len(list(root.iter("failure"))) == 1
    assert "::error file=demo.test.yml,line=12," in done.err
    assert "| FAILED | demo_tests > bad | demo.test.yml:9 |" in summary.read_text()


def test_coverage(project: Path) -> None:
    done = simulate("test", "-k", "good", "--coverage", "--fail-under", "100", cwd=project)
    assert done.code == 0, done.text
    assert "company.team.demo" in done.out
    simulate("test", "-k", "good", "--coverage=c.info", cwd=project)
    assert "DA:4,1" in (project / "c.info").read_text()


def test_too_little_is_covered(project: Path) -> None:
    edit(project / "demo.yml", "tasks:", f"errors:\n  - {{id: e, {RETURN}, format: x}}\ntasks:")
    done = simulate("test", "-k", "good", "--coverage", "--fail-under", "100", cwd=project)
    assert done.code == 1
    assert "is less than 100 %" in done.out


def test_generate(project: Path) -> None:
    done = simulate("test", "--generate", "demo.yml", cwd=project)
    assert done.code == 0
    (project / "demo.test.yml").write_text(done.out)
    assert "1 passed" in simulate("test", cwd=project).out


def test_record(project: Path) -> None:
    simulate("demo.yml", cwd=project)
    done = simulate("record", "-o", "recorded.test.yml", "--name", "yesterday", cwd=project)
    assert done.code == 0, done.text
    assert "1 passed" in simulate("test", "recorded.test.yml", cwd=project).out
    assert simulate("record", "-o", "recorded.test.yml", cwd=project).code == 2
    (project / "e.json").write_text(
        json.dumps(json.loads(simulate("executions", "show", "--json", cwd=project).out))
    )
    assert "id: recorded" in simulate("record", "e.json", cwd=project).out


def test_watch(project: Path) -> None:
    import os
    import signal
    import subprocess
    import sys

    from tests.cli.simulate import environment

    log = project / "watch.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "test", "-k", "good", "--watch"],
            cwd=project,
            env=environment(),
            stdout=stream,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
    try:
        _wait(log, "waiting for changes", 1)
        edit(project / "demo.test.yml", "equalTo: demo", "equalTo: other")
        _wait(log, "1 failed in", 1)
        edit(project / "demo.yml", "id: demo", "id: demo\ndescription: x")
        _wait(log, "waiting for changes", 3)
    finally:
        os.kill(process.pid, signal.SIGINT)
        process.wait(10)


def _wait(log: Path, text: str, count: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if log.read_text().count(text) >= count:
            return
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.mark.slow
def test_the_example_project(tmp_path: Path) -> None:
    example(tmp_path)
    done = simulate("test", "--coverage", "--fail-under", "100", cwd=tmp_path)
    assert done.code == 0, done.text
    assert "5 passed" in done.out
    assert FLOWS.joinpath("postgres_to_s3.test.yml").exists()


def test_a_flow_stands_for_its_suites(project: Path) -> None:
    flow(project, f"tasks:\n  - {{id: a, {RETURN}, format: '3'}}\n")
    (project / "other.yml").write_text((project / "demo.yml").read_text().replace("id: demo", "id: other", 1))
    assert "1 failed, 1 passed in" in simulate("test", "demo.yml", cwd=project).out
    none = simulate("test", "other.yml", cwd=project)
    assert none.code == 5 and "no test case found" in none.err and "--generate" in none.err
