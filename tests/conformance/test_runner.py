"""The runner itself: it must be able to fail. Cases with false expectations are each reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance import __main__ as command
from tests.conformance.runner import report, run, to_json

BOTH = ["1.1", "2.0"]


def case(name: str, **rest: Any) -> dict[str, Any]:
    return {"id": name, "source": "own", "kestra": BOTH, "template": "{{ x }}", "vars": {"x": 1}, **rest}


TRUE: list[dict[str, Any]] = [
    case("expect", expect="1"),
    case("typed", typed=True, expect=1),
    case("typed-class", typed=True, expect={"$type": "Integer", "value": "1"}),
    case("typed-double", vars={"x": 1.5}, typed=True, expect=1.5),
    case("typed-null", vars={"x": None}, typed=True, expect=None),
    case("typed-bool", vars={"x": True}, typed=True, expect=True),
    case("list", vars={"x": [1, "a"]}, typed=True, expect=[1, "a"]),
    case("map", vars={"x": {"a": 1}}, typed=True, expect={"a": 1}),
    case("order", vars={"x": {"a": 1, "b": 2}}, typed=True, expect={"a": 1, "b": 2}, expect_key_order=True),
    case("set", vars={"x": {"$type": "Set", "value": ["a", "b"]}}, typed=True, expect={"$type": "Set", "value": ["b", "a"]}),
    case("deep", template={"{{ x }}": ["{{ x }}", 2]}, expect={"1": ["1", 2]}),
    case("contains", expect_contains=["1"]),
    case("lacks", expect_not_contains=["2"]),
    case("starts", expect_starts_with="1"),
    case("ends", expect_ends_with="1"),
    case("regex", expect_regex="^1$"),
    case("length", expect_length=1),
    case("not", expect_not="2"),
    case("between", expect_between=[0, 1]),
    case("json", template="{{ [x] }}", expect_json_contains=[1]),
    case("split", template="{{ x }},{{ x }}", expect_split={"separator": ",", "count": 2}),
    case("error", template="{{ y }}", error={"type": "IllegalVariableEvaluationException"}),
    case("error-text", template="{{ y }}", error={"type": "IllegalVariableEvaluationException", "contains": "`y`"}),
    case(
        "error-equals",
        template="{{ y }}",
        error={"equals": "Unable to find `y` used in the expression `{{ y }}` at line 1"},
    ),
    case("error-cause", template="{{ y }}", error={"cause": "RootAttributeNotFoundException"}),
    case("error-parse", source="pebble: own", template="{{ }}", error={"type": "ParserException", "thrown": "ParserException"}),
    case("property", property={"as": "Integer"}, expect=1),
    case(
        "property-calls",
        vars={},
        property={"as": "Integer", "cached": True, "calls": [{"x": 1}, {"x": 2}, {"x": 3, "$skipCache": True}]},
        expect=[1, 1, 3],
    ),
]  # fmt: skip

FALSE: list[dict[str, Any]] = [
    case("expect", expect="2"),
    case("expect-type", expect=1),
    case("expect-null", expect=None),
    case("expect-blank", expect="1 "),
    case("typed", typed=True, expect=2),
    case("typed-text", typed=True, expect="1"),
    case("typed-class", typed=True, expect={"$type": "Long", "value": "1"}),
    case("typed-double", vars={"x": 1.5}, typed=True, expect=1.25),
    case("typed-bool", typed=True, expect=True),
    case("typed-bool-2", vars={"x": True}, typed=True, expect=1),
    case("typed-null", typed=True, expect=None),
    case("list", vars={"x": [1, "a"]}, typed=True, expect=["a", 1]),
    case("list-longer", vars={"x": [1]}, typed=True, expect=[1, 1]),
    case("list-shorter", vars={"x": [1, 1]}, typed=True, expect=[1]),
    case("map", vars={"x": {"a": 1}}, typed=True, expect={"a": 2}),
    case("map-key", vars={"x": {"a": 1}}, typed=True, expect={"b": 1}),
    case("map-more", vars={"x": {"a": 1}}, typed=True, expect={"a": 1, "b": None}),
    case("map-less", vars={"x": {"a": 1, "b": 2}}, typed=True, expect={"a": 1}),
    case("order", vars={"x": {"a": 1, "b": 2}}, typed=True, expect={"b": 2, "a": 1}, expect_key_order=True),
    case("set", vars={"x": {"$type": "Set", "value": ["a", "b"]}}, typed=True, expect={"$type": "Set", "value": ["a", "c"]}),
    case("deep", template={"{{ x }}": ["{{ x }}", 2]}, expect={"1": ["1", 3]}),
    case("contains", expect_contains=["1", "2"]),
    case("lacks", expect_not_contains=["1"]),
    case("starts", expect_starts_with="2"),
    case("ends", expect_ends_with="2"),
    case("regex", expect_regex="^2$"),
    case("length", expect_length=2),
    case("not", expect_not="1"),
    case("between", expect_between=[2, 3]),
    case("json", template="{{ [x] }}", expect_json_contains=[2]),
    case("json-none", expect_json_contains=[1]),
    case("split", template="{{ x }},{{ x }}", expect_split={"separator": ",", "count": 3}),
    case("now", expect_now={"equals_format": "yyyy"}),
    case("no-error", error={"type": "IllegalVariableEvaluationException"}),
    case("error-instead", template="{{ y }}", expect="1"),
    case("error-type", template="{{ y }}", error={"type": "SecurityException"}),
    case("error-text", template="{{ y }}", error={"contains": "`z`"}),
    case("error-equals", template="{{ y }}", error={"equals": "Unable to find `y`"}),
    case("error-cause", template="{{ y }}", error={"cause": "ParserException"}),
    case("error-cause-text", template="{{ y }}", error={"cause_contains": "nothing of this kind"}),
    case("error-cause-equals", template="{{ y }}", error={"cause_equals": "x"}),
    case("error-cause-cause", template="{{ y }}", error={"cause_cause": "IOException"}),
    case("error-thrown", source="pebble: own", template="{{ }}", error={"type": "PebbleException", "thrown": "AttributeNotFoundException"}),
    case("property", property={"as": "Integer"}, expect=2),
    case("property-cache", vars={}, property={"as": "Integer", "calls": [{"x": 1}, {"x": 2}]}, expect=[1, 2]),
    case("two", expect="1", expect_length=2),
]  # fmt: skip

UNKNOWN: list[dict[str, Any]] = [
    case("key", expect="1", expect_colour="red"),
    case("misspelt", expected="1"),
    case("nothing"),
    case("config", expect="1", config={"kestra.other": 1}),
    case("error-key", template="{{ y }}", error={"type": "IllegalVariableEvaluationException", "colour": "red"}),
    case("type", vars={"x": {"$type": "Color", "value": "red"}}, expect="1"),
    case("type-key", vars={"x": {"$type": "Long", "value": "1", "unit": "m"}}, expect="1"),
    case("property-key", property={"as": "Integer", "unit": "m"}, expect=1),
    case("property-as", property={"as": "Colour"}, expect=1),
    case("version", kestra=["3.0"], expect="1"),
    case("no-version", kestra=[], expect="1"),
    case("now-key", expect_now={"year": 1}),
]  # fmt: skip


def results(folder: Path, cases: list[dict[str, Any]], **rest: Any) -> list[Any]:
    (folder / "cases.yaml").write_text(yaml.safe_dump(cases, sort_keys=False), encoding="utf-8")
    return list(run(folder, **rest))


def test_true_expectations_pass(tmp_path: Path) -> None:
    found = results(tmp_path, TRUE)
    assert [f"{one.id}: {one.reason} {one.expected} {one.actual}" for one in found if not one.passed] == []
    assert len(found) == 2 * len(TRUE)


def test_each_false_expectation_is_reported(tmp_path: Path) -> None:
    found = results(tmp_path, FALSE)
    assert [one.id for one in found if one.passed] == []
    assert len(found) == 2 * len(FALSE)
    assert all(one.reason for one in found)
    # They fail for what they expect, not because the runner stumbled.
    assert [one for one in found if "unexpected" in one.reason or "not understood" in one.reason] == []


def test_what_is_not_understood_fails_loudly(tmp_path: Path) -> None:
    found = results(tmp_path, UNKNOWN)
    assert [one.id for one in found if one.passed] == []
    assert {one.id for one in found} == {one["id"] for one in UNKNOWN}


def test_files_that_are_no_cases_fail(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("id: x\n")
    (tmp_path / "b.yaml").write_text("- 1\n")
    (tmp_path / "c.yaml").write_text("a: [\n")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "data.yaml").write_text("id: no case\n")
    found = list(run(tmp_path))
    assert len(found) == 3
    assert not any(one.passed for one in found)


def test_an_id_is_used_once(tmp_path: Path) -> None:
    found = results(tmp_path, [TRUE[0], TRUE[0]])
    assert [one.reason for one in found if not one.passed] == ["the id is used twice"]


def test_a_flow_case_without_a_runner_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tests.conformance.runner as runner

    monkeypatch.setattr(runner, "_flow_runner", lambda: None)
    (tmp_path / "flow.yaml").write_text(
        yaml.safe_dump({"id": "f", "kestra": ["2.0"], "flows": ["src/f.yaml"]})
    )
    assert [one.reason for one in runner.run(tmp_path)] == [runner.NO_FLOW_RUNNER]


def test_a_flow_runner_that_raises_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tests.conformance.runner as runner

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(runner, "_flow_runner", lambda: broken)
    (tmp_path / "flow.yaml").write_text(
        yaml.safe_dump({"id": "f", "kestra": ["2.0"], "flows": ["src/f.yaml"]})
    )
    assert [one.reason for one in runner.run(tmp_path)] == ["unexpected ZeroDivisionError: by zero"]


def test_choice_of_version_and_word(tmp_path: Path) -> None:
    assert {one.kestra for one in results(tmp_path, TRUE, kestra="2")} == {"2.0"}
    assert {one.id for one in results(tmp_path, TRUE, word="typed-")} == {
        one["id"] for one in TRUE if one["id"].startswith("typed-")
    }


def test_report_and_json(tmp_path: Path) -> None:
    found = results(tmp_path, [TRUE[0], FALSE[1]])
    text = report(found)
    assert "FAIL expect-type [1.1]: another result" in text
    assert "expected '1 (java.lang.Integer)'" in text
    data = to_json(found)
    assert (data["passed"], data["total"]) == (2, 4)
    assert data["cases"][0] == {"id": "expect", "kestra": "1.1", "passed": True, "reason": ""}


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = tmp_path / "cases"
    cases.mkdir()
    results(cases, TRUE)
    target = tmp_path / "out.json"
    assert command.main([str(cases), "--kestra", "1", "--json", str(target), "-k", "typed"]) == 0
    assert json.loads(target.read_text())["passed"] > 0
    results(cases, [FALSE[0]])
    assert command.main([str(cases)]) == 1
    assert "FAIL expect [1.1]" in capsys.readouterr().out
    assert command.main([str(cases), "-k", "no such word"]) == 1
