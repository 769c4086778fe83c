"""Side files: every mistake at its place, and what a good one says."""

from pathlib import Path

import pytest

from simulator.errors import InvalidFlowError, UsageError
from simulator.world.config import merge, parse_now
from simulator.world.sidefile import read_side_file, side_file_of


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "flow.sim.yml"
    path.write_text(text, "utf-8")
    return path


def test_the_name_follows_the_flow() -> None:
    assert side_file_of(Path("flows/a.yml")) == Path("flows/a.sim.yml")
    assert side_file_of(Path("a.b.yaml")) == Path("a.b.sim.yml")


def test_all_mistakes_at_once_with_their_places(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """\
env_file: [.env_encoded]
seed: many
doubles:
  postgress: {}
  s3:
    credentials:
      - access_key: a
mocks:
  call: {state: DONE, fail: twice}
""",
    )
    with pytest.raises(InvalidFlowError) as caught:
        read_side_file(path)
    found = [
        (item.span.start.line, item.message, item.hint) for item in caught.value.diagnostics if item.span
    ]
    assert found == [
        (1, "unknown key `env_file`", "did you mean `env_files`?"),
        (2, "`seed` must be a whole number", "seed of ids and random functions"),
        (4, "unknown key `doubles.postgress`", "did you mean `postgres`?"),
        (7, "`doubles.s3.credentials[0].secret_key` is missing", None),
        (9, "`mocks.call.state`: `DONE` is not allowed", found[4][2]),
        (9, "`mocks.call.fail` must be a whole number", "the first n attempts fail"),
    ]


def test_paths_are_relative_to_the_side_file(tmp_path: Path) -> None:
    side = read_side_file(write(tmp_path, "env_files: [.env_encoded, /abs/x]\nnamespace_files: files\n"))
    assert side.env_files == ((tmp_path / ".env_encoded").resolve(), Path("/abs/x"))
    assert merge({}, {}, side).namespace_files == (tmp_path / "files").resolve()


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    settings = merge({}, {}, read_side_file(write(tmp_path, "# nothing\n\n")))
    assert settings == merge({}, {}, None)


def test_flag_beats_environment_beats_side_file(tmp_path: Path) -> None:
    side = read_side_file(write(tmp_path, "seed: 1\nkestra: 1\ninputs: {a: 1, b: 2}\n"))
    settings = merge({"inputs": {"b": 3}}, {"SIMULATE_SEED": "2"}, side)
    assert settings.seed == 2 and settings.origin["seed"] == "env"
    assert settings.kestra == "1"
    assert settings.inputs == {"a": 1, "b": 3}
    assert merge({"seed": 3}, {"SIMULATE_SEED": "2"}, side).seed == 3


def test_bad_settings_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="SIMULATE_SEED"):
        merge({}, {"SIMULATE_SEED": "x"}, None)
    with pytest.raises(UsageError, match="ISO"):
        parse_now("tomorrow")


def test_the_http_double_may_be_declared_in_two_places(tmp_path: Path) -> None:
    rules = "- {url: 'https://a.example/*', status: 200}"
    assert read_side_file(write(tmp_path, f"http:\n  {rules}\n")).double("http") == {
        "rules": [{"url": "https://a.example/*", "status": 200}]
    }
    assert read_side_file(write(tmp_path, f"doubles:\n  http:\n    {rules}\n")).double("http") is not None
    assert read_side_file(write(tmp_path, "seed: 1\n")).double("http") is None


def test_a_seed_that_is_not_there_has_a_place(tmp_path: Path) -> None:
    (tmp_path / "there.sql").write_text("select 1")
    text = """\
doubles:
  postgres:
    seed: [there.sql, "create table t (x int)", gone.sql]
    databases:
      db: {seed: [also_gone.sql]}
"""
    with pytest.raises(InvalidFlowError) as caught:
        read_side_file(write(tmp_path, text))
    found = [(item.span and item.span.start.line, item.message) for item in caught.value.to_diagnostics()]
    assert found == [(3, "there is no seed file `gone.sql`"), (5, "there is no seed file `also_gone.sql`")]


def test_a_syntax_error_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidFlowError) as caught:
        read_side_file(write(tmp_path, "seed: 'open\nkestra: 2\n"))
    assert "\n" not in caught.value.to_diagnostics()[0].message
