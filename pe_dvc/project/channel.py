"""Channels of a data repo: the use cases of ``pe_dvc.usecases.channel``, on this machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.documents.metadata_fields import NAME_FIELD
from pe_dvc.primitives.result import Result
from pe_dvc.project import directories
from pe_dvc.project.clone_root import refuse_pinned
from pe_dvc.project.conditions import probe_early
from pe_dvc.project.gitattributes import keep_line_endings
from pe_dvc.project.notes import note_once
from pe_dvc.project.signers import signers_of
from pe_dvc.trust.key_binding import bind_keys, refuse_bound_keys
from pe_dvc.trust.keys import generate_keys
from pe_dvc.trust.roles import check_role
from pe_dvc.usecases.channel import init, roles
from pe_dvc.usecases.channel.key_edits import is_key_name
from pe_dvc.usecases.channel.role_status import DRAFTED, waiting_drafts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.trust.ancestry import Committed
    from pe_dvc.trust.signers import Signers
    from pe_dvc.trust.tuf_api import Key
    from pe_dvc.usecases.channel.role_status import RoleStatus
    from pe_dvc.usecases.channel.update import ChannelUpdate
    from pe_dvc.usecases.publish.refresh import Refreshed

MANY_DATASETS = 2000
"""From how many datasets on a channel is better in bins, and people are told so."""


@dataclass(frozen=True, kw_only=True)
class InitializedChannels(Result):
    """New channels: the root's ``fingerprint``, and the directory of the ``keys``.

    ``kept_keys`` are files of keys that were there before; they sign here, too. ``metadata`` is
    the directory to commit. Where others must sign, too, ``drafts`` says who, and there is no
    fingerprint yet. ``not_tried`` says why it is not known yet whether the store keeps
    conditional writes.
    """

    country: str
    fingerprint: Sha256 | None
    keys: Path
    kept_keys: tuple[str, ...]
    metadata: Path
    drafts: tuple[RoleStatus, ...] = ()
    not_tried: str | None = None


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
    Raises StoreError for a store that ignores conditional writes, ConflictError where a root is
    pinned, as
    ``pe_dvc.usecases.channel.init.init_channels`` and ``pe_dvc.trust.public_keys``, and
    FormatError for a key directory inside git.
    """
    wanted = thresholds or {}
    init.refuse_existing(repo.channels_root, repo.country)
    refuse_pinned(repo.country)
    directory = directories.keys_dir() / repo.country
    refuse_bound_keys(directory)
    not_tried = probe_early(repo)
    kept = tuple(sorted(path.name for path in directory.glob("*.pem")))
    keys = _given_keys(signers or {}, public_keys or {})
    counts = init.keys_to_make(keys, key_counts or {}, wanted)
    for role, made in generate_keys(directories.keys_dir(), repo.country, counts).items():
        keys.setdefault(role, []).extend(made)
    fingerprint = init.init_channels(
        repo.channels_root,
        repo.country,
        keys,
        signers_of(repo, signers),
        now=_now(),
        thresholds=wanted,
        contact=repo.settings.contact,
        mirrors=[
            mirror.url
            for mirror in repo.settings.mirrors.values()
            if mirror.takes_country(repo.country) and not mirror.is_directory
        ],
    )
    if fingerprint is not None:
        bind_keys(directory, repo.signed_metadata().root_files[0])
    keep_line_endings(repo)
    return InitializedChannels(
        country=repo.country,
        fingerprint=fingerprint,
        keys=directory,
        kept_keys=kept,
        metadata=repo.channels_dir,
        drafts=waiting_drafts(repo.draft_files, now=_now()),
        not_tried=not_tried,
    )


