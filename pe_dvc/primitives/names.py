"""The grammar of country and dataset names, checked wherever a name becomes a path or a key."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_NAME_LENGTH = 128
MAX_NAME_SEGMENTS = 3
SHOWN_NAMES = 5
COMPARED_NAMES = 10_000
"""Names that a wrong one is compared with: more take seconds."""

COUNTRY_PATTERN = r"[a-z]{2,3}(?:-[a-z][a-z0-9]{0,14})?"
"""A country's code; of one of several producers, with its name: ``uk-microcosm``.

A producer's name is shorter than the 16 digits that follow a country in names of directories.
"""
_COUNTRY = re.compile(COUNTRY_PATTERN)
# GTO's artifact names without its leading directory part. No dot, so that neither ".." nor a
# file suffix can occur; ASCII only, so that no two names look alike yet differ.
_SEGMENT = r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?"
_NAME = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT}){{0,{MAX_NAME_SEGMENTS - 1}}}")

_NOT_DATA = (".git", ".dvc")
# How file systems of macOS and Windows spell them, too: characters that HFS+ passes over, dots and
# spaces at the end, NTFS streams and short names. Git refuses the same.
_PASSED_OVER = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)
_SHORT = r"\.?(?:git|dvc)~[0-9]+"
_NO_NAMES = frozenset(["", ".", ".."])
_UNSAFE = re.compile(r"[\\\x00-\x1f\x7f]")


def say_which_there_are(wanted: str, names: Sequence[str]) -> str:
    """Return a remedy for a name that is not among ``names``: those like it, else the first."""
    if not names:
        return "It is empty."
    import difflib

    if close := difflib.get_close_matches(wanted, names[:COMPARED_NAMES], n=3):
        return f"Did you mean {' or '.join(close)}?"
    shown = names[:SHOWN_NAMES]
    rest = len(names) - len(shown)
    return f"It has {', '.join(shown)}{f' and {rest} more' if rest else ''}."


def check_country(country: str, *, where: str | None = None) -> str:
    """Return ``country`` if it is a lower-case code such as ``us``, or one with its producer.

    Raises FormatError otherwise.
    """
    if not is_country(country):
        raise FormatError(
            f"{country!r} is not a country: expected two or three lower-case letters, such as us; "
            "with the name of a producer, of up to 15 lower-case letters and digits: uk-microcosm",
            where=where,
        )
    return country


def is_country(text: str) -> bool:
    """Tell whether a text can be a country, or one of its producers."""
    return _COUNTRY.fullmatch(text) is not None


def country_code(country: str) -> str:
    """Return the code alone of a country that may have its producer: ``uk`` of ``uk-microcosm``.

    What holds for a country holds for its producers: rules of disclosure, the names of models.
    """
    return country.partition("-")[0]


def check_name(name: str, *, where: str | None = None) -> str:
    """Return ``name`` if it is a dataset name such as ``enhanced_cps_2024`` or ``states/AL``.

    Raises FormatError otherwise.
    """
    if len(name) > MAX_NAME_LENGTH or not _NAME.fullmatch(name):
        raise FormatError(
            f"{name!r} is not a dataset name: expected up to {MAX_NAME_SEGMENTS} segments of "
            "ASCII letters, digits, '_' and '-', separated by '/', "
            f"{MAX_NAME_LENGTH} characters at most",
            where=where,
        )
    return name


def check_inside(path: str, *, where: str | None = None) -> str:
    """Return ``path`` if it is relative, with forward slashes, and cannot lead out of its folder.

    Raises FormatError otherwise.
    """
    if not _NO_NAMES.isdisjoint(path.split("/")) or _UNSAFE.search(path):
        raise FormatError(
            f"{path!r} is not a path inside a directory: expected names separated by '/', without "
            "'..', backslashes and control characters",
            where=where,
        )
    return path


def check_in_work_tree(path: str, *, where: str | None = None) -> str:
    """Return ``path`` if a data file of a repo may be there: inside, not in ``.git`` or ``.dvc``.

    Raises FormatError otherwise.
    """
    check_inside(path, where=where)
    if _has_control(path):
        raise FormatError(
            f"{path!r} is among the files of git or DVC themselves, where no data belongs",
            where=where,
        )
    return path


def _has_control(path: str) -> bool:
    folded = path.lower()
    if path.isascii() and "git" not in folded and "dvc" not in folded:
        return False  # so for nearly every one of a hundred thousand
    return any(_is_control(part) for part in path.split("/"))


def _is_control(part: str) -> bool:
    name = part.translate(_PASSED_OVER).casefold().partition(":")[0].rstrip(". ")
    return name in _NOT_DATA or re.fullmatch(_SHORT, name) is not None


def check_distinct(names: Iterable[str], *, where: str | None = None) -> None:
    """Refuse two names that are one file on some file systems, which pass over the difference.

    That is one of case alone, or in how an accent is written. Raises FormatError naming both.
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(_folded(name), name)
        if other != name:
            same = unicodedata.normalize("NFC", other) == unicodedata.normalize("NFC", name)
            how = "in how their accents are written" if same else "by case"
            raise FormatError(
                f"the names {ascii(other) if same else repr(other)} and "
                f"{ascii(name) if same else repr(name)} differ {how} alone",
                where=where,
            )


def _folded(name: str) -> str:
    if name.isascii():
        return name.lower()
    # As Unicode's caseless matching has it: folding may take a composed letter apart.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
