"""The REST client against a double of the protocol: right calls, clear messages, never a second execution."""

from pathlib import Path

import pytest

from simulator.errors import RemoteError, UsageError
from simulator.remote.client import KestraClient
from tests.remote.kestra_double import kestra_double

SOURCE = "id: hello\nnamespace: company.team\ntasks: []\n"


def test_deploys_only_what_changed() -> None:
    with kestra_double() as server:
        client = KestraClient(server.url)
        assert client.deploy(SOURCE, "company.team", "hello") is True
        assert client.deploy(SOURCE, "company.team", "hello") is False
        assert client.deploy(SOURCE + "# more\n", "company.team", "hello") is True
        assert [call[0] for call in server.calls] == ["GET", "POST", "GET", "GET", "PUT"]


def test_inputs_are_parts_and_files_are_files(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("a,b\n")
    with kestra_double() as server:
        KestraClient(server.url, username="u", password="p").create_execution(
            "company.team", "hello", {"name": "Ada", "count": 3, "file": file}, {"team": "x"}
        )
        method, path, body, headers = server.calls[-1]
    assert (method, path) == ("POST", "/api/v1/main/executions/company.team/hello?labels=team%3Ax")
    assert {name.lower(): value for name, value in headers.items()}["authorization"] == "Basic dTpw"
    assert (
        b'name="name"' in body and b"Ada" in body and b'filename="data.csv"' in body and b"\r\n3\r\n" in body
    )


def test_a_cut_while_creating_never_starts_a_second_execution() -> None:
    with kestra_double(trouble="cut on create") as server:
        with pytest.raises(RemoteError, match="while the execution was created") as caught:
            KestraClient(server.url).create_execution("company.team", "hello", {}, {})
        assert server.created == 1
    assert "may have been started" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("status", "hint"),
    [(401, "KESTRA_USERNAME"), (403, "may not"), (404, "tenant"), (409, ""), (422, ""), (500, "")],
)
def test_refusals_carry_the_servers_words(status: int, hint: str) -> None:
    with kestra_double(fail={"POST /executions/.*": (status, "no, because")}) as server:
        with pytest.raises(RemoteError) as caught:
            KestraClient(server.url).create_execution("company.team", "hello", {}, {})
        assert server.created == 0
    assert caught.value.status == status
    assert f"answers {status}" in caught.value.message and "no, because" in caught.value.message
    assert hint in (caught.value.hint or "")


def test_no_server_is_one_sentence() -> None:
    with kestra_double() as server:
        url = server.url
    with pytest.raises(RemoteError, match="cannot reach") as caught:
        KestraClient(url).create_execution("company.team", "hello", {}, {})
    assert "0x" not in caught.value.message


@pytest.mark.parametrize("trouble", ["", "cut", "stall"])
def test_following_survives_a_bad_line(trouble: str) -> None:
    with kestra_double(trouble=trouble) as server:
        client = KestraClient(server.url, read_seconds=0.2)
        states = [value["state"]["current"] for value in client.follow("5Xq8ZtQ3mWc1RkYb7NsLdP")]
    assert states[-1] == "SUCCESS"


def test_following_gives_up_at_the_timeout() -> None:
    with kestra_double(trouble="never ends") as server:
        client = KestraClient(server.url, read_seconds=0.2)
        with pytest.raises(RemoteError, match="still RUNNING"):
            list(client.follow("5Xq8ZtQ3mWc1RkYb7NsLdP", timeout=0.5))


@pytest.mark.parametrize("place", ["/kill", "/actions/kill"])
def test_kill_finds_its_place(place: str) -> None:
    with kestra_double(kill_path=place) as server:
        KestraClient(server.url).kill("e1")
        assert server.calls[-1][1].endswith(place)


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "http://user:pw@host"])
def test_urls(url: str) -> None:
    with pytest.raises(UsageError):
        KestraClient(url)
