"""INI as DVC writes it: the one reader of its configuration.

``configobj`` reads it, as it does for DVC. It takes years on some lines that are none of its
format, and values may repeat others without end; so what DVC does not write is refused before.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.merge_conflict import conflict_error
from pe_dvc.primitives.printable import brief
from pe_dvc.store.plain_files import read_document

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_BYTES = 256 * 1024
"""Most bytes of a configuration file."""
MAX_LINE = 4096
"""Most characters of a line."""

_REMEDY = "Correct that line; `dvc config --list` shows whether DVC can read it."
_QUOTED = r"""(?:"[^"]*+"|'[^']*+')"""
_VALUE = rf"(?:{_QUOTED}|[^\s'\",\#][^\s,\#]*+(?:[ \t]{{1,8}}[^\s,\#]++){{0,32}}+)"
_LINE = re.compile(
    rf"""
    (?: \[ [ ]? (?: {_QUOTED} | [^\[\]'"\#]{{1,100}}+ ) [ ]? \]
      | (?: {_QUOTED} | [^\s'"=\#\[][^\s=]*+ (?:[ \t]{{1,8}}[^\s=]++){{0,8}}+ ) [ \t]{{0,8}}+
        = [ \t]{{0,8}}+ (?: {_VALUE} (?: [ ]? , [ ]? {_VALUE} ){{0,8}}+ ,? )?
    )?
    (?: [ \t]{{0,8}}+ \# .* )?
    """,
    re.VERBOSE,
)


def read_ini(file: Path) -> dict[str, Any]:
    """Return the sections of a file and their options, as they are written.

    Raises OSError, and FormatError naming the line for what is not as DVC writes it.
    """
    from configobj import ConfigObj, ConfigObjError

    data = read_document(file, limit=MAX_BYTES)
    if refusal := conflict_error(data, where=str(file)):
        raise refusal
    try:
        lines = [line.strip() for line in data.decode().split("\n")]
        for number, line in enumerate(lines, 1):
            _check(line, f"{file}: line {number}")
        found: dict[str, Any] = ConfigObj(lines, interpolation=False).dict()
    except (ConfigObjError, UnicodeDecodeError, RecursionError) as error:
        reason = brief(str(error))
        fault = f"expected DVC's configuration, {reason}"
        raise FormatError(fault, where=str(file), remedy=_REMEDY) from error
    return found


def _check(line: str, where: str) -> None:
    if len(line) > MAX_LINE or "%(" in line or not _LINE.fullmatch(line):
        raise FormatError(
            f"expected DVC's configuration, got {brief(repr(line))}", where=where, remedy=_REMEDY
        )


def with_remote(text: str, name: str, options: Mapping[str, str]) -> str:
    """Return a configuration with a remote that is the default one; comments stay.

    ``text`` is one that ``read_ini`` takes.
    """
    from configobj import ConfigObj

    config = ConfigObj(text.splitlines(), interpolation=False, indent_type="    ")
    config.setdefault("core", {})["remote"] = name
    config[f'remote "{name}"'] = dict(options)
    return "".join(f"{line}\n" for line in config.write())


def ini_text(section: str, options: Mapping[str, str]) -> str:
    """Return a configuration of one section, with values quoted where they must be."""
    from configobj import ConfigObj

    config = ConfigObj(interpolation=False, indent_type="    ")
    config[section] = dict(options)
    return "".join(f"{line}\n" for line in config.write())
