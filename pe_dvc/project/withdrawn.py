"""What was withdrawn of the data of a clone: by its bucket's signed role, and by its own."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import NotFoundError, NotPublishedError, PeDvcError, VerificationError
from pe_dvc.primitives.reference import Reference
from pe_dvc.project.notes import note_once
from pe_dvc.project.reader_trust import channels_from, known_root
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.usecases.revoke.withdrawn import Withdrawn, newer, withdrawn_in_git
from pe_dvc.usecases.revoked import refuse_revoked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.project.reader import Reader
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.client import ChannelClient
    from pe_dvc.trust.files import ChannelFiles
    from pe_dvc.usecases.release.derive import Release


def withdrawn_by_store(repo: DataRepo, store: ReadableStore) -> Mapping[Sha256, Revocation]:
    """Return what the bucket's signed role names, or the clone's own where that is newer.

    A clone without a root that is trusted knows nothing. Raises as ``Revocations.known``:
    channels that were there before, and are hidden now, are an error. Where none were ever seen,
    the clone's own role answers.
    """
    from pe_dvc.project.revocations import Revocations

    if known_root(repo.country, repo) is None:
        return {}
    ours = signed_in_git(repo.channel_files)
    try:
        known = Revocations(repo.country, repo, lambda: store).known()
    except NotFoundError:
        if _was_read(lambda: _last(repo, store.url)):
            raise
        note_once(
            f"no channels of {repo.country} are in {store.url}: what was withdrawn is as in git"
        )
        return ours.artifacts
    theirs = Withdrawn(version=known.version, artifacts=known.revocations)
    return newer(theirs, ours).artifacts


def known_here(files: ChannelFiles, repo: DataRepo | None) -> Withdrawn:
    """Return what is known to be withdrawn without asking the bucket.

    That is what this machine has verified of it last, or what the clone's own role says: of both
    the newer version. A bare clone, without ``repo``, has its role ``files`` alone.
    """
    ours = signed_in_git(files)
    if repo is not None:
        with suppress(PeDvcError):  # it was never read here, or no bucket is known
            ours = newer(_shown_by(_last(repo, repo.store_url())), ours)
    return ours


def refuse_release(release: Release, client: ChannelClient, files: ChannelFiles) -> None:
    """Raise RevokedError for a release with a withdrawn artifact, by the bucket's signed role.

    By that in git, ``files``, where it is newer, and without channels in the bucket of which none
    were seen before.
    """
    theirs = Withdrawn()
    try:
        theirs = _shown_by(client)
    except NotPublishedError:
        pass
    except NotFoundError:
        if _was_read(lambda: client):
            raise
    known = newer(theirs, signed_in_git(files)).artifacts
    for name, (manifest, _) in release.manifests.items():
        asked = f"{name} of release {release.tag}"
        refuse_revoked(known, [Sha256(manifest.artifact.sha256)], asked=asked)


def refuse_pointer(reader: Reader, pointer: Pointer) -> None:
    """Raise RevokedError for a pointer to what was withdrawn, whose manifest a clone may have."""
    asked = str(Reference.pinned(pointer.country, pointer.name, pointer.sha256))
    with suppress(NotFoundError):  # nothing is published yet: then nothing is withdrawn
        reader.revocations.refuse(asked, pointer.sha256)


def _shown_by(client: ChannelClient) -> Withdrawn:
    """Return the artifacts that readers of a bucket see as withdrawn. Raises as the client."""
    return Withdrawn(version=client.revocations_version(), artifacts=client.revocations())


def signed_in_git(files: ChannelFiles) -> Withdrawn:
    """Return what the clone's own role says, nothing while stewards have not signed it.

    Git has it first between the merge and the push; and who hides the bucket's role cannot hide
    that of the checkout.
    """
    try:
        return withdrawn_in_git(SignedMetadata(files))
    except (NotFoundError, VerificationError):
        return Withdrawn()


def _was_read(client: Callable[[], ChannelClient]) -> bool:
    """Tell whether the channels of a bucket were ever verified on this machine."""
    try:
        client().verified_at()
    except NotFoundError:
        return False
    return True


def _last(repo: DataRepo, url: str) -> ChannelClient:
    from pe_dvc.project.stores import open_offline

    return channels_from(open_offline(url), repo.country, repo, offline=True)
