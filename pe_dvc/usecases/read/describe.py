"""Describe: a resolved dataset with its codebook, in the formats that others read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.dataset import Dataset
from pe_dvc.documents.dataset_formats import WITH_STATISTICS, as_format
from pe_dvc.documents.plain_record import read_plain_codebook
from pe_dvc.documents.sidecar_files import CODEBOOK, PROFILE
from pe_dvc.primitives.errors import NotFoundError, StoreUnavailableError
from pe_dvc.usecases.read.sidecars import read_sidecar

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.documents.codebook import Codebook
    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.documents.profile import Profile
    from pe_dvc.store.cache import Cache
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.usecases.read.resolve import Resolved


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a reference means now, and what its columns mean.

    ``codebook`` is empty where the dataset has none, and offline where it was never read here:
    ``codebook_unread`` tells which. ``codebook_document`` is its JSON.
    """

    resolved: Resolved
    codebook_document: bytes | None = field(default=None, repr=False)
    codebook_unread: bool = False
    _read_profile: Callable[[], Profile | None] = field(
        default=lambda: None, repr=False, compare=False
    )

    @cached_property
    def codebook(self) -> Codebook:
        """What its columns mean. Raises FormatError."""
        from pe_dvc.documents.codebook import EMPTY, Codebook

        document = self.codebook_document
        return EMPTY if document is None else Codebook.from_bytes(document, where=self._where)

    @cached_property
    def dataset(self) -> Dataset:
        """The manifest joined with the codebook."""
        return self._joined(self.resolved.manifest, self.codebook)

    @cached_property
    def shown(self) -> Dataset:
        """The same of ``documents.plain_record``: for who only shows what it says."""
        codebook = read_plain_codebook(self.codebook_document, where=self._where)
        return self._joined(self.resolved.plain_manifest, codebook)

    def _joined(self, manifest: Manifest, codebook: Codebook) -> Dataset:
        resolved = self.resolved
        release = resolved.reference.release
        return Dataset(manifest=manifest, codebook=codebook, pin=resolved.pin, release=release)

    @property
    def _where(self) -> str:
        return f"the codebook of {self.resolved.reference}"

    def to(self, name: str) -> str:
        """Return it in a format, as text: ``ddi``, ``croissant``, ``datapackage`` and others.

        Reads the profile for a format that has statistics, and raises as ``describe`` then.
        Raises NotFoundError for a format that is not known.
        """
        found = self.dataset
        if name in WITH_STATISTICS:
            found = replace(found, profile=self._read_profile())
        return as_format(found, name)

    def to_json(self) -> dict[str, Any]:
        """Return the pinned reference, the manifest and the codebook as plain JSON values."""
        return {**self.resolved.to_json(), "codebook": self.shown.codebook.to_json()}


def describe(
    resolved: Resolved, *, store: ReadableStore, cache: Cache, offline: bool = False
) -> Description:
    """Return a dataset with its codebook. Raises as ``read_sidecar``, and FormatError.

    With ``offline`` a codebook that was never read hides nothing of the manifest.
    """

    def profile() -> Profile | None:
        try:
            data = read_sidecar(resolved, PROFILE, store=store, cache=cache)
        except NotFoundError:
            return None
        except StoreUnavailableError:
            if not offline:
                raise
            return None
        if data is None:
            return None
        from pe_dvc.documents.profile import Profile

        return Profile.from_bytes(data, where=f"the profile of {resolved.reference}")

    try:
        codebook = read_sidecar(resolved, CODEBOOK, store=store, cache=cache)
    except StoreUnavailableError:
        if not offline:
            raise
        return Description(resolved=resolved, codebook_unread=True, _read_profile=profile)
    found = Description(resolved=resolved, codebook_document=codebook, _read_profile=profile)
    _ = found.shown  # so that what is no codebook is refused here
    return found
