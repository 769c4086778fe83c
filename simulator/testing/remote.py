"""Suites on a Kestra server: the flow runs there, the assertions are judged here.

A case with fixtures for files, tasks or a trigger is SKIPPED: an open source server knows no fixtures. What a side file
expects of doubles (rows, objects, messages) has no meaning there either and is not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.remote.client import KestraClient
from simulator.remote.run import RemoteRun, deploy
from simulator.testing.suite import Case

if TYPE_CHECKING:
    from simulator.testing.case import CaseSession

__all__ = ["Remote", "has_local_fixtures"]


def has_local_fixtures(case: Case) -> bool:
    """Whether a case needs what only a run here can give it."""
    return bool(case.fixtures.files or case.fixtures.tasks or case.fixtures.trigger)


class Remote:
    """Runs cases on one server. `put_flows`: whether flows that differ are put there first; `timeout` in seconds."""

    def __init__(self, client: KestraClient, *, put_flows: bool = True, timeout: float | None = None) -> None:
        self._client = client
        self._put_flows = put_flows
        self._timeout = timeout

    def run(self, session: CaseSession) -> None:
        """Runs the case's execution there and makes it known to the session's executor, as if it had run here.

        Raises RemoteError.
        """
        executor = session.prepare()
        if self._put_flows:
            deploy(self._client, [session.flow])
        run = RemoteRun(self._client, session.flow, lambda event: None)
        run.start(session.settings.inputs, session.settings.labels)
        result = run.follow(timeout=self._timeout)
        executor.adopt([result.execution], {result.execution.id: result.logs})
        session.elsewhere = True
        session.execution = executor.execution(result.execution.id)
