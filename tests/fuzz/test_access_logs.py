"""Fuzz targets: logs of AWS, parts of which anyone writes who can send a request."""

from __future__ import annotations

import gzip
import io
import json

from hypothesis import strategies as st

from pe_dvc.gateway.access_logs import read_access_log
from pe_dvc.gateway.import_reads import naming
from pe_dvc.gateway.leaf import PERSONAL, decode_leaf, encode_leaf
from tests.support.access_logs import event, line
from tests.support.fuzzing import edited, fuzz, hostile
from tests.support.reads import a_read


def take(data: bytes) -> None:
    """Do with a log what an import does: every read is an entry that can be read again."""
    for one in read_access_log(io.BytesIO(data), country="uk", named="log"):
        if one.read is not None:
            read = naming({})(one.read)
            leaf = encode_leaf(0, read, {name: getattr(read, name) for name in PERSONAL})
            assert decode_leaf(leaf, where="it").read == read
            assert len(one.record) == 16


def test_server_access_logs() -> None:
    fuzz(take, edited([(line() * 3).encode(), line(key="uk/%2520").encode()]))


def test_files_of_cloudtrail() -> None:
    fuzz(take, hostile(json.dumps({"Records": [event(), event(eventName="CopyObject")]}).encode()))


def test_events_a_line_each() -> None:
    fuzz(take, edited([json.dumps(event()).encode() + b"\n"]))


def test_gzipped_logs() -> None:
    whole = gzip.compress(line().encode() * 20)
    fuzz(take, edited([whole]) | st.binary(max_size=200).map(gzip.compress))


def test_entries_of_a_ledger() -> None:
    leaf = encode_leaf(7, a_read(), dict.fromkeys(PERSONAL, "ab"))
    fuzz(lambda data: decode_leaf(data, where="it"), hostile(leaf))
