"""Resolve a reference: find its signed pointer, then the verified manifest.

Only metadata is read, no payload. Each step verifies the next: the channel's signatures cover the
pointer, and the pointer has the sha256 of the manifest and of the artifact.
"""

from __future__ import annotations

import posixpath
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.keys import manifest_key
from pe_dvc.documents.payload import HARMLESS_SUFFIXES, Payload
from pe_dvc.documents.pointed_file import PointedFile
from pe_dvc.primitives.errors import (
    FormatError,
    NotFoundError,
    PeDvcError,
    UntrustedError,
)
from pe_dvc.primitives.names import say_which_there_are
from pe_dvc.primitives.reference import CHANNELS, Reference
from pe_dvc.primitives.result import json_value
from pe_dvc.primitives.sizes import bytes_text
from pe_dvc.store.cache import cached_suffix
from pe_dvc.store.several import first_good
from pe_dvc.usecases.read.found_manifest import (
    FoundManifest,
    LaterManifest,
    check_artifact,
    find_pin,
    read_pin,
    signed_manifest,
)

if TYPE_CHECKING:
    from datetime import datetime

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.cache import Cache
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.usecases.read.channels import Channels, Refuse
    from pe_dvc.usecases.read.snapshot import Snapshot


UNSIGNED = "UNVERIFIED: a pin verifies the bytes, and not this description of them"


@dataclass(frozen=True, kw_only=True, repr=False)
class Resolved:
    """What a reference means now: an artifact's payload, and the manifest that describes it.

    ``pointer`` is the signed pointer that was followed, None for a pinned reference. Then the bytes
    are still verified against the pin, but what the manifest says about them is not signed.
    """

    reference: Reference
    payload: Payload
    _description: FoundManifest | LaterManifest
    pointer: Pointer | None
    directory: Payload | None = None
    """The directory that ``payload`` is a file of, if the reference names a member."""
    not_revoked_as_of: datetime | None = None
    """When it was last verified as not revoked (UTC); None where that cannot be known here."""
    snapshot: Snapshot | None = field(default=None, compare=False)
    """What other processes and machines need to read it."""

    def __repr__(self) -> str:
        signed = "signed" if self.manifest_verified else "its manifest is not signed"
        size = bytes_text(self.payload.size)
        return f"<Resolved {self.reference}: sha256:{self.sha256[:12]}…, {size}, {signed}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the manifest, and whether it is signed."""
        from pe_dvc.primitives.html_table import html_table

        unsigned = "" if self.manifest_verified else UNSIGNED
        return html_table([(str(self.reference), unsigned)]) + self.manifest._repr_html_()

    @property
    def document(self) -> bytes:
        """The bytes of the manifest. Raises as ``resolve`` if it has not been read yet."""
        return self._description.data

    @property
    def source(self) -> str:
        """The address of the manifest. Raises as ``document``."""
        return self._description.source

    @cached_property
    def manifest(self) -> Manifest:
        """The whole manifest: tables, entities, inputs, build. Raises FormatError."""
        from pe_dvc.documents.manifest import Manifest

        return Manifest.from_bytes(self.document, where=self.source)

    @cached_property
    def plain_manifest(self) -> Manifest:
        """The same without pydantic (``documents.plain_record``), for callers that only show it."""
        from pe_dvc.documents.plain_record import read_plain_manifest

        return read_plain_manifest(self.document, where=self.source)

    def to_json(self) -> dict[str, Any]:
        """Return the pinned reference and the manifest as plain JSON values."""
        return {
            "reference": str(self.pinned),
            "manifest": self.plain_manifest.to_json(),
            "manifest_verified": self.manifest_verified,
            "not_revoked_as_of": json_value(self.not_revoked_as_of),
        }

    @property
    def manifest_verified(self) -> bool:
        """Whether a signature covers what the manifest says: names, schema, inputs and size.

        For a pin it does not: that verifies the artifact's bytes, and anyone who can write to the
        bucket may have written the manifest.
        """
        return self.pointer is not None

    @property
    def file_name(self) -> str:
        """The file name for a copy: that in the data repo if verified.

        Otherwise the name in the reference, with one of a few harmless suffixes.
        """
        if self.manifest_verified:
            return posixpath.basename(self.payload.path)
        return posixpath.basename(self.reference.name) + self.suffix

    @property
    def suffix(self) -> str:
        """The suffix of the artifact's file, such as ``.parquet``; may be empty."""
        suffix = cached_suffix(self.payload.path)
        return suffix if self.manifest_verified or suffix in HARMLESS_SUFFIXES else ""

    @property
    def sha256(self) -> Sha256:
        """The identity of the artifact."""
        return self.payload.sha256

    @property
    def pinned(self) -> Reference:
        """The pinned reference, which always means these bytes."""
        asked, sha256 = self.reference, (self.directory or self.payload).sha256
        return Reference(country=asked.country, name=asked.name, sha256=sha256, member=asked.member)

    @property
    def pin(self) -> str:
        """The pinned reference as text, for papers, pandas and everything that reads references."""
        return str(self.pinned)


