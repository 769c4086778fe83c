"""`secret(key, subkey=...)`: a part of a secret is as hidden as the whole."""

from __future__ import annotations

import base64
import datetime as dt
import json
import random

from simulator.dialect import V2
from simulator.expressions.renderer import Renderer
from simulator.expressions.scope import Scope
from simulator.secrets.vault import Vault

VALUE = {"user": "database-admin", "password": "hunter2-hunter2", "deep": {"token": "tok-1234567890"}}


def test_sub_values_are_redacted() -> None:
    encoded = base64.b64encode(json.dumps(VALUE).encode()).decode()
    vault = Vault.load([], extra={"SECRET_DB": encoded})
    scope = Scope(V2, {}, secrets=vault, now=lambda: dt.datetime.now(dt.UTC), rng=random.Random(1))
    render = Renderer(V2).render
    redact = vault.redactor.redact
    for template in (
        "{{ secret('DB', subkey='password') }}",
        "{{ secret('DB', subkey='deep') }}",
        "{{ fromJson(secret('DB', subkey='deep')).token }}",
    ):
        shown = redact(f"login with {render(template, scope)}")
        assert "hunter2" not in shown and "tok-" not in shown
