"""What lies in the AWS double: queues, topics, tables, streams, buses. Lives in the server process only.

What is declared without a region exists in every region that the flow uses: a side file need not repeat it.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from importlib import import_module
from typing import Any

__all__ = ["SERVICES", "Stock", "attribute", "plain"]

ACCOUNT = "123456789012"

#: signing name of a service -> the sections of the side file that it serves
SERVICES: dict[str, tuple[str, ...]] = {
    "dynamodb": ("tables",),
    "events": ("buses",),
    "kinesis": ("streams",),
    "sns": ("topics",),
    "sqs": ("queues",),
}
_KEPT_EVENTS = 10_000


class Stock:
    """Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._declared: dict[str, dict[str, dict[str, Any]]] = {}
        self._made: set[tuple[str, str, str]] = set()
        self._events: list[dict[str, Any]] = []

    def add(self, stock: Mapping[str, Mapping[str, Any]]) -> None:
        """Section -> name -> facts. A name that is known keeps its facts, its regions grow."""
        with self._lock:
            for section, items in stock.items():
                known = self._declared.setdefault(section, {})
                for name, facts in items.items():
                    entry = known.setdefault(str(name), {**(facts or {}), "regions": []})
                    if (facts or {}).get("region"):
                        entry["regions"].append(str(facts["region"]))

    def clear(self) -> None:
        """As at the start."""
        with self._lock:
            places = {(section, region, ACCOUNT) for section, _, region in self._made}
            # A topic lies where its ARN says.
            places |= {
                ("topics", *reversed(_topic_place(region, name)[:2]))
                for section, name, region in self._made
                if section == "topics"
            }
            for section, region, account in places:
                _backend(*_BACKENDS[section], region, account).reset()
            self._declared, self._made, self._events = {}, set(), []

    def reach(self, service: str, region: str) -> None:
        """Makes what is declared for a service in a region, once."""
        with self._lock:
            for section in SERVICES[service]:
                for name, facts in self._declared.get(section, {}).items():
                    if not facts["regions"] or region in facts["regions"]:
                        self._make(section, region, name, facts)

    def _make(self, section: str, region: str, name: str, facts: Mapping[str, Any]) -> None:
        if (section, name, region) in self._made:
            return
        self._made.add((section, name, region))
        if section == "topics":
            for queue in facts.get("queues") or ():
                self._make("queues", region, queue, self._declared.get("queues", {}).get(queue, {}))
        _MAKERS[section](region, name, facts)

    def record_events(self, region: str, body: bytes) -> None:
        """Keeps what PutEvents brings: moto routes events by rules and forgets them."""
        try:
            entries = json.loads(body or b"{}").get("Entries") or ()
        except ValueError:
            return
        with self._lock:
            for entry in entries:
                if len(self._events) < _KEPT_EVENTS:
                    self._events.append({"region": region, **entry})

    def contents(self) -> dict[str, Any]:
        """Section -> name -> what is inside, of what was made."""
        with self._lock:
            found: dict[str, Any] = {}
            for section, name, region in sorted(self._made):
                found.setdefault(section, {}).setdefault(name, []).extend(
                    _READERS[section](region, name) if section != "buses" else self._events_of(region, name)
                )
            default = [event for event in self._events if event.get("EventBusName", "default") == "default"]
            if default:
                found.setdefault("buses", {})["default"] = default
            return found

    def _events_of(self, region: str, name: str) -> list[dict[str, Any]]:
        return [
            event
            for event in self._events
            if event["region"] == region and str(event.get("EventBusName", "")).rpartition("/")[2] == name
        ]


def _backend(module: str, name: str, region: str, account: str = ACCOUNT) -> Any:
    return getattr(import_module(module), name)[account][region]


# Queues and topics ------------------------------------------------------------------------------------------------


def _make_queue(region: str, name: str, facts: Mapping[str, Any]) -> None:
    backend = _backend("moto.sqs.models", "sqs_backends", region)
    more = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if name.endswith(".fifo") else {}
    backend.create_queue(name, **more)
    for message in facts.get("messages") or ():
        text = message if isinstance(message, str) else json.dumps(message)
        backend.send_message(name, text, group_id="1" if more else None)


def _queue(region: str, name: str) -> list[Any]:
    queue = _backend("moto.sqs.models", "sqs_backends", region).queues.get(name)
    return [message.body for message in queue._messages] if queue is not None else []


def _topic_place(region: str, name: str) -> tuple[str, str, str]:
    """Account, region and name of a topic that is named or given by its ARN."""
    parts = name.split(":")
    return (parts[4], parts[3], parts[5]) if len(parts) == 6 else (ACCOUNT, region, name)


