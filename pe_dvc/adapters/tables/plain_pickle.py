"""Pickles of lists, dictionaries and texts, as PyTables leaves them in HDF5 files.

They are read by unpicklers that can make these and nothing else: no class of any module.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from typing import Any

_DAMAGED = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, TypeError, ValueError),
)
"""What unpickling raises beside its own error."""
_PUTS = frozenset(["PUT", "BINPUT", "LONG_BINPUT"])
"""Steps of a pickle that number a value. The unpickler makes room for all numbers up to it."""


def _loaded(unpickler: type[pickle.Unpickler], data: Any, what: str) -> Any:
    try:
        return unpickler(_checked(bytes(data))).load()
    except _DAMAGED:
        raise pickle.UnpicklingError(f"{what} is damaged") from None


def _checked(pickled: bytes) -> io.BytesIO:
    """Return a pickle to read. Raises ValueError if it would take more memory than its length."""
    for step, argument, _ in pickletools.genops(pickled):
        if step.name in _PUTS and not 0 <= int(argument or 0) <= len(pickled):
            raise ValueError
    return io.BytesIO(pickled)


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a list of columns")


def unpickled(data: Any, *kinds: type) -> Any:
    """Return a plain value of one of ``kinds``. Raises UnpicklingError for anything else."""
    found = _loaded(_PlainUnpickler, data, "a list of columns")
    if not isinstance(found, kinds):
        raise pickle.UnpicklingError("a list of columns is none")
    return found


class _ArrayUnpickler(pickle.Unpickler):
    """Reads an array of objects of numpy's, with stand-ins for what makes one."""

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] == "numpy" and name in ("_reconstruct", "ndarray", "dtype"):
            return _Array
        raise pickle.UnpicklingError(f"{module}.{name} has no place in an array of names")


class _Array:
    """Whatever numpy would have been told to make; ``items`` are an array's objects."""

    items: tuple[Any, ...] = ()

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, tuple) and state and isinstance(state[-1], list):
            self.items = tuple(state[-1])


def unpickled_items(data: Any) -> tuple[Any, ...]:
    """Return the objects of a pickled array: numbers and texts. Raises UnpicklingError."""
    found = _loaded(_ArrayUnpickler, data, "an array of names")
    if not isinstance(found, _Array):
        raise pickle.UnpicklingError("an array of names is none")
    return found.items
