"""The S3 double: checked credentials, both modes, the gate."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from simulator.doubles.s3 import S3Double


def client(double: S3Double, key: str, secret: str, token: str | None = None) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=double.ready().url,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        region_name="eu-central-1",
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def code_of(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


def test_right_key(declared_s3: S3Double) -> None:
    s3 = client(declared_s3, "right-key", "right-secret")
    s3.put_object(Bucket="there", Key="k", Body=b"data")
    assert declared_s3.read("there", "k") == b"data"
    assert s3.get_object(Bucket="there", Key="a b/\u00fc+%.txt")["Body"].read() == b"hello"
    assert s3.get_bucket_location(Bucket="there")["LocationConstraint"] == "eu-central-1"
    assert declared_s3.contents()["there"]["k"]["size"] == 4


@pytest.mark.parametrize(
    ("key", "secret", "token", "code"),
    [
        ("wrong", "right-secret", None, "InvalidAccessKeyId"),
        ("right-key", "wrong", None, "SignatureDoesNotMatch"),
        ("right-key", "right-secret", "token", "InvalidToken"),
        ("ASIAX", "right-secret", None, "InvalidToken"),
    ],
)
@pytest.mark.parametrize("size", [1, 3_000_000])
def test_wrong_credentials(
    declared_s3: S3Double, key: str, secret: str, token: str | None, code: str, size: int
) -> None:
    s3 = client(declared_s3, key, secret, token)
    assert code_of(s3.put_object, Bucket="there", Key="k", Body=b"x" * size) == code


def test_the_role_of_the_worker(declared_s3: S3Double) -> None:
    access, secret = declared_s3.ready().facts["role"]
    assert client(declared_s3, access, secret).list_buckets()["Buckets"]


def test_session_token(declared_s3: S3Double) -> None:
    assert client(declared_s3, "ASIAX", "right-secret", "token").list_buckets()["Buckets"]


def test_declared_mode_makes_nothing(declared_s3: S3Double) -> None:
    declared_s3.prepare({"access_key": "new", "secret_key": "s", "bucket": "new-bucket"})
    assert code_of(client(declared_s3, "new", "s").list_buckets) == "InvalidAccessKeyId"
    s3 = client(declared_s3, "right-key", "right-secret")
    assert code_of(s3.put_object, Bucket="new-bucket", Key="k", Body=b"") == "NoSuchBucket"


def test_undeclared_mode_and_faults() -> None:
    double = S3Double(
        faults=[{"kind": "status", "after": 1, "times": 1}, {"kind": "reset", "after": 3, "times": 1}]
    )
    try:
        double.prepare({"access_key": "a", "secret_key": "s", "bucket": "made", "region": "eu-west-1"})
        double.prepare({"access_key": "a", "secret_key": "s", "bucket": "made", "region": "eu-west-1"})
        s3 = client(double, "a", "s")
        assert s3.get_bucket_location(Bucket="made")["LocationConstraint"] == "eu-west-1"
        assert code_of(s3.list_buckets) == "SlowDown"
        s3.put_object(Bucket="made", Key="k", Body=b"1")
        with pytest.raises(Exception, match="(?i)connection|closed"):
            s3.list_buckets()
        assert double.read("made", "k") == b"1"
    finally:
        double.stop()
    assert double.contents() == {}


@pytest.mark.parametrize("headers", [{}, {"Host": "evil.example"}, {"Origin": "http://evil.example"}])
@pytest.mark.parametrize(
    "path", ["/moto-api/data.json", "/moto-api/reset", "/there", "/there/k?acl", "/%ff%00"]
)
def test_gate(declared_s3: S3Double, headers: dict[str, str], path: str) -> None:
    request = urllib.request.Request(declared_s3.ready().url + path, headers=headers, method="POST", data=b"")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=5)
    error = caught.value
    with error:
        assert error.code in (403, 404)
        assert not any(name.lower().startswith("access-control") for name in error.headers)
        assert b"Traceback" not in error.read()


def test_secrets_are_neither_in_arguments_nor_in_the_environment(declared_s3: S3Double) -> None:
    declared_s3.ready()
    assert declared_s3._child is not None
    for name in ("cmdline", "environ"):
        with open(f"/proc/{declared_s3._child.pid}/{name}", "rb") as file:
            assert b"right-secret" not in file.read()


def test_broken_request_shows_no_traceback(declared_s3: S3Double) -> None:
    s3 = client(declared_s3, "right-key", "right-secret")
    with pytest.raises(ClientError) as caught:
        s3.put_bucket_policy(Bucket="none-such", Policy=json.dumps({}))
    assert "Traceback" not in str(caught.value)


def test_half_declared() -> None:
    double = S3Double({"buckets": {"only": None}})
    try:
        double.prepare({"access_key": "a", "secret_key": "s", "bucket": "other"})
        s3 = client(double, "a", "s")
        assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["only"]
        ids = []
        for _ in range(2):
            with pytest.raises(ClientError) as caught:
                s3.get_object(Bucket="other", Key="k")
            ids.append(caught.value.response["ResponseMetadata"]["RequestId"])
        # Counted, not random: two runs of a flow log the same.
        assert [int(item, 16) for item in ids] == [int(ids[0], 16), int(ids[0], 16) + 1]
    finally:
        double.stop()


@pytest.mark.parametrize(
    ("sums", "message"),
    [
        (
            {"ChecksumSHA256": "A" * 43 + "="},
            "The SHA256 you specified did not match the calculated checksum.",
        ),
        ({"ChecksumCRC32": "AAAAAA=="}, "The CRC32 you specified did not match the calculated checksum."),
        ({"ContentMD5": "A" * 22 + "=="}, "The Content-MD5 you specified did not match what we received."),
    ],
)
def test_a_wrong_sum_is_refused(declared_s3: S3Double, sums: dict[str, str], message: str) -> None:
    s3 = client(declared_s3, "right-key", "right-secret")
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket="there", Key="sum", Body=b"data", **sums)
    assert caught.value.response["Error"] == {"Code": "BadDigest", "Message": message}
    assert "sum" not in declared_s3.contents()["there"]


def test_half_a_body_is_no_object(declared_s3: S3Double) -> None:
    s3 = client(declared_s3, "right-key", "right-secret")
    url = s3.generate_presigned_url("put_object", {"Bucket": "there", "Key": "half"})
    parts = urllib.parse.urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as sock:
        head = (
            f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 1000\r\n\r\n"
        )
        sock.sendall(head.encode() + b"x" * 400)
        sock.shutdown(socket.SHUT_WR)
        assert not sock.recv(1000).startswith(b"HTTP/1.1 200")
    assert "half" not in declared_s3.contents()["there"]


def test_the_server_finds_packages_where_we_found_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from simulator.doubles.s3 import _environment

    monkeypatch.setenv("PYTHONPATH", "/opt/packages")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    found = _environment()
    assert found["PYTHONPATH"].split(":")[1] == "/opt/packages" and "AWS_SECRET_ACCESS_KEY" not in found
