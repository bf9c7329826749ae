"""A log in memory that signs its checkpoints, and witnesses of it, for tests."""

from __future__ import annotations

import http.client
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pe_dvc.tlog.checkpoint import Checkpoint
from pe_dvc.tlog.merkle import consistency_proof, leaf_hash, node_hash, tree_root
from pe_dvc.tlog.note import COSIGNATURE, ED25519, Note, VerifierKey
from pe_dvc.tlog.witness import AddCheckpoint
from pe_dvc.witness.cosigner import Witness
from pe_dvc.witness.records import Records
from pe_dvc.witness.server import server_of
from tests.support.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@dataclass
class TestLog:
    """A log of texts; ``fork`` is another history of the same log, by the same key."""

    __test__ = False

    origin: str = "pe-dvc/us"
    entries: list[bytes] = field(default_factory=list)
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def key(self) -> VerifierKey:
        return VerifierKey(self.origin, self.private.public_key().public_bytes_raw(), ED25519)

    def nodes(self, level: int, index: int) -> bytes:
        if level == 0:
            return leaf_hash(self.entries[index])
        return node_hash(self.nodes(level - 1, 2 * index), self.nodes(level - 1, 2 * index + 1))

    def grow(self, count: int, word: str = "entry") -> TestLog:
        self.entries += [f"{word} {len(self.entries) + n}".encode() for n in range(count)]
        return self

    def fork(self, keep: int) -> TestLog:
        return TestLog(self.origin, self.entries[:keep], self.private)

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        size = len(self.entries) if size is None else size
        return Checkpoint(self.origin, size, tree_root(size, self.nodes))

    def note(self, size: int | None = None) -> Note:
        return Note(str(self.checkpoint(size))).signed_by(self.key, self.private.sign)

    def request(self, old: int, size: int | None = None) -> AddCheckpoint:
        size = len(self.entries) if size is None else size
        hashes = consistency_proof(old, size, self.nodes) if old <= size else []
        return AddCheckpoint(old, tuple(hashes), self.note(size))


@dataclass
class TestWitness:
    """A witness with a key of its own and a directory of records."""

    __test__ = False

    directory: Path
    logs: Sequence[TestLog]
    name: str = "witness.example.org/one"
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    clock: float = 1_800_000_000.0

    @property
    def key(self) -> VerifierKey:
        return VerifierKey(self.name, self.private.public_key().public_bytes_raw(), COSIGNATURE)

    @property
    def witness(self) -> Witness:
        logs = {log.origin: (log.key,) for log in self.logs}
        records = Records(self.directory)
        return Witness(self.key, self.private.sign, logs, records, lambda: self.clock)

    @contextmanager
    def running(self) -> Iterator[Served]:
        """Serve on loopback while the body runs."""
        port = free_port()
        server = server_of(self.witness, host="127.0.0.1", port=port)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started:
            assert thread.is_alive(), "the witness did not start"
            assert time.monotonic() < deadline, "the witness did not start in time"
            time.sleep(0.01)
        try:
            yield Served(port)
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive(), "the witness did not end"


@dataclass
class Answer:
    """What a witness answered."""

    status: int
    kind: str
    body: bytes


@dataclass
class Served:
    """A witness that is served on a port of this machine."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            kind = response.headers.get("content-type", "")
            return Answer(response.status, kind, response.read())
        finally:
            connection.close()

    def add(self, request: AddCheckpoint | bytes) -> Answer:
        body = request if isinstance(request, bytes) else str(request).encode()
        return self.ask("POST", "/add-checkpoint", body)
