"""Migrations as data and as a diff: what `simulate migrate` shows."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simulator.migrate.changes import Finding
from simulator.migrate.engine import Migration
from simulator.migrate.rules import RULES, Rule

__all__ = ["RuleCount", "as_json", "diff", "per_rule"]


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often a rule was met."""

    rule: Rule
    rewritten: int
    open: int


def per_rule(migrations: Sequence[Migration]) -> list[RuleCount]:
    """One line per rule that was met, in the order of the rule table."""
    rewritten: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for migration in migrations:
        for finding in migration.findings:
            (rewritten if finding.rewritten else left)[finding.rule.id] += 1
    return [
        RuleCount(rule, rewritten[rule.id], left[rule.id])
        for rule in RULES.values()
        if rewritten[rule.id] or left[rule.id]
    ]


def diff(migration: Migration) -> str:
    """A unified diff that `patch` and `git apply` take; "" when nothing changed."""
    lines: list[str] = []
    for line in difflib.unified_diff(
        migration.before.splitlines(keepends=True),
        migration.after.splitlines(keepends=True),
        f"a/{migration.file}",
        f"b/{migration.file}",
    ):
        lines.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(lines)


def _finding(finding: Finding) -> dict[str, Any]:
    span = finding.span
    return {
        "code": finding.rule.code,
        "rule": finding.rule.id,
        "kind": finding.rule.kind.value,
        "severity": finding.to_diagnostic().severity.label,
        "message": finding.message,
        "file": span.file,
        "line": span.start.line,
        "column": span.start.column,
        "end_line": span.end.line,
        "end_column": span.end.column,
        "rewritten": finding.rewritten,
        "hint": finding.hint or None,
    }


def as_json(migrations: Sequence[Migration]) -> dict[str, Any]:
    """Everything as one JSON object."""
    return {
        "files": [
            {
                "file": migration.file,
                "changed": migration.changed,
                "to_do": migration.to_do,
                "findings": [_finding(finding) for finding in migration.findings],
            }
            for migration in migrations
        ],
        "rules": [
            {
                "rule": count.rule.id,
                "code": count.rule.code,
                "kind": count.rule.kind.value,
                "what": count.rule.what,
                "advice": count.rule.advice,
                "rewritten": count.rewritten,
                "open": count.open,
            }
            for count in per_rule(migrations)
        ],
        "to_do": any(migration.to_do for migration in migrations),
    }
