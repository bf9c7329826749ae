"""Move the pointer of a hub repo, its ``latest.json``, to a release that it has under its tag.

One commit of ``main`` holds the release's files and the pointer to it, with the head that was
read as its parent: a commit of others in between is noticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.hub_pointer import hub_pointer, pointed_release
from pe_dvc.documents.provenance import utc_time
from pe_dvc.primitives.errors import ConflictError, MovedError, NotFoundError, ReleaseError
from pe_dvc.usecases.release.mirror import MAIN, Pointed, read_small

if TYPE_CHECKING:
    from datetime import datetime

    from pe_dvc.usecases.release.derive import Release
    from pe_dvc.usecases.release.mirror import HubRepo, Mirrored

ATTEMPTS = 5
"""How often the head of ``main`` may move under the hands of others, the pointer staying."""


def check_may_be_latest(release: Release) -> None:
    """Raise ReleaseError for a release that is no default: no pointer may name it."""
    if release.manifest.is_default is False:
        raise ReleaseError(
            f"{release.tag} is no default (is_default = false), and what is latest must be one",
            remedy="Mirror it without --latest: it is found by its tag.",
        )


def move_pointer(
    hub: HubRepo, release: Release, mirrored: Mirrored, file: str, *, now: datetime
) -> Pointed:
    """Let ``file`` on the main branch name a release; nothing is written where it does already.

    Raises ConflictError if another process moved it meanwhile, and if ``main`` kept moving.
    """
    first: bytes | None = None
    for attempt in range(ATTEMPTS):
        head = hub.commit_of(MAIN)
        if head is None:
            raise NotFoundError(f"{hub.place} has no branch {MAIN}")
        held = read_small(hub, file, head)
        before = pointed_release(held, where=f"{file} of {hub.place}") if held else None
        if before == (release.directory_id, release.tag):
            return Pointed(file=file, before=release.tag, moved=bool(attempt))
        if attempt and held != first:
            raise ConflictError(
                f"{file} of {hub.place} was moved by another process meanwhile, to "
                f"{before[1] if before else 'nothing'}",
                remedy="Nothing is lost: the tag is there. See which release should be latest.",
            )
        first = held
        pointer = hub_pointer(
            release.directory_id, release.tag, mirrored.paths, moment=utc_time(now)
        )
        try:
            _commit(hub, release, mirrored, file, pointer, head)
        except MovedError:
            continue
        return Pointed(file=file, before=before[1] if before else None, moved=True)
    raise ConflictError(
        f"{MAIN} of {hub.place} kept moving through {ATTEMPTS} attempts",
        remedy="Nothing is lost: mirror again.",
    )


def _commit(
    hub: HubRepo, release: Release, mirrored: Mirrored, file: str, pointer: bytes, head: str
) -> None:
    copied = dict.fromkeys(mirrored.paths, mirrored.commit)
    message = f"Latest is {release.tag}"
    hub.commit(MAIN, {file: pointer}, message, parent=head, copied=copied)
