"""Tables of a few texts that people write, read without pydantic.

Every command in a data repo reads such a table first, and to load pydantic takes longer than all
else that a ``pull`` does before it asks for bytes. Like ``documents.strict``: every key is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pe_dvc.documents.key_errors import missing_key, not_a_mapping, unknown_key, wrong_value

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    _Record = TypeVar("_Record", bound=DataclassInstance)


class Read(Protocol):
    """Returns what a value, found in ``file`` under the key ``path``, means. Raises FormatError."""

    def __call__(self, value: Any, /, *, file: str, path: str) -> Any:  # noqa: D102
        ...


def read_plain(
    record: type[_Record],
    value: Any,
    *,
    file: str,
    path: str,
    readers: Mapping[str, Read] | None = None,
) -> _Record:
    """Check ``value``, found in ``file`` under the key ``path``, and return it as a dataclass.

    Each of its fields is a text but those that have one of the ``readers``. Raises FormatError
    naming the file, the key and the remedy.
    """
    known = {field.name: field for field in fields(record)}
    required = [name for name, field in known.items() if _is_required(field)]
    if not isinstance(value, Mapping):
        raise not_a_mapping(value, required, file=file, path=path)
    unknown = [key for key in value if key not in known]
    if unknown:
        raise unknown_key(unknown[0], known, file=file, path=path)
    missing = [name for name in required if name not in value]
    if missing:
        raise missing_key(file=file, path=f"{path}.{missing[0]}")
    found = {}
    for key, given in value.items():
        read = (readers or {}).get(key)
        if read is None and not isinstance(given, str):
            raise wrong_value("expected text", given, file=file, path=f"{path}.{key}")
        found[key] = read(given, file=file, path=f"{path}.{key}") if read else given
    return record(**found)


def whole_number(expected: str, *, least: int, most: int | None = None) -> Read:
    """Return what reads a number from ``least`` to ``most``; ``expected`` says so in messages."""

    def read(value: Any, /, *, file: str, path: str) -> int:
        if type(value) is not int or value < least or (most is not None and value > most):
            raise wrong_value(f"expected {expected}", value, file=file, path=path)
        return value

    return read


def _is_required(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING
