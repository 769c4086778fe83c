"""Env files as Docker Compose reads them, every entry with its position.

Two grammars: `compose` (what `env_file:` of a compose file does: quotes, ` #` comments, `export`, interpolation) and
`raw` (`format: raw`, the same as `docker run --env-file`: everything after the first `=` is the value). A third one,
`plain`, reads the `.env` that a person writes for `simulate secrets encode`: the compose grammar without
interpolation, since a `$` in a password is a `$`.

The reader goes on after a mistake and reports all of them. What Compose refuses is an ERROR, what it accepts but
nobody means (a key twice, a line cut off by `base64`) is a WARNING. No diagnostic holds a value. Source: secrets.md 8
and the behaviour of compose-go's dotenv reader.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simulator.diagnostics import Collector, Diagnostic, Position, Severity, Span
from simulator.errors import SecretError, UsageError
from simulator.secrets.encoding import expand_macro, is_macro
from simulator.secrets.interpolation import expand_escapes, interpolate

__all__ = ["FORMATS", "EnvEntry", "EnvFile", "parse_env_text", "read_env_file", "require_env_files"]

FORMATS = ("compose", "raw")

#: An env file is small; a disk image given by mistake is not.
MAX_BYTES = 16 * 1024 * 1024

_EXPORT = re.compile(r"export[ \t\v\f\r\x85\xa0]+")
_BLANKS = " \t\v\f\r\x85\xa0"
_BASE64_LINE = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_MACRO_LINE = re.compile(r"(?:export[ \t]+)?(?P<name>[\w.\-\[\]]+)[ \t]*=[ \t]*(?P<value>\{\{.*\}\})[ \t\r]*")
_WRAP = 76

#: What an excerpt of a line shows: a name, when it is one for sure. `c3Q=` may be the end of a wrapped value.
_VISIBLE = re.compile(
    r"\s*(?:export\s+)?(?:(?:SECRET|ENV)_[\w.\-\[\]]*|[^\W\d][\w.\-\[\]]*(?==[^=]))[=:]?\s*"
)


@dataclass(frozen=True, slots=True)
class EnvEntry:
    """One variable of the file. `value` is in clear and kept out of the representation."""

    name: str
    value: str = field(repr=False)
    span: Span
    """The name."""
    value_span: Span
    quote: str = ""
    """The quote character around the value, if any."""
    macro: bool = False
    """The value was written `{{ "..." | base64encode }}` and has been expanded."""


@dataclass(frozen=True, slots=True)
class EnvFile:
    """All entries in file order (a name may occur twice: the last one counts), and what is odd about the file."""

    file: str
    entries: tuple[EnvEntry, ...]
    diagnostics: tuple[Diagnostic, ...]

    def last(self) -> dict[str, EnvEntry]:
        """The entry that counts for each name."""
        return {entry.name: entry for entry in self.entries}


def require_env_files(paths: Iterable[Path]) -> None:
    """Raises UsageError for a file that is not there. A pipe is fine: `--env-file <(sops -d secrets)`."""
    for path in paths:
        if path.is_dir():
            raise UsageError(f"the env file `{path}` is a folder")
        if not path.exists():
            raise UsageError(
                f"there is no env file `{path}`",
                hint="`simulate secrets encode .env` makes one from a plain .env",
            )


def read_env_file(
    path: Path, *, format: str = "compose", environ: Mapping[str, str] | None = None, shown: str | None = None
) -> EnvFile:
    """Reads a file. `environ` answers `$X` and lines without `=`; `shown` is the name used in positions.

    Raises SecretError when it cannot be read at all; mistakes inside are diagnostics.
    """
    file = shown or str(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)  # a pipe or device does not say how much it holds
        if len(data) > MAX_BYTES:
            raise SecretError(
                f"Env file is larger than {MAX_BYTES} bytes: {file}", code="SIM-ENV-001"
            ) from None
    except FileNotFoundError:
        raise SecretError(f"Env file not found: {file}", code="SIM-ENV-001") from None
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise SecretError(f"Env file cannot be read: {file}: {reason}", code="SIM-ENV-001") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        where = Span(file, Position(line, column), Position(line, column + 1), shown="")
        raise SecretError(
            "Env file is not UTF-8 text", span=where, code="SIM-ENV-002", hint="save it as UTF-8"
        ) from None
    return parse_env_text(text, file, format=format, environ=environ)


def parse_env_text(
    text: str,
    file: str = "<string>",
    *,
    format: str = "compose",
    environ: Mapping[str, str] | None = None,
) -> EnvFile:
    """Reads a text by one of the grammars `compose`, `raw` or `plain`."""
    parser = _Parser(text, file, dict(environ or {}))
    {"raw": parser.raw, "compose": parser.compose, "plain": parser.plain}[format]()
    parser.check_names()
    return EnvFile(file, tuple(parser.entries), tuple(parser.found.sorted()))


class _Parser:
    def __init__(self, text: str, file: str, environ: Mapping[str, str]) -> None:
        self.text = text
        self.file = file
        self.environ = environ
        self.entries: list[EnvEntry] = []
        self.found = Collector()
        self.starts = [0]
        for match in re.finditer("\n", text):
            self.starts.append(match.end())
        self.is_plain = False
        self.inside = (0, 0)
        """Where the last quoted value that spans lines stands."""

    # Positions ------------------------------------------------------------------------------------------------

    def span(self, start: int, end: int) -> Span:
        begin = self._position(start)
        return Span(self.file, begin, self._position(max(end, start)), shown=self._shown(begin.line))

    def _shown(self, number: int) -> str:
        """A line without what may be a value: all but the name is starred out, in its width for the caret's sake."""
        start = self.starts[number - 1]
        line = self.text[start : self._line_end(start)].rstrip(_BLANKS)
        name = None if self.inside[0] < start <= self.inside[1] else _VISIBLE.match(line)
        keep = name.end() if name else len(line) - len(line.lstrip())
        return line[:keep] + "*" * (len(line) - keep)

    def _position(self, offset: int) -> Position:
        line = bisect.bisect_right(self.starts, offset) - 1
        return Position(line + 1, offset - self.starts[line] + 1)

    def _line_end(self, offset: int) -> int:
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end

    # Grammars -------------------------------------------------------------------------------------------------

    def raw(self) -> None:
        """`format: raw`: a line is a comment, or a name, `=` and the value as it stands."""
        for start in self.starts:
            end = self._line_end(start)
            line = self.text[start:end].removesuffix("\r")
            stripped = line.lstrip()
            begin = start + len(line) - len(stripped)
            if not stripped or stripped.startswith("#"):
                continue
            if self._macro(begin, end):
                continue
            name, equals, value = stripped.partition("=")
            if not name:
                self.found.error("SIM-ENV-003", "no variable name on this line", self.span(begin, end))
            elif re.search(r"\s", name):
                self._name_with_space(begin, begin + len(name))
            elif equals:
                value_start = begin + len(name) + 1
                self._add(name, value, begin, value_start, value_start + len(value))
            else:
                self._inherit(name, begin)

    def compose(self) -> None:
        self._statements(colon=True, interpolated=True)

    def plain(self) -> None:
        self.is_plain = True
        self._statements(colon=False, interpolated=False)

    def _statements(self, *, colon: bool, interpolated: bool) -> None:
        offset = 0
        size = len(self.text)
        while True:
            while offset < size and (self.text[offset] == "\n" or self.text[offset] in _BLANKS):
                offset += 1
            if offset >= size:
                return
            if self.text[offset] == "#":
                offset = self._line_end(offset)
                continue
            line_end = self._line_end(offset)
            if self._macro(offset, line_end):
                offset = line_end
                continue
            offset = self._statement(offset, line_end, colon, interpolated)

    def _statement(self, offset: int, line_end: int, colon: bool, interpolated: bool) -> int:
        """Reads one `NAME=value`; the offset after it."""
        export = _EXPORT.match(self.text, offset)
        start = export.end() if export else offset
        for index in range(start, line_end):
            char = self.text[index]
            if char in _BLANKS or char in "_.-[]" or char.isalpha() or char.isnumeric():
                continue
            if char == "=" or (colon and char == ":"):
                return self._assignment(start, index, line_end, interpolated)
            self._unexpected(char, start, index, line_end)
            return line_end
        name = self.text[start:line_end].strip(_BLANKS)
        if any(blank in name for blank in _BLANKS):
            self._name_with_space(start, start + len(name))
        elif name:
            self._inherit(name, start)
        return line_end

    def _assignment(self, start: int, separator: int, line_end: int, interpolated: bool) -> int:
        name = self.text[start:separator].rstrip()
        value_start = separator + 1
        while value_start < line_end and self.text[value_start] in _BLANKS:
            value_start += 1
        first = self.text[value_start : value_start + 1]
        if first in ("'", '"'):
            return self._quoted(name, start, value_start, line_end, first, interpolated)
        written = self.text[value_start:line_end]
        value, comment, _ = written.partition(" #")
        value = value.rstrip()
        if comment:
            where = value_start + len(written.partition(" #")[0]) + 1
            self.found.warning(
                "SIM-ENV-006",
                "everything from ` #` on is a comment, not part of the value",
                self.span(where, line_end),
                hint="put the value in single quotes if the # belongs to it",
            )
        if interpolated:
            value = self._interpolated(value, value_start)
        if self._good_name(name, start):
            self._add(name, value, start, value_start, value_start + len(value))
        return line_end

    def _quoted(
        self, name: str, start: int, value_start: int, line_end: int, quote: str, interpolated: bool
    ) -> int:
        chars: list[str] = []
        escaped = False
        for index in range(value_start + 1, len(self.text)):
            char = self.text[index]
            if char == quote and not escaped:
                value = "".join(chars)
                if "\n" in value:
                    self.inside = (value_start, index)
                if quote == '"':
                    value = expand_escapes(value, dollar="$$" if interpolated else "$")
                    if interpolated:
                        value = self._interpolated(value, value_start)
                if self._good_name(name, start):
                    self._add(name, value, start, value_start, index + 1, quote)
                return self._after_quote(index + 1)
            if char == "\\" and not escaped:
                escaped = True
                continue
            if escaped and char != quote:
                chars.append("\\")
            escaped = False
            chars.append(char)
        self.found.error(
            "SIM-ENV-005",
            "unterminated quoted value",
            self.span(value_start, line_end),
            hint="close the quote, or write the whole value in the other kind of quotes",
        )
        return line_end

    def _after_quote(self, offset: int) -> int:
        """Compose reads what follows a closing quote as the next statement; only a comment makes sense there."""
        end = self._line_end(offset)
        rest = self.text[offset:end].strip(_BLANKS)
        if rest and not rest.startswith("#"):
            self.found.error(
                "SIM-ENV-005",
                "text after the closing quote",
                self.span(offset, end),
                hint="escape a quote inside the value as \\\" or \\', or use the other kind of quotes",
            )
        return end

    # Pieces ---------------------------------------------------------------------------------------------------

    def _macro(self, start: int, end: int) -> bool:
        """`SECRET_X={{ "actual" | base64encode }}`: expanded before the grammar can cut it at a # or a $."""
        match = _MACRO_LINE.fullmatch(self.text, start, end)
        if match is None or not is_macro(match["value"]):
            return False
        value = expand_macro(match["value"])
        begin, finish = match.span("value")
        if value is None:
            (self.found.error if self.is_plain else self.found.warning)(
                "SIM-ENV-008",
                "this expression cannot be expanded here",
                self.span(begin, finish),
                hint='only {{ "text" | base64encode }} with one quoted text is; or write the value itself',
            )
            value = match["value"]
        name_start = match.start("name")
        where = self.span(name_start, match.end("name"))
        self.entries.append(
            EnvEntry(match["name"], value, where, self.span(begin, finish), macro=value != match["value"])
        )
        return True

    def _interpolated(self, value: str, offset: int) -> str:
        if "$" not in value:
            return value
        seen = {entry.name: entry.value for entry in self.entries}

        def lookup(name: str) -> str | None:
            return self.environ.get(name, seen.get(name))

        def unset(name: str) -> None:
            self.found.warning(
                "SIM-ENV-007",
                f"the variable {name} is not set: it becomes an empty text",
                self.span(offset, self._line_end(offset)),
                hint="write $$ for a $, or put the value in single quotes",
            )

        try:
            return interpolate(value, lookup, unset)
        except ValueError as error:
            self.found.error(
                "SIM-ENV-007",
                str(error),
                self.span(offset, self._line_end(offset)),
                hint="write $$ for a $, or put the value in single quotes",
            )
            return value

    def _good_name(self, name: str, start: int) -> bool:
        if not name:
            self.found.error("SIM-ENV-003", "no variable name on this line", self.span(start, start + 1))
            return False
        if " " in name or "\t" in name:
            self._name_with_space(start, start + len(name))
            return False
        return True

    def _add(
        self, name: str, value: str, start: int, value_start: int, value_end: int, quote: str = ""
    ) -> None:
        where = self.span(start, start + len(name))
        self.entries.append(EnvEntry(name, value, where, self.span(value_start, value_end), quote))

    def _inherit(self, name: str, start: int) -> None:
        """A name without `=` takes the value of the environment, if there is one."""
        where = self.span(start, start + len(name))
        if name in self.environ:
            self.entries.append(EnvEntry(name, self.environ[name], where, where))
        elif self._continuation(start, start + len(name)):
            pass
        elif self.is_plain:
            self.found.warning(
                "SIM-ENV-004", "a line without `=` is left out", where, hint="a line is NAME=value"
            )
        else:
            # The name may be half of a value: it is not shown.
            self.found.warning(
                "SIM-ENV-004",
                "a line without `=` takes its value from the environment, which has none",
                where,
                hint="write NAME=value, or run with --inherit-env",
            )

    def _continuation(self, start: int, end: int) -> bool:
        """Whether the line looks like the rest of a value that `base64` wrapped; says so once."""
        line = self.text[start : self._line_end(start)].rstrip()
        if not self.entries or not _BASE64_LINE.fullmatch(line):
            return False
        previous = self.entries[-1]
        if previous.quote or len(previous.value) % _WRAP or not _BASE64_LINE.fullmatch(previous.value):
            return False
        if not previous.value:
            return False
        self.found.warning(
            "SIM-ENV-009",
            f"this line looks like the rest of {previous.name}, wrapped at {_WRAP} columns: the value is cut off",
            self.span(start, end),
            hint="encode with `base64 -w0`, or let `simulate secrets encode` do it",
        )
        return True

    def _unexpected(self, char: str, start: int, index: int, line_end: int) -> None:
        if self._continuation(start, line_end):
            return
        shown = char if char.isprintable() else f"U+{ord(char):04X}"
        self.found.error(
            "SIM-ENV-003",
            f'unexpected character "{shown}" in variable name',
            self.span(index, index + 1),
            hint="a line is NAME=value, a comment starts with #"
            + ("; wrapped base64 needs `base64 -w0`" if char in "+/" else ""),
        )

    def _name_with_space(self, start: int, end: int) -> None:
        self.found.error(
            "SIM-ENV-003",
            "key cannot contain a space",
            self.span(start, end),
            hint="a line is NAME=value, a comment starts with #",
        )

    def check_names(self) -> None:
        """A name twice: the last one counts, which is seldom meant. The loop's junk lines are named."""
        seen: dict[str, EnvEntry] = {}
        kept: list[EnvEntry] = []
        for entry in self.entries:
            if self._wrapped_tail(kept, entry):
                continue
            kept.append(entry)
            if entry.name in seen:
                self.found.add(_duplicate(entry, seen[entry.name]))
            seen[entry.name] = entry
        self.entries = kept

    def _wrapped_tail(self, kept: list[EnvEntry], entry: EnvEntry) -> bool:
        """`c3Q=` after a line of 76 letters reads as a variable `c3Q`: it is the end of the value before."""
        if not kept or entry.value not in ("", "=") or entry.quote:
            return False
        previous = kept[-1]
        if entry.span.start.line != previous.value_span.end.line + 1 or entry.name.startswith("SECRET_"):
            return False
        offset = self.starts[entry.span.start.line - 1] + entry.span.start.column - 1
        current, self.entries = self.entries, kept
        try:
            return self._continuation(offset, self._line_end(offset))
        finally:
            self.entries = current


def _duplicate(entry: EnvEntry, first: EnvEntry) -> Diagnostic:
    return Diagnostic(
        "SIM-ENV-010",
        Severity.WARNING,
        f"{entry.name} is given twice: this one counts, line {first.span.start.line} is ignored",
        entry.span,
        related=(first.span,),
    )
