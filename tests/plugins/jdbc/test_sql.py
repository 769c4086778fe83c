"""How SQL text is cut: by the plugin, by its regex, by the driver."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.plugins.jdbc.sql import bind_names, driver_placeholders, driver_statements, split_statements


@pytest.mark.parametrize(
    ("sql", "parts"),
    [
        ("select 1", ["select 1"]),
        ("select 1;", ["select 1"]),
        (" ; ;select 1 ; select 2;\n", ["select 1", "select 2"]),
        ("select ';'';', \"a;b\", `c;d`, [e;f]", ["select ';'';', \"a;b\", `c;d`, [e;f]"]),
        ("select 1; -- done; really", ["select 1", "-- done; really"]),
        ("select 1 /* ; */ ; select 2", ["select 1 /* ; */", "select 2"]),
        ("select $$;$$; select $a$ ; $$ $a$", ["select $$;$$", "select $a$ ; $$ $a$"]),
        ("do $$ begin x; end $$; select 1", ["do $$ begin x; end $$;", "select 1"]),
        ("BEGIN; insert into t values (1); COMMIT; END;", ["BEGIN; insert into t values (1); COMMIT; END;"]),
        ("select arr[1]; select 2", ["select arr[1]", "select 2"]),
        ("select arr[1; select 2", ["select arr[1; select 2"]),
        (
            "create type t as (a int); create table u (a t)",
            ["create type t as (a int); create table u (a t)"],
        ),
        (
            "insert into t values (1); create table u (a int)",
            ["insert into t values (1)", "create table u (a int)"],
        ),
        ("", []),
    ],
)
def test_split(sql: str, parts: list[str]) -> None:
    assert split_statements(sql) == parts


@pytest.mark.parametrize(
    ("sql", "parts"),
    [
        ("select 1; select ';' -- ;\n;", ["select 1", " select ';' -- ;\n"]),
        ("select E'\\';'; select 2", ["select E'\\';'", " select 2"]),
        ("/* a /* ; */ ; */ select 1; -- x", ["/* a /* ; */ ; */ select 1"]),
        ("create rule r as on insert to t do (select 1; select 2); select 3", None),
        ("create function f() returns int begin atomic select 1; select 2; end; select 3", None),
        ("select $a$;$a$; select 2", ["select $a$;$a$", " select 2"]),
        ("; ;", []),
    ],
)
def test_driver_split(sql: str, parts: list[str] | None) -> None:
    found = driver_statements(sql)
    assert found == parts if parts is not None else len(found) == 2


def test_names_are_found_everywhere() -> None:
    assert bind_names("a = :x and b = ':30' and c::text = :x") == (
        "a = ? and b = '?' and c:? = ?",
        ["x", "30", "text", "x"],
    )


@pytest.mark.parametrize(
    ("sql", "text", "count"),
    [
        ("a = ? and b = ?", "a = $1 and b = $2", 2),
        ("a ?? 'x' and b = ?", "a ? 'x' and b = $1", 1),
        ("'?' \"?\" $$?$$ -- ?\n /* ? */ ?", "'?' \"?\" $$?$$ -- ?\n /* ? */ $1", 1),
    ],
)
def test_placeholders(sql: str, text: str, count: int) -> None:
    assert driver_placeholders(sql) == (text, count)


@given(st.text(alphabet="ab;'\"$-/*[]()?:\n EeNdDgi", max_size=60))
def test_nothing_is_lost(sql: str) -> None:
    text, _ = driver_placeholders(sql.replace("?", ""))
    assert text == sql.replace("?", "")
    letters = sorted(char for char in sql if char not in "; \n")
    assert sorted(char for part in split_statements(sql) for char in part if char not in "; \n") == letters
