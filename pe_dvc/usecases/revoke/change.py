"""``pe-dvc revoke`` and ``unrevoke``: the next version of the role in git, for stewards to sign.

A draft lies in the place of what was signed, as those of ``next`` do, and keeps its version when it
is changed again. ADR 0008 and 0010.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import ConflictError
from pe_dvc.primitives.result import Result
from pe_dvc.trust.ancestry import base_of, plain
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import signatures
from pe_dvc.usecases.channel.next_version import next_version, set_targets
from pe_dvc.usecases.revoke.withdrawn import ROLE, withdrawn_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.trust.ancestry import Committed
    from pe_dvc.trust.files import ChannelFiles
    from pe_dvc.trust.signers import Signers
    from pe_dvc.trust.tuf_api import Metadata


@dataclass(frozen=True, kw_only=True)
class RoleChange(Result):
    """What became of the role in git. ``signed`` is False while ``missing`` signatures are missing.

    ``added`` and ``removed`` are the paths of entries, without country and role.
    """

    version: int
    changed: bool
    signed: bool
    missing: int
    added: tuple[str, ...]
    removed: tuple[str, ...]


def change_role(
    files: ChannelFiles,
    signers: Signers,
    *,
    add: Iterable[Revocation] = (),
    remove: Iterable[str] = (),
    committed: Committed,
    now: datetime,
) -> RoleChange:
    """Add entries to the role, and remove those at the target paths ``remove``; sign it here.

    ``committed`` is the newest version that git's history holds signed. An entry that is there
    already is replaced. Without a key of the role the file is written unsigned, for review.
    Raises FormatError, NotFoundError, SignatureError, and ConflictError for a draft that this
    machine's keys have not signed.
    """
    delegator = SignedMetadata(files).targets.signed
    metadata = files.read(ROLE, Targets)
    _refuse_unseen(delegator, metadata, signers)
    before = plain(metadata.signed)
    removed = set(remove)
    wanted = {path: target for path, target in before.items() if path not in removed}
    wanted |= {one.target_path: one.to_target() for one in add}
    if wanted != before:
        metadata = base_of(metadata, committed)
        seen = bool(committed.data)
        next_version(metadata, delegator, ROLE, now=now, seen=seen)
        set_targets(metadata.signed, dict(sorted(wanted.items())))
        withdrawn_of(metadata.signed, country=files.country, where=str(files.path(ROLE)))
    signed = signers.sign(delegator, ROLE, metadata)
    if wanted != before or signed:
        files.write(ROLE, metadata)
    result = signatures(delegator, ROLE, metadata)
    return RoleChange(
        version=metadata.signed.version,
        changed=wanted != before,
        signed=result.verified,
        missing=result.missing,
        added=_names(path for path in wanted if wanted[path] != before.get(path)),
        removed=_names(before.keys() - wanted.keys()),
    )


def _refuse_unseen(delegator: Targets, metadata: Metadata[Targets], signers: Signers) -> None:
    """Refuse to sign, unseen, what others wrote into a draft."""
    result, held = signatures(delegator, ROLE, metadata), signers.held(ROLE, delegator)
    if result or not held or held & result.signed.keys():
        return
    raise ConflictError(
        f"the draft of {ROLE} {metadata.signed.version} has no signature of this machine's keys, "
        "and a change would sign all that others wrote into it",
        remedy=f"Nothing was changed. Sign it first, once you have read it: pe-dvc channel sign "
        f"{ROLE}. To give it up, restore the file from git.",
    )


def _names(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(path.split("/", 2)[2] for path in paths))
