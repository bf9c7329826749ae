"""What a data repo declares about its mirrors: ``[tool.pe_dvc.mirrors]`` of its pyproject.toml.

A mirror is another store that ``pe-dvc mirror sync`` keeps a copy in. Only its address and what it
holds stand here, never credentials: those are the store's own, of the environment or a profile.
ADR 0024.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from pe_dvc.documents.dataclass_reader import Read, read_plain, whole_number
from pe_dvc.documents.hub_address import is_hub_address
from pe_dvc.documents.hub_uri import parse_release
from pe_dvc.documents.key_errors import wrong_value
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.names import say_which_there_are
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.primitives.wildcards import fits

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_USER = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/]*@")
_DOI = re.compile(r"10\.[0-9]{4,9}/[^\s\"'<>]+")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What a mirror holds of the payloads: everything, unless one of these says less.

    ``datasets`` and ``releases`` are patterns in which ``*`` stands for anything. With
    ``channels`` or ``releases``, only what these point to; ``last`` is how many versions of each
    channel count, the newest first. Signed metadata is always held whole.
    """

    countries: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    last: int | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return not (self.datasets or self.channels or self.releases or self.last)

    def takes_country(self, country: str) -> bool:
        """Tell whether anything of a country is held."""
        return not self.countries or country in self.countries

    def takes_dataset(self, name: str) -> bool:
        """Tell whether a dataset of that name is held."""
        return not self.datasets or any(_matches(name, one) for one in self.datasets)

    def takes_channel(self, channel: str) -> bool:
        """Tell whether what a channel points to is held."""
        return channel in self.channels if self.channels else not self.releases

    def takes_release(self, tag: str) -> bool:
        """Tell whether the artifacts of a release are held."""
        if not self.releases:
            return not self.channels
        return any(_matches(tag, one) for one in self.releases)

    def to_text(self) -> str:
        """Say in words what is held, such as ``datasets enhanced_*, the last 3 versions``."""
        parts = [
            f"{key} {', '.join(getattr(self, key))}"
            for key in ("countries", "datasets", "channels", "releases")
            if getattr(self, key)
        ]
        if self.last is not None:
            parts.append(f"the last {self.last} version{'s' if self.last > 1 else ''} of a channel")
        return "; ".join(parts) or "everything"


@dataclass(frozen=True, kw_only=True)
class MirrorTable(Selection):
    """A mirror as it is declared. ``doi`` is that of the deposit, where the store has one."""

    url: str
    doi: str | None = None

    @property
    def is_hub(self) -> bool:
        """Whether it is a release on a hub: to read payloads from, and never filled."""
        return is_hub_address(self.url)

    def is_filled_of(self, country: str) -> bool:
        """Tell whether a sync brings what is of a country there."""
        return self.takes_country(country) and not self.is_hub

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory, which other machines do not have."""
        return mirror_kind(self.url) == "directory"

    def to_text(self) -> str:
        """Say in words what is held."""
        return "payloads of its release manifest" if self.is_hub else super().to_text()


def read_mirrors(value: Any, *, file: str, path: str) -> dict[str, MirrorTable]:
    """Return the mirrors of the table at ``path`` of ``file``, by name. Raises FormatError."""
    if not isinstance(value, Mapping):
        raise wrong_value("expected a table for each mirror", value, file=file, path=path)
    return {
        check_mirror_name(name, where=f"{file}: {path}"): read_mirror(
            table, file=file, path=f"{path}.{name}"
        )
        for name, table in value.items()
    }


def read_mirror(value: Any, *, file: str, path: str) -> MirrorTable:
    """Return one mirror, of a table or of its address alone. Raises FormatError."""
    table = {"url": value} if isinstance(value, str) else value
    mirror = read_plain(MirrorTable, table, file=file, path=path, readers=_READERS)
    if mirror.is_hub and not mirror.is_everything:
        raise FormatError(
            "a release on a hub holds what its release manifest names, and takes no filter",
            where=f"{file}: {path}",
        )
    return mirror


def check_mirror_name(name: str, *, where: str | None = None) -> str:
    """Return ``name`` if a mirror can be called so. Raises FormatError."""
    if not NAME.fullmatch(name):
        raise FormatError(
            f"{name!r} is not a mirror's name: expected letters, digits, _ and -, 64 at most",
            where=where,
        )
    return name


def mirror_named(name: str, mirrors: Mapping[str, MirrorTable], *, where: str) -> MirrorTable:
    """Return the mirror of that name. Raises NotFoundError saying which there are."""
    if name not in mirrors:
        known = say_which_there_are(name, sorted(mirrors)) if mirrors else "none is declared"
        raise NotFoundError(
            f"{where} declares no mirror {name!r}: {known}",
            remedy="pe-dvc mirror list shows them, pe-dvc mirror add declares one.",
        )
    return mirrors[name]


def _texts(value: Any, *, file: str, path: str) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        raise wrong_value("expected a list of texts", value, file=file, path=path)
    return tuple(found)


def _channels(value: Any, *, file: str, path: str) -> tuple[str, ...]:
    found = _texts(value, file=file, path=path)
    if not set(found) <= set(CHANNELS):
        raise wrong_value(f"expected {' or '.join(CHANNELS)}", value, file=file, path=path)
    return found


def _url(value: Any, *, file: str, path: str) -> str:
    if not isinstance(value, str) or not value:
        raise wrong_value("expected a store's address", "", file=file, path=path)
    if is_hub_address(value):
        parse_release(value, where=f"{file}: {path}")
    elif _USER.match(value):  # not quoted: it may hold a password
        raise FormatError(
            "has a user or a password in it",
            where=f"{file}: {path}",
            remedy="Credentials belong into the environment, a profile or .dvc/config.local, "
            "never into a file that git holds. Change these: they may have been seen.",
        )
    return value


def _doi(value: Any, *, file: str, path: str) -> str:
    if not isinstance(value, str) or not _DOI.fullmatch(value):
        raise wrong_value("expected the form of 10.5281/zenodo.1", value, file=file, path=path)
    return value


_READERS: dict[str, Read] = {
    "countries": _texts,
    "datasets": _texts,
    "releases": _texts,
    "channels": _channels,
    "last": whole_number("a number, 1 or more", least=1),
    "url": _url,
    "doi": _doi,
}


def mirror_to_toml(name: str, mirror: MirrorTable) -> str:
    """Return the table that declares a mirror, as TOML."""
    lines = [f"[tool.pe_dvc.mirrors.{name}]"]
    ordered = ("url", *(f.name for f in fields(MirrorTable) if f.name != "url"))
    for key in ordered:
        value = getattr(mirror, key)
        if value not in (None, ()):
            lines.append(f"{key} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _toml(value: str | int | tuple[str, ...]) -> str:
    import json

    # JSON's texts and lists of texts are TOML's, but for DEL, which no address has.
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def _matches(text: str, pattern: str) -> bool:
    return fits(text, pattern.split("*"))


def mirror_kind(url: str) -> str:
    """Return what kind of store an address is of, as ``kind`` of a preservation mirror."""
    scheme, separator, _ = url.partition("://")
    kinds = {"s3": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "azure": "azure"}
    kinds["hf"] = "huggingface"
    return kinds.get(scheme.lower(), "directory") if separator else "directory"
