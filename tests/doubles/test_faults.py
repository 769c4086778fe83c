"""Faults of the PostgreSQL double as a client meets them, and their bookkeeping."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from simulator.doubles.faults import Faults, normalize
from simulator.doubles.pg_faults import FaultProxy
from simulator.doubles.postgres import PostgresDouble
from simulator.errors import UsageError


@pytest.fixture
def proxied(declared_postgres: PostgresDouble) -> Iterator[Any]:
    proxies: list[FaultProxy] = []

    def make(*faults: dict[str, Any]) -> Any:
        proxy = FaultProxy(
            declared_postgres.ready().port, normalize(faults, {fault["kind"] for fault in faults}, "p")
        )
        proxies.append(proxy)

        def connect(**options: Any) -> Any:
            return psycopg.connect(
                host="127.0.0.1", port=proxy.port, user="pg_user", password="right-password", dbname="pg_user",
                sslmode="disable", gssencmode="disable", connect_timeout=5, **options,
            )  # fmt: skip

        return connect

    yield make
    for proxy in proxies:
        proxy.stop()


def test_nothing_strikes_before_its_time(proxied: Any) -> None:
    connect = proxied({"kind": "deadlock", "after": 2, "times": 1})
    with connect(autocommit=True) as connection:
        for number in (1, 2):
            assert connection.execute("select %s::int", (number,)).fetchone() == (number,)
        with pytest.raises(psycopg.errors.DeadlockDetected, match="deadlock detected"):
            connection.execute("select 3")
        assert connection.execute("select 4").fetchone() == (4,)


def test_deadlock_inside_a_transaction_can_be_rolled_back(proxied: Any) -> None:
    with proxied({"kind": "deadlock", "after": 1, "times": 1})() as connection:
        connection.execute("select 1")
        with pytest.raises(psycopg.errors.DeadlockDetected):
            connection.execute("select 2")
        connection.rollback()
        assert connection.execute("select 3").fetchone() == (3,)


def test_disk_full(proxied: Any) -> None:
    with (
        proxied({"kind": "disk_full"})() as connection,
        pytest.raises(psycopg.errors.DiskFull, match="No space left"),
    ):
        connection.execute("create table x (a int)")


def test_connection_faults(proxied: Any) -> None:
    connect = proxied({"kind": "refuse", "times": 1}, {"kind": "credentials", "after": 1, "times": 1})
    with pytest.raises(psycopg.OperationalError):
        connect()
    with pytest.raises(psycopg.OperationalError, match='password authentication failed for user "pg_user"'):
        connect()
    connect().close()


def test_reset_in_the_middle_of_an_answer(proxied: Any) -> None:
    connection = proxied({"kind": "reset", "times": 1})(autocommit=True)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("select repeat('x', 100) from generate_series(1, 100000)")
    connection.close()


def test_slow(proxied: Any) -> None:
    with proxied({"kind": "slow", "delay": "PT0.2S", "times": 1})() as connection:
        start = time.monotonic()
        connection.execute("select 1")
        assert time.monotonic() - start >= 0.2


def test_a_double_with_faults_is_seeded_past_them() -> None:
    double = PostgresDouble(
        {"users": {"u": {"password": "p"}}, "seed": ["create table t (a int)"]}, faults=[{"kind": "refuse"}]
    )
    try:
        address = double.ready()
        assert double.contents() == {"u": {"public.t": 0}}
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(host=address.host, port=address.port, user="u", password="p", connect_timeout=5)
    finally:
        double.stop()


def test_bookkeeping() -> None:
    faults = Faults(
        normalize([{"kind": "a", "after": "1", "times": 2}, {"kind": "b", "delay": 0.5}], {"a", "b"}, "d")
    )
    assert [(hit := faults.strike()) and hit["kind"] for _ in range(4)] == ["b", "a", "a", "b"]
    assert faults.strike(["none"]) is None
    with pytest.raises(UsageError, match="has no fault `c`"):
        normalize([{"kind": "c"}], {"a"}, "d")
    with pytest.raises(UsageError, match="is no duration"):
        normalize([{"kind": "a", "delay": "soon"}], {"a"}, "d")
