"""The log of a channel's history: what signed metadata says of it, and what its entries are.

The log has an entry for each version of a root and of a role that a snapshot ever named. Snapshots
carry the tree's size and root, and the entries that they add; timestamps a copy of size and root.
Format: ADR 0039.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from pe_dvc.documents.metadata_fields import LOG_FIELD
from pe_dvc.primitives.canonical import canonical_json
from pe_dvc.primitives.digest import check_sha256
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_OVERRIDES, LONGEST_OVERRIDE = 8, 200
"""How many reasons an entry gives, and characters of each: snapshots are to stay small."""

MOST_ENTRIES = 2**24
"""As many as a log may have. Who publishes or copies it counts its tiles, so a thief's claim of
more would keep them busy without end; a push a minute takes ten years to come so far."""

_MOST = 2**53
_ROLE = re.compile(r"[a-z]{1,32}")
_NOT_PLAIN = re.compile(r'["\\]')


@dataclass(frozen=True)
class Leaf:
    """An entry of the log: that this file was published as that version of a role.

    ``sha256`` and ``length`` are those of the file in the bucket; ``overrides`` are the reasons
    given in it for datasets whose gates failed (``reasons_given``).
    """

    role: str
    version: int
    sha256: str
    length: int
    overrides: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the entry as plain JSON values."""
        return {
            "role": self.role,
            "version": self.version,
            "sha256": self.sha256,
            "length": self.length,
            "overrides": list(self.overrides),
        }

    def to_bytes(self) -> bytes:
        """Return the entry as it is hashed: canonical JSON (RFC 8785)."""
        return canonical_json(self.to_json())

    @classmethod
    def from_json(cls, value: Any, *, where: str) -> Leaf:
        """Read an entry. Raises FormatError."""
        if not isinstance(value, dict) or value.keys() != _LEAF_KEYS:
            raise FormatError("it is not an entry of a channel's log", where=where)
        role, sha256, overrides = value["role"], value["sha256"], value["overrides"]
        if not isinstance(role, str) or not _ROLE.fullmatch(role) or not isinstance(sha256, str):
            raise FormatError("an entry of a channel's log names a role and a sha256", where=where)
        check_sha256(sha256, where=where)
        if not isinstance(overrides, list) or not all(isinstance(one, str) for one in overrides):
            raise FormatError("overrides of an entry of a log are a list of texts", where=where)
        # A longer one fits into no bundle: a thief who logs it would end the log for everyone.
        if len(overrides) > MOST_OVERRIDES or any(len(o) > LONGEST_OVERRIDE for o in overrides):
            raise FormatError(
                f"an entry of a log has {MOST_OVERRIDES} overrides at most, each of "
                f"{LONGEST_OVERRIDE} characters",
                where=where,
            )
        version = _number(value, "version", where, least=1)
        return cls(role, version, sha256, _number(value, "length", where), tuple(overrides))

    @classmethod
    def parse(cls, data: bytes, *, where: str) -> Leaf:
        """Read an entry from its bytes, which are the only ones that it has. Raises FormatError."""
        value = read_json(data, what="an entry of a log", where=where, fractions=False)
        leaf = cls.from_json(value, where=where)
        if leaf.to_bytes() != data:
            raise FormatError("an entry of a log is canonical JSON", where=where)
        return leaf


_LEAF_KEYS = {"role", "version", "sha256", "length", "overrides"}


@dataclass(frozen=True)
class LogState:
    """What signed metadata says of the log: the tree's size and root.

    The rest but ``number`` a snapshot says alone, and ``cosignatures`` a timestamp: whole lines of
    the checkpoint's note. ``entries`` are the last of the tree, those that this snapshot adds to
    that of version ``after``, which is 0 for the first of a log. ``roots`` is the newest version
    of the root among all entries, ``index`` the position in the tree of what the snapshot names,
    by role.
    """

    size: int
    root: bytes
    number: int = 1
    cosignatures: tuple[str, ...] = ()
    roots: int | None = None
    after: int | None = None
    entries: tuple[Leaf, ...] = ()
    index: Mapping[str, int] = field(default_factory=dict)

    @property
    def before(self) -> int:
        """The size of the tree without the entries that are added."""
        return self.size - len(self.entries)

    def is_same_tree(self, other: LogState) -> bool:
        """Tell whether both are of one log, of one size and with one root."""
        mine, theirs = (self.number, self.size, self.root), (other.number, other.size, other.root)
        return mine == theirs

    def copy_for_timestamp(self, cosignatures: Iterable[str] = ()) -> LogState:
        """Return what a timestamp says of the same tree."""
        return LogState(self.size, self.root, self.number, tuple(cosignatures))

    def to_field(self) -> dict[str, Any]:
        """Return the value of ``LOG_FIELD``. What is not said is left out."""
        value: dict[str, Any] = {"size": self.size, "root": self.root.hex()}
        if self.number != 1:
            value["number"] = self.number
        if self.cosignatures:
            value["cosignatures"] = list(self.cosignatures)
        if self.after is not None:
            value["after"] = self.after
            value["roots"] = self.roots
            value["index"] = dict(self.index)
            value["entries"] = [leaf.to_json() for leaf in self.entries]
        return value


