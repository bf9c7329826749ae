"""``pe-dvc channel init``: a country's channels, all roles of them and no targets. ADR 0003."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import ConflictError
from pe_dvc.trust.draft_files import DraftFiles
from pe_dvc.trust.initial_metadata import new_channel, new_root, new_targets
from pe_dvc.trust.roles import ALL, DELEGATED, utc
from pe_dvc.trust.verify import fingerprint
from pe_dvc.usecases.channel.drafts import settle
from pe_dvc.usecases.channel.next_version import lifetime

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.trust.signers import Signers
    from pe_dvc.trust.tuf_api import Key


def init_channels(
    directory: Path,
    country: str,
    keys: Mapping[str, Sequence[Key]],
    signers: Signers,
    *,
    now: datetime,
    thresholds: Mapping[str, int] | None = None,
    contact: str | None = None,
    mirrors: Sequence[str] = (),
) -> Sha256 | None:
    """Lay out a country's channels, all roles of them and no targets; return root's fingerprint.

    ``keys`` holds the public keys of every role (``pe_dvc.trust.keys.generate_keys`` makes
    them), ``thresholds`` how many must sign, 1 where not given, ``contact`` is who grants access
    to the data, and ``mirrors`` are addresses of other stores that hold it. Where keys on other
    machines must sign root or targets, too, all is a draft, and there is no fingerprint yet.
    Raises ConflictError if the country has channels already, FormatError for a threshold that the
    keys cannot reach, and SignatureError without a key of root.
    """
    refuse_existing(directory, country)
    files = DraftFiles(directory, country)
    root = new_root(country, keys, thresholds or {}, utc(now), contact=contact, mirrors=mirrors)
    targets = new_targets(country, keys, thresholds or {}, utc(now))
    signers.check_any(root.signed, "root")
    signers.sign(root.signed, "root", root)
    signers.sign(root.signed, "targets", targets)
    for role in DELEGATED:
        empty = new_channel(country, role, utc(now) + lifetime(targets.signed, role))
        signers.sign(targets.signed, role, empty)
        files.write(role, empty)
    files.write("targets", targets)
    files.write("root", root)
    settle(files, signers, now=now)
    files.save()
    return fingerprint(files.in_force.read_bytes("root")) if files.in_force.exists() else None


def refuse_existing(directory: Path, country: str) -> None:
    """Raise ConflictError if the country has channels already."""
    files = DraftFiles(directory, country)
    if files.exists():
        raise ConflictError(
            f"{files.directory} holds channels already",
            remedy="Keep them: readers trust their root. To change keys, rotate them.",
        )


def keys_to_make(
    given: Collection[str], counts: Mapping[str, int], thresholds: Mapping[str, int]
) -> dict[str, int]:
    """Return how many keys to make for each role.

    As many as ``counts`` says, also beside those that are ``given``; else none where some are
    given, and as many as its threshold where none are.
    """
    unsaid = {role: thresholds.get(role, 1) for role in ALL if role not in given}
    return {**unsaid, **{role: counts[role] for role in ALL if role in counts}}
