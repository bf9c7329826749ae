"""Copies the log of a country's channels to a mirror, before the timestamp that tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import checkpoint_key, log_prefix
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.primitives.pools import Pool
from pe_dvc.tlog.merkle import HASH_BYTES
from pe_dvc.tlog.note import LONGEST
from pe_dvc.tlog.tiles import WIDTH, Tile, tiles_of
from pe_dvc.trust.channel_log import StoredLog, signed_state
from pe_dvc.trust.log_chain import all_entries, tiles_from
from pe_dvc.usecases.parallel import TRANSFERS, run_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.documents.channel_log import LogState
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.mirror.state import SignedState


def copy_log(state: SignedState, mirror: Store) -> list[str]:
    """Write the tiles of a state's log that the mirror has not; return their keys.

    Whole tiles that are there are known by their length, and those at the right edge, of which
    the next one is made, are read. The origin is asked only if something is missing. Raises
    VerificationError for a log that the origin has lost, StoreError.
    """
    channels = state.channels
    log = signed_state(channels, "snapshot", state.snapshot)
    if log is None:
        return []
    listed = mirror.list(log_prefix(channels.country, log.number))
    there = {info.key: info.size for info in listed}
    if _is_whole(StoredLog(mirror, channels.country, log.number), log, there):
        return []
    stored = StoredLog(channels.store, channels.country, log.number)
    tiles = tiles_from(all_entries(channels, stored, log))

    def put(one: tuple[Tile, bytes]) -> str | None:
        tile, data = one
        key = stored.key(tile)
        is_there = there.get(key) == len(data)
        if is_there and (tile.width == WIDTH or _read(mirror, key, len(data)) == data):
            return None
        mirror.overwrite(key, data)
        return key

    with Pool(TRANSFERS) as pool:
        written = run_all(pool, put, list(tiles.items()))
    return [key for key in written if key is not None]


def copy_checkpoint(state: SignedState, mirror: Store) -> list[str]:
    """Copy the checkpoint of a state's log, which nothing verifies; return its key if written."""
    channels = state.channels
    log = signed_state(channels, "snapshot", state.snapshot)
    if log is None:
        return []
    key = checkpoint_key(channels.country, log.number)
    try:
        data, _ = channels.store.read(key, limit=LONGEST)
    except (NotFoundError, FormatError):
        return []
    if _read(mirror, key, len(data)) == data:
        return []
    mirror.overwrite(key, data)
    return [key]


def _is_whole(copy: StoredLog, log: LogState, there: Mapping[str, int]) -> bool:
    """Tell whether a mirror has all tiles, and at the right edge those that are signed for."""
    for tile in tiles_of(log.size):
        size = there.get(copy.key(tile))
        if size is None or (tile.level is not None and size != tile.width * HASH_BYTES):
            return False
    start = (log.size - 1) // WIDTH * WIDTH
    try:
        copy.check(log)
        copy.last_bundle(start, log.size)
    except (NotFoundError, FormatError, VerificationError):
        return False
    return True


def _read(mirror: Store, key: str, limit: int) -> bytes | None:
    try:
        return mirror.read(key, limit=limit)[0]
    except (NotFoundError, FormatError):
        return None
