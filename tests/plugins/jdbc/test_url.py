"""JDBC URLs."""

from __future__ import annotations

import pytest

from simulator.errors import TaskError
from simulator.plugins.jdbc.url import parse_url


@pytest.mark.parametrize(
    ("url", "hosts", "database", "properties"),
    [
        ("jdbc:postgresql://h:1/d", (("h", 1),), "d", {}),
        ("jdbc:postgresql://h/d", (("h", 5432),), "d", {}),
        ("jdbc:postgresql://127.0.0.1:56982/", (("127.0.0.1", 56982),), None, {}),
        ("jdbc:postgresql://h", (("h", 5432),), None, {}),
        ("jdbc:postgresql:d", (("localhost", 5432),), "d", {}),
        ("jdbc:postgresql:/", (("localhost", 5432),), None, {}),
        ("jdbc:postgresql://[::1]:7/d", (("::1", 7),), "d", {}),
        ("jdbc:postgresql://[::1]/d", (("::1", 5432),), "d", {}),
        ("jdbc:postgresql://a:1,b/d%20x", (("a", 1), ("b", 5432)), "d x", {}),
        (
            "jdbc:postgresql://h/d?currentSchema=s&x=a%26b",
            (("h", 5432),),
            "d",
            {"currentSchema": "s", "x": "a&b"},
        ),
    ],
)
def test_forms(url: str, hosts: object, database: str | None, properties: dict[str, str]) -> None:
    found = parse_url(url)
    assert (found.hosts, found.database, dict(found.properties)) == (hosts, database, properties)


@pytest.mark.parametrize("url", [None, "", " "])
def test_blank(url: str | None) -> None:
    with pytest.raises(TaskError) as caught:
        parse_url(url)  # type: ignore[arg-type]
    assert caught.value.message == "Rendered value of `url` is blank."


@pytest.mark.parametrize("url", ["jdbc:mysql://h/d", "jdbc:postgres://h/d", "postgresql://h/d"])
def test_scheme(url: str) -> None:
    with pytest.raises(TaskError) as caught:
        parse_url(url)
    assert caught.value.message == "URL scheme is invalid. URL should start with `jdbc:postgresql`"


@pytest.mark.parametrize(
    "url", ["jdbc:postgresqlx", "jdbc:postgresql://h:port/d", "jdbc:postgresql://h:99999/d"]
)
def test_unusable(url: str) -> None:
    with pytest.raises(TaskError, match="claims to not accept jdbcUrl"):
        parse_url(url + "?password=hunter2")
