"""storage.* and namespace.* in both dialects."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1, V2, Dialect
from simulator.errors import ExpressionError, StorageError, TaskError
from simulator.plugins.core import namespace as ns
from simulator.plugins.core.storage import Concat, Delete, LocalFiles, Reverse, Size, Split, Write
from simulator.plugins.core.storage_items import DeduplicateItems, FilterItems
from simulator.plugins.core.storage_purge import PurgeCurrentExecutionFiles, PurgeStorage
from simulator.storage import ion
from tests.plugins.fake_context import START, FakeContext

NS = "company.team"
ROWS = [
    {"id": 1, "city": "paris"},
    {"id": 2, "city": "london"},
    {"id": 3, "city": "paris"},
    {"id": 4, "city": None},
]


@pytest.fixture(params=[V1, V2], ids=str)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    value: Dialect = request.param
    return value


def make(tmp_path: Path, cls: Any, properties: dict[str, Any], dialect: Dialect = V2) -> FakeContext:
    return FakeContext(tmp_path, properties, spec=cls.spec, dialect=dialect)


def run(cls: Any, ctx: FakeContext) -> Any:
    return cls().run(ctx).outputs


@pytest.mark.parametrize(("extension", "end"), [(None, ".tmp"), (".txt", ".txt"), ("csv", ".csv")])
def test_write(tmp_path: Path, extension: str | None, end: str) -> None:
    ctx = make(tmp_path, Write, {"content": "é {{ flow.id }}\r\n", "extension": extension})
    uri = run(Write, ctx)["uri"]
    assert uri.startswith("kestra:///company/team/my-flow/executions/exec1/tasks/my-task/run1/")
    assert uri.endswith(end)
    assert ctx.read(uri) == "é my_flow\r\n".encode()


def test_concat(tmp_path: Path) -> None:
    ctx = make(tmp_path, Concat, {})
    uris = [ctx.store("a", "1"), ctx.store("b", "2")]
    ctx.properties = {"files": uris, "separator": ";", "extension": ".txt"}
    uri = run(Concat, ctx)["uri"]
    assert ctx.read(uri) == b"a;b;"
    assert uri.endswith(".txt")
    ctx.properties = {"files": str(uris).replace("'", '"')}
    assert ctx.read(run(Concat, ctx)["uri"]) == b"ab"
    for value, name in (({"a": 1}, "LinkedHashMap"), (3, "Integer")):
        ctx.properties = {"files": value}
        with pytest.raises(TaskError, match=f"^Invalid `files` properties with type 'class java.*{name}'$"):
            run(Concat, ctx)


def test_split(tmp_path: Path, dialect: Dialect) -> None:
    ctx = make(tmp_path, Split, {}, dialect)
    ctx.properties = {"from": ctx.store("1\n2\n3\n", "x.csv"), "rows": "{{ 2 }}"}
    uris = run(Split, ctx)["uris"]
    assert [ctx.read(uri) for uri in uris] == [b"1\n2\n", b"3\n"]
    assert all(uri.endswith(".csv") for uri in uris)
    ctx.properties = {"from": ctx.store("1\n", "x.csv")}
    with pytest.raises(StorageError, match="^Invalid configuration with no size, count"):
        run(Split, ctx)


def test_split_of_binary_rows(tmp_path: Path) -> None:
    ctx = make(tmp_path, Split, {})
    data = b"".join(ion.dump_row(row, binary=True) for row in ROWS)
    ctx.properties = {"from": ctx.store(data), "rows": 3}
    assert [ion.loads(ctx.read(uri)) for uri in run(Split, ctx)["uris"]] == [ROWS[:3], ROWS[3:]]


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        ("1\n2\r\n3", {}, b"3\n2\n1\n"),
        ("1\n2\n", {"separator": ";"}, b"2;1;"),
        ("", {}, b""),
        ("é\nx\n".encode("utf-16"), {"charset": "UTF-16"}, "x\né\n".encode()),
    ],
)
def test_reverse(tmp_path: Path, content: Any, options: dict[str, Any], expected: bytes) -> None:
    ctx = make(tmp_path, Reverse, {})
    ctx.properties = {"from": ctx.store(content, "x.csv"), **options}
    uri = run(Reverse, ctx)["uri"]
    assert ctx.read(uri) == expected
    assert uri.endswith(".csv")


def test_reverse_of_binary_rows(tmp_path: Path) -> None:
    ctx = make(tmp_path, Reverse, {})
    ctx.properties = {"from": ctx.store(b"".join(ion.dump_row(row, binary=True) for row in ROWS))}
    assert ion.loads(ctx.read(run(Reverse, ctx)["uri"])) == ROWS[::-1]


def test_size_and_delete(tmp_path: Path) -> None:
    ctx = make(tmp_path, Size, {})
    uri = ctx.store("12345", "x")
    ctx.properties = {"uri": uri}
    assert run(Size, ctx) == {"size": 5}
    delete = make(tmp_path, Delete, {"uri": uri})
    assert run(Delete, delete) == {"uri": uri, "deleted": True}
    assert run(Delete, delete) == {"uri": uri, "deleted": False}
    delete.properties["errorOnMissing"] = True
    with pytest.raises(TaskError, match=f"^Unable to find file '{uri}'$"):
        run(Delete, delete)
    with pytest.raises(StorageError, match="^File not found for URI: kestra:///"):
        run(Size, ctx)
    ctx.properties = {"uri": "kestra:///a/../../etc/passwd"}
    with pytest.raises(StorageError, match="relative '..' path"):
        run(Size, ctx)


def rows_of(ctx: FakeContext, uri: str) -> list[Any]:
    data = ctx.read(uri)
    assert (data[:1] == b"\xe0") == ctx.dialect.binary_ion
    return ion.loads(data)


def source(ctx: FakeContext) -> str:
    return ctx.store(b"".join(ion.dump_row(row, binary=ctx.dialect.binary_ion) for row in ROWS))


def test_filter(tmp_path: Path, dialect: Dialect) -> None:
    ctx = make(tmp_path, FilterItems, {}, dialect)
    ctx.properties = {"from": source(ctx), "filterCondition": " {{ city == 'paris' }} "}
    outputs = run(FilterItems, ctx)
    assert rows_of(ctx, outputs["uri"]) == [ROWS[0], ROWS[2]]
    assert (outputs["processedItemsTotal"], outputs["droppedItemsTotal"]) == (4, 2)
    ctx.properties["filterType"] = "EXCLUDE"
    assert rows_of(ctx, run(FilterItems, ctx)["uri"]) == [ROWS[1], ROWS[3]]


@pytest.mark.parametrize(("behavior", "kept"), [("INCLUDE", 4), ("EXCLUDE", 0)])
def test_filter_errors(tmp_path: Path, behavior: str, kept: int) -> None:
    ctx = make(tmp_path, FilterItems, {})
    ctx.properties = {
        "from": source(ctx),
        "filterCondition": "{{ nope.x.y == 1 }}",
        "errorOrNullBehavior": behavior,
    }
    assert run(FilterItems, ctx)["droppedItemsTotal"] == 4 - kept
    del ctx.properties["errorOrNullBehavior"]
    with pytest.raises(ExpressionError):
        run(FilterItems, ctx)


def test_deduplicate_keeps_the_last_at_its_place(tmp_path: Path, dialect: Dialect) -> None:
    ctx = make(tmp_path, DeduplicateItems, {}, dialect)
    ctx.properties = {"from": source(ctx), "expr": "{{ city }}"}
    outputs = run(DeduplicateItems, ctx)
    assert rows_of(ctx, outputs.pop("uri")) == ROWS[1:]
    assert outputs == {"numKeys": 3, "processedItemsTotal": 4, "droppedItemsTotal": 1}


def test_text_lines_are_copied_as_they_are_in_1(tmp_path: Path) -> None:
    ctx = make(tmp_path, FilterItems, {}, V1)
    ctx.properties = {
        "from": ctx.store('{"id": 1,   "x": 1.50}\n\n{id:2}\n'),
        "filterCondition": "{{ id == 1 }}",
    }
    assert ctx.read(run(FilterItems, ctx)["uri"]) == b'{"id": 1,   "x": 1.50}\n'


def test_local_files(tmp_path: Path) -> None:
    ctx = make(tmp_path, LocalFiles, {}, V1)
    stored = ctx.store("stored", "y")
    ctx.properties = {"inputs": {"a/{{ flow.id }}.txt": "hello", "b": stored}, "outputs": ["a/*.txt"]}
    uris = run(LocalFiles, ctx)["uris"]
    assert list(uris) == ["a/my_flow.txt"]
    assert ctx.read(uris["a/my_flow.txt"]) == b"hello"
    assert (ctx.working_dir / "b").read_text() == "stored"


def test_purge_current_execution(tmp_path: Path) -> None:
    ctx = make(tmp_path, PurgeCurrentExecutionFiles, {})
    uri = ctx.put_bytes(b"x", "a.txt")
    other = ctx.store("keep", "z")
    assert run(PurgeCurrentExecutionFiles, ctx) == {"uris": [uri]}
    assert not ctx.storage.exists(uri)
    assert ctx.storage.exists(other)


def test_purge_storage(tmp_path: Path) -> None:
    end = (START + dt.timedelta(days=1)).isoformat()
    ctx = make(tmp_path, PurgeStorage, {"namespace": "company", "endDate": end})
    uri = ctx.put_bytes(b"x", "a.txt")
    ctx.put_bytes(b"x", "b.txt")
    kept = ctx.storage.put_at("kestra:///company/team/_files/x", b"x")
    assert run(PurgeStorage, ctx) == {"scannedCount": 1, "purgedCount": 1, "deletedFilesCount": 0}
    ctx.properties["startDate"] = end
    assert run(PurgeStorage, ctx) == {"scannedCount": 1, "purgedCount": 0, "deletedFilesCount": 0}
    ctx.properties = {"namespace": NS, "flowId": "my_flow", "endDate": end, "dryRun": "{{ false }}"}
    assert run(PurgeStorage, ctx) == {"scannedCount": 1, "purgedCount": 1, "deletedFilesCount": 2}
    assert not ctx.storage.exists(uri)
    assert ctx.storage.exists(kept)
    ctx.properties = {"flowId": "x", "endDate": end}
    with pytest.raises(TaskError, match="^'namespace' is required when 'flowId' is set.$"):
        run(PurgeStorage, ctx)


# -- namespace files ------------------------------------------------------------------------------------------------


def test_upload(tmp_path: Path, dialect: Dialect) -> None:
    ctx = make(tmp_path, ns.UploadFiles, {}, dialect)
    (ctx.working_dir / "d").mkdir()
    (ctx.working_dir / "d/a.txt").write_text("A")
    (ctx.working_dir / "b.csv").write_text("B")
    stored = ctx.store("C", "c")
    ctx.properties = {
        "namespace": "{{ flow.namespace }}",
        "files": ["**.txt"],
        "filesMap": {"m/c.txt": stored, "gone": "kestra:///nope"},
        "destination": "/dest",
    }
    assert run(ns.UploadFiles, ctx) is None
    assert ctx.namespace_files.list(NS) == ["dest/d/a.txt", "destm/c.txt"]
    assert ctx.namespace_files.read(NS, "destm/c.txt") == b"C"
    ctx.properties["conflict"] = "ERROR"
    with pytest.raises(TaskError, match="^File '/dest/d/a.txt' already exists in namespace .* set to ERROR$"):
        run(ns.UploadFiles, ctx)
    for properties, message in (
        ({}, "files or filesMap is required"),
        ({"filesMap": [1]}, "filesMap must be a Map<String, String>"),
        ({"filesMap": "nope"}, "filesMap must be a Map<String, String>"),
    ):
        ctx.properties = {"namespace": NS, **properties}
        with pytest.raises(TaskError, match=f"^{message}$"):
            run(ns.UploadFiles, ctx)


def test_download_and_delete(tmp_path: Path, dialect: Dialect) -> None:
    ctx = make(tmp_path, ns.DownloadFiles, {"namespace": NS, "files": "**.sql", "destination": "d"}, dialect)
    for name in ("a.sql", "x/y/b.sql", "c.txt"):
        ctx.namespace_files.put(NS, name, name.encode())
    files = run(ns.DownloadFiles, ctx)["files"]
    assert list(files) == ["/a.sql", "/x/y/b.sql"]
    assert ctx.read(files["/x/y/b.sql"]) == b"x/y/b.sql"
    assert ctx.metrics == [("downloaded", 2, "counter", {})]
    delete = make(
        tmp_path, ns.DeleteFiles, {"namespace": NS, "files": ["b.sql"], "deleteParentFolder": True}, dialect
    )
    run(ns.DeleteFiles, delete)
    assert delete.namespace_files.list(NS) == ["a.sql", "c.txt"]
    assert not (tmp_path / "storage/main/company/team/_files/x").exists() or dialect.major == 2
    assert delete.metrics == [("deleted", 1, "counter", {})]
    run(ns.DeleteFiles, delete)
    assert delete.metrics[-1] == ("deleted", 0, "counter", {})
    for cls, message in (
        (ns.DownloadFiles, "The files property must be a string or a list of strings."),
        (ns.DeleteFiles, "Files must be a String or a list of String"),
    ):
        with pytest.raises(TaskError) as error:
            run(cls, make(tmp_path, cls, {"namespace": NS, "files": [1]}, dialect))
        assert error.value.message == message


def test_purge_files(tmp_path: Path) -> None:
    ctx = make(tmp_path, ns.PurgeFiles, {"filePattern": "*.sql"})
    for content in (b"1", b"2", b"3"):
        ctx.namespace_files.put(NS, "a.sql", content)
        ctx.namespace_files.put(NS, "b.txt", content)
    assert run(ns.PurgeFiles, ctx) == {"size": 2}
    assert ctx.logger.messages() == ["purging 1 namespaces: [company.team]", "purged 2 files"]
    assert ctx.namespace_files.read(NS, "a.sql") == b"3"
    assert ctx.namespace_files.revisions(NS, "b.txt") == [1, 2, 3]
