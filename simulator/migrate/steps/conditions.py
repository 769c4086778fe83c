"""`conditions`, `scheduleConditions` and `preconditions` of triggers become `when` and `dependsOn` (rules TRIG-*)."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.migrate.changes import Change, Context, Note, key_change
from simulator.migrate.conditions import DATES, CannotTranslateError, Flow, clause, conjunction, kind_of
from simulator.migrate.dependencies import Dependencies, from_conditions, from_preconditions
from simulator.migrate.editor import Document, Edit, EditConflictError
from simulator.migrate.rules import rule
from simulator.migrate.walk import CORE, list_at, map_at, scalars, text_at
from simulator.source.nodes import MapNode

__all__ = ["conditions"]

_FLOW = f"{CORE}trigger.Flow"
_RULES = {"conditions": "TRIG-01", "scheduleConditions": "TASK-05", "preconditions": "TRIG-02"}


def conditions(document: Document, context: Context) -> Iterator[Change]:
    flow = Flow(text_at(document.root, "id") or "", text_at(document.root, "namespace") or "")
    for trigger in list_at(document.root, "triggers"):
        if not isinstance(trigger, MapNode):
            continue
        for key, rule_id in _RULES.items():
            if key in trigger:
                yield _change(document, trigger, key, rule_id, flow)


def _change(document: Document, trigger: MapNode, key: str, rule_id: str, flow: Flow) -> Change:
    message = f"`{key}` of a trigger are gone"
    try:
        lines, remarks, notes = _lines(document, trigger, key, flow)
    except (CannotTranslateError, EditConflictError) as error:
        return key_change(document, rule_id, message, trigger, key, hint=f"not rewritten: {error}")

    def edits() -> list[Edit]:
        if trigger.flow_style:
            raise EditConflictError("the trigger is written in braces")
        if not lines:
            return document.remove(trigger, key)
        return document.replace_entry(trigger, key, lines)

    return key_change(document, rule_id, message, trigger, key, edits, remark="; ".join(remarks), notes=notes)


def _lines(
    document: Document, trigger: MapNode, key: str, flow: Flow
) -> tuple[list[str], list[str], list[Note]]:
    given = [
        name
        for name in ("conditions", "scheduleConditions", "preconditions", "when", "dependsOn")
        if name in trigger
    ]
    if len(given) > 1:
        raise CannotTranslateError(f"the trigger has {' and '.join(f'`{name}`' for name in given)}")
    start, end = document.key_range(trigger, key)
    notes: list[Note] = []
    if key == "preconditions":
        block = map_at(trigger, key)
        if block is None:
            raise CannotTranslateError("`preconditions` are no block of properties")
        found = from_preconditions(document, block, flow)
        return found.lines(), found.remarks, _grouped(document, found, start, end)
    items = list_at(trigger, key)
    if not items:
        return [], [], []
    if text_at(trigger, "type") == _FLOW:
        found = from_conditions(document, trigger, items, flow)
        return found.lines(), found.remarks, _grouped(document, found, start, end)
    clauses = [clause(item, flow, DATES) for item in items]
    days = {text_at(item, "dayOfWeek") for item in items if kind_of(item) == "DayWeek"}
    if len(days) > 1:
        message = (
            "several DayWeek conditions never hold together: this trigger has not fired so far and will not"
        )
        notes.append(Note(rule("TRIG-04"), message, start, end, done=False))
    remarks = list(dict.fromkeys(remark for each in clauses for remark in each.remarks))
    template = conjunction(clauses)
    if template == "{{ true }}":
        return [], remarks, notes
    quoted = (
        f'"{template}"'
        if '"' not in template and "\\" not in template
        else "'" + template.replace("'", "''") + "'"
    )
    return [f"when: {quoted}"], remarks, notes


def _grouped(document: Document, found: Dependencies, start: int, end: int) -> list[Note]:
    """With several entries, `trigger.outputs` has the flows' names in front."""
    if len(found.entries) < 2 or not any("trigger.outputs" in node.text for node in scalars(document.root)):
        return []
    return [
        Note(
            rule("TRIG-06"),
            "`trigger.outputs` is grouped by flow when several are named",
            start,
            end,
            done=False,
        )
    ]
