"""What a gated ``latest`` is compared with: what was published last, or what git holds of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.pointer import pointers_of
from pe_dvc.primitives.errors import NotFoundError, StoreError
from pe_dvc.project.channel_promote import evidence_of
from pe_dvc.project.gate_sources import Sources
from pe_dvc.trust.ancestry import plain
from pe_dvc.trust.bucket_writer import bucket_of
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import parse
from pe_dvc.usecases.channel.gated_latest import passed
from pe_dvc.usecases.publish.rebase import newest_version

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.trust.ancestry import Committed


def gate(
    repo: DataRepo, pointers: Sequence[Pointer], *, stay: Collection[str], committed: Committed
) -> tuple[tuple[Pointer, ...], str]:
    """Return the pointers of a build that passed its gates, and what they were compared with.

    ``committed`` is the newest ``latest`` that git's history holds signed. Raises GateError.
    """
    sources = Sources(repo, None, None)
    try:
        signed, compared = _published(repo, sources), "as published"
    except (StoreError, NotFoundError):
        signed, compared = None, "as git holds it: the bucket cannot be read"
        if committed.data:
            signed = parse(Targets, committed.data, where=committed.where).signed
    if signed is None:
        published, compared = {}, "nothing: no latest was published yet"
    else:
        found = plain(signed)
        published = pointers_of(found, country=repo.country, channel="latest", where="latest")
        compared = f"latest {signed.version} {compared}"
    beside = {pointer.name: pointer for pointer in pointers}
    evidence = evidence_of(repo, sources, beside)
    return passed(pointers, published, evidence, stay=stay, compared=compared), compared


def _published(repo: DataRepo, sources: Sources) -> Targets | None:
    """Return the version that readers see, None before the first. Raises StoreError."""
    git = repo.signed_metadata()
    bucket = bucket_of(sources.store, git)
    newest, _ = newest_version(bucket, git.targets.signed, "latest", after=0)
    return newest.signed if newest is not None else None
