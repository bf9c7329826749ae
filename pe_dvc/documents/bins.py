"""The bins of a large channel: its pointers in many small files, each found by a pointer's path.

A channel's signed metadata then lists bins in the place of pointers, each as a TUF target with its
length and sha256; a bin is the pointers whose paths begin with the same bits of sha256. The sha256
names the file, so that one bin is the same file in every version in which it is the same.
Format: ADR 0033.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pe_dvc.primitives.digest import Sha256, check_sha256, sha256_bytes
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

BINS_FIELD = "x-pe-dvc-bins"
"""Field of a channel's metadata: by how many bits of sha256 its pointers are in bins."""

SEGMENT = "~needs-a-newer-pe_dvc"
"""Part of a bin's path, which no dataset name can have: an earlier pe_dvc refuses it, by name."""

MOST_BITS = 12
BIN_LIMIT = 5_000_000
"""Bytes beyond which no bin is read."""

_BIN = rf"[^/]+/[^/]+/{SEGMENT}/([0-9a-f]{{3}})"

Targets = dict[str, dict[str, Any]]


class Bin(NamedTuple):
    """What a channel's metadata says of a bin: the sha256 and the length of its file."""

    sha256: Sha256
    length: int


class Bins(NamedTuple):
    """The bins of a channel: by how many ``bits`` they are told apart, and those that hold any."""

    bits: int
    held: dict[int, Bin]

    def of(self, path: str) -> tuple[int, Bin | None]:
        """Return which bin a pointer belongs to, None for one that holds nothing."""
        number = number_of(path, self.bits)
        return number, self.held.get(number)


def number_of(path: str, bits: int) -> int:
    """Return the number of the bin of a target path: the first ``bits`` of its sha256."""
    digest = hashlib.sha256(path.encode()).digest()
    return int.from_bytes(digest[:2], "big") >> (16 - bits)


def bits_for(count: int, bits: int | None = None) -> int:
    """Return by how many bits so many pointers are best told apart: some √count bins.

    ``bits`` is how it is now: it stays until another number is better by far, as all bins are new
    then.
    """
    best = math.log2(1.25 * math.sqrt(max(count, 1)))
    if bits is not None and abs(best - bits) <= 1:
        return bits
    return min(max(round(best), 1), MOST_BITS)


def split(targets: Mapping[str, Mapping[str, Any]], bits: int) -> tuple[Targets, list[bytes]]:
    """Return what lists the bins of ``targets``, and the bins. The same targets give the same."""
    found: dict[int, dict[str, Mapping[str, Any]]] = {}
    for path, target in targets.items():
        found.setdefault(number_of(path, bits), {})[path] = target
    listed, files = {}, []
    for number, held in sorted(found.items()):
        data = json.dumps(
            {"targets": held}, sort_keys=True, ensure_ascii=False, separators=(",", ":")
        ).encode()
        country, channel, _ = next(iter(held)).split("/", 2)
        listed[f"{country}/{channel}/{SEGMENT}/{number:03x}"] = {
            "length": len(data),
            "hashes": {"sha256": str(sha256_bytes(data))},
        }
        files.append(data)
    return listed, files


def bins_of(fields: Mapping[str, Any], targets: Mapping[str, Any], *, where: str) -> Bins | None:
    """Return the bins that a channel's metadata lists, None if its targets are no bins.

    ``fields`` are those that hold ``BINS_FIELD``. Raises FormatError.
    """
    if BINS_FIELD not in fields or not all(re.fullmatch(_BIN, path) for path in targets):
        return None
    bits, held = check_bits(fields[BINS_FIELD], where=where), {}
    if len({path[:-4] for path in targets}) > 1:  # two of one number would contradict each other
        raise FormatError("lists bins of several channels", where=where)
    for path, target in targets.items():
        said = target if isinstance(target, dict) else {}
        number, length, hashes = int(path[-3:], 16), said.get("length"), said.get("hashes")
        sha256 = hashes.get("sha256") if isinstance(hashes, dict) else None
        if type(length) is not int or not 0 < length <= BIN_LIMIT or number >> bits:
            raise FormatError(f"{path!r} is not a bin of {2**bits}", where=where)
        held[number] = Bin(check_sha256(str(sha256), where=where), length)
    return Bins(bits, held)


def check_bits(bits: Any, *, where: str) -> int:
    """Return the value of ``BINS_FIELD``, else raise FormatError."""
    if type(bits) is not int or not 1 <= bits <= MOST_BITS:
        raise FormatError(f"{BINS_FIELD} is not a number from 1 to {MOST_BITS}", where=where)
    return bits


def read_bin(data: bytes, number: int, bits: int, *, where: str) -> Targets:
    """Return the pointers of a bin, as targets. Its sha256 was verified. Raises FormatError."""
    document = read_json(data, what="a bin of a channel", where=where)
    targets = document.get("targets") if isinstance(document, dict) else None
    if not isinstance(targets, dict) or not all(isinstance(one, dict) for one in targets.values()):
        raise FormatError("is not a bin of a channel", where=where)
    for path in targets:
        if number_of(path, bits) != number:
            raise FormatError(f"{path!r} does not belong into bin {number:03x}", where=where)
    return targets