def _make_topic(region: str, name: str, facts: Mapping[str, Any]) -> None:
    account, place, topic = _topic_place(region, name)
    backend = _backend("moto.sns.models", "sns_backends", place, account)
    more = {"FifoTopic": "true", "ContentBasedDeduplication": "true"} if topic.endswith(".fifo") else None
    made = backend.create_topic(topic, more)
    for queue in facts.get("queues") or ():
        backend.subscribe(made.arn, f"arn:aws:sqs:{region}:{ACCOUNT}:{queue}", "sqs")


def _topic(region: str, name: str) -> list[Any]:
    account, place, topic = _topic_place(region, name)
    for arn, found in _backend("moto.sns.models", "sns_backends", place, account).topics.items():
        if arn.endswith(f":{topic}"):
            return [
                {"message": sent[1], **({"subject": sent[2]} if sent[2] else {})}
                for sent in found.sent_notifications
            ]
    return []


# Tables -------------------------------------------------------------------------------------------------------------


def _make_table(region: str, name: str, facts: Mapping[str, Any]) -> None:
    backend = _backend("moto.dynamodb.models", "dynamodb_backends", region)
    keys = [(facts["key"], "HASH")] + ([(facts["sort"], "RANGE")] if facts.get("sort") else [])
    types = facts.get("types") or {}
    backend.create_table(
        name,
        schema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
        throughput=None,
        attr=[{"AttributeName": key, "AttributeType": str(types.get(key, "S"))} for key, _ in keys],
        global_indexes=None,
        indexes=None,
        streams=None,
        billing_mode="PAY_PER_REQUEST",
        sse_specification=None,
        tags=[],
        deletion_protection_enabled=False,
        warm_throughput=None,
    )
    for item in facts.get("items") or ():
        backend.put_item(name, {key: attribute(value) for key, value in item.items()})


def _table(region: str, name: str) -> list[Any]:
    table = _backend("moto.dynamodb.models", "dynamodb_backends", region).tables.get(name)
    if table is None:
        return []
    return [
        {key: _plain_json(value) for key, value in item.to_json()["Attributes"].items()}
        for item in table.all_items()
    ]


def attribute(value: Any) -> dict[str, Any]:
    """A JSON-like value as DynamoDB holds it."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | float() | Decimal():
            return {"N": format(Decimal(str(value)), "f")}
        case str():
            return {"S": value}
        case bytes():
            return {"B": value}
        case Mapping():
            return {"M": {str(key): attribute(item) for key, item in value.items()}}
        case list() | tuple():
            return {"L": [attribute(item) for item in value]}
    return {"S": str(value)}


def plain(value: Mapping[str, Any]) -> Any:
    """The other way: numbers are int, or Decimal with a fraction; sets are lists."""
    ((kind, inner),) = value.items()
    match kind:
        case "NULL":
            return None
        case "N":
            return _number(inner)
        case "NS":
            return [_number(item) for item in inner]
        case "M":
            return {key: plain(item) for key, item in inner.items()}
        case "L":
            return [plain(item) for item in inner]
        case "SS" | "BS":
            return list(inner)
    return inner


def _number(text: str) -> int | Decimal:
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else number


def _plain_json(value: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(plain(value), default=_json_default))


def _json_default(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)


# Streams and buses --------------------------------------------------------------------------------------------------


def _make_stream(region: str, name: str, facts: Mapping[str, Any]) -> None:
    backend = _backend("moto.kinesis.models", "kinesis_backends", region)
    backend.create_stream(name, int(facts.get("shards") or 1))


def _stream(region: str, name: str) -> list[Any]:
    stream = _backend("moto.kinesis.models", "kinesis_backends", region).streams.get(name)
    if stream is None:
        return []
    return [
        {
            "partitionKey": record.partition_key,
            "data": base64.b64decode(record.data).decode("utf-8", "replace"),
        }
        for shard in stream.shards.values()
        for record in shard.records.values()
    ]


def _make_bus(region: str, name: str, facts: Mapping[str, Any]) -> None:
    backend = _backend("moto.events.models", "events_backends", region)
    if name not in backend.event_buses:
        backend.create_event_bus(name)


_BACKENDS = {
    "queues": ("moto.sqs.models", "sqs_backends"),
    "topics": ("moto.sns.models", "sns_backends"),
    "tables": ("moto.dynamodb.models", "dynamodb_backends"),
    "streams": ("moto.kinesis.models", "kinesis_backends"),
    "buses": ("moto.events.models", "events_backends"),
}
_MAKERS: dict[str, Callable[[str, str, Mapping[str, Any]], None]] = {
    "queues": _make_queue,
    "topics": _make_topic,
    "tables": _make_table,
    "streams": _make_stream,
    "buses": _make_bus,
}
_READERS: dict[str, Callable[[str, str], list[Any]]] = {
    "queues": _queue,
    "topics": _topic,
    "tables": _table,
    "streams": _stream,
}
