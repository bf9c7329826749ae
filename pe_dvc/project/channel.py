"""Channels of a data repo: the use cases of ``pe_dvc.usecases.channel``, on this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.primitives.result import Result
from pe_dvc.project import directories
from pe_dvc.project.clone_root import refuse_pinned
from pe_dvc.project.git_channels import GitChannels
from pe_dvc.project.gitattributes import keep_line_endings
from pe_dvc.trust.key_binding import bind_keys, check_may_sign, refuse_bound_keys
from pe_dvc.trust.keys import generate_keys
from pe_dvc.trust.roles import check_role
from pe_dvc.trust.signers import Signers
from pe_dvc.usecases.channel import init, roles

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Store
    from pe_dvc.trust.ancestry import Committed
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.trust.tuf_api import Key
    from pe_dvc.usecases.channel.roles import RoleStatus
    from pe_dvc.usecases.channel.standing import Standing
    from pe_dvc.usecases.channel.update import ChannelUpdate
    from pe_dvc.usecases.publish.refresh import Refreshed


def signers_of(
    repo: DataRepo,
    given: Mapping[str, Sequence[str]] | None = None,
    *,
    metadata: SignedMetadata | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Signers:
    """Return the signers of a repo: those of the environment, its settings and the key files.

    ``given`` are URIs by role that stand in for the settings'; ``metadata`` is the checkout's,
    where it was read already. Raises UntrustedError in a clone
    of another root than the key files' own (``check_may_sign``), or than the pinned one.
    """
    keys_dir, signed = directories.keys_dir(), metadata or repo.signed_metadata()
    if signed.files.exists():
        check_may_sign(signed, keys_dir / repo.country)
        bind_keys(keys_dir / repo.country, signed.root_files[0])
    uris = {**repo.settings.signers, **(given or {})}
    return Signers(repo.country, keys_dir, uris, environ)


@dataclass(frozen=True, kw_only=True)
class InitializedChannels(Result):
    """New channels: the root's ``fingerprint``, and the directory of the ``keys``.

    ``kept_keys`` are files of keys that were there before; they sign here, too. ``metadata`` is
    the directory to commit.
    """

    country: str
    fingerprint: Sha256
    keys: Path
    kept_keys: tuple[str, ...]
    metadata: Path


def init_channels(
    repo: DataRepo,
    *,
    thresholds: Mapping[str, int] | None = None,
    key_counts: Mapping[str, int] | None = None,
    signers: Mapping[str, Sequence[str]] | None = None,
    public_keys: Mapping[str, Sequence[Path]] | None = None,
) -> InitializedChannels:
    """Lay out the channels, with a key for every role.

    A role has the keys behind its URIs in ``signers`` and in its files of ``public_keys``. One
    without either gets keys made here, as many as ``key_counts`` says, else as its threshold.
    Raises ConflictError where a root is pinned, as
    ``pe_dvc.usecases.channel.init.init_channels`` and ``pe_dvc.trust.public_keys``, and
    FormatError for a key directory inside git.
    """
    wanted = thresholds or {}
    init.refuse_existing(repo.channels_root, repo.country)
    refuse_pinned(repo.country)
    directory = directories.keys_dir() / repo.country
    refuse_bound_keys(directory)
    kept = tuple(sorted(path.name for path in directory.glob("*.pem")))
    keys = _given_keys(signers or {}, public_keys or {})
    counts = init.keys_to_make(keys, key_counts or {}, wanted)
    keys |= generate_keys(directories.keys_dir(), repo.country, counts)
    fingerprint = init.init_channels(
        repo.channels_root,
        repo.country,
        keys,
        signers_of(repo, signers),
        now=_now(),
        thresholds=wanted,
        contact=repo.settings.contact,
    )
    bind_keys(directory, repo.signed_metadata().root_files[0])
    keep_line_endings(repo)
    return InitializedChannels(
        country=repo.country,
        fingerprint=fingerprint,
        keys=directory,
        kept_keys=kept,
        metadata=repo.channels_dir,
    )


def write_pointers(
    repo: DataRepo, channel: str, pointers: Iterable[Pointer], committed: Committed
) -> ChannelUpdate:
    """Write a channel's pointers into git's file, signed if its key is here.

    ``committed`` is the newest version that was committed signed. Raises as ``update_channel``.
    """
    from pe_dvc.usecases.channel.update import update_channel

    return update_channel(
        repo.channels_root,
        repo.country,
        channel,
        pointers,
        signers_of(repo),
        now=_now(),
        committed=committed,
    )


def _given_keys(
    signers: Mapping[str, Sequence[str]], public_keys: Mapping[str, Sequence[Path]]
) -> dict[str, list[Key]]:
    from pe_dvc.trust.public_keys import public_key, public_key_file

    keys: dict[str, list[Key]] = {}
    for role, uris in signers.items():
        keys.setdefault(check_role(role), []).extend(public_key(uri) for uri in uris)
    for role, paths in public_keys.items():
        keys.setdefault(check_role(role), []).extend(public_key_file(path) for path in paths)
    return keys


def sign(repo: DataRepo, role: str) -> RoleStatus:
    """Add the signatures of the keys on this machine to what git holds of a role."""
    return roles.sign_role(repo.channels_root, repo.country, role, signers_of(repo), now=_now())


def renew(repo: DataRepo, role: str) -> RoleStatus:
    """Give a role of git a new version with a new expiry, and return how it stands."""
    from pe_dvc.usecases.channel.keys import KeyRing

    signers = signers_of(repo)
    if role != "root":
        return roles.renew_role(repo.channels_root, repo.country, role, signers, now=_now())
    KeyRing(repo.channels_root, repo.country, signers, now=_now()).renew_root()
    return status(repo)[0]


def refresh(repo: DataRepo, *, store: str | None = None) -> Refreshed:
    """Renew snapshot and timestamp in the store (``pe_dvc.usecases.publish.refresh``)."""
    from pe_dvc.usecases.publish.refresh import refresh_channel

    return refresh_channel(
        repo.open_store(store), repo.channels_root, repo.country, signers_of(repo), now=_now()
    )


def status(repo: DataRepo) -> list[RoleStatus]:
    """Return how every role in git stands. Raises UntrustedError (``check_root``)."""
    repo.check_root()
    return roles.channel_status(repo.channels_root, repo.country, now=_now())


def standing(repo: DataRepo, *, store: str | None = None, offline: bool = False) -> Standing:
    """Return where the channels stand, against what readers are shown unless ``offline``."""
    from pe_dvc.usecases.channel import standing as usecase

    bucket = None if offline else repo.open_store(store)
    found = usecase.standing(repo.signed_metadata(), bucket, now=_now())
    if not repo.settings.disclosure_rule.is_gated:
        return found
    return usecase.Standing(sentences=(*found.sentences, *_disclosed(repo, bucket)))


def _disclosed(repo: DataRepo, bucket: Store | None) -> Iterator[str]:
    """Yield which versions of ``next`` name values of a gated country's microdata."""
    from pe_dvc.usecases.channel.disclosed import CHANNEL, Held, disclosed, held_in_bucket

    today = repo.channel_files.read_bytes(CHANNEL)
    held = [Held(place="git", data=data) for data in GitChannels(repo).held(CHANNEL)]
    held += held_in_bucket(bucket, repo.country) if bucket is not None else []
    return disclosed(held, repo.country, today=today)


def _now() -> datetime:
    return datetime.now(UTC)
