"""Archives and packed files."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import TaskError, UnsupportedError
from simulator.plugins.fs import compress
from simulator.plugins.fs.compress import ArchiveCompress, ArchiveDecompress, FileCompress, FileDecompress
from tests.plugins.fake_context import FakeContext


def run(tmp_path: Path, plugin: Any, data: Any, **properties: Any) -> tuple[Any, FakeContext]:
    ctx = FakeContext(tmp_path, properties, spec=plugin.spec)
    if isinstance(data, dict):
        ctx.properties["from"] = {
            name: ctx.store(content, f"x{i}") for i, (name, content) in enumerate(data.items())
        }
    else:
        ctx.properties["from"] = ctx.store(data, "in.bin")
    return plugin().run(ctx).outputs, ctx


def tar(**members: Any) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, value in members.items():
            info = value if isinstance(value, tarfile.TarInfo) else tarfile.TarInfo(name)
            if isinstance(value, bytes):
                info.size = len(value)
            archive.addfile(info, io.BytesIO(value) if isinstance(value, bytes) else None)
    return buffer.getvalue()


@pytest.mark.parametrize("algorithm", ["TAR", "ZIP", "JAR"])
@pytest.mark.parametrize("compression", [None, "GZIP", "BZIP2", "XZ", "LZMA", "DEFLATE"])
def test_there_and_back(tmp_path: Path, algorithm: str, compression: str | None) -> None:
    files = {"a.txt": b"one", "dir/b.csv": b"x" * 3000}
    options = {"algorithm": algorithm} | ({"compression": compression} if compression else {})
    outputs, ctx = run(tmp_path, ArchiveCompress, files, **options)
    outputs, ctx = run(tmp_path, ArchiveDecompress, ctx.read(outputs["uri"]), **options)
    assert {name: ctx.read(uri) for name, uri in outputs["files"].items()} == files
    assert ("count", 2, "counter", {}) in ctx.metrics
    assert ("size", 3003, "counter", {}) in ctx.metrics


PACK: dict[str, Any] = {
    "GZIP": gzip.compress,
    "BZIP2": bz2.compress,
    "XZ": lzma.compress,
    "DEFLATE": zlib.compress,
}


@pytest.mark.parametrize("compression", sorted(PACK))
def test_files(tmp_path: Path, compression: str) -> None:
    data = b"hello " * 1000
    outputs, ctx = run(tmp_path, FileDecompress, PACK[compression](data), compression=compression)
    assert ctx.read(outputs["uri"]) == data
    outputs, ctx = run(tmp_path, FileCompress, data, compression=compression)
    outputs, ctx = run(tmp_path, FileDecompress, ctx.read(outputs["uri"]), compression=compression)
    assert ctx.read(outputs["uri"]) == data


def test_links_and_paths_of_an_archive_are_harmless(tmp_path: Path) -> None:
    link = tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    folder = tarfile.TarInfo("folder")
    folder.type = tarfile.DIRTYPE
    data = tar(**{"../../evil.txt": b"x", "/abs.txt": b"y", "link": link, "folder": folder})
    outputs, ctx = run(tmp_path, ArchiveDecompress, data, algorithm="TAR")
    assert sorted(outputs["files"]) == ["../../evil.txt", "/abs.txt"]
    assert all(
        uri.startswith("kestra:///company/team/") and ".." not in uri for uri in outputs["files"].values()
    )
    assert not (tmp_path.parent / "evil.txt").exists()


def test_a_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compress, "_RATIO_FROM", 1 << 20)
    monkeypatch.setattr(compress, "_MAX_RATIO", 100)
    bomb = gzip.compress(bytes(8 << 20))
    with pytest.raises(TaskError, match="decompression bomb"):
        run(tmp_path, FileDecompress, bomb, compression="GZIP")


@pytest.mark.parametrize(
    ("plugin", "options"),
    [
        (ArchiveDecompress, {"algorithm": "ZIP"}),
        (ArchiveDecompress, {"algorithm": "TAR"}),
        (ArchiveDecompress, {"algorithm": "TAR", "compression": "GZIP"}),
        (FileDecompress, {"compression": "BZIP2"}),
        (FileDecompress, {"compression": "DEFLATE"}),
    ],
)
def test_broken_files(tmp_path: Path, plugin: Any, options: dict[str, Any]) -> None:
    with pytest.raises(TaskError, match="^Unable to read"):
        run(tmp_path, plugin, b"this is no archive at all", **options)


def test_encrypted_entries(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", b"x")
    data = bytearray(buffer.getvalue())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(TaskError, match="^Unable to read entry 'a.txt'$"):
        run(tmp_path, ArchiveDecompress, bytes(data), algorithm="ZIP")


def test_what_is_not_supported_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="AR"):
        run(tmp_path, ArchiveDecompress, b"", algorithm="AR")
    with pytest.raises(UnsupportedError, match="ZSTD"):
        run(tmp_path, FileDecompress, b"", compression="ZSTD")
