"""What was published at least, kept beside a pinned root and taken along to other machines."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, NotFoundError, PeDvcError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.project import directories
from pe_dvc.project.notes import note_once
from pe_dvc.project.seen import pinned_seen_file, seen_in
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.plain_files import read_document
from pe_dvc.store.several import stores_of
from pe_dvc.trust.bucket_identity import place_name
from pe_dvc.trust.log_memory import ShownLog
from pe_dvc.trust.pins import pin_seen
from pe_dvc.trust.seen import FOLDER, SeenPublication, newest_signed
from pe_dvc.trust.tuf_api import Root
from pe_dvc.trust.verify import parse

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.project.reader import Reader
    from pe_dvc.store.port import ReadableStore


def given(country: str, file: Path) -> SeenPublication:
    """Read a file that a person names, of ``seen/`` or a release manifest.

    Raises NotFoundError, FormatError.
    """
    if not file.exists():
        raise NotFoundError(
            f"{file} does not exist",
            remedy=f"Take a file of channels/{country}/{FOLDER}/ of the country's data repo, or "
            "the release_manifest.json of a release.",
        )
    data, where = read_document(file), str(file)
    document = read_json(data, what="a seen publication or a release manifest", where=where)
    is_release = isinstance(document, dict) and "artifacts" in document
    read = SeenPublication.of_release if is_release else SeenPublication.from_bytes
    seen = read(data, where=where)
    if seen.country != country:
        raise FormatError(
            f"this was published of {seen.country}, not of {country}", where=str(file)
        )
    return seen


def beside(country: str, root: Path, data: bytes) -> SeenPublication | None:
    """Return the newest publication of ``seen/`` beside a root.json that this root vouches for."""
    signed = parse(Root, data, where=str(root)).signed
    return newest_signed(seen_in(root.parent, FOLDER), signed, country)


def keep(country: str, seen: SeenPublication | None) -> int | None:
    """Keep a publication beside the pinned root, unless a later one is kept; return its version."""
    newest = max(filter(None, (_kept(country), seen)), key=lambda one: one.recency, default=None)
    if newest is None:
        return None
    if newest is seen:
        pin_seen(directories.config_dir(), country, seen.to_bytes())
    return newest.versions.timestamp


def begin_state(country: str, store: ReadableStore) -> None:
    """Verify a store's channels once, so that nothing older is read later. A fault is noted."""
    from pe_dvc.project.reader import Reader

    try:
        Reader(country, store=store).channels.channel_version("latest")
    except PeDvcError as error:
        note_once(f"the channels of {country} do not verify yet: {error.message}")


def last_seen(reader: Reader) -> SeenPublication | None:
    """Return what this machine saw last: by reading, offline, or beside the pinned root."""
    country = reader.country
    read = None
    with suppress(PeDvcError):
        timestamp, snapshot = reader.channels.last_seen()
        read = SeenPublication(
            country=country,
            stores=tuple(place_name(one.url) for one in stores_of(reader.store)),
            timestamp=timestamp,
            snapshot=snapshot,
        )
    return max(filter(None, (read, _kept(country))), key=lambda one: one.recency, default=None)


def log_of(seen: SeenPublication) -> dict[str, int | str] | None:
    """Return what a publication says of the channels' log; None for nothing. Raises FormatError."""
    state = ShownLog(seen.timestamp, seen.snapshot, "what was seen last").state
    if state is None:
        return None
    return {"number": state.number, "size": state.size, "root": state.root.hex()}


def export(directory: Path, root: bytes, seen: SeenPublication | None) -> None:
    """Write ``root.json`` and ``seen/``, as ``pe-dvc trust add`` takes them."""
    tree = ConfinedTree(directory)
    tree.write("root.json", root, durable=True)
    if seen is not None:
        tree.write(f"{FOLDER}/{seen.file_name}", seen.to_bytes(), durable=True)


def _kept(country: str) -> SeenPublication | None:
    return next((file.publication() for file in pinned_seen_file(country)), None)
