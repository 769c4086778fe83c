"""Java's glob patterns and Kestra's ways of matching files with them (storage.md 4).

`*` stops at `/`, `**` crosses it; `?`, `[..]`, `[!..]`, `{a,b}` as in java.nio.file.FileSystem.getPathMatcher.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from simulator.errors import StorageError

__all__ = ["glob_regex", "match_working_dir", "namespace_matcher", "wildcard_regex"]

_META = set(".^$+{[]|()")


def glob_regex(glob: str) -> re.Pattern[str]:
    """A Java glob as a regular expression for the whole path. Raises StorageError for a broken pattern."""
    out: list[str] = []
    in_group = False
    i, size = 0, len(glob)
    while i < size:
        char = glob[i]
        i += 1
        if char == "\\":
            if i == size:
                raise StorageError(f"No character to escape near index {i - 1}\n{glob}")
            out.append(re.escape(glob[i]))
            i += 1
        elif char == "*":
            if i < size and glob[i] == "*":
                out.append(".*")
                i += 1
            else:
                out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "[":
            end, text = _bracket(glob, i)
            out.append(text)
            i = end
        elif char == "{":
            if in_group:
                raise StorageError(f"Cannot nest groups near index {i - 1}\n{glob}")
            out.append("(?:(?:")
            in_group = True
        elif char == "}" and in_group:
            out.append("))")
            in_group = False
        elif char == "," and in_group:
            out.append(")|(?:")
        else:
            out.append(re.escape(char))
    if in_group:
        raise StorageError(f"Missing '}}' near index {size - 1}\n{glob}")
    try:
        return re.compile("".join(out), re.DOTALL)
    except re.error as error:
        raise StorageError(f"{error} near index {error.pos or 0}\n{glob}") from None


def _bracket(glob: str, i: int) -> tuple[int, str]:
    """A bracket expression that starts behind its `[`: the index behind it and its regular expression."""
    end = glob.find("]", i + 1 if glob[i : i + 1] in ("!", "^") else i)
    if end < 0 or end == i:
        raise StorageError(f"Missing ']' near index {len(glob) - 1}\n{glob}")
    body = glob[i:end]
    negated = body.startswith("!")
    body = body.removeprefix("!")
    if "/" in body:
        raise StorageError(f"Explicit 'name separator' in class near index {i}\n{glob}")
    body = body.replace("\\", "\\\\").replace("[", "\\[").replace("&&", "\\&&")
    if body.startswith("^"):
        body = "\\" + body
    return end + 1, f"(?!/)[{'^' if negated else ''}{body}]"


def wildcard_regex(pattern: str) -> re.Pattern[str]:
    """Shell-like `*` and `?` over a whole key or namespace (PurgeKV, PurgeFiles)."""
    text = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(text, re.DOTALL)


def _compile(pattern: str) -> re.Pattern[str]:
    if pattern.startswith("regex:"):
        try:
            return re.compile(pattern[6:])
        except re.error as error:
            raise StorageError(f"{error}\n{pattern[6:]}") from None
    return glob_regex(pattern.removeprefix("glob:"))


def namespace_matcher(
    include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
) -> Callable[[str], bool]:
    """Matches namespace file paths (`a/b.sql` or `/a/b.sql`): included and not excluded; nothing given = all.

    A pattern that begins with a word character gets `**/` in front, so `*.sql` below any folder needs `**/*.sql`
    while `a.sql` matches everywhere.
    """

    def compiled(patterns: Iterable[str] | None) -> list[re.Pattern[str]]:
        result = []
        for pattern in patterns or ():
            if not pattern.startswith(("glob:", "regex:")) and re.match(r"\w", pattern):
                pattern = "**/" + pattern
            result.append(_compile(pattern))
        return result

    wanted, unwanted = compiled(include), compiled(exclude)

    def matches(path: str) -> bool:
        path = "/" + path.lstrip("/")
        # A pattern without a leading slash (`*.sql`) is meant from the top.
        both = (path, path[1:])
        if wanted and not any(p.fullmatch(text) for p in wanted for text in both):
            return False
        return not any(p.fullmatch(text) for p in unwanted for text in both)

    return matches


def match_working_dir(root: Path, patterns: Iterable[str]) -> Iterator[Path]:
    """Regular files below `root` that match a glob relative to it, sorted; symbolic links are skipped."""
    base = str(root)
    compiled = []
    for pattern in patterns:
        if pattern.startswith(("glob:", "regex:")):
            compiled.append(_compile(pattern))
        else:
            compiled.append(glob_regex(_escape(base) + "/" + pattern.removeprefix("/")))
    if not compiled:
        return
    for path in sorted(walk_files(root)):
        if any(p.fullmatch(str(path)) for p in compiled):
            yield path


def walk_files(root: Path) -> Iterator[Path]:
    """Regular files below a directory; neither links to files nor to directories are followed."""
    import os

    for parent, _, files in os.walk(root):
        for name in files:
            path = Path(parent, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _escape(path: str) -> str:
    return re.sub(r"([\\*?\[\]{}])", r"\\\1", path)
