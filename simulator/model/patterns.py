"""Regular expressions of names, as Kestra's annotations have them (flow.md 1): `pattern` is what messages quote."""

from __future__ import annotations

import re

__all__ = ["FLOW_ID", "INPUT_ID", "NAMESPACE", "TASK_ID", "TENANT_ID", "is_label_key"]

FLOW_ID = re.compile(r"^[a-zA-Z0-9][a-zA-Z0-9._-]*")
NAMESPACE = re.compile(r"^[a-z0-9][a-z0-9._-]*")
TASK_ID = re.compile(r"^[a-zA-Z0-9][a-zA-Z0-9_-]*")
INPUT_ID = re.compile(r"^[a-zA-Z0-9][.a-zA-Z0-9_-]*")
TENANT_ID = re.compile(r"^[a-z0-9][a-z0-9_-]*")

# Java: ^[\p{Ll}][\p{L}0-9._-]*$
_LABEL_KEY = re.compile(r"(?:[^\W\d_]|[0-9._-])+")


def is_label_key(key: str) -> bool:
    """2.0's rule for label keys: letters, digits, `.`, `_`, `-`, first a lower-case letter."""
    return bool(key) and key[0].islower() and _LABEL_KEY.fullmatch(key) is not None
