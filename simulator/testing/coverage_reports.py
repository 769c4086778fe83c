"""Coverage as text, JSON, LCOV (`.info`) and Cobertura (`.xml`): lines are those of the YAML."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from xml.etree import ElementTree

from simulator.errors import UsageError
from simulator.testing.coverage import Coverage, FlowCoverage

__all__ = ["render", "to_cobertura", "to_json", "to_lcov", "to_text"]

_KINDS = ("task", "branch", "input", "expression")


def to_text(coverage: Coverage) -> str:
    """A line per flow, and below it what was not reached."""
    lines = [f"{'flow':<40} {'tasks':>9} {'branches':>9} {'inputs':>9} {'expr.':>9} {'all':>7}"]
    for flow in coverage.flows:
        cells = " ".join(
            f"{f'{hit}/{total}' if total else '-':>9}" for hit, total in map(flow.counts, _KINDS)
        )
        lines.append(f"{flow.flow:<40} {cells} {flow.percent:>5.1f} %")
        lines += [
            f"  not reached: {flow.file}:{unit.line} {unit.kind} {unit.name}"
            for unit, count in flow.hits
            if not count
        ]
    lines.append(f"coverage {coverage.percent:.1f} %")
    return "\n".join(lines)


def to_json(coverage: Coverage) -> str:
    document = {
        "percent": round(coverage.percent, 2),
        "flows": [
            {
                "flow": flow.flow,
                "file": flow.file,
                "percent": round(flow.percent, 2),
                "units": [
                    {"kind": unit.kind, "name": unit.name, "line": unit.line, "cases": count}
                    for unit, count in flow.hits
                ],
            }
            for flow in coverage.flows
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _by_line(flow: FlowCoverage) -> Mapping[int, int]:
    """Line -> cases that reached it: the best of what stands on it, branches left out."""
    found: dict[int, int] = {}
    for unit, count in flow.hits:
        if unit.kind != "branch":
            found[unit.line] = max(found.get(unit.line, 0), count)
    return found


def to_lcov(coverage: Coverage) -> str:
    lines: list[str] = []
    for flow in coverage.flows:
        lines += ["TN:", f"SF:{flow.file}"]
        branches = [(unit, count) for unit, count in flow.hits if unit.kind == "branch"]
        for number, (unit, count) in enumerate(branches):
            lines.append(f"BRDA:{unit.line},0,{number},{count}")
        lines += [f"BRF:{len(branches)}", f"BRH:{sum(count > 0 for _, count in branches)}"]
        by_line = _by_line(flow)
        lines += [f"DA:{line},{count}" for line, count in sorted(by_line.items())]
        lines += [f"LF:{len(by_line)}", f"LH:{sum(count > 0 for count in by_line.values())}", "end_of_record"]
    return "\n".join(lines) + "\n"


def to_cobertura(coverage: Coverage) -> str:
    def rate(hit: int, total: int) -> str:
        return f"{hit / total if total else 1:.4f}"

    every = [_by_line(flow) for flow in coverage.flows]
    lines = sum(len(item) for item in every)
    covered = sum(count > 0 for item in every for count in item.values())
    branches = [flow.counts("branch") for flow in coverage.flows]
    hit, total = sum(item[0] for item in branches), sum(item[1] for item in branches)
    root = ElementTree.Element(
        "coverage",
        {
            "line-rate": rate(covered, lines),
            "branch-rate": rate(hit, total),
            "lines-covered": str(covered),
            "lines-valid": str(lines),
            "branches-covered": str(hit),
            "branches-valid": str(total),
            "complexity": "0",
            "version": "1",
            "timestamp": "0",
        },
    )
    ElementTree.SubElement(ElementTree.SubElement(root, "sources"), "source").text = "."
    package = ElementTree.SubElement(
        ElementTree.SubElement(root, "packages"),
        "package",
        {
            "name": "flows",
            "line-rate": rate(covered, lines),
            "branch-rate": rate(hit, total),
            "complexity": "0",
        },
    )
    classes = ElementTree.SubElement(package, "classes")
    for flow, by_line in zip(coverage.flows, every):
        reached, all_ = flow.counts("branch")
        item = ElementTree.SubElement(
            classes,
            "class",
            {
                "name": flow.flow,
                "filename": flow.file,
                "line-rate": rate(sum(count > 0 for count in by_line.values()), len(by_line)),
                "branch-rate": rate(reached, all_),
                "complexity": "0",
            },
        )
        ElementTree.SubElement(item, "methods")
        rows = ElementTree.SubElement(item, "lines")
        at_line: dict[int, list[int]] = {}
        for unit, count in flow.hits:
            if unit.kind == "branch":
                at_line.setdefault(unit.line, []).append(count)
        for line in sorted({*by_line, *at_line}):
            counts = at_line.get(line)
            facts = {"number": str(line), "hits": str(by_line.get(line, max(counts or [0])))}
            if counts:
                taken = sum(count > 0 for count in counts)
                share = 100 * taken // len(counts)
                facts |= {"branch": "true", "condition-coverage": f"{share}% ({taken}/{len(counts)})"}
            else:
                facts["branch"] = "false"
            ElementTree.SubElement(rows, "line", facts)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


_FORMATS: dict[str, Callable[[Coverage], str]] = {
    ".json": to_json,
    ".info": to_lcov,
    ".lcov": to_lcov,
    ".xml": to_cobertura,
    ".txt": lambda coverage: to_text(coverage) + "\n",
}


def render(coverage: Coverage, ending: str) -> str:
    """The report for a file name's ending. Raises UsageError for one that has none."""
    if ending not in _FORMATS:
        raise UsageError(f"--coverage: no report ends in `{ending}`", hint="one of " + " ".join(_FORMATS))
    return _FORMATS[ending](coverage)
