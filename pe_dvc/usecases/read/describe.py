"""Describe: a resolved dataset with its codebook, in the formats that others read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.codebook import EMPTY, Codebook
from pe_dvc.documents.dataset import Dataset
from pe_dvc.documents.dataset_formats import WITH_STATISTICS, as_format
from pe_dvc.documents.sidecars import CODEBOOK, PROFILE
from pe_dvc.primitives.errors import NotFoundError, StoreUnavailableError
from pe_dvc.usecases.read.sidecars import read_sidecar

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.documents.profile import Profile
    from pe_dvc.store.cache import Cache
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.usecases.read.resolve import Resolved


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a reference means now, and what its columns mean.

    ``codebook`` is empty where the dataset has none, and offline where it was never read here:
    ``codebook_unread`` tells which.
    """

    resolved: Resolved
    codebook: Codebook = EMPTY
    codebook_unread: bool = False
    _read_profile: Callable[[], Profile | None] = field(
        default=lambda: None, repr=False, compare=False
    )

    @cached_property
    def dataset(self) -> Dataset:
        """The manifest joined with the codebook."""
        return Dataset(
            manifest=self.resolved.manifest,
            codebook=self.codebook,
            pin=self.resolved.pin,
            release=self.resolved.reference.release,
        )

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
        return {**self.resolved.to_json(), "codebook": self.codebook.to_json()}


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
        codebook = read_codebook(resolved, store=store, cache=cache)
    except StoreUnavailableError:
        if not offline:
            raise
        return Description(resolved=resolved, codebook_unread=True, _read_profile=profile)
    return Description(resolved=resolved, codebook=codebook, _read_profile=profile)


def read_codebook(resolved: Resolved, *, store: ReadableStore, cache: Cache) -> Codebook:
    """Return the codebook of a dataset, an empty one where it has none. Raises as ``describe``."""
    data = read_sidecar(resolved, CODEBOOK, store=store, cache=cache)
    if data is None:
        return EMPTY
    return Codebook.from_bytes(data, where=f"the codebook of {resolved.reference}")
