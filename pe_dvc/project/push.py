"""Pushing a checkout: what is to be published, gathered from files, and the publication."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.dvc.cache import object_path, read_dir_listing
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.project.channel import signers_of
from pe_dvc.project.git_channels import GitChannels
from pe_dvc.project.git_preconditions import check_committed, check_out_of_git
from pe_dvc.project.local_changes import Edits, find_edits
from pe_dvc.project.verify import gather
from pe_dvc.usecases.checkout.verify import verify
from pe_dvc.usecases.progress import Silent
from pe_dvc.usecases.publish.objects import Described, Payload, Published, publish_objects
from pe_dvc.usecases.retention.bucket_lock import publishing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pe_dvc.documents.dvc_output import Output
    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.progress import Reporter
    from pe_dvc.usecases.publish.channel import Published as PublishedChannel
    from pe_dvc.usecases.publish.rebase import Rebased


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """What a push did, to which store; ``rebased`` if another publisher was first.

    ``edits`` of the workspace were not published.
    """

    store: str
    objects: Published
    unchanged_manifests: int
    channel: PublishedChannel
    edits: Edits
    rebased: Rebased | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the push as plain JSON values."""
        return {
            "store": self.store,
            "uploaded": self.objects.uploaded,
            "uploaded_bytes": self.objects.uploaded_bytes,
            "repaired": self.objects.repaired,
            "present": self.objects.present,
            "manifests": self.objects.manifests,
            "channel": {
                "versions": self.channel.versions,
                "written": list(self.channel.written),
            },
            "rebased": asdict(self.rebased) if self.rebased else None,
            "edited": list(self.edits.edited),
        }


def push(
    repo: DataRepo,
    *,
    store: str | None = None,
    uncommitted: bool = False,
    reporter: Reporter | None = None,
) -> Pushed:
    """Publish payloads, manifests and channels to the repo's store, or the one at ``store``.

    Refuses data that git would take in, and unless ``uncommitted`` what is not in HEAD. Raises
    VerificationError for these, and as ``push_to``.
    """
    check_out_of_git(repo)
    if not uncommitted:
        check_committed(repo)
    return push_to(repo, repo.open_store(store), reporter=reporter)


def push_to(repo: DataRepo, store: Store, *, reporter: Reporter | None = None) -> Pushed:
    """Publish what the checkout holds: payloads, manifests, then the signed pointer.

    Refuses, before anything is written, a checkout whose manifests, dvc.lock and pointer do not
    agree (VerificationError), and pointers that are not signed to their threshold. The bytes are
    those of DVC's cache; that a file was edited since is said to ``reporter``. Where another
    publisher was first, what it changed is taken over into ``latest.json``, which then waits to
    be committed. Raises as ``publish_objects`` and ``publish_rebasing``.
    """
    from pe_dvc.usecases.publish.channel import check_publishable
    from pe_dvc.usecases.publish.rebase import publish_rebasing

    now = datetime.now(UTC)
    described = _described(repo)
    check_publishable(repo.channels_root, repo.country, now=now)
    edits = find_edits(repo.root, [d.manifest.artifact for d in described])
    for line in edits.lines:
        (reporter or Silent()).note(line)
    by_md5 = {d.manifest.artifact.dvc.md5: d.manifest for d in described}
    payloads = list(_payloads(repo, by_md5))
    with publishing(store, repo.country):
        objects = publish_objects(store, repo.country, payloads, described, reporter=reporter)
        channel, rebased = publish_rebasing(
            store,
            repo.channels_root,
            repo.country,
            signers_of(repo),
            now=now,
            history=GitChannels(repo).data,
        )
    return Pushed(
        store=store.url,
        objects=objects,
        unchanged_manifests=len(described) - len(objects.manifests),
        channel=channel,
        edits=edits,
        rebased=rebased,
    )


def _described(repo: DataRepo) -> list[Described]:
    if not repo.channels_dir.exists():
        raise NotFoundError(
            f"{repo.channels_dir} does not exist: this repo has no channels yet",
            remedy=f"Run pe-dvc channel init --country {repo.country}, then dvc repro.",
        )
    described = []
    for evidence in gather(repo):
        check = verify(evidence)
        signed = evidence.pointer is not None or evidence.behind
        if not check.ok or evidence.manifest is None or not signed:
            raise VerificationError(
                f"{check.name}: {check.detail}",
                remedy="Nothing was pushed. Run dvc repro and commit what it writes.",
            )
        manifest = evidence.manifest
        described.append(
            Described(
                manifest=manifest,
                data=evidence.manifest_data,
                chunks=partial(_chunks, repo, manifest),
            )
        )
    return described


def _payloads(repo: DataRepo, by_md5: Mapping[str, Manifest]) -> Iterator[Payload]:
    """Yield everything that ``dvc push`` would push, so that ``dvc pull`` of the commit works."""
    for output in repo.dvc.outputs.values():
        if not _goes_to_our_remote(repo, output):
            continue
        if output.legacy or output.md5 is None:
            raise FormatError(
                f"{output.path} has no hash of DVC 3 in {output.dvcfile or 'dvc.lock'}",
                remedy=f"Run dvc commit {output.stage or output.dvcfile}; for a repo of DVC 2 "
                "also dvc cache migrate.",
            )
        yield from _objects(repo, output, output.md5, by_md5)


def _goes_to_our_remote(repo: DataRepo, output: Output) -> bool:
    return output.cached and output.push and output.remote in (None, repo.remote_name)


def _objects(
    repo: DataRepo, output: Output, md5: str, by_md5: Mapping[str, Manifest]
) -> Iterator[Payload]:
    cache_dir = repo.dvc_config.cache_dir

    def payload(what: str, md5: str) -> Payload:
        manifest = by_md5.get(md5)
        return Payload(
            what=what,
            md5=md5,
            path=object_path(cache_dir, md5),
            sha256=Sha256(manifest.artifact.sha256) if manifest else None,
        )

    listing = payload(output.path, md5)
    yield listing
    # Without its listing a directory's files are unknown here; publish_objects then asks the
    # bucket for the listing, which is only ever there once the files are.
    if output.is_directory and listing.path.exists():
        for inside, file_md5 in read_dir_listing(cache_dir, md5):
            yield payload(f"{output.path}/{inside}", file_md5)


def _chunks(repo: DataRepo, manifest: Manifest) -> bytes:
    """Return the chunk list that a manifest speaks of, from the digests of its file."""
    from pe_dvc.adapters.digests import DigestCache
    from pe_dvc.primitives.digest import sha256_bytes

    artifact = manifest.artifact
    path = repo.root / artifact.path
    digests = DigestCache(repo.root)
    # The workspace's file first: its digests were kept when the manifest was written.
    found = digests.known(path)
    if found is None or found.sha256 != artifact.sha256:
        in_cache = object_path(repo.dvc_config.cache_dir, artifact.dvc.md5)
        path = in_cache if in_cache.exists() else path
        found = digests.digest(path)
    if sha256_bytes(found.chunks) != artifact.chunks.sha256:
        raise VerificationError(
            f"{path}: its chunks are not those of the manifest of {artifact.name}",
            remedy="The file was changed: remove it, then run dvc repro.",
        )
    return found.chunks
