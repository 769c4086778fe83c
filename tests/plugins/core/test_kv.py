"""kv.*, state.*: values, types, errors, purging."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1, V2, Dialect
from simulator.errors import StorageError, TaskError
from simulator.plugins.core import state
from simulator.plugins.core.kv import Delete, Get, GetKeys, Set
from simulator.plugins.core.kv_purge import PurgeKv
from simulator.plugins.core.kv_put import Put
from simulator.values import Instant
from tests.plugins.fake_context import FakeContext

NS = "company.team"


def run(tmp_path: Path, cls: Any, properties: dict[str, Any], **options: Any) -> Any:
    ctx = FakeContext(tmp_path, properties, spec=cls.spec, **options)
    return cls().run(ctx).outputs


def stored(tmp_path: Path, key: str, dialect: Dialect = V2) -> Any:
    entry = FakeContext(tmp_path, spec=Get.spec, dialect=dialect).kv.get(NS, key)
    assert entry is not None
    return entry.value


def test_set_renders_typed(tmp_path: Path) -> None:
    variables = {"outputs": {"x": {"rows": [1, {"a": "b"}]}}}
    run(tmp_path, Set, {"key": "{{ flow.id }}", "value": "{{ outputs.x }}"}, variables=variables)
    assert stored(tmp_path, "my_flow") == {"rows": [1, {"a": "b"}]}
    run(tmp_path, Set, {"key": "k", "value": {"a": "{{ flow.id }}", "n": 1}})
    assert stored(tmp_path, "k") == '{"a":"my_flow","n":1}'
    run(tmp_path, Set, {"key": "k", "value": {"a": "{{ flow.id }}", "n": 1}, "kvType": "JSON"})
    assert stored(tmp_path, "k") == {"a": "my_flow", "n": 1}
    for value, text in ((12, "12"), (True, "true"), ([1, "a"], '[1,"a"]')):
        run(tmp_path, Set, {"key": "k", "value": value})
        assert stored(tmp_path, "k") == text
    run(tmp_path, Set, {"key": "k", "value": "{{ 12 }}"})
    assert stored(tmp_path, "k") == 12


@pytest.mark.parametrize(
    ("kind", "value", "old", "new"),
    [
        ("NUMBER", "abc", "Unrecognized token 'abc': was expecting", None),
        ("JSON", "abc", "Unrecognized token 'abc': was expecting", None),
        ("DURATION", "abc", "Text cannot be parsed to a Duration", "Cannot convert value 'abc' to Duration"),
        (
            "DATETIME",
            "abc",
            "Text 'abc' could not be parsed at index 0",
            "Cannot convert value 'abc' to Instant",
        ),
        ("DATE", "2024-01-01x", "Text '2024-01-01x' could not be parsed at index 10", None),
    ],
)
def test_what_is_said_of_values_of_another_type(
    tmp_path: Path, kind: str, value: str, old: str, new: str | None
) -> None:
    for dialect, message in ((V1, old), (V2, new or old)):
        with pytest.raises(TaskError) as caught:
            run(tmp_path, Set, {"key": "k", "value": value, "kvType": kind}, dialect=dialect)
        assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("kind", "value", "major", "expected"),
    [
        ("NUMBER", "1.5", 2, 1.5),
        ("NUMBER", "12", 1, 12),
        ("BOOLEAN", "TRUE", 1, True),
        ("BOOLEAN", "yes", 2, False),
        ("DATETIME", "2024-05-01T10:00:00+02:00", 2, Instant(2024, 5, 1, 8, tzinfo=dt.UTC)),
        ("DATE", "2024-05-01", 2, dt.date(2024, 5, 1)),
        ("DATE", "2024-05-01T10:00:00Z", 2, dt.date(2024, 5, 1)),
        ("DURATION", "PT5M", 2, dt.timedelta(minutes=5)),
        ("DURATION", "PT5M", 1, 300),
        ("JSON", '{"a": [1]}', 2, {"a": [1]}),
        ("STRING", "x", 2, "x"),
        ("STRING", "{{ 12 }}", 2, "12"),
    ],
)
def test_kv_types(tmp_path: Path, kind: str, value: str, major: int, expected: Any) -> None:
    dialect = V2 if major == 2 else V1
    run(tmp_path, Set, {"key": "k", "value": value, "kvType": kind}, dialect=dialect)
    assert stored(tmp_path, "k", dialect) == expected


@pytest.mark.parametrize(
    ("kind", "value"), [("NUMBER", "x"), ("DATETIME", "2024-05-01"), ("DURATION", "5 min"), ("JSON", "{")]
)
def test_values_of_another_type(tmp_path: Path, kind: str, value: str) -> None:
    with pytest.raises(TaskError):
        run(tmp_path, Set, {"key": "k", "value": value, "kvType": kind})


def test_a_plain_date_fails_in_1(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="Text '2024-05-01' could not be parsed"):
        run(tmp_path, Set, {"key": "k", "value": "2024-05-01", "kvType": "DATE"}, dialect=V1)


def test_set_options(tmp_path: Path) -> None:
    run(tmp_path, Set, {"key": "k", "value": "1", "kvDescription": "about {{ flow.id }}", "ttl": "PT1H"})
    ctx = FakeContext(tmp_path, spec=Get.spec)
    entry = ctx.kv.get(NS, "k")
    assert entry is not None
    assert entry.description == "about my_flow"
    assert entry.expiration == ctx.clock.now() + dt.timedelta(hours=1)
    with pytest.raises(
        StorageError, match="^Cannot set value for key 'k'. Key already exists and `overwrite` is set"
    ):
        run(tmp_path, Set, {"key": "k", "value": "2", "overwrite": "{{ false }}"})
    with pytest.raises(
        StorageError, match="^Cannot access the KV store. The namespace 'nope' does not exist.$"
    ):
        run(tmp_path, Set, {"key": "k", "value": "2", "namespace": "nope"})
    with pytest.raises(StorageError, match="^Key must start with an alphanumeric"):
        run(tmp_path, Set, {"key": "a/b", "value": "2"})


def test_get(tmp_path: Path) -> None:
    assert run(tmp_path, Get, {"key": "k"}) == {}
    with pytest.raises(TaskError) as error:
        run(tmp_path, Get, {"key": "k", "errorOnMissing": True})
    message = "No value found for key 'k' in namespace 'company.team' and `errorOnMissing` is set to true"
    assert error.value.message == message
    FakeContext(tmp_path, spec=Get.spec).kv.put("company", "k", {"d": dt.date(2024, 1, 2)})
    assert run(tmp_path, Get, {"key": "k"}) == {"value": {"d": "2024-01-02"}}
    # Only the flow's own namespace inherits.
    assert run(tmp_path, Get, {"key": "k", "namespace": "company"}) == {"value": {"d": "2024-01-02"}}
    FakeContext(tmp_path, spec=Get.spec).kv.put("other", "x", 1)
    assert run(tmp_path, Get, {"key": "k", "namespace": "other"}) == {}


def test_keys_and_delete(tmp_path: Path) -> None:
    for key in ("ab", "a", "b"):
        run(tmp_path, Set, {"key": key, "value": "1"})
    assert run(tmp_path, GetKeys, {"prefix": "{{ 'a' }}"}) == {"keys": ["a", "ab"]}
    assert run(tmp_path, Delete, {"key": "a"}) == {"deleted": True}
    assert run(tmp_path, Delete, {"key": "a"}) == {"deleted": False}
    with pytest.raises(TaskError, match="^No value found for key 'a'"):
        run(tmp_path, Delete, {"key": "a", "errorOnMissing": True})
    assert run(tmp_path, GetKeys, {}) == {"keys": ["ab", "b"]}


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ({"a": {"x": 1}, "l": [1]}, {"a": {"y": 2}, "l": [1, 2]}, {"a": {"x": 1, "y": 2}, "l": [1, 2]}),
        ({"a": 1}, [{"key": "b.c", "value": 2}, {"key": "a", "value": 3}], {"a": 3, "b": {"c": 2}}),
        ({"a": 1}, [{"value": "new"}], "new"),
        ({"a": 1}, "text", "text"),
        ({"a": 1}, [1, 2], [1, 2]),
        ("text", {"a": 1}, {"a": 1}),
        (None, [{"key": "a.b", "value": 1}], {"a": {"b": 1}}),
    ],
)
def test_put(tmp_path: Path, before: Any, value: Any, after: Any) -> None:
    if before is not None:
        FakeContext(tmp_path, spec=Put.spec).kv.put(
            NS, "k", before, description="d", ttl=dt.timedelta(hours=2)
        )
    run(tmp_path, Put, {"key": "k", "value": value})
    entry = FakeContext(tmp_path, spec=Put.spec).kv.get(NS, "k")
    assert entry is not None
    assert entry.value == after
    assert entry.description == ("d" if before is not None else None)
    assert (entry.expiration is not None) == (before is not None)


@pytest.mark.parametrize(
    ("before", "value", "message"),
    [
        (
            {},
            [{"value": 1}, {"value": 2}],
            "`value` entries without `key` can only be used as a single replacement item.",
        ),
        ({}, [{"key": "a", "value": 1}, {"value": 2}], "Cannot mix keyed and non-keyed entries in `value`."),
        ({}, [{"key": "", "value": 1}], "Each keyed `value` entry must have a non-empty string `key`."),
        (
            "x",
            [{"key": "a", "value": 1}],
            "Cannot apply keyed `value` updates to a non-JSON existing KV value.",
        ),
    ],
)
def test_put_errors(tmp_path: Path, before: Any, value: Any, message: str) -> None:
    FakeContext(tmp_path, spec=Put.spec).kv.put(NS, "k", before)
    with pytest.raises(TaskError) as error:
        run(tmp_path, Put, {"key": "k", "value": value})
    assert error.value.message == message


def test_put_missing(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="^No value found for key 'k'"):
        run(tmp_path, Put, {"key": "k", "value": 1, "errorOnMissing": True})


def test_purge(tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path, {}, spec=PurgeKv.spec)
    ctx.kv.put(NS, "a", 1)
    ctx.kv.put(NS, "b", 1, ttl=dt.timedelta(seconds=1))
    ctx.kv.put("company.team.x", "c", 1)
    ctx.clock.sleep(dt.timedelta(seconds=5))
    assert PurgeKv().run(ctx).outputs == {"size": 1}
    assert ctx.logger.messages() == ["purging 2 namespaces: [company.team, company.team.x]", "purged 1 keys"]
    ctx.properties = {
        "keyPattern": "c*",
        "namespaces": ["company"],
        "behavior": {"type": "key", "expiredOnly": False},
    }
    assert PurgeKv().run(ctx).outputs == {"size": 1}
    ctx.kv.put(NS, "a", 2)
    ctx.properties = {"namespacePattern": "company.*", "behavior": {"type": "version", "keepAmount": 1}}
    assert PurgeKv().run(ctx).outputs == {"size": 1}
    ctx.properties = {"namespaces": ["a"], "namespacePattern": "b"}
    with pytest.raises(TaskError, match="can't be used at the same time \N{EM DASH} use one or the other."):
        PurgeKv().run(ctx)
    ctx.properties = {"behavior": {"type": "version"}}
    with pytest.raises(TaskError, match="before"):
        PurgeKv().run(ctx)


def test_purge_in_1(tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path, {"expiredOnly": "{{ false }}"}, spec=PurgeKv.spec, dialect=V1)
    ctx.kv.put(NS, "a", 1)
    assert PurgeKv().run(ctx).outputs == {"size": 1}


def test_state(tmp_path: Path) -> None:
    def call(cls: Any, properties: dict[str, Any], value: str | None = None) -> Any:
        return run(tmp_path, cls, properties, dialect=V1, value=value)

    assert call(state.Get, {}) == {"count": 0, "data": {}}
    with pytest.raises(TaskError):
        call(state.Get, {"errorOnMissing": True})
    written = call(state.Set, {"data": {"a": 1, "m": {"x": "{{ flow.id }}"}}})
    assert written == {"count": 2, "key": "my-flow_states_tasks-states_default"}
    call(state.Set, {"data": {"m": {"y": 2}}})
    assert call(state.Get, {}) == {"count": 2, "data": {"a": 1, "m": {"x": "my_flow", "y": 2}}}
    # One state per value of an iteration, unless it is shared.
    assert call(state.Get, {}, value="v") == {"count": 0, "data": {}}
    assert call(state.Get, {"taskrunValue": False}, value="v")["count"] == 2
    assert call(state.Get, {"namespace": True}) == {"count": 0, "data": {}}
    assert call(state.Delete, {}) == {"deleted": True}
    assert call(state.Delete, {}) == {"deleted": False}
    with pytest.raises(TaskError, match="^Unable to find the state file 'x'$"):
        call(state.Delete, {"name": "x", "errorOnMissing": True})
