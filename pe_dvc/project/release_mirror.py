"""Mirroring a release to Hugging Face's hub, wired to the hub."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.adapters.hub.hub import Hub
from pe_dvc.documents.hub_uri import parse_hub_repo
from pe_dvc.primitives.names import check_inside
from pe_dvc.project.stores import open_location
from pe_dvc.usecases.release.hub_latest import check_may_be_latest, move_pointer
from pe_dvc.usecases.release.mirror import (
    Mirrored,
    check_mirrored_to,
    mirror_claims,
    mirror_tag,
)

if TYPE_CHECKING:
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.progress import Reporter
    from pe_dvc.usecases.release.derive import Release


def mirror(
    store: Store,
    uri: str,
    release: Release,
    claimed: bytes,
    *,
    latest: str | None,
    older_tro: bool,
    reporter: Reporter | None,
) -> Mirrored:
    """Bring a release, then its claims, then the pointer ``latest`` to the hub repo at ``uri``.

    What can be refused is refused before anything is written.
    """
    hub = Hub(parse_hub_repo(uri))
    check_mirrored_to(release, hub.place)
    if latest is not None:
        check_inside(latest)
        check_may_be_latest(release)
    tro = release.older_tro if older_tro else release.tro
    done = mirror_tag(store, hub, release, tro, open_location=open_location, reporter=reporter)
    if claimed != release.data:
        _, manifest_uri = mirror_claims(hub, release, claimed, done.commit)
        done = replace(done, manifest_uri=manifest_uri)
    if latest is not None:
        now = datetime.now(UTC)
        done = replace(done, pointer=move_pointer(hub, release, done, latest, now=now))
    return done
