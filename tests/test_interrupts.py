"""A signal inside an import is sent again instead of tearing the import up."""

import signal
import sys
import time
import types

import pytest

from simulator.interrupts import postponed


def test_outside_of_an_import_it_is_now() -> None:
    assert not postponed(signal.SIGTERM, sys._getframe())


def test_inside_an_import_it_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    came: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: came.append(number))
    try:
        code = compile("found = postponed(number, sys._getframe())", "<frozen importlib._bootstrap>", "exec")
        module = types.ModuleType("inside")
        module.__dict__.update(postponed=postponed, number=signal.SIGUSR1, sys=sys)
        exec(code, module.__dict__)
        assert module.__dict__["found"] is True
        end = time.monotonic() + 5
        while not came and time.monotonic() < end:
            time.sleep(0.01)
        assert came == [signal.SIGUSR1]
    finally:
        signal.signal(signal.SIGUSR1, before)
