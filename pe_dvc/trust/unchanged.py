"""A view of what this machine has verified, where the store shows that nothing has changed since.

Everything is verified again, from the trusted root down to the pointers, as python-tuf does it, but
without loading that (``trust.plain_metadata``). Where anything is not as usual, there is no such
view, and python-tuf is asked (``trust.tuf_reader``): after a change, of metadata that has expired,
of a state that was altered. So no refusal is decided here. ADR 0028. Sections are those of the TUF
specification, https://theupdateframework.github.io/specification/v1.0.33/.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from pe_dvc.documents.keys import channel_prefix
from pe_dvc.documents.metadata_fields import LOG_FIELD, WITNESSES_FIELD
from pe_dvc.primitives.errors import (
    FormatError,
    NotFoundError,
    NotPublishedError,
    StoreError,
    StorePermissionError,
    VerificationError,
)
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.store.plain_files import read_document
from pe_dvc.store.together import together
from pe_dvc.trust.client_state import HISTORY, LineageState
from pe_dvc.trust.plain_metadata import (
    PlainMetadata,
    Unusual,
    check_listed,
    check_signed,
    read_plain,
)
from pe_dvc.trust.role_entries import not_published
from pe_dvc.trust.roles import max_length, path_patterns
from pe_dvc.trust.seen import MOST

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pe_dvc.primitives.errors import PeDvcError
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.seen import SeenFile


class _Above(NamedTuple):
    """What stands above the channels, verified: their files, and what these say."""

    files: dict[str, bytes]
    listed: dict[str, Any]
    delegations: dict[str, Any]
    now: datetime.datetime


class Unchanged:
    """The channels of one country as they were verified last, in ``directory``, if that is current.

    ``root`` is the trusted one, ``seen`` what others saw published. Call it under the state's lock.
    """

    def __init__(
        self,
        store: ReadableStore,
        country: str,
        root: bytes,
        directory: Path,
        seen: Sequence[SeenFile],
    ) -> None:
        self._store, self._country, self._root = store, country, root
        self._directory = directory
        self._seen = sorted(seen, key=lambda file: -file.version)[:MOST]
        self._view: _Above | None = None
        self._is_over = False
        self.shown: dict[str, bytes | PeDvcError] = {}
        """What the store showed, by name: python-tuf need not ask for it again."""

    @property
    def files(self) -> tuple[bytes, bytes] | None:
        """Timestamp and snapshot of the view, None without one."""
        if self._view is None or self._is_over:
            return None
        return self._view.files["timestamp"], self._view.files["snapshot"]

    def load(self, role: str) -> PlainMetadata | None:
        """Return a role's verified metadata; None if there is no such view, or not of this role.

        A store that is unavailable raises its own error.
        """
        if self._is_over:
            return None
        try:
            state = self._state()
            view = self._view = self._view or self._begin(state)
            data, found = self._delegated(state, view, role)
        except (StoreError, NotPublishedError):
            raise
        except (Unusual, FormatError, OSError, KeyError, TypeError, ValueError, AttributeError):
            self._give_up()
            return None
        state.accept({**view.files, role: data})
        return found

    def _give_up(self) -> None:
        """Leave it to python-tuf, with what the store showed, unless more is known here by now."""
        self._is_over = True
        if self._view is not None and self._has_moved(self._view):
            self.shown = {}

    def _has_moved(self, view: _Above) -> bool:
        try:
            return self._state().read("timestamp") != view.files["timestamp"]
        except (OSError, ValueError):
            return True

    def _state(self) -> LineageState:
        """Return the one lineage there is, if the trusted root is of it (``trust.lineages``)."""
        (lineage,) = (path for path in self._directory.iterdir() if path.is_dir())
        return LineageState(lineage)

    def _begin(self, state: LineageState) -> _Above:
        now = datetime.datetime.now(datetime.UTC)
        root = self._newest_root(state)
        keys, roles = root.fields["keys"], root.fields["roles"]
        files = {role: state.read(role) for role in ("timestamp", "snapshot", "targets")}
        listed: dict[str, Any] = {}
        for role, data in files.items():
            found = self._read(role, data, now)
            check_signed(found, keys, roles[role])
            if role != "timestamp":
                _check_listed(role, data, found, listed)
            listed = found.fields.get("meta", listed)
        self._check_log(state, root, files)
        self._check_witnesses(root, files)
        self._check_floor(files)
        _check_fresh(root, now)
        self._check_current(root.version, files["timestamp"])
        return _Above(files, listed, found.fields["delegations"], now)

    def _newest_root(self, state: LineageState) -> PlainMetadata:
        """Return the end of the chain from the trusted root (5.3.4, 5.3.5)."""
        newest = read_plain(self._root, self._country, "root")
        _check_root(newest, newest)
        history = state.directory / HISTORY
        if read_document(history / f"{newest.version}.root.json") != self._root:
            raise Unusual
        while (file := history / f"{newest.version + 1}.root.json").exists():
            following = read_plain(read_document(file), self._country, "root")
            if following.version != newest.version + 1:
                raise Unusual
            _check_root(following, newest)
            _check_root(following, following)
            newest = following
        return newest

    def _check_log(self, state: LineageState, root: PlainMetadata, files: dict[str, bytes]) -> None:
        """Let python-tuf's reader hold it to the channel's log, unless it was (ADR 0039)."""
        try:
            data = state.read("log")
        except FileNotFoundError:
            if any(LOG_FIELD.encode() in one for one in (root.payload, *files.values())):
                raise Unusual from None
            return
        (kept,) = read_json(data, what="what was remembered of a log")["publications"]
        if kept["timestamp"].encode() != files["timestamp"] or kept["checked"] is not True:
            raise Unusual

    def _check_witnesses(self, root: PlainMetadata, files: dict[str, bytes]) -> None:
        """Ask again whether witnesses vouched lately, where the root demands it (ADR 0042)."""
        if WITNESSES_FIELD not in root.fields:
            return
        from pe_dvc.trust.log_memory import ShownLog
        from pe_dvc.trust.witnesses import check_demanded

        shown = ShownLog(files["timestamp"], files["snapshot"], self._store.url)
        try:
            check_demanded(root.fields, self._country, shown)
        except VerificationError:
            raise Unusual from None

    def _check_floor(self, files: dict[str, bytes]) -> None:
        """Let python-tuf look at what others saw, if that is not older than this (ADR 0025)."""
        version = self._read_version(files["timestamp"])
        for file in self._seen:
            if file.version < version:
                return
            seen = file.publication()
            if not seen.is_of(self._country, [self._store.url]):
                continue
            if (seen.timestamp, seen.snapshot) != (files["timestamp"], files["snapshot"]):
                raise Unusual
            return

    def _check_current(self, root_version: int, timestamp: bytes) -> None:
        """Ask the store: there is no newer root (5.3.3), and the timestamp is this one (5.4.1)."""
        following, shown = together(
            self._store,
            lambda: self._shown(f"{root_version + 1}.root.json", max_length("root")),
            lambda: self._shown("timestamp.json", max_length("timestamp")),
        )
        if not isinstance(following, NotFoundError | StorePermissionError):
            self.shown.pop("timestamp.json")  # by keys that the next root may take away
            raise Unusual
        if shown != timestamp:
            raise Unusual

    def _shown(self, name: str, limit: int) -> bytes | PeDvcError:
        found: bytes | PeDvcError
        try:
            found, _ = self._store.read(channel_prefix(self._country) + name, limit=limit)
        except (NotFoundError, StorePermissionError, FormatError) as error:
            found = error
        self.shown[name] = found
        return found

    def _delegated(
        self, state: LineageState, view: _Above, role: str
    ) -> tuple[bytes, PlainMetadata]:
        (delegated,) = (one for one in view.delegations["roles"] if one["name"] == role)
        paths = path_patterns(self._country, role)
        if "path_hash_prefixes" in delegated or paths[0] not in delegated["paths"]:
            raise Unusual
        if f"{role}.json" not in view.listed:
            raise not_published(role, self._country, self._store.url)
        data = state.read(role)
        found = self._read(role, data, view.now)
        _check_listed(role, data, found, view.listed)
        check_signed(found, view.delegations["keys"], delegated)
        return data, found

    def _read(self, role: str, data: bytes, now: datetime.datetime) -> PlainMetadata:
        found = read_plain(data, self._country, role)
        _check_fresh(found, now)
        return found

    def _read_version(self, timestamp: bytes) -> int:
        return read_plain(timestamp, self._country, "timestamp").version


def is_plain_root(root: bytes, country: str) -> bool:
    """Tell whether a root of the plainest form is signed by itself (5.3.5)."""
    try:
        found = read_plain(root, country, "root")
        _check_root(found, found)
    except (Unusual, KeyError, TypeError):
        return False
    return True


def _check_root(root: PlainMetadata, by: PlainMetadata) -> None:
    check_signed(root, by.fields["keys"], by.fields["roles"]["root"])


def _check_fresh(metadata: PlainMetadata, now: datetime.datetime) -> None:
    if now >= metadata.expires:
        raise Unusual


def _check_listed(role: str, data: bytes, found: PlainMetadata, listed: dict[str, Any]) -> None:
    """Hold a file to what the metadata above it lists (5.5.2, 5.5.4, 5.6.2, 5.6.4)."""
    entry = listed[f"{role}.json"]
    check_listed(data, entry)
    if entry["version"] != found.version:
        raise Unusual
