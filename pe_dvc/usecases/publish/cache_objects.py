"""The objects of DVC's cache that belong to a checkout: what ``dvc push`` would push of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from pe_dvc.documents.dvc_files import LOCK
from pe_dvc.documents.dvc_hash import bare_md5, is_listing
from pe_dvc.primitives.errors import DigestMismatchError, FormatError
from pe_dvc.store.plain_files import open_to_read
from pe_dvc.usecases.object_digest import md5_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from pe_dvc.documents.dvc_output import Output
    from pe_dvc.primitives.digest import Sha256


class CacheObject(NamedTuple):
    """An object of DVC's cache to publish. ``what`` is its path in the repo, for messages.

    ``sha256`` is what its bytes must have, None where no manifest says. ``inside`` is DVC's md5 of
    the directory that it is a file of, None for what DVC tracks by itself.
    """

    what: str
    md5: str
    path: Path
    sha256: Sha256 | None = None
    inside: str | None = None

    @property
    def tracked(self) -> str:
        """DVC's md5 of the output that it belongs to."""
        return self.inside or self.md5

    @property
    def is_listing(self) -> bool:
        """Whether this is DVC's listing of a directory, which must not precede its files."""
        return is_listing(self.md5)

    def check_md5(self) -> None:
        """Raise DigestMismatchError if the object is not of the md5 that is its name."""
        with open_to_read(self.path) as file:
            actual, expected = md5_file(file), bare_md5(self.md5)
        if actual != expected:
            raise DigestMismatchError(
                what=f"{self.what}, in DVC's cache",
                expected=f"md5:{expected}",
                actual=f"md5:{actual}",
                source=str(self.path),
                remedy="It was not published. Remove it from the cache, then build it again (dvc "
                "repro --force), or pull it.",
            )


class DvcCache(Protocol):
    """What is asked of DVC's cache on this machine."""

    def path(self, md5: str) -> Path:
        """Return where the object of that hash lies, or would."""
        ...

    def files(self, md5: str) -> Mapping[str, str]:
        """Return DVC's md5 of each file of a tracked directory, by its path inside."""
        ...


def cache_objects(
    outputs: Iterable[Output],
    cache: DvcCache,
    *,
    remote: str | None,
    sha256_by_md5: Mapping[str, Sha256],
) -> Iterator[CacheObject]:
    """Yield every object of ``outputs`` that goes to ``remote``, so that ``dvc pull`` works.

    Raises FormatError for an output that has no hash of DVC 3.
    """

    def found(what: str, md5: str, inside: str | None = None) -> CacheObject:
        sha256 = sha256_by_md5.get(md5)
        return CacheObject(what=what, md5=md5, path=cache.path(md5), sha256=sha256, inside=inside)

    for output in outputs:
        if not (output.cached and output.push and output.remote in (None, remote)):
            continue
        listing = found(output.path, _md5_of(output))
        yield listing
        # Without its listing a directory's files are unknown here; publish_objects then asks the
        # bucket for the listing, which is only ever there once the files are.
        if output.is_directory and listing.path.exists():
            for inside, md5 in cache.files(listing.md5).items():
                yield found(f"{output.path}/{inside}", md5, listing.md5)


def _md5_of(output: Output) -> str:
    if output.legacy or output.md5 is None:
        raise FormatError(
            f"{output.path} has no hash of DVC 3 in {output.dvcfile or LOCK}",
            remedy=f"Run dvc commit {output.stage or output.dvcfile}; for a repo of DVC 2 "
            "also dvc cache migrate.",
        )
    return output.md5
