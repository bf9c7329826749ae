"""The floor of a reader: nothing older counts than a publication that others saw.

What they saw is put into the reader's state, once it verifies, as if it had been verified there
earlier; python-tuf then refuses what is older (TUF specification
https://theupdateframework.github.io/specification/v1.0.33/, 5.4.3, 5.5.5). After a change of the
online keys it does not verify any more and is no floor, as 5.3.11 asks. ADR 0025.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, PeDvcError, RollbackError
from pe_dvc.trust.forks import Forks, Seen
from pe_dvc.trust.log_memory import ShownLog, remember_also
from pe_dvc.trust.refresh import Refresh, follow_roots
from pe_dvc.trust.seen import MOST
from pe_dvc.trust.store_answer import newest_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from pe_dvc.trust.client_state import LineageState
    from pe_dvc.trust.fetcher import StoreFetcher
    from pe_dvc.trust.seen import SeenFile, SeenPublication

log = logging.getLogger(__name__)


class Floor:
    """What others saw of a country in the stores at ``urls``, as ``files`` say.

    What cannot be read, is of another country or store, or does not verify, is passed over.
    ``elsewhere`` returns more files, for a reader who has verified nothing yet.
    """

    def __init__(
        self,
        country: str,
        urls: Sequence[str],
        files: Sequence[SeenFile],
        state_dir: Path,
        elsewhere: Callable[[], Sequence[SeenFile]] = tuple,
    ) -> None:
        self._country, self._urls = country, urls
        self._files, self._elsewhere = _highest(files), elsewhere
        self._forks = Forks(state_dir, country)
        self._counts: SeenFile | None = None

    def begin(
        self,
        state: LineageState,
        roots: Sequence[bytes],
        fetcher: StoreFetcher,
        likely: Sequence[str] = (),
    ) -> Refresh:
        """Begin a view that is not older. Raises as ``Refresh``, and EquivocationError.

        ``roots`` are the trusted ones, the last of which counts; ``likely`` as in ``Refresh``. Call
        it under the state's lock.
        """
        found = self._found(state, roots, fetcher)
        if found is None:
            return Refresh(state, roots[-1], fetcher, likely)
        self._counts, seen = found
        if seen.versions.timestamp > state.timestamp()[0]:
            log.info("%s is what new readers start from", self._counts.place)
            state.seed(seen.timestamp, seen.snapshot)
            remember_also(
                state.directory, ShownLog(seen.timestamp, seen.snapshot, self._counts.place)
            )
        try:
            refresh = Refresh(state, roots[-1], fetcher, likely)
        finally:
            self._check_timestamp(seen, state, roots, fetcher)
        root = newest_root(state.directory, roots).signed
        shown = Seen(refresh["snapshot"], fetcher.store.url)
        self._forks.check_snapshots(root, shown, Seen(seen.snapshot, self._counts.place))
        return refresh

    def named_in(self, error: PeDvcError) -> PeDvcError:
        """Name the file by which a rollback was noticed, if one was."""
        if isinstance(error, RollbackError) and self._counts is not None:
            error.remedy = (
                f"{error.remedy} A newer version was published, by {self._counts.place}. A mirror "
                "may be behind: read the bucket itself. If that was restored from an old copy, its "
                "maintainers run pe-dvc push, which says what to do."
            )
        return error

    def _found(
        self, state: LineageState, roots: Sequence[bytes], fetcher: StoreFetcher
    ) -> tuple[SeenFile, SeenPublication] | None:
        """Return the highest publication that verifies, and is not older than the state."""
        kept, data = state.timestamp()
        if not data:
            self._files = _highest([*self._files, *self._elsewhere()])
            self._elsewhere = tuple
        root, is_followed = None, False
        for file in self._files:
            if file.version < kept:
                return None
            seen = self._read(file)
            if seen is None:
                continue
            if seen.timestamp == data:
                return file, seen  # tuf has verified it
            root = root or newest_root(state.directory, roots).signed
            is_signed = seen.is_signed_by(root, where=file.place)
            if not (is_followed or is_signed):
                # By a root that this reader does not know yet, or by none.
                follow_roots(state, roots[-1], fetcher)
                root, is_followed = newest_root(state.directory, roots).signed, True
                is_signed = seen.is_signed_by(root, where=file.place)
            if is_signed:
                return file, seen
            log.info("%s is not signed by today's keys", file.place)
        return None

    def _read(self, file: SeenFile) -> SeenPublication | None:
        try:
            seen = file.publication()
        except FormatError as error:
            log.warning("%s; it is passed over", error.message)
            return None
        return seen if seen.is_of(self._country, self._urls) else None

    def _check_timestamp(
        self,
        seen: SeenPublication,
        state: LineageState,
        roots: Sequence[bytes],
        fetcher: StoreFetcher,
    ) -> None:
        """Compare the timestamp that the store shows. Raises EquivocationError."""
        if self._counts is not None:
            root = newest_root(state.directory, roots).signed
            shown = Seen(fetcher.timestamp, fetcher.store.url)
            self._forks.check_timestamps(root, shown, Seen(seen.timestamp, self._counts.place))


def _highest(files: Iterable[SeenFile]) -> list[SeenFile]:
    return sorted(files, key=lambda file: -file.version)[:MOST]
