from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from simulator.diagnostics import Collector
from simulator.dialect import V1, V2, Dialect
from simulator.errors import InvalidInputError
from simulator.expressions.java.values import Float
from simulator.expressions.renderer import Renderer
from simulator.expressions.scope import Scope
from simulator.model.build import build_flow
from simulator.model.flow import Flow
from simulator.model.inputs import nest, resolve_inputs, undeclared
from simulator.model.outputs import render_outputs, through_json
from simulator.values import Instant
from tests.model.fake import FakeCatalog

RENDERERS = {dialect.major: Renderer(dialect) for dialect in (V1, V2)}
LOG = "tasks: [{id: log, type: io.kestra.plugin.core.log.Log, message: hi}]\n"


def flow_of(inputs: str, dialect: Dialect, rest: str = "") -> Flow:
    collector = Collector()
    text = f"id: demo\nnamespace: team\n{rest}inputs:\n{inputs}\n{LOG}"
    flow = build_flow(text, "f", dialect, FakeCatalog(), collector=collector)
    assert flow is not None, [str(item) for item in collector]
    return flow


def resolve(inputs: str, dialect: Dialect = V2, **given: Any) -> dict[str, Any]:
    flow = flow_of(inputs, dialect)
    return resolve_inputs(
        flow,
        {name.replace("__", "."): value for name, value in given.items()},
        renderer=RENDERERS[dialect.major],
        scope=Scope(dialect=dialect, variables={"flow": {"id": "demo"}, "vars": {"v": ["x", "y"]}}),
        upload=lambda name, path: f"kestra:///{name}/{path}",
        encrypt=lambda text: f"<{text}>",
    )


def error(inputs: str, dialect: Dialect = V2, **given: Any) -> str:
    with pytest.raises(InvalidInputError) as caught:
        resolve(inputs, dialect, **given)
    assert all(item.span is not None for item in caught.value.to_diagnostics())
    return caught.value.message


@pytest.mark.parametrize(
    ("type_", "given", "value"),
    [
        ("STRING", 12, "12"), ("INT", "-5", -5), ("INT", 7, 7), ("FLOAT", "0.5", 0.5), ("FLOAT", "1f", 1.0), ("BOOL", "TRUE", True),
        ("BOOL", "yes", False), ("DATE", "2024-02-29", dt.date(2024, 2, 29)), ("TIME", "10:15", dt.time(10, 15)),
        ("DATETIME", "2024-01-01T00:00:00+02:00", Instant(2023, 12, 31, 22, tzinfo=dt.UTC)),
        ("DATETIME", "2024-01-01T00:00:00.5Z", Instant(2024, 1, 1, 0, 0, 0, 500000, tzinfo=dt.UTC)),
        ("DURATION", "PT1H30M", dt.timedelta(minutes=90)), ("JSON", '{"a": [1]}', {"a": [1]}), ("YAML", "a: [012]", {"a": [10]}),
        ("URI", "https://example.com/x", "https://example.com/x"), ("EMAIL", "a.b@c.de", "a.b@c.de"), ("FILE", "x/y.csv", "kestra:///x/x/y.csv"),
        ("FILE", "nsfile:///a", "nsfile:///a"), ("SECRET", "s", {"value": "<s>", "type": "io.kestra.datatype:aes_encrypted"}),
    ],
)  # fmt: skip
def test_types(type_: str, given: Any, value: Any) -> None:
    assert resolve(f"  - {{id: x, type: {type_}}}", x=given) == {"x": value}


def test_secret_of_the_older_line_is_plain_ciphertext() -> None:
    assert resolve("  - {id: x, type: SECRET}", V1, x="s") == {"x": "<s>"}
    assert error("  - {id: x, type: SECRET, validator: '[a-z]+'}", V1, x="abc").endswith(
        "but received `******`"
    )


