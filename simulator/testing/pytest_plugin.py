"""pytest plugin: collects Kestra test suites and gives fixtures to run flows."""

from simulator.testing.pytest_masking import pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]
