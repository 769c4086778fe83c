# ruff: noqa: PTH100, PTH120, T201, UP017 - it runs in the interpreter of the script, of any version, and prints by design
# mypy: ignore-errors
"""Kestra's helper package for Python scripts, as far as a script outside a server can use it (scripts.md 10).

Every call prints one line of the `::{...}::` protocol. When the interpreter has the real package, that one is used:
this file then steps aside.
"""

import importlib.machinery
import importlib.util
import json
import logging
import os
import sys
import time
from datetime import datetime, timezone

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _real():
    """The spec of a `kestra` package further down the search path."""
    others = [entry for entry in sys.path if os.path.abspath(entry or ".") != _HERE]
    try:
        return importlib.machinery.PathFinder.find_spec("kestra", others)
    except Exception:
        return None


_spec = _real()
if _spec is not None and _spec.origin and _spec.loader is not None:
    __path__ = list(_spec.submodule_search_locations or [])
    __file__ = _spec.origin
    __spec__ = _spec
    _spec.loader.exec_module(sys.modules[__name__])
else:
    __all__ = ["Flow", "Kestra"]

    _LEVELS = {"DEBUG": "DEBUG", "INFO": "INFO", "WARNING": "WARN", "ERROR": "ERROR", "CRITICAL": "ERROR"}

    class _Line(logging.Formatter):
        def format(self, record):
            moment = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
            text = record.getMessage()
            if record.exc_info:
                text += "\n" + self.formatException(record.exc_info)
            level = "TRACE" if record.levelno < logging.DEBUG else _LEVELS.get(record.levelname, "INFO")
            entry = {"level": level, "message": f"{moment.replace('+00:00', 'Z')} - {text}"}
            return "::" + json.dumps({"logs": [entry]}) + "::"

    class _UpToInfo(logging.Filter):
        def filter(self, record):
            return record.levelno <= logging.INFO

    class Kestra:
        """Prints outputs, metrics and log entries for Kestra to read."""

        _logger = None

        @staticmethod
        def _send(message):
            print("::" + json.dumps(message) + "::", flush=True)

        @staticmethod
        def format(map_):
            return "::" + json.dumps(map_) + "::"

        @staticmethod
        def outputs(map_):
            Kestra._send({"outputs": map_})

        @staticmethod
        def _metric(name, kind, value, tags):
            Kestra._send({"metrics": [{"name": name, "type": kind, "value": value, "tags": tags or {}}]})

        @staticmethod
        def counter(name, value, tags=None):
            Kestra._metric(name, "counter", value, tags)

        @staticmethod
        def gauge(name, value, tags=None):
            Kestra._metric(name, "gauge", value, tags)

        @staticmethod
        def timer(name, duration, tags=None):
            """`duration` is a number of seconds, or something to call and measure."""
            if callable(duration):
                start = time.monotonic()
                duration()
                duration = time.monotonic() - start
            Kestra._metric(name, "timer", duration, tags)

        @staticmethod
        def assets(map_):
            Kestra._send({"assets": map_})

        @staticmethod
        def logger():
            if Kestra._logger is None:
                logger = logging.getLogger("Kestra")
                logger.setLevel(logging.DEBUG)
                logger.propagate = False
                out, err = logging.StreamHandler(sys.stdout), logging.StreamHandler(sys.stderr)
                out.addFilter(_UpToInfo())
                err.setLevel(logging.WARNING)
                for handler in (out, err):
                    handler.setFormatter(_Line())
                    logger.addHandler(handler)
                Kestra._logger = logger
            return Kestra._logger

        @staticmethod
        def read(path=None):
            """All rows of an Ion file. Needs the package `amazon.ion`."""
            from amazon.ion import simpleion

            with open(path, "rb") as source:
                return list(simpleion.load(source, single_value=False))

    class Flow:
        """Starts flows through a server's API; there is no server in a local run."""

        def __init__(self, *args, **kwargs):
            raise RuntimeError(
                "kestra.Flow calls the API of a Kestra server and this run has none: "
                "use a task of type io.kestra.plugin.core.flow.Subflow, or mock this task"
            )
