"""What libpq is told, for a server that is no double: TLS from properties and URL. And what the trigger leaves out."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import psycopg
import pytest

from simulator.engine.task import Endpoint
from simulator.errors import TaskError
from simulator.plugins.jdbc.postgresql import Query
from simulator.plugins.jdbc.trigger import Trigger


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The arguments of every connection, and the certificates as they were then; none is made."""
    found: list[dict[str, Any]] = []

    def connect(**options: Any) -> None:
        for key in ("sslkey", "sslcert", "sslrootcert"):
            if key in options:
                path = Path(options[key])
                options[key] = (path.read_text(), stat.S_IMODE(path.stat().st_mode))
        found.append(options)
        raise psycopg.OperationalError("connection refused")

    monkeypatch.setattr(psycopg, "connect", connect)
    return found


def live(make: Any, plugin: Any, properties: dict[str, Any], **rest: Any) -> Any:
    ctx = make(plugin, {"sql": "select 1", **properties}, **rest)
    ctx.endpoints.table["postgres"] = Endpoint("", "db.example", 5432, None)
    return ctx


@pytest.mark.parametrize(
    ("properties", "query", "mode"),
    [
        ({}, "", "prefer"),
        ({"ssl": True}, "", "verify-full"),
        ({"sslMode": "VERIFY_CA"}, "", "verify-ca"),
        ({"ssl": False, "sslMode": "REQUIRE"}, "", "require"),
        ({}, "?ssl=true", "verify-full"),
        ({"sslMode": "REQUIRE"}, "?sslmode=disable", "disable"),
    ],
)
def test_ssl_mode(make: Any, told: Any, properties: dict[str, Any], query: str, mode: str) -> None:
    url = "jdbc:postgresql://db.example:5432/d" + query
    with pytest.raises(TaskError):
        Query().run(live(make, Query, {"url": url, **properties}))
    assert told[0]["sslmode"] == mode


def test_certificates_are_files_of_ours_for_a_moment(make: Any, told: Any) -> None:
    properties = {
        "sslMode": "VERIFY_FULL",
        "sslRootCert": "root",
        "sslCert": "cert",
        "sslKey": "{{ inputs.key }}",
        "sslKeyPassword": "open",
    }
    variables = {"inputs": {"key": "{{ inputs.inner }}", "inner": "the key"}}
    with pytest.raises(TaskError, match="Failed to initialize pool: Connection to"):
        Query().run(live(make, Query, properties, variables=variables))
    # the key is rendered twice
    assert told[0]["sslkey"] == ("the key", 0o600)
    assert told[0]["sslcert"] == ("cert", 0o600) and told[0]["sslrootcert"] == ("root", 0o600)
    assert told[0]["sslpassword"] == "open"


def test_an_encrypted_key_wants_its_password(make: Any, told: Any) -> None:
    key = "-----BEGIN ENCRYPTED PRIVATE KEY-----"
    with pytest.raises(TaskError) as caught:
        Query().run(live(make, Query, {"sslKey": key}))
    assert caught.value.message == (
        "Unable to import private key. Key is encrypted, but no password was provided."
    )
    assert not told


def test_the_trigger_hands_neither_ssl_nor_pooling_on(make: Any, told: Any) -> None:
    properties = {"sslMode": "REQUIRE", "sslKey": "k", "connectionPooling": False}
    with pytest.raises(TaskError, match="Failed to initialize pool:"):
        Trigger().evaluate(live(make, Trigger, properties))
    assert told[0]["sslmode"] == "prefer" and "sslkey" not in told[0]


def test_hosts_are_tried_in_order(make: Any, told: Any) -> None:
    url = "jdbc:postgresql://one:1,two:2/d?ApplicationName=mine&currentSchema=s"
    with pytest.raises(TaskError):
        Query().run(live(make, Query, {"url": url}))
    assert (told[0]["host"], told[0]["port"]) == ("one,two", "1,2")
    assert told[0]["application_name"] == "mine" and "search_path=s" in told[0]["options"]
