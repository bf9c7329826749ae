"""Who signs in a data repo, on this machine: its keys, its signers and the witnesses it asks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pe_dvc.project import directories
from pe_dvc.project.clone_root import refuse_pinned
from pe_dvc.trust.key_binding import bind_keys, check_may_sign, check_may_sign_first
from pe_dvc.trust.signers import Signers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pe_dvc.project.repo import DataRepo
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.usecases.publish.cosigners import Cosigners


def signers_of(
    repo: DataRepo,
    given: Mapping[str, Sequence[str]] | None = None,
    *,
    metadata: SignedMetadata | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Signers:
    """Return the signers of a repo: those of the environment, its settings and the key files.

    ``given`` are URIs by role that stand in for the settings'; ``metadata`` is the checkout's,
    where it was read already. Raises UntrustedError in a clone
    of another root than the key files' own (``check_may_sign``), or than the pinned one.
    """
    keys_dir, signed = directories.keys_dir(), metadata or repo.signed_metadata()
    if signed.files.exists():
        check_may_sign(signed, keys_dir / repo.country)
        bind_keys(keys_dir / repo.country, signed.root_files[0])
    elif drafted := repo.draft_files.roots:
        refuse_pinned(repo.country)
        check_may_sign_first(drafted[min(drafted)], keys_dir / repo.country)
    uris = {**repo.settings.signers, **(given or {})}
    signers = Signers(repo.country, keys_dir, uris, environ)
    signers.cosigners = cosigners_of(repo)
    return signers


def cosigners_of(repo: DataRepo) -> Cosigners | None:
    """Return the witnesses that a repo asks, None if it names none. Raises FormatError."""
    if not repo.settings.witnesses:
        return None
    from pe_dvc.adapters.witnesses import WitnessFiles, WitnessServer
    from pe_dvc.tlog.note import VerifierKey
    from pe_dvc.usecases.publish.cosigners import Cosigners

    return Cosigners(
        [
            WitnessServer(VerifierKey.parse(one.key), one.url, one.timeout)
            if one.url
            else WitnessFiles(VerifierKey.parse(one.key), str(one.signatures), one.timeout)
            for one in repo.settings.witnesses.values()
        ]
    )
