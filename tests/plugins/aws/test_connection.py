"""The client: botocore's models through the faster loader, keys, roles, live runs."""

from __future__ import annotations

from typing import Any

import botocore.loaders
import pytest

from simulator.engine.task import Endpoint
from simulator.errors import TaskError
from simulator.plugins import aws
from simulator.plugins.aws.connection import s3_client
from simulator.plugins.aws.listing import List
from simulator.plugins.aws.models import FastLoader


def test_the_fast_loader_says_what_botocore_says() -> None:
    fast, slow = FastLoader(), botocore.loaders.Loader()
    for service, kind in (("s3", "service-2"), ("s3", "endpoint-rule-set-1"), ("sts", "service-2")):
        assert fast.load_service_model(service, kind) == slow.load_service_model(service, kind)
    assert fast.load_data("endpoints") == slow.load_data("endpoints")
    assert set(slow.list_available_services("service-2")) <= set(fast.list_available_services("service-2"))
    with pytest.raises(botocore.loaders.UnknownServiceError):
        fast.load_service_model("no-such-service", "service-2")


def test_prewarm_needs_no_network() -> None:
    aws.prewarm()
    aws.prewarm()


def test_without_keys_the_role_of_the_double_signs(make: Any, bucket: str) -> None:
    ctx = make(List, {"accessKeyId": "", "secretKeyId": "only-one-counts-as-none"})
    endpoint = ctx.endpoints.table["s3"]
    ctx.endpoints.table["s3"] = Endpoint(
        endpoint.url, endpoint.host, endpoint.port, "s3", {"role": ("ak", "sk")}
    )
    assert List().run(ctx).outputs == {"objects": []}
    assert ctx.endpoints.asked[0][2]["access_key"] is None


def test_proxies_of_the_environment_are_ignored(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert List().run(make(List, {})).outputs == {"objects": []}


def test_a_live_run_wants_a_region(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    ctx = make(List, {"region": ""})
    ctx.endpoints.table["s3"] = Endpoint(
        "https://s3.us-east-1.amazonaws.com", "s3.us-east-1.amazonaws.com", 443
    )
    with pytest.raises(TaskError, match="Unable to load region from any of the providers in the chain"):
        List().run(ctx)


def test_a_live_endpoint_override_is_used_as_it_is(make: Any) -> None:
    ctx = make(
        List,
        {"endpointOverride": "http://minio.example:9000", "compatibilityMode": True, "forcePathStyle": True},
    )
    ctx.endpoints.table["s3"] = Endpoint("http://minio.example:9000", "minio.example", 9000)
    client = s3_client(ctx, asynchronous=True)
    assert client.meta.endpoint_url == "http://minio.example:9000"
    assert client.meta.config.s3["addressing_style"] == "path"
    assert ctx.endpoints.asked[0][1] == "http://minio.example:9000"


def test_a_bucket_of_another_region_is_refused(make: Any, s3: Any) -> None:
    from simulator.plugins.aws.objects import CreateBucket

    CreateBucket().run(make(CreateBucket, {"bucket": "far-away", "region": "eu-west-3"}))
    assert List().run(make(List, {"bucket": "far-away", "region": "eu-west-3"})).outputs == {"objects": []}
    with pytest.raises(
        TaskError, match="must be addressed using the specified endpoint.*Status Code: 301"
    ) as caught:
        List().run(make(List, {"bucket": "far-away", "region": "eu-central-1"}))
    assert "region" in (caught.value.hint or "")
    # Nobody said where this one is: it serves every region.
    s3.prepare({"bucket": "somewhere", "region": "us-west-2"})
    assert List().run(make(List, {"bucket": "somewhere", "region": "eu-central-1"})).outputs == {
        "objects": []
    }
