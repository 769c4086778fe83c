"""The rows of one PostgreSQL statement in chunks, as they come off the wire.

psycopg's `Cursor.stream` asks the server for chunks but hands out row by row, and makes a Python value of every cell. A
file of rows needs neither: here a chunk is turned into tuples in one call, and cells that the file holds as the server
sends them stay bytes. That is half the time of a large STORE (benchmarks/README.md).
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

from simulator.storage.ion import DIGITS, INTEGERS, TEXT

__all__ = ["Chunks"]

#: Types whose text on the wire is what a row's file holds: kind of `RowWriter.write_rows` -> type names.
_NUMBERS = ("int2", "int4", "int8", "oid")
_RAW = {TEXT: ("text", "varchar", "bpchar", "name"), DIGITS: _NUMBERS, INTEGERS: _NUMBERS}

#: The loader of bytes is registered for a type that no column has: arrays use the loaders of their elements' types.
_NO_TYPE = 0xFFFFFFFF


class Chunks:
    """A statement on a cursor of its own, and its rows: never more than a chunk of `size` rows is in memory.

    `raw`: kinds of cells (`RowWriter.write_rows`) to give as they are, or to name; after `start`, `kinds` says for each column which of them its cells are, if
    any (empty when there is no row). Raises psycopg's errors and those of the loaders.
    """

    def __init__(
        self, cursor: Any, sql: bytes | str, values: Sequence[Any], raw: Sequence[str], size: int
    ) -> None:
        self._cursor = cursor
        self._connection = cursor.connection
        wanted = _raw_types(tuple(raw))
        if wanted:
            cursor.adapters.register_loader(_NO_TYPE, _raw_loader())
        self._chunks = self._read(sql, values, size, wanted)
        self.kinds: list[str | None] = []
        self._first: list[tuple[Any, ...]] | None = None

    def start(self) -> None:
        """Sends the statement and waits for its first rows."""
        self._first = next(self._chunks, None)

    def __iter__(self) -> Iterator[list[tuple[Any, ...]]]:
        if self._first is not None:
            yield self._first
            self._first = None
            yield from self._chunks

    def _read(
        self, sql: bytes | str, values: Sequence[Any], size: int, raw: Mapping[int, str]
    ) -> Generator[list[tuple[Any, ...]], None, None]:
        cursor, wait = self._cursor, self._connection.wait
        try:
            wait(cursor._stream_send_gen(sql, values or None, size=size))
            load = None
            while result := wait(cursor._stream_fetchone_gen(load is None)):
                load = load or self._loader(raw)
                yield load(0, result.ntuples, tuple)
        finally:
            self._abandon()

    def _loader(self, raw: Mapping[int, str]) -> Any:
        from psycopg.pq import Format

        types = [column.type_code for column in self._cursor.description or ()]
        self.kinds = [raw.get(oid) for oid in types]
        transformer = self._cursor._tx
        as_bytes = {oid for oid, kind in raw.items() if kind != INTEGERS}
        transformer.set_loader_types([_NO_TYPE if oid in as_bytes else oid for oid in types], Format.TEXT)
        return transformer.load_rows

    def close(self) -> None:
        self._chunks.close()
        self._cursor.close()

    def _abandon(self) -> None:
        """A statement that still sends is told to stop, and what is on its way is taken: the connection stays of use."""
        from psycopg.pq import TransactionStatus

        if self._connection.pgconn.transaction_status == TransactionStatus.ACTIVE:
            with contextlib.suppress(Exception):
                self._connection.cancel_safe(timeout=2.0)
                while self._connection.wait(self._cursor._stream_fetchone_gen(False)):
                    pass


@functools.cache
def _raw_types(kinds: tuple[str, ...]) -> Mapping[int, str]:
    """Type oid -> kind. The server looks itself that what it sends is UTF-8, whatever the database holds."""
    from psycopg import postgres

    return {postgres.types[name].oid: kind for kind in kinds for name in _RAW[kind]}


@functools.cache
def _raw_loader() -> Any:
    from psycopg import adapters, postgres
    from psycopg.adapt import Loader
    from psycopg.pq import Format

    compiled: Any = adapters.get_loader(postgres.types["bytea"].oid, Format.BINARY)

    class RawLoader(Loader):
        """The driver's compiled loader of binary bytes, for a column in text: it can't be derived from."""

        format = Format.TEXT

        def __new__(cls, oid: int, context: Any = None) -> Any:
            return compiled(oid, context)

    return RawLoader
