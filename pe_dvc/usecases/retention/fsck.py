"""Check a whole bucket: is everything there that its metadata promises, and is it the right bytes?

Every payload is read and hashed. What was found good is written to a journal as it goes, so that
a check that was cut off goes on where it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.documents.dvc_hash import bare_md5
from pe_dvc.documents.dvc_listing import ListedFile, parse_listing
from pe_dvc.documents.keys import (
    LISTING_LIMIT,
    MANIFEST_LIMIT,
    PAYLOADS,
    manifest_key,
    parse_key,
    payload_key,
)
from pe_dvc.documents.manifest import Manifest
from pe_dvc.documents.sidecar_refs import sidecars_of
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import FormatError, PeDvcError, StoreError
from pe_dvc.primitives.pools import Pool
from pe_dvc.usecases.parallel import run_all
from pe_dvc.usecases.progress import Reporter, Silent
from pe_dvc.usecases.published_manifest import signed_key
from pe_dvc.usecases.retention.channel_files import read_channels, targets_of
from pe_dvc.usecases.retention.expected_payload import ExpectedPayload
from pe_dvc.usecases.retention.findings import Fault, Finding, Report
from pe_dvc.usecases.retention.listed_members import listed_members
from pe_dvc.usecases.retention.orphans import find_orphans
from pe_dvc.usecases.retention.payload_at_location import payload_at_location
from pe_dvc.usecases.retention.pointed_files import contradictions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.documents.artifact import Artifact
    from pe_dvc.documents.members import MemberFile
    from pe_dvc.documents.sidecar_refs import SidecarRef
    from pe_dvc.store.port import Progress
    from pe_dvc.usecases.payload_place import OpenLocation
    from pe_dvc.usecases.retention.journal import Journal
    from pe_dvc.usecases.retention.reachability import Bucket, Reach

OBJECTS_AT_ONCE = 4


def fsck(
    bucket: Bucket,
    journal: Journal,
    *,
    reach: Reach | None,
    wanted: Mapping[str, str] | None = None,
    open_location: OpenLocation | None = None,
    reporter: Reporter | None = None,
) -> Report:
    """Check everything below a country's prefix.

    ``reach`` are the hashes that git names; with None no payload is called orphaned for that no
    manifest names it. ``wanted`` is what ``dvc pull`` of this commit needs: DVC's md5 of each
    output, by path. A payload that lies elsewhere as well is read there, by ``open_location``, if
    the bucket lacks it. Raises StoreError.
    """
    check = _Check(bucket, journal, reach, wanted or {}, reporter or Silent())
    return check.run(open_location)


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
        self._promised: dict[str, tuple[Manifest, SidecarRef]] = {}
        self._listed: set[str] = set()
        self._members: dict[str, MemberFile] = {}
        self._unreadable: dict[str, str] = {}
        self._lacking: list[Artifact] = []

    def run(self, open_location: OpenLocation | None) -> Report:
        with Pool(OBJECTS_AT_ONCE) as pool:
            manifests = self._bucket.keys_of("manifest")
            keys = [key for _, key in manifests]
            data = dict(zip(keys, run_all(pool, self._read, keys), strict=True))
            self._check_manifests(manifests, data)
            self._check_pointers(data)
            run_all(pool, self._check_sidecar, list(self._promised.values()))
            self._check_listings(pool)
            expected = self._expected() + self._elsewhere(open_location, pool)
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

    def _read(self, key: str, limit: int = MANIFEST_LIMIT) -> bytes:
        """Return an object's bytes, none of one that cannot be read, such as a link."""
        try:
            return self._store.read(key, limit=limit)[0]
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
            sidecars = sidecars_of(manifest)
            self._described[sidecars[0].key] = manifest
            self._promised |= {one.key: (manifest, one) for one in sidecars}
        self._report.manifests = len(self._described)

    def _check_pointers(self, data: dict[str, bytes]) -> None:
        """Hold manifests against what any version of a channel signed for them."""
        signed: dict[str, dict[Sha256, str]] = {}
        named, held = self._bucket.points_to_datasets, self._bucket.channels
        files, faults = read_channels(filter(named, held), self._country, held, self._read)
        self._report.findings += faults
        for key, content in files.items():
            try:
                targets = targets_of(content, where=key)
            except FormatError as error:
                self._found("corrupt", key, "channel", error.message)
                continue
            places: dict[str, bytes] = {}
            for path, target in targets.items():
                digest = Sha256(target["hashes"]["sha256"])
                there = signed_key(self._country, digest, path, data)
                by_digest = signed.setdefault(there, {})
                by_digest[Sha256(target["custom"]["manifest_sha256"])] = path
                places[path] = data.get(there, b"")
            self._report.findings += contradictions(key, targets, places)
        for key, by_digest in signed.items():
            self._check_signed(key, by_digest, data)

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

    def _check_sidecar(self, promise: tuple[Manifest, SidecarRef]) -> None:
        manifest, sidecar = promise
        artifact, key, promised = manifest.artifact, sidecar.key, sidecar.sha256
        if key not in self._bucket.objects:
            if not sidecar.is_implied:
                detail = "its manifest names it"
                self._found("missing", key, artifact.name, detail, sha256=promised)
            return
        data = self._read(key, LISTING_LIMIT)
        actual = sha256_bytes(data)
        if actual != promised:
            detail = f"expected sha256:{promised}, got sha256:{actual}"
            self._found("corrupt", key, artifact.name, detail, sha256=promised)
        elif sidecar.is_parts and artifact.is_directory:
            try:
                self._members |= listed_members(data, artifact, where=key)
            except PeDvcError as error:
                self._found("corrupt", key, artifact.name, error.message)

    def _check_listings(self, pool: Pool) -> None:
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
                self._lacking.append(artifact)
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

    def _elsewhere(self, open_location: OpenLocation | None, pool: Pool) -> list[ExpectedPayload]:
        """Return what is to be hashed of the payloads that the bucket lacks."""
        looked = run_all(pool, lambda a: payload_at_location(a, open_location), self._lacking)
        self._report.findings += [one for one in looked if isinstance(one, Finding)]
        found = [one for one in looked if isinstance(one, ExpectedPayload)]
        self._report.elsewhere = len(found)
        return found

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
        except StoreError as error:
            if one.place is None:
                raise
            self._found("unchecked", one.info.key, one.what, error.message, **known)
            return True
        if actual == one.digest:
            self._journal.add(one.info)
            return True
        where = f" at {one.place.url}" if one.place else ""
        detail = f"expected {one.algorithm}:{one.digest}, got {one.algorithm}:{actual}{where}"
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
        known = None
        if self._reach is not None:
            described = {bare_md5(m.artifact.dvc.md5) for m in self._described.values()}
            known = described | self._listed | self._reach.md5s
        self._report.findings += find_orphans(self._bucket, self._promised, known)
