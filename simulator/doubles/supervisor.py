"""Starts doubles together and takes every one of them down, whatever happens in between.

    with Supervisor({"postgres": PostgresDouble(), "s3": S3Double()}) as doubles:
        doubles.start("postgres", "s3")
        address = doubles.ready("postgres")

How a run may end, and what then takes the servers down: the end of the `with` block, an exception, Ctrl-C; SIGTERM and
SIGHUP, which become an exception here when nobody else handles them; `sys.exit` without the block (atexit); `kill -9`,
where each server notices that its pipe to us is closed, and the next start sweeps the folders.
"""

from __future__ import annotations

import atexit
import contextlib
import signal
import threading
from collections.abc import Iterator, Mapping
from types import FrameType, TracebackType
from typing import Any

from simulator.doubles.base import Address, Double
from simulator.doubles.platform import sweep
from simulator.errors import DoubleError, Interrupted
from simulator.interrupts import postponed

__all__ = ["Supervisor"]

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Supervisor:
    """Owns doubles by name. `start` and `ready` may be called from any thread; `stop` is idempotent."""

    def __init__(self, doubles: Mapping[str, Double] | None = None) -> None:
        self._doubles: dict[str, Double] = dict(doubles or {})
        self._started: list[str] = []
        self._lock = threading.Lock()
        self._stopped = False
        self._previous: dict[int, Any] = {}
        self._sweeping: threading.Thread | None = None

    def __enter__(self) -> Supervisor:
        self._guard()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def add(self, name: str, double: Double) -> None:
        """One more; replaces one of the same name that has not started."""
        with self._lock:
            if name in self._started:
                raise DoubleError(f"the double {name} is already running")
            self._doubles[name] = double

    def names(self) -> tuple[str, ...]:
        return tuple(self._doubles)

    def started(self) -> tuple[str, ...]:
        """Those that run, in the order of their start."""
        return tuple(self._started)

    def get(self, name: str) -> Double:
        """The double, running or not. Raises DoubleError when there is none."""
        try:
            return self._doubles[name]
        except KeyError:
            raise DoubleError(f"there is no double for `{name}`") from None

    def start(self, *names: str) -> None:
        """Begins to start doubles; returns at once. Those that run already are left alone."""
        for name in names:
            double = self.get(name)
            with self._lock:
                if self._stopped:
                    raise DoubleError("the doubles have been stopped")
                if name in self._started:
                    continue
                self._started.append(name)
                if len(self._started) == 1:
                    atexit.register(self.stop)
                    self._sweeping = threading.Thread(target=_sweep, name="doubles-sweep", daemon=True)
                    self._sweeping.start()
            double.start()

    def ready(self, name: str, timeout: float = 30.0) -> Address:
        """Where a double listens; starts it if need be and waits."""
        self.start(name)
        return self.get(name).ready(timeout)

    def prepare(self, name: str, wanted: Mapping[str, Any]) -> Address:
        """As `ready`, and what an undeclared flow asks for exists then."""
        address = self.ready(name)
        self.get(name).prepare(wanted)
        return address

    def contents(self) -> dict[str, Mapping[str, Any]]:
        """What is inside each running double."""
        return {name: self._doubles[name].contents() for name in self._started}

    def stop(self) -> None:
        """Takes everything down, all at once; never raises, and is not stopped by a second Ctrl-C."""
        # A second Ctrl-C is what impatient people press: the answer is "almost done".
        with _deaf():
            with self._lock:
                self._stopped = True
                names, self._started = self._started, []
            stopping = [
                threading.Thread(target=_stop, args=(self._doubles[name],), daemon=True) for name in names
            ]
            for thread in stopping:
                thread.start()
            for thread in stopping:
                thread.join()
            if names:
                atexit.unregister(self.stop)
        self._unguard()

    # Signals --------------------------------------------------------------------------------------------------

    def _guard(self) -> None:
        """SIGTERM and SIGHUP end a Python process without any `finally`: they are made exceptions, unless the
        program already does something about them."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _SIGNALS:
            if signal.getsignal(number) is signal.SIG_DFL:
                self._previous[number] = signal.signal(number, _interrupt)

    def _unguard(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number, previous in self._previous.items():
            signal.signal(number, previous)
        self._previous.clear()

    def __iter__(self) -> Iterator[str]:
        return iter(self._doubles)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if not postponed(number, frame):
        raise Interrupted(f"stopped by {signal.Signals(number).name}")


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """No signal interrupts the block (they can only be handled in the main thread)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, *_SIGNALS)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)


def _sweep() -> None:
    with contextlib.suppress(Exception):
        sweep()


def _stop(double: Double) -> None:
    # `stop` promises not to raise; if it breaks that promise, the others still go down.
    with contextlib.suppress(Exception):
        double.stop()
