"""Repair: put back into the bucket what a check found missing or damaged, from another place.

Nothing is put back before it was held against the digest that the finding names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.keys import LISTING_LIMIT, PAYLOADS, parse_key
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.store.scratch import scratch_directory
from pe_dvc.usecases.object_digest import md5_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pe_dvc.store.port import Store
    from pe_dvc.usecases.retention.findings import Finding, Report

REPAIRABLE = ("missing", "corrupt", "wrong size")


@dataclass(frozen=True)
class Source:
    """A place that may hold good copies; it lacks the leading ``strip`` of the bucket's keys."""

    store: Store
    strip: str = ""

    def key(self, key: str) -> str:
        """Return the key under which this place would hold an object of the bucket."""
        return key.removeprefix(self.strip)


@dataclass(frozen=True, kw_only=True)
class Repaired:
    """An object that was put back: what stood there before, and where the good bytes are from."""

    key: str
    what: str
    replaced: str
    source: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return vars(self)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a check found, and what was put back."""

    store: str
    report: Report
    repaired: list[Repaired]

    @property
    def unrepaired(self) -> list[Finding]:
        """What is still wrong."""
        repaired = {one.key for one in self.repaired}
        return [f for f in self.report.findings if not f.is_harmless and f.key not in repaired]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "store": self.store,
            **self.report.to_json(),
            "repaired": [one.to_json() for one in self.repaired],
            "ok": not self.unrepaired,
        }


def repair(
    store: Store,
    findings: Sequence[Finding],
    sources: Sequence[Source],
    held: Mapping[str, tuple[bytes, str]],
) -> list[Repaired]:
    """Put back what there are good copies of; return what that was.

    ``held`` are small objects of this machine, by their sha256, each with where it is from;
    ``sources`` are tried in order. One that lacks an object, or holds other bytes, is passed
    over. Raises StoreError if ``store`` cannot be written or a source cannot be read.
    """
    done = []
    for finding in findings:
        if finding.fault in REPAIRABLE and (finding.sha256 or finding.md5):
            source = _put_back(store, finding, sources, held)
            if source is not None:
                replaced = f"{finding.fault}: {finding.detail}"
                done.append(
                    Repaired(key=finding.key, what=finding.what, replaced=replaced, source=source)
                )
    return done


def _put_back(
    store: Store,
    finding: Finding,
    sources: Sequence[Source],
    held: Mapping[str, tuple[bytes, str]],
) -> str | None:
    if finding.sha256 in held:
        data, where = held[str(finding.sha256)]
        store.overwrite(finding.key, data)
        return where
    with scratch_directory() as directory:
        copy = directory / "copy"
        for source in sources:
            key = source.key(finding.key)
            if _take(source.store, key, copy, finding):
                store.upload(finding.key, copy, sha256=finding.sha256)
                return f"{source.store.url}/{key}"
    return None


def _take(store: Store, key: str, copy: Path, finding: Finding) -> bool:
    """Bring a source's object into ``copy``; return whether it is the right one."""
    try:
        parsed = parse_key(finding.key)
        if parsed is not None and parsed.kind in PAYLOADS:
            actual = store.download(key, copy, size=store.head(key).size)
        else:
            data, _ = store.read(key, limit=LISTING_LIMIT)
            copy.write_bytes(data)
            actual = sha256_bytes(data)
    except (NotFoundError, FormatError):
        return False
    if finding.sha256 is not None:
        return actual == finding.sha256
    with copy.open("rb") as file:
        return md5_file(file) == finding.md5
