"""Puts the modules of a page's scripts into one: a file on a disk may not import another one.

It knows the form in which ours are written: named imports of modules beside, ``export`` before what
is declared. Anything else is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([a-z-]+\.js)";\n', re.M)
_EXPORT = re.compile(r"^export (?=(?:async function\*?|function\*?|class|const) (\w+))", re.M)
_OTHERS = re.compile(r"^(?:import|export)\b.*|</script|<!--|^await ", re.M | re.I)


def bundle(modules: Mapping[str, str], entries: Iterable[str]) -> str:
    """Return one script that does what the modules ``entries`` do, in that order.

    Each module is a function that gives what it exports. Raises ValueError for a module of another
    form, KeyError for one that is not there.
    """
    done: dict[str, str] = {}
    for entry in entries:
        _add(modules, entry, done, ())
    return "".join(done.values())


def _add(
    modules: Mapping[str, str], name: str, done: dict[str, str], importers: tuple[str, ...]
) -> None:
    if name in done:
        return
    if name in importers:
        raise ValueError(f"{name} imports itself, by way of {importers[-1]}")
    text = modules[name]
    for _, imported in _IMPORT.findall(text):
        _add(modules, imported, done, (*importers, name))
    done[name] = _as_function(name, text)


def _as_function(name: str, text: str) -> str:
    exported = _EXPORT.findall(text)
    body = _EXPORT.sub("", _IMPORT.sub(_as_constant, text))
    other = _OTHERS.search(body)
    if other is not None:
        raise ValueError(f"{name} cannot be put into one file: {other[0][:80]}")
    names = ", ".join(exported)
    return f"const {_variable(name)} = (() => {{\n{body}\nreturn {{ {names} }};\n}})();\n"


def _as_constant(match: re.Match[str]) -> str:
    names = " ".join(match[1].split()).replace(" as ", ": ")
    return f"const {{ {names} }} = {_variable(match[2])};\n"


def _variable(name: str) -> str:
    return f"module_{name.removesuffix('.js').replace('-', '_')}"
