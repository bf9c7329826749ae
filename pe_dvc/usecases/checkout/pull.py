"""Pulls a checkout's data into DVC's cache and workspace, verified, as ``dvc pull`` would.

Nothing in the workspace is touched before all of it was looked at; every file appears by one
rename. Killed anywhere, this leaves whole files, and the next pull goes on from there.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from pe_dvc.documents.keys import payload_key
from pe_dvc.primitives.errors import ConflictError
from pe_dvc.primitives.pools import Pool
from pe_dvc.primitives.result import Result
from pe_dvc.usecases.checkout.download import ObjectRequest, download_verified, read_verified
from pe_dvc.usecases.checkout.pull_plan import PullPlan, Target, make_plan, select
from pe_dvc.usecases.parallel import TRANSFERS, run_all, transfer_all
from pe_dvc.usecases.revoked import revoked_error

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

    from pe_dvc.documents.dvc_listing import ListedFile
    from pe_dvc.documents.dvc_output import FileState, Output
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.atomic_write import OpenFile
    from pe_dvc.store.port import Progress, ReadableStore
    from pe_dvc.usecases.checkout.pull_plan import TrackedData
    from pe_dvc.usecases.payload_place import PayloadPlace
    from pe_dvc.usecases.progress import Reporter

    FindPlace = Callable[[str, Target, ReadableStore], PayloadPlace]

log = logging.getLogger(__name__)

SHOWN = 10
"""Files that an error names before it only counts."""


class Workspace(Protocol):
    """DVC's cache and the work tree. Objects are known by DVC's md5, files by path in the repo."""

    def check_own(self) -> None:
        """Raise FormatError if a link stands where DVC and pe_dvc keep things of their own."""

    def check_writable(self, folders: Collection[str]) -> None:
        """Raise FormatError if a folder is a link or lies behind one."""

    def holds(self, md5: str) -> bool:
        """Return whether the cache has the object."""

    def listing(self, md5: str) -> list[ListedFile]:
        """Return a cached directory's files: path inside it, and md5."""

    def is_intact(self, md5: str, sha256: Sha256 | None) -> bool:
        """Return whether the cached object has its sha256, or its md5 where that is None."""

    def object_size(self, md5: str) -> int:
        """Return the bytes of the cached object."""

    def write(self, md5: str, data: bytes) -> None:
        """Make verified bytes the object."""

    def incoming(self, md5: str) -> AbstractContextManager[OpenFile]:
        """Give an empty file, which becomes the object once the context ends."""

    def exists(self, path: str) -> bool:
        """Return whether anything is at the path, a broken link too."""

    def is_directory(self, path: str) -> bool:
        """Return whether a directory is at the path."""

    def state(self, path: str, md5: str, sha256: Sha256 | None) -> FileState:
        """Return how the file compares with the object that it should be."""

    def other_files(self, folders: Sequence[str], known: Collection[str]) -> dict[str, bool]:
        """Return files of tracked directories that are not ``known``; True if the cache has it."""

    def checkout(self, md5: str, path: str, *, data: bytes | None, executable: bool) -> None:
        """Make the file the object, whose bytes are ``data`` where they are in memory."""

    def remove(self, path: str) -> None:
        """Remove the file."""


