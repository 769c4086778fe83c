"""One redactor for every sink: no form of a registered secret gets through, however the text is cut into chunks.

    >>> redactor = Redactor()
    >>> redactor.register("hunter2-hunter2")
    True
    >>> redactor.redact("password=hunter2-hunter2!")
    'password=******!'

What it promises (security.md, traps 1-7):

* every *occurrence* of every form is covered: overlapping occurrences are hidden together, so that a secret which
  begins with another secret leaves no tail, in whatever order they were registered;
* a stream fed one character at a time gives what the whole text gives, and plain text is never held back: only a
  tail that could be the beginning of a secret waits for the next chunk;
* a value below `MIN_LENGTH` characters is never replaced blindly (it would shred the text and so betray itself):
  `register` returns False and `secrets check` names it.

How: all forms start with one of few four-letter heads. One compiled pattern finds heads, a table says which forms may
begin there. A text without any head costs one pass of the regex engine.
"""

from __future__ import annotations

import codecs
import re
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from simulator.secrets.forms import forms_of

__all__ = ["MASK", "MIN_LENGTH", "Redactor", "RedactorStream", "redact_everything"]

MASK = "******"
MIN_LENGTH = 4


@dataclass(frozen=True, slots=True)
class _Table:
    """The compiled forms: never changed, so that readers need no lock."""

    pattern: re.Pattern[str] | None
    heads: dict[str, tuple[str, ...]]
    """Head -> forms that begin with it, longest first."""
    starts: dict[str, tuple[str, ...]]
    """One to three letters -> heads that begin with them, for the end of a chunk."""
    longest: int

    def spans(self, text: str) -> list[tuple[int, int]]:
        """The stretches to hide, in order; overlapping ones are one, touching ones stay two."""
        if self.pattern is None:
            return []
        found: list[tuple[int, int]] = []
        search = self.pattern.search
        match = search(text)
        while match:
            start = match.start()
            for form in self.heads[match[0]]:
                if text.startswith(form, start):
                    end = start + len(form)
                    if found and start < found[-1][1]:
                        found[-1] = (found[-1][0], max(end, found[-1][1]))
                    else:
                        found.append((start, end))
                    break
            match = search(text, start + 1)
        return found

    def open_from(self, text: str) -> int:
        """Where the first possible beginning of an unfinished form lies (the length of the text: nowhere)."""
        if self.pattern is None:
            return len(text)
        size = len(text)
        first = max(0, size - self.longest + 1)
        match = self.pattern.search(text, first)
        while match:
            start = match.start()
            rest = size - start
            tail = text[start:]
            for form in self.heads[match[0]]:
                if len(form) <= rest:
                    break
                if form.startswith(tail):
                    return start
            match = self.pattern.search(text, start + 1)
        for start in range(max(first, size - MIN_LENGTH + 1), size):
            if text[start:] in self.starts:
                return start
        return size


_EMPTY = _Table(None, {}, {}, 0)


def _compile(forms: Iterable[str]) -> _Table:
    heads: dict[str, list[str]] = {}
    for form in forms:
        heads.setdefault(form[:MIN_LENGTH], []).append(form)
    if not heads:
        return _EMPTY
    by_letter: dict[str, list[str]] = {}
    starts: dict[str, list[str]] = {}
    for head in sorted(heads):
        by_letter.setdefault(head[0], []).append(head[1:])
        for length in range(1, MIN_LENGTH):
            starts.setdefault(head[:length], []).append(head)
    # Grouped by first letter, the engine skips to candidates with a character set instead of trying every form.
    branches = [
        re.escape(letter) + "(?:" + "|".join(map(re.escape, rests)) + ")"
        for letter, rests in sorted(by_letter.items())
    ]
    return _Table(
        re.compile("|".join(branches)),
        {head: tuple(sorted(found, key=len, reverse=True)) for head, found in heads.items()},
        {start: tuple(found) for start, found in starts.items()},
        max(len(form) for found in heads.values() for form in found),
    )


#: The latest redactors of this process: for sinks that belong to no run (the output of pytest).
_ALL: deque[Redactor] = deque(maxlen=64)


def redact_everything(text: str) -> str:
    """The text masked by the latest redactors of this process."""
    for redactor in list(_ALL):
        text = redactor.redact(text)
    return text


class Redactor:
    """Knows all secrets of a run and hides them. Safe to use from any thread.

    `hidden` counts the stretches that were replaced. `enabled = False` is for the test of the tests only.
    """

    def __init__(self, values: Iterable[str] = (), *, mask: str = MASK) -> None:
        self.mask = mask
        self.enabled = True
        self.hidden = 0
        self._lock = threading.Lock()
        self._values: set[str] = set()
        self._forms: set[str] = set()
        self._table: _Table | None = _EMPTY
        _ALL.append(self)
        for value in values:
            self.register(value)

    def register(self, value: str) -> bool:
        """Hides a value and all its forms from now on. False when it is too short to be replaced anywhere."""
        if len(value.strip()) < MIN_LENGTH:
            return False
        with self._lock:
            if value not in self._values:
                self._values.add(value)
                self._forms.update(
                    form for form in forms_of(value) if len(form) >= MIN_LENGTH and form.strip()
                )
                self._table = None
        return True

    def table(self) -> _Table:
        table = self._table
        if table is None:
            with self._lock:
                table = self._table = _compile(self._forms)
        return table

    @property
    def idle(self) -> bool:
        """Whether there is nothing to hide (yet)."""
        return not self._forms

    def redact(self, text: str) -> str:
        """The text with every form of every secret replaced by the mask."""
        if not self.enabled or not text:
            return text
        spans = self.table().spans(text)
        if not spans:
            return text
        return self.replace(text, spans)

    def replace(self, text: str, spans: list[tuple[int, int]]) -> str:
        out: list[str] = []
        last = 0
        for start, end in spans:
            out.append(text[last:start])
            out.append(self.mask)
            last = end
        out.append(text[last:])
        with self._lock:
            self.hidden += len(spans)
        return "".join(out)

    def contains_secret(self, text: str) -> bool:
        """Whether any form of any secret occurs in the text (for tests and structured sinks)."""
        return bool(self.table().spans(text))

    def stream(self) -> RedactorStream:
        """A redactor for one text that comes in chunks."""
        return RedactorStream(self)


class RedactorStream:
    """Chunks in, safe text out. `feed` gives what can be shown already, `close` the rest."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._pending = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    def feed(self, chunk: str) -> str:
        if not self._redactor.enabled:
            return chunk
        text = self._pending + chunk
        table = self._redactor.table()
        spans = table.spans(text)
        cut = table.open_from(text)
        for start, end in spans:
            if start < cut < end:
                cut = start
        ready = [span for span in spans if span[1] <= cut]
        self._pending = text[cut:]
        return self._redactor.replace(text[:cut], ready) if ready else text[:cut]

    def close(self) -> str:
        """The end of the text: what was held back comes out, redacted."""
        rest, self._pending = self._pending, ""
        return self._redactor.redact(rest)

    def feed_bytes(self, chunk: bytes) -> bytes:
        """As `feed`, for UTF-8 bytes that may be cut inside a character; other bytes pass unchanged."""
        return self.feed(self._decoder.decode(chunk)).encode("utf-8", "surrogateescape")

    def close_bytes(self) -> bytes:
        last = self.feed(self._decoder.decode(b"", final=True)) + self.close()
        return last.encode("utf-8", "surrogateescape")
