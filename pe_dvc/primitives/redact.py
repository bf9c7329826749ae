"""What is secret, by its name and by its shape, and texts and parameters without it.

Every message of an error, every line of the log and the parameters in a manifest go through here.
Names are judged by their last words: ``api_key`` is one and ``api_key_file``, ``token_count`` and
``monkey`` are none. Numbers and booleans are never secret.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

REDACTED = "redacted"

_LOOKED_AT = 64 * 1024
"""Characters of a parameter in which a secret is looked for."""

_WORDS = r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+"
_SECRETS = frozenset(
    [
        *("password", "passwords", "passwd", "pwd", "passphrase", "secret", "secrets", "token"),
        *("tokens", "apikey", "accesskey", "secretkey", "privatekey", "accountkey", "credential"),
        *("credentials", "signature", "sig", "jwt", "bearer"),
    ]
)
_FORMS = frozenset(["id", "value", "string", "text", "base64", "hex"])
"""Last words that leave a secret one: ``access_key_id``, ``password_value``."""
_PLAIN_KEYS = frozenset(
    [
        *("public", "primary", "foreign", "join", "merge", "sort", "sorting", "group", "index"),
        *("entity", "household", "person", "tax", "benefit", "family", "spm", "marital"),
        *("partition", "unique", "lookup", "natural", "surrogate", "composite", "dict", "column"),
        *("hdf", "table", "object", "bucket", "s", "cache"),
    ]
)
"""What stands before ``key`` where that is a column or a place, and nothing that opens a door."""

# Up to the last "@" of the authority, as URLs are parsed; and a password with slashes in it, as
# AWS makes them. A port is no password, and a reference (pe-data://us/name@latest) has no user.
_USER = (
    r"(?<!pe-data://)(?<=://)(?!git@)(?:[^\s/]*@|(?!\[)[^\s/@:]+:(?!\d+(?:/|\s|$))[^\s@]{0,500}@)"
)
_PAIR = r"""(?<![\w.%-])([\w.%-]+)=("[^"]*"|'[^']*'|[^\s&;,'"<>)]+)"""
_SHAPES = (
    r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:.*?-----END [A-Z0-9 ]*-----|.*)"
    r"|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bhf_[A-Za-z0-9]{20,}|\bsk-[\w-]{20,}"
    r"|\bpedvc_[0-9a-f]{16}_[\w-]{20,}"
    r"|\bxox[abprs]-[\w-]{10,}|\bglpat-[\w-]{16,}|\bAIza[\w-]{30,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\beyJ[\w-]{8,500}\.[\w-]{8,}\.[\w-]*"
    r"|(?<=Bearer )[\w.~+/=-]{8,}|(?<=Basic )[\w+/=-]{8,}"
)
_PRIVATE_KEY = (
    # With its first line of base64, as documents speak of keys, too; in JSON, lines end in "\\n".
    rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[rn]){1,8}"
    rb"(?:[\w-]{1,40}: [^\n]{0,200}\n\s{0,8}){0,16}[A-Za-z0-9+/=]{16}"
)
_REFERENCE_TO_ONE = r"\$\{[\w.:-]+\}|\$\w+|"
"""Says where a secret is found, as DVC and shells write it, or is empty."""


def redact_text(text: str) -> str:
    """Return a text for people, with what is secret by its shape replaced.

    Replaced are users and passwords in addresses, the values of pairs such as ``token=…`` (in an
    address's query, a connection string), private keys, and tokens whose form is known.
    """
    if "://" in text:
        text = re.sub(_USER, f"{REDACTED}@", text)
    if "=" in text:
        text = re.sub(_PAIR, _redact_pair, text)
    return re.sub(_SHAPES, REDACTED, text)


def _redact_pair(match: re.Match[str]) -> str:
    return f"{match[1]}={REDACTED}" if is_secret_name(match[1]) else match[0]


def is_secret_name(name: str) -> bool:
    """Tell whether what goes by ``name`` is a secret, such as ``api_key`` or ``dbPassword``."""
    words = [word.lower() for word in re.findall(_WORDS, name.rpartition(".")[2])]
    while len(words) > 1 and words[-1] in _FORMS:
        words.pop()
    if not words:
        return False
    if words[-1] == "key":
        return len(words) == 1 or words[-2] not in _PLAIN_KEYS
    return words[-1] in _SECRETS or "".join(words[-2:]) in _SECRETS


def is_secret(name: str, value: object) -> bool:
    """Tell whether a parameter's value is secret, by its name or by its shape."""
    if not isinstance(value, str) or value == REDACTED or re.fullmatch(_REFERENCE_TO_ONE, value):
        return False
    return is_secret_name(name) or redact_text(value[:_LOOKED_AT]) != value[:_LOOKED_AT]


def holds_private_key(data: bytes) -> bool:
    """Tell whether the bytes of a file hold a private key in PEM, OpenSSH's or PGP's form."""
    return b" PRIVATE KEY" in data and re.search(_PRIVATE_KEY, data) is not None


def secret_params(params: Mapping[str, Any], allowed: Collection[str] = ()) -> Iterator[str]:
    """Yield where secrets stand in the parameters of a manifest, as ``params.yaml:train.api_key``.

    ``params`` is ``{file: {key: value}}``; what is in ``allowed`` is passed over, with what it
    holds.
    """
    for file, values in params.items():
        found = _redacted(values, f"{file}:", "", frozenset(allowed))
        yield from found[1]


def redact_params(params: Mapping[str, Any], allowed: Collection[str] = ()) -> dict[str, Any]:
    """Return parameters with the text ``redacted`` for every secret one (``secret_params``).

    Keys, lists and the kinds of all other values stay as they are.
    """
    return {
        file: _redacted(values, f"{file}:", "", frozenset(allowed))[0]
        for file, values in params.items()
    }


def redacted_params(params: Mapping[str, Any]) -> Iterator[str]:
    """Yield where ``redact_params`` left a value out."""
    for file, values in params.items():
        yield from dict.fromkeys(_left_out(values, f"{file}:"))


def _left_out(value: Any, where: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, held in value.items():
            yield from _left_out(held, _below(where, key))
    elif isinstance(value, list):
        for held in value:
            yield from _left_out(held, where)
    elif value == REDACTED:
        yield where


def _redacted(
    value: Any, where: str, name: str, allowed: frozenset[str]
) -> tuple[Any, tuple[str, ...]]:
    """Return a value without secrets, and where those are; ``name`` is the key that it is of."""
    if where in allowed:
        return value, ()
    if isinstance(value, dict):
        inner = {
            key: _redacted(held, _below(where, key), _name_of(name, key), allowed)
            for key, held in value.items()
        }
        return {key: kept for key, (kept, _) in inner.items()}, _joined(inner.values())
    if isinstance(value, list):
        items = [_redacted(held, where, name, allowed) for held in value]
        return [kept for kept, _ in items], tuple(dict.fromkeys(_joined(items)))
    return (REDACTED, (where,)) if is_secret(name, value) else (value, ())


def _joined(found: Any) -> tuple[str, ...]:
    return tuple(place for _, places in found for place in places)


def _below(where: str, key: object) -> str:
    return f"{where}{key}" if where.endswith(":") else f"{where}.{key}"


def _name_of(outer: str, key: object) -> str:
    # What a secret holds is secret by whatever name: {password: {staging: …, production: …}}.
    return outer if is_secret_name(outer) else str(key)
