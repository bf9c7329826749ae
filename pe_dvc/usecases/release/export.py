"""Export: a release as a directory that stands alone, and that tro-utils verifies.

The files that the TRO speaks of lie below ``payload``; the TRO, which cannot hold its own hash,
the signed statements and the signed metadata lie beside it. What is there already, with the right
bytes, is not downloaded again.
"""

from __future__ import annotations

import posixpath
from contextlib import suppress
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import LOG_PROOF, RELEASE_MANIFEST, STATEMENTS, TRO
from pe_dvc.primitives.errors import ConflictError
from pe_dvc.primitives.pools import Pool
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.left_overs import is_temporary
from pe_dvc.store.plain_files import refuse_special, sha256_of
from pe_dvc.store.several import first_good
from pe_dvc.trust.files import root_history
from pe_dvc.usecases.payload_place import find_place
from pe_dvc.usecases.progress import Moved, Reporter, Silent
from pe_dvc.usecases.release.payload_digest import check_digest

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.artifact import Artifact
    from pe_dvc.store.port import ObjectSource, Progress, Store
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.usecases.payload_place import OpenLocation, PayloadPlace
    from pe_dvc.usecases.release.derive import Release
    from pe_dvc.usecases.release.make_log_proof import MadeProof

PAYLOAD = "payload"
CHANNELS = "channels"
"""The folder of the signed metadata, laid out as in git."""
PAYLOADS_AT_ONCE = 4


def export_release(
    store: Store,
    release: Release,
    directory: Path,
    *,
    statements: bytes | None = None,
    signed: SignedMetadata | None = None,
    logged: MadeProof | None = None,
    open_location: OpenLocation,
    reporter: Reporter | None = None,
) -> int:
    """Write a release into ``directory``, and return how many payloads were downloaded.

    ``statements`` is the file of its signed statements, if it has one; ``signed`` the metadata
    that lists it, without which it cannot be verified offline (``usecases.release.exported``);
    ``logged`` the proof that this is in the channel's log.

    Raises FormatError for a link, a pipe or a device in the place of what is written,
    ConflictError for a file there that is not of the release, DigestMismatchError for a payload
    that is not what was signed (nothing of it is left), NotFoundError and StoreError.
    """
    tree = ConfinedTree(directory)
    tree.check_entries(PAYLOAD, deep=True)  # else a link in there would lead the downloads out
    files = {
        f"{PAYLOAD}/{release.manifest.artifacts[name].path}": manifest.artifact
        for name, (manifest, _) in release.manifests.items()
    }
    for folder in {posixpath.dirname(path) for path in files}:
        tree.sweep(folder)
    for document in (TRO, STATEMENTS, LOG_PROOF):
        refuse_special(directory / document)
    _refuse_foreign(directory, {f"{PAYLOAD}/{RELEASE_MANIFEST}", *files})
    wanted = {path: a for path, a in files.items() if not _is_there(directory / path, a)}
    total = sum(artifact.size for artifact in wanted.values())

    note = (reporter or Silent()).note

    def download(path: str) -> None:
        artifact = wanted[path]
        place = find_place(artifact.key, artifact.location, store, open_location, note)
        _download(place, path, artifact, tree, progress)

    with (
        (reporter or Silent()).task(f"export {len(wanted)} artifacts", total) as progress,
        Pool(PAYLOADS_AT_ONCE) as pool,
    ):
        list(pool.map(download, wanted))
    tree.write(f"{PAYLOAD}/{RELEASE_MANIFEST}", release.data, durable=True)
    tree.write(TRO, release.tro, durable=True)
    if statements is not None:
        tree.write(STATEMENTS, statements, durable=True)
    if signed is not None:
        _write_proof(tree, f"{CHANNELS}/{signed.country}/snapshot.json", logged)
        for path, data in _metadata_files(signed).items():
            tree.write(f"{CHANNELS}/{signed.country}/{path}", data, durable=True)
    return len(wanted)


def _write_proof(tree: ConfinedTree, snapshot: str, logged: MadeProof | None) -> None:
    """Write the proof and its snapshot, or remove those that an earlier export left."""
    if logged is not None:
        tree.write(LOG_PROOF, logged.proof, durable=True)
        tree.write(snapshot, logged.snapshot, durable=True)
        return
    for path in (snapshot, LOG_PROOF):
        with suppress(FileNotFoundError):
            tree.unlink(path)


def _metadata_files(signed: SignedMetadata) -> dict[str, bytes]:
    """Return what leads from any root of the country to its releases, by path."""
    files = {f"{role}.json": signed.data(role) for role in ("root", "targets", "releases")}
    history = {root_history(n): data for n, data in enumerate(signed.root_files, 1)}
    return {**history, **files}


def _refuse_foreign(directory: Path, expected: set[str]) -> None:
    there = (path for path in (directory / PAYLOAD).rglob("*") if not path.is_dir())
    for path in sorted(there):
        inside = path.relative_to(directory).as_posix()
        if inside not in expected and not is_temporary(path.name):
            raise ConflictError(
                f"{path} is not a file of this release",
                remedy="Export into an empty directory: a TRO covers every file beside it.",
            )
        refuse_special(path)


def _is_there(path: Path, artifact: Artifact) -> bool:
    if not path.is_file() or path.stat().st_size != artifact.size:
        return False
    return sha256_of(path) == artifact.sha256


def _download(
    place: PayloadPlace, path: str, artifact: Artifact, tree: ConfinedTree, progress: Progress
) -> None:
    moved = Moved(progress)

    def download_from(source: ObjectSource) -> None:
        size = artifact.size
        actual = source.download(place.key, file, size=size, progress=moved.again())
        check_digest(place.at(source), artifact, actual)

    with tree.filling(path) as file:
        first_good(place.source, download_from)
