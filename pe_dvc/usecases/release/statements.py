"""The signed statements of releases: in git beside the ``releases`` role, and in the bucket.

The role signs the digest of the statements, and each statement is signed once more by itself, for
who knows in-toto and not pe_dvc. ADR 0038.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.in_toto import statements_digest
from pe_dvc.documents.keys import MANIFEST_LIMIT, STATEMENTS, release_key
from pe_dvc.documents.release_target import releases_of
from pe_dvc.documents.statement_bundle import SignedStatement, read_statements, write_statements
from pe_dvc.primitives.digest import check_promised
from pe_dvc.primitives.errors import (
    ConflictError,
    FormatError,
    NotFoundError,
    ReleaseError,
    SignatureError,
    VerificationError,
)
from pe_dvc.trust.ancestry import plain
from pe_dvc.trust.envelopes import check_envelopes, sign_statements
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.verify import signatures
from pe_dvc.usecases.release.moved_tag import MOVED_TAG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.documents.release_target import Released
    from pe_dvc.store.port import ReadableStore, Store
    from pe_dvc.trust.files import ChannelFiles
    from pe_dvc.trust.signers import Signers
    from pe_dvc.trust.tuf_api import Root, Targets

ROLE = "releases"


def write_signed(
    files: ChannelFiles, released: Released, payloads: Sequence[bytes], signers: Signers
) -> bool:
    """Write the statements of a release into git, signed by the keys here; tell if that was new.

    What others signed of the same statements stays.
    """
    delegator = SignedMetadata(files).delegator(ROLE)
    try:
        held = _of_git(files, released)
    except (NotFoundError, VerificationError, FormatError):
        held = [SignedStatement(payload=payload) for payload in payloads]
    return _write(files, released, sign_statements(held, delegator, ROLE, signers))


def sign_registered(files: ChannelFiles, signers: Signers) -> list[str]:
    """Sign the statements of the registered releases by the keys here; return the tags signed.

    A key signs them only where it signed the role that names them: what it did not sign, its holder
    may never have seen. Those that git lacks are passed over: a push that needs them says so.
    Raises VerificationError for statements that are not those that the role names.
    """
    metadata = SignedMetadata(files)
    delegator, role = metadata.delegator(ROLE), metadata.role(ROLE)
    keyids = signatures(delegator, ROLE, role).signed.keys()
    tags = []
    for tag, released in _registered(role.signed, files).items():
        if released.statements_sha256 is None:
            continue
        try:
            held = _of_git(files, released)
        except NotFoundError:
            continue
        signed = sign_statements(held, delegator, ROLE, signers, keyids=keyids)
        if signed != held and _write(files, released, signed):
            tags.append(tag)
    return tags


def publish_statements(store: Store, metadata: SignedMetadata, released: Released) -> str | None:
    """Bring the statements of a release that git holds to the bucket; return the key, if written.

    Statements there that are whole and signed stay. Others are replaced: they may be signed by
    keys that were replaced since. Raises as ``check_envelopes``, NotFoundError for what git lacks.
    """
    if released.statements_sha256 is None or is_published(store, metadata, released):
        return None
    files = metadata.files
    held = _of_git(files, released)
    where = str(files.statements_path(released.tag))
    check_envelopes(held, metadata.delegator(ROLE), ROLE, where=where)
    key, data = release_key(released.country, released.tag, STATEMENTS), write_statements(held)
    try:
        store.create(key, data)
    except ConflictError:
        store.compare_and_swap(key, data, store.head(key).etag)
    return key


def is_published(store: ReadableStore, metadata: SignedMetadata, released: Released) -> bool:
    """Tell whether the bucket has the statements of a release, signed by today's keys."""
    try:
        read_published_statements(store, metadata.delegator(ROLE), released)
    except (NotFoundError, FormatError, VerificationError):
        return False
    return True


def read_published_statements(
    store: ReadableStore, delegator: Root | Targets, released: Released
) -> bytes:
    """Return the file of the statements of a release as published, verified.

    ``delegator`` names the keys of the role. Raises NotFoundError if it is gone, FormatError,
    SignatureError, and DigestMismatchError for other statements than the role signed.
    """
    key = release_key(released.country, released.tag, STATEMENTS)
    where = f"{store.url}/{key}"
    try:
        data, _ = store.read(key, limit=MANIFEST_LIMIT)
    except NotFoundError:
        raise NotFoundError(
            f"{where} does not exist, and the release has statements",
            remedy=f"Run pe-dvc release push {released.tag}",
        ) from None
    statements = read_statements(data, where=where)
    check_statements(statements, released, where)
    check_envelopes(statements, delegator, ROLE, where=where)
    return data


def check_published(
    store: ReadableStore,
    metadata: SignedMetadata,
    released: Released,
    payloads: Sequence[bytes],
) -> int:
    """Prove the published statements of a release against those that git gives; return how many.

    0 for a release that has none. Raises as ``read_published_statements``, and ReleaseError
    where git gives others.
    """
    if released.statements_sha256 is None:
        return 0
    read_published_statements(store, metadata.delegator(ROLE), released)
    if statements_digest(payloads) != released.statements_sha256:
        raise ReleaseError(
            f"the statements of release {released.tag} are signed, and git gives others: the tag "
            "was moved, or another version of pe_dvc made them",
            remedy=MOVED_TAG,
        )
    return len(payloads)


def signed_in_git(metadata: SignedMetadata, released: Released) -> bytes | None:
    """Return the file of the statements of a release in git, None unless enough have signed."""
    if released.statements_sha256 is None:
        return None
    try:
        held = _of_git(metadata.files, released)
        where = str(metadata.files.statements_path(released.tag))
        check_envelopes(held, metadata.delegator(ROLE), ROLE, where=where)
    except (NotFoundError, SignatureError):
        return None
    return write_statements(held)


def is_signed(metadata: SignedMetadata) -> bool:
    """Tell whether enough keys signed the releases in git."""
    try:
        metadata.verified(ROLE)
    except SignatureError:
        return False
    return True


def _of_git(files: ChannelFiles, released: Released) -> list[SignedStatement]:
    where = str(files.statements_path(released.tag))
    statements = read_statements(files.read_statements(released.tag), where=where)
    check_statements(statements, released, where)
    return statements


def check_statements(statements: Sequence[SignedStatement], released: Released, where: str) -> None:
    """Raise DigestMismatchError unless these are the statements that the role signed."""
    lines = b"".join(statement.payload + b"\n" for statement in statements)
    assert released.statements_sha256 is not None  # asked before
    what = f"statements of release {released.tag}"
    check_promised(lines, released.statements_sha256, what=what, by="signed", source=where)


def _write(files: ChannelFiles, released: Released, signed: Sequence[SignedStatement]) -> bool:
    data = write_statements(signed)
    try:
        if files.read_statements(released.tag) == data:
            return False
    except NotFoundError:
        pass
    files.write_statements(released.tag, data)
    return True


def _registered(targets: Targets, files: ChannelFiles) -> dict[str, Released]:
    return releases_of(plain(targets), country=files.country, where=str(files.path(ROLE)))
