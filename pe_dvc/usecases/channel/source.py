"""Where pointers are taken from: ``latest``, ``latest:12``, ``@sha256:…`` or a release."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from pe_dvc.primitives.digest import Sha256, check_sha256
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.primitives.release_names import is_release

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.usecases.channel.version import Version


@dataclass(frozen=True, kw_only=True)
class Source:
    """A verified place of pointers. One of ``version`` (of ``channel``), ``sha256``, ``release``.

    A ``channel`` without any of them is what git holds of it.
    """

    text: str
    channel: str | None = None
    version: int | None = None
    sha256: Sha256 | None = None
    release: str | None = None

    def __str__(self) -> str:
        return self.text


class Published(Protocol):
    """What was published, verified."""

    def versions(self, channel: str) -> Iterable[Version]:
        """Return the versions of a channel that count, newest first."""
        ...

    def released(self, release: str) -> Mapping[str, Pointer]:
        """Return the pointers of a published release. Raises NotFoundError."""
        ...


def parse_source(text: str, *, channel: str | None = None) -> Source:
    """Read what a person wrote; a bare number is a version of ``channel``. Raises FormatError."""
    name, colon, number = text.rpartition(":")
    named = name if colon else channel
    if named in CHANNELS and number.isascii() and number.isdigit() and len(number) < 10:
        return Source(text=f"{named}:{int(number)}", channel=named, version=int(number))
    if text in CHANNELS:
        return Source(text=text, channel=text)
    if text.removeprefix("@").startswith("sha256:"):
        digest = text.removeprefix("@").removeprefix("sha256:")
        return Source(text=f"sha256:{digest}", sha256=check_sha256(digest, where=text))
    if is_release(text) or "@v" in text:
        return Source(text=text, release=text)
    forms = "latest:12, @sha256:<64 hex digits>, or a release such as 1.78.2"
    import difflib

    meant = difflib.get_close_matches(text, CHANNELS, n=1)
    raise FormatError(
        f"{text!r} names nothing published: expected {' or '.join(CHANNELS)}, {forms}",
        remedy=f"Did you mean {meant[0]}?" if meant else None,
    )


def pointers_from(source: Source, names: Sequence[str], published: Published) -> dict[str, Pointer]:
    """Return the pointers of a source of published ones, of ``names`` or of all, by name.

    Raises NotFoundError for what it lacks, FormatError for a sha256 without one name.
    """
    if source.sha256 is not None:
        return _by_digest(source.sha256, names, published)
    if source.release is not None:
        found = dict(published.released(source.release))
    else:
        found = _version(source, published).pointers
    lacking = next((name for name in names if name not in found), None)
    if lacking is not None:
        raise NotFoundError(
            f"{source} has no dataset {lacking!r}", remedy=f"It has {', '.join(found) or 'none'}."
        )
    return {name: found[name] for name in names or found}


def retarget(pointer: Pointer, channel: str, **notes: object) -> Pointer:
    """Return a pointer to the same in another channel, with these ``notes`` alone."""
    return replace(pointer, channel=channel, notes=notes)


def _version(source: Source, published: Published) -> Version:
    channel = source.channel or ""
    counting = []
    for version in published.versions(channel):
        if version.version == source.version:
            return version
        counting.append(version.version)
    shown = ", ".join(str(number) for number in sorted(counting)[-8:])
    raise NotFoundError(
        f"{source} is no version of {channel} that was published and that today's was made from",
        remedy=f"There are {shown}: see pe-dvc channel log {channel}." if counting else None,
    )


def _by_digest(sha256: Sha256, names: Sequence[str], published: Published) -> dict[str, Pointer]:
    if len(names) != 1:
        raise FormatError(
            "a sha256 is of one dataset, and says not of which", remedy="Name the dataset."
        )
    for channel in CHANNELS:
        for version in published.versions(channel):
            pointer = version.pointers.get(names[0])
            if pointer is not None and pointer.sha256 == sha256:
                return {pointer.name: pointer}
    raise NotFoundError(
        f"no signed version of latest or next ever had sha256:{sha256} as {names[0]}",
        remedy="See pe-dvc channel log latest.",
    )