def log_state(fields: Mapping[str, Any], *, where: str) -> LogState | None:
    """Return what the signed fields of a snapshot or timestamp say of the log; None for nothing.

    Fields of the value that are unknown here are a later pe_dvc's. Raises FormatError.
    """
    value = fields.get(LOG_FIELD)
    if value is None:
        return None
    root = value.get("root") if isinstance(value, dict) else None
    if not isinstance(root, str):
        raise FormatError(f"{LOG_FIELD} is not an object with size and root", where=where)
    check_sha256(root, where=where)
    lines = value.get("cosignatures", [])
    if not isinstance(lines, list) or not all(isinstance(one, str) for one in lines):
        raise FormatError("cosignatures of a log are a list of texts", where=where)
    number = _number({"number": 1} | value, "number", where, least=1)
    size = _number(value, "size", where, least=1)
    if size > MOST_ENTRIES:
        raise FormatError(f"a log of {size} entries: {MOST_ENTRIES} is the most", where=where)
    state = LogState(size, bytes.fromhex(root), number, tuple(lines))
    return state if value.get("after") is None else _of_snapshot(state, value, where)


def _of_snapshot(state: LogState, value: dict[str, Any], where: str) -> LogState:
    entries, index = value.get("entries"), value.get("index")
    if not isinstance(entries, list) or not isinstance(index, dict):
        raise FormatError("a snapshot's log has entries, and index by role", where=where)
    leaves = tuple(Leaf.from_json(entry, where=where) for entry in entries)
    positions = {role: _number(index, role, where) for role in index}
    after, roots = _number(value, "after", where), _number(value, "roots", where, least=1)
    is_first = after == 0
    if any(at >= state.size for at in positions.values()):
        raise FormatError(f"a tree of {state.size} entries has none that index names", where=where)
    if len(leaves) > state.size or (len(leaves) == state.size) != is_first:
        raise FormatError(f"{len(leaves)} entries do not follow from a log's", where=where)
    return replace(state, roots=roots, after=after, entries=leaves, index=positions)


class LogName(NamedTuple):
    """Which log is a country's, as its root says: every root, if another one names none.

    ``number`` counts the logs that were begun again. ``origin`` is the log's name in checkpoints;
    one that was begun again has another, as witnesses follow each for itself.
    """

    number: int
    origin: str


def log_name(root_fields: Mapping[str, Any], country: str, *, where: str) -> LogName:
    """Return which log the signed fields of a root name. Raises FormatError."""
    value = root_fields.get(LOG_FIELD, {})
    origin = value.get("origin", f"pe-dvc/{country}") if isinstance(value, dict) else None
    if not isinstance(origin, str) or not origin.isprintable() or not origin or " " in origin:
        raise FormatError(f"{LOG_FIELD} of a root is an object of number and origin", where=where)
    number = _number({"number": 1} | value, "number", where, least=1)
    return LogName(number, origin if number == 1 else f"{origin}/{number}")


def reasons_given(reasons: Iterable[str]) -> tuple[str, ...]:
    """Return the reasons of overridden gates as an entry gives them: each once, in order, cut.

    Characters that JSON escapes are replaced, so that snapshots stay plain metadata.
    """
    plain = sorted({_plain(reason) for reason in reasons})
    if len(plain) > MOST_OVERRIDES:
        kept = MOST_OVERRIDES - 1
        plain = [*plain[:kept], f"and {len(plain) - kept} more"]
    return tuple(plain)


def _plain(reason: str) -> str:
    text = _NOT_PLAIN.sub("'", reason)
    text = "".join(char if char.isprintable() else " " for char in text)
    return text if len(text) <= LONGEST_OVERRIDE else f"{text[: LONGEST_OVERRIDE - 1]}…"


def _number(value: Mapping[str, Any], name: str, where: str, *, least: int = 0) -> int:
    found = value.get(name)
    if type(found) is not int or not least <= found < _MOST:
        raise FormatError(f"{name} of a log is not a whole number from {least}", where=where)
    return found
