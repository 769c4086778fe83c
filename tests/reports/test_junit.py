"""JUnit: well-formed whatever a log line holds; failure and error kept apart."""

from xml.etree import ElementTree

from simulator.reports.junit import JUnitCase, JUnitSuite, junit_xml


def parse(*cases: JUnitCase) -> ElementTree.Element:
    return ElementTree.fromstring(junit_xml([JUnitSuite("suite", cases)]))


def test_counts_by_kind() -> None:
    suite = parse(
        JUnitCase("a", "s"),
        JUnitCase("b", "s", kind="failure", message="no"),
        JUnitCase("c", "s", kind="error", message="boom"),
        JUnitCase("d", "s", kind="skipped"),
    ).find("testsuite")
    assert suite is not None
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }


def test_characters_that_xml_cannot_hold() -> None:
    case = JUnitCase(
        'a"<&', "s", kind="failure", message="\x1b[31m\x00", details="]]>\ud800", output="ok\x08"
    )
    found = parse(case).find("testsuite/testcase")
    assert found is not None and found.get("name") == 'a"<&'
    assert found.find("failure") is not None
