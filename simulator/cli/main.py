"""`simulate`: finds the command, parses its arguments, calls it, turns errors into exit codes.

`simulate FLOW` is `simulate run FLOW`; `simulate` alone shows the flows found here. A command's module is imported
when the command is used, so that `simulate --version` costs an interpreter and argparse.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import difflib
import errno
import gc
import io
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from simulator._version import __version__
from simulator.interrupts import postponed

if TYPE_CHECKING:
    from simulator.cli.console import Console

__all__ = ["COMMANDS", "entry", "main"]

#: command -> (group, what it does), in the order of the help text
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("run", "run a flow for real against test doubles"),
    "test": ("run", "run test suites of flows"),
    "triggers": ("run", "when a flow would start, and play it in simulated time"),
    "check": ("look", "find every mistake before anything runs"),
    "explain": ("look", "what a diagnostic code means"),
    "list": ("look", "flows found, with what each needs"),
    "graph": ("look", "topology of a flow"),
    "show": ("look", "a flow with defaults merged and aliases resolved"),
    "eval": ("look", "evaluate an expression"),
    "mocks": ("look", "a skeleton of mocks for a flow"),
    "secrets": ("secrets", "encode, check, list and decode secrets"),
    "executions": ("after", "kept executions: list, show, logs, outputs, diff"),
    "report": ("after", "one HTML file that shows an execution"),
    "record": ("after", "turn an execution into a test suite"),
    "resume": ("after", "go on with a paused execution"),
    "restart": ("after", "run a failed execution again from where it failed"),
    "replay": ("after", "run an execution again as a new one"),
    "kill": ("after", "kill a kept execution"),
    "migrate": ("more", "rewrite flows from Kestra 1.x to 2.0"),
    "parity": ("more", "compare a run here with a run on a Kestra server"),
    "schema": ("more", "JSON Schema of the flow language for editors"),
    "doctor": ("more", "is everything in place?"),
}

_GROUPS = {
    "run": "Run",
    "look": "Look before running",
    "secrets": "Secrets",
    "after": "After a run",
    "more": "More",
}
_FLOW_ENDINGS = (".yml", ".yaml")


#: From here on a list of all options says less than `[options]`.
_MANY_OPTIONS = 9


class _Help(argparse.HelpFormatter):
    """Says which options may be given more than once."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        repeatable = isinstance(action, argparse._AppendAction) and action.help
        return f"{action.help}; repeatable" if repeatable else action.help


class _Parser(argparse.ArgumentParser):
    def __init__(self, **settings: Any) -> None:
        # As defaults, for the parsers of sub-commands too: an abbreviation would break with the next option.
        super().__init__(**{"allow_abbrev": False, "formatter_class": _Help, **settings})

    def error(self, message: str) -> NoReturn:
        from simulator.errors import UsageError

        hint = _similar_option(message, self) or f"`{self.prog} --help` shows what it takes"
        raise UsageError(message, hint=hint)

    def shorten_usage(self) -> None:
        """`usage: simulate run [options] FLOW` where the whole list would fill a screen."""
        takes = [action for action in self._actions if not action.option_strings]
        if len(self._actions) - len(takes) > _MANY_OPTIONS:
            self.usage = " ".join([self.prog, "[options]", *map(_positional, takes)])

    def options(self) -> list[str]:
        """Every option, those of sub-commands included."""
        found = list(self._option_string_actions)
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                found += [name for parser in action.choices.values() for name in parser.options()]
        return found


def _positional(action: argparse.Action) -> str:
    name = str(action.metavar or action.dest)
    return {"?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} [{name} ...]"}.get(str(action.nargs), name)


def _similar_option(message: str, parser: _Parser) -> str | None:
    """What was meant by `unrecognized arguments: --stict`."""
    _, found, given = message.partition("unrecognized arguments: ")
    for word in given.split() if found else ():
        name = word.partition("=")[0]
        if name.startswith("--") and (close := difflib.get_close_matches(name, parser.options(), 1)):
            return f"did you mean `{close[0]}`?"
    return None


def help_text() -> str:
    lines = [
        "simulate: run Kestra flows on this machine, against test doubles",
        "",
        "usage: simulate FLOW.yml [options]      run a flow (the same as `simulate run FLOW.yml`)",
        "       simulate COMMAND [arguments]",
        "       simulate                         flows found here",
    ]
    for group, title in _GROUPS.items():
        lines += ["", f"{title}:"]
        lines += [f"  {name:<12}{text}" for name, (where, text) in COMMANDS.items() if where == group]
    lines += ["", "`simulate COMMAND --help` shows a command's options; `simulate --version` the version."]
    return "\n".join(lines)


