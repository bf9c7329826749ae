"""Who signs, publishes or goes back to a pointer holds it against its manifest. ADR 0030."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pe_dvc.documents.keys import manifest_key, payload_key
from pe_dvc.documents.pointer import Pointer
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import FormatError, VerificationError
from pe_dvc.usecases.channel.build_pointers import next_pointers
from pe_dvc.usecases.pointed_manifest import pointed_manifest
from tests.support.factories import manifest_of, pointer_to
from tests.support.memory_store import MemoryStore

DATA = b"payload"
MANIFEST = manifest_of(DATA)
HONEST = pointer_to(MANIFEST)
BEFORE = pointer_to(MANIFEST, file=None, notes={"hold": {"reason": "r", "by": "b"}})


def lying() -> Pointer:
    assert HONEST.file is not None
    return replace(HONEST, file=replace(HONEST.file, md5="0" * 32), notes=BEFORE.notes)


def test_an_upgrade_alone_changes_no_channel() -> None:
    assert next_pointers([HONEST], {HONEST.name: BEFORE}).pointers == (BEFORE,)
    assert next_pointers([HONEST], {HONEST.name: HONEST}).pointers == (HONEST,)


def test_a_build_puts_right_what_contradicts_its_manifest() -> None:
    assert next_pointers([HONEST], {HONEST.name: lying()}).pointers == (
        replace(HONEST, notes=BEFORE.notes),
    )


def test_what_contradicts_its_manifest_is_not_published() -> None:
    store = MemoryStore()
    store.create(manifest_key("us", Sha256(MANIFEST.artifact.sha256)), MANIFEST.to_bytes())
    store.create(payload_key("us", MANIFEST.artifact.dvc.md5), DATA)
    for good in (HONEST, BEFORE):
        assert pointed_manifest(store, good, remedy="") == MANIFEST.to_bytes()
    with pytest.raises(VerificationError, match="the signed pointer says") as caught:
        pointed_manifest(store, lying(), remedy="")
    assert "updating the channel puts it right" in str(caught.value.remedy)


@pytest.mark.parametrize(
    "file", ["text", {}, {"path": "../a", "md5": "0" * 32}, {"path": "a", "md5": "0" * 32 + ".dir"}]
)
def test_what_is_no_file_is_refused(file: object) -> None:
    target = HONEST.to_target()
    target["custom"]["file"] = file
    with pytest.raises(FormatError):
        Pointer.from_target(HONEST.target_path, target)
    known = {**HONEST.to_target()["custom"]["file"], "later": "a field of a newer version"}
    target["custom"]["file"] = known
    assert Pointer.from_target(HONEST.target_path, target) == HONEST
