"""The vault: what Kestra's open source secret manager would know, and why it would not know the rest.

    >>> vault = Vault.from_environment({"SECRET_my_pass": "aHVudGVyMg=="})
    >>> vault.find("My_Pass", "company.team")
    'hunter2'

The rules are those of Kestra's SecretService (secrets.md 1 and 1.1): exact prefix, rest upper-cased, line breaks
removed, Java's base64, what cannot be decoded is skipped with Kestra's log line, two names that differ in case only
are refused. Every value is registered in the redactor before anybody can ask for it.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from simulator.diagnostics import Collector, Diagnostic, Severity, Span
from simulator.errors import ExpressionError, SecretError
from simulator.secrets.encoding import clean_line_breaks, decode_java, is_macro
from simulator.secrets.envfile import EnvFile, read_env_file
from simulator.secrets.redact import MASK, Redactor

__all__ = ["ENV_PREFIX", "SECRET_PREFIX", "Secret", "Vault"]

SECRET_PREFIX = "SECRET_"  # noqa: S105 - a prefix, not a password
ENV_PREFIX = "ENV_"


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret: its key, the variable it came from, where that is written. The value stays out of the repr."""

    key: str
    variable: str
    value: str = field(repr=False)
    span: Span | None = None
    encoded: str = field(default="", repr=False)
    """The text that was decoded, as it stood in the environment."""


@dataclass(frozen=True, slots=True)
class _Variable:
    value: str = field(repr=False)
    span: Span | None = None


