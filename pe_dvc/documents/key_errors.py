"""What is wrong with a key of a file that people write: which file, which key, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.printable import brief

if TYPE_CHECKING:
    from collections.abc import Collection


def not_a_mapping(value: object, required: Collection[str], *, file: str, path: str) -> FormatError:
    """Return the error of a value that should have keys, some of them ``required``."""
    return FormatError(
        f"expected a mapping, got {brief(repr(value))}",
        where=f"{file}: {path}",
        remedy=f"Write keys below {path}, such as {', '.join(required)}.",
    )


def unknown_key(key: str, known: Collection[str], *, file: str, path: str) -> FormatError:
    """Return the error of a key below ``path`` that is none of the ``known`` ones."""
    import difflib  # of use to who misspelt something

    close = difflib.get_close_matches(key, known, n=1)
    listed = f"Remove it, or use one of {', '.join(sorted(known))}."
    return FormatError(
        "is not a key that pe_dvc knows",
        where=f"{file}: {f'{path}.{key}' if path else key}",
        remedy=f"Did you mean {close[0]}?" if close else listed,
    )


def missing_key(*, file: str, path: str) -> FormatError:
    """Return the error of a key that should be there."""
    return FormatError("is missing", where=f"{file}: {path}", remedy=f"Add {path} to {file}.")


def wrong_value(fault: str, value: object, *, file: str, path: str) -> FormatError:
    """Return the error of a value that has a ``fault``."""
    return FormatError(
        f"{fault}, got {brief(repr(value))}",
        where=f"{file}: {path}",
        remedy=f"Correct {path} in {file}.",
    )
