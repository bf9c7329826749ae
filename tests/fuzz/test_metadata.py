"""Fuzz targets: signed metadata, keys, and what git and S3 say."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st

from pe_dvc.adapters.git.tag_signatures import _read_signature
from pe_dvc.adapters.stores.obstore_errors import StoreRequest, translate
from pe_dvc.documents.pointer import pointers_of
from pe_dvc.trust.ancestry import ancestors, base_of, behind, descends, lineage, plain
from pe_dvc.trust.keys import load_key_file
from pe_dvc.trust.pins import pin_root, pinned_contact
from pe_dvc.trust.public_keys import public_key_file
from pe_dvc.trust.roles import DELEGATED
from pe_dvc.trust.tuf_api import Root, Snapshot, Targets, Timestamp
from pe_dvc.trust.verify import expiry_days, parse, role_keys, signatures
from tests.support.fuzzing import edited, fuzz, hostile, said
from tests.support.memory_store import MemoryStore
from tests.support.simulator import Simulator, pointer

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "1.root.json": Root,
    "timestamp.json": Timestamp,
    "1.snapshot.json": Snapshot,
    "1.targets.json": Targets,
    "2.latest.json": Targets,
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Simulator:
    sim = Simulator(tmp_path_factory.mktemp("fuzzed"))
    for name in ("a", "b", "c"):
        sim.update(pointer(name))
        sim.publish()
    return sim


def _bytes(sim: Simulator, name: str) -> bytes:
    names = [key for key in sim.store.objects if key.endswith(f"{name.partition('.')[2]}")]
    data: bytes = sim.store.objects[max(names)]
    return data


@pytest.mark.parametrize("name", FILES)
def test_metadata(published: Simulator, name: str) -> None:
    true, kind = _bytes(published, name), FILES[name]
    root = parse(Root, _bytes(published, "1.root.json"), where="root").signed
    targets = parse(Targets, _bytes(published, "1.targets.json"), where="targets").signed

    def target(data: bytes) -> None:
        metadata: Any = parse(kind, data, where=name)
        signed = metadata.signed
        role = name.split(".")[-2]
        signatures(targets if role in DELEGATED else root, role, metadata)
        if isinstance(signed, Root):
            for held in signed.roles:
                expiry_days(signed, held)
                role_keys(signed, held)
            signatures(signed, "root", metadata)
        if isinstance(signed, Targets):
            _look_at(signed, metadata)

    fuzz(target, hostile(true))


def _look_at(signed: Targets, metadata: Any) -> None:
    ancestors(signed)
    descends(signed, metadata)
    base_of(metadata, None)
    lineage(signed, {"x": signed})
    pointers = plain(signed)
    pointers_of(pointers, country="us", channel="latest", where="latest.json")
    behind(signed, pointers)


def test_pinned_root(published: Simulator, tmp_path: Path) -> None:
    def target(data: bytes) -> None:
        pin_root(tmp_path, "us", data)
        pinned_contact(tmp_path, "us")

    fuzz(target, hostile(_bytes(published, "1.root.json")))


def test_client(published: Simulator) -> None:
    """With anything in the bucket, readers get the true answer or an error of ours."""
    good = dict(published.store.objects)
    names = sorted(name for name in good if re.fullmatch(r"channels/us/[^/]+\.json", name))

    def target(change: tuple[str, bytes]) -> None:
        name, data = change
        published.store.objects[name] = data
        try:
            assert published.client().lookup("latest", "c") in (pointer("c"), None)
        finally:
            published.store.restore(good)

    fuzz(target, st.sampled_from(names).flatmap(lambda n: st.tuples(st.just(n), hostile(good[n]))))


def test_key_files(published: Simulator, tmp_path: Path) -> None:
    private = (published.keys_dir / "us" / "root.pem").read_bytes()
    public = load_key_file(published.keys_dir / "us" / "root.pem").public_key
    file = tmp_path / "key.pem"
    file.touch(mode=0o600)

    def target(data: bytes) -> None:
        file.write_bytes(data)
        for read in (load_key_file, public_key_file):
            assert "PRIVATE KEY" not in said(read, file)

    fuzz(target, edited([private, str(public.keyval["public"]).encode()]))


SAID = (
    b"[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 0123 A <a@b>\n[GNUPG:] VALIDSIG x\n",
    b'Good "git" signature for a@b with ED25519 key SHA256:x\n',
    b"error: no signature found\n",
    b"[GNUPG:] \n[GNUPG:] BADSIG 0123 \xe9\n",
)


def test_what_git_says_of_a_signature() -> None:
    def target(data: bytes) -> None:
        for code in (0, 1):
            found = _read_signature(code, data.decode(errors="replace"))
            assert "\n" not in found.detail

    fuzz(target, edited(SAID))


def test_notes_of_processes() -> None:
    """Notes lie in the bucket: who writes there may claim to be any process of this machine."""
    from pe_dvc.store.process_identity import ProcessIdentity
    from pe_dvc.usecases.retention.bucket_note import Note

    store = MemoryStore()
    true = {**ProcessIdentity.own()._asdict(), "since": "2026-11-26T00:00:00+00:00", "by": "x"}

    def target(data: bytes) -> None:
        store.objects["us/locks/gc.json"] = data
        note = Note.read(store, store.head("us/locks/gc.json"))
        assert isinstance(note.is_gone, bool)
        assert note.author

    fuzz(target, hostile(json.dumps(true).encode()))


REFUSAL = b"""\
Generic S3 error: Client error with status 403 Forbidden: <?xml version="1.0"?><Error><Code>\
AccessDenied</Code><Message>Access Denied</Message><HostId>x</HostId></Error>, \
status code: 403 Forbidden, kind: Connect"""


def test_what_s3_says_of_an_error() -> None:
    def target(data: bytes) -> None:
        text = data.decode(errors="replace")
        request = StoreRequest("read", "s3://bucket", "us/x.json")
        assert str(translate(OSError(text), request))

    runs = st.tuples(edited([REFUSAL]), st.sampled_from([1, 300]))
    fuzz(target, runs.map(lambda run: run[0] * run[1]))


def test_json_of_notes(tmp_path: Path) -> None:
    """Notes of ours in a cache that others write to: what is damaged counts for nothing."""
    from pe_dvc.adapters.digests import DigestCache
    from pe_dvc.adapters.stores.s3_regions import Regions
    from pe_dvc.store.confined import ConfinedTree
    from pe_dvc.store.verification_record import VerificationRecord

    tree = ConfinedTree(tmp_path)
    payload, notes = tmp_path / "payload", tmp_path / "regions.json"
    payload.write_bytes(b"x")
    cache = DigestCache(tmp_path)
    entry = cache._directory / cache._place(payload, payload.stat())[0]
    entry.parent.mkdir(parents=True)
    true = json.dumps({"body": {"key": ["x", 1], "sha256": "a"}, "check": "b"}).encode()
    regions = json.dumps({"https://s3/b": {"region": "us", "asked_at": 1.5}}).encode()

    def target(data: bytes) -> None:
        for file in (entry, notes):
            file.write_bytes(data)
        assert cache.known(payload) is None
        Regions(notes)._read()
        VerificationRecord.read(tree, "regions.json")

    fuzz(target, hostile(true, regions))