class Vault:
    """Secrets and `envs` of a run. Build it with `load` (env files) or `from_environment` (a mapping).

    `secrets`: key -> Secret. `envs`: what expressions see as `envs`. `skipped`: key -> why Kestra would not have it.
    `diagnostics`: everything odd, by position. `log`: Kestra's own ERROR lines at start. `redactor`: knows all values.
    """

    def __init__(self, redactor: Redactor | None = None) -> None:
        self.redactor = redactor or Redactor()
        self.secrets: dict[str, Secret] = {}
        self.envs: dict[str, str] = {}
        self.skipped: dict[str, str] = {}
        self.log: list[str] = []
        self.files: list[EnvFile] = []
        self._found = Collector()
        self._near: dict[str, str] = {}
        self._plain: dict[str, str] = {}

    @classmethod
    def load(
        cls,
        files: Sequence[Path | EnvFile] = (),
        *,
        format: str = "compose",
        extra: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
        redactor: Redactor | None = None,
        strict: bool = True,
    ) -> Vault:
        """Reads env files in order (a later one wins), then `extra` (`--env`), over `environ` (`--inherit-env`).

        Raises SecretError with all diagnostics when Compose would refuse a file or Kestra would refuse to start;
        `strict=False` (for `secrets check`) keeps them as diagnostics.
        """
        vault = cls(redactor)
        variables = {name: _Variable(value) for name, value in (environ or {}).items()}
        for item in files:
            read = item if isinstance(item, EnvFile) else read_env_file(item, format=format, environ=environ)
            vault.files.append(read)
            vault._found.extend(read.diagnostics)
            for entry in read.entries:
                vault._hide(entry.name, entry.value)
            for name, entry in read.last().items():
                variables[name] = _Variable(entry.value, entry.span)
                if entry.macro:
                    vault._found.warning(
                        "SIM-SECRET-011",
                        "a Kestra server would not expand this expression",
                        entry.value_span,
                        hint="`simulate secrets encode` writes the encoded value",
                    )
        variables.update({name: _Variable(value) for name, value in (extra or {}).items()})
        vault._take(variables)
        if strict and vault._found.has_errors:
            errors = [item for item in vault.diagnostics if item.severity is Severity.ERROR]
            raise SecretError(errors[0].message, span=errors[0].span, diagnostics=vault.diagnostics)
        return vault

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], *, redactor: Redactor | None = None) -> Vault:
        """A vault of plain variables, as a server would see them."""
        return cls.load(extra=environ, redactor=redactor)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        return self._found.sorted()

    def names(self) -> list[str]:
        """The keys that `secret()` accepts, sorted, without prefix."""
        return sorted(self.secrets)

    def find(self, key: str, namespace: str | None = None) -> str:
        """The clear value of a key; the namespace has no effect in the open source edition (secrets.md 1).

        Raises ExpressionError with Kestra's message, and a hint that says what is wrong.
        """
        secret = self.secrets.get(key.upper())
        if secret is None:
            raise ExpressionError(
                f"Cannot find secret for key '{key}'.",
                hint=self.explain(key),
                code="SIM-SECRET-001",
                cause_type="SecretNotFoundException",
            )
        return secret.value

    def explain(self, key: str) -> str:
        """Why a key is absent and what would help, in one sentence without any value."""
        upper = key.upper()
        without = upper.removeprefix(SECRET_PREFIX)
        if without != upper:
            more = "" if without in self.secrets else f"; {self.explain(without)}"
            return f"the prefix {SECRET_PREFIX} is not written in the flow: secret('{without}'){more}"
        if upper in self.skipped:
            return self.skipped[upper]
        if upper in self._near:
            return self._near[upper]
        if upper in self._plain:
            return (
                f"{self._plain[upper]} is there without the prefix: Kestra reads "
                f"{SECRET_PREFIX}{upper} with a base64 value; `simulate secrets encode` writes it"
            )
        close = difflib.get_close_matches(upper, self.secrets, n=1, cutoff=0.7)
        if close:
            return f"did you mean secret('{close[0]}')?"
        if not self.secrets:
            return (
                f"no secret is loaded: put {SECRET_PREFIX}{upper}=<base64> into .env_encoded "
                "(`simulate secrets encode` makes it from .env), or name a file with --env-file"
            )
        return f"put {SECRET_PREFIX}{upper}=<base64> into the env file; there are: {', '.join(filter(None, self.names()))}"

    def register(self, value: str) -> None:
        """Hides a value that was made from a secret (a sub-key of its JSON)."""
        self.redactor.register(value)

    # Kestra's rules -------------------------------------------------------------------------------------------

    def _hide(self, name: str, value: str) -> None:
        """Every `SECRET_` entry is hidden, also when its prefix is in lower case, when it cannot be decoded, or when a
        later one replaces it. `ENV_` and other variables are no secrets: hiding `eu-central-1` would shred the log.
        """
        if not name.upper().startswith(SECRET_PREFIX):
            return
        self.redactor.register(value)
        with contextlib.suppress(ValueError):
            self.redactor.register(decode_java(clean_line_breaks(value)).decode("utf-8", "replace"))

    def _take(self, variables: Mapping[str, _Variable]) -> None:
        owners: dict[str, list[str]] = {}
        for name in variables:
            if name.startswith(SECRET_PREFIX):
                owners.setdefault(name.removeprefix(SECRET_PREFIX).upper(), []).append(name)
        for key, names in owners.items():
            if len(names) > 1:
                self._clash(key, [variables[name].span for name in names], names)
        for name, variable in variables.items():
            if name.startswith(SECRET_PREFIX):
                self._secret(name, variable)
            elif name.startswith(ENV_PREFIX):
                self._env(name, variable)
            elif name.upper().startswith(SECRET_PREFIX):
                self._wrong_case(name, variable)
            else:
                self._plain.setdefault(name.upper(), name)

    def _secret(self, name: str, variable: _Variable) -> None:
        key = name.removeprefix(SECRET_PREFIX).upper()
        encoded = clean_line_breaks(variable.value)
        self.redactor.register(variable.value)
        try:
            data = decode_java(encoded)
        except ValueError as error:
            line = f"Could not decode secret '{name}', make sure it is Base64-encoded: {error}"
            self.log.append(line)
            self.skipped[key] = f"{name} is there but was skipped: it is not Base64 ({error})"
            hint = _undecodable_hint(variable.value, str(error))
            self._found.warning("SIM-SECRET-010", line, variable.span, hint=hint)
            return
        value = data.decode("utf-8", "replace")
        self.redactor.register(value)
        self.secrets[key] = Secret(key, name, value, variable.span, encoded)

    def _env(self, name: str, variable: _Variable) -> None:
        key = name.removeprefix(ENV_PREFIX).lower()
        if key in self.envs:
            self._clash(key, [variable.span], [name])
        self.envs[key] = variable.value

    def _wrong_case(self, name: str, variable: _Variable) -> None:
        key = name[len(SECRET_PREFIX) :].upper()
        reason = f"{name} is ignored: the prefix {SECRET_PREFIX} must be written in capitals"
        self._near[key] = reason
        self._found.warning("SIM-SECRET-013", reason, variable.span)

    def _clash(self, key: str, spans: Iterable[Span | None], names: Sequence[str]) -> None:
        known = [span for span in spans if span is not None]
        self._found.add(
            Diagnostic(
                "SIM-SECRET-012",
                Severity.ERROR,
                f"Duplicate key {key} (attempted merging values {MASK} and {MASK})",
                known[-1] if known else None,
                f"a Kestra server does not start with two variables that differ in case only: {', '.join(names)}",
                tuple(known[:-1]),
            )
        )


def _undecodable_hint(value: str, reason: str) -> str:
    """What to do, by the way people get there; `reason` is Java's."""
    if is_macro(value):
        return 'only {{ "text" | base64encode }} with one quoted text can be expanded'
    if value[:1] in "'\"" and value[:1] == value[-1:]:
        return "the quotes are part of the value here: remove them"
    if "-" in value or "_" in value:
        return "url-safe base64 is refused, and so is a value in clear: use `simulate secrets encode`"
    if not reason.startswith("Illegal"):
        return "it was cut off, lost a `=` at its end, or stands in clear: use `simulate secrets encode`"
    return "the value is probably in clear: use `simulate secrets encode`"
