"""The double of the AWS services beside S3: SQS, SNS, DynamoDB, Kinesis and EventBridge, with checked credentials.

A server process like the S3 double's (same gate, same pipe), started when a task first asks for one of its services; a
service is loaded when it is first called. Declared mode knows the queues, topics, tables, streams and buses of the side
file; kinds that it leaves out are made on first use, except tables: nobody but their owner knows their keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from simulator.doubles.s3 import S3Double
from simulator.errors import DoubleError

__all__ = ["AwsDouble"]

#: What a task may ask for -> the section of the side file.
_KINDS = {"queue": "queues", "topic": "topics", "stream": "streams", "bus": "buses"}


class AwsDouble(S3Double):
    """`declared` is the side file's `doubles.aws` (None: undeclared mode)."""

    name = "aws"
    title = "AWS"

    def _config(self) -> dict[str, Any]:
        declared = dict(self._declared or {})
        tables = {
            str(name): {**facts, "items": self._items(facts.get("items"))}
            for name, facts in (declared.get("tables") or {}).items()
        }
        stock = {
            kind: declared[kind] for kind in ("queues", "topics", "streams", "buses") if declared.get(kind)
        }
        return {
            "app": "aws",
            "credentials": self._credentials(),
            "stock": {**stock, "tables": tables},
            "faults": self._faults,
        }

    def _items(self, given: Any) -> list[Any]:
        """The items of a table: a list, or a file of JSON (a list, or one item a line)."""
        if not isinstance(given, str):
            return list(given or ())
        try:
            text = self._resolve(given).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DoubleError(f"items of a DynamoDB table cannot be read: {error}") from None
        try:
            if text.lstrip().startswith("["):
                return list(json.loads(text))
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError as error:
            raise DoubleError(f"items of a DynamoDB table are no JSON: {given}: {error}") from None

    def prepare(self, wanted: Mapping[str, Any]) -> None:
        """Adds the key pair unless pairs are declared, and the queue, topic, stream or bus unless its kind is."""
        declared = self._declared or {}
        key = tuple((name, wanted.get(name)) for name in ("access_key", "secret_key", "region", *_KINDS))
        with self._lock:
            if key in self._prepared:
                return
            order: dict[str, Any] = {}
            if wanted.get("access_key") and not declared.get("credentials"):
                order["credentials"] = [
                    {
                        "access_key": wanted["access_key"],
                        "secret_key": wanted.get("secret_key") or "",
                        "session_token": wanted.get("session_token"),
                    }
                ]
            stock = {
                section: {wanted[kind]: {"region": wanted.get("region")}}
                for kind, section in _KINDS.items()
                if wanted.get(kind) and not declared.get(section)
            }
            if stock:
                order["stock"] = stock
            if order:
                self.order(order)
            self._prepared.add(key)
