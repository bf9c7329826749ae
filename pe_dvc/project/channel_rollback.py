"""Going back on this machine: the bucket's versions, git's commits, the manifests here."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.adapters.git.command import committer
from pe_dvc.documents.dvc_files import LOCK
from pe_dvc.documents.manifest import Manifest
from pe_dvc.documents.payload import Payload
from pe_dvc.documents.pointer import check_channel, pointers_of
from pe_dvc.documents.pointer_notes import check_reason
from pe_dvc.primitives.errors import FormatError
from pe_dvc.project.channel_promote import evidence_of
from pe_dvc.project.content_sidecars import write_published
from pe_dvc.project.gate_sources import Sources
from pe_dvc.project.git_channels import GitChannels
from pe_dvc.project.git_manifests import commit_with
from pe_dvc.project.metrics_file import write_metrics
from pe_dvc.project.signers import signers_of
from pe_dvc.trust.ancestry import plain
from pe_dvc.usecases.channel.complete_manifests import complete_manifests
from pe_dvc.usecases.channel.pointers import draft_pointers, signed_pointers
from pe_dvc.usecases.channel.rollback import Back, RolledBack, go_back, kept_of, write_rollback
from pe_dvc.usecases.channel.rollback_base import rollback_base
from pe_dvc.usecases.channel.source import parse_source, pointers_from, retarget
from pe_dvc.usecases.revoke.withdrawn import ROLE, refuse_pointed, withdrawn_here

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.usecases.channel.source import Source
    from pe_dvc.usecases.progress import Reporter


def rollback(
    repo: DataRepo,
    channel: str,
    names: Sequence[str] = (),
    *,
    to: str,
    reason: str,
    store: str | None = None,
    reporter: Reporter | None = None,
) -> RolledBack:
    """Take datasets of a channel back to what was published, all that it had unless named.

    Nothing is written before all of it is found whole. Of ``latest`` the manifests are written,
    too. Raises FormatError, NotFoundError, RevokedError, VerificationError, ConflictError.
    """
    check_channel(channel)
    back = Back(
        to=_published(to, channel),
        reason=check_reason(reason, "a rollback"),
        by=committer(repo.root),
    )
    git, sources, commits = (
        repo.signed_metadata(),
        Sources(repo, store, reporter),
        GitChannels(repo),
    )
    chosen = {
        name: retarget(pointer, channel, **pointer.notes)
        for name, pointer in pointers_from(back.to, names, sources.published).items()
    }
    withdrawn = withdrawn_here(repo.channel_files, sources.store, commits.newest(ROLE))
    refuse_pointed(withdrawn, chosen.values(), remedy="Nothing was changed.")
    manifests = complete_manifests(sources.store, chosen.values())
    base = rollback_base(
        git,
        sources.store,
        channel,
        committed=commits.newest(channel),
        versions=commits.versions(channel),
    )
    before = plain(base.metadata.signed)
    standing = pointers_of(before, country=repo.country, channel=channel, where=channel)
    rest = _rest(git, channel, commits) if base.is_git else standing
    found, gates = go_back(chosen, standing, evidence_of(repo, sources, chosen), back)
    pointers = {**kept_of(channel, names, chosen, rest), **found}
    update = write_rollback(git, channel, base, pointers, signers_of(repo), now=datetime.now(UTC))
    done = RolledBack(
        update=update,
        to=str(back.to),
        went_back=tuple(name for name in found if found[name] != standing.get(name)),
        gates=gates,
    )
    if channel == "next":
        return done
    payloads = [Payload.of_manifest(manifests[name]) for name in done.went_back]
    return replace(
        done,
        restored=_restore(repo, manifests, sources.store),
        files={f"{p.country}/{p.name}@sha256:{p.sha256}": p.path for p in payloads},
        commit=commit_with(repo, pointers),
        dvc_files=_dvc_files(repo, [payload.path for payload in payloads]),
    )


def _dvc_files(repo: DataRepo, paths: Sequence[str]) -> tuple[str, ...]:
    """Return the files in which DVC records what lies at ``paths``: dvc.lock, or those of dvc add.

    A path of which it has no record is taken for the output of a stage.
    """
    from pe_dvc.adapters.dvc.lineage import Lineage

    lineage = Lineage(repo.dvc)
    recorded = (lineage.output_of(path) for path in paths)
    return tuple(sorted({one.dvcfile if one and one.dvcfile else LOCK for one in recorded}))


def _rest(git: SignedMetadata, channel: str, commits: GitChannels) -> dict[str, Pointer]:
    """Return what may stay beside what goes back; of ``next`` that is the draft under review."""
    if channel == "next":
        return draft_pointers(git, channel)
    return signed_pointers(git, channel, commits.newest(channel))


def _published(to: str, channel: str) -> Source:
    source = parse_source(to, channel=channel)
    if source.channel is not None and source.version is None:
        raise FormatError(
            f"{to!r} says not to which version", remedy=f"See pe-dvc channel log {channel}."
        )
    return source


def _restore(
    repo: DataRepo, manifests: Mapping[str, bytes], store: ReadableStore
) -> tuple[str, ...]:
    """Write what is not here as it is published, manifests and sidecars, and metrics of all.

    Returns the paths.
    """
    written: list[str] = []
    for _, data in sorted(manifests.items()):
        written += write_published(repo, Manifest.from_bytes(data), data, store)
    metrics = write_metrics(repo.root, repo.settings.manifests) if written else None
    return (*written, *([metrics] if metrics else []))
