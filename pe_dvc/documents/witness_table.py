"""Whom a data repo asks to cosign its log: ``[tool.pe_dvc.witnesses]`` of its pyproject.toml.

Which of them readers demand stands in the root, signed; here is only where to find them. ADR 0042.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pe_dvc.documents.dataclass_reader import Read, read_plain, whole_number
from pe_dvc.documents.key_errors import wrong_value

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_ADDRESS = re.compile(
    r"(?:https://[A-Za-z0-9.:\[\]-]+|http://(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]+)?)"
    r"(?:/[^?#\s]*)?"
)
MOST_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class WitnessTable:
    """One witness. ``key`` is what ``pe-dvc witness key`` prints there.

    ``url`` is of one that is a server, which is asked; ``signatures`` the address of the directory
    where one without a server keeps what it signed. ``timeout`` is in seconds.
    """

    key: str
    url: str | None = None
    signatures: str | None = None
    timeout: int = 10


def read_witnesses(value: Any, *, file: str, path: str) -> dict[str, WitnessTable]:
    """Read all witnesses, by name. Raises FormatError naming the key."""
    if not isinstance(value, Mapping):
        raise wrong_value("expected a table for each witness", value, file=file, path=path)
    return {name: _witness(name, one, file, f"{path}.{name}") for name, one in value.items()}


def _address(value: Any, *, file: str, path: str) -> str:
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        fault = "expected an address of https without user, query and fragment"
        raise wrong_value(fault, value, file=file, path=path)
    return value.rstrip("/")


_READERS: dict[str, Read] = {
    "url": _address,
    "signatures": _address,
    "timeout": whole_number(
        f"a number of seconds, 1 to {MOST_SECONDS}", least=1, most=MOST_SECONDS
    ),
}


def _witness(name: str, value: Any, file: str, path: str) -> WitnessTable:
    if not _NAME.fullmatch(name):
        raise wrong_value("expected a name of letters, digits, _ or -", name, file=file, path=path)
    found = read_plain(WitnessTable, value, file=file, path=path, readers=_READERS)
    if (found.url is None) == (found.signatures is None):
        raise wrong_value("expected either url or signatures", value, file=file, path=path)
    return found
