"""What the files of channels in a bucket point to, verified or not: ``fsck`` and ``gc`` ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.documents.bins import bins_of
from pe_dvc.documents.keys import bin_key
from pe_dvc.primitives.digest import check_sha256, sha256_bytes
from pe_dvc.primitives.errors import FormatError, PeDvcError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.usecases.retention.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

    from pe_dvc.documents.bins import Bin, Bins
    from pe_dvc.usecases.retention.findings import Fault

_RESTORE = "Nothing was removed. Restore it."


def read_channels(
    keys: Iterable[str],
    country: str,
    there: Container[str],
    read: Callable[[str], bytes],
) -> tuple[dict[str, bytes], list[Finding]]:
    """Return channels' files by their ``keys``, with those of their bins, and what is wrong there.

    ``there`` are the keys that the bucket has; ``read`` reads one.
    """
    channels = {key: read(key) for key in keys}
    found: dict[str, bytes] = {}
    faults: dict[str, Finding] = {}
    for key, data in channels.items():
        try:
            wanted = bins_in({key: data}, country)
        except FormatError:
            continue  # the file is found to be corrupt where its pointers are read
        for one in wanted.keys() - found.keys() - faults.keys():
            if one not in there:
                faults[one] = _fault("missing", one, f"{key} lists it")
                continue
            held = read(one)
            actual = sha256_bytes(held)
            if actual == wanted[one]:
                found[one] = held
                continue
            detail = f"expected sha256:{wanted[one]}, got sha256:{actual}"
            faults[one] = _fault("corrupt", one, detail)
    return {**channels, **found}, list(faults.values())


def bins_in(channels: Mapping[str, bytes], country: str) -> dict[str, str]:
    """Return the keys of the bins that channels' files, by key, list, each with the sha256.

    Raises FormatError.
    """
    found = {}
    for key, data in channels.items():
        for one in listed_bins(data, where=key):
            found[bin_key(country, one.sha256)] = str(one.sha256)
    return found


def targets_of(data: bytes, *, where: str) -> dict[str, Any]:
    """Return the pointers of a channel's metadata, or of a bin, as targets, unverified.

    Metadata that lists bins has none itself. Raises FormatError.
    """
    document = _document(data, where)
    try:
        if _bins_of(document, where) is not None:
            return {}
        signed = document.get("signed", document)
        targets: dict[str, Any] = signed["targets"]
        for target in targets.values():
            check_sha256(target["hashes"]["sha256"], where=where)
            check_sha256(target["custom"]["manifest_sha256"], where=where)
    except PeDvcError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FormatError("is not a channel's metadata", where=where, remedy=_RESTORE) from None
    return targets


def listed_bins(data: bytes, *, where: str) -> list[Bin]:
    """Return the bins that a channel's metadata lists, unverified. Raises FormatError."""
    bins = _bins_of(_document(data, where), where)
    return [] if bins is None else list(bins.held.values())


def _fault(fault: Fault, key: str, detail: str) -> Finding:
    return Finding(fault=fault, key=key, what="channel", detail=detail)


def _document(data: bytes, where: str) -> Any:
    return read_json(data, what="a channel's metadata", where=where, remedy=_RESTORE)


def _bins_of(document: Any, where: str) -> Bins | None:
    signed = document.get("signed") if isinstance(document, dict) else None
    targets = signed.get("targets") if isinstance(signed, dict) else None
    if not isinstance(signed, dict) or not isinstance(targets, dict):
        return None
    return bins_of(signed, targets, where=where)
