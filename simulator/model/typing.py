"""From a given value (mostly a text) to the typed value of an input or a flow output (flow.md 3.2).

`TypedParser.parse` raises `ValueProblem`: with `plain` set, the text is shown as it is (IllegalArgumentException), else
it is wrapped as Kestra wraps other exceptions.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from simulator.dialect import Dialect
from simulator.values import Instant, parse_duration

__all__ = [
    "ENCRYPTED_TYPE",
    "TypedParser",
    "ValueProblem",
    "java_text",
    "parse_date",
    "parse_instant",
    "parse_time",
]

ENCRYPTED_TYPE = "io.kestra.datatype:aes_encrypted"
_NO_KEY = "Unable to use a `SECRET` input/output as encryption is not configured"

_URI_1 = re.compile(
    r"^[a-z]+://(?:www\.)?[-a-zA-Z0-9@:%._+~#=]{1,256}\.[a-zA-Z0-9()]{1,6}\b(?:[-a-zA-Z0-9()@:%_+.~#?&/=]*)$",
    re.ASCII,
)
_URI_2 = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_FLOAT = re.compile(
    r"[-+]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?[fFdD]?|0[xX][0-9a-fA-F]*\.?[0-9a-fA-F]*[pP][-+]?\d+[fFdD]?)",
    re.ASCII,
)
_DATE = re.compile(r"([-+]?\d{4,9})-(\d\d)-(\d\d)", re.ASCII)
_TIME = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?", re.ASCII)
_STORED = ("kestra", "file", "nsfile")
#: 2.0's word for a value of the wrong form (TypeConverter): the class that it was to become
_CLASSES = {
    "INT": "Integer",
    "FLOAT": "Float",
    "DATETIME": "Instant",
    "DATE": "LocalDate",
    "TIME": "LocalTime",
    "DURATION": "Duration",
}


class ValueProblem(Exception):  # noqa: N818 - a step of ours, never seen outside the room
    """A value that is not of the type. `plain`: the text stands alone in Kestra's message."""

    def __init__(self, message: str, *, plain: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.plain = plain


def java_text(value: Any) -> str:
    """`toString()` of a value, as messages show it."""
    from simulator.expressions.java.text import to_string

    return to_string(value)


def _unparsable(text: str) -> ValueProblem:
    return ValueProblem(f"Text '{text}' could not be parsed at index 0")


def parse_date(text: str) -> dt.date:
    """`LocalDate.parse`."""
    match = _DATE.fullmatch(text)
    try:
        if match:
            return dt.date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError as error:
        raise ValueProblem(f"Text '{text}' could not be parsed: {error}") from error
    raise _unparsable(text)


def parse_time(text: str) -> dt.time:
    """`LocalTime.parse`."""
    match = _TIME.fullmatch(text)
    try:
        if match:
            micros = int((match[4] or "").ljust(6, "0")[:6])
            return dt.time(int(match[1]), int(match[2]), int(match[3] or 0), micros)
    except ValueError as error:
        raise ValueProblem(f"Text '{text}' could not be parsed: {error}") from error
    raise _unparsable(text)


_OFFSET = re.compile(r"([-+])(\d\d):?(\d\d)?(?::?(\d\d))?", re.ASCII)


def parse_instant(text: str) -> Instant:
    """`Instant.parse`: a date, `T`, a time with seconds, `Z` or an offset."""
    date, separator, rest = text.upper().partition("T")
    match = re.fullmatch(r"([\d:.]+)(Z|[-+][\d:]+)", rest, re.ASCII)
    if not separator or match is None or match[1].count(":") < 2:
        raise _unparsable(text)
    day, time = parse_date(date), parse_time(match[1])
    zone = dt.UTC
    if match[2] != "Z":
        offset = _OFFSET.fullmatch(match[2])
        if offset is None:
            raise _unparsable(text)
        seconds = int(offset[2]) * 3600 + int(offset[3] or 0) * 60 + int(offset[4] or 0)
        if seconds > 18 * 3600:
            raise _unparsable(text)
        zone = dt.timezone(dt.timedelta(seconds=seconds if offset[1] == "+" else -seconds))
    try:
        return Instant.of(dt.datetime.combine(day, time, zone))
    except OverflowError as error:
        raise _unparsable(text) from error


class TypedParser:
    """Converts values for one dialect. `upload` stores a local file and returns its URI; `encrypt` gives the
    ciphertext (base64) of a text, None when no key is configured."""

    def __init__(
        self,
        dialect: Dialect,
        *,
        upload: Callable[[str, str], str] | None = None,
        encrypt: Callable[[str], str] | None = None,
    ) -> None:
        self.dialect = dialect
        self.upload = upload
        self.encrypt = encrypt

    def parse(self, type_: str | None, name: str, value: Any, item_type: str | None = None) -> Any:
        """The typed value. Raises ValueProblem."""
        if type_ is None:
            return value
        if value is None:
            raise self._nothing(type_)
        method = _PARSERS.get(type_)
        if method is not None:
            try:
                return method(self, value)
            except ValueProblem as problem:
                if self.dialect.major == 1 or type_ not in _CLASSES:
                    raise
                text = f"Cannot convert value '{java_text(value)}' to {_CLASSES[type_]}"
                raise ValueProblem(text, plain=True) from problem
        if type_ in ("ARRAY", "MULTISELECT"):
            return self._items(name, value, item_type)
        if type_ == "FILE":
            return self._file(name, value)
        if type_ == "SECRET":
            return self._secret(value)
        raise ValueProblem(f"No enum constant io.kestra.core.models.flows.Type.{type_}", plain=True)

    def _nothing(self, type_: str) -> ValueProblem:
        """What Java says of a null where a value is needed."""
        if self.dialect.major >= 2:
            if type_ in _CLASSES or type_ == "BOOL":
                return ValueProblem("No value present")
            if type_ in ("ARRAY", "MULTISELECT"):
                return ValueProblem('argument "content" is null', plain=True)
        return ValueProblem('Cannot invoke "Object.toString()" because "current" is null')

    # One method per type; the table below names them.

    def _string(self, value: Any) -> str:
        if isinstance(value, (dict, list)) and self.dialect.major >= 2:
            from simulator.expressions.java.text import to_json

            return to_json(value)
        return java_text(value)

    def _int(self, value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool):
            return int(value)
        text = java_text(value)
        if not re.fullmatch(r"[-+]?\d+", text, re.ASCII) or not -(2**31) <= int(text) < 2**31:
            raise ValueProblem(f'For input string: "{text}"', plain=True)
        return int(text)

    def _float(self, value: Any) -> float:
        from simulator.expressions.java.values import Float

        if isinstance(value, Float):
            return value
        text = java_text(value).strip()
        if not _FLOAT.fullmatch(text):
            raise ValueProblem(f'For input string: "{text}"' if text else "empty String", plain=True)
        if "p" in text.lower():
            return Float(float.fromhex(text.rstrip("fFdD")))
        return Float(text.rstrip("fFdD") if text[-1] not in "Nny" else text)

    def _bool(self, value: Any) -> bool:
        return value if isinstance(value, bool) else java_text(value).lower() == "true"

    def _datetime(self, value: Any) -> Instant:
        if isinstance(value, Instant):
            return value
        return parse_instant(java_text(value))

    def _date(self, value: Any) -> dt.date:
        if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            return value
        return parse_date(java_text(value))

    def _time(self, value: Any) -> dt.time:
        return value if isinstance(value, dt.time) else parse_time(java_text(value))

    def _duration(self, value: Any) -> dt.timedelta:
        if isinstance(value, dt.timedelta):
            return value
        try:
            return parse_duration(java_text(value))
        except ValueError as error:
            raise ValueProblem(str(error)) from error

    def _json(self, value: Any) -> Any:
        if self.dialect.major >= 2 and not isinstance(value, str):
            return value
        if isinstance(value, (dict, list)):
            return value  # a default that was written as YAML
        text = java_text(value)
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueProblem(_json_message(text, error, self.dialect)) from error

    def _yaml(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        from simulator.errors import InvalidFlowError
        from simulator.source.yaml import read_yaml

        try:
            return read_yaml(value, "<input>").plain()
        except InvalidFlowError as error:
            raise ValueProblem(error.message) from error

    def _uri(self, value: Any) -> str:
        text = java_text(value)
        if self.dialect.major == 1:
            if not _URI_1.match(text):
                raise ValueProblem(f"Expected `URI` but received `{text}`", plain=True)
        elif (
            not _URI_2.fullmatch(text)
            or text.split(":", 1)[1].startswith("/")
            and not text.split(":", 1)[1].startswith("//")
            and text.split(":", 1)[0].lower() in ("http", "https")
        ):
            raise ValueProblem("Invalid URI format.", plain=True)
        return text

    def _items(self, name: str, value: Any, item_type: str | None) -> list[Any]:
        items = list(value) if isinstance(value, (list, tuple)) else self._json_list(value)
        if item_type is None:
            return items
        typed = []
        for item in items:
            try:
                typed.append(self.parse(item_type, name, item))
            except ValueProblem as problem:
                text = f"Unable to parse array element as `{item_type}` on `{java_text(item)}`"
                raise ValueProblem(text, plain=True) from problem
        return typed

    def _json_list(self, value: Any) -> list[Any]:
        text = java_text(value)
        try:
            items = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueProblem(_json_message(text, error, self.dialect)) from error
        if not isinstance(items, list):
            raise ValueProblem(
                "Cannot deserialize value of type `java.util.ArrayList<java.lang.Object>` from "
                + (
                    "Object value (token `JsonToken.START_OBJECT`)"
                    if isinstance(items, dict)
                    else "a scalar value"
                )
            )
        return items

    def _file(self, name: str, value: Any) -> str:
        text = java_text(value)
        scheme = text.split(":", 1)[0] if ":" in text else ""
        if scheme in _STORED:
            return text
        if self.upload is None:
            raise ValueProblem(f"Can't upload file: {text}", plain=True)
        return self.upload(name, text)

    def _secret(self, value: Any) -> Any:
        if self.encrypt is None:
            raise ValueProblem(_NO_KEY)
        cipher = self.encrypt(java_text(value))
        return cipher if self.dialect.major == 1 else {"value": cipher, "type": ENCRYPTED_TYPE}


def _json_message(text: str, error: Exception, dialect: Dialect) -> str:
    from simulator.expressions.java.json_errors import explain_json

    explained = explain_json(text) if dialect.major >= 2 else None
    if explained is not None:
        return explained
    if isinstance(error, json.JSONDecodeError):
        word = re.match(r"[\w.-]+", text[error.pos :])
        if word:
            return f"Unrecognized token '{word[0]}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
        return f"Unexpected content at line {error.lineno}, column {error.colno}: {error.msg}"
    return "The JSON text is nested too deeply"


_PARSERS: dict[str, Callable[[TypedParser, Any], Any]] = {
    "STRING": TypedParser._string,
    "SELECT": TypedParser._string,
    "ENUM": TypedParser._string,
    "EMAIL": TypedParser._string,
    "INT": TypedParser._int,
    "FLOAT": TypedParser._float,
    "BOOL": TypedParser._bool,
    "BOOLEAN": TypedParser._bool,
    "DATETIME": TypedParser._datetime,
    "DATE": TypedParser._date,
    "TIME": TypedParser._time,
    "DURATION": TypedParser._duration,
    "JSON": TypedParser._json,
    "YAML": TypedParser._yaml,
    "URI": TypedParser._uri,
}


def option_values(values: Sequence[Any], dialect: Dialect) -> list[Any]:
    """The values of a SELECT: texts, or in 2.0 also {label, value}."""
    chosen = []
    for item in values:
        if isinstance(item, dict) and dialect.major >= 2:
            if "value" not in item:
                raise ValueProblem("Select option object must define a `value` field", plain=True)
            chosen.append(java_text(item["value"]))
        else:
            chosen.append(java_text(item))
    return chosen
