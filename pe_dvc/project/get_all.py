"""Several references at once: by shared connections, and what fails stops none of the others."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.errors import (
    FormatError,
    PeDvcError,
    RevokedError,
    StoreUnavailableError,
)
from pe_dvc.primitives.pools import Pool
from pe_dvc.primitives.reference import Reference
from pe_dvc.primitives.sizes import counted
from pe_dvc.project.fetched import Fetched, get_one
from pe_dvc.project.reader import Reader
from pe_dvc.store.port import SINGLE_REQUEST_MAX_BYTES
from pe_dvc.usecases.parallel import (
    TRANSFERS,
    run_all,
    transfer_all,
)
from pe_dvc.usecases.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from pe_dvc.project.reader_stores import GivenStore
    from pe_dvc.store.port import Progress
    from pe_dvc.usecases.progress import Reporter
    from pe_dvc.usecases.read.resolve import Resolved

AT_ONCE = 8
"""References that are resolved at once, and large files; these have several requests each."""

FOLDERS_OPEN = 256
"""Folders of the cache that stay open: as many as there are for files, if the system allows it."""


@dataclass(kw_only=True)
class Attempt:
    """What became of one reference, as it was ``asked`` for: ``fetched``, or else an ``error``."""

    asked: str
    fetched: Fetched | None = None
    error: PeDvcError | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values: the fields of the file, or the error's text."""
        found = self.fetched.to_json() if self.fetched else {}
        error: dict[str, Any] | None = None
        if self.error is not None:
            error = {"message": self.error.message, "remedy": self.error.remedy}
        if isinstance(self.error, RevokedError) and error is not None:
            error["revoked"] = self.error.to_json()
        return {"asked": self.asked, **found, "error": error}


def get_all(
    references: Sequence[str | Reference],
    *,
    output: Path | None = None,
    store: GivenStore = None,
    offline: bool = False,
    reporter: Reporter | None = None,
) -> list[Attempt]:
    """Fetch each of ``references``, and return what became of each, in their order.

    ``output`` is a directory for copies. Raises FormatError if it is none.
    """
    if output is not None and not output.is_dir():
        raise FormatError(
            "is no directory, and several files were to be put there",
            where=str(output),
            remedy="Make it, or name another one.",
        )
    shared = _OneTask(reporter or Silent())
    with Pool(AT_ONCE) as pool:
        return _GetAll(store, offline, output, shared, pool).run(references)


@dataclass(kw_only=True)
class _Job(Attempt):
    """An attempt that is under way."""

    reader: Reader | None = None
    resolved: Resolved | None = None


@dataclass
class _GetAll:
    store: GivenStore
    offline: bool
    output: Path | None
    reporter: _OneTask
    pool: Executor
    readers: dict[str, Reader] = field(default_factory=dict)
    down: dict[str, StoreUnavailableError] = field(default_factory=dict)
    """By country, that its bucket cannot be reached: to ask for each reference would take long."""

    def run(self, references: Sequence[str | Reference]) -> list[Attempt]:
        jobs = {str(reference): _Job(asked=str(reference)) for reference in references}
        for job in jobs.values():
            _noting(job, self._open)
        run_all(self.pool, lambda job: _noting(job, self._resolve), list(jobs.values()))
        self._refuse_same_names(jobs.values())
        self._fetch_all(jobs.values())
        return [
            Attempt(asked=job.asked, fetched=job.fetched, error=job.error)
            for job in (jobs[str(reference)] for reference in references)
        ]

    def _open(self, job: _Job) -> None:
        country = Reference.parse(job.asked).country
        if country not in self.readers:
            reader = Reader(
                country,
                store=self.store,
                offline=self.offline,
                reporter=self.reporter,
                folders_open=min(FOLDERS_OPEN, _most_open(4)),
            )
            reader.connect()
            self.readers[country] = reader
        job.reader = self.readers[country]

    def _resolve(self, job: _Job) -> None:
        if job.reader is None:
            return
        if job.reader.country in self.down:
            raise self.down[job.reader.country]
        try:
            job.resolved = job.reader.resolve(job.asked, for_bytes=True)
        except StoreUnavailableError as error:
            self.down[job.reader.country] = error
            raise

    def _refuse_same_names(self, jobs: Iterable[_Job]) -> None:
        """Keep two files that are called alike from being copied to one path."""
        taken: dict[str, _Job] = {}
        for job in jobs:
            if self.output is None or job.resolved is None:
                continue
            other = taken.setdefault(job.resolved.file_name, job)
            if other.resolved and other.resolved.sha256 != job.resolved.sha256:
                job.error = FormatError(
                    f"{other.asked} and {job.asked} are both called {job.resolved.file_name}",
                    where=str(self.output),
                    remedy="Copy them into two directories, by two commands.",
                )

    def _fetch_all(self, jobs: Iterable[_Job]) -> None:
        """Fetch by artifact: two references may mean the same bytes, which come once."""
        artifacts: dict[str, list[_Job]] = {}
        sizes: dict[str, int] = {}
        for job in jobs:
            if job.resolved and not job.error:
                artifacts.setdefault(job.resolved.sha256, []).append(job)
                sizes[job.resolved.sha256] = job.resolved.payload.size
        with self.reporter.whole(counted(len(sizes), "dataset"), sum(sizes.values())):
            # The kernel walks the leases that are held up to a new one's place (see Leases), so the
            # last place first: of 10,000 files it takes 0.4 s instead of 1.0.
            groups = [artifacts[sha256] for sha256 in sorted(artifacts, reverse=True)]
            with Pool(min(TRANSFERS, _most_open(8))) as pool:
                transfer_all(pool, self._fetch, [one for one in groups if _is_small(one)])
            transfer_all(self.pool, self._fetch, [one for one in groups if not _is_small(one)])

    def _fetch(self, group: list[_Job]) -> None:
        for job in group:
            _noting(job, self._fetch_one)

    def _fetch_one(self, job: _Job) -> None:
        if job.reader and job.resolved:
            output = self.output
            if output is not None and job.resolved.payload.is_directory:
                output = output / job.resolved.file_name
            job.fetched = get_one(job.reader, job.resolved, output=output)


def _is_small(group: list[_Job]) -> bool:
    resolved = group[0].resolved
    if resolved is None or resolved.payload.is_directory:
        return False
    return resolved.payload.size <= SINGLE_REQUEST_MAX_BYTES


def _most_open(share: int) -> int:
    """Return what of the files that this process may have open is one ``share``-th; 1 at least."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else max(1, soft // share)


def _noting(job: _Job, step: Callable[[_Job], None]) -> None:
    """Take a step, and keep what it raises."""
    try:
        step(job)
    except PeDvcError as error:
        job.error = error


class _OneTask:
    """A reporter for which all tasks are parts of one."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter, self.note = reporter, reporter.note
        self._progress: Progress = lambda moved: None

    @contextlib.contextmanager
    def whole(self, label: str, total: int) -> Iterator[None]:
        """Begin the one task."""
        with self._reporter.task(label, total) as self._progress:
            yield

    @contextlib.contextmanager
    def task(self, label: str, total: int) -> Iterator[Progress]:
        """Begin a part of it."""
        yield self._progress
