"""pytest plugin: test suites of flows are collected as items, and fixtures run flows.

    pytest flows/                       # the suites below flows/, each case an item: -k, --lf, -x, xdist, --junit-xml
    def test_it(kestra, postgres, s3):  # see `simulator.testing.pytest_fixtures`

Nothing heavy is imported here: pytest loads this module at every start, in every project that has us installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from simulator.testing.pytest_masking import pytest_runtest_makereport

if TYPE_CHECKING:
    from simulator.testing.pytest_fixtures import Kestra, Outbox, Postgres, Secrets, Snapshot
    from simulator.testing.pytest_items import SuiteFile

__all__ = ["pytest_runtest_makereport"]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("kestra flows")
    group.addoption(
        "--update-snapshots", action="store_true", help="write golden executions of `kestra_snapshot` anew"
    )
    group.addoption("--kestra", choices=("1", "2", "auto"), default="auto", help="dialect of flows")
    group.addoption("--no-flow-suites", action="store_true", help="do not collect test suites of flows")


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> SuiteFile | None:
    """A YAML file with `testCases` and `flowId`; told apart by its text, without parsing it."""
    if file_path.suffix not in (".yml", ".yaml") or parent.config.getoption("--no-flow-suites"):
        return None
    if file_path.name.endswith((".sim.yml", ".sim.yaml")) or not _looks_like_suite(file_path):
        return None
    from simulator.testing.pytest_items import SuiteFile

    return SuiteFile.from_parent(parent, path=file_path)


def _looks_like_suite(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            text = stream.read(1 << 20)
    except OSError:
        return False
    lines = text.splitlines()
    return all(any(line.startswith(key) for line in lines) for key in (b"testCases:", b"flowId:"))


@pytest.fixture(scope="session")
def kestra_doubles(request: pytest.FixtureRequest) -> Any:
    """The doubles of this process: started once, new for each run."""
    from simulator.testing.pytest_items import runner_of

    return runner_of(request.config).pool


@pytest.fixture
def secrets() -> Secrets:
    """Secrets for flows of this test: `secrets["TOKEN"] = "x"`. Never shown."""
    from simulator.testing.pytest_fixtures import Secrets

    return Secrets()


@pytest.fixture
def kestra(kestra_doubles: Any, secrets: Secrets, request: pytest.FixtureRequest) -> Iterator[Kestra]:
    """Runs flows: `execution = kestra.run("flows/a.yml", inputs={...})`."""
    from simulator.testing.pytest_fixtures import Kestra

    runner = Kestra(
        kestra_doubles, secrets, request.config.rootpath, str(request.config.getoption("--kestra"))
    )
    yield runner
    runner.close()


@pytest.fixture
def postgres(kestra: Kestra) -> Postgres:
    """The PostgreSQL double of the last run: `postgres("select ...")` gives rows."""
    from simulator.testing.pytest_fixtures import Postgres

    return Postgres(kestra)


@pytest.fixture
def s3(kestra: Kestra) -> Any:
    """The S3 double of the last run: `s3["bucket"]["key"]` are bytes."""
    from simulator.testing.pytest_fixtures import Buckets

    return Buckets(kestra)


@pytest.fixture
def http_outbox(kestra: Kestra) -> Outbox:
    """What the flows of this test sent: requests that a double answered, mails, messages."""
    from simulator.testing.pytest_fixtures import Outbox

    return Outbox(kestra)


@pytest.fixture
def kestra_snapshot(request: pytest.FixtureRequest) -> Snapshot:
    """`kestra_snapshot(execution)` compares with a golden file beside the test; `--update-snapshots` writes it."""
    from simulator.testing.pytest_fixtures import Snapshot

    return Snapshot(request.path, request.node.name, bool(request.config.getoption("--update-snapshots")))
