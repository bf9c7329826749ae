"""What is said of a tag that gives another release than the one that was registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import ReleaseError

if TYPE_CHECKING:
    from pe_dvc.documents.release_target import Released
    from pe_dvc.primitives.digest import Sha256

MOVED_TAG = "A release is permanent: move the tag back to where it was, and use a new tag."


def moved_tag(known: Released, *, sha256: Sha256, commit: str, channel: str) -> ReleaseError:
    """Return the error: ``known`` is registered, and git now gives the rest."""
    if (known.commit, known.channel) == (commit, channel):
        return ReleaseError(
            f"the tag {known.tag} is on the same commit {commit[:12]} as when it was released, and "
            "was made again: a release holds the time of its tag (of an annotated one, when it was "
            "made; else of the commit)",
            remedy="A release is permanent: delete the tag here and take the first one from a "
            "clone or git remote that has it, or use a new tag.",
        )
    return ReleaseError(
        f"the tag {known.tag} was moved: release manifest sha256:{known.sha256} of commit "
        f"{known.commit[:12]} (channel {known.channel}) is registered, and git gives "
        f"sha256:{sha256} of commit {commit[:12]} (channel {channel})",
        remedy=MOVED_TAG,
    )
