"""JSON documents: what is at the top, told from its brackets, without making any of its values.

A document of any size is read in blocks. Its brackets must close; that the rest is JSON is for
who uses it, as what other programs write as JSON is not always all of the standard's (NaN).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pe_dvc.adapters.tables.opaque import read_columns
from pe_dvc.documents.manifest import Member
from pe_dvc.documents.table_schema import FileShape
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.printable import brief

if TYPE_CHECKING:
    from pe_dvc.adapters.tables.data_file import DataFile

__all__ = ["describe", "read_columns"]

_BLOCK = 1024 * 1024
_MAX_DEPTH = 1000
_MAX_KEYS = 200
"""Keys of the top that are named; of the others it is said how many there are."""
_TOKENS = re.compile(
    rb'"(?:[^"\\]++|\\.)*+"'  # a text
    rb'|("(?:[^"\\]++|\\.)*+\\?\Z)'  # one that has not ended
    rb'|[{}\[\]:,]|[^\s"{}\[\]:,]++',
    re.DOTALL,
)
_SINGLE = (b"{", b"}", b"[", b"]", b":", b",")
_CLOSES = {b"}": b"{", b"]": b"["}


@dataclass
class _Top:
    """What has been seen of a document: how deep it is now, and the keys or items of its top."""

    open: list[bytes] = field(default_factory=list)
    kind: str | None = None
    key: str | None = None
    members: list[Member] = field(default_factory=list)
    items: int = 0
    kinds: set[str] = field(default_factory=set)
    last: bytes = b""
    ended: bool = False


def describe(file: DataFile) -> FileShape:
    """Return the keys of an object, each with what it is, or how many items a list has.

    Raises FormatError for a document that is cut short, NotFoundError for no file.
    """
    top, rest = _Top(), b""
    with file.open() as opened:
        while block := opened.read(_BLOCK):
            rest = _take(rest + block, top, file, final=False)
            if len(rest) > 16 * _BLOCK:
                raise file.cut_short("JSON document", "a text in it does not end")
    _take(rest, top, file, final=True)
    if top.kind is None:
        return FileShape(format="json")
    if top.open or not top.ended:
        raise file.cut_short("JSON document", "it ends before all of its brackets are closed")
    return FileShape(format="json", members=tuple(_described(top)))


def _described(top: _Top) -> list[Member]:
    if top.kind == "object":
        more = top.items - len(top.members)
        rest = [Member(name="…", reason=f"{more:,} more keys")] if more else []
        return [*top.members, *rest]
    shape = (top.items,) if top.kind == "list" else ()
    kinds = " or ".join(sorted(top.kinds)) or "nothing"
    return [Member(name="items" if top.kind == "list" else "value", type=kinds, shape=shape)]


def _take(data: bytes, top: _Top, file: DataFile, *, final: bool) -> bytes:
    """Look at the tokens of some bytes; return what may go on in the next ones."""
    for match in _TOKENS.finditer(data):
        is_bare = match.end() == len(data) and match[0] not in _SINGLE
        if not final and (match[1] is not None or is_bare):
            return data[match.start() :]
        if match[1] is not None:
            raise file.cut_short("JSON document", "a text in it does not end")
        _see(match[0], top, file)
    return b""


def _see(token: bytes, top: _Top, file: DataFile) -> None:
    if top.ended:
        raise file.cut_short("JSON document", "more follows after its end")
    depth = len(top.open)
    starts = token not in (b"}", b"]", b":", b",")
    if depth == 0 and top.kind is None and token != b"\xef\xbb\xbf":
        kind = _kind(token)
        top.kind = kind if kind in ("object", "list") else "value"
        if top.kind == "value":
            top.kinds.add(kind)
    elif depth == 1 and starts:
        _see_item(token, top)
    if token in (b"{", b"["):
        top.open.append(token)
        if len(top.open) > _MAX_DEPTH:
            raise file.cut_short("JSON document", f"it is nested more than {_MAX_DEPTH} deep")
    elif token in _CLOSES and (not top.open or top.open.pop() != _CLOSES[token]):
        raise file.cut_short("JSON document", "a bracket closes another one")
    top.ended = top.kind is not None and not top.open
    top.last = token


def _see_item(token: bytes, top: _Top) -> None:
    if top.kind == "list":
        top.items += 1
        top.kinds.add(_kind(token))
    elif top.last != b":":
        top.key = _name(token)
    else:
        top.items += 1
        if len(top.members) < _MAX_KEYS:
            top.members.append(Member(name=brief(top.key or ""), type=_kind(token)))


def _name(token: bytes) -> str:
    try:
        return str(read_json(token, what="a key"))
    except FormatError:
        return token.decode(errors="backslashreplace")


def _kind(token: bytes) -> str:
    first = token[:1]
    kinds = {b"{": "object", b"[": "list", b'"': "string", b"t": "bool", b"f": "bool"}
    return kinds.get(first, "null" if token == b"null" else "number")
