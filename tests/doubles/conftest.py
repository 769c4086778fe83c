"""Real servers, one of each for the whole session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator.doubles.postgres import PostgresDouble
from simulator.doubles.s3 import S3Double

SEED = "create table t (id int, name text); insert into t values (1, 'a'), (2, 'b')"


@pytest.fixture(scope="session")
def declared_postgres() -> Iterator[PostgresDouble]:
    double = PostgresDouble(
        {
            "users": {"pg_user": {"password": "right-password"}, "other": {"password": "x'y\"z"}},
            "databases": {"pg_user": {"owner": "pg_user", "seed": [SEED]}, "plain": {"owner": "other"}},
            "time_zone": "Europe/Paris",
        }
    )
    double.start()
    yield double
    double.stop()


@pytest.fixture(scope="session")
def declared_s3() -> Iterator[S3Double]:
    double = S3Double(
        {
            "credentials": [
                {"access_key": "right-key", "secret_key": "right-secret"},
                {"access_key": "ASIAX", "secret_key": "right-secret", "session_token": "token"},
            ],
            "buckets": {"there": {"region": "eu-central-1", "objects": {"a b/\u00fc+%.txt": "hello"}}},
        }
    )
    double.start()
    yield double
    double.stop()
