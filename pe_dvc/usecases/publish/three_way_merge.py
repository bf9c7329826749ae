"""Three versions of a channel into one: ours, another publisher's, and what both come from.

Plain values in and out, no I/O. ADR 0004.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.primitives.errors import ConflictError
from pe_dvc.trust.ancestry import PlainTargets, manifest_of, plain, superseded

if TYPE_CHECKING:
    from pe_dvc.trust.tuf_api import Targets


class Merged(NamedTuple):
    """A channel with both publishers' changes; all but ``superseded`` by target path.

    ``ours`` are the paths changed here, ``taken_over`` those changed elsewhere. ``superseded``
    is what the metadata shall say of the manifests that other publishers replaced.
    """

    targets: PlainTargets
    ours: set[str]
    taken_over: set[str]
    superseded: dict[str, str | None]


def merge(before: PlainTargets, ours: Targets, theirs: Targets) -> Merged:
    """Apply what changed from ``before`` to ``ours`` to ``theirs``.

    Raises ConflictError, which names the datasets, if both changed one to different artifacts.
    """
    mine, published = plain(ours), plain(theirs)
    # What we took over from others earlier, and what they had replaced, is no change of ours.
    changed = differing(before, mine) - superseded(ours).keys()
    both = changed & differing(before, published) & differing(mine, published)
    if both:
        names = ", ".join(sorted(path.split("/", 2)[2] for path in both))
        raise ConflictError(
            f"another publisher was first, and both of you changed {names}",
            remedy="Readers see what they saw before. Take over what was published: git pull, "
            "then pe-dvc channel adopt latest. Then run dvc repro and pe-dvc channel update "
            "latest, commit, and push again. If git stops at a conflict: pe-dvc check",
        )
    kept = {path: target for path, target in published.items() if path not in changed}
    targets = kept | {path: target for path, target in mine.items() if path in changed}
    taken_over = differing(mine, targets)
    replaced = superseded(theirs) | {path: manifest_of(mine.get(path)) for path in taken_over}
    replaced |= superseded(ours)
    return Merged(
        targets=targets,
        ours=changed,
        taken_over=taken_over,
        superseded={path: had for path, had in replaced.items() if path not in changed},
    )


def differing(one: PlainTargets, other: PlainTargets) -> set[str]:
    """Return the paths at which two channels differ."""
    return {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)}
