"""Pulling a checkout's datasets into DVC's cache and workspace, verified, as DVC would.

Nothing in the workspace is touched before all of it was looked at; every file appears by one
rename. Killed anywhere, this leaves whole files, and the next pull goes on from there.
"""

from __future__ import annotations

import os
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.dvc.cache import read_dir_listing
from pe_dvc.adapters.dvc.links import Links
from pe_dvc.adapters.dvc.objects import DvcObjects, repo_lock
from pe_dvc.adapters.dvc.workspace import (
    file_digests,
    files_below,
    ignored_by_dvc,
    is_cached,
    state_of,
)
from pe_dvc.documents.keys import payload_key
from pe_dvc.primitives.errors import ConflictError
from pe_dvc.project.pull_plan import Plan, Target, make_plan, select
from pe_dvc.usecases.checkout.download import ObjectRequest, download_verified, read_verified
from pe_dvc.usecases.parallel import TRANSFERS, run_all
from pe_dvc.usecases.progress import Reporter, Silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.adapters.dvc.workspace import State
    from pe_dvc.documents.dvc_listing import ListedFile
    from pe_dvc.documents.dvc_output import Output
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Progress, Store

SHOWN = 10
"""Files that an error names before it only counts."""


@dataclass(kw_only=True)
class Pulled:
    """What a pull did. ``repaired`` objects were in the DVC cache with other bytes.

    ``by_md5`` counts files that no manifest describes, of which DVC's md5 is all there is;
    ``left`` maps outputs that only DVC can bring to the reason.
    """

    downloaded: list[str] = field(default_factory=list)
    downloaded_bytes: int = 0
    repaired: list[str] = field(default_factory=list)
    checked_out: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    by_md5: int = 0
    left: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the pull as plain JSON values."""
        return asdict(self)


def pull(
    repo: DataRepo,
    names: Sequence[str] = (),
    *,
    store: str | None = None,
    force: bool = False,
    reporter: Reporter | None = None,
) -> Pulled:
    """Download the datasets ``names``, or all that DVC caches, and check them out.

    A file of the workspace whose bytes the DVC cache does not hold is somebody's work: without
    ``force`` it is a ConflictError that names it, and nothing is touched. Raises NotFoundError,
    DigestMismatchError (nothing is kept of what did not verify), VerificationError, StoreError.
    """
    with repo_lock(repo.root), ThreadPoolExecutor(TRANSFERS) as pool:
        return _Pull(repo, repo.open_store(store), force, reporter or Silent(), pool).run(names)


class _Pull:
    def __init__(
        self,
        repo: DataRepo,
        store: Store,
        force: bool,
        reporter: Reporter,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._repo, self._force, self._reporter, self._pool = repo, force, reporter, pool
        config = repo.dvc_config
        self._objects = DvcObjects(config.cache_dir, shared=config.cache_shared)
        self._links = Links(config.cache_types)
        self._stores: dict[str | None, Store] = {None: store}
        self._done, self._lock = Pulled(), Lock()

    def run(self, names: Sequence[str]) -> Pulled:
        selections = select(self._repo, names)
        listings = [s.output for s in selections if s.output.is_directory and s.output.push]
        run_all(self._pool, self._bring_listing, listings)
        plan = make_plan(self._repo, selections, self._listing)
        self._done.left = plan.left
        self._connect(plan)
        states = self._states(plan.targets)
        stale = self._stale(plan)
        self._refuse_conflicts(states, stale)
        self._transfer(plan, states)
        self._remove(stale)
        return self._done

    def _listing(self, output: Output) -> list[ListedFile]:
        return read_dir_listing(self._repo.dvc_config.cache_dir, str(output.md5))

    def _bring_listing(self, output: Output) -> None:
        if output.md5 is None or output.legacy or self._objects.holds(output.md5):
            return
        remote = None if output.remote in (None, self._repo.remote_name) else output.remote
        self._connect_one(remote)
        target = Target(path=output.path, md5=output.md5, sha256=None, size=None, remote=remote)
        self._download(target, lambda moved: None)

    def _connect(self, plan: Plan) -> None:
        for remote in {target.remote for target in plan.targets}:
            self._connect_one(remote)

    def _connect_one(self, remote: str | None) -> None:
        with self._lock:
            if remote not in self._stores:
                self._stores[remote] = self._repo.open_remote(str(remote))

    def _states(self, targets: list[Target]) -> dict[str, State]:
        """Return how the file of each path stands; of what is there, by looking at its bytes."""
        here = [target for target in targets if os.path.lexists(self._place(target))]
        states: dict[str, State] = dict.fromkeys((target.path for target in targets), "absent")
        found = run_all(self._pool, self._state, here)
        return states | {target.path: state for target, state in zip(here, found, strict=True)}

    def _place(self, target: Target) -> str:
        return f"{self._repo.root}/{target.path}"

    def _state(self, target: Target) -> State:
        return state_of(
            Path(self._place(target)),
            cache_dir=self._repo.dvc_config.cache_dir,
            md5=target.md5,
            sha256=target.sha256,
        )

    def _stale(self, plan: Plan) -> dict[str, bool]:
        """Return files that no longer belong into a tracked directory; True if recoverable."""
        root = self._repo.root
        wanted = {target.path for target in plan.targets}
        found = [
            path
            for folder in plan.folders
            for path in files_below(root / folder)
            if path.relative_to(root).as_posix() not in wanted
        ]
        hidden = ignored_by_dvc(root, found)
        return {
            path.relative_to(root).as_posix(): _is_recoverable(
                path, self._repo.dvc_config.cache_dir
            )
            for path in found
            if path not in hidden
        }

    def _refuse_conflicts(self, states: dict[str, State], stale: dict[str, bool]) -> None:
        modified = [path for path, state in states.items() if state == "modified"]
        modified += [path for path, recoverable in stale.items() if not recoverable]
        folders = [path for path in modified if (self._repo.root / path).is_dir()]
        if folders or (modified and not self._force):
            shown = sorted(folders or modified)
            more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
            raise ConflictError(
                f"{', '.join(shown[:SHOWN])}{more}: changed here, and the DVC cache does not hold "
                "these bytes. Nothing was touched",
                remedy="Move that directory away."
                if folders
                else "To keep yours, move it away or dvc commit it; to lose it, say --force.",
            )

    def _transfer(self, plan: Plan, states: dict[str, State]) -> None:
        by_object: dict[str, list[Target]] = defaultdict(list)
        for target in plan.targets:
            by_object[target.md5].append(target)
        held = {md5 for md5 in by_object if self._objects.holds(md5)}
        total = sum(targets[0].size or 0 for targets in by_object.values())
        self._done.by_md5 = sum(target.sha256 is None for target in plan.targets)
        with self._reporter.task(f"pull {len(by_object)} objects", total) as progress:
            run_all(
                self._pool,
                lambda targets: self._settle(
                    targets[0],
                    [target for target in targets if states[target.path] != "same"],
                    progress,
                    is_held=targets[0].md5 in held,
                ),
                list(by_object.values()),
            )
        self._done.checked_out = [t.path for t in plan.targets if states[t.path] != "same"]
        self._done.unchanged = len(plan.targets) - len(self._done.checked_out)

    def _settle(
        self, target: Target, missing: list[Target], progress: Progress, *, is_held: bool
    ) -> None:
        """Bring one object into the cache and check it out wherever it is ``missing``."""
        cached = self._objects.place(target.md5)
        data = None
        if not is_held or (missing and not self._is_sound(target, Path(cached))):
            data = self._download(target, progress)
        for each in missing:
            place = self._place(each)
            self._links.checkout(cached, place, data=data, executable=each.executable)

    def _is_sound(self, target: Target, cached: Path) -> bool:
        """Return whether a cached object is what it should be; DVC would take it for granted."""
        algorithm, expected = ("sha256", target.sha256) if target.sha256 else ("md5", target.md5)
        sound = file_digests(cached, algorithm)[algorithm] == expected
        if not sound:
            with self._lock:
                self._done.repaired.append(target.path)
        return sound

    def _download(self, target: Target, progress: Progress) -> bytes | None:
        store = self._stores[target.remote]
        key = payload_key(self._repo.country, target.md5)
        wanted = ObjectRequest(
            what=target.path,
            key=key if target.remote is None else key.partition("/")[2],
            md5=target.md5,
            sha256=target.sha256,
            size=target.size,
        )
        data = None
        if wanted.is_small:
            data = read_verified(wanted, store)
            self._objects.write(target.md5, data)
            progress(len(data))
        else:
            with self._objects.incoming(target.md5) as temporary:
                download_verified(wanted, store, temporary, progress=progress)
        size = Path(self._objects.place(target.md5)).stat().st_size if data is None else len(data)
        with self._lock:
            self._done.downloaded.append(target.path)
            self._done.downloaded_bytes += size
        return data

    def _remove(self, stale: dict[str, bool]) -> None:
        for path in stale:
            (self._repo.root / path).unlink()
        self._done.removed = sorted(stale)


def _is_recoverable(path: Path, cache_dir: Path) -> bool:
    return not path.exists() or is_cached(file_digests(path, "md5")["md5"], cache_dir)
