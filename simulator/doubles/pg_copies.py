"""Copies of the databases as they were before the first task came, so that a server can be shared by many tests.

    copies.keep("pg_user", "pg_user")      # after the seeds, before anybody else
    copies.restore()                       # between two tests

`CREATE DATABASE ... TEMPLATE` brings a database back in milliseconds, whatever its seeds took. A test that wrote nothing
costs one query: no transaction id has been given out then. That is sound because every change takes one: `keep` ends
with a checkpoint, after which also the first `nextval` of a sequence does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.doubles.pg_admin import Admin

__all__ = ["PREFIX", "Copies"]

PREFIX = "simulator_copy_"

_SHARED = """
SELECT md5(coalesce((SELECT string_agg(a::text, ',' ORDER BY oid) FROM pg_authid a), '')
  || coalesce((SELECT string_agg(m::text, ',' ORDER BY roleid, member) FROM pg_auth_members m), '')
  || coalesce((SELECT string_agg(s::text, ',' ORDER BY setdatabase, setrole) FROM pg_db_role_setting s
               WHERE setdatabase = 0), ''))
"""


class Copies:
    """Belongs to one `Admin`, which serialises the calls."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self._kept: dict[str, tuple[str, str | None]] = {}
        self._position: Any = None
        self._shared: Any = None

    def keep(self, database: str, owner: str | None) -> None:
        """Remembers a database as it is now."""
        if database in self._kept:
            return
        name = f"{PREFIX}{len(self._kept)}"
        self._create(name, database, None)
        self._kept[database] = (name, owner)
        self._admin.connection.execute("CHECKPOINT")
        self._mark()
        self._shared = self._value(_SHARED)

    def restore(self) -> bool:
        """Makes every database what it was; False when shared things have changed and that cannot be done."""
        if self._now() == self._position:
            return True
        if self._shared is None or self._value(_SHARED) != self._shared:
            return False
        from psycopg import sql

        run = self._admin.connection.execute
        rows = run("SELECT datname FROM pg_database WHERE datname NOT LIKE 'template_'").fetchall()
        for (name,) in rows:
            if not name.startswith(PREFIX) and name != "postgres":
                run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        for database, (copy, owner) in self._kept.items():
            if database != "postgres":
                self._create(database, copy, owner)
        self._mark()
        return True

    def _create(self, name: str, template: str, owner: str | None) -> None:
        from psycopg import sql

        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
            sql.Identifier(name), sql.Identifier(template)
        )
        if owner:
            statement += sql.SQL(" OWNER {}").format(sql.Identifier(owner))
        self._admin.connection.execute(statement)

    def _mark(self) -> None:
        self._position = self._now()

    def _now(self) -> Any:
        return self._value("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")

    def _value(self, query: str) -> Any:
        return self._admin.connection.execute(query).fetchone()[0]
