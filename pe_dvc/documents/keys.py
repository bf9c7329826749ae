"""Where everything lies in the bucket. Keys are relative to the store's root.

Layout: ADR 0002. No other module makes a key or takes one apart. Every part that becomes a key
is checked here, so that no name can climb out of its country's prefix.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from pe_dvc.documents.dvc_hash import OBJECTS, bare_md5, is_listing, object_key
from pe_dvc.documents.release_tag import check_tag
from pe_dvc.primitives.digest import Sha256, check_sha256
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.names import COUNTRY_PATTERN, check_country, check_name

RELEASE_MANIFEST = "release_manifest.json"
TRO = "trace.tro.jsonld"
STATEMENTS = "release_manifest.intoto.jsonl"
"""The signed in-toto statements of a release: releases that were registered without have none."""
LOG_PROOF = "release_manifest.tlog-proof"
"""In an export: proof that the signed releases are in the channel's log (ADR 0039)."""
RELEASE_FILES = (RELEASE_MANIFEST, TRO, STATEMENTS)

MANIFEST_LIMIT = 64 * 1024 * 1024
"""Bytes beyond which no small document (manifest, chunk list, metadata) is read from a bucket."""

LISTING_LIMIT = 256 * 1024 * 1024
"""Bytes beyond which no object is read as DVC's listing of a directory."""

Kind = Literal["manifest", "chunks", "members", "sidecar", "tombstone", "listing", "payload"]


class ObjectKey(NamedTuple):
    """What a key means. ``digest`` is the artifact's sha256, of ``PAYLOADS`` DVC's md5."""

    kind: Kind
    digest: str


PAYLOADS: tuple[Kind, ...] = ("listing", "payload")
"""The kinds of object that are DVC's, and named by its md5 (without the suffix ``.dir``)."""

SIDECARS: tuple[Kind, ...] = ("chunks", "members", "sidecar")
"""The kinds that lie beside a manifest and describe its artifact."""

_BY_SHA256: dict[Kind, str] = {
    "manifest": ".manifest.json",
    "chunks": ".chunks",
    "members": ".members",
    "tombstone": ".tombstone.json",
}
_KINDS: dict[str, Kind] = {suffix: kind for kind, suffix in _BY_SHA256.items()}
# Texts, which `re` compiles once they are used: who only reads takes no key apart.
_SHA256_KEY = rf"{COUNTRY_PATTERN}/[0-9a-f]{{2}}/([0-9a-f]{{64}})(\.[a-z.]+)"
_NAMED_KEY = (
    rf"{COUNTRY_PATTERN}/[0-9a-f]{{2}}/([0-9a-f]{{64}})(?:\.[A-Za-z0-9_-]+){{1,3}}\.manifest\.json"
)
_CONTENT_KEY = (
    rf"{COUNTRY_PATTERN}/[0-9a-f]{{2}}/([0-9a-f]{{64}})\.[0-9a-f]{{64}}\.[a-z]{{2,32}}\.json"
)
_MD5_KEY = rf"{COUNTRY_PATTERN}/{OBJECTS}([0-9a-f]{{2}})/([0-9a-f]{{30}}(?:\.dir)?)"


_COUNTRY_KEY = rf"(?:channels/)?({COUNTRY_PATTERN})/"
_RELEASE_KEY = rf"{COUNTRY_PATTERN}/releases/[^/]+/(?:{'|'.join(RELEASE_FILES)})"
_LOCK_KEY = rf"{COUNTRY_PATTERN}/locks/"
_ANY_METADATA_KEY = rf"channels/{COUNTRY_PATTERN}/(?:[1-9][0-9]*\.)?[a-z]+\.json"
_METADATA_KEY = rf"channels/{COUNTRY_PATTERN}/([1-9][0-9]*)\.([a-z]+)\.json"


def parse_key(key: str) -> ObjectKey | None:
    """Return what an object below a country's prefix is, None for what belongs to no artifact."""
    if match := re.fullmatch(_MD5_KEY, key):
        md5 = match[1] + match[2]
        return ObjectKey("listing" if is_listing(md5) else "payload", bare_md5(md5))
    if match := re.fullmatch(_NAMED_KEY, key):
        return ObjectKey("manifest", match[1])
    if match := re.fullmatch(_CONTENT_KEY, key):
        return ObjectKey("sidecar", match[1])
    match = re.fullmatch(_SHA256_KEY, key)
    if match is None or match[2] not in _KINDS:
        return None
    return ObjectKey(_KINDS[match[2]], match[1])


def country_of(key: str) -> str | None:
    """Return the country that an object belongs to, None for a key of another form."""
    match = re.match(_COUNTRY_KEY, key)
    return match[1] if match else None


def country_prefix(country: str) -> str:
    """Prefix of all objects of a country but its channels, with its final slash.

    It is the DVC remote as well: an object of DVC's has there the key that follows the prefix.
    """
    return f"{check_country(country)}/"


def payload_prefix(country: str) -> str:
    """Prefix of all payloads and listings of a country, with its final slash."""
    return f"{country_prefix(country)}{OBJECTS}"


def payload_key(country: str, dvc_md5: str) -> str:
    """Key of a payload as DVC lays it out below the remote ``<bucket>/<country>``.

    ``dvc_md5`` is DVC's hash value, with its suffix ``.dir`` for a directory's listing.
    """
    return f"{country_prefix(country)}{object_key(dvc_md5)}"


