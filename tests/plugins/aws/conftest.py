"""A real S3 server for the session, a bucket of its own for each test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1, Dialect
from simulator.doubles.s3 import S3Double
from simulator.engine.task import Endpoint
from tests.plugins.fake_context import FakeContext

Make = Callable[..., FakeContext]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Double]:
    double = S3Double()
    double.start()
    double.prepare({"access_key": "ak", "secret_key": "sk"})
    yield double
    double.stop()


@pytest.fixture
def bucket(s3: S3Double) -> str:
    name = f"bucket-{next(_numbers)}"
    s3.order({"buckets": {name: {"region": "eu-central-1"}}})
    return name


@pytest.fixture
def make(tmp_path: Path, s3: S3Double, bucket: str) -> Make:
    """A context for a plugin class, connected to the double and its own bucket."""

    def build(
        plugin: Any, properties: Mapping[str, Any], *, dialect: Dialect = V1, **rest: Any
    ) -> FakeContext:
        base = {"accessKeyId": "ak", "secretKeyId": "sk", "region": "eu-central-1", "bucket": bucket}
        base = {key: value for key, value in base.items() if plugin.spec.property(key)}
        ctx = FakeContext(tmp_path, {**base, **properties}, spec=plugin.spec, dialect=dialect, **rest)
        address = s3.ready()
        ctx.endpoints.table["s3"] = Endpoint(address.url, address.host, address.port, "s3", address.facts)
        return ctx

    return build


@pytest.fixture
def put(s3: S3Double, bucket: str) -> Callable[..., None]:
    """Puts objects into the bucket of the test: `put(a="content")` or `put(**{"dir/a": "content"})`."""

    def store(**objects: str) -> None:
        from simulator.plugins.aws.connection import _create

        client = _create(
            {
                "endpoint_url": s3.ready().url,
                "region_name": "eu-central-1",
                "aws_access_key_id": "ak",
                "aws_secret_access_key": "sk",
            },
            double=True,
            path_style=True,
        )
        for key, content in objects.items():
            client.put_object(Bucket=bucket, Key=key, Body=content.encode(), Metadata={"from": "test"})

    return store
