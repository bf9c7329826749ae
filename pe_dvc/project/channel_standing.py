"""Where a data repo's channels stand: git, the drafts in it, and what readers are shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.documents.gate_note import results_of
from pe_dvc.project.drafts import requests
from pe_dvc.project.git_channels import GitChannels
from pe_dvc.usecases.channel import standing as usecase
from pe_dvc.usecases.channel.disclosed_values import CHANNEL, Held, disclosed, held_in_bucket
from pe_dvc.usecases.channel.pointers import draft_pointers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.gate_note import Result
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.channel.standing import Standing


def standing(repo: DataRepo, *, store: str | None = None, offline: bool = False) -> Standing:
    """Return where the channels stand, against what readers are shown unless ``offline``."""
    waiting = [f"{draft} is a draft: {request}" for draft, request in requests(repo).items()]
    if not repo.channel_files.exists() and waiting:
        return usecase.Standing(sentences=tuple(waiting))
    bucket = None if offline else repo.open_store(store)
    found = usecase.standing(repo.signed_metadata(), bucket, now=datetime.now(UTC)).sentences
    if repo.settings.disclosure_rule.is_gated:
        found = (*found, *_disclosed(repo, bucket))
    return usecase.Standing(sentences=(*found, *waiting), gates=_gates(repo))


def _gates(repo: DataRepo) -> dict[str, tuple[Result, ...]]:
    """Return what gates found of the datasets of ``next``, as it is in git."""
    if not repo.channel_files.exists(CHANNEL):
        return {}
    pointers = draft_pointers(repo.signed_metadata(), CHANNEL)
    found = {name: tuple(results_of(pointer)) for name, pointer in pointers.items()}
    return {name: results for name, results in found.items() if results}


def _disclosed(repo: DataRepo, bucket: Store | None) -> Iterator[str]:
    """Yield which versions of ``next`` name values of a gated country's microdata."""
    today = repo.channel_files.read_bytes(CHANNEL)
    held = [Held(place="git", data=data) for data in GitChannels(repo).held(CHANNEL)]
    held += held_in_bucket(bucket, repo.country) if bucket is not None else []
    return disclosed(held, repo.country, today=today)
