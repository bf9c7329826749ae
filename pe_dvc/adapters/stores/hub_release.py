"""A release on Hugging Face's hub as a place to read payloads from, by their sha256.

The release manifest there says which file is which artifact. It is not signed and need not
be: who reads verifies the bytes, so that a false one leads to nothing, or to what is refused.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from pe_dvc.adapters.stores.hub_files import HubFiles
from pe_dvc.documents.hub_manifest import read_hub_manifest
from pe_dvc.documents.hub_uri import is_revision
from pe_dvc.documents.keys import MANIFEST_LIMIT
from pe_dvc.primitives.errors import NotFoundError, PeDvcError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.documents.hub_uri import HubManifest
    from pe_dvc.primitives.digest import Sha256

Files = dict["Sha256", tuple[HubFiles, str]]

RETRY = 30.0
"""Seconds for which a manifest that could not be read is not asked for again."""


class HubRelease:
    """The files of a release by their sha256, as its manifest says, which is read once, if asked.

    Safe for threads.
    """

    def __init__(self, manifest: HubManifest) -> None:
        self.url = str(manifest)
        self._manifest, self._lock = manifest, threading.Lock()
        self._files: Files | None = None
        self._failure: tuple[PeDvcError, float] | None = None

    def find(self, sha256: Sha256) -> tuple[HubFiles, str]:
        """Return where the release has a file: what to read it from, and its key there.

        Raises NotFoundError where it has none, FormatError and StoreError for its manifest.
        """
        found = self.files().get(sha256)
        if found is None:
            raise NotFoundError(f"{self.url} names no file with sha256 {sha256}")
        return found

    def files(self) -> Mapping[Sha256, tuple[HubFiles, str]]:
        """Return where each file is. Raises NotFoundError, FormatError and StoreError."""
        with self._lock:
            if self._failure is not None and time.monotonic() - self._failure[1] < RETRY:
                raise self._failure[0]
            if self._files is None:
                try:
                    self._files = self._read()
                except PeDvcError as error:
                    self._failure = (error, time.monotonic())
                    raise
            return self._files

    def _read(self) -> Files:
        at = self._manifest
        own = HubFiles(at.place, at.revision)
        data, _ = own.read(at.path, limit=MANIFEST_LIMIT)
        listed = read_hub_manifest(
            data, place=at.place, revision=at.revision, path=at.path, where=self.url
        )
        sources = {at.revision: own}
        # Nothing is read of other repos, which an unsigned manifest alone names.
        return {
            one.sha256: (
                sources.setdefault(one.revision, HubFiles(at.place, one.revision)),
                one.hub_path,
            )
            for one in listed
            if one.sha256 is not None and one.place == at.place and is_revision(one.revision)
        }
