"""The HTML report: whole, escaped, without a secret; and in a real browser what it shows, quietly and without a request."""

import html
import json
import re
import time
from pathlib import Path

import pytest

from simulator.reports.html import HtmlReporter
from simulator.session import Session
from tests.cli.simulate import edit, example
from tests.reports.browser import CHROMIUM, Page, open_page

LOOP = """\
id: loop
namespace: company.team
labels: {quote: 'a"b<c>'}
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: "{{ range(1, COUNT) }}"
    tasks:
      - {id: log, type: io.kestra.plugin.core.log.Log, message: "number {{ taskrun.value }} </script><script>alert(1)</script>"}
errors:
  - {id: alarm, type: io.kestra.plugin.core.log.Log, message: failed}
"""

FAILING = """\
id: failing
namespace: company.team
tasks:
  - id: branch
    type: io.kestra.plugin.core.flow.If
    condition: "{{ true }}"
    then:
      - {id: boom, type: io.kestra.plugin.core.execution.Fail, errorMessage: it broke}
    else:
      - {id: never, type: io.kestra.plugin.core.log.Log, message: never}
"""


def report(flow: Path, target: Path, **flags: object) -> Session:
    """Runs a flow and writes its report."""
    with Session.open(flow, flags={"keep": 0, **flags}) as session:
        redact = session.vault.redactor.redact
        write = lambda text: target.write_text(redact(text), "utf-8")  # noqa: E731
        session.reporters.append(
            HtmlReporter(write, session.flow, command="simulate flow.yml", previews=session.previews)
        )
        session.run()
        session.finish(0)
    return session


def data_of(page: Path) -> dict[str, object]:
    found = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', page.read_text("utf-8"), re.DOTALL
    )
    assert found is not None
    value: dict[str, object] = json.loads(found[1])
    return value


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def flow_file(work: Path, text: str) -> Path:
    path = work / "flow.yml"
    path.write_text(text)
    return path


def test_data_cannot_end_its_script_and_the_policy_allows_nothing_else(work: Path) -> None:
    page = work / "out.html"
    report(flow_file(work, LOOP.replace("COUNT", "3")), page, kestra="1")
    text = page.read_text("utf-8")
    assert text.count("<script>") == 1 and text.count("</script>") == 2
    assert "alert(1)" in str(data_of(page)["logs"])
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1])  # type: ignore[index]
    assert policy.startswith("default-src 'none'; style-src 'sha256-") and "unsafe" not in policy
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "") and "https://" not in text


def test_no_secret_is_in_it(work: Path) -> None:
    flow = example(work / "flows")
    edit(
        flow,
        "    fetchType: STORE\n",
        "    fetchType: STORE\n  - id: leak\n    type: io.kestra.plugin.core.debug.Return\n"
        "    format: \"{{ secret('POSTGRES_PASSWORD') }} {{ secret('AWS_SECRET_KEY') | base64encode }}\"\n",
    )
    page = work / "out.html"
    session = report(flow, page)
    text = page.read_text("utf-8")
    for name in session.vault.names():
        assert session.vault.find(name) not in text
    assert "YWN0dWFsX2F3c19zZWNyZXRfa2V5" not in text
    assert "Lovelace" in text and "s3://kestra-bucket/data/users.csv" in text


def test_a_large_run_stays_linear(work: Path) -> None:
    page = work / "out.html"
    started = time.monotonic()
    report(flow_file(work, LOOP.replace("COUNT", "3000")), page, kestra="1")
    assert len(data_of(page)["runs"]) == 3001  # type: ignore[arg-type]
    assert page.stat().st_size < 3001 * 1500
    assert time.monotonic() - started < 60


browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@browser
@pytest.mark.slow
def test_a_page_that_asks_the_network_or_complains_is_found(work: Path) -> None:
    """The test of the tests below."""
    page = work / "loud.html"
    page.write_text("<img src='http://127.0.0.1:9/x.png'><script>console.error('ouch')</script>")
    shown = open_page(page)
    assert any("127.0.0.1:9/x.png" in url for url in shown.requests)
    assert any("ouch" in line for line in shown.console)


def quiet(page: Page) -> None:
    assert page.console == []
    assert page.requests == []
    assert 'data-ready="true"' in page.dom


def visible(page: Page) -> str:
    """The text of the page, without script and style."""
    body = re.sub(r"<(script|style|template)\b.*?</\1>", "", page.dom, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ", body))


@browser
@pytest.mark.slow
@pytest.mark.parametrize("name", ["postgres_to_s3.yml", "postgres_to_s3_csv.yml"])
def test_the_examples_in_a_browser(work: Path, name: str) -> None:
    flow = example(work / "flows").with_name(name)
    page = work / "out.html"
    report(flow, page)
    shown = open_page(page, "#tab=world")
    quiet(shown)
    text = visible(shown)
    assert "Ada" in text and "kestra-bucket" in text and "nothing mocked" in text
    topology = open_page(page)
    quiet(topology)
    assert topology.dom.count('data-task="') >= 2 and "SUCCESS" in visible(topology)


@browser
@pytest.mark.slow
def test_a_failing_flow_opens_at_what_failed(work: Path) -> None:
    page = work / "out.html"
    report(flow_file(work, FAILING), page, kestra="2")
    shown = open_page(page)
    quiet(shown)
    text = visible(shown)
    assert "it broke" in text and "Source, " in text and "failing" in text
    assert re.search(r'data-task="never"[^>]*aria-label="never: not run"', shown.dom)


@browser
@pytest.mark.slow
def test_a_loop_of_a_thousand_draws_only_what_is_on_screen(work: Path) -> None:
    page = work / "out.html"
    report(flow_file(work, LOOP.replace("COUNT", "1000")), page, kestra="1")
    topology = open_page(page)
    quiet(topology)
    assert "1,000 × SUCCESS" in visible(topology)
    runs = open_page(page, "#tab=runs")
    quiet(runs)
    assert 5 < runs.dom.count('class="row"') < 100
    logs = open_page(page, "#tab=logs")
    quiet(logs)
    assert "<script>alert(1)" not in re.sub(
        r'<script type="application/json".*?</script>', "", logs.dom, flags=re.DOTALL
    )
    assert "alert(1)" in visible(logs)


def test_the_command_writes_it_from_a_kept_execution(work: Path) -> None:
    from tests.cli.simulate import simulate

    flow = flow_file(work, FAILING)
    assert simulate(flow, "--kestra", "2", cwd=work).code == 1
    result = simulate("report", "last", "-o", "kept.html", cwd=work)
    assert result.code == 0 and result.out.strip() == "kept.html"
    assert "it broke" in str(data_of(work / "kept.html")["logs"])


@browser
@pytest.mark.slow
def test_a_suite_run_in_a_browser(work: Path) -> None:
    from tests.cli.simulate import simulate

    example(work / "flows")
    result = simulate("test", "flows", "--report", "suite.html", "-q", cwd=work)
    assert result.code == 0, result.text
    shown = open_page(work / "suite.html")
    assert shown.console == [] and shown.requests == []
    assert shown.dom.count("<svg") >= 5 and "copies_all_users" in visible(shown)
