"""The `jq` filter: jq's own library, with the numbers and the limits that Kestra's has.

jq knows one kind of number; Kestra's jackson-jq keeps the class of the input. jq's `tojson` writes numbers that it did
not touch with their digits as they were read, so the class of such a number is looked up by its text. What jq computed
is an Integer or Long when it is whole, else a Double.

Names that would read the environment, files or further input do not exist in Kestra's dialect and are refused here.
jq cannot be stopped once it runs: an expression that may go on for ever runs in a process of its own, which can.
Source: expressions.md 16.
"""

from __future__ import annotations

import functools
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.json_read import read_json
from simulator.expressions.java.text import to_json
from simulator.expressions.java.values import BigInteger, Byte, Float, Short, is_string
from simulator.expressions.scope import Scope

__all__ = ["run_jq"]

_REFUSED = (
    "env",
    "input",
    "inputs",
    "debug",
    "stderr",
    "input_filename",
    "input_line_number",
    "get_search_list",
    "halt",
    "halt_error",
    "modulemeta",
    "todate",
    "tostream",
    "isempty(f)",
    "significand",
    "gamma",
    "fabs",
    "frexp",
)
_LATER = (
    "abs",
    "toarray",
    "trim",
    "ltrim",
    "rtrim",
    "have_decnum",
    "have_literal_numbers",
    "pick(f)",
    "debug(f)",
    "scan(a; b)",
    "add(f)",
    "skip(n; f)",
    "trimstr(x)",
)
"""Functions of jq 1.7 and 1.8; Kestra's dialect is 1.6."""
_WALL = "".join(f'def {name}: error("{name} is not defined");' for name in (*_REFUSED, *_LATER))
_WALL += (
    "def recurse(f): def r: ., (f | select(. != null) | r); r; def recurse: recurse(.[]?);"
    'def paths: path(recurse(if type == "array" or type == "object" then .[] else empty end)) | select(length > 0);'
)
"""As in jq 1.5, which jackson-jq keeps: nulls end the descent (`..` is not concerned)."""
_MATHS = ("floor", "ceil", "round", "sqrt", "trunc", "log", "log2", "log10", "exp", "exp2", "exp10", "cbrt")
_WALL += (
    # Every value, nulls too: what `..` is.
    "def __all: def r: ., (.[]? | r); r;"
    # An error of null ends the branch in silence.
    "def error(f): f as $m | if $m == null then empty else ($m | error) end; def error: error(.);"
    # What is no text is left alone.
    'def __texts($x): type == "string" and ($x | type) == "string";'
    "def ltrimstr($x): if __texts($x) and startswith($x) then .[($x | length):] else . end;"
    'def rtrimstr($x): if __texts($x) and $x != "" and endswith($x) then .[:-($x | length)] else . end;'
    # Numbers in a text are doubles without a needless fraction.
    'def __canon: if type == "number" then (if . > -9e15 and . < 9e15 then . + 0 else . end)'
    ' elif type == "array" then map(__canon) elif type == "object" then map_values(__canon) else . end;'
    "def __tojson: tojson; def tojson: __canon | __tojson;"
    'def tostring: if type == "string" then . else tojson end;'
    'def __tonumber: tonumber; def tonumber: if type == "string" then __tonumber | __canon else __tonumber end;'
    # A number as read keeps its digits, so these give doubles.
    "def __double: if . > -1e15 and . < 1e15 then ((. + 0 | __tojson)"
    ' | if test("[.e]") then . else . + ".0" end | fromjson) else . end;'
)
_WALL += "".join(f"def __{name}: {name}; def {name}: __{name} | __double;" for name in _MATHS)
_WALL += (
    'def __out: if type == "number" then (if isnan then "\\u0000NaN" elif isinfinite or . >= 1.7976931348623157e308'
    ' or . <= -1.7976931348623157e308 then (if . > 0 then "\\u0000Infinity" else "\\u0000-Infinity" end) else . end)'
    ' elif type == "array" then map(__out) elif type == "object" then map_values(__out) else . end;'
)
_ENDLESS = re.compile(r"nan|infinite|log|exp|pow|sqrt|[eE]\+?\d{3}")
"""What may give a number that JSON has no form for."""
_MARKED = {"\0NaN": math.nan, "\0Infinity": math.inf, "\0-Infinity": -math.inf}
_DESCENT = re.compile(r"(?<!\.)\.\.(?!\.)")
_VARIABLES = re.compile(r"\$\s*(?:ENV|__prog_args|__loc__)\b")
_UNBOUNDED = re.compile(
    r"\b(?:def|range|repeat|while|until|recurse|combinations|limit|foreach|reduce|setpath)\b|\d{6,}|\d[eE]\+?\d"
)
"""What an expression needs to run long or grow large on small input."""
_LONG_MAX, _LONG_MIN = 2**63 - 1, -(2**63)
_CHILD = """
import json, sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))
except (ImportError, ValueError, OSError):
    pass
import jq
job = json.load(sys.stdin)
found, room = [], job["room"]
try:
    for text in jq.compile(job["program"]).input_text(job["text"]):
        found.append(text)
        room -= len(text) + 1
        if room < 0:
            sys.exit("long")
except (ValueError, MemoryError) as error:
    sys.exit(f"error {error}")
json.dump(found, sys.stdout)
"""