def write_pointers(
    repo: DataRepo, channel: str, pointers: Iterable[Pointer], committed: Committed
) -> ChannelUpdate:
    """Write a channel's pointers into git's file, signed if its key is here.

    ``committed`` is the newest version that was committed signed. Raises as ``update_channel``.
    """
    from pe_dvc.usecases.channel.update import update_channel

    pointers, bins = list(pointers), repo.settings.channel.bins
    if bins is None and len(pointers) > MANY_DATASETS:
        note_once(
            f"{channel} has {len(pointers)} datasets, and who reads or changes one reads or writes "
            "all of them. With bins = true in [tool.pe_dvc.channel] it is a small part: see "
            "docs/channels.md on thousands of datasets"
        )
    return update_channel(
        repo.channels_root,
        repo.country,
        channel,
        pointers,
        signers_of(repo),
        now=_now(),
        committed=committed,
        bins=bins,
    )


def _given_keys(
    signers: Mapping[str, Sequence[str]], public_keys: Mapping[str, Sequence[Path]]
) -> dict[str, list[Key]]:
    from pe_dvc.trust.public_keys import public_key

    keys: dict[str, list[Key]] = {}
    for role, uris in signers.items():
        keys.setdefault(check_role(role), []).extend(public_key(uri) for uri in uris)
    for role, paths in public_keys.items():
        keys.setdefault(check_role(role), []).extend(_named(paths))
    return keys


def _named(paths: Sequence[Path]) -> Iterator[Key]:
    """Yield the keys of public key files, each by the name of its file: bob's of ``bob.pem``."""
    from pe_dvc.trust.public_keys import public_key_file

    names: set[str] = set()
    for path in paths:
        key, name = public_key_file(path), path.name.partition(".")[0]
        if is_key_name(name) and name not in names:
            key.unrecognized_fields[NAME_FIELD] = name
            names.add(name)
        yield key


def sign(repo: DataRepo, role: str, *, shown: str | None = None) -> RoleStatus:
    """Add the signatures of the keys on this machine to what git holds of a role.

    ``shown`` is the digest of what was shown of it: nothing else is signed.
    """
    signers = signers_of(repo)
    done = roles.sign_role(repo.channels_root, repo.country, role, signers, now=_now(), shown=shown)
    sign_statements(repo, signers, role)
    return done


def sign_statements(repo: DataRepo, signers: Signers, role: str) -> None:
    """Sign the statements of releases after a change of ``role``, by the keys of ``releases`` here.

    They are signed as the role ``releases`` is, whose keys ``targets`` may have changed.
    """
    if role in ("releases", "targets") and repo.channel_files.exists("releases"):
        from pe_dvc.usecases.release.statements import sign_registered

        sign_registered(repo.channel_files, signers)


def renew(repo: DataRepo, role: str) -> RoleStatus:
    """Give a role of git a new version with a new expiry, and return how it stands."""
    from pe_dvc.usecases.channel.keys import KeyRing

    signers = signers_of(repo)
    if role not in DRAFTED:
        return roles.renew_role(repo.channels_root, repo.country, role, signers, now=_now())
    KeyRing(repo.channels_root, repo.country, signers, now=_now()).renew(role)
    return next(one for one in reversed(status(repo)) if one.role == role)


def refresh(repo: DataRepo, *, store: str | None = None) -> Refreshed:
    """Renew snapshot and timestamp in the store (``pe_dvc.usecases.publish.refresh``)."""
    from pe_dvc.project.keep_seen import keep_seen
    from pe_dvc.project.seen import seen_logs, seen_versions
    from pe_dvc.trust.bucket_writer import bucket_of
    from pe_dvc.usecases.publish.publisher import Publisher
    from pe_dvc.usecases.publish.refresh import refresh_channel

    opened, metadata = repo.open_store(store), repo.signed_metadata()
    publisher = Publisher(
        signers_of(repo, metadata=metadata),
        now=_now(),
        seen=seen_versions(repo, opened, metadata),
        logs=seen_logs(repo, opened, metadata),
    )
    done = refresh_channel(opened, repo.channels_root, repo.country, publisher)
    return replace(done, seen=keep_seen(repo, bucket_of(opened, metadata), done.written))


def status(repo: DataRepo) -> list[RoleStatus]:
    """Return how every role in git stands. Raises UntrustedError (``check_root``)."""
    repo.check_root()
    return roles.channel_status(repo.channels_root, repo.country, now=_now())


def _now() -> datetime:
    return datetime.now(UTC)