def manifest_key(country: str, sha256: Sha256, name: str | None = None) -> str:
    """Key of the manifest of the artifact with that sha256.

    ``name`` is the dataset's where the same bytes were published under another name first.
    """
    key = _by_sha256(country, sha256, "manifest")
    if name is None:
        return key
    stem, dot, suffix = key.partition(".")
    # Names have no dot, so that each has a key of its own.
    return f"{stem}.{check_name(name).replace('/', '.')}{dot}{suffix}"


def chunks_key(country: str, sha256: Sha256) -> str:
    """Key of the list of chunk digests of the artifact with that sha256."""
    return _by_sha256(country, sha256, "chunks")


def members_key(country: str, sha256: Sha256) -> str:
    """Key of the list of files of the directory with that identity."""
    return _by_sha256(country, sha256, "members")


def content_key(country: str, sha256: Sha256, kind: str, sidecar: Sha256) -> str:
    """Key of a sidecar that says more of an artifact's content, such as its ``profile``.

    It has the sidecar's own sha256, too: the same bytes under another name, or described by a
    newer pe_dvc, have another one, and a key is written once.
    """
    check_sha256(sha256)
    return f"{country_prefix(country)}{sha256[:2]}/{sha256}.{check_sha256(sidecar)}.{kind}.json"


def tombstone_key(country: str, sha256: Sha256) -> str:
    """Key of the tombstone of the artifact with that sha256, present once it is revoked."""
    return _by_sha256(country, sha256, "tombstone")


def releases_prefix(country: str) -> str:
    """Prefix of the documents of all releases of a country, with its final slash."""
    return f"{country_prefix(country)}releases/"


def release_key(country: str, tag: str, file: str) -> str:
    """Key of a release's ``file``, one of ``RELEASE_FILES``. Raises ReleaseError for the tag."""
    if file not in RELEASE_FILES:
        raise FormatError(f"{file!r} is not a file of a release: {', '.join(RELEASE_FILES)}")
    return f"{releases_prefix(country)}{check_tag(tag)}/{file}"


def is_release_file(key: str) -> bool:
    """Tell whether a key is of a document of a release."""
    return re.fullmatch(_RELEASE_KEY, key) is not None


def channel_prefix(country: str) -> str:
    """Prefix below which a country's TUF metadata lies, with its final slash."""
    return f"channels/{check_country(country)}/"


def metadata_key(country: str, role: str, version: int | None = None) -> str:
    """Key of a TUF role's metadata; without a version, of the unversioned file."""
    prefix = "" if version is None else f"{version}."
    return f"{channel_prefix(country)}{prefix}{role}.json"


def metadata_version(key: str) -> tuple[str, int] | None:
    """Return the role and the version whose metadata a key is of, None for an unversioned file."""
    match = re.fullmatch(_METADATA_KEY, key)
    return (match[2], int(match[1])) if match else None


def bins_prefix(country: str) -> str:
    """Prefix of the bins of a country's large channels, with its final slash."""
    return f"{channel_prefix(country)}bins/"


def bin_key(country: str, sha256: Sha256) -> str:
    """Key of the bin of a channel with that sha256 (``documents.bins``)."""
    return f"{bins_prefix(country)}{check_sha256(sha256)}.json"


def log_prefix(country: str, number: int = 1) -> str:
    """Prefix of a country's log, with its final slash; those begun again have a number each."""
    return f"{channel_prefix(country)}log/" + ("" if number == 1 else f"{number}/")


def log_key(country: str, path: str, number: int = 1) -> str:
    """Key of a tile of a country's log, by its path below the log."""
    return f"{log_prefix(country, number)}{path}"


def checkpoint_key(country: str, number: int = 1) -> str:
    """Key of the checkpoint of a country's log, for others: nothing of pe_dvc reads it."""
    return log_key(country, "checkpoint", number)


def is_metadata(key: str) -> bool:
    """Tell whether a key is of signed metadata, of a version or unversioned."""
    return re.fullmatch(_ANY_METADATA_KEY, key) is not None


def mirror_key(country: str) -> str:
    """Key of what a mirror says of itself (``documents.mirror_note``); the origin has none."""
    return f"{country_prefix(country)}mirror.json"


def locks_prefix(country: str) -> str:
    """Prefix of the locks that publishers and the garbage collector hold, with its final slash."""
    return f"{country_prefix(country)}locks/"


def is_lock(key: str) -> bool:
    """Tell whether a key is of a lock."""
    return re.match(_LOCK_KEY, key) is not None


def collector_lock_key(country: str) -> str:
    """Key of the lock of the garbage collector, of which there is one at a time."""
    return f"{locks_prefix(country)}gc.json"


def publisher_lock_key(country: str, publisher: str) -> str:
    """Key of the lock of one of many publishers, ``publisher`` being its own random name."""
    return f"{locks_prefix(country)}publisher-{publisher}.json"


def _by_sha256(country: str, sha256: Sha256, kind: Kind) -> str:
    check_sha256(sha256)
    return f"{country_prefix(country)}{sha256[:2]}/{sha256}{_BY_SHA256[kind]}"
