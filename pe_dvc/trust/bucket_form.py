"""What the bucket has of a file in git: the same, but for a channel in bins."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.errors import FormatError
from pe_dvc.trust.binned import MARK, BinnedTargets
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.primitives.digest import Sha256


def bucket_form(data: bytes, *, where: str) -> tuple[bytes, Mapping[Sha256, bytes]]:
    """Return the file that the bucket has of a file in git, and the bins beside it.

    Both differ for a channel in bins only. Raises FormatError.
    """
    if MARK not in data:
        return data, {}
    try:
        return _formed(data)
    except FormatError:
        parse(Targets, data, where=where)  # which says where
        raise


@lru_cache(maxsize=4)  # a publication asks several times for the same, as git's and as the bucket's
def _formed(data: bytes) -> tuple[bytes, Mapping[Sha256, bytes]]:
    metadata = parse(Targets, data, where="")
    if not isinstance(metadata.signed, BinnedTargets):
        return data, {}
    return readable_json(metadata.to_dict()), metadata.signed.bins
