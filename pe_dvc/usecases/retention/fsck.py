"""Check a whole bucket: is everything there that its metadata promises, and is it the right bytes?

Every payload is read and hashed. What was found good is written to a journal as it goes, so that
a check that was cut off goes on where it was.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from pe_dvc.documents.dvc_hash import bare_md5
from pe_dvc.documents.dvc_listing import ListedFile, parse_listing
from pe_dvc.documents.keys import (
    LISTING_LIMIT,
    MANIFEST_LIMIT,
    PAYLOADS,
    manifest_key,
    parse_key,
    payload_key,
    payload_prefix,
    sidecar_key,
)
from pe_dvc.documents.manifest import Manifest
from pe_dvc.documents.members import Members
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import FormatError
from pe_dvc.usecases.parallel import run_all
from pe_dvc.usecases.progress import Reporter, Silent
from pe_dvc.usecases.published_manifest import name_in
from pe_dvc.usecases.retention.expected_payload import ExpectedPayload
from pe_dvc.usecases.retention.findings import Fault, Finding, Report
from pe_dvc.usecases.retention.reachability import Reach, targets_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.documents.keys import Kind
    from pe_dvc.documents.members import MemberFile
    from pe_dvc.store.port import ObjectInfo, Progress
    from pe_dvc.usecases.retention.reachability import Bucket

OBJECTS_AT_ONCE = 4
SIDECARS: tuple[Kind, ...] = ("chunks", "members")


class Journal(Protocol):
    """Remembers what was found good, between runs of one check."""

    def knows(self, info: ObjectInfo) -> bool:
        """Return whether this very object, by key and etag, was found good."""
        ...

    def add(self, info: ObjectInfo) -> None:
        """Remember that it was."""
        ...


def fsck(
    bucket: Bucket,
    journal: Journal,
    *,
    reach: Reach | None,
    wanted: Mapping[str, str] | None = None,
    reporter: Reporter | None = None,
) -> Report:
    """Check everything below a country's prefix.

    ``reach`` are the hashes that git names; with None no payload is called orphaned for that no
    manifest names it. ``wanted`` is what ``dvc pull`` of this commit needs: DVC's md5 of each
    output, by path. Raises StoreError.
    """
    return _Check(bucket, journal, reach, wanted or {}, reporter or Silent()).run()


class _Check:
    def __init__(
        self,
        bucket: Bucket,
        journal: Journal,
        reach: Reach | None,
        wanted: Mapping[str, str],
        reporter: Reporter,
    ) -> None:
        self._bucket, self._journal, self._reach = bucket, journal, reach
        self._wanted = wanted
        self._store, self._country, self._reporter = bucket.store, bucket.country, reporter
        self._report = Report()
        self._described: dict[str, Manifest] = {}
        self._listed: set[str] = set()
        self._members: dict[str, MemberFile] = {}
        self._unreadable: dict[str, str] = {}

    def run(self) -> Report:
        with ThreadPoolExecutor(OBJECTS_AT_ONCE) as pool:
            manifests = self._bucket.keys_of("manifest")
            keys = [key for _, key in manifests]
            data = dict(zip(keys, run_all(pool, self._read, keys), strict=True))
            self._check_manifests(manifests, data)
            self._check_pointers(data)
            run_all(pool, self._check_sidecar, list(self._described.values()))
            self._check_listings(pool)
            expected = self._expected()
            total = sum(one.info.size for one in expected)
            with self._reporter.task(f"check {len(expected)} payloads", total) as progress:
                fresh = run_all(pool, lambda one: self._check_payload(one, progress), expected)
        hashed = [one.info.size for one, new in zip(expected, fresh, strict=True) if new]
        self._report.hashed, self._report.hashed_bytes = len(hashed), sum(hashed)
        self._report.resumed = len(expected) - len(hashed)
        self._find_unpushed()
        self._find_orphans()
        self._report.findings.sort(key=lambda finding: (finding.is_harmless, finding.key))
        return self._report

    def _found(self, fault: Fault, key: str, what: str, detail: str, **known: Any) -> None:
        self._report.findings.append(
            Finding(fault=fault, key=key, what=what, detail=detail, **known)
        )

    def _read(self, key: str) -> bytes:
        """Return an object's bytes, none of one that cannot be read, such as a link."""
        try:
            return self._store.read(key, limit=MANIFEST_LIMIT)[0]
        except FormatError as error:
            self._unreadable[key] = error.message
            return b""

    def _check_manifests(self, keys: list[tuple[str, str]], data: dict[str, bytes]) -> None:
        for sha256, key in keys:
            try:
                manifest = Manifest.from_bytes(data[key], where=key)
            except FormatError as error:
                detail = self._unreadable.get(key, error.message)
                self._found("corrupt", key, sha256[:12], detail)
                continue
            artifact = manifest.artifact
            digest = Sha256(artifact.sha256)
            plain, own = (manifest_key(self._country, digest, n) for n in (None, artifact.name))
            if key not in (plain, own):
                self._found(
                    "corrupt", key, artifact.name, f"it is of artifact sha256:{artifact.sha256}"
                )
                continue
            # One of the names of these bytes, and no file for a directory of the same digest.
            self._described[sidecar_key(artifact)] = manifest
        self._report.manifests = len(self._described)

    def _check_pointers(self, data: dict[str, bytes]) -> None:
        """Hold manifests against what any version of a channel signed for them."""
        signed: dict[str, dict[Sha256, str]] = {}
        for key in self._bucket.channels:
            if not self._bucket.points_to_datasets(key):
                continue
            try:
                targets = targets_of(self._read(key), where=key)
            except FormatError as error:
                self._found("corrupt", key, "channel", error.message)
                continue
            for path, target in targets.items():
                there = self._place_of(Sha256(target["hashes"]["sha256"]), path, data)
                by_digest = signed.setdefault(there, {})
                by_digest[Sha256(target["custom"]["manifest_sha256"])] = path
        for key, by_digest in signed.items():
            self._check_signed(key, by_digest, data)

    def _place_of(self, sha256: Sha256, path: str, data: dict[str, bytes]) -> str:
        """Return the key of a dataset's manifest: with its name, if another has the plain key."""
        plain, name = manifest_key(self._country, sha256), "/".join(path.split("/")[2:])
        try:
            own = manifest_key(self._country, sha256, name)
        except FormatError:
            return plain
        is_another = plain in data and name_in(data[plain]) not in (name, None)
        return own if own in data or is_another else plain

    def _check_signed(self, key: str, signed: dict[Sha256, str], data: dict[str, bytes]) -> None:
        """Check one manifest. One that any version signed is good, and is never repaired away."""
        actual = sha256_bytes(data[key]) if key in data else None
        if actual in signed:
            return
        wanted, path = next(reversed(signed.items()))
        if actual is None:
            self._found("missing", key, path, "a channel points to it", sha256=wanted)
            return
        detail = f"a channel signed sha256:{wanted}, this is sha256:{actual}"
        self._report.findings = [f for f in self._report.findings if f.key != key]
        self._found("corrupt", key, path, detail, sha256=wanted)

    def _check_sidecar(self, manifest: Manifest) -> None:
        artifact = manifest.artifact
        key, promised = sidecar_key(artifact), artifact.sidecar_sha256
        if key not in self._bucket.objects:
            self._found("missing", key, artifact.name, "its manifest names it", sha256=promised)
            return
        data = self._read(key)
        actual = sha256_bytes(data)
        if actual != promised:
            detail = f"expected sha256:{promised}, got sha256:{actual}"
            self._found("corrupt", key, artifact.name, detail, sha256=promised)
        elif artifact.is_directory:
            members = Members(data, where=key)
            self._members |= {payload_key(self._country, m.md5): m for m in members}

    def _check_listings(self, pool: ThreadPoolExecutor) -> None:
        """Read the listings of tracked directories; every file in one must be there."""
        keys = list(self._bucket.of_kind("listing").values())
        for key, files in zip(keys, run_all(pool, self._listing, keys), strict=True):
            for inside, md5 in files:
                self._listed.add(md5)
                there = payload_key(self._country, md5)
                if there not in self._bucket.objects:
                    detail = f"the listing {key} names it"
                    self._found("missing", there, inside, detail, md5=md5)

    def _listing(self, key: str) -> list[ListedFile]:
        try:
            data, _ = self._store.read(key, limit=LISTING_LIMIT)
            return parse_listing(data, where=key, remedy="")
        except FormatError:
            return []  # its md5 is wrong then, and is reported with the payloads

    def _expected(self) -> list[ExpectedPayload]:
        """Return the payloads to hash; what is missing or of a wrong size is found at once."""
        expected, by_key = [], {}
        for manifest in self._described.values():
            artifact = manifest.artifact
            key = payload_key(self._country, artifact.dvc.md5)
            if not artifact.is_directory:
                by_key[key] = artifact
            elif key not in self._bucket.objects:
                md5 = bare_md5(artifact.dvc.md5)
                self._found("missing", key, artifact.name, "its manifest names it", md5=md5)
        for key, artifact in by_key.items():
            info = self._bucket.objects.get(key)
            digest = Sha256(artifact.sha256)
            if info is None:
                self._found("missing", key, artifact.name, "its manifest names it", sha256=digest)
            elif info.size != artifact.size:
                detail = f"expected {artifact.size} bytes, got {info.size}"
                self._found("wrong size", key, artifact.name, detail, sha256=digest)
            else:
                expected.append(ExpectedPayload(info, artifact.name, "sha256", digest))
        for key, info in self._bucket.objects.items():
            parsed = parse_key(key)
            if parsed is None or parsed.kind not in PAYLOADS or key in by_key:
                continue
            if member := self._members.get(key):
                expected.append(ExpectedPayload(info, member.path, "sha256", member.sha256))
            else:
                expected.append(ExpectedPayload(info, f"md5:{parsed.digest}", "md5", parsed.digest))
        return expected

    def _check_payload(self, one: ExpectedPayload, progress: Progress) -> bool:
        """Hash a payload, unless the journal knows it; return whether it was hashed."""
        if self._journal.knows(one.info):
            progress(one.info.size)
            return False
        known = {one.algorithm: one.digest}
        try:
            actual = one.hash(self._store, progress)
        except FormatError as error:
            self._found("corrupt", one.info.key, one.what, error.message, **known)
            return True
        if actual == one.digest:
            self._journal.add(one.info)
            return True
        detail = f"expected {one.algorithm}:{one.digest}, got {one.algorithm}:{actual}"
        self._found("corrupt", one.info.key, one.what, detail, **known)
        return True

    def _find_unpushed(self) -> None:
        seen = {finding.key for finding in self._report.findings}
        for path, md5 in self._wanted.items():
            key = payload_key(self._country, md5)
            if key not in self._bucket.objects and key not in seen:
                detail = (
                    "this commit tracks it: dvc pull fails. If it was never pushed, run dvc push"
                )
                self._found("missing", key, path, detail, md5=md5)

    def _find_orphans(self) -> None:
        for sha256, key in self._bucket.of_kind("tombstone").items():
            # Anyone who writes to the bucket can put one there: it denies nothing (ADR 0008).
            self._found("unsigned", key, sha256[:12], "a tombstone without a signature")
        for kind in SIDECARS:
            for sha256, key in self._bucket.of_kind(kind).items():
                if key not in self._described:
                    self._found("orphaned", key, sha256[:12], "it has no manifest")
        prefix = payload_prefix(self._country)
        for key in self._bucket.objects:
            if key.startswith(prefix) and parse_key(key) is None:
                self._found("orphaned", key, key.removeprefix(prefix), "it is no object of DVC's")
        if self._reach is None:
            return
        described = {bare_md5(manifest.artifact.dvc.md5) for manifest in self._described.values()}
        known = described | self._listed | self._reach.md5s
        for kind in PAYLOADS:
            for md5, key in self._bucket.of_kind(kind).items():
                if md5 not in known:
                    self._found("orphaned", key, f"md5:{md5}", "nothing names it")