def main(argv: Sequence[str], console: Console | None = None) -> int:
    """Runs one command line; returns the exit code. Never raises."""
    if list(argv) == ["--version"]:
        with contextlib.suppress(OSError):  # nobody reads it
            sys.stdout.write(f"simulate {__version__}\n")
            sys.stdout.flush()
        return 0
    from simulator.cli.console import Console as RealConsole
    from simulator.errors import ExitCode, SimulatorError

    console = console or RealConsole()
    debug = bool(console.environ.get("SIMULATE_DEBUG"))
    try:
        return int(_dispatch(list(argv), console))
    except SimulatorError as error:
        console.report(error.to_diagnostics())
        if debug:
            _trace(console)
        return int(error.exit_code)
    except KeyboardInterrupt:
        console.err("interrupted")
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader went away (`simulate list | head`): nobody is left to tell.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return int(ExitCode.SUCCESS)
    except SystemExit as exit_:  # argparse --help
        return exit_.code if isinstance(exit_.code, int) else 0
    except Exception as error:
        if debug:
            _trace(console)
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            with contextlib.suppress(OSError):
                console.err(f"error SIM-STORAGE-001: cannot write: {error.strerror}")
            return int(ExitCode.FAILED)
        console.err(f"internal error: {type(error).__name__}: {error}")
        console.err("    this is a bug of the simulator; SIMULATE_DEBUG=1 shows where it happened")
        return int(ExitCode.INTERNAL)


#: What ends a command without a bug of ours: nowhere to write to.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)


def _trace(console: Console) -> None:
    """The traceback, through the redactor: exception texts hold whatever the failing code held."""
    import traceback

    console.err(traceback.format_exc())


def _dispatch(argv: list[str], console: Console) -> int:
    from simulator.errors import UsageError

    if not argv:
        return _call("home", [], console)
    first = argv[0]
    if first in ("-h", "--help", "help"):
        if first == "help" and len(argv) > 1 and argv[1] in COMMANDS:
            return _call(argv[1], ["--help"], console)
        console.out(help_text())
        return 0
    if first in COMMANDS:
        return _call(first, argv[1:], console)
    if first.startswith("-") or _is_flow(first):
        return _call("run", argv, console)
    close = difflib.get_close_matches(first, COMMANDS, 1)
    hint = f"did you mean `simulate {close[0]}`?" if close else "`simulate --help` lists the commands"
    raise UsageError(f"no command or flow file `{first}`", hint=hint)


def _is_flow(argument: str) -> bool:
    # A path that does not exist is still meant as a flow when it looks like one: `run` says what is wrong with it.
    return argument.endswith(_FLOW_ENDINGS) or os.sep in argument or Path(argument).exists()


def _call(name: str, argv: list[str], console: Console) -> int:
    try:
        module = import_module(f"simulator.cli.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"simulator.cli.{name}":
            raise
        from simulator.errors import UnsupportedError

        raise UnsupportedError(f"`simulate {name}` is not part of this version") from None
    parser = _Parser(prog=f"simulate {name}", description=module.HELP)
    module.add_arguments(parser)
    parser.shorten_usage()
    return int(module.run(parser.parse_args(argv), console))


def entry() -> NoReturn:
    """The console script. SIGTERM and SIGHUP end a command as Ctrl-C does, so that every `finally` runs."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    _mend_streams()
    if sys.argv[1:] == ["--version"]:
        sys.exit(main(["--version"]))
    # Nearly all that is made here (modules, classes, the flow) lives to the end: looking for cycles in it every 700
    # objects is a tenth of a short run.
    gc.set_threshold(50_000, 20, 20)
    from simulator.cli.console import Console, RedactedStream

    console = Console()
    # Whatever libraries, threads and the interpreter itself write goes through the redactor too.
    sys.stderr = RedactedStream(sys.stderr, console)
    code = main(sys.argv[1:], console)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = 0
    except OSError:
        code = code or 1  # what was to be shown is lost
    _leave(code)


def _mend_streams() -> None:
    """A caller may have closed them (`>&-`): then they lead nowhere, and no file that is opened later takes their place.
    A terminal of an old encoding shows `?` for what it has no letter for."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(handle, "r" if number == 0 else "w", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _interrupt(number: int, frame: FrameType | None) -> None:
    if not postponed(number, frame):
        raise KeyboardInterrupt


def _leave(code: int) -> NoReturn:
    """Ends the process without taking its modules apart, which is a fifth of a short run.

    What others asked to be done at the end is done; a thread that is still at work gets the ordinary end, which waits.
    """
    import threading

    main_thread = threading.main_thread()
    if any(thread is not main_thread and not thread.daemon for thread in threading.enumerate()):
        sys.exit(code)
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError):  # the reader went away, or the stream is closed
        sys.stdout.flush()
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)
