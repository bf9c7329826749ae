"""Where a version of a channel comes from, as its signed metadata says: ADR 0004.

Two fields of the metadata. ``x-pe-dvc-ancestors`` names the versions that this one was made from,
so that a publisher can tell whether what is published is among them, whatever git holds.
``x-pe-dvc-superseded`` names, for a dataset that another publisher changed, the manifest that it
had before: a checkout that still has that one is behind, and does not mean to go back.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, NamedTuple

from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.trust.tuf_api import Metadata, Targets, signed_bytes
from pe_dvc.trust.verify import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

ANCESTORS = "x-pe-dvc-ancestors"
SUPERSEDED = "x-pe-dvc-superseded"

REMEMBERED = 32
"""How many ancestors are named: a channel may change so often between two publications."""

_DIGITS = 18

PlainTargets = dict[str, dict[str, Any]]
"""Targets as plain values, by their paths."""


def digest(metadata: Metadata[Targets]) -> Sha256:
    """Return what identifies a version: the sha256 of what was signed, by any key."""
    return sha256_bytes(signed_bytes(metadata))


def ancestors(signed: Targets) -> dict[int, str]:
    """Return the digests of the versions that this one was made from, by version."""
    found = _field(signed, ANCESTORS)
    return {
        int(version): str(sha256)
        for version, sha256 in found.items()
        if version.isascii() and version.isdigit() and len(version) <= _DIGITS
    }


class Committed(NamedTuple):
    """The newest version of a role that git's history holds signed, as the file's bytes.

    No version was seen where ``data`` is empty.
    """

    data: bytes
    where: str


def base_of(metadata: Metadata[Targets], committed: Committed | None) -> Metadata[Targets]:
    """Return what the next version of ``metadata`` is to be made from.

    That is what was committed where ``metadata`` is only a draft on top of it, which was not
    seen elsewhere: so that versions count what is committed, and none is skipped. What a push took
    over from another publisher is no draft, and is built upon.
    """
    if committed is None or not committed.data:
        return metadata
    base = parse(Targets, committed.data, where=committed.where)
    on_top = metadata.signed.version == base.signed.version + 1
    drafted = on_top and ancestors(metadata.signed).get(base.signed.version) == digest(base)
    return base if drafted else metadata


def descends(later: Targets, earlier: Metadata[Targets]) -> bool:
    """Return whether ``later`` was made from ``earlier``, or too long after it to be told."""
    known = ancestors(later)
    version = earlier.signed.version
    if version in known and known[version] == digest(earlier):
        return True
    return version < min(known, default=later.version)


def lineage(newest: Targets, held: Mapping[str, Targets]) -> dict[int, Sha256]:
    """Return which of the versions ``held``, by digest, ``newest`` was made from: their digests.

    One version names so many before it, and each of those so many again.
    """
    found: dict[int, Sha256] = {}
    known, version = ancestors(newest), newest.version
    waiting = [-earlier for earlier in known]
    heapify(waiting)
    # By what is named, not by counting down: a version may be any number.
    while waiting:
        earlier = -heappop(waiting)
        if not 0 < earlier < version:
            continue
        version, sha256 = earlier, known[earlier]
        if sha256 in held:
            found[version] = Sha256(sha256)
            more = {v: named for v, named in ancestors(held[sha256]).items() if v not in known}
            known |= more
            for each in more:
                heappush(waiting, -each)
    return found


def add_ancestor(metadata: Metadata[Targets]) -> None:
    """Name what ``metadata`` is now among its own ancestors: call it before anything changes."""
    known = ancestors(metadata.signed) | {metadata.signed.version: digest(metadata)}
    newest = sorted(known.items())[-REMEMBERED:]
    metadata.signed.unrecognized_fields[ANCESTORS] = {str(v): sha256 for v, sha256 in newest}


def plain(targets: Targets) -> PlainTargets:
    """Return a channel's targets as plain values."""
    return {path: target.to_dict() for path, target in targets.targets.items()}


def manifest_of(target: Mapping[str, Any] | None) -> str | None:
    """Return the sha256 of the manifest that a pointer signs, None where there is no pointer."""
    return target["custom"]["manifest_sha256"] if target else None


def superseded(signed: Targets) -> dict[str, str | None]:
    """Return the manifests that other publishers replaced, by target path; None for none."""
    return _field(signed, SUPERSEDED)


def note_superseded(signed: Targets, replaced: Mapping[str, str | None]) -> None:
    """Write down which manifests other publishers replaced."""
    if replaced:
        signed.unrecognized_fields[SUPERSEDED] = dict(sorted(replaced.items()))
    else:
        signed.unrecognized_fields.pop(SUPERSEDED, None)


def behind(signed: Targets, wanted: PlainTargets) -> set[str]:
    """Return the paths for which ``wanted`` still has what another publisher replaced."""
    return {
        path for path, had in superseded(signed).items() if manifest_of(wanted.get(path)) == had
    }


def _field(signed: Targets, name: str) -> dict[str, Any]:
    found = signed.unrecognized_fields.get(name)
    return found if isinstance(found, dict) else {}
