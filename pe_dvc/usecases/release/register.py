"""The ``releases`` role in git: which releases there are and how they stand, signed by managers.

Reads and writes ``channels/{country}/releases.json``, and the statements beside it;
``usecases.publish.channel`` brings it to readers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from packaging.version import InvalidVersion, Version

from pe_dvc.documents.in_toto import statements_digest
from pe_dvc.documents.release_tag import check_tag
from pe_dvc.documents.release_target import Released, releases_of
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError, ReleaseError
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.tuf_api import TargetFile, Targets
from pe_dvc.trust.verify import signatures
from pe_dvc.usecases.channel.next_version import next_version
from pe_dvc.usecases.release.moved_tag import moved_tag
from pe_dvc.usecases.release.statements import write_signed

if TYPE_CHECKING:
    from datetime import datetime

    from pe_dvc.documents.release_claims import AddedClaim
    from pe_dvc.trust.files import ChannelFiles
    from pe_dvc.trust.signers import Signers
    from pe_dvc.usecases.release.derive import Release

ROLE = "releases"


@dataclass(frozen=True, kw_only=True)
class RoleUpdate:
    """What became of the role. ``signed`` is False while ``missing`` signatures are missing."""

    released: Released
    changed: bool
    version: int
    signed: bool
    missing: int

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        released = self.released
        return {
            "tag": released.tag,
            "commit": released.commit,
            "sha256": released.sha256,
            "tro_sha256": released.tro_sha256,
            "channel": released.channel,
            "state": released.state,
            "claims": [str(claim) for claim in released.claims],
            "releases_version": self.version,
            "changed": self.changed,
            "signed": self.signed,
            "missing_signatures": self.missing,
        }


def read_releases(files: ChannelFiles) -> dict[str, Released]:
    """Return the releases that git holds, by tag, signed or in review. Raises FormatError."""
    return _releases(files.read(ROLE, Targets).signed, files)


def register(
    files: ChannelFiles, release: Release, signers: Signers, *, now: datetime
) -> RoleUpdate:
    """Add a release to the role, staged, and sign it and its statements with the keys here.

    One that is there already stays as it stands. Raises ReleaseError if it is there with another
    manifest: then the tag was moved; and if another commit is that version already, as v1.0.0
    beside 1.0.0.
    """
    metadata = release.manifest.build.metadata
    fresh = Released(
        country=release.country,
        tag=release.tag,
        sha256=release.sha256,
        size=len(release.data),
        tro_sha256=sha256_bytes(release.tro),
        commit=metadata.git_commit,
        channel=metadata.channel,
        statements_sha256=statements_digest(release.statements),
    )
    releases = read_releases(files)
    known = releases.get(release.tag)
    if known is None:
        _refuse_second(releases, fresh)
    if known is not None and not _is_same(known, fresh):
        raise moved_tag(known, sha256=fresh.sha256, commit=fresh.commit, channel=fresh.channel)
    registered = known or fresh
    if registered.statements_sha256 is not None:
        write_signed(files, registered, release.statements, signers)
    return _put(files, registered, signers, now)


def _is_same(known: Released, fresh: Released) -> bool:
    if (known.sha256, known.tro_sha256) != (fresh.sha256, fresh.tro_sha256):
        return False
    return known.statements_sha256 in (None, fresh.statements_sha256)


def _refuse_second(releases: dict[str, Released], fresh: Released) -> None:
    ours = check_tag(fresh.tag)
    for other in releases.values():
        theirs = check_tag(other.tag)
        same = (_meaning(ours.version), ours.dataset) == (_meaning(theirs.version), theirs.dataset)
        if same and other.commit != fresh.commit:
            raise ReleaseError(
                f"{other.tag} is released already, of commit {other.commit[:12]}: {fresh.tag} "
                f"would be another meaning of version {ours.version}",
                remedy="Use a new version for the new commit.",
            )
        if fresh.tag.casefold() == other.tag.casefold():
            raise ReleaseError(
                f"{other.tag} is released already: {fresh.tag} differs from it by case alone",
                remedy="Use another tag: on some file systems both would be one directory.",
            )


def _meaning(version: str) -> str:
    """Return what PEP 440 makes of a version: 1.78.2-rc1 and 1.78.2rc1 are the same."""
    try:
        return str(Version(version))
    except InvalidVersion:
        return version


def certify(
    files: ChannelFiles, tag: str, bundle: str, signers: Signers, *, now: datetime
) -> RoleUpdate:
    """Record that the policyengine.py bundle ``name@sha256:…`` certified a release.

    Raises NotFoundError for a release that is not registered.
    """
    known = registered(files, tag)
    bundles = tuple(sorted({*known.bundles, bundle}))
    return _put(files, replace(known, state="certified", bundles=bundles), signers, now)


def deprecate(
    files: ChannelFiles, tag: str, reason: str, signers: Signers, *, now: datetime
) -> RoleUpdate:
    """Record that a release should no longer be used, and why; it stays readable.

    Raises NotFoundError for a release that is not registered, FormatError without a reason.
    """
    if not reason.strip():
        raise FormatError(
            "a deprecation needs a reason", remedy="Say why, and what to use instead: --reason TEXT"
        )
    known = registered(files, tag)
    return _put(files, replace(known, state="deprecated", reason=reason), signers, now)


def claim(
    files: ChannelFiles, tag: str, added: AddedClaim, signers: Signers, *, now: datetime
) -> RoleUpdate:
    """Add a compatibility claim to a release, whose artifacts and manifest stay as they are.

    Raises NotFoundError for a release that is not registered.
    """
    known = registered(files, tag)
    claims = known.claims if added in known.claims else (*known.claims, added)
    return _put(files, replace(known, claims=claims), signers, now)


def registered(files: ChannelFiles, tag: str) -> Released:
    """Return a release that git holds. Raises NotFoundError."""
    known = read_releases(files).get(tag)
    if known is None:
        raise NotFoundError(
            f"{files.path(ROLE)} has no release {tag!r}",
            remedy=f"Run pe-dvc release create {tag}",
        )
    return known


def _put(files: ChannelFiles, released: Released, signers: Signers, now: datetime) -> RoleUpdate:
    """Write a release; the version goes up by one if it is new or stands otherwise than before."""
    delegator = SignedMetadata(files).targets.signed
    metadata = files.read(ROLE, Targets)
    path, target = released.target_path, released.to_target()
    held = metadata.signed.targets.get(path)
    changed = held is None or held.to_dict() != target
    if changed:
        next_version(metadata, delegator, ROLE, now=now)
        metadata.signed.targets[path] = TargetFile.from_dict(target, path)
    if signers.sign(delegator, ROLE, metadata) or changed:
        files.write(ROLE, metadata)
    result = signatures(delegator, ROLE, metadata)
    return RoleUpdate(
        released=released,
        changed=changed,
        version=metadata.signed.version,
        signed=result.verified,
        missing=result.missing,
    )


def _releases(targets: Targets, files: ChannelFiles) -> dict[str, Released]:
    plain = {path: target.to_dict() for path, target in targets.targets.items()}
    return releases_of(plain, country=files.country, where=str(files.path(ROLE)))
