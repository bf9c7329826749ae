"""A channel's log as anyone may check it: whole, and with all that is shown in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.documents.channel_log import Leaf, LogState, log_state
from pe_dvc.documents.keys import metadata_key
from pe_dvc.documents.metadata_fields import LOG_FIELD
from pe_dvc.trust.channel_log import StoredLog
from pe_dvc.trust.log_chain import root_of
from pe_dvc.trust.tuf_api import Metadata, MetaFile

if TYPE_CHECKING:
    from pe_dvc.store.port import ReadableStore
    from tests.support.simulator import Simulator

LIMIT = 10**7


def held(store: ReadableStore, country: str, role: str, version: int | None = None) -> Any:
    """Return the signed part of metadata, unverified."""
    data, _ = store.read(metadata_key(country, role, version), limit=LIMIT)
    return Metadata[Any].from_bytes(data).signed


def shown_log(store: ReadableStore, country: str = "us") -> LogState | None:
    """Return what the timestamp says of the log."""
    fields = held(store, country, "timestamp").unrecognized_fields
    return log_state(fields, where="timestamp")


def checked_log(
    store: ReadableStore, country: str = "us", *, earlier: LogState | None = None
) -> list[Leaf]:
    """Return the entries of the log that readers are shown, after all of it was checked.

    ``earlier`` is what someone saw before: the log must have grown from it.
    """
    stamp = held(store, country, "timestamp")
    shown = log_state(stamp.unrecognized_fields, where="timestamp")
    assert shown is not None
    snapshot = held(store, country, "snapshot", stamp.snapshot_meta.version)
    state = log_state(snapshot.unrecognized_fields, where="snapshot")
    assert state is not None
    assert shown.is_same_tree(state)
    log = StoredLog(store, country, shown.number)
    log.check(shown)
    data = log.entries(0, shown.size, shown.size)
    assert root_of(data) == shown.root, "the bundles are of the tree"
    if earlier is not None:
        log.check_grown(earlier, shown)
    for name, meta_file in snapshot.meta.items():
        role = name.removesuffix(".json")
        leaf = Leaf.parse(data[state.index[role]], where="entry")
        said = (leaf.role, leaf.version, leaf.sha256, leaf.length)
        assert said == (role, meta_file.version, meta_file.hashes["sha256"], meta_file.length)
    return [Leaf.parse(one, where="entry") for one in data]


def entries(store: ReadableStore, country: str = "us") -> list[tuple[str, int]]:
    """Return role and version of each entry of the log, checked."""
    return [(leaf.role, leaf.version) for leaf in checked_log(store, country)]


def without_log(sim: Simulator, name: str, role: str) -> None:
    """Leave metadata as an older pe_dvc writes it: it says nothing of the log.

    The timestamp follows the snapshot that it names.
    """
    metadata = sim.held(name)
    metadata.signed.unrecognized_fields.pop(LOG_FIELD, None)
    if role == "timestamp":
        version = metadata.signed.snapshot_meta.version
        data = sim.store.objects[sim.key(f"{version}.snapshot.json")]
        metadata.signed.snapshot_meta = MetaFile.from_data(version, data, ["sha256"])
    sim.plant(name, metadata, role)
