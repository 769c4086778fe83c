"""The flows that are deployed beside the one that runs (`simulator.engine.settings.FlowStore`).

Flows of `--flows` (and of the side file) are all deployed: they can be called and their flow triggers fire. Without
any, a subflow is looked for among the files beside the flow, and built only when it is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from simulator.diagnostics import Collector
from simulator.dialect import Dialect
from simulator.errors import InvalidFlowError, UsageError
from simulator.model.catalog import Catalog
from simulator.model.flow import Flow

__all__ = ["DeployedFlows"]


class DeployedFlows:
    """`main` first; everything else on demand."""

    def __init__(self, main: Flow, folders: Sequence[Path], catalog: Catalog, dialect: Dialect) -> None:
        self._main = main
        self._catalog = catalog
        self._dialect = dialect
        self._flows: dict[tuple[str, str], Flow] = {(main.namespace, main.id): main}
        self._folders = tuple(folders)
        self._beside = Path(main.file).parent
        for folder in self._folders:
            if not folder.exists():
                raise UsageError(f"--flows: there is no `{folder}`")
            for path in _files(folder):
                flow = self._build(path)
                if flow is not None:
                    self._flows.setdefault((flow.namespace, flow.id), flow)

    def find(self, namespace: str, flow_id: str, revision: int | None = None) -> Flow | None:
        found = self._flows.get((namespace, flow_id))
        if found is None and not self._folders:
            found = self._search(namespace, flow_id)
        return found

    def all(self) -> Iterable[Flow]:
        return list(self._flows.values())

    def _search(self, namespace: str, flow_id: str) -> Flow | None:
        """Among the files beside the main flow: those that mention the id."""
        for path in _files(self._beside):
            try:
                text = path.read_text("utf-8-sig")
            except (OSError, UnicodeDecodeError):
                continue
            if flow_id in text and namespace in text:
                flow = self._build(path)
                if flow is not None and (flow.namespace, flow.id) == (namespace, flow_id):
                    self._flows[namespace, flow_id] = flow
                    return flow
        return None

    def _build(self, path: Path) -> Flow | None:
        """The flow of a file; None when it is none. Raises InvalidFlowError when it is a broken one."""
        from simulator.model.build import build_flow

        text = path.read_text("utf-8-sig")
        if "tasks:" not in text or "namespace:" not in text:
            return None
        if Path(self._main.file).resolve() == path.resolve():
            return self._main
        collector = Collector()
        flow = build_flow(text, str(path), self._dialect, self._catalog, collector=collector)
        if flow is None or collector.has_errors:
            # Kestra does not let such a flow be deployed.
            raise InvalidFlowError(f"{path} is not a valid flow", diagnostics=collector.sorted())
        return flow


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    for path in sorted(folder.rglob("*.y*ml")):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if (
            path.suffix in (".yml", ".yaml")
            and not hidden
            and not path.name.endswith((".sim.yml", ".sim.yaml"))
        ):
            yield path
