"""The side file `<flow>.sim.yml`: what a flow finds when it runs here. The flow itself stays Kestra's.

    env_files: [.env_encoded]
    doubles:
      postgres:
        users: {pg_user: {password: test}}
        databases: {pg_user: {owner: pg_user, seed: [seed/users.sql]}}
      s3:
        credentials: [{access_key: key, secret_key: secret}]
        buckets: {kestra-bucket: {region: eu-central-1}}
    mocks:
      call_api: {outputs: {code: 200}}

Paths are relative to the side file. Everything is checked with its position before a run starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.diagnostics import Collector
from simulator.errors import InvalidFlowError
from simulator.model.catalog import PropertySpec, T
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode
from simulator.world.shape import check_shape

__all__ = ["MOCK_FIELDS", "SIDE_FILE", "SideFile", "read_side_file", "side_file_of"]

CODE = "SIM-SIDE-001"


def _spec(name: str, type: T = T.STRING, **rest: Any) -> PropertySpec:
    return PropertySpec(name, type, dynamic=False, as_property=False, **rest)


def _texts(name: str, doc: str) -> PropertySpec:
    return _spec(name, T.LIST, item=_spec("item"), doc=doc)


MOCK_FIELDS: tuple[PropertySpec, ...] = (
    _spec("outputs", T.MAP, doc="outputs of the task run; expressions are rendered"),
    _spec("state", T.ENUM, values=("SUCCESS", "WARNING", "FAILED", "SKIPPED", "KILLED", "CANCELLED")),
    _spec("message", doc="the error that a failing mock logs"),
    _spec("logs", T.LIST, item=_spec("line"), doc="lines that the mock logs at INFO"),
    _spec("fail", T.INTEGER, doc="the first n attempts fail"),
    _spec("delay", T.DURATION, doc="how long it takes, in the run's (simulated) time"),
    _spec("rows", T.LIST, doc="rows stored as Ion; the outputs get `uri` and `size`"),
    _spec(
        "files",
        T.MAP,
        doc="output name -> a stored file: text, {rows: [...]}, {base64: ...}, or a map of files",
    ),
    _spec("values", T.MAP, doc="task run value -> a mock for that iteration"),
    _spec("vars", T.MAP, doc="script variables: outputs.<task>.vars"),
)

_MOCKS = _spec("mocks", T.MAP, item=_spec("mock", T.OBJECT, fields=MOCK_FIELDS), doc="task id -> mock")

_FAULT = _spec(
    "fault",
    T.OBJECT,
    fields=(
        _spec("double", required=True, doc="postgres, s3, http"),
        _spec("kind", required=True, doc="refuse, reset, slow, status, deadlock, credentials, disk_full"),
        _spec("after", T.INTEGER, doc="the first n calls are fine"),
        _spec("times", T.INTEGER, doc="how often it strikes (always when absent)"),
        _spec("delay", T.DURATION),
        _spec("status", T.INTEGER),
        _spec("code"),
    ),
)

_POSTGRES = _spec(
    "postgres",
    T.OBJECT,
    fields=(
        _spec(
            "users",
            T.MAP,
            item=_spec("user", T.OBJECT, fields=(_spec("password"), _spec("superuser", T.BOOLEAN))),
        ),
        _spec(
            "databases",
            T.MAP,
            item=_spec(
                "database",
                T.OBJECT,
                fields=(_spec("owner"), _texts("seed", "SQL files (or SQL text) run as the owner")),
            ),
        ),
        _texts("seed", "SQL files for the only database, or for all"),
        _spec("time_zone"),
    ),
)

_CREDENTIALS = _spec(
    "credentials",
    T.LIST,
    item=_spec(
        "pair",
        T.OBJECT,
        fields=(
            _spec("access_key", required=True),
            _spec("secret_key", required=True),
            _spec("session_token"),
        ),
    ),
)

_S3 = _spec(
    "s3",
    T.OBJECT,
    fields=(
        _CREDENTIALS,
        _spec(
            "buckets",
            T.MAP,
            item=_spec(
                "bucket",
                T.OBJECT,
                fields=(
                    _spec("region"),
                    _spec("versioning", T.BOOLEAN),
                    _spec("objects", T.MAP, doc="key -> text, or {file: path}"),
                ),
            ),
        ),
    ),
)

#: as `simulator.doubles.http_rules` reads them
_RESPONSE = (
    _spec("status", T.INTEGER),
    _spec("headers", T.MAP, item=_spec("value")),
    _spec("body", T.ANY, doc="text, or anything else as JSON"),
    _spec("file", doc="a file that holds the body"),
    _spec("content_type"),
    _spec("delay", T.DURATION, doc="real time before the answer"),
    _spec("fault", T.ENUM, values=("refuse", "reset", "truncate", "slow", "hang")),
)
_RULE = (
    _spec("method"),
    _spec("url", required=True, doc="exact, with * and **, or regex:..."),
    _spec("headers_match", T.MAP, item=_spec("value")),
    _spec("body_contains"),
    _spec("times", T.INTEGER, doc="used up after so many requests"),
    _spec(
        "responses",
        T.LIST,
        item=_spec("response", T.OBJECT, fields=_RESPONSE),
        doc="one answer after the other",
    ),
    *_RESPONSE,
)
_REGION = _spec("region", doc="when absent: every region that the flow uses")
_AWS = _spec(
    "aws",
    T.OBJECT,
    doc="SQS, SNS, DynamoDB, Kinesis, EventBridge",
    fields=(
        _CREDENTIALS,
        _spec(
            "queues",
            T.MAP,
            item=_spec(
                "queue",
                T.OBJECT,
                fields=(_REGION, _spec("messages", T.LIST, doc="bodies that wait in it: text, or JSON")),
            ),
        ),
        _spec(
            "topics",
            T.MAP,
            doc="name or ARN",
            item=_spec(
                "topic", T.OBJECT, fields=(_REGION, _texts("queues", "queues that get what is published"))
            ),
        ),
        _spec(
            "tables",
            T.MAP,
            item=_spec(
                "table",
                T.OBJECT,
                fields=(
                    _REGION,
                    _spec("key", required=True, doc="name of the partition key"),
                    _spec("sort", doc="name of the sort key"),
                    _spec("types", T.MAP, item=_spec("type", T.ENUM, values=("S", "N", "B"))),
                    _spec("items", T.ANY, doc="a list of items, or a JSON file"),
                ),
            ),
        ),
        _spec("streams", T.MAP, item=_spec("stream", T.OBJECT, fields=(_REGION, _spec("shards", T.INTEGER)))),
        _spec("buses", T.MAP, item=_spec("bus", T.OBJECT, fields=(_REGION,))),
    ),
)

_HTTP = _spec(
    "http",
    T.LIST,
    item=_spec("rule", T.OBJECT, fields=_RULE),
    doc="answers of the HTTP double, first match wins",
)

SIDE_FILE = _spec(
    "side file",
    T.OBJECT,
    fields=(
        _texts("env_files", "encoded env files (SECRET_X=base64)"),
        _spec("env", T.MAP, doc="further environment variables (ENV_X)"),
        _spec("secrets", T.MAP, doc="secrets in clear, for tests only"),
        _spec("kestra", T.ENUM, values=("1", "2", "auto"), doc="dialect"),
        _spec("now", doc="start of the run's clock (ISO)"),
        _spec("seed", T.INTEGER, doc="seed of ids and random functions"),
        _spec("timezone", doc="the server's time zone"),
        _spec("inputs", T.MAP),
        _spec(
            "trigger",
            doc="starts the flow as this trigger would, unless inputs or a trigger are given by flag",
        ),
        _spec("payload", T.ANY, doc="what that trigger brings: a body, its variables"),
        _spec("labels", T.MAP),
        _spec("namespace_files", T.ANY, doc="a folder, or a map path -> content"),
        _texts("flows", "flows deployed beside it: files or folders"),
        _spec("kv", T.MAP, item=_spec("namespace", T.MAP), doc="namespace -> key -> value"),
        _spec(
            "doubles",
            T.OBJECT,
            fields=(
                _POSTGRES,
                _S3,
                _HTTP,
                _spec("smtp", T.MAP),
                _AWS,
            ),
        ),
        _HTTP,
        _MOCKS,
        _spec("mock_types", T.MAP, item=_spec("mock", T.OBJECT, fields=MOCK_FIELDS), doc="type -> mock"),
        _texts("live", "services whose real address is used: postgres, s3, http, a host"),
        _texts("allow", "hosts that may be reached"),
        _spec("faults", T.LIST, item=_FAULT),
        _spec("globals", T.MAP, doc="kestra.variables.globals"),
        _spec(
            "config", T.MAP, doc="settings of the server: encryption key, environment, url, plugin defaults"
        ),
        _spec("resume", T.MAP, doc="answers for Pause tasks: task id -> inputs"),
        _spec("expect", T.MAP, doc="used by test suites"),
    ),
)


@dataclass(frozen=True, slots=True)
class SideFile:
    """A checked side file. `data` is plain; paths in it are still relative: use `resolve`."""

    path: Path
    node: Node | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    def resolve(self, relative: str) -> Path:
        return (self.path.parent / relative).resolve() if not Path(relative).is_absolute() else Path(relative)

    def get(self, key: str, default: Any = None) -> Any:
        value = self.data.get(key)
        return default if value is None or value == "" else value

    @property
    def env_files(self) -> tuple[Path, ...]:
        return tuple(self.resolve(str(name)) for name in self.get("env_files", ()))

    def double(self, name: str) -> Mapping[str, Any] | None:
        """What is declared for a double; None when nothing is (undeclared mode)."""
        declared = (self.get("doubles") or {}).get(name)
        if name == "http" and declared is None:
            declared = self.data.get("http")
            return {"rules": declared} if declared else None
        if name == "http" and isinstance(declared, list):
            return {"rules": declared}
        return declared if isinstance(declared, Mapping) else None


def side_file_of(flow_file: Path) -> Path:
    """`flows/a.yml` -> `flows/a.sim.yml`."""
    return flow_file.with_name(flow_file.stem + ".sim.yml")


def read_side_file(path: Path) -> SideFile:
    """Reads and checks a side file. Raises InvalidFlowError with every mistake in it."""
    from simulator.source.yaml import read_own

    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InvalidFlowError(f"cannot read the side file {path}: {reason}", code=CODE) from None
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()):
        return SideFile(path)
    node = read_own(text, str(path))
    collector = Collector()
    check_shape(node, SIDE_FILE, collector, CODE)
    if not collector.has_errors:
        _check_seeds(node, path, collector)
    if collector.has_errors:
        raise InvalidFlowError(f"{path} is not a valid side file", diagnostics=collector.sorted(), code=CODE)
    return SideFile(path, node, node.plain() if isinstance(node, MapNode) else {})


def _check_seeds(node: Node, path: Path, collector: Collector) -> None:
    """SQL files that databases are seeded with: a missing one is told here, with its place, not by the first query."""
    for seed in _seeds(_child(_child(node, "doubles"), "postgres")):
        name = seed.text.strip()
        if name.lower().endswith(".sql") and "\n" not in name and not (path.parent / name).is_file():
            collector.error(CODE, f"there is no seed file `{name}`", seed.span, "relative to the side file")


def _seeds(postgres: Node | None) -> Iterator[ScalarNode]:
    databases = _child(postgres, "databases")
    facts = databases.entries.values() if isinstance(databases, MapNode) else ()
    for seed in (_child(postgres, "seed"), *(_child(one, "seed") for one in facts)):
        if isinstance(seed, ListNode):
            yield from (item for item in seed.items if isinstance(item, ScalarNode))


def _child(node: Node | None, key: str) -> Node | None:
    return node.get(key) if isinstance(node, MapNode) else None
