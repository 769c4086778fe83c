"""When a signal may become an exception: never inside an import.

An import that is torn up may swallow the exception, or leave a lock of the import system behind on which every other
thread then waits forever.
"""

from __future__ import annotations

import os
from types import FrameType

__all__ = ["postponed"]

_AGAIN_SECONDS = 0.05


def postponed(number: int, frame: FrameType | None) -> bool:
    """Whether the signal came inside an import; then it is sent again a moment later and the handler must return."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            import threading

            again = threading.Timer(_AGAIN_SECONDS, os.kill, (os.getpid(), number))
            again.daemon = True
            again.start()
            return True
        frame = frame.f_back
    return False
