"""Short ways to write a flow and to see what became of it."""

from __future__ import annotations

from textwrap import dedent

from simulator.migrate.engine import Migration, migrate

HEAD = "id: demo\nnamespace: company.team\n"
TASKS = "tasks:\n  - id: one\n    type: io.kestra.plugin.core.log.Log\n    message: hi\n"


def migrated(body: str, **options: bool) -> Migration:
    return migrate(HEAD + dedent(body), "flow.yml", **options)


def after(body: str, **options: bool) -> str:
    """The rewritten body."""
    result = migrated(body, **options).after
    assert result.startswith(HEAD)
    return result.removeprefix(HEAD)


def rules(body: str, *, rewritten: bool, **options: bool) -> list[str]:
    return [
        finding.rule.id for finding in migrated(body, **options).findings if finding.rewritten is rewritten
    ]


def hint(body: str, rule_id: str, **options: bool) -> str:
    """The hint of the first finding of a rule that is left to a person."""
    return next(finding.hint for finding in migrated(body, **options).open if finding.rule.id == rule_id)


def task(text: str) -> str:
    """A flow of one task, given as its lines behind the id."""
    return "tasks:\n  - id: one\n" + "".join(
        f"    {line}\n" if line else "\n" for line in dedent(text).strip("\n").split("\n")
    )
