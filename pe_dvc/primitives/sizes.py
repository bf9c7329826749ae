"""Sizes as people write them."""

from __future__ import annotations

import math
import re

from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.printable import brief

MAX_DIGITS = 18
MAX_SIZE = 2**63 - 1
"""Most bytes that any file can have."""

_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_SIZE = r"(?i)(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?"


def parse_size(text: str, *, where: str | None = None) -> int:
    """Return a number of bytes from ``20GB``, ``1.5 GiB`` or ``500000``. Raises FormatError."""
    match = re.fullmatch(_SIZE, text.strip())
    if match is None or (match[3] and not match[2]):
        raise FormatError(
            f"{brief(repr(text))} is not a size: expected the form of 20GB, 1.5GiB or 500000",
            where=where,
        )
    unit = _UNITS[match[2].lower()]
    if match[3]:
        unit = 1024 ** {"k": 1, "m": 2, "g": 3, "t": 4}[match[2].lower()]
    if len(match[1]) > MAX_DIGITS:
        raise FormatError(f"{brief(repr(text))} is too large for a size", where=where)
    return int(float(match[1]) * unit)


def counted(number: int, noun: str) -> str:
    """Return how many there are of a thing: ``1 file``, ``2 files``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def bytes_text(size: int) -> str:
    """Return a number of bytes for a person to read, such as ``14.2 MB``."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def amount_text(amount: float) -> str:
    """Return a number for a person to read, such as ``196.4 bn`` or ``0.0312``."""
    if 1000 <= abs(amount) < 1e6:
        return f"{amount:,.0f}"
    return _in_units(amount, 4)


def figure_text(amount: float) -> str:
    """Return a number that is held to a bound, with six digits: ``173.572 bn``, ``5,400``."""
    return _in_units(amount, 6)


def _in_units(amount: float, digits: int) -> str:
    for unit, size in (("tn", 1e12), ("bn", 1e9), ("m", 1e6)):
        if size <= abs(amount) < math.inf:
            return f"{amount / size:,.{digits}g} {unit}"
    return f"{amount:,.{digits}g}"


def percent_text(share: float, *, signed: bool = False) -> str:
    """Return a share as percents with two digits, such as ``0.45%``, ``100%`` or ``+300%``."""
    percents = share * 100
    digits = f"{percents:,.0f}" if abs(percents) >= 10 else f"{percents:.2g}"
    return f"{'+' if signed and percents > 0 else ''}{digits}%"
