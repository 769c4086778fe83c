"""From `interpreter` and a command text to a process call that shows no secret in the process table.

Kestra calls `<interpreter> <text>`. A rendered text may hold secrets, and arguments are readable by every user of the
machine (security.md, trap 10), so the shells and languages known here get the text through standard input and evaluate
it themselves: `$0`, the exit code and the effect of `set -e` stay the same. The process then has an empty standard
input, as in Kestra. An interpreter that is not known here is called as Kestra calls it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

__all__ = ["build_call", "is_posix_shell"]

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "zsh", "busybox"})
_PWSH = frozenset({"pwsh", "powershell", "pwsh.exe", "powershell.exe"})


def is_posix_shell(interpreter: Sequence[str]) -> bool:
    """Whether the interpreter is `sh`, `bash`... with a text to follow."""
    return (
        PurePath(interpreter[0]).name in _SHELLS
        and len(interpreter) > 1
        and interpreter[-1].startswith("-")
        and interpreter[-1].endswith("c")
    )


def build_call(interpreter: Sequence[str], text: str) -> tuple[list[str], bytes | None]:
    """The argument vector and the standard input that make `interpreter` run `text`."""
    name = PurePath(interpreter[0]).name
    last = interpreter[-1]
    if is_posix_shell(interpreter):
        return [*interpreter, 'eval "$(/bin/cat)"'], text.encode()
    if name in _PWSH and last.lower() in ("-command", "-c"):
        return [*interpreter, ". ([scriptblock]::Create([Console]::In.ReadToEnd()))"], text.encode()
    if name.startswith("python") and last == "-c":
        return [*interpreter, "import sys; exec(sys.stdin.read())"], text.encode()
    if name.startswith("node") and last in ("-e", "--eval"):
        return [*interpreter, "eval(require('fs').readFileSync(0, 'utf8'))"], text.encode()
    return [*interpreter, text], None