@dataclass(kw_only=True)
class Pulled(Result):
    """What a pull did. ``repaired`` objects were in the DVC cache with other bytes.

    ``by_md5`` counts files that no manifest describes, which were verified by DVC's md5;
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


def pull(
    data: TrackedData,
    workspace: Workspace,
    names: Sequence[str],
    *,
    open_store: Callable[[str | None], ReadableStore],
    find_place: FindPlace,
    force: bool,
    reporter: Reporter,
) -> Pulled:
    """Download the datasets ``names``, or all that DVC caches, and check them out.

    ``open_store`` opens a DVC remote by its name, the repo's own store for None, and
    ``find_place`` returns where a target's object is read, by its key there or elsewhere. A file
    of the workspace whose bytes the DVC cache does not hold was edited: without ``force`` it is a
    ConflictError that names it, and nothing is touched. Raises NotFoundError, DigestMismatchError
    (nothing is kept of what did not verify), VerificationError, StoreError, and FormatError for
    a file that would lie outside the work tree or among git's or DVC's own. What was withdrawn is
    neither brought nor touched, and RevokedError, once all the rest was pulled.
    """
    with Pool(TRANSFERS) as pool:
        work = _Pull(data, workspace, open_store, find_place, force, reporter, pool)
        return work.run(names)


def _refuse_revoked(plan: PullPlan) -> None:
    """Raise RevokedError, once all the rest is here, if something was not brought for that."""
    for path, found in plan.revoked.items():
        several = len(plan.revoked) - 1
        more = f" (and {several} more that were withdrawn)" if several else ""
        raise revoked_error(found, asked=f"{path}{more}")


class _Pull:
    def __init__(
        self,
        data: TrackedData,
        workspace: Workspace,
        open_store: Callable[[str | None], ReadableStore],
        find_place: FindPlace,
        force: bool,
        reporter: Reporter,
        pool: Executor,
    ) -> None:
        self._data, self._workspace, self._open_store = data, workspace, open_store
        self._find_place = find_place
        self._force, self._reporter, self._pool = force, reporter, pool
        self._stores: dict[str | None, ReadableStore] = {}
        self._done, self._lock = Pulled(), Lock()

    def run(self, names: Sequence[str]) -> Pulled:
        self._workspace.check_own()
        selections = select(self._data, names)
        self._connect(None)
        outputs = [s.output for s in selections if not self._data.revocation(s.output.path)]
        listings = [output for output in outputs if output.is_directory and output.push]
        run_all(self._pool, self._fetch_listing, listings)
        plan = make_plan(self._data, selections, lambda o: self._workspace.listing(str(o.md5)))
        self._done.left = plan.left
        self._workspace.check_writable(plan.all_folders)
        for remote in {target.remote for target in plan.targets}:
            self._connect(remote)
        states = self._states(plan.targets)
        known = {target.path for target in plan.targets} | plan.revoked.keys()
        stale = self._workspace.other_files(plan.folders, known)
        self._log(plan, states)
        self._check_no_edits(states, stale)
        self._transfer(plan, states)
        self._remove(stale)
        _refuse_revoked(plan)
        return self._done

    def _fetch_listing(self, output: Output) -> None:
        if output.md5 is None or output.legacy or self._workspace.holds(output.md5):
            return
        remote = None if output.remote == self._data.remote else output.remote
        self._connect(remote)
        target = Target(path=output.path, md5=output.md5, sha256=None, size=None, remote=remote)
        self._download(target, lambda moved: None)

    def _connect(self, remote: str | None) -> None:
        with self._lock:
            if remote not in self._stores:
                self._stores[remote] = self._open_store(remote)

    def _states(self, targets: list[Target]) -> dict[str, FileState]:
        """Return the state of the file of each target; of those that exist, by their bytes."""
        here = [target for target in targets if self._workspace.exists(target.path)]
        states: dict[str, FileState] = dict.fromkeys((target.path for target in targets), "absent")
        found = run_all(self._pool, lambda t: self._workspace.state(t.path, t.md5, t.sha256), here)
        return states | {target.path: state for target, state in zip(here, found, strict=True)}

    def _log(self, plan: PullPlan, states: dict[str, FileState]) -> None:
        log.info("pull %d files; %d outputs are left to DVC", len(plan.targets), len(plan.left))
        for path, reason in plan.left.items():
            log.info("left to DVC: %s: %s", path, reason)
        for path, state in states.items():
            log.debug("%s is %s", path, state)

    def _check_no_edits(self, states: dict[str, FileState], stale: dict[str, bool]) -> None:
        edited = [path for path, state in states.items() if state == "modified"]
        edited += [path for path, recoverable in stale.items() if not recoverable]
        folders = [path for path in edited if self._workspace.is_directory(path)]
        if folders or (edited and not self._force):
            shown = sorted(folders or edited)
            more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
            raise ConflictError(
                f"{', '.join(shown[:SHOWN])}{more}: changed here, and the DVC cache does not hold "
                "that content. Nothing was changed",
                remedy="Move that directory away."
                if folders
                else "To keep yours, move it away or dvc commit it; to discard it, use --force.",
            )

    def _transfer(self, plan: PullPlan, states: dict[str, FileState]) -> None:
        by_object: dict[str, list[Target]] = defaultdict(list)
        for target in plan.targets:
            by_object[target.md5].append(target)
        held = {md5 for md5 in by_object if self._workspace.holds(md5)}
        total = sum(targets[0].size or 0 for targets in by_object.values())
        self._done.by_md5 = sum(target.sha256 is None for target in plan.targets)
        with self._reporter.task(f"pull {len(by_object)} objects", total) as progress:
            transfer_all(
                self._pool,
                lambda targets: self._place(
                    targets[0],
                    [target for target in targets if states[target.path] != "same"],
                    progress,
                    is_held=targets[0].md5 in held,
                ),
                list(by_object.values()),
            )
        self._done.checked_out = [t.path for t in plan.targets if states[t.path] != "same"]
        self._done.unchanged = len(plan.targets) - len(self._done.checked_out)

    def _place(
        self, target: Target, missing: list[Target], progress: Progress, *, is_held: bool
    ) -> None:
        """Download one object into the cache and check it out wherever it is ``missing``."""
        data = None
        if not is_held or (missing and not self._is_intact(target)):
            data = self._download(target, progress)
        for each in missing:
            self._workspace.checkout(target.md5, each.path, data=data, executable=each.executable)

    def _is_intact(self, target: Target) -> bool:
        """Return whether a cached object is what it should be; DVC would not look."""
        intact = self._workspace.is_intact(target.md5, target.sha256)
        if not intact:
            with self._lock:
                self._done.repaired.append(target.path)
        return intact

    def _download(self, target: Target, progress: Progress) -> bytes | None:
        """Bring an object into the cache; return its bytes if it is small."""
        key = payload_key(self._data.country, target.md5)
        if target.remote is not None:
            key = key.partition("/")[2]
        request = ObjectRequest(
            what=target.path,
            place=self._find_place(key, target, self._stores[target.remote]),
            md5=target.md5,
            sha256=target.sha256,
            size=target.size,
        )
        data = None
        if request.is_small:
            data = read_verified(request)
            self._workspace.write(target.md5, data)
            progress(len(data))
        else:
            with self._workspace.incoming(target.md5) as file:
                download_verified(request, file, progress=progress)
        size = self._workspace.object_size(target.md5) if data is None else len(data)
        with self._lock:
            self._done.downloaded.append(target.path)
            self._done.downloaded_bytes += size
        return data

    def _remove(self, stale: dict[str, bool]) -> None:
        for path in stale:
            self._workspace.remove(path)
        self._done.removed = sorted(stale)
