"""Requirements files of pip: what they pin, one logical line each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERSION = re.compile(r"([A-Za-z0-9][\w.-]*+)(?:\[[^\]\n]*+\])?[ \t]*+===?[ \t]*+([^\s;\\]++)")
_ADDRESS = re.compile(r"([A-Za-z0-9][\w.-]*+)(?:\[[^\]\n]*+\])?[ \t]*+@[ \t]*+([^\s;\\]++)")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9][\w.-]*+)")
_COMMIT = re.compile(r"@([0-9a-f]{40}(?:[0-9a-f]{24})?)(?=[#&]|$)")
_HASH = re.compile(r"--hash[= ]sha256:([0-9a-f]{64})")


@dataclass(frozen=True, kw_only=True)
class Pin:
    """What one line pins: a version, or a file or git commit by its address."""

    name: str
    version: str | None
    commit: str | None
    hashes: frozenset[str]


def pinned(text: str) -> Iterator[Pin]:
    """Yield what a requirements file pins. A line that names no package is passed over."""
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        requirement = line.strip().removeprefix("-e ").removeprefix("--editable ").lstrip()
        hashes = frozenset(_HASH.findall(requirement))
        version = _VERSION.match(requirement)
        if version is not None:
            yield Pin(name=version[1], version=version[2], commit=None, hashes=hashes)
            continue
        address = _ADDRESS.match(requirement)
        named = address or (_EGG.search(requirement) if "://" in requirement else None)
        if named is not None:
            target = (address[2] if address else requirement.split(maxsplit=1)[0]).strip()
            commit = _COMMIT.search(target) if target.startswith("git+") else None
            in_address = re.findall(r"[#&]sha256=([0-9a-f]{64})", target)
            yield Pin(
                name=named[1],
                version=None,
                commit=commit[1] if commit else None,
                hashes=hashes | frozenset(in_address),
            )
