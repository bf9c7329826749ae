"""Channels of a data repo: the use cases of ``pe_dvc.usecases.channel``, wired to this machine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.documents.pointer import Pointer
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.project import locations
from pe_dvc.trust.keys import generate_keys
from pe_dvc.trust.roles import ALL
from pe_dvc.trust.signers import Signers
from pe_dvc.usecases import channel as use_case

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.channel import ChannelUpdate, RoleStatus


def signers_of(repo: DataRepo) -> Signers:
    """Return the signers of a repo: those of the environment, its settings and the key files."""
    return Signers(repo.country, locations.keys_dir(), repo.settings.signers)


def init_channels(
    repo: DataRepo,
    *,
    thresholds: Mapping[str, int] | None = None,
    key_counts: Mapping[str, int] | None = None,
) -> Sha256:
    """Make the keys of every role, lay out the channels, and return the root's fingerprint.

    A role gets as many keys as ``key_counts`` says, else as its threshold. Raises as
    ``pe_dvc.usecases.channel.init_channels``, and FormatError for a key directory inside git.
    """
    wanted = thresholds or {}
    counts = {role: (key_counts or {}).get(role, wanted.get(role, 1)) for role in ALL}
    use_case.refuse_existing(repo.channels_root, repo.country)
    keys = generate_keys(locations.keys_dir(), repo.country, counts)
    return use_case.init_channels(
        repo.channels_root,
        repo.country,
        keys,
        signers_of(repo),
        now=_now(),
        thresholds=wanted,
        contact=repo.settings.contact,
    )


def update_latest(repo: DataRepo) -> ChannelUpdate:
    """Point ``latest`` at the artifacts of the repo's manifests, and sign it if a key is at hand.

    Raises as ``pe_dvc.usecases.channel.update_channel`` and ``read_manifests``, and NotFoundError
    without any manifest.
    """
    from pe_dvc.project.manifests import read_manifests

    pointers = [
        Pointer(
            country=repo.country,
            channel="latest",
            name=name,
            sha256=Sha256(manifest.artifact.sha256),
            size=manifest.artifact.size,
            manifest_sha256=sha256_bytes(data),
        )
        for name, (manifest, data) in read_manifests(repo.root).items()
    ]
    if not pointers:
        raise NotFoundError(
            f"{repo.root / repo.settings.manifests} holds no manifest, and latest is not emptied "
            "by accident",
            remedy="Declare datasets below artifacts: of dvc.yaml, each with meta: pe:.",
        )
    return use_case.update_channel(
        repo.channels_root, repo.country, "latest", pointers, signers_of(repo), now=_now()
    )


def sign(repo: DataRepo, role: str) -> RoleStatus:
    """Add the signatures of the keys at hand to what git holds of a role."""
    return use_case.sign_role(repo.channels_root, repo.country, role, signers_of(repo), now=_now())


def status(repo: DataRepo) -> list[RoleStatus]:
    """Return how every role in git stands."""
    return use_case.channel_status(repo.channels_root, repo.country, now=_now())


def _now() -> datetime:
    return datetime.now(UTC)
