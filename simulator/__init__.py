"""Runs Kestra flows on this machine."""

from simulator._version import __version__

__all__ = ["__version__"]
