"""Parts of a payload, as pages read them: each chunk is what was signed, or nothing is given."""

from __future__ import annotations

import base64
import random
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.documents.keys import manifest_key
from pe_dvc.primitives.digest import CHUNK_SIZE, Sha256
from tests.support.browser_client import STATIC, run_node
from tests.support.bucket_server import served
from tests.support.country import NAME, Country, chunks_of, payload_of
from tests.support.factories import pointer_to
from tests.support.memory_store import MemoryStore
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest

PAYLOAD = random.Random(5).randbytes(6 * CHUNK_SIZE + 1000)
SIZE = len(PAYLOAD)


class Published:
    def __init__(self, directory: Path, payload: bytes = PAYLOAD) -> None:
        self.store = MemoryStore()
        (self.manifest,) = Country(directory, self.store).publish({NAME: payload})

    def read(self, *ranges: tuple[int, ...], **changes: Any) -> dict[str, Any]:
        """Return what a page is given."""
        signed = pointer_to(self.manifest)
        pointer: dict[str, Any] = {
            "name": signed.name,
            "sha256": signed.sha256,
            "size": signed.size,
            "manifestSha256": signed.manifest_sha256,
        }
        with served(self.store) as server:
            said: dict[str, Any] = run_node(
                ROOT / "tests/support/read_chunks.mjs",
                {
                    "static": STATIC.as_uri(),
                    "address": server.url,
                    "ranges": ranges,
                    "pointer": pointer | changes,
                },
            )
        return said


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return Published(tmp_path)


def test_parts_are_those_of_the_payload(published: Published) -> None:
    ranges = [
        (0, 10),
        (SIZE - 8, SIZE),
        (-8,),
        (CHUNK_SIZE - 3, CHUNK_SIZE + 3),
        (5, 3 * CHUNK_SIZE + 7),
        (0,),
        (SIZE, SIZE + 10),
        (7, 7),
        (SIZE - 5, SIZE + 99),
    ]
    said = published.read(*ranges)
    assert said["size"] == SIZE
    parts = [base64.b64decode(part) for part in said["parts"]]
    assert parts == [PAYLOAD[slice(*r)] if len(r) == 2 else PAYLOAD[r[0] :] for r in ranges]


def test_whole_chunks_are_asked_for_once_and_neighbours_together(published: Published) -> None:
    said = published.read((5, 9), (CHUNK_SIZE - 1, CHUNK_SIZE + 1), (0,))
    assert said["asked"] == [
        f"bytes=0-{CHUNK_SIZE - 1}",
        f"bytes={CHUNK_SIZE}-{2 * CHUNK_SIZE - 1}",
        f"bytes={2 * CHUNK_SIZE}-{6 * CHUNK_SIZE - 1}",
        f"bytes={6 * CHUNK_SIZE}-{SIZE - 1}",
    ]


def test_an_empty_payload(tmp_path: Path) -> None:
    assert Published(tmp_path, b"").read((0,), (-5, 3))["parts"] == ["", ""]


@pytest.mark.parametrize("size", [1, 1000, CHUNK_SIZE])
def test_a_payload_of_one_chunk_needs_no_list(tmp_path: Path, size: int) -> None:
    published = Published(tmp_path, PAYLOAD[:size])
    assert chunks_of(published.manifest) not in published.store.objects
    (part,) = published.read((0,))["parts"]
    assert base64.b64decode(part) == PAYLOAD[:size]
    flip(payload_of, size - 1)(published)
    assert published.read((0, 1))["error"] == "DigestMismatchError"


def flip(key_of: Callable[[Manifest], str], place: int) -> Callable[[Published], None]:
    def attack(published: Published) -> None:
        key = key_of(published.manifest)
        data = bytearray(published.store.objects[key])
        data[place] ^= 1
        published.store.objects[key] = bytes(data)

    return attack


def cut(key_of: Callable[[Manifest], str], length: int) -> Callable[[Published], None]:
    def attack(published: Published) -> None:
        key = key_of(published.manifest)
        published.store.objects[key] = published.store.objects[key][:length]

    return attack


def removed(key_of: Callable[[Manifest], str]) -> Callable[[Published], None]:
    def attack(published: Published) -> None:
        del published.store.objects[key_of(published.manifest)]

    return attack


def manifest_of_it(manifest: Manifest) -> str:
    return manifest_key("us", Sha256(manifest.artifact.sha256))


@pytest.mark.parametrize(
    ("attack", "error", "says"),
    [
        (flip(payload_of, CHUNK_SIZE + 500_000), "DigestMismatchError", "chunk 1 is not"),
        (cut(payload_of, CHUNK_SIZE + 500_000), "DigestMismatchError", "chunk 1 is not"),
        (cut(payload_of, 10), "DigestMismatchError", "chunk 1 is not"),
        (removed(payload_of), "VerificationError", "is gone"),
        (flip(chunks_of, 40), "DigestMismatchError", "chunk list"),
        (cut(chunks_of, 32), "DigestMismatchError", "chunk list"),
        (removed(chunks_of), "VerificationError", "is gone"),
        (flip(manifest_of_it, 40), "DigestMismatchError", "the manifest of"),
        (removed(manifest_of_it), "VerificationError", "is gone"),
    ],
)
def test_what_was_altered_is_refused(
    published: Published, attack: Callable[[Published], None], error: str, says: str
) -> None:
    attack(published)
    said = published.read((CHUNK_SIZE, CHUNK_SIZE + 1))
    assert said.get("error") == error, said
    assert says in said["message"]


def test_a_manifest_of_other_bytes_than_its_pointer(published: Published) -> None:
    said = published.read((0, 1), size=SIZE - 1)
    assert said["error"] == "VerificationError"
    assert "of another artifact than its pointer" in said["message"]
