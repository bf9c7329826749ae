"""What is kept here of data that must go: plans of deletions, and statements, sent or not.

A plan is written before the first file goes, so that a process that is killed in between leaves
what the next one has to state. A statement has the nonce of its plan, so that none is made twice.
"""

from __future__ import annotations

import json
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.destruction import MAX_BYTES, DestroyedFile
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.permissions import PRIVATE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NONCE = re.compile(r"([0-9a-f]{32})\.intoto\.jsonl")


@dataclass(kw_only=True)
class Plan:
    """What of one grant's data is to be deleted. ``nonce`` names the statement to come of it."""

    grant: str
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))
    files: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """The places of each file, by its dataset and sha256."""

    def add(self, dataset: str, sha256: str, place: str) -> None:
        """Note a file in a place."""
        self.files.setdefault((dataset, sha256), set()).add(place)

    def destroyed(self, left: set[tuple[str, str]]) -> tuple[DestroyedFile, ...]:
        """Return the files that went, without those in ``left``: pairs of sha256 and place."""
        found = []
        for (dataset, sha256), places in self.files.items():
            gone = tuple(sorted(one for one in places if (sha256, one) not in left))
            if gone:
                found.append(DestroyedFile(dataset=dataset, sha256=sha256, places=gone))
        return tuple(sorted(found))

    def to_bytes(self) -> bytes:
        """Return the plan as it is kept."""
        files = [[*name, sorted(places)] for name, places in sorted(self.files.items())]
        return json.dumps({"grant": self.grant, "nonce": self.nonce, "files": files}).encode()

    @classmethod
    def from_bytes(cls, data: bytes, where: str) -> Plan:
        """Read a plan. Raises FormatError."""
        value = read_json(data, what="a plan of a deletion", where=where)
        try:
            files = {(str(name), str(sha)): set(map(str, at)) for name, sha, at in value["files"]}
            return cls(grant=str(value["grant"]), nonce=str(value["nonce"]), files=files)
        except (TypeError, KeyError, ValueError):
            raise FormatError("is not the plan of a deletion", where=where) from None


class DestructionBook:
    """The plans and statements of one country, in a directory that is its user's alone."""

    def __init__(self, state_dir: Path, country: str) -> None:
        self.directory = state_dir / "destruction" / country
        self._files = ConfinedTree(self.directory, modes=PRIVATE)

    def plan(self, grant: str) -> Plan:
        """Return the plan that a process which was killed left, or a new one."""
        name = self._plan_file(grant)
        with suppress(FileNotFoundError):
            found = Plan.from_bytes(
                self._files.read(name, limit=MAX_BYTES), str(self.directory / name)
            )
            if not self.has(found.nonce):
                return found
        return Plan(grant=grant)

    def keep_plan(self, plan: Plan) -> None:
        """Keep a plan, safe on the disk, before anything of it is done."""
        self._write(self._plan_file(plan.grant), plan.to_bytes())

    def drop_plan(self, grant: str) -> None:
        """Forget a plan of which there is a statement."""
        with suppress(FileNotFoundError):
            self._files.unlink(self._plan_file(grant))

    def planned(self) -> list[str]:
        """Return the grants of which there are plans."""
        names = [name for name, _ in self._files.entries(".")]
        return sorted(name.removesuffix(".plan.json") for name in names if ".plan.json" in name)

    def has(self, nonce: str) -> bool:
        """Tell whether there is a statement of that nonce, sent or not."""
        sent = {name for name, _ in self._files.entries("sent")}
        return any(n == nonce for n, _ in self.unsent()) or f"{nonce}.json" in sent

    def keep_statement(self, nonce: str, envelope: bytes) -> None:
        """Keep a signed statement until it is sent."""
        self._write(f"{nonce}.intoto.jsonl", envelope)

    def unsent(self) -> Iterator[tuple[str, bytes]]:
        """Yield the statements that are to be sent, each by its nonce."""
        for name, _ in sorted(self._files.entries(".")):
            if match := _NONCE.fullmatch(name):
                yield match[1], self._files.read(name, limit=MAX_BYTES)

    def sent(self, nonce: str, envelope: bytes, receipt: dict[str, Any]) -> None:
        """Keep a statement, beside what the gateway answered to it, as one that was sent."""
        self._files.make_folder("sent")
        self._write(f"sent/{nonce}.intoto.jsonl", envelope)
        self._write(f"sent/{nonce}.json", json.dumps(receipt).encode())
        self._files.unlink(f"{nonce}.intoto.jsonl")

    def was_declared(self, grant: str) -> bool:
        """Tell whether it was stated of a grant that there are no other copies."""
        for name, _ in self._files.entries("sent"):
            if name.endswith(".json"):
                value = read_json(self._files.read(f"sent/{name}"), what="a receipt", where=name)
                if value.get("grant") == grant and value.get("no_other_copies") is True:
                    return True
        return False

    def _plan_file(self, grant: str) -> str:
        return f"{grant}.plan.json"

    def _write(self, name: str, data: bytes) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._files.write(name, data, mode=0o600, durable=True)
