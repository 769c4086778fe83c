"""Plugin defaults, written into the tasks."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.dialect import Dialect
from simulator.migrate.engine import migrate
from simulator.model.catalog import PropertySpec, TaskSpec
from tests.migrate.helpers import HEAD, after, hint, migrated, rules

LOG = "io.kestra.plugin.core.log.Log"
TASKS = f"tasks:\n  - id: one\n    type: {LOG}\n    message: hi\n  - id: two\n    type: {LOG}\n    level: WARN\n    message: ho\n"


def defaults(text: str, key: str = "pluginDefaults") -> str:
    return f"{TASKS}\n{key}:\n{text}"


def test_own_values_win_and_forced_ones_win_over_them() -> None:
    body = defaults(f"  - type: {LOG}\n    values:\n      level: ERROR  # loud\n")
    assert after(body) == TASKS.replace(
        f"id: one\n    type: {LOG}\n", f"id: one\n    type: {LOG}\n    level: ERROR  # loud\n"
    )
    forced = defaults(f"  - type: {LOG}\n    forced: true\n    values:\n      level: ERROR\n")
    assert after(forced) == TASKS.replace(
        f"id: one\n    type: {LOG}\n", f"id: one\n    type: {LOG}\n    level: ERROR\n"
    ).replace("WARN", "ERROR")
    assert rules(forced, rewritten=True) == ["FLOW-01", "FLOW-03"]


def test_the_first_default_wins() -> None:
    body = defaults(
        f"  - type: {LOG}\n    values: {{level: ERROR}}\n  - type: {LOG}\n    values: {{level: DEBUG, logLevel: TRACE}}\n"
    )
    assert after(body).count("level: ERROR") == 1
    assert "DEBUG" not in after(body) and after(body).count("logLevel: TRACE") == 2


def test_prefixes_aliases_and_nested_types() -> None:
    body = (
        "tasks:\n  - id: s\n    type: io.kestra.plugin.scripts.shell.Commands\n    commands: [ls]\n"
        "    taskRunner:\n      type: io.kestra.plugin.scripts.runner.docker.Docker\n"
        "pluginDefaults:\n  - type: io.kestra.plugin.scripts.runner\n    values:\n      memory:\n        memory: 1GB\n"
        "  - type: io.kestra.core.tasks.log.Log\n    values: {level: WARN}\n"
    )
    assert after(body) == (
        "tasks:\n  - id: s\n    type: io.kestra.plugin.scripts.shell.Commands\n    commands: [ls]\n"
        "    taskRunner:\n      type: io.kestra.plugin.scripts.runner.docker.Docker\n      memory:\n        memory: 1GB\n"
    )
    remark = next(finding.hint for finding in migrated(body).findings if finding.rule.id == "FLOW-01")
    assert remark == f"Nothing in this flow is of type {LOG}."


def test_maps_are_merged() -> None:
    body = (
        "tasks:\n  - id: h\n    type: io.kestra.plugin.core.http.Request\n    uri: x\n    options:\n      followRedirects: false\n"
        "pluginDefaults:\n  - type: io.kestra.plugin.core.http\n    values:\n      options:\n        followRedirects: true\n        allowFailed: true\n"
    )
    assert after(body).endswith("    options:\n      followRedirects: false\n      allowFailed: true\n")


def test_values_get_the_later_rules_too() -> None:
    body = (
        "tasks:\n  - id: s\n    type: io.kestra.plugin.scripts.shell.Commands\n    commands: [ls]\n"
        "pluginDefaults:\n  - type: io.kestra.plugin.scripts.shell.Commands\n    values:\n      runner: PROCESS\n"
    )
    assert "taskRunner:\n      type: io.kestra.plugin.core.runner.Process\n" in after(body)


def test_uncertain_outcomes_are_left_to_a_person() -> None:
    lists = (
        TASKS.replace("message: hi", "message: [hi]")
        + f"pluginDefaults:\n  - type: {LOG}\n    values:\n      message: [x]\n"
    )
    assert "the list `message`" in hint(lists, "FLOW-01")
    prefix = defaults(
        f"  - type: {LOG}\n    values: {{level: INFO}}\n  - type: io.kestra.plugin.core\n    values: {{level: WARN}}\n"
    )
    assert "disagree about `level`" in hint(prefix, "FLOW-01")
    assert after(prefix) == prefix


def test_task_defaults() -> None:
    body = defaults(f"  - type: {LOG}\n    values:\n      level: ERROR\n", "taskDefaults")
    finding = migrated(body).findings[0]
    assert finding.rule.id == "FLOW-02" and finding.rewritten
    assert "no longer applied" in finding.hint


class _Catalog:
    def spec(self, type_name: str, dialect: Dialect) -> TaskSpec | None:
        return (
            TaskSpec(LOG, properties=(PropertySpec("message"), PropertySpec("level")))
            if type_name == LOG
            else None
        )

    def canonical(self, type_name: str, dialect: Dialect) -> str | None:
        return type_name

    def names(self, dialect: Dialect) -> Iterable[str]:
        return [LOG]


def test_a_family_default_only_goes_where_the_property_exists() -> None:
    """1.x dropped what a type does not know; 2.0 refuses it."""
    body = HEAD + defaults(
        "  - type: io.kestra.plugin.core\n    values:\n      level: INFO\n      region: eu\n      timeout: PT1M\n"
    )
    result = migrate(body, catalog=_Catalog()).after
    assert "region" not in result
    assert result.count("timeout: PT1M") == 2 and result.count("level: INFO") == 1


def test_a_type_with_a_default_that_stays_is_not_changed() -> None:
    body = (
        "tasks:\n  - {id: each, type: io.kestra.plugin.core.flow.ForEach, values: [a], tasks: []}\n"
        "  - {id: e, type: io.kestra.plugin.core.debug.Echo, format: x}\n"
        "pluginDefaults:\n  - type: io.kestra.plugin.core\n    values:\n      a:\n        b: c\n"
    )
    assert after(body) == body
    for rule_id in ("LOOP-01", "TYPE-F"):
        assert "plugin default" in hint(body, rule_id)
