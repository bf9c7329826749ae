"""An exported release, verified where there is neither network nor clone.

From a root that is pinned, the signed metadata beside the payloads leads to the release's
manifest, and that to every byte. Whether it was deprecated or withdrawn since, no copy can say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import LOG_PROOF, MANIFEST_LIMIT, RELEASE_MANIFEST, STATEMENTS, TRO
from pe_dvc.documents.release import ReleaseManifest
from pe_dvc.documents.release_target import Released, releases_of
from pe_dvc.documents.statement_bundle import read_statements
from pe_dvc.primitives.digest import check_promised
from pe_dvc.primitives.errors import DigestMismatchError, NotFoundError, VerificationError
from pe_dvc.primitives.names import check_inside
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.left_overs import is_temporary
from pe_dvc.store.plain_files import sha256_of
from pe_dvc.tlog.proof import parse_proof
from pe_dvc.trust.ancestry import plain
from pe_dvc.trust.country_and_role import check_country_and_role_of_file
from pe_dvc.trust.envelopes import check_envelopes
from pe_dvc.trust.files import ChannelFiles
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.tuf_api import MetaFile, Root, Targets
from pe_dvc.trust.verify import parse, verify_signed_by
from pe_dvc.usecases.progress import Reporter, Silent
from pe_dvc.usecases.release.export import CHANNELS, PAYLOAD
from pe_dvc.usecases.release.log_proof import check_inclusion, check_same_tree, check_signed
from pe_dvc.usecases.release.statements import check_statements

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.trust.tuf_api import Metadata
    from pe_dvc.usecases.release.log_proof import LogEntry

EXPORT_AGAIN = "Export the release again."
ROLE = "releases"


@dataclass(frozen=True, kw_only=True)
class VerifiedExport:
    """An exported release that is, byte for byte, what was signed.

    ``version`` is that of the signed releases which list it, ``root`` that of the root whose keys
    decided. ``size`` is bytes of all artifacts together. ``logged`` is where the releases stand in
    the channel's log; without proof of that it is None, and ``not_logged`` says why.
    """

    released: Released
    version: int
    root: int
    artifacts: int
    size: int
    statements: int
    logged: LogEntry | None = None
    not_logged: str | None = None


class Exported:
    """The signed metadata in an exported release, verified from ``pinned``, a root.json.

    Signatures decide, and no dates: a copy is for later, too. Raises NotFoundError for a file
    that the export lacks, FormatError, and VerificationError with the family that fits.
    """

    def __init__(self, directory: Path, pinned: bytes) -> None:
        self.directory, self.country = directory, exported_country(directory)
        check_country_and_role_of_file(pinned, self.country, "root", where="the pinned root")
        self.files = ChannelFiles(directory / CHANNELS, self.country)
        self.is_older = False
        """Whether the root that is pinned is newer than all of the copy."""
        self.root = self._root(pinned)
        self.targets = self._signed("targets", self.root)
        self.releases = self._signed(ROLE, self.targets.signed)

    def _root(self, pinned: bytes) -> Root:
        """Return the newer of the newest root here and the pinned one, if one leads to the other.

        A later root than those here decides by itself: its keys must have signed what is here.
        """
        ours = parse(Root, pinned, where="the pinned root").signed
        metadata = SignedMetadata(self.files)
        newest = metadata.root.signed
        if ours.version > newest.version:
            self.is_older = True
            return ours
        if not metadata.comes_from(pinned):
            raise VerificationError(
                f"{self.files.path('root')}: the root there does not follow from the one that is "
                f"pinned for {self.country}",
                remedy="The copy is of someone else's channels, or was altered. Compare "
                "fingerprints with a maintainer of the data.",
            )
        return newest

    def _signed(self, role: str, delegator: Root | Targets) -> Metadata[Targets]:
        data, where = self.files.read_bytes(role), str(self.files.path(role))
        check_country_and_role_of_file(data, self.country, role, where=where)
        metadata = parse(Targets, data, where=where)
        verify_signed_by(delegator, role, metadata, where=where)
        return metadata

    def released(self, manifest: bytes) -> Released:
        """Return the signed release that a manifest is of. Raises DigestMismatchError."""
        where = str(self.directory / PAYLOAD / RELEASE_MANIFEST)
        tag = ReleaseManifest.from_bytes(manifest, where=where).tag
        targets = plain(self.releases.signed)
        known = releases_of(targets, country=self.country, where=str(self.files.path(ROLE)))
        if tag not in known:
            raise VerificationError(
                f"{where}: it says that it is release {tag}, which is not signed",
                remedy=EXPORT_AGAIN,
            )
        what = f"{RELEASE_MANIFEST} of release {tag}"
        check_promised(manifest, known[tag].sha256, what=what, by="signed", source=where)
        return known[tag]


def exported_country(directory: Path) -> str:
    """Return whose release an export is: the folder with its signed metadata says it.

    Raises NotFoundError for one without that.
    """
    found = sorted(path.parent.name for path in (directory / CHANNELS).glob("*/root.json"))
    if len(found) != 1:
        raise NotFoundError(
            f"{directory / CHANNELS} has the signed metadata of {len(found)} countries, not of one",
            remedy="Exports of an earlier pe_dvc, and of releases that are not signed yet, have "
            f"none. {EXPORT_AGAIN}",
        )
    return found[0]


def verify_exported(
    exported: Exported, *, tag: str | None = None, reporter: Reporter | None = None
) -> VerifiedExport:
    """Prove an exported release, and every byte of it, from the root that is pinned.

    With ``tag`` it must be that one. Raises NotFoundError for a file that is missing, and
    VerificationError with the family that fits: DigestMismatchError for bytes that were altered,
    SignatureError for what too few have signed.
    """
    tree = ConfinedTree(exported.directory)
    tree.check_entries(PAYLOAD, deep=True)
    data = _read(tree, f"{PAYLOAD}/{RELEASE_MANIFEST}")
    released = exported.released(data)
    if tag is not None and released.tag != tag:
        raise VerificationError(f"{exported.directory} is release {released.tag}, not {tag}")
    what, where = f"{TRO} of release {released.tag}", str(exported.directory / TRO)
    check_promised(_read(tree, TRO), released.tro_sha256, what=what, by="signed", source=where)
    statements = _check_statements(tree, exported, released)
    logged, not_logged = _check_log(tree, exported)
    manifest = ReleaseManifest.from_bytes(data)
    size = _check_payloads(exported.directory, manifest, reporter or Silent())
    return VerifiedExport(
        released=released,
        version=exported.releases.signed.version,
        root=exported.root.version,
        artifacts=len(manifest.artifacts),
        size=size,
        statements=statements,
        logged=logged,
        not_logged=not_logged,
    )


def _read(tree: ConfinedTree, path: str) -> bytes:
    try:
        return tree.read(path, limit=MANIFEST_LIMIT)
    except FileNotFoundError:
        raise NotFoundError(f"{tree.root / path} does not exist", remedy=EXPORT_AGAIN) from None


def _check_statements(tree: ConfinedTree, exported: Exported, released: Released) -> int:
    if released.statements_sha256 is None:
        return 0
    where = str(exported.directory / STATEMENTS)
    statements = read_statements(_read(tree, STATEMENTS), where=where)
    check_statements(statements, released, where)
    check_envelopes(statements, exported.targets.signed, ROLE, where=where)
    return len(statements)


def _check_log(tree: ConfinedTree, exported: Exported) -> tuple[LogEntry | None, str | None]:
    """Return where the signed releases stand in the log; or None, and why that is not proven.

    A snapshot lies in the copy only with a proof. What keys of an earlier root signed of the log,
    a newer root that is pinned does not vouch for: that proves nothing, and fails nothing.
    """
    path, where = exported.files.path("snapshot"), str(exported.directory / LOG_PROOF)
    snapshot = exported.files.read_bytes("snapshot") if path.exists() else None
    try:
        data = tree.read(LOG_PROOF, limit=MANIFEST_LIMIT)
    except FileNotFoundError:
        if snapshot is None:
            return None, "the export has no proof of it"
        raise NotFoundError(
            f"{where} does not exist, and {path} is there, which is exported with it",
            remedy=EXPORT_AGAIN,
        ) from None
    proof = parse_proof(data, where=where)
    releases = exported.files.read_bytes(ROLE)
    listed = MetaFile.from_data(exported.releases.signed.version, releases, ["sha256"])
    entry = check_inclusion(proof, listed, where=where)
    try:
        witnesses = check_signed(proof.note, exported.root, exported.country, where=where)
        if snapshot is not None:
            country, root = exported.country, exported.root
            check_same_tree(proof.note, snapshot, root, country, where=str(path))
    except VerificationError as error:
        if not exported.is_older:
            raise
        reason = "the pinned root is newer than the proof, and does not bear it"
        return None, f"{reason}: {error.message}"
    return replace(entry, witnesses=witnesses), None


def _check_payloads(directory: Path, manifest: ReleaseManifest, reporter: Reporter) -> int:
    """Read and hash every payload, and refuse other files beside them; return the bytes of all."""
    where = str(directory / PAYLOAD / RELEASE_MANIFEST)
    files = {check_inside(one.path, where=where): one for one in manifest.artifacts.values()}
    _refuse_others(directory / PAYLOAD, {RELEASE_MANIFEST, *files})
    total = sum(one.size_bytes for one in files.values())
    with reporter.task(f"check {len(files)} payloads", total) as progress:
        for path, artifact in sorted(files.items()):
            place = directory / PAYLOAD / path
            try:
                actual = sha256_of(place)
            except FileNotFoundError:
                raise NotFoundError(f"{place} does not exist", remedy=EXPORT_AGAIN) from None
            if actual != artifact.sha256:
                raise DigestMismatchError(
                    what=path,
                    expected=f"sha256:{artifact.sha256} (signed)",
                    actual=f"sha256:{actual}",
                    source=str(place),
                    remedy=EXPORT_AGAIN,
                )
            progress(artifact.size_bytes)
    return total


def _refuse_others(payload: Path, expected: set[str]) -> None:
    for path in sorted(payload.rglob("*")):
        if path.is_dir() or is_temporary(path.name):
            continue
        if path.relative_to(payload).as_posix() not in expected:
            raise VerificationError(
                f"{path} is not a file of this release",
                remedy="Nothing that is signed says what it is: move it away.",
            )
