"""Makes small projects: flows, suites, side files."""

from pathlib import Path

HEAD = "namespace: company.team\n"


def flow(folder: Path, body: str, name: str = "demo") -> Path:
    path = folder / f"{name}.yml"
    path.write_text(f"id: {name}\n{HEAD}{body}", "utf-8")
    return path


def suite(folder: Path, cases: str, name: str = "demo", side: str = "") -> Path:
    path = folder / f"{name}.test.yml"
    lines = "\n".join(f"  {line}" if line else "" for line in cases.strip("\n").splitlines())
    path.write_text(f"id: {name}_tests\n{HEAD}flowId: {name}\ntestCases:\n{lines}\n", "utf-8")
    if side:
        path.with_name(f"{name}.test.sim.yml").write_text(side, "utf-8")
    return path


def case(name: str, *, fixtures: str = "", assertions: str = "", more: str = "") -> str:
    text = f"- id: {name}\n  type: io.kestra.core.tests.flow.UnitTest\n"
    if more:
        text += f"  {more}\n"
    if fixtures:
        text += "  fixtures:\n" + "".join(f"    {line}\n" for line in fixtures.splitlines())
    if assertions:
        text += "  assertions:\n" + "".join(f"    {line}\n" for line in assertions.splitlines())
    else:
        text += '  assertions:\n    - {value: "{{ flow.id }}", equalTo: demo}\n'
    return text
