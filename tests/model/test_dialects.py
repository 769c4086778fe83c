from __future__ import annotations

import pytest

from simulator.model.dialects import choose_dialect
from tests.model.fake import FakeCatalog

HEAD = "id: demo\nnamespace: team\n"
LOG = "{id: log, type: io.kestra.plugin.core.log.Log, message: hi}"
EACH = f"tasks: [{{id: a, type: io.kestra.plugin.core.flow.ForEach, values: [1], tasks: [{LOG}]}}]"
LOOP = EACH.replace("ForEach", "Loop")


@pytest.mark.parametrize(
    ("text", "major", "said"),
    [
        (HEAD + f"tasks: [{LOG}]", 2, None),
        (HEAD + EACH, 1, "io.kestra.plugin.core.flow.ForEach"),
        (HEAD + LOOP, 2, None),
        (HEAD + EACH.replace("hi", "hi, massage: x"), 1, "ForEach"),
        (HEAD + LOOP.replace("hi", "hi, massage: x"), 2, None),
        (HEAD + f"inputs: [{{id: a, type: BOOLEAN}}]\ntasks: [{LOG}]", 1, "BOOLEAN"),
        (
            HEAD + f"inputs: [{{id: a, type: INT, required: false, defaults: 1}}]\ntasks: [{LOG}]",
            1,
            "must be required",
        ),
        (
            HEAD + f"tasks: [{LOG.replace('hi', '{x}')}]".replace("{x}", '"{{ json(outputs.a) }}"'),
            1,
            "function `json`",
        ),
        (HEAD + f"nothing: 1\ntasks: [{LOG}]", 2, None),
        ("a: {{ b }}", 2, None),
    ],
)
def test_choice(text: str, major: int, said: str | None) -> None:
    dialect, notice = choose_dialect(text, "f.yml", FakeCatalog())
    assert dialect.major == major
    if said is None:
        assert notice is None
    else:
        assert notice is not None and said in notice.message and notice.span is not None
