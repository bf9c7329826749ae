"""Opening a publication of a data repo, guarded: ``pe-dvc push`` and ``pe-dvc release push``."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.documents.dvc_boolean import is_true
from pe_dvc.primitives.errors import FormatError
from pe_dvc.project.conditions import probe
from pe_dvc.project.drafts import requests
from pe_dvc.project.git_channels import GitChannels
from pe_dvc.project.git_preconditions import conflicting_files, exposed_outputs, uncommitted_files
from pe_dvc.project.private_keys import exposed_private_keys
from pe_dvc.project.seen import seen_logs, seen_versions
from pe_dvc.project.signers import signers_of
from pe_dvc.usecases.publish.preconditions import (
    check_committed,
    check_merged,
    check_no_private_keys,
    check_out_of_git,
)
from pe_dvc.usecases.publish.publication import Publication
from pe_dvc.usecases.publish.publisher import Publisher

if TYPE_CHECKING:
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Store


def open_publication(repo: DataRepo, store: Store, *, uncommitted: bool = False) -> Publication:
    """Return a publication of the checkout to ``store``; nothing is written yet.

    Refuses private keys and data that git tracks or would add, files of pe_dvc and DVC that are
    not in HEAD unless ``uncommitted``, and metadata that readers would refuse. Raises
    VerificationError, NotFoundError for a repo without channels, FormatError for a DVC remote
    that keeps files under other names.
    """
    check_plain_remote(repo)
    check_no_private_keys(exposed_private_keys(repo))
    check_out_of_git(exposed_outputs(repo))
    check_merged(conflicting_files(repo))
    if not uncommitted:
        check_committed(uncommitted_files(repo))
    metadata = repo.signed_metadata()
    signers, drafts = signers_of(repo, metadata=metadata), requests(repo)
    publisher = Publisher(
        signers,
        now=datetime.now(UTC),
        history=GitChannels(repo),
        seen=seen_versions(repo, store, metadata),
        logs=seen_logs(repo, store, metadata),
        probe=partial(probe, repo, store),
    )
    publication = Publication(store, metadata, publisher, drafts=drafts)
    publication.check()
    return publication


def check_plain_remote(repo: DataRepo) -> None:
    """Refuse a DVC remote whose objects are not named by their md5: ``dvc pull`` would fail."""
    name = repo.remote_name
    if name is None or name.lower() not in repo.dvc_config.remotes:
        return
    options = repo.dvc_config.remote(name).options
    for option in ("version_aware", "worktree"):
        if is_true(options.get(option, "").strip()):
            raise FormatError(
                f"the DVC remote {name} is {option}: dvc pull looks there for other objects than "
                "pe-dvc push brings",
                where=str(repo.dvc_config.file),
                remedy=f"Run dvc remote modify --unset {name} {option}, or name another remote in "
                "[tool.pe_dvc].",
            )
