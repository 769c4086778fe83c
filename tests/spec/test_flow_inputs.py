"""flow.md 3.4: values given for inputs that a flow does not declare."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spec.walk import BOTH, Walk


@BOTH
@pytest.mark.parametrize(
    ("given", "told"), [({"y": 1}, []), ({"x": "v", "y": 1, "z": 2}, ["y", "z"]), ({"x": "v"}, [])]
)
def test_who_gives_more_than_is_declared_is_told(
    tmp_path: Path, name: str, given: dict[str, object], told: list[str]
) -> None:
    text = "inputs: [{id: x, type: STRING, defaults: d}]\ntasks: [{id: a, type: @log.Log, message: x}]"
    walk = Walk(tmp_path, name, text)
    done = walk.run(given)
    assert done.inputs == {"x": given.get("x", "d")}
    assert walk.logs("WARN") == [
        f"Input {ident} was provided for workflow spec.main but isn't declared in the workflow inputs"
        for ident in told
    ]
