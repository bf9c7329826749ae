"""Another publisher was first: is ours made from what is published, and if not, what differs?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import MovedError
from pe_dvc.trust.ancestry import descends
from pe_dvc.trust.tuf_api import Targets

if TYPE_CHECKING:
    from pe_dvc.trust.bucket_writer import ChannelBucket
    from pe_dvc.trust.signed_metadata import SignedMetadata


_AGAIN = {
    "latest": "run dvc repro and pe-dvc channel update latest",
    "next": "promote again",
    "releases": "repeat your pe-dvc release commands",
}
"""How a change of a role is made again on top of what was published."""


def follows(bucket: ChannelBucket, ours: SignedMetadata, role: str, version: int) -> bool:
    """Return whether git's metadata of a role was made from a version that is in the bucket."""
    published = bucket.read(role, Targets, version).metadata
    return descends(ours.role(role).signed, published)


def leads_to(bucket: ChannelBucket, ours: SignedMetadata, role: str, version: int) -> bool:
    """Return whether a version that is in the bucket was made from git's metadata of a role."""
    published = bucket.read(role, Targets, version).metadata
    return descends(published.signed, ours.role(role))


def moved_error(bucket: ChannelBucket, ours: SignedMetadata, role: str, version: int) -> MovedError:
    """Return the error that says what another publisher changed; today's keys signed it."""
    git = ours.role(role).signed
    held = bucket.read(role, Targets, version)
    where = bucket.where(role, version)
    detail = _difference(git, held.metadata.signed, len(f"{bucket.country}/{role}/"))
    return MovedError(
        f"another publisher was first: {where} is {role} version {version}, git holds version "
        f"{git.version}; against git, {detail}",
        role=role,
        remedy=f"Nothing is lost. Take over what was published: git pull, then pe-dvc channel "
        f"adopt {role}. Then {_AGAIN.get(role, 'make your change again')}, commit, and push again.",
    )


def _difference(ours: Targets, theirs: Targets, prefix: int) -> str:
    """Say which datasets differ in what was published from what git holds."""
    mine, published = ours.targets, theirs.targets
    both = mine.keys() & published.keys()
    parts = {
        "has": published.keys() - mine.keys(),
        "lacks": mine.keys() - published.keys(),
        "differs in": {path for path in both if mine[path] != published[path]},
    }
    said = [
        f"it {verb} {', '.join(sorted(path[prefix:] for path in paths))}"
        for verb, paths in parts.items()
        if paths
    ]
    return "; ".join(said) or "its datasets are the same"
