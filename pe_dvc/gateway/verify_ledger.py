"""Whether a ledger is what was signed: nothing edited, removed, moved or put in.

Everything is read from the first entry on, in one pass and flat memory: each entry is hashed, and
where a checkpoint was signed the tree must have its root. The key comes from outside of the
database, as who rewrites it can sign with another one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from pe_dvc.gateway.edited_rows import edited_names, other_types
from pe_dvc.gateway.kept_statements import edited_statements
from pe_dvc.gateway.leaf import decode_leaf
from pe_dvc.gateway.ledger_tables import CHECKPOINTS, ENTRIES, STATE
from pe_dvc.primitives.errors import FormatError, NotFoundError, SignatureError, VerificationError
from pe_dvc.primitives.printable import brief
from pe_dvc.primitives.result import Result
from pe_dvc.tlog.checkpoint import Checkpoint, parse_checkpoint
from pe_dvc.tlog.frontier import Frontier
from pe_dvc.tlog.merkle import leaf_hash
from pe_dvc.tlog.note import Note, VerifierKey, check_key_name, parse_note

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from pe_dvc.gateway.database import Database

MOST_FAULTS = 100
"""Faults that are told; after these, reading stops."""


@dataclass(frozen=True)
class LedgerFault:
    """What is not as it was signed. ``first`` and ``last`` are the entries it may be in.

    None where it is not in entries.
    """

    message: str
    first: int | None = None
    last: int | None = None


@dataclass
class LedgerVerdict(Result):
    """What was found: how many entries and checkpoints were compared, and what is wrong.

    ``key`` is the public key as text, ``checkpoint`` the newest that verified, to be kept.
    """

    origin: str
    key: str
    entries: int = 0
    checkpoints: int = 0
    checkpoint: str | None = None
    faults: list[LedgerFault] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def blame(self, message: str, first: int | None = None, last: int | None = None) -> None:
        """Note a fault; of one entry, if there is no ``last``."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(LedgerFault(message, first, first if last is None else last))


@dataclass(frozen=True)
class _Signed:
    note: str
    checkpoint: Checkpoint
    where: str


def verify_ledger(
    database: Database, public: bytes, *, kept: Sequence[tuple[str, bytes]] = (), origin: str = ""
) -> LedgerVerdict:
    """Compare a ledger with its checkpoints, and with those that were ``kept`` elsewhere.

    ``public`` is the gateway's key, ``origin`` the log's name where that is known, ``kept`` are
    pairs of a name to tell and a signed note. Raises FormatError and SignatureError for a kept
    checkpoint that is none of this key, LedgerUnavailableError.
    """
    with database.reading() as connection:
        odd = other_types(connection, MOST_FAULTS)
        state = connection.execute(select(STATE)).first()
        if state is None:
            raise VerificationError(f"{database.where} has no ledger, or its state was removed")
        name = origin or _signed_name(state.note) or state.origin
        key = VerifierKey(name, public)
        verdict = LedgerVerdict(name, str(key))
        if name != state.origin:
            verdict.blame(f"it is called the log {brief(state.origin)}, and {name} was signed")
        for message in odd:
            verdict.blame(message)
        if odd:  # the rest cannot be told before these are what they were
            return verdict
        outside = [_opened(parse_note(data, where=name), key, name) for name, data in kept]
        signed = outside + _own(connection, state.note, key, verdict)
        tree = _walk(connection, signed, verdict).tree
        if verdict.sound and (state.size, state.frontier) != (tree.size, tree.to_bytes()):
            verdict.blame("the right edge of the tree is not that of its entries")
        for message in (*edited_names(connection), *edited_statements(connection)):
            verdict.blame(message)
    return verdict


def _signed_name(note: str) -> str:
    """Return the log's name in a checkpoint; not the column's, which signatures do not cover."""
    try:
        text = parse_note(note.encode(), where="the newest checkpoint").text
        name = parse_checkpoint(text, where="the newest checkpoint").origin
        check_key_name(name)
    except FormatError:
        return ""  # that it is none is told where it is compared
    return name


def _opened(note: Note, key: VerifierKey, where: str) -> _Signed:
    try:
        note.verify(key)
    except SignatureError as error:
        raise SignatureError(f"{where}: {error.message}") from error
    return _Signed(str(note), parse_checkpoint(note.text, where=where), where)