@pytest.mark.parametrize(
    ("spec", "given", "old", "new"),
    [
        ("type: INT", "1.5", 'For input string: "1.5"', "Cannot convert value '1.5' to Integer"),
        ("type: INT", "3000000000", 'For input string: "3000000000"', "Cannot convert value '3000000000' to Integer"),
        ("type: INT, max: 3", 4, "it must be less than `3`", "it must be less than `3`"),
        ("type: FLOAT, min: 0.1", "0", "it must be more than `0.1`", "it must be more than `0.1`"),
        ("type: TIME, after: '01:00:00'", "00:00:01", "it must be after `01:00`", "it must be after `01:00`"),
        ("type: DURATION, max: PT20S", "PT1M", "It must be less than `PT20S`", "It must be less than `PT20S`"),
        ("type: STRING, validator: 'A\\d+'", "B1", "it must match the pattern `A\\d+`", "it must match the pattern `A\\d+`"),
        ("type: SELECT, values: [a, b]", "c", "it must match the values `[a, b]`", "it must match the values `[a, b]`"),
        ("type: MULTISELECT, values: [a, b]", ["a", "c"], "it must match the values `[a, b]`", "value `c` doesn't match the values `[a, b]`"),
        ("type: ARRAY, itemType: INT", '["s"]', "Unable to parse array element as `INT` on `s`", "Unable to parse array element as `INT` on `s`"),
        ("type: EMAIL", "nobody", "The input must be a valid email", "The input must be a valid email"),
        ("type: URI", "http:/bla", "Expected `URI` but received `http:/bla`", "Invalid URI format."),
        ("type: DATE", "x", "java.lang.Exception: Expected `DATE` but received `x` with errors:\n```\nText 'x' could not be parsed at index 0\n```", "Cannot convert value 'x' to LocalDate"),
    ],
)  # fmt: skip
def test_what_is_refused(spec: str, given: Any, old: str, new: str) -> None:
    shown = "[a, c]" if isinstance(given, list) else given
    assert (
        error(f"  - {{id: x, {spec}}}", V1, x=given)
        == f"x: Invalid input for `x`, {old}, but received `{shown}`"
    )
    assert error(f"  - {{id: x, {spec}}}", V2, x=given) == f"Invalid value for input `x`. Cause: {new}"


def test_missing_inputs() -> None:
    both = "  - {id: a, type: INT}\n  - {id: b.c, type: STRING}"
    assert error(both, V1) == "a: Invalid input for `a`, missing required input, but received `null`"
    assert error(both, V2) == "Missing required input:a"
    assert resolve("  - {id: a, type: INT, required: false}") == {"a": None}
    assert error("  - {id: a, type: INT}", V2, a="") == "Missing required input:a"
    assert resolve("  - {id: a, type: STRING}", V2, a="") == {"a": ""}


def test_defaults_see_only_what_they_depend_on() -> None:
    inputs = """
  - {id: a, type: STRING, defaults: "one"}
  - {id: b, type: STRING, dependsOn: {inputs: [a]}, defaults: "{{ inputs.a }} two"}
  - {id: c, type: INT, defaults: "{{ 1 + 2 }}"}
  - {id: d, type: JSON, defaults: {x: "{{ flow.id }}"}}
"""
    assert resolve(inputs) == {"a": "one", "b": "one two", "c": 3, "d": {"x": "demo"}}
    assert resolve(inputs, a="1")["b"] == "1 two"
    assert "Unable to find `x`" in error(
        "  - {id: x, type: STRING, required: false}\n  - {id: y, type: STRING, defaults: '{{ inputs.x }}'}"
    )


def test_conditions() -> None:
    inputs = """
  - {id: kind, type: SELECT, values: [s3, pg]}
  - {id: bucket, type: STRING, dependsOn: {inputs: [kind], condition: "{{ inputs.kind == 's3' }}"}}
  - {id: prefix, type: STRING, dependsOn: {inputs: [bucket]}}
"""
    assert resolve(inputs, kind="pg") == {"kind": "pg"}
    assert resolve(inputs, kind="s3", bucket="b", prefix="p") == {"kind": "s3", "bucket": "b", "prefix": "p"}
    assert error(inputs, kind="s3").splitlines()[0] == "Missing required input:bucket"
    text = "  - {id: a, type: STRING, dependsOn: {inputs: [], condition: 'true'}}"
    assert resolve(text, a="x") == {}


