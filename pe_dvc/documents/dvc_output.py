"""What DVC records of a file or directory that it tracks: dvc.lock, ``*.dvc`` and dvc.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from pe_dvc.documents.dvc_hash import is_listing

if TYPE_CHECKING:
    from pe_dvc.primitives.digest import Sha256

FileState = Literal["absent", "same", "recoverable", "modified"]
"""How a file of the workspace compares with the object that it should be.

``recoverable`` is a file of other bytes that DVC's cache holds as well: replacing it loses nothing.
"""


class ImportedFrom(NamedTuple):
    """Where DVC imported an output from: a place in another DVC repo, or an address.

    ``revision`` is the commit of that repo, ``etag`` what DVC remembers of the content's version.
    """

    url: str
    path: str | None = None
    revision: str | None = None
    etag: str | None = None


@dataclass(frozen=True, kw_only=True)
class Location:
    """Where the bytes of an output lie as well, and the sha256 of what lies there.

    ``provenance`` is the file in which their producer states what they were made from, and ``md5``
    DVC's hash of the bytes that it is about.
    """

    KEYS: ClassVar = ("location", "sha256")

    uri: str
    sha256: Sha256
    provenance: str | None = None
    md5: str | None = None


@dataclass(frozen=True, kw_only=True)
class Output:
    """A file or directory that DVC tracks. ``path`` is relative to the repo, as all paths here.

    ``md5`` is DVC's hash, with the suffix ``.dir`` for a directory; None where DVC keeps another
    hash or none. ``size`` (bytes) and ``nfiles`` are as DVC recorded them. ``legacy`` tells of
    an entry of DVC 2.x, which hashed text by other rules and kept it in another place.
    """

    path: str
    md5: str | None
    size: int | None = None
    nfiles: int | None = None
    cached: bool = True
    push: bool = True
    remote: str | None = None
    persist: bool = False
    legacy: bool = False
    executable: bool = False
    stage: str | None = None
    dvcfile: str | None = None
    source: ImportedFrom | None = None
    location: Location | None = None

    @property
    def provenance(self) -> str | None:
        """The statement of these bytes that an import noted, None where other bytes took over."""
        noted = self.location
        return noted.provenance if noted is not None and noted.md5 == self.md5 else None

    @property
    def is_directory(self) -> bool:
        """Whether DVC tracks it as a directory."""
        return self.md5 is not None and is_listing(self.md5)
