"""``pe-dvc channel update``: a channel's pointers, and a new version where they changed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pe_dvc.documents.pointed_file import PointedFile
from pe_dvc.documents.pointer import Pointer, check_channel, check_pointers
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.primitives.result import Result
from pe_dvc.trust.ancestry import (
    Committed,
    PlainTargets,
    base_of,
    behind,
    note_superseded,
    plain,
    superseded,
)
from pe_dvc.trust.files import ChannelFiles
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import signatures
from pe_dvc.usecases.channel.next_version import in_bins, next_version, set_targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.trust.signers import Signers
    from pe_dvc.trust.tuf_api import Metadata, VerificationResult


@dataclass(frozen=True, kw_only=True)
class ChannelUpdate(Result):
    """What became of a channel. ``signed`` is False while ``missing`` signatures are missing."""

    channel: str
    changed: bool
    version: int
    signed: bool
    missing: int
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    """Names of datasets, in order. ``kept`` are those that another publisher changed and this
    checkout did not: they stay as published."""
    stay: dict[str, str] = field(default_factory=dict)
    """Why datasets with a new build do not move, by name: held, or taken back before."""
    compared: str | None = None
    """What gates compared with, None if they did not run."""


def latest_pointers(
    country: str,
    manifests: Mapping[str, tuple[Manifest, bytes]],
    *,
    where: str,
    empties: bool,
) -> list[Pointer]:
    """Return the pointers of ``latest`` to the artifacts of ``manifests``, by name.

    ``where`` is the directory of the manifests. Raises NotFoundError if there are none, and that
    ``empties`` the channel.
    """
    if not manifests and empties:
        raise NotFoundError(
            f"{where} holds no manifest, and latest is not emptied by accident",
            remedy="Declare datasets below artifacts: of dvc.yaml, each with meta: pe:.",
        )
    return [
        Pointer(
            country=country,
            channel="latest",
            name=name,
            sha256=Sha256(manifest.artifact.sha256),
            size=manifest.artifact.size,
            manifest_sha256=sha256_bytes(data),
            file=PointedFile.of_artifact(manifest.artifact),
        )
        for name, (manifest, data) in manifests.items()
    ]


def update_channel(
    directory: Path,
    country: str,
    channel: str,
    pointers: Iterable[Pointer],
    signers: Signers,
    *,
    now: datetime,
    committed: Committed | None = None,
    bins: bool | None = None,
) -> ChannelUpdate:
    """Make ``pointers`` the whole content of a channel, and sign it with the keys on this machine.

    The version goes up by one if a pointer was added, removed or replaced, and not otherwise:
    then the file stays as it is, but for a signature that lacked. Without a key the file is
    written unsigned, for review. Where a push took over another publisher's change, pointers to
    what was there before do not take it back. A draft on top of what git's history holds signed,
    ``committed``, is rewritten under its version. ``bins`` says whether its pointers shall be in
    bins, None that it stays as it is. Raises FormatError, NotFoundError, SignatureError.
    """
    files = ChannelFiles(directory, country)
    delegator = SignedMetadata(files).targets.signed
    metadata = files.read(check_channel(channel), Targets)
    ordered = check_pointers(pointers, country=country, channel=channel)
    wanted = {pointer.target_path: pointer.to_target() for pointer in ordered}
    before = plain(metadata.signed)
    kept = behind(metadata.signed, wanted)
    wanted = {p: t for p, t in wanted.items() if p not in kept}
    wanted |= {p: t for p, t in before.items() if p in kept}
    moves = wanted != before or in_bins(metadata.signed, bins) is not metadata.signed
    if moves:
        replaced = superseded(metadata.signed)
        metadata = base_of(metadata, committed)
        if plain(metadata.signed) != wanted or in_bins(metadata.signed, bins) != metadata.signed:
            seen = committed is None or bool(committed.data)
            next_version(metadata, delegator, channel, now=now, seen=seen)
            note_superseded(metadata.signed, {p: replaced[p] for p in kept})
            metadata.signed = in_bins(metadata.signed, bins)
            set_targets(metadata.signed, wanted)
    signed = signers.sign(delegator, channel, metadata)
    if moves or signed:
        files.write(channel, metadata)
    result = signatures(delegator, channel, metadata)
    done = changes(channel, before, wanted, metadata, result)
    return replace(done, changed=moves, kept=_names(kept))


def changes(
    channel: str,
    before: PlainTargets,
    wanted: PlainTargets,
    metadata: Metadata[Targets],
    result: VerificationResult,
) -> ChannelUpdate:
    """Return what became of a channel that had the targets ``before`` and has those ``wanted``."""
    both = before.keys() & wanted.keys()
    return ChannelUpdate(
        channel=channel,
        changed=wanted != before,
        version=metadata.signed.version,
        signed=result.verified,
        missing=result.missing,
        added=_names(wanted.keys() - before.keys()),
        removed=_names(before.keys() - wanted.keys()),
        replaced=_names(path for path in both if before[path] != wanted[path]),
    )


def _names(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(path.split("/", 2)[2] for path in paths))
