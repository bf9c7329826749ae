"""What a withdrawal concerns: names, channels, releases, and artifacts that derive from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.primitives.result import Result

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.documents.release import ReleaseManifest
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.usecases.revoke.inventory import Inventory


@dataclass(frozen=True, kw_only=True)
class Affected(Result):
    """What a withdrawal concerns.

    ``artifacts`` are the pinned references of the bytes, one for each name; ``channels`` the
    references of channels that point to them; ``releases`` the tags that have one of them and are
    unreproducible now; ``derived`` the artifacts that have one among their raw inputs, and stay.
    ``files`` are the keys that leave the bucket, ``kept`` who else needs a file of it, by key.
    ``mirrors`` are the names of those that keep it until their next sync, ``hubs`` of those on a
    hub, which no sync changes.
    """

    artifacts: tuple[str, ...]
    channels: tuple[str, ...]
    releases: tuple[str, ...]
    derived: tuple[str, ...]
    files: tuple[str, ...]
    size: int
    kept: dict[str, str]
    mirrors: tuple[str, ...] = ()
    hubs: tuple[str, ...] = ()


def pointing(
    digests: Collection[Sha256], channels: Mapping[str, Iterable[Pointer]]
) -> tuple[str, ...]:
    """Return the references in ``channels``, pointers by channel, that mean one of ``digests``."""
    return tuple(
        f"pe-data://{pointer.country}/{pointer.name}@{channel}"
        for channel, pointers in channels.items()
        for pointer in pointers
        if pointer.sha256 in digests
    )


def pinning(
    digests: Collection[Sha256], releases: Mapping[str, ReleaseManifest]
) -> tuple[str, ...]:
    """Return the tags of the releases, manifests by tag, that have one of ``digests``."""
    return tuple(
        tag
        for tag, manifest in releases.items()
        if any(artifact.sha256 in digests for artifact in manifest.artifacts.values())
    )


def names_of(digests: Collection[Sha256], inventory: Inventory) -> tuple[str, ...]:
    """Return the pinned references of the artifacts, under each name that the bucket describes."""
    return tuple(
        manifest.reference for sha256 in digests for manifest in inventory.manifests.get(sha256, ())
    )


def derivations(digests: Collection[Sha256], inventory: Inventory) -> tuple[str, ...]:
    """Return the references of other artifacts that derive from one of ``digests``."""
    found = inventory.derived_from(digests)
    return tuple(one.reference for one in found if one.artifact.sha256 not in digests)
