"""A country that a gateway serves: its store, its grants, and the index of what may be read.

All three are looked at again and again. What cannot be read, or is too old, refuses every read: a
grant that was taken back, or a withdrawal, may be what is not seen.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.adapters.dvc.yaml import read_yaml
from pe_dvc.documents.access import MAX_BYTES, AccessRules, access_rules
from pe_dvc.gateway.index import Index, Indexer
from pe_dvc.primitives.errors import PeDvcError, StoreUnavailableError
from pe_dvc.store.plain_files import read_document
from pe_dvc.usecases.mirror.state import read_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.store.port import ReadableStore
    from pe_dvc.usecases.mirror.state import SignedState

log = logging.getLogger(__name__)

MAX_AGE = 15 * 60.0
"""Seconds after which an index that could not be made again is worth nothing."""

AGAIN = 3600.0
"""Seconds after which an index is made again though nothing new was signed."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a country is read from. ``verify`` returns the trusted root once the channels verify.

    It raises VerificationError for metadata that has expired or was rolled back. ``sign`` returns
    a short-lived address of an object; None where its bytes come through the gateway.
    """

    country: str
    store: ReadableStore
    access: Path
    verify: Callable[[], bytes]
    sign: Callable[[str], str] | None = None


class ServedCountry:
    """What is known of a country now. Safe for threads."""

    def __init__(self, source: Source, clock: Callable[[], float] = time.monotonic) -> None:
        self.source, self.country, self.store = source, source.country, source.store
        self._clock = clock
        self._indexer = Indexer(source.store, source.country)
        self._index: tuple[Index, float] | None = None
        self._made_at = 0.0
        self._rules: tuple[tuple[int, int, int], AccessRules] | None = None
        self._refreshing = threading.Lock()
        self._problem = "it was not read yet"

    def refresh(self) -> None:
        """Verify the channels, and make the index again. What fails is kept for ``index``."""
        with self._refreshing:
            began = self._clock()
            try:
                root = self.source.verify()
                state = read_state(self.store, self.country, [root])
                self._index = (self._made(state, began), began)
            except PeDvcError as error:
                self._problem = error.message
                log.warning("%s could not be read: %s", self.country, error)

    def _made(self, state: SignedState, now: float) -> Index:
        """Return the index of a state: the one that there is, if it is of that version.

        Every version of every channel is read for a new one. Once in ``AGAIN`` seconds it is made
        all the same: a manifest that was missing may have been repaired.
        """
        if self._index is not None and now - self._made_at < AGAIN:
            known = self._index[0]
            if known.version == state.version:
                return known
        found = self._indexer.index(state)
        self._made_at = now
        return found

    @property
    def index(self) -> Index:
        """What may be read. Raises StoreUnavailableError if it is not known well enough."""
        found = self._index
        if found is None or self._clock() - found[1] > MAX_AGE:
            raise self._unavailable(f"what is published cannot be verified: {self._problem}")
        return found[0]

    @property
    def rules(self) -> AccessRules:
        """The grants as the file has them now. Raises StoreUnavailableError without them."""
        path = self.source.access
        try:
            status = path.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if self._rules is None or self._rules[0] != seen:
                data = read_document(path, limit=MAX_BYTES)
                self._rules = (seen, access_rules(read_yaml(data, str(path)), file=str(path)))
            return self._rules[1]
        except PeDvcError as error:
            log.error("grants of %s: %s", self.country, error.message)
        except OSError as error:
            log.error("grants of %s: %s: %s", self.country, path, error.strerror)
        raise self._unavailable("the grants cannot be read")

    def _unavailable(self, why: str) -> StoreUnavailableError:
        return StoreUnavailableError(f"{self.country}: {why}", operation="read", key=self.country)
