"""Checking a checkout: the evidence on each dataset, gathered from files, and the verdicts."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.adapters.directories import members_of_workspace
from pe_dvc.adapters.dvc.cache import DvcListings
from pe_dvc.adapters.dvc.lineage import Lineage
from pe_dvc.adapters.member_digests import MemberDigests
from pe_dvc.documents.declaration import read_declarations
from pe_dvc.documents.dvc_files import PIPELINE
from pe_dvc.documents.plain_record import read_plain_manifest
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.primitives.pools import Pool
from pe_dvc.project.content_sidecars import sidecar_fault
from pe_dvc.project.manifest_stage import missing_deps
from pe_dvc.project.repo_files import manifest_path
from pe_dvc.project.withdrawn import known_here
from pe_dvc.usecases.checkout import verify as use_case
from pe_dvc.usecases.checkout.verify import Evidence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pe_dvc.documents.dvc_output import Output
    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.usecases.checkout.verify import Check


def verify(repo: DataRepo, names: Sequence[str] = (), *, present: bool = False) -> list[Check]:
    """Return the verdict on each declared dataset, or on those of ``names``, by name.

    With ``present``, only on those whose files are here; a file that did not change since it was
    last hashed is not read again. Raises NotFoundError for a name that dvc.yaml does not declare,
    UntrustedError in a clone of another root than the pinned one.
    """
    repo.check_root(required=True)
    evidence = gather(repo, names)
    use_case.check_any(evidence, where=str(repo.root / PIPELINE))
    if present:
        evidence = [_with_digest(repo, found) for found in evidence if _is_here(repo, found)]
    else:
        evidence = [_with_file(repo, found) for found in evidence]
    evidence = _with_revocations(repo, evidence)
    with Pool() as pool:
        return list(pool.map(use_case.verify, evidence))


def gather(
    repo: DataRepo,
    names: Sequence[str] = (),
    *,
    metadata: SignedMetadata | None = None,
    drafts: bool = False,
) -> list[Evidence]:
    """Return what the checkout holds on each dataset; the file is taken to be as described.

    ``metadata`` is the checkout's, where it was read already. With ``drafts``, ``latest`` may wait
    for signatures, as it does in a commit of a machine without its key.

    Raises as ``verify``.
    """
    from pe_dvc.usecases.channel.pointers import (
        draft_pointers,
        is_draft,
        read_pointers,
        superseded_manifests,
    )

    declared = {d.name: d for d in read_declarations(repo.dvc.artifacts, country=repo.country)}
    for name in names:
        use_case.check_declared(name, declared)
    pointers, superseded = {}, {}
    signed = metadata or repo.signed_metadata()
    if signed.files.exists("latest"):
        read = draft_pointers if drafts and is_draft(signed, "latest") else read_pointers
        pointers = read(signed, "latest")
        superseded = superseded_manifests(signed, "latest")
    lacking = missing_deps(repo.dvc, declared.values())
    lineage, listings = Lineage(repo.dvc), DvcListings(repo.dvc_config.cache_dir)
    gathered = []
    for name in names or declared:
        path = manifest_path(repo.settings, name)
        data = repo.tree.read_signed(path) if repo.tree.has(path) else b""
        manifest = read_plain_manifest(data, where=repo.tree.where(path)) if data else None
        output = lineage.output_of(declared[name].path)
        pointer = pointers.get(name)
        gathered.append(
            Evidence(
                name=name,
                declaration=declared[name],
                manifest=manifest,
                manifest_data=data,
                recorded=output is not None,
                locked_md5=_locked_md5(output, listings, declared[name].path),
                pointer=pointer,
                file_digest=partial(_as_described, manifest),
                behind=superseded.get(name) == sha256_bytes(data),
                stays=_why_it_stays(pointer, manifest, data),
                remedy=lacking[name].remedy if name in lacking else None,
                sidecar_fault=sidecar_fault(repo, path, manifest),
            )
        )
    return gathered


def _why_it_stays(pointer: Pointer | None, manifest: Manifest | None, data: bytes) -> str | None:
    from pe_dvc.usecases.channel.build_pointers import why_it_stays

    if pointer is None or manifest is None or pointer.manifest_sha256 == sha256_bytes(data):
        return None
    return why_it_stays(pointer, manifest.artifact.sha256)


def _locked_md5(output: Output | None, listings: DvcListings, path: str) -> str | None:
    """Return DVC's md5 of a file, by dvc.lock; None where DVC has no record of it here."""
    try:
        return listings.md5_of(output, path) if output is not None else None
    except NotFoundError:
        return None


def _with_file(repo: DataRepo, evidence: Evidence) -> Evidence:
    """Return the evidence with the workspace's file really hashed."""
    from dataclasses import replace

    if evidence.manifest is None:
        return evidence
    artifact = evidence.manifest.artifact
    hash_it = _hash_directory if artifact.is_directory else _hash_file
    return replace(evidence, file_digest=partial(hash_it, repo.root / artifact.path))


def _with_revocations(repo: DataRepo, evidence: Sequence[Evidence]) -> list[Evidence]:
    """Return the evidence with what is known here of withdrawals: the bucket is not asked."""
    from dataclasses import replace

    known = known_here(repo.channel_files, repo).artifacts

    def of(manifest: Manifest | None) -> Revocation | None:
        return known.get(Sha256(manifest.artifact.sha256)) if manifest else None

    return [replace(found, revocation=of(found.manifest)) for found in evidence]


def _is_here(repo: DataRepo, evidence: Evidence) -> bool:
    manifest = evidence.manifest
    return manifest is not None and (repo.root / manifest.artifact.path).exists()


def _with_digest(repo: DataRepo, evidence: Evidence) -> Evidence:
    """Return the evidence with the file hashed, or known by its inode, size and mtime."""
    from dataclasses import replace

    from pe_dvc.adapters.digests import DigestCache

    assert evidence.manifest is not None
    path = repo.root / evidence.manifest.artifact.path
    if evidence.manifest.artifact.is_directory:
        digests = MemberDigests(repo.root)
        return replace(evidence, file_digest=partial(_hash_directory, path, digests))
    return replace(evidence, file_digest=lambda: DigestCache(repo.root).digest(path).sha256)


def _hash_directory(path: Path, digests: MemberDigests | None = None) -> Sha256 | None:
    members = members_of_workspace(path, digests)
    return members.dir_hash if members else None


def _hash_file(path: Path) -> Sha256 | None:
    try:
        with path.open("rb") as file:
            return Sha256(hashlib.file_digest(file, "sha256").hexdigest())
    except FileNotFoundError:
        return None


def _as_described(manifest: Manifest | None) -> Sha256 | None:
    return Sha256(manifest.artifact.sha256) if manifest else None
