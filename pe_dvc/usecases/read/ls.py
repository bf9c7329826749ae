"""List: which datasets a country's channels have, and which releases there are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from pe_dvc.primitives.errors import NotFoundError, PeDvcError, RevokedError
from pe_dvc.primitives.html_table import html_table
from pe_dvc.primitives.pools import Pool
from pe_dvc.primitives.printable import brief
from pe_dvc.primitives.reference import CHANNELS, ChannelName, Reference
from pe_dvc.primitives.result import Result
from pe_dvc.primitives.sizes import bytes_text
from pe_dvc.usecases.parallel import TRANSFERS, run_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.documents.release import ReleaseManifest
    from pe_dvc.documents.release_target import Released
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.usecases.read.channels import Channels


@dataclass(frozen=True, kw_only=True, repr=False)
class Listed(Result):
    """A dataset in a channel: the artifact that it means now, and its size in bytes.

    What its manifest says is ``built_at`` (UTC), ``built_in`` (``ci`` or ``local``), ``commit``
    and the ``rows`` of each table; all are empty if the manifest was not read, and ``problem`` says
    why it could not be. ``remarks`` are signed: that it was withdrawn, is held, went back, or is in
    a deprecated release, and why.
    """

    reference: str
    name: str
    channel: ChannelName
    sha256: Sha256
    size: int
    remarks: tuple[str, ...] = ()
    built_at: str | None = None
    built_in: str | None = None
    commit: str | None = None
    rows: dict[str, int] = field(default_factory=dict)
    problem: str | None = None

    @property
    def pinned(self) -> str:
        """The pinned reference: it always means these bytes."""
        country = Reference.parse(self.reference).country
        return str(Reference.pinned(country, self.name, self.sha256))

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {**super().to_json(), "pinned": self.pinned}

    def __repr__(self) -> str:
        digest, size = f"sha256:{self.sha256[:12]}…", bytes_text(self.size)
        return f"<Listed {self.reference} {digest}, {size}, built {self.built_at}>"

    def _cells(self) -> dict[str, str]:
        rows = ", ".join(f"{brief(name)} {number:,}" for name, number in self.rows.items())
        return {
            "reference": self.reference,
            "size": bytes_text(self.size),
            "built": self.built_at or "",
            "rows": rows,
            "pin": self.pinned,
            "remarks": "; ".join([*self.remarks, *([self.problem] if self.problem else [])]),
        }


@dataclass(frozen=True, kw_only=True)
class ListedRelease(Result):
    """A published release: its state, and of a deprecated one the ``reason``.

    ``bundles`` are those of policyengine.py that certified it. What its manifest says is
    ``created_at`` (UTC) and the names of its ``datasets``; ``problem`` says why it was not read.
    """

    tag: str
    state: str
    reason: str | None
    commit: str
    channel: ChannelName
    bundles: tuple[str, ...]
    created_at: str | None = None
    datasets: tuple[str, ...] = ()
    problem: str | None = None

    def _cells(self) -> dict[str, str]:
        return {
            "release": self.tag,
            "state": self.state,
            "created": self.created_at or "",
            "datasets": ", ".join(self.datasets),
            "bundles": ", ".join(self.bundles),
            "remarks": "; ".join(text for text in (self.reason, self.problem) if text),
        }


Entry = TypeVar("Entry", Listed, ListedRelease)


class Listing(list[Entry]):
    """A list, which a notebook shows as a table."""

    def __repr__(self) -> str:
        lines = ",\n ".join(map(repr, self))
        return f"[{lines}]"

    def _repr_html_(self) -> str:
        cells = [entry._cells() for entry in self]
        head = list(cells[0]) if cells else []
        return html_table([list(row.values()) for row in cells], head=head)


def list_datasets(country: str, channels: Channels) -> list[Listed]:
    """Return what there is in each channel, by channel and name, without their manifests.

    A channel that a country does not have yet counts as empty; a country without any raises
    NotFoundError. Raises VerificationError and StoreError.
    """
    return [_listed(country, pointer) for pointer in _pointers(channels)]


def describe_datasets(
    country: str,
    channels: Channels,
    manifest: Callable[[Pointer], Manifest],
    release: Callable[[Released], ReleaseManifest],
) -> list[Listed]:
    """Do what ``list_datasets`` does, and tell what each ``manifest`` says.

    What was withdrawn has a remark that says so, and nothing of its manifest is told.
    A manifest that cannot be read leaves its dataset in the list, with the problem. An artifact
    that a deprecated ``release`` pins has a remark.
    """
    deprecated = _deprecated(channels, release)

    def described(pointer: Pointer) -> Listed:
        listed = _listed(country, pointer)
        remarks = (*listed.remarks, *deprecated.get(str(pointer.sha256), ()))
        listed = replace(listed, remarks=remarks)
        try:
            found = manifest(pointer)
        except RevokedError as error:
            return replace(listed, remarks=(*remarks, error.brief))
        except PeDvcError as error:
            return replace(listed, problem=error.message)
        return _described(listed, found)

    pointers = _pointers(channels)
    with Pool(TRANSFERS) as pool:
        return run_all(pool, described, pointers)


def list_releases(
    channels: Channels, manifest: Callable[[Released], ReleaseManifest]
) -> list[ListedRelease]:
    """Return the published releases by version, with what the ``manifest`` of each says.

    Raises NotFoundError where there is no role of releases, VerificationError and StoreError.
    """

    def described(released: Released) -> ListedRelease:
        listed = _listed_release(released)
        try:
            found = manifest(released)
        except PeDvcError as error:
            return replace(listed, problem=error.message)
        return replace(listed, created_at=found.created_at, datasets=tuple(found.artifacts))

    ordered = sorted(channels.releases().values(), key=lambda one: by_version(one.tag))
    with Pool(TRANSFERS) as pool:
        return run_all(pool, described, ordered)


def _deprecated(
    channels: Channels, release: Callable[[Released], ReleaseManifest]
) -> dict[str, list[str]]:
    """Return what is said of the artifacts that deprecated releases pin, by their sha256."""
    said: dict[str, list[str]] = {}
    try:
        released = channels.releases().values()
    except NotFoundError:  # nothing was ever released
        return said
    for one in released:
        if one.state != "deprecated":
            continue
        try:
            artifacts = release(one).artifacts
        except PeDvcError:  # `ls --releases` is for that: here it hides no dataset
            continue
        for artifact in artifacts.values():
            text = f"release {one.tag} of it is deprecated: {one.reason}"
            said.setdefault(str(artifact.sha256), []).append(text)
    return said


def by_version(tag: str) -> list[str | int]:
    """Return what puts 1.10.0 after 1.9.0: text and numbers, by turns."""
    parts = re.split(r"(\d+)", tag.removeprefix("v"))
    return [int(part) if part.isdecimal() else part for part in parts]


def _listed_release(released: Released) -> ListedRelease:
    return ListedRelease(
        tag=released.tag,
        state=released.state,
        reason=released.reason,
        commit=released.commit,
        channel=released.channel,
        bundles=released.bundles,
    )


def _pointers(channels: Channels) -> list[Pointer]:
    found: list[Pointer] = []
    missing = []
    for channel in CHANNELS:
        try:
            found += channels.pointers(channel)
        except NotFoundError as error:
            missing.append(error)
    if len(missing) == len(CHANNELS):
        raise missing[0]
    return found


def _listed(country: str, pointer: Pointer) -> Listed:
    channel: ChannelName = "next" if pointer.channel == "next" else "latest"
    reference = Reference(country=country, name=pointer.name, channel=channel)
    return Listed(
        reference=str(reference),
        name=pointer.name,
        channel=channel,
        sha256=pointer.sha256,
        size=pointer.size,
        remarks=tuple(pointer.remarks),
    )


def _described(listed: Listed, manifest: Manifest) -> Listed:
    build = manifest.build
    return replace(
        listed,
        built_at=build.built_at,
        built_in=build.built_in,
        commit=build.git_commit,
        rows={table.name: table.rows for table in manifest.table.tables},
    )
