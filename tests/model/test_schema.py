from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.dialect import V1, V2, Dialect
from simulator.model.schema import flow_schema, side_file_schema, suite_schema
from simulator.testing.suite_check import SUITE
from simulator.world.sidefile import SIDE_FILE
from tests.model.fake import FakeCatalog

jsonschema = pytest.importorskip("jsonschema")
CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
LOG = {"id": "a", "type": "io.kestra.plugin.core.log.Log", "message": "x"}


def errors(flow: object, dialect: Dialect = V2) -> list[str]:
    validator = jsonschema.Draft7Validator(flow_schema(FakeCatalog(), dialect))
    return [error.message for error in validator.iter_errors(flow)]


@pytest.mark.parametrize("dialect", [V1, V2])
def test_schemas_are_schemas(dialect: Dialect) -> None:
    for schema in (flow_schema(FakeCatalog(), dialect), suite_schema(FakeCatalog(), dialect, SUITE.fields)):
        jsonschema.Draft7Validator.check_schema(schema)
        json.dumps(schema)


def test_side_files() -> None:
    schema = side_file_schema(FakeCatalog(), V2, SIDE_FILE.fields)
    jsonschema.Draft7Validator.check_schema(schema)
    check = jsonschema.Draft7Validator(schema)
    side = {"seed": 1, "inputs": {"a": 1}, "mocks": {"call": {"outputs": {"code": 200}}}, "live": ["s3"]}
    assert [error.message for error in check.iter_errors(side)] == []
    assert list(check.iter_errors({"mock": {}}))
    assert list(check.iter_errors({"mocks": {"call": {"output": {}}}}))


def test_flows_that_fit() -> None:
    flow = {
        "id": "a",
        "namespace": "b",
        "labels": {"x": "y"},
        "inputs": [{"id": "i", "type": "INT", "min": 1}],
    }
    assert (
        errors(
            {**flow, "tasks": [LOG, {"id": "u", "type": "io.kestra.plugin.other.Thing", "any": {"thing": 1}}]}
        )
        == []
    )
    query = {
        "id": "q",
        "type": "io.kestra.plugin.test.Query",
        "url": "{{ x }}",
        "fetchSize": "{{ y }}",
        "delay": 5,
    }
    switch = {
        "id": "s",
        "type": "io.kestra.plugin.core.flow.Switch",
        "value": "x",
        "cases": {"a": [query]},
        "errors": [LOG],
    }
    assert errors({**flow, "tasks": [switch]}) == []


@pytest.mark.parametrize(
    "change",
    [
        {"foo": 1},
        {"tasks": []},
        {"tasks": [{"id": "a"}]},
        {"tasks": [{**LOG, "massage": "x"}]},
        {"tasks": [{**LOG, "level": "LOUD"}]},
        {"inputs": [{"id": "i", "type": "FOO"}]},
        {"inputs": [{"id": "i", "type": "INT", "validator": "x"}]},
        {"listeners": []},
    ],
)
def test_flows_that_do_not(change: dict[str, object]) -> None:
    assert errors({"id": "a", "namespace": "b", "tasks": [LOG], **change})


def test_a_suite() -> None:
    suite = {
        "id": "s",
        "namespace": "n",
        "flowId": "f",
        "testCases": [{"id": "c", "type": "t", "assertions": [{"value": "{{ x }}", "equalTo": 1}]}],
    }
    validator = jsonschema.Draft7Validator(suite_schema(FakeCatalog(), V2, SUITE.fields))
    assert list(validator.iter_errors(suite)) == []
    assert list(validator.iter_errors({**suite, "testcases": []}))
