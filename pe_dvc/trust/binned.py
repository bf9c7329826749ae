"""A channel whose pointers are in bins: whole in git and in memory, in parts in the bucket.

What is signed is the small form, which lists the bins. It follows from the pointers, so that git
has them in one file that people review and merge, ``next_version`` and all that follows work as
ever, and one signature covers all of it. ADR 0033.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.documents.bins import BINS_FIELD, SEGMENT, bins_of, bits_for, check_bits, split
from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import VerificationError
from pe_dvc.trust.bin_files import fetch_all, remember
from pe_dvc.trust.roles import TAMPERED
from pe_dvc.trust.tuf_api import Metadata, TargetFile, Targets

if TYPE_CHECKING:
    from pe_dvc.store.port import ReadableStore

MARK = f'"{BINS_FIELD}"'.encode()
"""What stands in every file of a channel in bins."""

WHOLE_LIMIT = 64 * 1024 * 1024
"""Most bytes of the file of such a channel in git. No reader of the bucket reads it."""


class BinnedTargets(Targets):
    """The metadata of a channel in bins, with all its pointers; ``to_dict`` lists the bins."""

    _made: tuple[int, dict[str, TargetFile], dict[str, Any], dict[Sha256, bytes]] | None = None

    @classmethod
    def of(cls, signed: Targets, bits: int) -> BinnedTargets:
        """Return a channel's metadata, with its pointers in bins by so many bits."""
        fields = {**signed.unrecognized_fields, BINS_FIELD: bits}
        return cls(
            signed.version,
            signed.spec_version,
            signed.expires,
            signed.targets,
            signed.delegations,
            fields,
        )

    @property
    def bits(self) -> int:
        """By how many bits the pointers are told apart."""
        return check_bits(self.unrecognized_fields[BINS_FIELD], where="a channel in bins")

    @property
    def bins(self) -> dict[Sha256, bytes]:
        """The files of the bins, by their sha256."""
        return self._parts()[1]

    def whole(self) -> dict[str, Any]:
        """Return the metadata with all pointers, as git has it."""
        return super().to_dict()

    def to_dict(self) -> dict[str, Any]:
        """Return the metadata that lists the bins: what is signed."""
        return {**self.whole(), "targets": self._parts()[0]}

    def rebin(self) -> None:
        """Choose the number of bins again, for as many pointers as there are."""
        self.unrecognized_fields[BINS_FIELD] = bits_for(len(self.targets), self.bits)

    def _parts(self) -> tuple[dict[str, Any], dict[Sha256, bytes]]:
        """Return what lists the bins, and the bins. It is asked for at each signature's check."""
        if self._made is None or self._made[:2] != (self.bits, self.targets):
            listed, files = split(self.whole()["targets"], self.bits)
            bins = {sha256_bytes(data): data for data in files}
            for sha256, data in bins.items():
                remember(sha256, data)
            self._made = self.bits, dict(self.targets), listed, bins
        return self._made[2], self._made[3]


def unbinned(signed: Targets) -> Targets:
    """Return a channel's metadata with its pointers in one file, as of an earlier pe_dvc."""
    fields = {name: one for name, one in signed.unrecognized_fields.items() if name != BINS_FIELD}
    return Targets(
        signed.version,
        signed.spec_version,
        signed.expires,
        signed.targets,
        signed.delegations,
        fields,
    )


def recognized(signed: Targets, *, where: str) -> Targets:
    """Return metadata that was just read, as ``BinnedTargets`` if it is git's whole form.

    Raises FormatError.
    """
    if BINS_FIELD not in signed.unrecognized_fields:
        return signed
    bits = check_bits(signed.unrecognized_fields[BINS_FIELD], where=where)
    if lists_bins(signed):
        return signed
    return BinnedTargets.of(signed, bits)


def lists_bins(signed: Targets) -> bool:
    """Tell whether metadata lists bins, whose pointers are yet to be read."""
    fields, first = signed.unrecognized_fields, next(iter(signed.targets), "")
    return SEGMENT in first and bins_of(fields, _plain(signed), where="") is not None


def joined(signed: Targets, store: ReadableStore, country: str, *, where: str) -> Targets:
    """Return metadata from a bucket with all its pointers, read from the bins that it lists.

    Raises VerificationError for a bin that is missing or altered, FormatError, StoreError.
    """
    if not lists_bins(signed):
        return signed
    bins = bins_of(signed.unrecognized_fields, _plain(signed), where=where)
    assert bins is not None
    targets = fetch_all(store, country, bins)
    whole = BinnedTargets.of(signed, bins.bits)
    try:
        whole.targets = {
            path: TargetFile.from_dict(dict(one), path) for path, one in targets.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):  # as python-tuf refuses a target
        raise VerificationError(
            f"{where} lists a bin that has something else than pointers", remedy=TAMPERED
        ) from None
    if whole.to_dict() != signed.to_dict():
        raise VerificationError(
            f"{where} lists bins that are not those of the pointers in them", remedy=TAMPERED
        )
    return whole


def joined_metadata(
    metadata: Metadata[Targets], store: ReadableStore, country: str, *, where: str
) -> Metadata[Targets]:
    """Return ``joined`` metadata with its signatures. Raises as ``joined``."""
    whole = joined(metadata.signed, store, country, where=where)
    return Metadata(whole, metadata.signatures)


def git_form(metadata: Metadata[Any]) -> bytes:
    """Return the file of metadata as git has it: with all pointers."""
    document: dict[str, Any] = metadata.to_dict()
    if isinstance(metadata.signed, BinnedTargets):
        document["signed"] = metadata.signed.whole()
    return readable_json(document)


def for_git(metadata: Metadata[Any], data: bytes) -> bytes:
    """Return the file that git has of ``metadata``, whose file in the bucket is ``data``."""
    return git_form(metadata) if isinstance(metadata.signed, BinnedTargets) else data


def _plain(signed: Targets) -> dict[str, Any]:
    return {path: target.to_dict() for path, target in signed.targets.items()}
