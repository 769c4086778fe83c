"""Doubles that many tests share, one after the other."""

import pytest

from simulator.doubles.postgres import PostgresDouble
from simulator.doubles.s3 import S3Double

SEED = "create table users (id serial primary key, name text); insert into users (name) values ('Ada'), ('Grace')"
DECLARED = {
    "users": {"pg_user": {"password": "x"}},
    "databases": {"pg_user": {"owner": "pg_user", "seed": [SEED]}},
}


@pytest.fixture(scope="module")
def postgres():
    double = PostgresDouble(DECLARED, resettable=True)
    double.ready()
    yield double
    double.stop()


def test_rows_come_back(postgres: PostgresDouble) -> None:
    with postgres.connect("pg_user") as connection:
        connection.execute("delete from users")
        connection.execute("create table more (id int)")
    assert postgres.reset()
    assert postgres.query("select count(*) as n from users", "pg_user") == [{"n": 2}]
    assert postgres.contents() == {"pg_user": {"public.users": 2}}


def test_reading_changes_nothing(postgres: PostgresDouble) -> None:
    def made() -> object:
        return postgres.query("select oid from pg_database where datname = 'pg_user'", "postgres")

    assert postgres.reset()
    before = made()
    postgres.query("select * from users order by name", "pg_user")
    assert postgres.reset()
    assert made() == before


def test_a_sequence_starts_again(postgres: PostgresDouble) -> None:
    for _ in range(2):
        assert postgres.query("select nextval('users_id_seq') as n", "pg_user") == [{"n": 3}]
        assert postgres.reset()


def test_databases_of_a_test_are_gone(postgres: PostgresDouble) -> None:
    with postgres.connect("postgres") as connection:
        connection.execute("create database other")
    assert postgres.reset()
    assert postgres.query("select 1 as n from pg_database where datname = 'other'", "postgres") == []


def test_a_changed_role_needs_a_new_server() -> None:
    double = PostgresDouble(DECLARED, resettable=True)
    try:
        with double.connect("postgres") as connection:
            connection.execute("create role stranger")
        assert not double.reset()
    finally:
        double.stop()


def test_s3_starts_anew() -> None:
    double = S3Double({"buckets": {"first": {"objects": {"k": "v"}}}})
    try:
        double.ready()
        assert double.read("first", "k") == b"v"
        double.reset({"buckets": {"second": {}}})
        assert double.contents() == {"second": {}}
        double.reset(None)
        assert double.contents() == {}
    finally:
        double.stop()
