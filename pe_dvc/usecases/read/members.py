"""Datasets that are directories: their files, verified by the dataset's identity."""

from __future__ import annotations

import stat
from dataclasses import replace
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import LISTING_LIMIT, members_key, payload_key
from pe_dvc.documents.members import Members, read_members
from pe_dvc.documents.payload import Payload
from pe_dvc.primitives.batches import in_batches
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import ConflictError, FormatError
from pe_dvc.primitives.pools import Pool
from pe_dvc.primitives.sizes import counted
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.left_overs import is_temporary
from pe_dvc.store.several import first_good
from pe_dvc.usecases.checkout.download import ObjectRequest, download_verified, read_verified
from pe_dvc.usecases.parallel import TRANSFERS, transfer_all
from pe_dvc.usecases.payload_place import PayloadPlace
from pe_dvc.usecases.progress import Moved, Reporter, Silent

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.members import MemberFile
    from pe_dvc.store.cache import Cache
    from pe_dvc.store.port import Progress, ReadableStore
    from pe_dvc.usecases.read.resolve import Resolved

AT_ONCE = 1000
"""Files that are under way or waiting: a hundred thousand take no more memory than so many."""


def members_of(resolved: Resolved, *, store: ReadableStore, cache: Cache) -> Members:
    """Return the files of a dataset that is a directory.

    Raises FormatError for a dataset that is one file, and for files that no directory can have,
    DigestMismatchError for a list that is not that of the dataset, NotFoundError and StoreError.
    """
    whole = resolved.directory or resolved.payload
    if whole.members_sha256 is None:
        raise FormatError(
            f"{resolved.reference}: the dataset is one file, and no directory of files",
            remedy=f"Read {replace(resolved.pinned, member=None)}.",
        )
    key = members_key(whole.country, whole.sha256)
    signed = resolved.manifest_verified

    def members(data: bytes, where: str) -> Members:
        return read_members(
            data,
            sha256=whole.members_sha256 if signed else None,
            identity=whole.sha256,
            size=whole.size if signed else None,
            where=f"{where}/{key}",
        )

    def published(one: ReadableStore) -> tuple[Members, bytes]:
        data, _ = one.read(key, limit=LISTING_LIMIT)
        return members(data, one.url), data

    kept = cache.read_sidecar(whole.members_sha256)
    if kept is not None:
        return members(kept, store.url)
    found, data = first_good(store, published)
    cache.keep_sidecar(found.sha256, data)
    return found


def is_directory(resolved: Resolved, members: Members) -> FormatError:
    """Return the error for a directory where a file is wanted."""
    reference, first = resolved.reference, next(iter(members)).path
    return FormatError(
        f"{reference} is a directory of {counted(members.count, 'file')}",
        remedy=f"Name one of them, such as {reference}/{first}, or get the whole into a directory: "
        f"pe-dvc get {reference} -o {resolved.file_name}",
    )


def resolve_member(resolved: Resolved, members: Members) -> Resolved:
    """Return the file that the reference of a dataset names. Raises NotFoundError."""
    whole, path = resolved.payload, str(resolved.reference.member)
    member = members.member(path, where=str(replace(resolved.reference, member=None)))
    chunks = member.chunks
    payload = Payload(
        country=whole.country,
        name=whole.name,
        path=f"{whole.path}/{member.path}",
        sha256=member.sha256,
        size=member.size,
        md5=member.md5,
        chunk_size=1 if chunks is None else chunks.size,
        chunks_sha256=None if chunks is None else sha256_bytes(chunks.digests),
        chunk_digests=None if chunks is None else chunks.digests,
    )
    return replace(resolved, payload=payload, directory=whole)


def fetch_directory(
    resolved: Resolved,
    members: Members,
    output: Path | None,
    store: ReadableStore,
    reporter: Reporter | None = None,
) -> Path:
    """Make ``output`` a directory with exactly the files of a dataset, each verified.

    Files that are there already, unaltered, are not downloaded. Nothing outside ``output`` is
    written, and no link in it followed. Raises FormatError without ``output``, ConflictError for a
    file that is not the dataset's, DigestMismatchError, NotFoundError and StoreError; what
    verified until then stays.
    """
    if output is None:
        raise is_directory(resolved, members)
    output.mkdir(parents=True, exist_ok=True)
    _refuse_foreign(output, members)
    tree = ConfinedTree(output.absolute())
    name = resolved.payload.name
    with (
        (reporter or Silent()).task(name, resolved.payload.size) as progress,
        Pool(TRANSFERS) as pool,
    ):
        for batch in in_batches(members, AT_ONCE):
            transfer_all(pool, lambda m: _fetch(m, resolved, tree, store, progress), batch)
    return output


def _refuse_foreign(output: Path, members: Members) -> None:
    if not any(output.iterdir()):
        return
    expected = {member.path for member in members}
    for path in output.rglob("*"):
        inside = path.relative_to(output).as_posix()
        is_folder = path.is_dir() and not path.is_symlink()
        if not is_folder and inside not in expected and not is_temporary(path.name):
            raise ConflictError(
                f"{path} is not a file of this dataset",
                remedy="Name an empty directory, or one that has this dataset already.",
            )


def _fetch(
    member: MemberFile,
    resolved: Resolved,
    tree: ConfinedTree,
    store: ReadableStore,
    progress: Progress,
) -> None:
    if _is_there(tree, member):
        progress(member.size)
        return
    moved = Moved(progress)

    def fetch_from(one: ReadableStore) -> None:
        request = ObjectRequest(
            what=f"{resolved.reference}/{member.path}",
            place=PayloadPlace(source=one, key=payload_key(resolved.payload.country, member.md5)),
            md5=member.md5,
            sha256=member.sha256,
            size=member.size,
        )
        told = moved.again()
        if request.is_small:
            tree.write(member.path, read_verified(request))
            told(member.size)
            return
        with tree.filling(member.path) as file:
            download_verified(request, file, progress=told)

    first_good(store, fetch_from)


def _is_there(tree: ConfinedTree, member: MemberFile) -> bool:
    try:
        found = tree.status(member.path)
        is_like = stat.S_ISREG(found.st_mode) and found.st_size == member.size
        return is_like and tree.sha256(member.path) == member.sha256
    except (FileNotFoundError, NotADirectoryError):
        return False