def _own(
    connection: Connection, newest: str, key: VerifierKey, verdict: LedgerVerdict
) -> list[_Signed]:
    """Return the ledger's own checkpoints, without those that the key did not sign."""
    found = []
    kept = connection.execute(select(CHECKPOINTS).order_by(CHECKPOINTS.c.size))
    notes = [(f"the checkpoint of {row.size} entries", row.note) for row in kept]
    for where, note in [*notes, ("the newest checkpoint", newest)]:
        try:
            found.append(_opened(parse_note(note.encode(), where=where), key, where))
        except (SignatureError, FormatError) as error:
            verdict.blame(f"{error.message}: this key did not sign it")
    return found


def newest_note(database: Database) -> str:
    """Return the newest signed checkpoint, which is not verified. Raises NotFoundError."""
    with database.reading() as connection:
        note: str | None = connection.scalar(select(STATE.c.note))
    if note is None:
        raise NotFoundError(f"{database.where} has no ledger, or its state was removed")
    return note


class _Walk:
    """One pass over all entries: the tree of their hashes, and what is wrong on the way."""

    def __init__(self, signed: Iterable[_Signed], verdict: LedgerVerdict) -> None:
        self._waiting = sorted(signed, key=lambda one: one.checkpoint.size, reverse=True)
        self._verdict = verdict
        self._proved, self._faults_then, self._is_broken = 0, 0, False
        self._shift, self._shifted = 0, 0
        self.tree, self.next = Frontier(), 0

    def take(self, index: int, leaf: bytes, hashed: bytes) -> None:
        """Take one row of the entries, in their order."""
        if index != self.next:
            self._verdict.blame(f"{_these(self.next, index - 1)} missing", self.next, index - 1)
            self._is_broken = True  # no root can be told without them
        self.next = index + 1
        if leaf_hash(leaf) != hashed:
            self._verdict.blame(f"entry {index} was edited: its hash is another", index)
        else:
            self._compare_index(index, leaf)
        # The hash, and not the leaf: so an edited leaf leaves the rest of the tree to be proved.
        self.tree.add(hashed)

    def _compare_index(self, index: int, leaf: bytes) -> None:
        """Note an entry that is not where it was; of many that moved together, the first."""
        try:
            shift = index - decode_leaf(leaf, where=f"entry {index}").index
        except FormatError as error:
            self._verdict.blame(error.message, index)
            return
        if shift and (shift != self._shift or index != self._shifted + 1):
            self._verdict.blame(f"entry {index} says that it is entry {index - shift}", index)
        self._shift, self._shifted = shift, index

    def compare_roots(self) -> None:
        """Compare the tree so far with all checkpoints of its size."""
        size = self.tree.size
        if not self._waiting or self._waiting[-1].checkpoint.size != size or self._is_broken:
            return
        root = self.tree.root()
        while self._waiting and self._waiting[-1].checkpoint.size == size:
            one = self._waiting.pop()
            self._verdict.checkpoints += 1
            if one.checkpoint.root == root:
                self._proved, self._verdict.checkpoint = size, one.note
                self._faults_then = len(self._verdict.faults)
                continue
            self._is_broken = True
            if self._proved == size:
                self._verdict.blame(
                    f"{one.where} is of other entries than another checkpoint of {size} entries, "
                    "which the same key signed: the ledger was written twice, and both notes "
                    "prove it"
                )
            elif len(self._verdict.faults) == self._faults_then:
                self._verdict.blame(
                    f"{one.where} was signed of other entries: one of {self._proved} to "
                    f"{size - 1} was edited, moved, put in or removed together with its hash",
                    self._proved,
                    size - 1,
                )

    def end(self) -> None:
        """Note the checkpoints of more entries than there are, and entries that none covers."""
        self._verdict.entries = self.tree.size
        longest = self._waiting[0] if self._waiting else None
        if longest and longest.checkpoint.size > self.next:
            last = longest.checkpoint.size - 1
            self._verdict.blame(
                f"{_these(self.next, last)} missing: {longest.where} was signed of "
                f"{last + 1} entries",
                self.next,
                last,
            )
        elif not self._is_broken and self._proved < self.tree.size:
            self._verdict.blame(
                f"{_these(self._proved, self.tree.size - 1)} in no signed checkpoint: no gateway "
                "put them in",
                self._proved,
                self.tree.size - 1,
            )


def _walk(connection: Connection, signed: list[_Signed], verdict: LedgerVerdict) -> _Walk:
    walk = _Walk(signed, verdict)
    walk.compare_roots()
    for row in connection.execute(select(ENTRIES).order_by(ENTRIES.c.idx)):
        walk.take(row.idx, bytes(row.leaf), bytes(row.hash))
        walk.compare_roots()
        if len(verdict.faults) >= MOST_FAULTS:
            return walk
    walk.end()
    return walk


def _these(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"
