"""Inputs that fuzzing found: each was once a traceback, and is an error of ours."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import h5py
import pytest

from pe_dvc.adapters.dvc.files import DvcFiles
from pe_dvc.adapters.git.tag_signatures import _read_signature
from pe_dvc.adapters.tables import hdf5
from pe_dvc.adapters.tables.plain_pickle import unpickled, unpickled_items
from pe_dvc.adapters.work_tree import WorkTree
from pe_dvc.primitives.errors import FormatError
from pe_dvc.store.process_identity import ProcessIdentity
from pe_dvc.trust.tuf_api import Root, Targets
from pe_dvc.trust.verify import parse, role_keys, role_of
from pe_dvc.usecases.retention.bucket_note import Note
from tests.support.memory_store import MemoryStore
from tests.support.signed_channels import SignedChannels
from tests.support.tables import describe

if TYPE_CHECKING:
    from pathlib import Path

MD5 = "0" * 32


@pytest.fixture(scope="module")
def channels(tmp_path_factory: pytest.TempPathFactory) -> SignedChannels:
    base = tmp_path_factory.mktemp("found")
    made = SignedChannels(base / "channels", base / "keys")
    made.create()
    return made


@pytest.mark.parametrize(
    ("role", "kind", "field"),
    [
        ("root", Root, "consistent_snapshot"),
        ("root", Root, "x-pe-dvc-contact"),
        ("targets", Targets, "version"),
        ("latest", Targets, "version"),
    ],
)
def test_a_fraction_in_metadata_cannot_be_signed(
    channels: SignedChannels, role: str, kind: Any, field: str
) -> None:
    document = json.loads(channels.files.read_bytes(role))
    document["signed"][field] = 1e308
    with pytest.raises(FormatError, match=r"the number 1e\+308 is not whole"):
        parse(kind, json.dumps(document).encode(), where="x.json")


def test_a_role_whose_key_the_root_does_not_hold(channels: SignedChannels) -> None:
    document = json.loads(channels.files.read_bytes("root"))
    document["signed"]["keys"] = {}
    root = parse(Root, json.dumps(document).encode(), where="root.json").signed
    with pytest.raises(FormatError, match="does not hold every key of timestamp"):
        role_keys(root, "timestamp")
    with pytest.raises(FormatError, match="there is no role 'other'"):
        role_of(root, "other")


@pytest.mark.parametrize(
    "document",
    [
        {"outs": [{"path": "x", "md5": MD5}], "deps": True},
        {"outs": [{"path": "x", "md5": MD5}], "wdir": 5},
        {"outs": True},
        {"outs": [{"path": "x", "md5": MD5, "size": -1}]},
        {"outs": [{"path": "x", "md5": MD5, "size": 1e308}]},
        {"outs": [{"path": "x", "md5": MD5, "nfiles": "many"}]},
        {"outs": [{"path": "x", "md5": [MD5]}]},
        {"outs": [{"path": "x", "md5": MD5, "remote": {}}]},
    ],
)
def test_a_dvc_file_that_dvc_did_not_write(document: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "x.dvc").write_text(json.dumps(document))
    with pytest.raises(FormatError, match=r"x\.dvc: is not as DVC writes it") as caught:
        DvcFiles.read(WorkTree(tmp_path))
    assert caught.value.remedy == "Restore x.dvc from git."


@pytest.mark.parametrize("pid", [10**19, 2**31, 0, -1])
def test_a_note_of_no_process(pid: int) -> None:
    own = ProcessIdentity.own()._asdict() | {"pid": pid, "since": "2026-11-26T00:00:00+00:00"}
    store = MemoryStore()
    store.objects["us/locks/gc.json"] = json.dumps(own).encode()
    assert not Note.read(store, store.head("us/locks/gc.json")).is_gone


def test_a_status_line_of_gnupg_without_a_word() -> None:
    assert _read_signature(1, "[GNUPG:] \n[GNUPG:] BADSIG 0123 \udce9\n").verdict == "bad"


@pytest.mark.parametrize(
    "data",
    [b"", b"[(lp0\n.", b"(lp0\nVa\np1(lp0\n.", b"\x80\x04\x95" + b"\xff" * 8 + b"].", b"N."],
)
def test_a_damaged_pickle_of_column_names(data: bytes) -> None:
    with pytest.raises(pickle.UnpicklingError):
        unpickled(data, list, tuple)


def test_an_hdf5_file_with_a_damaged_index(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["person_id/2024"] = [1, 2]
    path.write_bytes(path.read_bytes().replace(b"SNOD", b"XXXX"))
    with pytest.raises(FormatError, match="is not a complete HDF5 file"):
        describe(hdf5, path, keys={"person": "person_id"}, columns={})


@pytest.mark.parametrize("number", [b"r\xff\xff\xff\x7f", b"p2000000000\n", b"p-1\n"])
def test_a_pickle_that_numbers_a_value_beyond_all_memory(number: bytes) -> None:
    with pytest.raises(pickle.UnpicklingError, match="damaged"):
        unpickled(b"\x80\x02]" + number + b".", list)
    with pytest.raises(pickle.UnpicklingError, match="damaged"):
        unpickled_items(b"\x80\x02]" + number + b".")
