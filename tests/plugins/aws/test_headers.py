"""Properties that only reach the server as a header: the request that leaves is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from simulator.plugins.aws.download import Download
from simulator.plugins.aws.listing import DeleteList, List
from simulator.plugins.aws.objects import CreateBucket, Delete
from simulator.plugins.aws.upload import Upload

PAYER = {"x-amz-request-payer": "requester"}
OWNER = 'id="abc"'


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, str]]:
    """Headers of every request that leaves, names in lower case, with `:method`."""
    from botocore.httpsession import URLLib3Session

    found: list[Mapping[str, str]] = []
    original = URLLib3Session.send

    def send(self: Any, request: Any) -> Any:
        text = {
            name.lower(): value.decode() if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()
        }
        found.append({**text, ":method": request.method})
        return original(self, request)

    monkeypatch.setattr(URLLib3Session, "send", send)
    return found


@pytest.mark.parametrize(
    ("plugin", "properties", "method", "headers"),
    [
        (Download, {"key": "a.txt", "requestPayer": "requester"}, "GET", PAYER),
        (List, {"requestPayer": "{{ 'requester' }}"}, "GET", PAYER),
        (DeleteList, {"requestPayer": "requester"}, "GET", PAYER),
        (Delete, {"key": "a.txt", "requestPayer": "requester"}, "DELETE", PAYER),
        (Delete, {"key": "a.txt", "mfa": "serial 123456"}, "DELETE", {"x-amz-mfa": "serial 123456"}),
        (
            Delete,
            {"key": "a.txt", "bypassGovernanceRetention": True},
            "DELETE",
            {"x-amz-bypass-governance-retention": "true"},
        ),
    ],
)
def test_what_a_task_on_objects_sends(
    make: Any, put: Any, sent: Any, plugin: Any, properties: Any, method: str, headers: Mapping[str, str]
) -> None:
    put(**{"a.txt": "x"})
    sent.clear()
    plugin().run(make(plugin, properties))
    requests = [request for request in sent if request[":method"] == method]
    assert requests and all(headers.items() <= request.items() for request in requests)


def test_who_pays_for_an_upload(make: Any, sent: Any) -> None:
    ctx = make(Upload, {"key": "a.txt", "requestPayer": "requester"})
    ctx.properties["from"] = ctx.store("content", ".txt")
    Upload().run(ctx)
    (request,) = [request for request in sent if request[":method"] == "PUT"]
    assert PAYER.items() <= request.items()


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("grantFullControl", "x-amz-grant-full-control"),
        ("grantRead", "x-amz-grant-read"),
        ("grantReadACP", "x-amz-grant-read-acp"),
        ("grantWrite", "x-amz-grant-write"),
        ("grantWriteACP", "x-amz-grant-write-acp"),
        ("acl", "x-amz-acl"),
    ],
)
def test_who_may_use_a_new_bucket(make: Any, bucket: str, sent: Any, name: str, header: str) -> None:
    value = "private" if name == "acl" else OWNER
    made = f"{bucket}-{name.lower()}"
    CreateBucket().run(make(CreateBucket, {"bucket": made, name: value}))
    (request,) = [request for request in sent if request[":method"] == "PUT"]
    assert request[header] == value
