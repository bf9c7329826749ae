"""Take over into git what was published and is not there: a crashed publisher's commit is lost.

Whatever is taken over was signed by today's keys; nothing is that was not.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.trust.ancestry import descends
from pe_dvc.trust.bucket_writer import bucket_of
from pe_dvc.trust.files import ChannelFiles
from pe_dvc.trust.roles import DELEGATED
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import verify_signed_by
from pe_dvc.usecases.publish.rebase import newest_version

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.store.port import Store


def adopt_channel(store: Store, directory: Path, country: str, role: str) -> int | None:
    """Replace git's metadata of a delegated role by the newest in the store; return its version.

    None, and nothing is written, if git holds it already, or what was made from it. A file that
    cannot be read, as after a merge with conflicts, is replaced. The newest may be one that no
    snapshot names yet. Raises SignatureError for one that today's keys did not sign,
    and NotFoundError if nothing was published.
    """
    if role not in DELEGATED:
        raise NotFoundError(f"{role!r} is not a channel: expected one of {', '.join(DELEGATED)}")
    git = SignedMetadata(ChannelFiles(directory, country))
    bucket = bucket_of(store, git)
    newest, _ = newest_version(bucket, git.targets.signed, role, after=0)
    if newest is None:
        raise NotFoundError(f"{store.url} has no {role} of {country} that today's keys signed")
    version = newest.signed.version
    with suppress(FormatError):
        ours = git.role(role).signed
        if newest.signed == ours or descends(ours, newest):
            return None
    held = bucket.read(role, Targets, version)
    verify_signed_by(git.targets.signed, role, held.metadata, where=bucket.where(role, version))
    git.files.write_bytes(role, held.for_git)
    return version
