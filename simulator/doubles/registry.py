"""Every double, in one place: name -> `module:Class`. A class is imported when its double is needed.

`postgres` and `s3` take `(declared, *, resolve=...)`: what the side file says about them (None: undeclared mode), and how
to find files that are named there; `http` and `smtp` take their own settings.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from simulator.errors import UsageError

__all__ = ["DOUBLES", "double_class"]

DOUBLES: dict[str, str] = {
    "aws": "simulator.doubles.aws:AwsDouble",
    "http": "simulator.doubles.http:HttpDouble",
    "postgres": "simulator.doubles.postgres:PostgresDouble",
    "smtp": "simulator.doubles.smtp:SmtpDouble",
    "s3": "simulator.doubles.s3:S3Double",
}


def double_class(name: str) -> Any:
    """The class behind a name. Raises UsageError for a name that is not there."""
    if name not in DOUBLES:
        raise UsageError(f"no double named `{name}`", hint="there are: " + ", ".join(sorted(DOUBLES)))
    module, _, attribute = DOUBLES[name].partition(":")
    return getattr(import_module(module), attribute)
