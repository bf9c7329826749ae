"""numpy's files: ``.npy``, one array, and ``.npz``, a zip archive of them. Headers only are read.

The values are never unpickled: an array of objects is a member of which that is said.
"""

from __future__ import annotations

import struct
from tokenize import TokenError
from typing import TYPE_CHECKING, Any, cast
from zipfile import BadZipFile, ZipFile

import numpy as np

from pe_dvc.adapters.tables.arrays import array_member
from pe_dvc.adapters.tables.opaque import read_columns
from pe_dvc.documents.manifest import Member
from pe_dvc.documents.table_schema import FileShape
from pe_dvc.primitives.errors import PeDvcError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from typing import BinaryIO

    from pe_dvc.adapters.tables.data_file import DataFile

__all__ = ["describe", "read_columns"]

MAGIC = b"\x93NUMPY"
_MAX_DIRECTORY = 16 * 1024 * 1024
"""Most bytes of the list of an archive's members, all of which is held."""
_LONGEST_HEADER = 64 * 1024
_END = struct.Struct("<4s4H2LH")
"""The record at the end of a zip archive: among others, how many members, how long their list."""
_FAULTS = (
    *(ArithmeticError, BadZipFile, EOFError, LookupError, MemoryError, NotImplementedError),
    *(OSError, RuntimeError, SyntaxError, TokenError, TypeError, ValueError, struct.error),
)


class _Header:
    """What a header says of an array: as much as ``array_member`` asks for."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape, self.dtype = shape, dtype


def describe(file: DataFile) -> FileShape:
    """Return the arrays of a file, by the headers.

    Raises FormatError for a file that is cut short or is none, NotFoundError for none.
    """
    with file.open() as opened:
        is_array = opened.read(len(MAGIC)) == MAGIC
        opened.seek(0)
        try:
            if is_array:
                return FileShape(format="npy", members=(_array(opened, file),))
            return FileShape(format="npz", members=tuple(_members(opened, file)))
        except PeDvcError:
            raise
        except _FAULTS as error:
            raise file.incomplete("file of numpy", error) from None


def _array(opened: FileIO, file: DataFile) -> Member:
    header, start = _header(cast("BinaryIO", opened))
    _check_length(header, file.size - start, "", file)
    return array_member("array", header, _why(header))


def _members(opened: FileIO, file: DataFile) -> Iterator[Member]:
    _check_directory(opened, file)
    with ZipFile(cast("BinaryIO", opened)) as archive:
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            name = info.filename.removesuffix(".npy")
            if name == info.filename:
                yield Member(name=name, reason="a file of the archive, and no array")
                continue
            with archive.open(info) as stream:
                header, start = _header(cast("BinaryIO", stream))
            _check_length(header, info.file_size - start, name, file)
            yield array_member(name, header, _why(header))


def _header(stream: BinaryIO) -> tuple[_Header, int]:
    """Return the header of an array, and how long it is. Reads no more than that."""
    version = np.lib.format.read_magic(stream)
    read: Any = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read(_Limited(stream), max_header_size=_LONGEST_HEADER)
    return _Header(shape, dtype), stream.tell()


class _Limited:
    """A stream of which no single read is long: a header says its own length, up to 4 GiB."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        if size > _LONGEST_HEADER:
            raise ValueError(f"a header of {size} bytes")
        return self._stream.read(size)


def _check_length(header: _Header, there: int, name: str, file: DataFile) -> None:
    """Raise FormatError if an array has not the bytes that its header says."""
    needed = int(np.prod(header.shape, dtype=object)) * header.dtype.itemsize
    if not header.dtype.hasobject and needed != there:
        which = f" of {name!r}" if name else ""
        raise file.cut_short(
            "file of numpy", f"the array{which} needs {needed:,} bytes and {there:,} are there"
        )


def _why(header: _Header) -> str | None:
    return "objects of Python, which are pickled" if header.dtype.hasobject else None


def _check_directory(opened: FileIO, file: DataFile) -> None:
    """Refuse an archive of very many members before they are all read into memory."""
    start = max(0, file.size - _END.size - 2**16)
    opened.seek(start)
    tail = opened.read(_END.size + 2**16)
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or place + _END.size > len(tail):
        raise BadZipFile("it has no list of its members at its end")
    *_, count, length, _, _ = _END.unpack_from(tail, place)
    if count == 2**16 - 1 or length > _MAX_DIRECTORY:
        raise file.cut_short("file of numpy", "its list of members is longer than is read")
    opened.seek(0)