def test_choices() -> None:
    assert resolve("  - {id: a, type: SELECT, expression: '{{ vars.v }}', autoSelectFirst: true}") == {
        "a": "x"
    }
    assert resolve("  - {id: a, type: MULTISELECT, values: [q, r], autoSelectFirst: true}") == {"a": ["q"]}
    assert resolve("  - {id: a, type: SELECT, values: [{label: Q, value: q}]}", a="q") == {"a": "q"}
    assert resolve("  - {id: a, type: SELECT, values: [q], allowCustomValue: true}", a="z") == {"a": "z"}
    assert error("  - {id: a, type: SELECT, expression: '{{ flow.id }}'}", V1, a="x") == (
        "a: Invalid input for `a`, Invalid expression result. Expected a list of strings, but received String, but received `x`"
    )


def test_forms_and_nesting() -> None:
    form = (
        "  - {id: env, type: FORM, inputs: [{id: region, type: STRING}, {id: size, type: INT, defaults: 1}]}"
    )
    assert resolve(form, env__region="eu") == {"env": {"region": "eu", "size": 1}}
    assert resolve(form, env={"region": "eu"}) == {"env": {"region": "eu", "size": 1}}
    assert nest([("a", 1), ("a.b", 2)]) == {"a": {"b": 2}}


def test_json_schema_and_extensions() -> None:
    schema = "  - {id: a, type: JSON, jsonSchema: {type: object, properties: {name: {type: string}}}}"
    assert resolve(schema, a={"name": "x"}) == {"a": {"name": "x"}}
    assert "Cause: it must match the json schema: $.name: 42 is not of type 'string'" in error(
        schema, a={"name": 42}
    )
    assert error("  - {id: a, type: FILE, allowedFileExtensions: [.csv]}", a="x.txt") == (
        "Invalid value for input `a`. Cause: File type not allowed. Accepted extensions: .csv"
    )


def test_undeclared() -> None:
    flow = flow_of("  - {id: a.b, type: INT}", V2)
    assert undeclared(flow, {"a.b": 1, "a": {"b": 1}, "zz": 1}) == [
        "Input zz was provided for workflow team.demo but isn't declared in the workflow inputs"
    ]


def outputs(text: str, dialect: Dialect = V2) -> tuple[dict[str, Any], list[str]]:
    flow = flow_of("  - {id: a, type: INT}", dialect, f"outputs:\n{text}\n")
    warnings: list[str] = []
    scope = Scope(dialect=dialect, variables={"outputs": {"t": {"value": "v", "day": "2024-01-01"}}})
    return (
        render_outputs(
            flow.outputs,
            dialect=dialect,
            renderer=RENDERERS[dialect.major],
            scope=scope,
            warn=warnings.append,
        ),
        warnings,
    )


def test_outputs() -> None:
    text = """
  - {id: a, type: STRING, value: "{{ outputs.t.value }}"}
  - {id: b, type: ARRAY, value: ["{{ outputs.t.value }}", 2]}
  - {id: c, type: DATE, value: "{{ outputs.t.day }}"}
  - {id: d, type: INT, value: "{{ outputs.none.value }}", required: false}
  - {id: e, type: DURATION, value: PT1M}
"""
    assert outputs(text) == (
        {"a": "v", "b": ["v", 2], "c": "2024-01-01", "e": 60.0},
        ["Failed to render optional flow output 'd'. Output is ignored."],
    )


