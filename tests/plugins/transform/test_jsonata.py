"""JSONata over values and files."""

from pathlib import Path
from typing import Any

import pytest

from simulator.errors import TaskError, UnsupportedError
from simulator.plugins import transform
from simulator.plugins.registry import Registry
from simulator.plugins.transform.jsonata import TransformItems, TransformValue
from simulator.storage import ion
from tests.plugins.fake_context import FakeContext

pytest.importorskip("jsonata")


def value(tmp_path: Path, source: Any, expression: str) -> Any:
    ctx = FakeContext(tmp_path, {"from": source, "expression": expression}, spec=TransformValue.spec)
    return TransformValue().run(ctx).outputs


def items(tmp_path: Path, source: str, **properties: Any) -> tuple[list[Any], int]:
    ctx = FakeContext(tmp_path, properties, spec=TransformItems.spec)
    ctx.properties["from"] = ctx.store(source)
    outputs = TransformItems().run(ctx).outputs
    assert outputs is not None
    with ctx.open_uri(outputs["uri"]) as stream:
        return list(ion.iter_rows(stream)), outputs["processedItemsTotal"]


def test_values(tmp_path: Path) -> None:
    assert value(tmp_path, '{"a": [1, 2, 3]}', "$sum(a)") == {"value": 6}
    assert value(tmp_path, '{"a": {"b": "x"}}', "a.{'up': $uppercase(b)}") == {"value": {"up": "X"}}
    assert value(tmp_path, '{"a": 1}', "nothing") == {}


def test_items_of_ion_and_json_lines(tmp_path: Path) -> None:
    expression = "{'n': name, 'twice': x * 2}"
    expected = [{"n": "a", "twice": 3}, {"n": "b", "twice": 4}]
    assert items(tmp_path, '{name:"a",x:1.5e0}\n{name:"b",x:2}\n', expression=expression) == (expected, 2)
    assert items(tmp_path, '{"name":"a","x":1.5}\n{"name":"b","x":2}\n', expression=expression) == (
        expected,
        2,
    )


def test_arrays_explode(tmp_path: Path) -> None:
    source = '{"l":[{"i":1},{"i":2}]}\n'
    assert items(tmp_path, source, expression="l.{'i': i}")[0] == [{"i": 1}, {"i": 2}]
    assert items(tmp_path, source, expression="l.{'i': i}", explodeArray=False)[0] == [[{"i": 1}, {"i": 2}]]
    assert items(tmp_path, '[{"i":1},{"i":2}]', expression="$.{'j': i}") == ([{"j": 1}, {"j": 2}], 1)


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="^Invalid JSONata expression. Error: "):
        value(tmp_path, "{}", "a[")
    with pytest.raises(TaskError, match="^Failed to evaluate expression: "):
        value(tmp_path, '{"a": "x"}', "a + 1")
    with pytest.raises(TaskError, match="^Failed to evaluate expression: "):
        value(tmp_path, "{}", "($f := function($n) { 1 + $f($n + 1) }; $f(1))")
    with pytest.raises(TaskError, match="^Cannot read `from` as JSON"):
        value(tmp_path, "{broken", "a")


def test_an_absent_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "jsonata", None)
    with pytest.raises(UnsupportedError, match="`jsonata-python`"):
        value(tmp_path, "{}", "a")


@pytest.mark.parametrize("name", sorted(transform.TYPES))
def test_every_type_loads_under_its_name(name: str) -> None:
    assert Registry(["simulator.plugins.transform"], entry_points=False).load(name).spec.type == name
