"""``pe-dvc channel init``: a country's channels, all roles of them and no targets. ADR 0003."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.errors import ConflictError
from pe_dvc.trust.files import ChannelFiles
from pe_dvc.trust.initial_metadata import new_channel, new_root, new_targets
from pe_dvc.trust.roles import ALL, DELEGATED, utc
from pe_dvc.trust.verify import fingerprint, verify_signed_by
from pe_dvc.usecases.channel.versions import lifetime

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.trust.signers import Signers
    from pe_dvc.trust.tuf_api import Key, Metadata, Root


def init_channels(
    directory: Path,
    country: str,
    keys: Mapping[str, Sequence[Key]],
    signers: Signers,
    *,
    now: datetime,
    thresholds: Mapping[str, int] | None = None,
    contact: str | None = None,
) -> Sha256:
    """Lay out a country's channels, all roles of them and no targets; return root's fingerprint.

    ``keys`` holds the public keys of every role (``pe_dvc.trust.keys.generate_keys`` makes
    them), ``thresholds`` how many must sign, 1 where not given, and ``contact`` is who grants
    access to the data. Raises ConflictError if the
    country has channels already, FormatError for a threshold that the keys cannot reach, and
    SignatureError if root or targets cannot be signed now.
    """
    refuse_existing(directory, country)
    files = ChannelFiles(directory, country)
    root = new_root(country, keys, thresholds or {}, utc(now), contact=contact)
    targets = new_targets(country, keys, thresholds or {}, utc(now))
    _sign_or_refuse(signers, root.signed, "root", root)
    _sign_or_refuse(signers, root.signed, "targets", targets)
    for role in DELEGATED:
        empty = new_channel(country, role, utc(now) + lifetime(targets.signed, role))
        signers.sign(targets.signed, role, empty)
        files.write(role, empty)
    files.write("targets", targets)
    files.write("root", root)
    return fingerprint(files.read_bytes("root"))


def refuse_existing(directory: Path, country: str) -> None:
    """Raise ConflictError if the country has channels already."""
    files = ChannelFiles(directory, country)
    if files.exists():
        raise ConflictError(
            f"{files.directory} holds channels already",
            remedy="Keep them: readers trust their root. To change keys, rotate them.",
        )


def keys_to_make(
    given: Container[str], counts: Mapping[str, int], thresholds: Mapping[str, int]
) -> dict[str, int]:
    """Return how many keys to make for each role that none is ``given`` for.

    As many as ``counts`` says, else as its threshold, else one.
    """
    return {role: counts.get(role, thresholds.get(role, 1)) for role in ALL if role not in given}


def _sign_or_refuse(signers: Signers, root: Root, role: str, metadata: Metadata[Any]) -> None:
    """Sign what everything else rests upon: unsigned, none of it could ever be verified."""
    signers.sign(root, role, metadata)
    verify_signed_by(root, role, metadata, where=f"new {role}")
