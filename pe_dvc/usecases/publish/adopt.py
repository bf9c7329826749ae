"""Take over into git what was published and is not there: a crashed publisher's commit is lost.

Whatever is taken over was signed by today's keys; nothing is that was not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.trust.bucket import ChannelBucket
from pe_dvc.trust.bucket_head import read_head
from pe_dvc.trust.files import ChannelFiles
from pe_dvc.trust.roles import DELEGATED
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import verify_signed_by

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.store.port import Store


def adopt_channel(store: Store, directory: Path, country: str, role: str) -> int | None:
    """Replace git's metadata of a delegated role by the newest in the store; return its version.

    None, and nothing is written, if git holds it already or holds a newer one. The newest may be
    one that no snapshot names yet. Raises SignatureError for one that today's keys did not sign,
    and NotFoundError if nothing was published.
    """
    if role not in DELEGATED:
        raise NotFoundError(f"{role!r} is not a channel: expected one of {', '.join(DELEGATED)}")
    git = SignedMetadata(ChannelFiles(directory, country))
    bucket = ChannelBucket(store, country, [root.signed for root in git.roots])
    newest = read_head(bucket).versions.get(role, 0)
    while bucket.has(role, newest + 1):
        newest += 1
    ours = git.role(role).signed
    held = bucket.read(role, Targets, newest)
    if ours.version > newest or held.metadata.signed == ours:
        return None
    where = bucket.where(role, newest)
    verify_signed_by(git.delegator(role), role, held.metadata, where=where)
    git.files.write_bytes(role, held.data)
    return newest
