"""The HTML report: whole, escaped, without a secret; and in a real browser what it shows, quietly and without a request."""

import base64
import hashlib
import html
import json
import re
import time
from pathlib import Path

import pytest

from simulator.errors import InvalidFlowError
from simulator.reports.html import HtmlReporter
from simulator.reports.html.page import Page as Document
from simulator.reports.sink import file_writer
from simulator.secrets.redact import Redactor
from simulator.session import Session
from tests.cli.simulate import edit, example
from tests.reports.browser import CHROMIUM, Page, open_page
from tests.reports.devtools import Tab

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


def report(flow: Path, target: Path, *, with_flows: bool = True, **flags: object) -> Session:
    """Runs a flow and writes its report."""
    with Session.open(flow, flags={"keep": 0, **flags}) as session:
        write = file_writer(target, session.vault.redactor)
        session.reporters.append(
            HtmlReporter(
                write,
                session.flow,
                command="simulate flow.yml",
                previews=session.previews,
                flows=(lambda *name: session.flows.find(*name)) if with_flows else None,
            )
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


@pytest.mark.parametrize(
    "secret",
    [
        "true",
        "null",
        "1",
        '"',
        "{",
        "SUCCESS",
        "2026",
        "const ",
        "color",
        "fetch",
        "</script>",
        '\\"}]',
        "u003c",
    ],
)
def test_no_secret_breaks_the_page(work: Path, secret: str) -> None:
    """Not even one that mask_event never saw, and that is a word of JSON, of the script or of the style."""
    redactor = Redactor()
    known = redactor.register(secret)
    text = f"before {secret} after"
    row: list[object] = [
        "r",
        "e",
        "fetch",
        text,
        None,
        "SUCCESS",
        "2026-01-01T00:00:00Z",
        None,
        None,
        True,
        text,
        "t",
        [],
        {secret: text},
        None,
        None,
    ]
    data = {
        "fields": [],
        "flow": "a.b",
        "meta": {"command": text},
        "runs": [row],
        "logs": [["r", "e", "INFO", "2026", text, "fetch"]],
    }
    page = work / "out.html"
    file_writer(page, redactor)(Document.of(data, {"a.b": "<svg><text>x</text></svg>"}, title=text))
    found = data_of(page)
    shown = "before ****** after" if known else text
    assert found["runs"][0][3] == found["logs"][0][4] == found["meta"]["command"] == shown  # type: ignore[index]
    assert found["runs"][0][5:7] == ["SUCCESS", "2026-01-01T00:00:00Z"] and found["runs"][0][9] is True  # type: ignore[index]
    whole = page.read_text("utf-8")
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', whole)[1])  # type: ignore[index]
    for name in ("style", "script"):
        content = re.search(rf"<{name}>(.*?)</{name}>", whole, re.DOTALL)[1]  # type: ignore[index]
        assert base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() in policy


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
    folded = open_page(page, "#tab=runs")
    assert folded.dom.count('class="row"') == 1 and "1,000 runs" in visible(folded)
    runs = open_page(page, "#tab=runs&task=log")
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


GRAND = """\
id: grand
namespace: company.team
tasks:
  - {id: deep, type: io.kestra.plugin.core.log.Log, message: "deep \u202e down"}
"""

CHILD = """\
id: child
namespace: company.team
tasks:
  - {id: grand, type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: grand, wait: true}
  - id: maybe
    type: io.kestra.plugin.core.flow.If
    condition: "{{ false }}"
    then: [{id: never, type: io.kestra.plugin.core.log.Log, message: never}]
"""

PARENT = """\
id: parent
namespace: company.team
tasks:
  - {id: one, type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: child, wait: true}
  - id: each
    type: io.kestra.plugin.core.flow.Loop
    values: [a, b, c]
    tasks:
      - {id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: grand, wait: true}
"""


@pytest.fixture
def nested(work: Path) -> Path:
    (work / "child.yml").write_text(CHILD)
    (work / "grand.yml").write_text(GRAND)
    return flow_file(work, PARENT)


@browser
@pytest.mark.slow
@pytest.mark.parametrize("with_flows", [True, False])
def test_one_steps_into_a_subflow_and_back_with_the_keyboard(
    work: Path, nested: Path, with_flows: bool
) -> None:
    page = work / "out.html"
    report(nested, page, with_flows=with_flows, kestra="2")
    with Tab(page) as tab:
        box = tab.js("document.querySelector('[data-task=one]').getAttribute('aria-label')")
        assert box == "one: SUCCESS, step into child"
        tab.js("document.querySelector('[data-task=one]').focus()")
        tab.key("Enter")
        assert tab.js("document.activeElement.innerText") == "child"
        assert str(tab.js("location.hash")).startswith("#exec/")
        drawn = tab.js("[...document.querySelectorAll('[data-task]')].map(node => node.dataset.task)")
        assert drawn == (["grand", "maybe", "never"] if with_flows else ["grand", "maybe"])
        tab.js("document.querySelector('[data-task=grand]').focus()")
        tab.key("Enter")
        crumbs = tab.js("document.querySelector('.crumbs ol').innerText")
        assert crumbs.split() == ["parent", "one", "→", "child", "grand", "→", "grand"]
        tab.key("4")
        assert "deep \\u202e down" in tab.text()
        deep = tab.js("location.hash")
        tab.key("u")
        tab.key("u")
        assert tab.js("document.querySelector('h1').innerText") == "parent"
        assert tab.js("document.querySelector('.crumbs')") is None
        tab.js("new Promise(done => { addEventListener('popstate', done, {once: true}); history.back() })")
        assert tab.js("document.querySelector('h1').innerText") == "child"
        assert tab.console == [] and tab.requests == []
    with Tab(page, deep) as tab:
        assert tab.js("document.title") == "parent › child › grand" and "deep" in tab.text()


@browser
@pytest.mark.slow
def test_a_round_of_a_loop_has_a_view_of_its_own(work: Path, nested: Path) -> None:
    page = work / "out.html"
    report(nested, page, kestra="2")
    with Tab(page, "#tab=runs") as tab:
        assert (
            tab.js(
                "[...document.querySelectorAll('.runs .row .name')].filter(row => row.innerText.includes('call[')).length"
            )
            == 3
        )
        tab.js(
            "[...document.querySelectorAll('.runs .row')].find(row => row.innerText.includes('each')).click()"
        )
        assert "Executions (3)" in tab.text()
        tab.js("document.querySelector('.side .children').focus()")
        tab.key("ArrowDown")
        tab.key("ArrowDown")
        tab.key("Enter")
        assert tab.js("document.querySelector('h1').innerText") == "each[b]"
        assert tab.js("document.querySelectorAll('.runs .row').length") == 1
        tab.key("1")
        assert (
            tab.js("document.querySelector('[data-task=call]').getAttribute('aria-label')")
            == "call: SUCCESS, step into grand"
        )
        assert tab.console == []


@browser
@pytest.mark.slow
def test_a_kept_execution_is_stepped_into_too(work: Path, nested: Path) -> None:
    from tests.cli.simulate import simulate

    assert simulate(nested, "--kestra", "2", cwd=work).code == 0
    assert simulate("report", "last", "-o", "kept.html", cwd=work).code == 0
    with Tab(work / "kept.html") as tab:
        tab.js("document.querySelector('[data-task=one]').focus()")
        tab.key("Enter")
        assert tab.js("document.title") == "parent › child"
        assert tab.js("document.querySelector('[data-task=grand]') !== null")
        assert tab.console == [] and tab.requests == []


@browser
@pytest.mark.slow
@pytest.mark.parametrize("address", ["#exec/nobody?tab=runs", "#exec/%", "#tab=nothing&run=nobody", '#"><b>'])
def test_an_address_that_leads_nowhere_shows_the_run(work: Path, address: str) -> None:
    page = work / "out.html"
    report(flow_file(work, FAILING), page, kestra="2")
    with Tab(page, address) as tab:
        assert tab.js("document.querySelector('h1').innerText") == "failing"
        assert tab.console == []


def test_a_child_whose_flow_is_broken_by_now_is_drawn_from_its_runs(work: Path, nested: Path) -> None:
    page = work / "out.html"

    def broken(namespace: str, flow_id: str) -> None:
        raise InvalidFlowError(f"{flow_id} is not a valid flow")

    with Session.open(nested, flags={"keep": 0, "kestra": "2"}) as session:
        session.reporters.append(HtmlReporter(file_writer(page, None), session.flow, flows=broken))
        session.run()
        session.finish(0)
    assert data_of(page)["flows"]["company.team.child"]["source"] is None  # type: ignore[index]
    drawing = re.search(
        r'<template data-flow="company.team.child">(.*?)</template>', page.read_text("utf-8"), re.DOTALL
    )
    assert drawing is not None and re.findall(r'data-task="(\w+)"', drawing[1]) == ["grand", "maybe"]


def test_the_command_line_gives_the_flows_of_children(work: Path, nested: Path) -> None:
    from tests.cli.simulate import simulate

    assert simulate(nested, "--kestra", "2", "--report", "now.html", cwd=work).code == 0
    assert simulate("report", "last", "-o", "kept.html", cwd=work).code == 0
    for name in ("now.html", "kept.html"):
        flows = data_of(work / name)["flows"]
        assert "id: never" in str(flows["company.team.child"]["source"]), name  # type: ignore[index]


def test_a_kept_execution_is_shown_with_its_metrics_and_facts(work: Path) -> None:
    from tests.cli.simulate import simulate

    flow = flow_file(
        work,
        """\
id: measured
namespace: company.team
tasks:
  - id: counted
    type: io.kestra.plugin.core.metric.Publish
    metrics: [{type: counter, name: boxes, value: 42}]
""",
    )
    assert simulate(flow, "--kestra", "2", "--report", "now.html", cwd=work).code == 0
    assert simulate("report", "last", "-o", "kept.html", cwd=work).code == 0
    now, kept = data_of(work / "now.html"), data_of(work / "kept.html")
    assert "boxes" in str(now["metrics"])
    assert kept["metrics"] == now["metrics"]
