"""Opening a publication of a data repo, guarded: ``pe-dvc push`` and ``pe-dvc release push``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.project.channel import signers_of
from pe_dvc.project.git_channels import GitChannels
from pe_dvc.project.git_preconditions import exposed_outputs, uncommitted_files
from pe_dvc.project.private_keys import exposed_private_keys
from pe_dvc.usecases.publish.preconditions import (
    check_committed,
    check_no_private_keys,
    check_out_of_git,
)
from pe_dvc.usecases.publish.publication import Publication

if TYPE_CHECKING:
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Store


def open_publication(repo: DataRepo, store: Store, *, uncommitted: bool = False) -> Publication:
    """Return a publication of the checkout to ``store``; nothing is written yet.

    Refuses private keys and data that git tracks or would add, files of pe_dvc and DVC that are
    not in HEAD unless ``uncommitted``, and metadata that readers would refuse. Raises
    VerificationError, NotFoundError for a repo without channels.
    """
    check_no_private_keys(exposed_private_keys(repo.root))
    check_out_of_git(exposed_outputs(repo))
    if not uncommitted:
        check_committed(uncommitted_files(repo))
    metadata = repo.signed_metadata()
    publication = Publication(
        store,
        metadata,
        signers_of(repo, metadata=metadata),
        now=datetime.now(UTC),
        history=GitChannels(repo),
    )
    publication.check()
    return publication