@functools.lru_cache(maxsize=256)
def _program(expression: str) -> str:
    """The guarded program. Raises JavaError for what is no expression."""
    import jq

    if _VARIABLES.search(expression):
        raise JavaError("JsonQueryException", "Undefined variable: $ENV")
    if '"' not in expression:
        # Their `..` is bound to the name `recurse`, which is another one here.
        expression = _DESCENT.sub(" __all ", expression)
    out = "|__out" if _ENDLESS.search(expression) else ""
    program = f"{_WALL}({expression}\n){out}|__tojson"
    try:
        # Compiled in two kinds of brackets, so that no text can close them; and nothing in them can import.
        jq.compile(f"{_WALL}[{expression}\n]")
        jq.compile(program)
    except ValueError as error:
        raise JavaError("JsonQueryException", str(error)) from error
    return program


@functools.lru_cache(maxsize=256)
def _compiled(program: str) -> Any:
    import jq

    return jq.compile(program)


def run_jq(expression: str, value: Any, scope: Scope) -> list[Any]:
    """All outputs of the expression for the value (text is read as JSON first). Raises JavaError."""
    program = _program(expression)
    data = (read_json(value) if value.strip(" \t\r\n") else None) if is_string(value) else value
    text = to_json(data, scope.zone)
    classes: dict[str, Any] = {}
    _collect(data, classes)
    run = _outside if _UNBOUNDED.search(expression) else _inside
    return [_read(found, classes) for found in run(program, text, scope)]


def _inside(program: str, text: str, scope: Scope) -> Iterable[str]:
    room = scope.limits.output_chars
    found: list[str] = []
    try:
        for result in _compiled(program).input_text(text):
            room -= len(result) + 1
            if room < 0:
                raise _too_long()
            found.append(result)
    except JavaError:
        raise
    except ValueError as error:
        raise JavaError("JsonQueryException", str(error)) from error
    return found


def _outside(program: str, text: str, scope: Scope) -> Iterable[str]:
    job = json.dumps({"program": program, "text": text, "room": scope.limits.output_chars})
    try:
        # Own interpreter, own program, everything else over stdin; no environment to look at.
        done = subprocess.run(
            [sys.executable, "-I", "-c", _CHILD],
            input=job,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={},
            timeout=scope.limits.regex_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise JavaError(
            "OutOfMemoryError", f"jq has not come to an end within {scope.limits.regex_seconds:g} s"
        ) from None
    except OSError as error:
        raise JavaError("JsonQueryException", f"jq cannot be started: {error}") from error
    if done.returncode != 0:
        reason = done.stderr.strip()
        if reason == "long" or done.returncode < 0 or "cannot allocate" in reason or "MemoryError" in reason:
            raise _too_long()
        raise JavaError("JsonQueryException", reason)
    found: list[str] = json.loads(done.stdout)
    return found


def _too_long() -> JavaError:
    return JavaError("OutOfMemoryError", "the results of jq are longer than the limit")


def _collect(value: Any, classes: dict[str, Any]) -> None:
    """Numbers of the input whose class their JSON text does not tell, by that text."""
    if isinstance(value, Mapping):
        for item in value.values():
            _collect(item, classes)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            _collect(item, classes)
    elif isinstance(value, (Float, Decimal, BigInteger, Short, Byte)):
        classes.setdefault(to_json(value), value)
    elif isinstance(value, int) and not isinstance(value, bool) and not _LONG_MIN <= value <= _LONG_MAX:
        classes.setdefault(str(value), value)
    elif isinstance(value, float):
        classes.setdefault(to_json(value), float(value))


def _read(text: str, classes: Mapping[str, Any]) -> Any:
    def whole(digits: str) -> Any:
        if digits in classes:
            return classes[digits]
        number = int(digits)
        return number if _LONG_MIN <= number <= _LONG_MAX else float(digits)

    def fraction(digits: str) -> Any:
        return classes[digits] if digits in classes else float(digits)

    found = json.loads(text, parse_int=whole, parse_float=fraction)
    return _unmarked(found) if "\\u0000" in text else found


def _unmarked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unmarked(item) for item in value]
    if isinstance(value, dict):
        return {key: _unmarked(item) for key, item in value.items()}
    return _MARKED.get(value, value) if isinstance(value, str) else value
