"""A channel pointer: which artifact a dataset name means in a channel of a country.

In the signed metadata of a channel a pointer is one TUF target. Its path repeats the country and
the channel, so that a pointer signed for one is worth nothing in another, even where a key is
shared. Format: ADR 0003.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.override import without_values
from pe_dvc.documents.pointed_file import FILE, PointedFile
from pe_dvc.documents.pointer_notes import remarks_of
from pe_dvc.primitives.digest import Sha256, check_sha256
from pe_dvc.primitives.errors import FormatError, VerificationError
from pe_dvc.primitives.names import check_country, check_distinct, check_name
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.primitives.sizes import MAX_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pe_dvc.documents.payload import Payload

_MANIFEST = "manifest_sha256"


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """A dataset's artifact in a channel; ``size`` is the artifact's length in bytes.

    ``file`` is what who only wants the bytes needs beside; None where the manifest has to be asked.
    ``notes`` is what else is signed beside it, such as how it passed the gates of promotion:
    plain JSON values without floating point, which signed metadata cannot hold.
    """

    country: str
    channel: str
    name: str
    sha256: Sha256
    size: int
    manifest_sha256: Sha256
    file: PointedFile | None = None
    notes: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Raise FormatError unless every field is of its form."""
        check_country(self.country)
        check_channel(self.channel)
        check_name(self.name)
        where = self.target_path
        check_sha256(self.sha256, where=where)
        check_sha256(self.manifest_sha256, where=where)
        if type(self.size) is not int or not 0 <= self.size <= MAX_SIZE:
            raise FormatError(f"{self.size!r} is not a size in bytes", where=where)

    @property
    def target_path(self) -> str:
        """The path of the TUF target, such as ``us/latest/states/AL``."""
        return f"{self.country}/{self.channel}/{self.name}"

    @property
    def remarks(self) -> list[str]:
        """What is signed beside it, in sentences: that it is held, or went back, and why."""
        return remarks_of(self)

    @property
    def payload(self) -> Payload | None:
        """The file as its manifest describes it, None where the manifest has to be asked."""
        if self.file is None:
            return None
        return self.file.payload(
            country=self.country, name=self.name, sha256=self.sha256, size=self.size
        )

    def contradiction(self, described: PointedFile | None, size: int) -> str | None:
        """Return what is signed of the file otherwise than its manifest says, None for nothing.

        ``described`` and ``size`` are what the manifest says.
        """
        if self.file is None or (self.file, self.size) == (described, size):
            return None
        return (
            f"the signed pointer says {self.file} of {self.size} bytes, and the manifest "
            f"{described or 'none of this'}, of {size} bytes"
        )

    def check_described(self, described: PointedFile | None, size: int, *, who: str) -> None:
        """Raise VerificationError for a ``contradiction``; ``who`` begins the message."""
        found = self.contradiction(described, size)
        if found is not None:
            raise VerificationError(
                f"{who}: {found}",
                remedy="Tell the maintainers of the data: updating the channel puts it right.",
            )

    def to_target(self) -> dict[str, Any]:
        """Return the pointer as the plain dict of a TUF target."""
        file = {} if self.file is None else {FILE: self.file.to_json()}
        return {
            "length": self.size,
            "hashes": {"sha256": str(self.sha256)},
            "custom": {**self.notes, **file, _MANIFEST: str(self.manifest_sha256)},
        }

    def to_json(self) -> dict[str, Any]:
        """Return the pointer as plain JSON values: as it stands in the signed metadata.

        Values of microdata that an override of an earlier pe_dvc names are left out.
        """
        return replace(self, notes=without_values(self.notes)).to_target()

    @classmethod
    def from_target(cls, path: str, target: dict[str, Any]) -> Pointer:
        """Read the target at ``path``; fields that this version does not know are ignored.

        Raises FormatError.
        """
        parts = path.split("/", 2)
        if len(parts) != 3:
            raise FormatError(
                f"{path!r} is not the path of a pointer: expected {{country}}/{{channel}}/{{name}}"
            )
        return cls(
            country=parts[0],
            channel=parts[1],
            name=parts[2],
            sha256=Sha256(_text(target, path, "hashes", "sha256")),
            size=target.get("length", -1),
            manifest_sha256=Sha256(_text(target, path, "custom", _MANIFEST)),
            file=_file(target["custom"], path),
            notes={k: note for k, note in target["custom"].items() if k not in (_MANIFEST, FILE)},
        )


def check_channel(channel: str) -> str:
    """Return ``channel`` if it is the name of one, else raise FormatError."""
    if channel not in CHANNELS:
        raise FormatError(f"{channel!r} is not a channel: expected {' or '.join(CHANNELS)}")
    return channel


def pointers_of(
    targets: dict[str, dict[str, Any]], *, country: str, channel: str, where: str
) -> dict[str, Pointer]:
    """Read all targets of a channel's metadata, by dataset name, in the order of the names.

    Raises FormatError if one is malformed, or was made for another country or channel, or if
    two names differ by case alone.
    """
    pointers = {}
    for path, target in sorted(targets.items()):
        pointer = Pointer.from_target(path, target)
        if (pointer.country, pointer.channel) != (country, channel):
            raise FormatError(
                f"the pointer {path!r} does not belong here: expected {country}/{channel}/…",
                where=where,
            )
        pointers[pointer.name] = pointer
    check_distinct(pointers, where=where)
    return pointers


def check_pointers(pointers: Iterable[Pointer], *, country: str, channel: str) -> list[Pointer]:
    """Return ``pointers`` in the order of their names, once each.

    Raises FormatError for one of another country or channel, and for a name given twice.
    """
    ordered = sorted(pointers, key=lambda pointer: pointer.name)
    targets = {pointer.target_path: pointer.to_target() for pointer in ordered}
    pointers_of(targets, country=country, channel=channel, where=f"channel {channel}")
    if len(targets) != len(ordered):
        names = [pointer.name for pointer in ordered]
        twice = next(name for name in names if names.count(name) > 1)
        raise FormatError(f"{twice!r} is given twice", where=f"channel {channel}")
    return ordered


def _file(custom: dict[str, Any], path: str) -> PointedFile | None:
    return PointedFile.from_json(custom[FILE], where=path) if FILE in custom else None


def _text(target: dict[str, Any], path: str, section: str, key: str) -> str:
    part = target.get(section)
    value = part.get(key) if isinstance(part, dict) else None
    if not isinstance(value, str):
        raise FormatError(f"{section}.{key} is missing or is not text", where=path)
    return value