def test_outputs_of_the_wrong_type() -> None:
    bad = '  - {id: a, type: INT, value: "{{ outputs.t.value }}"}'
    with pytest.raises(
        InvalidInputError, match="Invalid value for output `a`. Cause: Cannot convert value 'v' to Integer"
    ):
        outputs(bad)
    with pytest.raises(
        InvalidInputError, match='Invalid output for `a`, For input string: "v", but received `v`'
    ):
        outputs(bad, V1)


JSON_SOURCE = (
    "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 1]"
)


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        ("type: INT, defaults: 1.5", 1),
        ("type: DURATION, defaults: 60", dt.timedelta(minutes=1)),
        ("type: DATE, defaults: '2026-01-31T10:00:00Z'", dt.date(2026, 1, 31)),
        ("type: DATETIME, defaults: '2026-01-31T10:00+02:00'", Instant(2026, 1, 31, 8, tzinfo=dt.UTC)),
        ("type: BOOL, defaults: 'True'", True),
    ],
)
def test_defaults_become_their_type_before_they_are_values(spec: str, value: Any) -> None:
    assert resolve(f"  - {{id: x, {spec}}}") == {"x": value}


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (
            "type: BOOL, defaults: 'yes'",
            "com.fasterxml.jackson.core.JsonParseException: Unrecognized token 'yes': was expecting "
            f"(JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n at {JSON_SOURCE}",
        ),
        (
            "type: INT, defaults: true",
            "com.fasterxml.jackson.databind.exc.MismatchedInputException: Cannot deserialize value of type "
            f"`java.lang.Integer` from Boolean value (token `JsonToken.VALUE_TRUE`)\n at {JSON_SOURCE}",
        ),
    ],
)
def test_defaults_that_are_not_of_their_type(spec: str, why: str) -> None:
    assert error(f"  - {{id: x, {spec}}}") == f"Invalid value for input `x`. Cause: {why}"


def test_an_empty_default_of_a_number_is_none() -> None:
    assert error("  - {id: x, type: INT, defaults: \"{{ '' }}\"}") == "Missing required input:x"


def test_only_the_first_wrong_input_is_in_the_message_but_all_have_a_diagnostic() -> None:
    with pytest.raises(InvalidInputError) as caught:
        resolve("  - {id: a, type: INT}\n  - {id: b, type: EMAIL, defaults: x}")
    assert caught.value.message == "Missing required input:a"
    assert [item.message for item in caught.value.to_diagnostics()] == [
        "Missing required input:a",
        "Invalid value for input `b`. Cause: The input must be a valid email",
    ]


def test_an_input_whose_condition_fails_is_left_out() -> None:
    text = '  - {id: a, type: INT, defaults: 1}\n  - {id: b, type: INT, dependsOn: {inputs: [a], condition: "{{ no }}"}}'
    assert resolve(text) == {"a": 1}
    assert "Invalid condition" in error(text, V1)


def test_unexpected_failures_stand_alone() -> None:
    assert error("  - {id: x, type: JSON}", x="{a").startswith(
        " errors:\n```\nUnexpected character ('a' (code 97)): was expecting double-quote to start field name\n at ["
    )


@pytest.mark.parametrize(
    ("type_", "why"),
    [
        ("STRING", 'Cannot invoke "Object.toString()" because "current" is null'),
        ("INT", "No value present"),
    ],
)
def test_a_required_output_that_is_null(type_: str, why: str) -> None:
    output = f'  - {{id: a, type: {type_}, value: "{{{{ null }}}}"'
    with pytest.raises(InvalidInputError) as caught:
        outputs(output + "}")
    assert caught.value.message == f" errors:\n```\n{why}\n```"
    assert outputs(output + ", required: false}") == ({"a": None}, [])


def test_what_json_makes_of_values() -> None:
    values = {"f": Float("3.14"), "d": [dt.timedelta(minutes=5)], "t": dt.time(10), "n": None}
    assert through_json(values) == {"f": 3.14, "d": [300.0], "t": "10:00:00", "n": None}
