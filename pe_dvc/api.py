"""The Python API for researchers: what a reference means, what is in it, and its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, cast

from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.primitives.names import check_country
from pe_dvc.primitives.reference import Reference
from pe_dvc.project.reader import Reader, open_reader
from pe_dvc.public.reporting import reporter_for
from pe_dvc.usecases.progress import Notes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.project.fetched import Fetched
    from pe_dvc.project.get_all import Attempt
    from pe_dvc.usecases.progress import Reporter
    from pe_dvc.usecases.read.ls import Listed, ListedRelease
    from pe_dvc.usecases.read.resolve import Resolved


def resolve(
    reference: str | Reference, *, store: str | Sequence[str] | None = None, offline: bool = False
) -> Resolved:
    """Return which artifact a reference means now, with its verified manifest.

    ``store`` is the bucket's URL (``s3://…``, ``gs://…`` or a directory), or a list of them that
    is read as one; without it ``PE_DVC_STORE``, then the enclosing data repo's, then
    PolicyEngine's bucket. No payload is read. With ``offline`` the store is not read: the answer
    is what this machine verified last, however old, and NotFoundError says what it never read.

    The answer can be given to ``open``, ``fetch`` and ``get`` instead of a reference, also in other
    processes and on other machines: it pickles, with no credentials in it. They read these bytes,
    whatever the channel says by then, and refuse what was withdrawn since.

    Raises FormatError for what is no reference, NotFoundError, VerificationError when the bucket
    shows something that was not signed, UntrustedError without a pinned root, and StoreError.
    """
    from pe_dvc.project.reader_snapshot import taken_along

    asked = Reference.of(reference)
    reader = open_reader(asked, store=store, offline=offline)
    return taken_along(reader, reader.resolve(asked))


def manifest(
    reference: str | Reference, *, store: str | Sequence[str] | None = None, offline: bool = False
) -> Manifest:
    """Return the manifest of what a reference means now: schema, entities, weight, inputs.

    Reads no payload. Raises as ``resolve``.
    """
    return resolve(reference, store=store, offline=offline).manifest


def get(
    reference: str | Reference | Resolved,
    *,
    output: Path | None = None,
    store: str | Sequence[str] | None = None,
    offline: bool = False,
    progress: bool = False,
) -> Fetched:
    """Do what ``fetch`` does, and return what the file is along with its path."""
    from pe_dvc.project.fetched import get_one

    reader, resolved = _found(reference, store, offline, reporter_for(progress))
    return get_one(reader, resolved, output=output)


def get_all(
    references: Sequence[str | Reference],
    *,
    output: Path | None = None,
    store: str | Sequence[str] | None = None,
    offline: bool = False,
    progress: bool = False,
) -> list[Attempt]:
    """Get several at once, and return what became of each, in their order.

    Each channel is verified once, and connections are shared. What fails stops none of the others:
    its attempt has the error that ``get`` would raise. ``output`` is a directory for copies.
    Raises FormatError if it is none.
    """
    from pe_dvc.project.get_all import get_all as project_get_all

    return project_get_all(
        references,
        output=output,
        store=store,
        offline=offline,
        reporter=reporter_for(progress),
    )


def fetch(
    reference: str | Reference | Resolved,
    *,
    output: Path | None = None,
    store: str | Sequence[str] | None = None,
    offline: bool = False,
    progress: bool = False,
) -> Path:
    """Return the path of a local file with exactly the bytes that a reference means.

    The file is in the cache, read-only, named by its sha256; with ``output``, a copy of it is
    made there. Bytes that are in the cache already are not downloaded again. Raises as
    ``resolve``, and DigestMismatchError when the payload is not what was signed; then nothing
    is left behind. With ``offline``, StoreUnavailableError where the bytes are not here.

    With ``progress`` it shows how far a download is, how fast, and how long it will take: a bar on
    a terminal (after a second) and in a notebook (at once), elsewhere a line on stderr every 15 s.
    """
    return get(reference, output=output, store=store, offline=offline, progress=progress).path


def open(  # noqa: A001 - read as pe_dvc.open
    reference: str | Reference | Resolved,
    *,
    store: str | Sequence[str] | None = None,
    offline: bool = False,
) -> BinaryIO:
    """Return what a reference means as a binary file to read and to seek in.

    Only the parts that are read are fetched; each is verified before a byte of it is returned,
    and kept in the cache. A pinned reference that no channel points to is fetched whole, since
    its parts are not signed. Raises as ``fetch``, from reading too. Use it as a context.
    """
    from pe_dvc.project.reader_snapshot import open_here

    reader, resolved = _found(reference, store, offline, Notes())
    return cast("BinaryIO", open_here(reader, resolved))


def _found(
    reference: str | Reference | Resolved,
    store: str | Sequence[str] | None,
    offline: bool,
    reporter: Reporter | None,
) -> tuple[Reader, Resolved]:
    """Return what a reference means now, or what it was resolved to before, and its reader."""
    from pe_dvc.usecases.read.resolve import Resolved

    if isinstance(reference, Resolved):
        from pe_dvc.project.reader_snapshot import reader_of

        return reader_of(reference, store=store, offline=offline, reporter=reporter), reference
    asked = Reference.of(reference)
    reader = open_reader(asked, store=store, reporter=reporter, offline=offline)
    return reader, reader.resolve(asked)


def ls(
    country: str, *, store: str | Sequence[str] | None = None, offline: bool = False
) -> list[Listed]:
    """Return which datasets the channels of a country have, by channel and name.

    Reads each one's manifest, once: when and where it was built, and its rows. Raises NotFoundError
    for a country without channels, and otherwise as ``resolve``.
    """
    from pe_dvc.usecases.read.ls import Listing

    found = Reader(check_country(country), store=store, offline=offline).ls_described()
    return Listing(found)


def releases(
    country: str, *, store: str | Sequence[str] | None = None, offline: bool = False
) -> list[ListedRelease]:
    """Return the published releases of a country, by version, and their states.

    Needs no clone. Raises NotFoundError for a country that never published one, and otherwise as
    ``resolve``.
    """
    from pe_dvc.usecases.read.ls import Listing

    return Listing(Reader(check_country(country), store=store, offline=offline).releases())


def verified_at(country: str, *, store: str | Sequence[str] | None = None) -> datetime:
    """Return when this machine last verified a country's channels (UTC): how old offline data is.

    Raises NotFoundError if it never did, UntrustedError without a pinned root.
    """
    return Reader(check_country(country), store=store, offline=True).channels.verified_at()


def schema(document: str = "manifest") -> dict[str, Any]:
    """Return the JSON Schema of a document: ``manifest`` is the one there is.

    Raises NotFoundError for another.
    """
    from pe_dvc.documents.manifest import Manifest

    if document != "manifest":
        raise NotFoundError(f"no JSON Schema of {document!r}: expected manifest")
    found = Manifest.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