def resolve(
    reference: Reference,
    *,
    store: ReadableStore,
    channels: Channels | None,
    cache: Cache,
    refuse: Refuse,
    offline: bool = False,
    for_bytes: bool = False,
) -> Resolved:
    """Return which dataset ``reference`` means; ``members.resolve_member`` finds a file in it.

    With ``for_bytes`` the manifest is not read if the signed pointer says what a download needs. It
    is read and verified when something asks for it.

    ``refuse`` raises RevokedError for a revoked artifact before anything of it is read.
    ``channels`` may be None for a pinned reference only. With ``offline`` the manifest of a pin
    must have been read before. Raises NotFoundError (no such dataset, manifest
    or release), VerificationError (the bucket shows something that was not signed) and StoreError.
    """
    if reference.sha256 is not None:
        as_of = refuse(str(reference), reference.sha256)
        sha256, find = reference.sha256, find_pin if offline else read_pin

        def shown(one: ReadableStore) -> Resolved:
            return described_by(reference, sha256, find(reference, sha256, one, cache), None)

        found = shown(store) if offline else first_good(store, shown)
        return replace(found, not_revoked_as_of=as_of)
    if channels is None:
        raise UntrustedError(f"{reference} cannot be verified without the country's channels")
    pointer = _signed_pointer(reference, store, channels, cache)
    return resolve_pointer(
        reference, pointer, store=store, cache=cache, refuse=refuse, for_bytes=for_bytes
    )


def _signed_pointer(
    reference: Reference, store: ReadableStore, channels: Channels, cache: Cache
) -> Pointer:
    if reference.channel is None:
        from pe_dvc.usecases.read.resolve_release import released_pointer

        return released_pointer(reference, channels.releases(), store=store, cache=cache)
    pointer = channels.lookup(reference.channel, reference.name)
    if pointer is None:
        raise _no_such_dataset(reference, channels)
    return pointer


def resolve_pointer(
    reference: Reference,
    pointer: Pointer,
    *,
    store: ReadableStore,
    cache: Cache,
    refuse: Refuse,
    for_bytes: bool = False,
) -> Resolved:
    """Return what a signed pointer means. Raises as ``resolve``."""
    as_of = refuse(str(reference), pointer.sha256)
    expected = pointer.manifest_sha256

    def described() -> Resolved:
        kept = cache.read_manifest(expected)
        if kept is not None:
            source = f"{store.url}/{manifest_key(reference.country, pointer.sha256)}"
            found = FoundManifest(kept, source)
        else:
            found = first_good(store, lambda one: signed_manifest(reference, pointer, one))
            cache.keep_manifest(expected, found.data)
        resolved = described_by(reference, pointer.sha256, found, pointer)
        return replace(resolved, not_revoked_as_of=as_of)

    def described_later() -> FoundManifest:
        refuse(str(reference), pointer.sha256)
        resolved = described()
        return FoundManifest(resolved.document, resolved.source)

    payload = pointer.payload
    if not for_bytes or payload is None:
        return described()
    return Resolved(
        reference=reference,
        payload=payload,
        _description=LaterManifest(described_later),
        pointer=pointer,
        not_revoked_as_of=as_of,
    )


def described_by(
    reference: Reference, sha256: Sha256, found: FoundManifest, pointer: Pointer | None
) -> Resolved:
    """Return what a manifest describes. This does not check that it is the signed one.

    Raises FormatError, DigestMismatchError for another artifact than the one asked for, and
    VerificationError if the pointer contradicts the manifest.
    """
    payload = Payload.of_manifest(found.data, where=found.source)
    if (payload.country, payload.name) != (reference.country, reference.name):
        meant = Reference.pinned(payload.country, payload.name, payload.sha256)
        raise FormatError(
            f"this is the manifest of {payload.country}/{payload.name}, and "
            f"{reference.country}/{reference.name} was asked for",
            where=found.source,
            remedy=f"Ask for {meant}.",
        )
    check_artifact(payload, reference, sha256, found.source)
    if pointer is not None:
        pointer.check_described(PointedFile.of(payload), payload.size, who=str(reference))
    return Resolved(reference=reference, payload=payload, _description=found, pointer=pointer)


def _no_such_dataset(reference: Reference, channels: Channels) -> NotFoundError:
    names = [pointer.name for pointer in channels.pointers(str(reference.channel))]
    return NotFoundError(
        f"channel {reference.channel} of {reference.country} has no dataset {reference.name!r}",
        remedy=_in_other_channel(reference, channels) or say_which_there_are(reference.name, names),
    )


def _in_other_channel(reference: Reference, channels: Channels) -> str | None:
    """Return where the dataset is instead, None if it is in no other channel."""
    for other in CHANNELS:
        with suppress(PeDvcError):  # of a channel that was never published
            if other != reference.channel and channels.lookup(other, reference.name):
                return f"It is in {other}: {replace(reference, channel=other)}"
    return None
