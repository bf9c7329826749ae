"""One refresh: python-tuf's client workflow on a lineage's state, as one consistent view.

Sections are those of the TUF specification, https://theupdateframework.github.io/specification/v1.0.33/.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.permissions import PRIVATE
from pe_dvc.trust.asked_ahead import AskingAhead
from pe_dvc.trust.client_state import HISTORY
from pe_dvc.trust.roles import MAX_LENGTH
from pe_dvc.trust.tuf_api import FetcherInterface, Snapshot, Targets, Updater, UpdaterConfig
from pe_dvc.trust.verify import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pe_dvc.trust.client_state import LineageState
    from pe_dvc.trust.fetcher import StoreFetcher

_ABOVE_THE_CHANNELS = ("timestamp", "snapshot", "targets")


def _updater(directory: Path, root: bytes, fetcher: FetcherInterface) -> Updater:
    """Return python-tuf's client of the metadata in ``directory``, from the trusted ``root``.

    Nothing longer than a role's limit is read (5.3.3, 5.4.1, 5.5.1, 5.6.1).
    """
    return Updater(
        metadata_dir=str(directory),
        metadata_base_url="/",
        fetcher=fetcher,
        config=UpdaterConfig(
            root_max_length=MAX_LENGTH["root"],
            timestamp_max_length=MAX_LENGTH["timestamp"],
            snapshot_max_length=MAX_LENGTH["snapshot"],
            targets_max_length=MAX_LENGTH["targets"],
        ),
        bootstrap=root,
    )


class _Followed(Exception):  # noqa: N818 - nothing failed
    """The chain of roots was followed to its end."""


class _RootsAlone(FetcherInterface):
    """Reads roots by another fetcher, and stops tuf before the timestamp."""

    def __init__(self, fetcher: FetcherInterface) -> None:
        self._fetcher = fetcher

    def download_bytes(self, url: str, max_length: int) -> bytes:
        if not url.endswith(".root.json"):
            raise _Followed
        return self._fetcher.download_bytes(url, max_length)

    def _fetch(self, url: str) -> Iterator[bytes]:
        raise NotImplementedError


def follow_roots(state: LineageState, root: bytes, fetcher: FetcherInterface) -> None:
    """Bring the roots in ``state`` up to date (5.3), and nothing else. Raises as ``Refresh``."""
    ConfinedTree(state.directory, modes=PRIVATE).make_folder(HISTORY)
    with suppress(_Followed):
        _updater(state.directory, root, _RootsAlone(fetcher)).refresh()


class Refresh:
    """What one refresh verified: root, timestamp, snapshot and targets (5.3 to 5.6), then roles.

    ``likely`` are roles that will be asked for next: they are read beside targets, if they have
    changed. Every file persists in ``state`` as soon as it verifies. Later refreshes, also of other
    processes, do not change this view. Call it under the state's lock. Raises as python-tuf does.
    """

    def __init__(
        self, state: LineageState, root: bytes, fetcher: StoreFetcher, likely: Sequence[str] = ()
    ) -> None:
        self._state = state
        asking = AskingAhead(fetcher, state, likely)
        # tuf would make it by the umask.
        ConfinedTree(state.directory, modes=PRIVATE).make_folder(HISTORY)
        self.updater = _updater(state.directory, root, asking)
        self.updater.refresh()
        asking.ask()
        self._files = {role: state.read(role) for role in _ABOVE_THE_CHANNELS}

    def __getitem__(self, role: str) -> bytes:
        """Return the metadata of timestamp, snapshot or targets."""
        return self._files[role]

    @cached_property
    def snapshot(self) -> Snapshot:
        """What the snapshot says."""
        return parse(Snapshot, self["snapshot"], where="snapshot").signed

    @cached_property
    def targets(self) -> Targets:
        """What targets says: the delegations."""
        return parse(Targets, self["targets"], where="targets").signed

    def load(self, role: str, path: str) -> bytes | None:
        """Let tuf load the role that may speak for ``path`` (5.6.7); return ``role``'s file.

        If that role may not speak for it, there is no file, or an earlier refresh's: its caller
        must check.
        """
        self.updater.get_targetinfo(path)
        with suppress(FileNotFoundError):
            return self._state.read(role)
        return None

    def accept(self, role: str) -> None:
        """Keep the role's file, just loaded, and all above it as accepted whole."""
        self._state.accept({**self._files, role: self._state.read(role)})
