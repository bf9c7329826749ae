"""What this machine has verified: the metadata that a rollback is measured against.

State belongs to a country in a bucket, and within that to a lineage of roots (``trust.lineages``).
Each lineage has a directory, in which python-tuf keeps every file as soon as it verifies, as the
TUF specification (https://theupdateframework.github.io/specification/v1.0.33/) asks: 5.3.8,
5.4.5, 5.5.7, 5.6.6. A refresh that is refused half-way forgets nothing that it has verified.
What was last accepted whole, from the timestamp down to the pointers, is in ``accepted``: from
there offline readers answer.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, PeDvcError, RollbackError
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.locks import Wait, exclusive
from pe_dvc.store.permissions import PRIVATE, check_private
from pe_dvc.store.plain_files import read_document
from pe_dvc.trust.bucket_identity import bucket_id, id_of_place, short_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

ACCEPTED = "accepted"
"""Name of the directory with the metadata that was last accepted whole."""

HISTORY = "root_history"
"""Name of the directory with the roots, by version, which python-tuf gives it."""


class ReaderState:
    """The verified metadata of one country, all lineages, in ``directory``.

    A bucket has a state of its own. Those that belong together share one, as what one of them has
    shown is a floor for all: those that were ever read together, and ``related`` if one of them is
    read. These are names (``place_name``) of a country's bucket and its mirrors.
    """

    def __init__(
        self,
        state_dir: Path,
        country: str,
        urls: Sequence[str],
        lock_timeout: float,
        related: Sequence[str] = (),
    ) -> None:
        channels = state_dir / "channels"
        ids, kin = [bucket_id(url) for url in urls], [id_of_place(name) for name in related]
        ids = list(dict.fromkeys([*ids, *(kin if {*ids} & {*kin} else ())]))
        self._own = [channels / f"{country}-{one}" for one in ids]
        shared = channels / country
        joined = len(ids) > 1 or (shared / _member(self._own[0])).is_file()
        # What may only be read cannot be joined.
        joined = joined and (shared.is_dir() or not _is_read_only(self._own[0]))
        self.directory = shared if joined else self._own[0]
        ids += [short_id(url) for url in urls]
        self._older = [f"{country}-{one}-*" for one in sorted({*ids})]
        self._places = (state_dir, channels, self.directory)
        self._lock_timeout = lock_timeout

    def named_in(self, error: PeDvcError) -> PeDvcError:
        """Say of a rollback that another store may have shown the newer version."""
        if isinstance(error, RollbackError) and self.directory not in self._own:
            error.remedy = (
                f"{error.remedy} This machine has seen a newer version, here or in another store "
                "of the country. A mirror may be behind."
            )
        return error

    @contextmanager
    def read(self) -> Iterator[None]:
        """As ``locked``, but a state that may only be read is read as it is."""
        if _is_read_only(self.directory):
            self._check_places()
            yield
            return
        with self.locked():
            yield

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out, and take over what an older pe_dvc has verified.

        Raises StoreUnavailableError if another process holds on to it, PeDvcError if the
        directory cannot be written, and FormatError if other users can write to it.
        """
        self._check_places()
        wait = Wait(
            self._lock_timeout,
            doing="reading these channels",
            remedy="Let it finish, or end it, and try again.",
        )
        try:
            with exclusive(ConfinedTree(self.directory, modes=PRIVATE), ".lock", wait):
                self._take_over()
                yield
        except PeDvcError:
            raise
        except OSError as error:
            raise PeDvcError(
                f"what was last verified cannot be kept in {self.directory}: {error.strerror}",
                remedy="Set PE_DVC_STATE_DIR to a directory that you can write to.",
            ) from error

    def _check_places(self) -> None:
        for place in self._places:
            check_private(place)

    def _take_over(self) -> None:
        """Make lineages of the directories that an older pe_dvc kept, one for each root file."""
        for own in self._own if self._own[0] != self.directory else ():
            self._join(own)
        for pattern in self._older:
            for older in sorted(self.directory.parent.glob(pattern)):
                _accept_all(older)
                lineage = self.directory / older.name.rpartition("-")[2]
                while lineage.exists():
                    lineage = lineage.with_name(f"{lineage.name}-older")
                older.rename(lineage)

    def _join(self, own: Path) -> None:
        """Take over what was verified of one bucket alone; lineages that are one are folded."""
        import shutil

        state, member = ConfinedTree(self.directory, modes=PRIVATE), _member(own)
        if (self.directory / member).is_file():
            return
        for lineage in sorted(own.iterdir()) if own.is_dir() else ():
            if lineage.is_dir() and not lineage.is_symlink():
                name = f"{lineage.name}-{own.name[-16:]}"
                shutil.copytree(
                    lineage,
                    self.directory / name,
                    ignore=shutil.ignore_patterns("root.json"),  # tuf's link, made again
                    dirs_exist_ok=True,
                )
        state.write(member, b"")


def _is_read_only(directory: Path) -> bool:
    return directory.is_dir() and not os.access(directory, os.W_OK)


def _member(own: Path) -> str:
    return f"{own.name[-16:]}.member"


class LineageState:
    """The verified metadata of one lineage, in ``directory``, which python-tuf writes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def read(self, role: str) -> bytes:
        """Return the metadata of a role that verified last."""
        return read_document(self.directory / f"{role}.json")

    def timestamp(self) -> tuple[int, bytes]:
        """Return version and bytes of the timestamp that verified last; 0 and nothing for none."""
        from pe_dvc.trust.tuf_api import Timestamp
        from pe_dvc.trust.verify import parse

        try:
            data = self.read("timestamp")
            return parse(Timestamp, data, where=str(self.directory)).signed.version, data
        except (FileNotFoundError, FormatError):
            return 0, b""

    def seed(self, timestamp: bytes, snapshot: bytes) -> None:
        """Keep what others saw, and is verified, as tuf keeps its own: later metadata must follow.

        ``accepted`` stays as it is, as nothing was read.
        """
        state = ConfinedTree(self.directory, modes=PRIVATE)
        state.write("snapshot.json", snapshot)
        state.write("timestamp.json", timestamp)

    def accept(self, files: Mapping[str, bytes]) -> None:
        """Keep ``files``, by role, as accepted whole, unless the state has moved on since.

        The timestamp comes last; its file's time is when this was last found to be current.
        """
        if self.read("timestamp") != files["timestamp"]:
            return
        for role in sorted(files, key=lambda role: role == "timestamp"):
            kept = self.directory / ACCEPTED / f"{role}.json"
            if not kept.is_file() or read_document(kept) != files[role]:
                # A file torn by a power cut does not verify and is read again.
                state = ConfinedTree(self.directory, modes=PRIVATE)
                state.write(f"{ACCEPTED}/{role}.json", files[role])
        os.utime(self.directory / ACCEPTED / "timestamp.json")


def _accept_all(older: Path) -> None:
    """An older pe_dvc kept nothing but what was accepted whole."""
    import shutil

    accepted = older / ACCEPTED
    if not accepted.exists():
        accepted.mkdir(mode=0o700)
        for file in older.glob("*.json"):
            if not file.is_symlink():
                shutil.copy2(file, accepted)
