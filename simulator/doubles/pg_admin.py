"""What the PostgreSQL double does as its superuser: roles, databases, seeds, and a look inside.

Passwords are sent as SCRAM verifiers: the clear text reaches neither the server's log nor its catalogue.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.doubles.pg_binaries import Binaries
from simulator.doubles.pg_copies import PREFIX, Copies
from simulator.doubles.pg_template import ADMIN
from simulator.errors import DoubleError

__all__ = ["Admin"]

#: What only psql understands: backslash commands, and data after COPY ... FROM stdin.
_NEEDS_PSQL = re.compile(r"^\s*\\|\bfrom\s+stdin\b", re.IGNORECASE | re.MULTILINE)
_SYSTEM = ("template0", "template1")


class Admin:
    """One connection to `template1`'s sibling `postgres` for roles and databases; others are opened when asked for."""

    def __init__(
        self, host: str, port: int, password: str, binaries: Binaries, *, keep: bool = False
    ) -> None:
        """`keep`: a copy of every database is kept, for `reset`."""
        self._copies = Copies(self) if keep else None
        self._host = host
        self._port = port
        self._password = password
        self._binaries = binaries
        self._lock = threading.Lock()
        self._roles: dict[str, str | None] = {}
        self._databases: set[str] = {"postgres"}
        self._provided: set[str] = set()
        self._connection = self.connect("postgres")

    @property
    def connection(self) -> Any:
        """The one to `postgres`."""
        return self._connection

    def connect(self, database: str) -> Any:
        """A new autocommit connection as the superuser."""
        import psycopg

        try:
            return psycopg.connect(
                host=self._host,
                port=self._port,
                user=ADMIN,
                password=self._password,
                dbname=database,
                autocommit=True,
                connect_timeout=10,
                sslmode="disable",
                gssencmode="disable",
            )
        except psycopg.Error as error:
            raise DoubleError(f"the PostgreSQL double refuses us: {error}") from None

    def close(self) -> None:
        self._connection.close()

    def users(self) -> tuple[str, ...]:
        return tuple(self._roles)

    def default_database(self) -> str:
        filled = list(self.contents())
        made = sorted(self._databases - {"postgres"})
        for names in (filled, made):
            if len(names) == 1:
                return names[0]
        return "postgres" if not made else made[0]

    # Making ---------------------------------------------------------------------------------------------------

    def declare(self, declared: Mapping[str, Any], resolve: Callable[[str], Path]) -> None:
        """Makes what a side file lists: users, databases (one per user when none is listed), seeds."""
        users: Mapping[str, Any] = declared.get("users") or {}
        for name, facts in users.items():
            facts = facts or {}
            password = facts.get("password")
            self.make_role(
                str(name),
                None if password is None else str(password),
                superuser=bool(facts.get("superuser", str(name) == "postgres")),
            )
        databases: Mapping[str, Any] = declared.get("databases") or {name: {"owner": name} for name in users}
        for name, facts in databases.items():
            facts = facts or {}
            owner = facts.get("owner") or (next(iter(users)) if len(users) == 1 else None)
            self.make_database(str(name), str(owner) if owner else None)
            for seed in (*_texts(declared.get("seed")), *_texts(facts.get("seed"))):
                self.seed(str(name), str(owner) if owner else None, seed, resolve)
            if self._copies is not None:
                self._copies.keep(str(name), str(owner) if owner else None)

    def provide(
        self,
        user: str,
        password: str | None,
        database: str | None,
        declared: Mapping[str, Any],
        resolve: Callable[[str], Path],
    ) -> None:
        """Makes role and database when they are not there yet; an existing role keeps its first password.

        `declared` may still say which databases there are, who owns them and what is in them.
        """
        databases: Mapping[str, Any] = declared.get("databases") or {}
        name = database or user
        with self._lock:
            if user not in self._roles:
                self.make_role(user, password, superuser=True)
            if name in self._provided or (databases and name not in databases):
                return
            self._provided.add(name)
            facts = databases.get(name) or {}
            owner = str(facts.get("owner") or user)
            if owner not in self._roles:
                self.make_role(owner, None, superuser=False)
            self.make_database(name, owner)
            for seed in (*_texts(declared.get("seed")), *_texts(facts.get("seed"))):
                self.seed(name, owner, seed, resolve)
            if self._copies is not None:
                self._copies.keep(name, owner)

    def reset(self) -> bool:
        """See `PostgresDouble.reset`."""
        with self._lock:
            return self._copies is not None and self._copies.restore()

    def knows(self, user: str, password: str | None) -> bool:
        """Whether a login would work: the user is new, or has this password."""
        return user not in self._roles or self._roles[user] == password

    def make_role(self, name: str, password: str | None, *, superuser: bool) -> None:
        """A login role. `pg_...` names, which CREATE ROLE refuses, are given by renaming in the catalogue."""
        from psycopg import sql

        if name in self._roles:
            return
        if name in (ADMIN, "public", "none") or not name or len(name.encode()) > 63:
            raise DoubleError(f"PostgreSQL cannot have a user named `{name}`")
        reserved = name.startswith("pg_")
        created = f"simulator_{len(self._roles)}" if reserved else name
        rights = sql.SQL("SUPERUSER" if superuser else "CREATEDB CREATEROLE")
        statement = sql.SQL("CREATE ROLE {} LOGIN {}").format(sql.Identifier(created), rights)
        if password:
            verifier = self._connection.pgconn.encrypt_password(
                password.encode(), created.encode(), b"scram-sha-256"
            )
            statement += sql.SQL(" PASSWORD {}").format(sql.Literal(verifier.decode()))
        self._connection.execute(statement)
        if reserved:
            # A SCRAM verifier does not depend on the name.
            self._connection.execute("UPDATE pg_authid SET rolname = %s WHERE rolname = %s", (name, created))
        if not password:
            self._trust(name)
        self._roles[name] = password

    def _trust(self, user: str) -> None:
        """Lets a user without a password in: one line at the top of pg_hba.conf."""
        row = self._connection.execute("SHOW hba_file").fetchone()
        path = Path(row[0])
        quoted = '"' + user.replace('"', '""') + '"'
        path.write_text(f"host all {quoted} 127.0.0.1/32 trust\n" + path.read_text())
        self._connection.execute("SELECT pg_reload_conf()")

    def make_database(self, name: str, owner: str | None) -> None:
        from psycopg import sql

        if name in self._databases:
            if owner:
                self._connection.execute(
                    sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
                        sql.Identifier(name), sql.Identifier(owner)
                    )
                )
            return
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if owner:
            statement += sql.SQL(" OWNER {}").format(sql.Identifier(owner))
        self._connection.execute(statement)
        self._databases.add(name)

    # Seeds ----------------------------------------------------------------------------------------------------

    def seed(self, database: str, owner: str | None, seed: str, resolve: Callable[[str], Path]) -> None:
        """Runs SQL text, or a file of it, as the owner. Raises DoubleError with PostgreSQL's message."""
        import psycopg
        from psycopg import sql

        where, text = _seed_text(seed, resolve)
        try:
            if _NEEDS_PSQL.search(text):
                self._psql(database, owner, where, text)
                return
            with self.connect(database) as connection:
                if owner:
                    connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(owner)))
                connection.execute(text)
        except psycopg.Error as error:
            diag = error.diag
            line = ""
            if diag.statement_position and diag.statement_position.isdigit():
                line = f" (line {text[: int(diag.statement_position) - 1].count(chr(10)) + 1})"
            raise DoubleError(
                f"seed of database {database} failed: {where}{line}: {diag.message_primary or error}",
                code="SIM-DOUBLE-002",
                hint="a seed runs as the owner of the database, before the flow starts",
            ) from None

    def _psql(self, database: str, owner: str | None, where: str, text: str) -> None:
        if not self._binaries.has_psql:
            raise DoubleError(f"{where} needs psql, which this PostgreSQL does not have")
        if owner:
            quoted = '"' + owner.replace('"', '""') + '"'
            text = f"SET SESSION AUTHORIZATION {quoted};\n{text}"
        ran = subprocess.run(
            [
                self._binaries.program("psql"),
                "-X",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-h",
                self._host,
                "-p",
                str(self._port),
                "-U",
                ADMIN,
                "-d",
                database,
                "-f",
                "-",
            ],
            input=text.encode(),
            capture_output=True,
            check=False,
            env={
                "PGPASSWORD": self._password,
                "PATH": os.environ.get("PATH", ""),
                "PGCLIENTENCODING": "UTF8",
            },
        )
        if ran.returncode:
            words = ran.stderr.decode("utf-8", "replace").strip().splitlines()
            raise DoubleError(
                f"seed of database {database} failed: {where}: {words[0] if words else ran.returncode}",
                code="SIM-DOUBLE-002",
            )

    # Looking --------------------------------------------------------------------------------------------------

    def contents(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        with self._lock:
            names = [
                row[0]
                for row in self._connection.execute("SELECT datname FROM pg_database ORDER BY 1").fetchall()
                if row[0] not in _SYSTEM and not row[0].startswith(PREFIX)
            ]
        for name in names:
            tables = self._tables(name)
            if tables:
                found[name] = tables
        return found

    def _tables(self, database: str) -> dict[str, int]:
        from psycopg import sql

        with self.connect(database) as connection:
            names = connection.execute(
                "SELECT schemaname, tablename FROM pg_tables"
                " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
            ).fetchall()
            return {
                f"{schema}.{table}": connection.execute(
                    sql.SQL("SELECT count(*) FROM {}.{}").format(
                        sql.Identifier(schema), sql.Identifier(table)
                    )
                ).fetchone()[0]
                for schema, table in names
            }


def _texts(value: Any) -> Sequence[str]:
    if value is None or value == "":
        return ()
    return (value,) if isinstance(value, str) else [str(item) for item in value]


def _seed_text(seed: str, resolve: Callable[[str], Path]) -> tuple[str, str]:
    """A seed is a file when it looks like one or exists, SQL otherwise: its name for messages, and its text."""
    if "\n" in seed or len(seed) > 4096:
        return "seed SQL", seed
    path = resolve(seed)
    if path.is_file() or seed.strip().lower().endswith(".sql"):
        try:
            return seed, path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise DoubleError(f"seed file {seed} cannot be read: {reason}", code="SIM-DOUBLE-002") from None
    return "seed SQL", seed
