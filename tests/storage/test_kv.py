"""The KV store in both dialects: keys, values, ttl in the run's time, revisions, namespaces."""

import datetime as dt
import random
from pathlib import Path

import pytest

from simulator.dialect import V1, V2, Dialect
from simulator.errors import StorageError
from simulator.storage.kv import LocalKv, inherited_namespaces, kv_type, state_key
from simulator.storage.local import LocalStorage
from simulator.values import Instant


class Clock:
    def __init__(self) -> None:
        self.time = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)

    def now(self) -> dt.datetime:
        return self.time


@pytest.fixture(params=[V1, V2], ids=str)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    value: Dialect = request.param
    return value


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kv(tmp_path: Path, dialect: Dialect, clock: Clock) -> LocalKv:
    return LocalKv(
        LocalStorage(tmp_path, dialect, random.Random(1)), clock, dialect, lambda: ["company.team"]
    )


@pytest.mark.parametrize(
    "value",
    ["text", 1, 2**70, 1.5, True, None, {"a": [1, {"b": None}]}, ["x"], b"bytes", dt.date(2024, 2, 3)],
)
def test_values_come_back_as_they_were(kv: LocalKv, value: object) -> None:
    kv.put("company.team", "k", value)
    entry = kv.get("company.team", "k")
    assert entry is not None
    assert entry.value == value
    assert type(entry.value) is type(value)


def test_the_file_lies_where_kestra_puts_it(kv: LocalKv, tmp_path: Path) -> None:
    kv.put("company.team", "my.key", {"a": 1})
    assert (tmp_path / "main/company/team/_kv/my.key.ion").read_text() == "{a:1}"


def test_text_like_a_duration_comes_back_as_one(kv: LocalKv) -> None:
    kv.put("company.team", "k", "PT5M")
    entry = kv.get("company.team", "k")
    assert entry is not None
    assert entry.value == dt.timedelta(minutes=5)


def test_a_duration_is_seconds_in_1_and_a_duration_in_2(kv: LocalKv, dialect: Dialect) -> None:
    kv.put("company.team", "k", dt.timedelta(minutes=5))
    entry = kv.get("company.team", "k")
    assert entry is not None
    assert entry.value == (300 if dialect.major == 1 else dt.timedelta(minutes=5))


@pytest.mark.parametrize("key", ["", None, "-a", "a/b", "../x", "a b", ".a", "é"])
def test_bad_keys(kv: LocalKv, key: str | None) -> None:
    with pytest.raises(StorageError, match="Key (cannot be null or empty|must start with an alphanumeric)"):
        kv.put("company.team", key, 1)  # type: ignore[arg-type]


def test_overwrite_false(kv: LocalKv) -> None:
    kv.put("company.team", "k", 1, overwrite=False)
    with pytest.raises(StorageError) as error:
        kv.put("company.team", "k", 2, overwrite=False)
    assert error.value.message == (
        "Cannot set value for key 'k'. Key already exists and `overwrite` is set to `false`."
    )


def test_ttl_runs_in_the_runs_time(kv: LocalKv, clock: Clock) -> None:
    kv.put("company.team", "k", 1, ttl=dt.timedelta(hours=1))
    clock.time += dt.timedelta(minutes=59)
    assert kv.get("company.team", "k") is not None
    clock.time += dt.timedelta(minutes=1)
    with pytest.raises(StorageError, match="^The requested value has expired$"):
        kv.get("company.team", "k")
    assert kv.get("company.team", "k") is None
    kv.put("company.team", "k", 2, overwrite=False)


def test_negative_ttl(kv: LocalKv) -> None:
    with pytest.raises(StorageError, match="^ttl cannot be negative$"):
        kv.put("company.team", "k", 1, ttl=dt.timedelta(seconds=-1))


def test_list_hides_expired_ones_in_1(kv: LocalKv, clock: Clock, dialect: Dialect) -> None:
    kv.put("company.team", "b", 1)
    kv.put("company.team", "a", 1, ttl=dt.timedelta(seconds=1))
    clock.time += dt.timedelta(seconds=2)
    assert [entry.key for entry in kv.list("company.team")] == (["b"] if dialect.major == 1 else ["a", "b"])


def test_revisions_in_2(kv: LocalKv, dialect: Dialect, tmp_path: Path) -> None:
    for value in (1, 2, 3):
        kv.put("company.team", "k", value, description=f"d{value}")
    entry = kv.get("company.team", "k")
    assert entry is not None
    assert (entry.value, entry.description) == (3, "d3")
    names = sorted(path.name for path in (tmp_path / "main/company/team/_kv").iterdir())
    if dialect.major == 1:
        assert (entry.version, names) == (1, ["k.ion", "k.ion.metadata"])
        return
    assert (entry.version, names) == (3, ["k.ion", "k.ion.metadata", "k.ion.v2", "k.ion.v3"])
    assert kv.purge_versions("company.team", lambda key: True, before=None, keep=2) == 1
    assert kv.delete("company.team", "k")
    assert kv.get("company.team", "k") is None
    kv.put("company.team", "k", 4)
    entry = kv.get("company.team", "k")
    assert entry is not None
    assert entry.version == 4


def test_delete(kv: LocalKv) -> None:
    assert not kv.delete("company.team", "k")
    kv.put("company.team", "k", 1)
    assert kv.delete("company.team", "k")
    assert not kv.delete("company.team", "k")
    assert kv.list("company.team") == []


def test_inheritance(kv: LocalKv) -> None:
    assert inherited_namespaces("a.b.c") == ["a.b.c", "a.b", "a"]
    kv.put("company", "k", "up")
    entry = kv.find("company.team.x", "k")
    assert entry is not None
    assert entry.value == "up"
    assert kv.get("company.team", "k") is None


def test_namespace_check(kv: LocalKv) -> None:
    kv.check_namespace("company", "company.team")
    kv.check_namespace("company.team", "other")
    kv.check_namespace("company", "other")
    with pytest.raises(StorageError) as error:
        kv.check_namespace("nowhere", "company.team")
    assert error.value.message == "Cannot access the KV store. The namespace 'nowhere' does not exist."
    kv.put("nowhere", "k", 1)
    kv.check_namespace("nowhere", "company.team")


def test_purge_keys(kv: LocalKv, clock: Clock) -> None:
    kv.put("a", "x1", 1)
    kv.put("a", "x2", 1, ttl=dt.timedelta(seconds=1))
    kv.put("b", "y", 1)
    clock.time += dt.timedelta(seconds=2)
    assert kv.known_namespaces() == ["a", "b"]
    assert kv.purge_keys("a", lambda key: True, expired_only=True) == 1
    assert kv.purge_keys("a", lambda key: key == "zz", expired_only=False) == 0
    assert kv.purge_keys("a", lambda key: True, expired_only=False) == 1
    assert kv.known_namespaces() == ["b"]


def test_types_and_state_keys() -> None:
    cases = {
        "STRING": ["x", None],
        "NUMBER": [1, 1.5],
        "BOOLEAN": [True],
        "DATETIME": [Instant(2024, 1, 1, tzinfo=dt.UTC)],
        "DATE": [dt.date(2024, 1, 1)],
        "DURATION": [dt.timedelta(1)],
        "JSON": [{}, []],
    }
    assert all(kv_type(value) == name for name, values in cases.items() for value in values)
    assert state_key("My_Flow", "default", None) == "my-flow_states_tasks-states_default"
    assert state_key(None, "n", "v") == "states_tasks-states_n_v"
