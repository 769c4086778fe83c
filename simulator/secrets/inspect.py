"""What looks wrong about secrets that Kestra would accept. Every rule sees values, no finding shows one.

The traps are those that people fall into with the documented ways of encoding (users.md B.2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from simulator.diagnostics import Diagnostic, Severity, Span
from simulator.secrets.encoding import decode_java, looks_encoded
from simulator.secrets.redact import MIN_LENGTH
from simulator.secrets.vault import Secret, Vault

__all__ = ["SecretReport", "inspect_vault", "suspicions"]


def _double_encoded(secret: Secret) -> str | None:
    if looks_encoded(secret.value):
        return "decodes to a text that is itself Base64: encoded twice?"
    return None


def _trailing_newline(secret: Secret) -> str | None:
    if secret.value.endswith(("\n", "\r")) and "\n" not in secret.value.rstrip("\r\n"):
        return "ends with a line break: `echo` without -n?"
    return None


def _blanks(secret: Secret) -> str | None:
    value = secret.value.rstrip("\r\n")
    return "begins or ends with a blank" if value != value.strip() else None


def _quotes(secret: Secret) -> str | None:
    value = secret.value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return "the quotes around it are part of the value"
    return None


def _not_text(secret: Secret) -> str | None:
    try:
        decode_java(secret.encoded).decode("utf-8")
    except UnicodeDecodeError:
        return "decodes to bytes that are no UTF-8 text: a value in clear that happens to be Base64?"
    return None


def _cut_off(secret: Secret) -> str | None:
    if len(secret.encoded) == 76:
        return "is exactly 76 columns long: wrapped by `base64` and cut off?"
    return None


def _tiny(secret: Secret) -> str | None:
    if not secret.value:
        return "is empty"
    if len(secret.value.strip()) < MIN_LENGTH:
        return f"is shorter than {MIN_LENGTH} characters: too short to be masked in logs"
    return None


def _placeholder(secret: Secret) -> str | None:
    return "is an expression, not a value" if secret.value.strip().startswith("{{") else None


#: Every rule: a secret in, a sentence or None out.
RULES: tuple[Callable[[Secret], str | None], ...] = (
    _tiny,
    _not_text,
    _double_encoded,
    _trailing_newline,
    _blanks,
    _quotes,
    _cut_off,
    _placeholder,
)


def suspicions(secret: Secret) -> list[str]:
    """All that looks wrong about one secret."""
    return [text for rule in RULES if (text := rule(secret))]


@dataclass(frozen=True, slots=True)
class SecretReport:
    """What `simulate secrets check` has to say, as data."""

    used: tuple[str, ...]
    present: tuple[str, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    skipped: tuple[str, ...]
    """Keys that cannot be decoded: Kestra would not have them."""
    suspicious: Mapping[str, tuple[str, ...]]
    diagnostics: tuple[Diagnostic, ...]


def inspect_vault(
    vault: Vault, uses: Iterable[tuple[str, Span | None]] = (), *, flows: bool = True
) -> SecretReport:
    """Compares what flows use (key as written, place) with what the vault has.

    `flows=False`: no flow was looked at, so nothing can be called unused.
    """
    diagnostics = list(vault.diagnostics)
    used: dict[str, Span | None] = {}
    for key, span in uses:
        upper = key.upper()
        if upper not in vault.secrets:
            diagnostics.append(
                Diagnostic(
                    "SIM-SECRET-001",
                    Severity.ERROR,
                    f"Cannot find secret for key '{key}'.",
                    span,
                    vault.explain(key),
                )
            )
        used.setdefault(upper, span)
    suspicious: dict[str, tuple[str, ...]] = {}
    for key, secret in vault.secrets.items():
        texts = suspicions(secret)
        if texts:
            suspicious[key] = tuple(texts)
        diagnostics.extend(
            Diagnostic("SIM-SECRET-016", Severity.WARNING, f"{secret.variable} {text}", secret.span)
            for text in texts
        )
    return SecretReport(
        used=tuple(sorted(used)),
        present=tuple(vault.names()),
        missing=tuple(sorted(key for key in used if key not in vault.secrets)),
        unused=tuple(sorted(key for key in vault.secrets if key not in used)) if flows else (),
        skipped=tuple(sorted(key for key in vault.skipped if key not in vault.secrets)),
        suspicious=suspicious,
        diagnostics=tuple(sorted(diagnostics, key=Diagnostic.sort_key)),
    )
