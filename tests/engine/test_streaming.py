"""Files of any size go through the engine in pieces: what a run needs of memory does not grow with them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.dialect import V1
from simulator.engine.execution import Execution
from tests.engine.harness import RETURN, World, flow, run_of, state

SIZE = 100 * 1024 * 1024
#: Far less than the file: what the interpreter and its libraries take varies, but not by this much.
LIMIT_MB = 40

#: Each kind of work on a 100 MB file, run alone in a process: prints by how many MB the peak of memory grew.
CHILD = """
import resource, sys
from pathlib import Path
from tests.engine.test_streaming import WORK

folder = Path(sys.argv[2])
prepare = WORK[sys.argv[1]]
prepare(folder / "small", 1024 * 1024)()
run = prepare(folder / "big", int(sys.argv[3]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
run()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""

ROW = b'{"id":1,"text":"' + b"x" * 1005 + b'"}\n'


def write(path: Path, size: int) -> None:
    """A file of about `size` bytes, never whole in memory."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        for _ in range(size // len(ROW)):
            stream.write(ROW)


def stored(world: World, folder: Path, size: int) -> str:
    write(folder / "rows.ion", size)
    return world.executor.kernel.storage.put_at("kestra:///test/engine/rows.ion", folder / "rows.ion")


SPLIT = flow(
    """
    - id: each
      type: io.kestra.plugin.core.flow.ForEachItem
      items: kestra:///test/engine/rows.ion
      batch: {bytes: 20MB}
      namespace: test.engine
      flowId: part
      inputs: {file: "{{ taskrun.items }}"}
    """
)
PART = flow(
    f'- {{id: show, type: {RETURN}, format: "{{{{ inputs.file }}}}"}}',
    head="inputs: [{id: file, type: STRING}]",
    tail='outputs: [{id: uri, type: STRING, value: "{{ outputs.show.value }}"}]',
).replace("id: flow", "id: part", 1)

LOOP = flow(
    """
    - id: each
      type: io.kestra.plugin.core.flow.Loop
      values: kestra:///test/engine/rows.ion
      tasks:
        - id: first
          type: io.kestra.plugin.core.execution.Exit
          state: FAILED
    """
)

SCRIPT = flow(
    """
    - id: make
      type: io.kestra.plugin.scripts.shell.Commands
      taskRunner: {type: io.kestra.plugin.core.runner.Process}
      inputFiles: {in.txt: kestra:///test/engine/rows.ion}
      outputFiles: [out.txt]
      commands: [cp in.txt out.txt]
    """
)

CACHE = flow(
    """
    - id: dir
      type: io.kestra.plugin.core.flow.WorkingDirectory
      cache: {patterns: ["kept/**"]}
      tasks:
        - id: make
          type: io.kestra.plugin.scripts.shell.Commands
          taskRunner: {type: io.kestra.plugin.core.runner.Process}
          commands: ["mkdir -p kept; test -f kept/n || head -c {{ inputs.size }} /dev/urandom > kept/n"]
    """,
    head="inputs: [{id: size, type: INT}]",
)


def split(folder: Path, size: int) -> Callable[[], None]:
    world = World(folder, SPLIT, PART, dialect=V1)
    stored(world, folder, size)
    return lambda: ended(world.run(), "SUCCESS")


def loop(folder: Path, size: int) -> Callable[[], None]:
    world = World(folder, LOOP)
    stored(world, folder, size)
    return lambda: ended(world.run(), "FAILED")


def script(folder: Path, size: int) -> Callable[[], None]:
    world = World(folder, SCRIPT)
    stored(world, folder, size)
    return lambda: ended(world.run(), "SUCCESS")


def cache(folder: Path, size: int) -> Callable[[], None]:
    """Kept by the first execution, brought back for the second."""
    world = World(folder, CACHE)

    def run() -> None:
        for _ in range(2):
            ended(world.run({"size": size}), "SUCCESS")

    return run


def ended(execution: Execution, wanted: str) -> None:
    assert state(execution) == wanted, [run.state.current for run in execution.task_runs]


WORK: dict[str, Callable[[Path, int], Callable[[], None]]] = {
    "cache": cache,
    "split": split,
    "loop": loop,
    "script": script,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(WORK))
def test_a_large_file_is_never_whole_in_memory(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("resource", reason="the peak of memory is asked of the system")
    done = subprocess.run(
        [sys.executable, "-c", CHILD, kind, str(tmp_path), str(SIZE)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) < LIMIT_MB


def test_parts_of_a_file_are_in_order_and_complete(tmp_path: Path) -> None:
    world = World(tmp_path, SPLIT.replace("bytes: 20MB", "rows: 2"), PART, dialect=V1)
    world.executor.kernel.storage.put_at("kestra:///test/engine/rows.ion", b"1\n2\n3\n4\n5\n")
    execution = world.run()
    assert state(execution) == "SUCCESS"
    assert run_of(execution, "each_items").outputs["numberOfBatches"] == 3
    merged = run_of(execution, "each_merge").outputs["subflowOutputs"]
    with world.executor.kernel.storage.open(merged) as stream:
        uris = [line.split('"')[1] for line in stream.read().decode().splitlines()]
    parts = []
    for uri in uris:
        with world.executor.kernel.storage.open(uri) as stream:
            parts.append(stream.read())
    assert parts == [b"1\n2\n", b"3\n4\n", b"5\n"]
    assert not list((tmp_path / "work").glob("*"))


def test_a_broken_file_fails_the_loop_before_its_first_iteration(tmp_path: Path) -> None:
    """Its rows are counted first."""
    text = flow(
        f"""
        - id: each
          type: io.kestra.plugin.core.flow.Loop
          values: kestra:///test/engine/rows.ion
          tasks:
            - {{id: in, type: {RETURN}, format: "{{{{ item.value }}}}"}}
        """
    )
    world = World(tmp_path, text)
    world.executor.kernel.storage.put_at("kestra:///test/engine/rows.ion", b'{"a":1}\n{"a":2}\n{"a":\n')
    execution = world.run()
    assert state(execution) == "FAILED"
    assert len(world.executor.executions()) == 1
    assert world.messages("ERROR")[0].startswith("Failed to process flowable task ")
