"""Writes suites as YAML text: plain, in Kestra's key order, with comments where a person has to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from simulator.testing.suite import UNIT_TEST

__all__ = ["case_data", "suite_text"]


class _Dumper(yaml.SafeDumper):
    """Multi-line texts as blocks, no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def case_data(
    name: str,
    *,
    description: str | None = None,
    fixtures: Mapping[str, Any] | None = None,
    assertions: Sequence[Mapping[str, Any]] = (),
    expected_state: str | None = None,
) -> dict[str, Any]:
    """One test case as data, empty parts left out."""
    case: dict[str, Any] = {"id": name, "type": UNIT_TEST}
    if description:
        case["description"] = description
    if expected_state not in (None, "SUCCESS"):
        case["expectedState"] = expected_state
    kept = {key: value for key, value in (fixtures or {}).items() if value not in ({}, [], None)}
    if kept:
        case["fixtures"] = kept
    case["assertions"] = [dict(item) for item in assertions]
    return case


def suite_text(
    *, namespace: str, flow_id: str, cases: Sequence[Mapping[str, Any]], head: Sequence[str] = ()
) -> str:
    """The suite's file."""
    document = {
        "id": f"{flow_id}_tests",
        "namespace": namespace,
        "flowId": flow_id,
        "testCases": list(cases),
    }
    body = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return "".join(f"# {line}\n" for line in head) + body
