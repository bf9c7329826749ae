"""Which of a bucket's lineages a trusted root belongs to: state follows the chain of roots.

Roots that vouch for one another are one lineage, whichever of them is pinned or came by git pull.
Chains that have nothing to do with each other, as those of channels that were created again, are
kept apart. What tells them apart is a version that both know, or else the chain between them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import (
    FormatError,
    RollbackError,
    StoreUnavailableError,
    VerificationError,
)
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.permissions import PRIVATE
from pe_dvc.store.plain_files import read_document
from pe_dvc.trust.client_state import HISTORY
from pe_dvc.trust.concurrent_queries import ask_all
from pe_dvc.trust.log_memory import fold_memory
from pe_dvc.trust.tuf_api import DownloadError, Metadata, Root, Timestamp
from pe_dvc.trust.verify import check_root_chain, fingerprint, parse, verify_root_chain

if TYPE_CHECKING:
    from pathlib import Path

Download = Callable[[int], bytes]
"""Returns the root of a version from the bucket, unverified; raises DownloadError."""

MAX_LINKS = 256
"""Most roots that are downloaded to link two; as many as python-tuf follows."""

LINKS_WAIT = 30.0
"""Seconds that several stores have to show these."""


def find_lineage(
    directory: Path, roots: Sequence[bytes], *, country: str, downloads: Sequence[Download]
) -> Path:
    """Return the directory, below ``directory``, of the lineage of ``roots``, new or not.

    ``roots`` are consecutive versions, of which the last is trusted; of ``downloads`` there is
    one for each store, none offline. Raises RollbackError where a lineage seen earlier seems to
    be the same, and the roots between are hidden; and SignatureError if ``roots`` do not vouch
    for one another.
    """
    chain = verify_root_chain(roots, where=f"the trusted roots of {country}")
    name = fingerprint(roots[-1])[:16]
    there = sorted(path for path in directory.iterdir() if path.is_dir())
    ours = _Chain({root.signed.version: root for root in chain}, country, downloads)
    same = [path for path in there if path.name == name or ours.is_of(path)]
    if not same:
        return directory / name
    *others, newest = sorted(same, key=_age)
    for other in others:
        _fold(other, newest)
    return newest


class _Chain:
    """The trusted roots, by version, and whether a lineage's roots belong to them."""

    def __init__(
        self, roots: dict[int, Metadata[Root]], country: str, downloads: Sequence[Download]
    ) -> None:
        self._roots, self._country, self._downloads = roots, country, downloads

    def is_of(self, lineage: Path) -> bool:
        known = roots_in(lineage)
        trusted = max(self._roots)
        # The roots before the trusted one came with it; they do not decide where it does.
        both = {trusted} & known.keys() or known.keys() & self._roots.keys()
        if both:
            return all(known[one].signed == self._roots[one].signed for one in both)
        return bool(known) and self._is_linked(lineage, known)

    def _is_linked(self, lineage: Path, known: dict[int, Metadata[Root]]) -> bool:
        """Look for the roots between those of the lineage and ours, which share no version."""
        older, newer = sorted((known, self._roots), key=max)
        first, last = older[max(older)], newer[min(newer)]
        missing = range(first.signed.version + 1, last.signed.version)
        between = self._between(missing, lambda shown: _vouches(first, shown, last))
        if between is not None:
            for version, data in zip(missing, between, strict=True):
                state = ConfinedTree(lineage, modes=PRIVATE)
                state.write(f"{HISTORY}/{version}.root.json", data, durable=True)
            return True
        if missing and self._downloads and first.signed.keys.keys() & last.signed.keys.keys():
            raise self._hidden(lineage, first.signed.version, last.signed.version)
        return False

    def _between(
        self, versions: range, vouches: Callable[[list[bytes]], bool]
    ) -> list[bytes] | None:
        """Return the roots between by the first store whose roots lead from one to the other."""
        if not versions:
            return [] if vouches([]) else None
        if not self._downloads or len(versions) > MAX_LINKS:
            return None

        def ask(download: Download) -> list[bytes] | None:
            try:
                found = [download(version) for version in versions]
            except DownloadError:
                return None
            return found if vouches(found) else None

        if len(self._downloads) == 1:
            return ask(self._downloads[0])
        answers = ask_all(self._downloads, ask, grace=0, is_enough=bool, limit=LINKS_WAIT)
        for found in answers.values():
            if isinstance(found, list):
                return found
        for found in answers.values():
            if isinstance(found, StoreUnavailableError):
                raise found  # it may have them: nothing is hidden
        return None

    def _hidden(self, lineage: Path, first: int, last: int) -> RollbackError:
        seen, trusted = (last, first) if first in self._roots else (first, last)
        return RollbackError(
            f"root {trusted} of {self._country}, which is trusted here, and root {seen}, which "
            "was seen in this bucket earlier, share keys; but the bucket does not show the roots "
            "between, by which one would follow from the other",
            remedy=f"Tell the maintainers of the data: channels/{self._country}/N.root.json, with "
            f"N from {first + 1} to {last - 1}, must be there. If they say that the channels were "
            f"created again since, remove {lineage}.",
        )


def roots_in(lineage: Path) -> dict[int, Metadata[Root]]:
    """Return a lineage's roots by version, without files that are damaged."""
    found = {}
    for file in (lineage / HISTORY).glob("*.root.json"):
        with suppress(FormatError, OSError):
            root = parse(Root, read_document(file), where=str(file))
            found[root.signed.version] = root
    return found


def _vouches(first: Metadata[Root], between: list[bytes], last: Metadata[Root]) -> bool:
    try:
        chain = [first, *(parse(Root, data, where="the bucket") for data in between), last]
        check_root_chain(chain, where="the bucket")
    except (FormatError, VerificationError):
        return False
    return True


def _age(lineage: Path) -> tuple[int, int]:
    """Return the newest versions of root and timestamp in a lineage's directory."""
    timestamp = 0
    with suppress(FormatError, OSError):
        file = lineage / "timestamp.json"
        timestamp = parse(Timestamp, read_document(file), where=str(file)).signed.version
    return max(roots_in(lineage), default=0), timestamp


def _fold(lineage: Path, into: Path) -> None:
    """Let one directory take what another of the same lineage has besides, and remove that."""
    import shutil

    fold_memory(lineage, into)
    for file in sorted(lineage.rglob("*.json")):
        target = into / file.relative_to(lineage)
        if not file.is_symlink() and not target.exists():
            target.parent.mkdir(mode=0o700, exist_ok=True)
            shutil.copy2(file, target)
    shutil.rmtree(lineage)
