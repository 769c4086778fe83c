"""`JavaError`: a Java exception as data, for helpers that know no template position."""

from __future__ import annotations

__all__ = ["JavaError"]


class JavaError(ValueError):
    """What a JDK or library call would have thrown.

    `java_type` is the simple class name (`DateTimeParseException`), the argument its message. Callers turn it into
    an `ExpressionError` at their place; it never leaves the room.
    """

    def __init__(self, java_type: str, message: str) -> None:
        super().__init__(message)
        self.java_type = java_type
        self.message = message
