"""Hooks that keep secrets out of pytest's output: failed assertions show values, captured output shows what tests print.

Outputs of an execution are real values in a test, or nothing could be asserted about them; so what pytest prints (terminal
and JUnit) is masked where a report is made. pytest shortens very long values before we see them: of a secret longer than
its limit (240 characters) the pieces that are whole lines are still masked.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any

import pytest

__all__ = ["pytest_runtest_makereport"]


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
    """The report with every secret that this process has read masked."""
    report = yield
    if "simulator.secrets.redact" not in sys.modules:
        return report
    from simulator.secrets.redact import redact_everything

    report.sections = [(name, redact_everything(text)) for name, text in report.sections]
    if report.longrepr is not None:
        text = report.longreprtext
        masked = redact_everything(text)
        if masked != text:
            report.longrepr = masked
    return report
