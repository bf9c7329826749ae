"""``pe-dvc fsck``: opens a data repo's bucket, a journal, and the places that hold copies."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pe_dvc.adapters.dvc.cache import object_path
from pe_dvc.adapters.file_journal import FileJournal
from pe_dvc.adapters.git.history import GitHistory
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.keys import SIDECARS, channel_prefix, country_prefix, parse_key
from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.project import directories
from pe_dvc.project.content_sidecars import sidecar_files_of
from pe_dvc.project.dvc_cache import check_published
from pe_dvc.project.gc import foreign_files
from pe_dvc.project.git_channels import GitChannels
from pe_dvc.project.repo_files import read_manifests
from pe_dvc.project.sidecars import cached_parts
from pe_dvc.project.signers import signers_of
from pe_dvc.project.stores import open_location
from pe_dvc.trust.bucket import ReadableChannels
from pe_dvc.trust.bucket_head import read_head
from pe_dvc.usecases.retention import fsck as use_case
from pe_dvc.usecases.retention import repair as use_case_repair
from pe_dvc.usecases.retention.bucket_lock import publishing
from pe_dvc.usecases.retention.findings import Finding
from pe_dvc.usecases.retention.log_check import CheckedLog, check_checkpoint, check_log
from pe_dvc.usecases.retention.ownership import check_own_bucket
from pe_dvc.usecases.retention.reachability import Bucket, names_data, reach_of
from pe_dvc.usecases.retention.release_documents import check_releases
from pe_dvc.usecases.retention.repair import Checked, Source
from pe_dvc.usecases.revoke.faults import judge_withdrawn
from pe_dvc.usecases.revoke.withdrawn import ROLE, Withdrawn, withdrawn_here, withdrawn_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.progress import Reporter
    from pe_dvc.usecases.retention.findings import Report
    from pe_dvc.usecases.retention.repair import Repaired


def fsck(
    repo: DataRepo,
    *,
    store: str | None = None,
    repair: bool = False,
    mirror: str | None = None,
    reporter: Reporter | None = None,
) -> Checked:
    """Check everything below the country's prefix; with ``repair``, repair it.

    Good copies are looked for in the local DVC cache and the checkout, then in ``mirror``, a
    bucket of the same layout. A check that was cut off is taken up where it was. Raises
    StoreError, and before a repair FormatError or VerificationError where it cannot be known what
    is withdrawn, ConflictError for another project's bucket, and while a
    collector is at work.
    """
    other = _mirror(repo, mirror)
    bucket, history = repo.open_store(store), GitHistory(repo.root)
    reach = reach_of(history.blobs(sorted(history.own_roots().items()), names_data))
    journal = FileJournal(_journal_path(repo.country, bucket))
    listed = Bucket.read(bucket, repo.country, foreign_files(repo, bucket))
    report = use_case.fsck(
        listed,
        journal,
        reach=reach,
        wanted=_pulled(repo),
        open_location=open_location,
        reporter=reporter,
    )
    journal.finish()
    withdrawn, log = _withdrawn(repo, bucket, report, repair=repair), CheckedLog()
    judge_withdrawn(report, listed, withdrawn, _published(repo, bucket, withdrawn))
    if repair:
        check_own_bucket(bucket, repo.country, repo.first_root())
    if repo.channel_files.exists():
        metadata = repo.signed_metadata()
        channels = ReadableChannels(bucket, repo.country, [r.signed for r in metadata.roots])
        signers, snapshot = signers_of(repo) if repair else None, read_head(channels).snapshot
        log = check_log(channels, snapshot)
        begin = check_checkpoint(channels, snapshot, signers)
        log = CheckedLog(log.findings + begin.findings, log.held | begin.held)
        report.findings += check_releases(listed, metadata) + log.findings
        report.findings.sort(key=lambda finding: (finding.is_harmless, finding.key))
    repaired = []
    if repair:
        repaired = _repair(repo, bucket, report.findings, other, log.held)
    return Checked(store=bucket.url, report=report, repaired=repaired)


def _withdrawn(repo: DataRepo, bucket: Store, report: Report, *, repair: bool) -> Withdrawn:
    """Return what is withdrawn. A repair that cannot know it would bring it back, and raises."""
    committed, files = GitChannels(repo).newest(ROLE), repo.channel_files
    try:
        return withdrawn_here(files, bucket, committed, strict=True)
    except (FormatError, VerificationError) as error:
        if repair:
            raise
        key = f"{channel_prefix(repo.country)}{ROLE}.json"
        report.findings.append(Finding(fault="corrupt", key=key, what=ROLE, detail=error.message))
        return withdrawn_here(files, bucket, committed)


def _published(repo: DataRepo, bucket: Store, known: Withdrawn) -> Withdrawn:
    """Return what readers see as withdrawn; what is ``known`` where that cannot be verified."""
    try:
        return withdrawn_in(bucket, repo.signed_metadata())
    except NotFoundError:
        return Withdrawn()
    except (FormatError, VerificationError):
        return known


def _mirror(repo: DataRepo, url: str | None) -> Store | None:
    """Open the mirror. Raises NotFoundError for one that has nothing of the country."""
    if not url:
        return None
    declared = repo.settings.mirrors.get(url)
    if declared is not None and declared.is_hub:
        raise FormatError(
            f"the mirror {url} is a release on a hub, which has payloads by other names",
            where="--mirror",
            remedy="Name a mirror that is a store. Payloads of a hub come back by pe-dvc import.",
        )
    store = repo.open_other(declared.url) if declared else repo.open_bucket(url)
    if next(iter(store.list(country_prefix(repo.country))), None) is None:
        raise NotFoundError(
            f"the mirror {store.url} has nothing below {country_prefix(repo.country)}",
            remedy="Check --mirror: it is the address of a bucket of the same layout.",
        )
    return store


def _pulled(repo: DataRepo) -> dict[str, str]:
    """Return the md5 of each output that ``dvc pull`` here takes from this bucket, by path."""
    return {
        output.path: output.md5
        for output in repo.dvc.outputs.values()
        if output.cached and output.push and output.md5 and not output.legacy
        if output.remote in (None, repo.remote_name)
    }


def _journal_path(country: str, store: Store) -> Path:
    place = hashlib.sha256(store.url.encode()).hexdigest()[:16]
    return directories.state_dir() / "fsck" / f"{country}-{place}.jsonl"


def _repair(
    repo: DataRepo,
    store: Store,
    findings: Sequence[Finding],
    mirror: Store | None,
    log: Mapping[str, tuple[bytes, str]],
) -> list[Repaired]:
    check_published(repo)
    sources = [Source(LocalStore(repo.dvc_config.cache_dir), country_prefix(repo.country))]
    if mirror is not None:
        sources.append(Source(mirror))
    with publishing(store, repo.country):
        return use_case_repair.repair(store, findings, sources, {**log, **_held(repo, findings)})


def _held(repo: DataRepo, findings: Sequence[Finding]) -> dict[str, tuple[bytes, str]]:
    """Return the checkout's manifests and sidecars, and chunk lists made from the DVC cache."""
    held: dict[str, tuple[bytes, str]] = {}
    parsed = (parse_key(finding.key) for finding in findings)
    tree = repo.tree
    lacking = {one.digest for one in parsed if one is not None and one.kind in SIDECARS}
    for name, (manifest, data) in read_manifests(tree, repo.settings, Manifest).items():
        held[sha256_bytes(data)] = data, f"{repo.settings.manifests}/{name}.json"
        path = object_path(repo.dvc_config.cache_dir, manifest.artifact.dvc.md5)
        if manifest.artifact.sha256 in lacking and path.exists():
            parts = cached_parts(repo, manifest.artifact)
            held[sha256_bytes(parts)] = parts, str(path)
        for file in sidecar_files_of(repo, manifest):
            sidecar = tree.read_signed(file)
            held[sha256_bytes(sidecar)] = sidecar, file
    for path, data in repo.channel_files.all_statements():
        held[sha256_bytes(data)] = data, str(path)
    return held
