"""``pe-dvc pull``: opens the workspace and the stores of a data repo, and pulls."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from pe_dvc.adapters.dvc.lineage import Lineage
from pe_dvc.adapters.dvc.objects import repo_lock
from pe_dvc.adapters.dvc.workspace import DvcWorkspace
from pe_dvc.project.clone_options import came_with_clone
from pe_dvc.project.dvc_cache import check_cache_place
from pe_dvc.project.reader_places import place_finder
from pe_dvc.project.reader_stores import reader_hubs
from pe_dvc.project.repo_files import read_payloads
from pe_dvc.project.sidecars import members_of
from pe_dvc.project.withdrawn import withdrawn_by_store
from pe_dvc.store.several import SeveralStores
from pe_dvc.usecases.checkout import pull as use_case
from pe_dvc.usecases.checkout.pull_plan import TrackedData
from pe_dvc.usecases.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pe_dvc.adapters.dvc.config import DvcConfig
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.usecases.checkout.pull import Pulled
    from pe_dvc.usecases.progress import Reporter

log = logging.getLogger(__name__)


def pull(
    repo: DataRepo,
    names: Sequence[str] = (),
    *,
    store: str | None = None,
    force: bool = False,
    reporter: Reporter | None = None,
) -> Pulled:
    """Download the datasets ``names``, or all that DVC caches, and check them out.

    Holds DVC's lock. Raises as ``pe_dvc.usecases.checkout.pull.pull``, and FormatError where the
    clone, and not its user, puts DVC's cache outside the work tree, and UntrustedError in a clone
    of another root than the pinned one. What the bucket's signed role ``revoked`` names is left
    out. Where the bucket fails, hubs that mirror it are read.
    """

    said = reporter or Silent()

    def open_store(remote: str | None) -> ReadableStore:
        opened = own if remote is None else repo.open_remote(remote)
        return SeveralStores([opened], said.note) if hubs else opened

    repo.check_root(required=True)
    config, root = repo.dvc_config, repo.root.absolute()
    check_cache_place(config, root)
    workspace = DvcWorkspace(
        root, config.cache_dir, shared=_is_shared(config, root), link_types=config.cache_types
    )
    own, hubs = repo.open_store(store), reader_hubs(store, repo.country, repo)
    data = tracked_data(repo, lambda: own)
    with repo_lock(root):
        return use_case.pull(
            replace(data, withdrawn=withdrawn_by_store(repo, own)),
            workspace,
            names,
            open_store=open_store,
            find_place=place_finder(hubs, said.note),
            force=force,
            reporter=said,
        )


def _is_shared(config: DvcConfig, root: Path) -> bool:
    """Return whether the user, and not the clone, lets a group write to DVC's cache."""
    file = config.shared_file
    if not config.cache_shared or file is None or not came_with_clone(file, root):
        return config.cache_shared
    log.warning(
        "%s: cache.shared = group came with the repo and is ignored. To let your group write to "
        "your cache: dvc config --local cache.shared group",
        file,
    )
    return False


def tracked_data(repo: DataRepo, open_store: Callable[[], ReadableStore]) -> TrackedData:
    """Return what DVC's files and the manifests say of the checkout's data."""
    return TrackedData(
        country=repo.country,
        outputs=repo.dvc.outputs,
        artifacts=repo.dvc.artifacts,
        output_of=Lineage(repo.dvc).output_of,
        payloads={p.path: p for p in read_payloads(repo.tree, repo.settings)},
        remote=repo.remote_name,
        members_of=lambda payload: members_of(repo, payload, open_store),
    )
