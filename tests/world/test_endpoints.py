"""Where things really are; nothing leaves the machine unasked."""

from collections.abc import Mapping
from typing import Any

import pytest

from simulator.doubles.base import Address
from simulator.errors import NetworkRefusedError
from simulator.world.endpoints import NetworkPolicy, RunEndpoints, is_loopback


class Doubles:
    def __init__(self, *names: str, answering: str = "") -> None:
        self.names = names
        self.answering = answering
        self.wanted: list[tuple[str, Mapping[str, Any]]] = []

    def has(self, name: str) -> bool:
        return name in self.names

    def address(self, name: str, wanted: Mapping[str, Any]) -> Address:
        self.wanted.append((name, wanted))
        return Address(f"{name}://127.0.0.1:1", "127.0.0.1", 1)

    def answers(self, name: str, url: str) -> bool:
        return bool(self.answering) and self.answering in url


def test_any_host_is_taken_over_by_the_double() -> None:
    doubles = Doubles("postgres")
    found = RunEndpoints(doubles, NetworkPolicy()).resolve(
        "postgres", "jdbc:postgresql://prod.example.com:5432/sales", user="u"
    )
    assert (found.double, found.host) == ("postgres", "127.0.0.1")
    assert doubles.wanted == [("postgres", {"user": "u"})]


@pytest.mark.parametrize("live", ["postgres", "prod.example.com", "PROD.example.com"])
def test_live_lets_the_real_url_through(live: str) -> None:
    found = RunEndpoints(Doubles("postgres"), NetworkPolicy(live=[live])).resolve(
        "postgres", "jdbc:postgresql://prod.example.com:5433/sales"
    )
    assert (found.double, found.host, found.port) == (None, "prod.example.com", 5433)


def test_http_goes_to_the_double_unless_allowed() -> None:
    doubles = Doubles("http")
    assert (
        RunEndpoints(doubles, NetworkPolicy()).resolve("http", "https://api.example.com/x").double == "http"
    )
    allowed = RunEndpoints(doubles, NetworkPolicy(allow=["*.example.com"]))
    assert allowed.resolve("http", "https://api.example.com/x").double is None
    assert allowed.resolve("http", "https://example.org/x").double == "http"


def test_loopback_is_real_unless_a_rule_answers() -> None:
    url = "http://localhost:8080/api"
    assert RunEndpoints(Doubles("http"), NetworkPolicy()).resolve("http", url).double is None
    assert (
        RunEndpoints(Doubles("http", answering="/api"), NetworkPolicy()).resolve("http", url).double == "http"
    )


def test_what_has_no_double_is_refused_with_the_flag() -> None:
    with pytest.raises(NetworkRefusedError) as caught:
        RunEndpoints(Doubles(), NetworkPolicy()).resolve("mysql", "jdbc:mysql://db.example.com:3306/x")
    assert "db.example.com" in caught.value.message and "--live mysql" in (caught.value.hint or "")


def test_metadata_addresses_are_not_opened_by_a_wildcard() -> None:
    policy = NetworkPolicy(allow=["*"])
    assert policy.allows("example.com", 443)
    assert not policy.allows("169.254.169.254", 80)
    assert not policy.allows("metadata.google.internal", 80)
    assert NetworkPolicy(allow=["169.254.169.254"]).allows("169.254.169.254", 80)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("a.localhost", True),
    ]
    + [
        ("localhost.example.com", False),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("127.0.0.1.nip.io", False),
        ("", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
