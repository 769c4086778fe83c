"""The pytest plugin, seen from outside: pytest runs on made-up projects."""

import shutil
from pathlib import Path

import pytest

from tests.testing.project import case, flow, suite

pytest_plugins = ["pytester"]

RETURN = "type: io.kestra.plugin.core.debug.Return"
FLOWS = Path(__file__).parent.parent.parent / "flows"


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    flow(pytester.path, f"tasks:\n  - {{id: a, {RETURN}, format: '3'}}\n")
    suite(
        pytester.path,
        case("good")
        + case("bad", assertions='- {value: "{{ outputs.a.value }}", equalTo: 4}')
        + case("off", more="disabled: true"),
    )
    return pytester.path


def test_suites_are_items(pytester: pytest.Pytester, project: Path) -> None:
    done = pytester.runpytest_subprocess("-rA", "--color=no")
    done.assert_outcomes(passed=1, failed=1, skipped=1)
    done.stdout.fnmatch_lines(
        [
            "*expected '{{ outputs.a.value }}' to equal '4' but was '3'*",
            "*where *outputs.a.value = 3*",
            "*FAILED demo.test.yml::bad*",
        ]
    )


def test_options_of_pytest_work(pytester: pytest.Pytester, project: Path) -> None:
    pytester.runpytest_subprocess("-k", "good").assert_outcomes(passed=1, deselected=2)
    pytester.runpytest_subprocess("-x", "-k", "bad or off", "--junit-xml=r.xml").assert_outcomes(failed=1)
    assert 'name="bad"' in (project / "r.xml").read_text()
    pytester.runpytest_subprocess("--lf").assert_outcomes(failed=1)
    pytester.runpytest_subprocess("--no-flow-suites").assert_outcomes()


def test_a_suite_that_is_not_valid(pytester: pytest.Pytester, project: Path) -> None:
    suite(project, "- id: x\n  type: nonsense\n  assertions: []")
    done = pytester.runpytest_subprocess()
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*demo.test.yml:*Invalid type: nonsense*"])


def test_fixtures(pytester: pytest.Pytester, project: Path) -> None:
    flow(
        project,
        "inputs:\n  - {id: n, type: INT}\ntasks:\n"
        f"  - {{id: a, {RETURN}, format: \"{{{{ inputs.n }}}}{{{{ secret('TOKEN') }}}}\"}}\n"
        "  - {id: wait, type: io.kestra.plugin.core.flow.Pause}\n",
        "waits",
    )
    pytester.makepyfile(
        """
        def test_it(kestra, secrets, http_outbox, kestra_snapshot):
            secrets["TOKEN"] = "never-to-be-seen"
            execution = kestra.run("waits.yml", inputs={"n": 4})
            assert execution.state == "PAUSED"
            assert kestra.resume(execution).state == "SUCCESS"
            before = kestra.time.now
            assert (kestra.time.advance(days=3) - before).days == 3
            assert len(http_outbox) == 0
            assert execution.task("a").outputs["value"].startswith("4")
            kestra_snapshot(execution)

        def test_canned(kestra):
            execution = kestra.run("demo.yml", tasks={"a": {"value": "canned"}})
            assert execution.task("a").outputs == {"value": "canned"}
            assert execution.task("a").mocked

        def test_leak(kestra, secrets):
            secrets["TOKEN"] = "never-to-be-seen"
            execution = kestra.run("waits.yml", inputs={"n": 4})
            assert secrets == {}
            assert execution.to_json() == {}
        """
    )
    done = pytester.runpytest_subprocess("--no-flow-suites", "-k", "test_it or test_canned")
    done.stdout.fnmatch_lines(["*no snapshot *--update-snapshots writes it*"])
    pytester.runpytest_subprocess(
        "--no-flow-suites", "--update-snapshots", "-k", "test_it or test_canned"
    ).assert_outcomes(passed=2, deselected=1)
    done = pytester.runpytest_subprocess("--no-flow-suites", "-vv")
    done.assert_outcomes(passed=2, failed=1)
    assert "never-to-be-seen" not in done.stdout.str().replace('secrets["TOKEN"] = "never-to-be-seen"', "")


@pytest.mark.slow
def test_doubles(pytester: pytest.Pytester) -> None:
    shutil.copytree(FLOWS, pytester.path / "flows", ignore=shutil.ignore_patterns(".simulate"))
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("n", range(3))
        def test_users(kestra, postgres, s3, n):
            assert kestra.run("flows/postgres_to_s3.yml").state == "SUCCESS"
            assert postgres("select count(*) as n from users") == [{"n": 6}]
            assert list(s3["kestra-bucket"]) == ["data/users.csv"]
            postgres("delete from users")
        """
    )
    pytester.runpytest_subprocess("-n", "2").assert_outcomes(passed=8)


def test_the_plugin_imports_nothing_heavy(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it():
            loaded = [name for name in sys.modules if name.startswith("simulator")]
            rooms = {name.split(".")[1] for name in loaded if "." in name}
            assert rooms <= {"_version", "testing"}, loaded
            assert not {"yaml", "jinja2", "botocore", "psycopg"} & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
