"""fs.local tasks below allowed folders, and the described file servers."""

import hashlib
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from simulator.engine.task import Endpoint
from simulator.errors import NetworkRefusedError, TaskError, UnsupportedError
from simulator.plugins import fs
from simulator.plugins.fs import local
from simulator.plugins.fs.tcp import Send
from simulator.plugins.registry import FAMILIES, Registry
from tests.plugins.fake_context import FakeContext


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "allowed"
    folder.mkdir()
    for name in ("b.txt", "a.csv", "sub/c.csv"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    return folder


def run(tmp_path: Path, plugin: Any, **properties: Any) -> tuple[Any, FakeContext]:
    if "from_" in properties:
        properties["from"] = properties.pop("from_")
    ctx = FakeContext(tmp_path, properties, spec=plugin.spec)
    ctx.allowed_paths = (tmp_path / "allowed",)
    return plugin().run(ctx).outputs, ctx


def test_without_configuration_nothing_is_allowed(tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path, {"from": str(tmp_path)}, spec=local.List.spec)
    with pytest.raises(TaskError, match="^The 'allowed-paths' configuration is required"):
        local.List().run(ctx)


def test_outside_is_denied(tmp_path: Path, base: Path) -> None:
    (base / "link").symlink_to(tmp_path)
    for path in (
        tmp_path / "x",
        base / ".." / "x",
        base / "link" / "x",
        Path("/etc/passwd"),
        Path(f"{base}-more/x"),
    ):
        for plugin in (local.Download, local.Delete):
            with pytest.raises(TaskError, match=r"^Access to path '.*' is denied\."):
                run(tmp_path, plugin, from_=str(path))


def test_upload_and_download(tmp_path: Path, base: Path) -> None:
    ctx = FakeContext(tmp_path, spec=local.Upload.spec)
    ctx.allowed_paths = (tmp_path / "allowed",)
    uri = ctx.store(b"data", "x.bin")
    outputs, _ = run(tmp_path, local.Upload, from_=uri, to=str(base / "new" / "y.bin"))
    assert outputs == {"uri": (base / "new" / "y.bin").as_uri(), "size": 4}
    with pytest.raises(TaskError, match="already exists"):
        run(tmp_path, local.Upload, from_=uri, to=str(base / "b.txt"), overwrite=False)
    with pytest.raises(TaskError, match="internal storage URI"):
        run(tmp_path, local.Upload, from_="file:///etc/passwd", to=str(base / "p"))
    outputs, ctx = run(tmp_path, local.Download, from_=str(base / "new" / "y.bin"), validateChecksum=True)
    assert ctx.read(outputs["uri"]) == b"data"
    assert outputs["checksum"] == hashlib.sha256(b"data").hexdigest()
    assert (base / "new" / "y.bin").exists()
    with pytest.raises(TaskError, match="^Checksum mismatch"):
        run(tmp_path, local.Download, from_=str(base / "b.txt"), validateChecksum=True, checksumExpected="00")
    with pytest.raises(TaskError, match="No such file"):
        run(tmp_path, local.Download, from_=str(base / "none"))


def test_list(tmp_path: Path, base: Path) -> None:
    outputs, _ = run(tmp_path, local.List, from_=str(base))
    assert [item["name"] for item in outputs["files"]] == ["a.csv", "b.txt", "sub"]
    assert outputs["count"] == 3
    assert [item["directory"] for item in outputs["files"]] == [False, False, True]
    outputs, _ = run(tmp_path, local.List, from_=str(base), regExp=r".*\.csv", recursive=True)
    assert [item["name"] for item in outputs["files"]] == ["a.csv", "c.csv"]
    outputs, ctx = run(tmp_path, local.List, from_=str(base), maxFiles=1)
    assert outputs["count"] == 1
    assert ctx.logger.messages("WARN")


def test_downloads(tmp_path: Path, base: Path) -> None:
    outputs, ctx = run(
        tmp_path,
        local.Downloads,
        from_=str(base),
        action="MOVE",
        moveDirectory=str(base / "done"),
        regExp=".*csv",
    )
    assert {name: ctx.read(uri) for name, uri in outputs["outputFiles"].items()} == {
        str(base / "a.csv"): b"a.csv"
    }
    assert (base / "done" / "a.csv").exists()
    assert not (base / "a.csv").exists()
    run(tmp_path, local.Downloads, from_=str(base), action="DELETE")
    assert not (base / "b.txt").exists()


def test_uploads(tmp_path: Path, base: Path) -> None:
    ctx = FakeContext(tmp_path, spec=local.Uploads.spec)
    ctx.allowed_paths = (tmp_path / "allowed",)
    uris = {"one.txt": ctx.store(b"1", "1"), "two.csv": ctx.store(b"2", "2")}
    outputs, _ = run(tmp_path, local.Uploads, from_=uris, to=str(base / "up"), regExp=".*txt")
    assert outputs["files"] == [(base / "up" / "one.txt").as_uri()]
    with pytest.raises(TaskError, match="is denied"):
        run(tmp_path, local.Uploads, from_={"../../x": uris["one.txt"]}, to=str(base))


def test_copy_move_delete(tmp_path: Path, base: Path) -> None:
    assert run(tmp_path, local.Copy, from_=str(base / "b.txt"), to=str(base / "k.txt"))[0] is None
    assert (base / "k.txt").read_text() == "b.txt"
    with pytest.raises(TaskError, match="already exists"):
        run(tmp_path, local.Move, from_=str(base / "b.txt"), to=str(base / "k.txt"))
    run(tmp_path, local.Move, from_=str(base / "b.txt"), to=str(base / "k.txt"), overwrite=True)
    assert not (base / "b.txt").exists()
    outputs, _ = run(tmp_path, local.Delete, from_=str(base / "k.txt"))
    assert outputs["deleted"] is True
    assert run(tmp_path, local.Delete, from_=str(base / "k.txt"))[0]["deleted"] is False
    with pytest.raises(TaskError):
        run(tmp_path, local.Delete, from_=str(base / "k.txt"), errorOnMissing=True)
    with pytest.raises(TaskError):
        run(tmp_path, local.Delete, from_=str(base / "sub"))
    run(tmp_path, local.Delete, from_=str(base / "sub"), recursive=True)
    assert not (base / "sub").exists()


def test_tcp(tmp_path: Path) -> None:
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def accept() -> None:
            connection, _ = server.accept()
            with connection:
                received.append(connection.recv(100))

        thread = threading.Thread(target=accept)
        thread.start()
        ctx = FakeContext(
            tmp_path,
            {"host": "h.example", "port": 9, "payload": "aGk=", "encoding": "BASE64"},
            spec=Send.spec,
        )
        ctx.endpoints.table["tcp"] = Endpoint("tcp://127.0.0.1", "127.0.0.1", port)
        assert Send().run(ctx).outputs == {"host": "h.example", "port": 9, "sentBytes": 2}
        thread.join(5)
    assert received == [b"hi"]
    with pytest.raises(NetworkRefusedError):
        run(tmp_path, Send, host="h.example", port=9, payload="x")


@pytest.mark.parametrize("name", sorted(fs.TYPES))
def test_every_type_loads_under_its_name(name: str) -> None:
    assert Registry(["simulator.plugins.fs"], entry_points=False).load(name).spec.type == name


def test_file_servers_need_a_mock(tmp_path: Path) -> None:
    plugin = Registry(["simulator.plugins.fs"], entry_points=False).load("io.kestra.plugin.fs.sftp.Upload")
    assert not plugin.spec.supported
    with pytest.raises(UnsupportedError, match="no double"):
        plugin().run(FakeContext(tmp_path, spec=plugin.spec))


def test_aliases_lead_to_known_types() -> None:
    known = Registry(FAMILIES, entry_points=False)
    for name in fs.ALIASES.values():
        assert name in set(known._types)


def test_an_unknown_order_is_refused(tmp_path: Path, base: Path) -> None:
    assert run(tmp_path, local.List, from_=str(base), sort="NONE")[0]["count"] == 3
    with pytest.raises(UnsupportedError, match="sort"):
        run(tmp_path, local.List, from_=str(base), sort="SIZE")
