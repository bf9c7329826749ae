"""The roots of trust that a reader has pinned, one file for each country.

A pinned root is the trusted root metadata of the TUF specification
(https://theupdateframework.github.io/specification/v1.0.33/, 5.2), which it supposes to come
with the client: here a person pins it, by file and fingerprint. From there on its chain of signed
successors is followed (5.3), and no other root is trusted.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.digest import Sha256, check_sha256
from pe_dvc.primitives.errors import (
    ConflictError,
    DigestMismatchError,
    FormatError,
    NotFoundError,
)
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.names import check_country

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.primitives.errors import PeDvcError
    from pe_dvc.store.confined import ConfinedTree
    from pe_dvc.store.port import ObjectSource, ReadableStore

_SUFFIX = ".root.json"
_SEEN_SUFFIX = ".seen.json"


def pin_root(config_dir: Path, country: str, root: bytes, expected: str | None = None) -> Sha256:
    """Trust ``root``, a root.json, for ``country``, and return its fingerprint.

    ``expected`` is the fingerprint that it must have. Replaces an earlier pin. Raises
    DigestMismatchError, and FormatError or SignatureError for bytes that are not a root signed
    by a threshold of its own keys.
    """
    from pe_dvc.documents.metadata_fields import COUNTRY_FIELD
    from pe_dvc.trust.verify import fingerprint, verify_root_chain

    check_country(country)
    actual = fingerprint(root)
    if expected is not None and check_sha256(expected.removeprefix("sha256:")) != actual:
        raise DigestMismatchError(
            what=f"the root of {country}",
            expected=f"fingerprint {expected}",
            actual=actual,
            source="the file given",
            remedy="Do not trust it: ask the maintainers of the data which root is theirs.",
        )
    (metadata,) = verify_root_chain([root], where=f"the root of {country}")
    meant = metadata.signed.unrecognized_fields.get(COUNTRY_FIELD, country)
    if meant != country:
        raise FormatError(
            f"this is the root of {meant}, not of {country}",
            remedy=f"Run pe-dvc trust add {meant}, or get the root of {country}.",
        )
    _pins(config_dir).write(_name(country), root, durable=True)
    return actual


def agreed_root(store: ReadableStore, country: str, expected: str | None = None) -> bytes:
    """Return the root that a store shows, as ``published_root``; of several, all that have one.

    With a fingerprint it is from whichever shows that one. Raises ConflictError where they differ.
    """
    from pe_dvc.store.several import PASSED_OVER, all_failed, stores_of
    from pe_dvc.trust.verify import verify_root_chain

    shown: dict[bytes, str] = {}
    errors: list[PeDvcError] = []
    stores = stores_of(store)
    for one in stores:
        try:
            root = published_root(one, country, expected)
            if len(stores) > 1:
                verify_root_chain([root], where=f"the root of {country} in {one.url}")
        except PASSED_OVER as error:
            errors.append(error)
            continue
        if expected is not None:
            return root
        shown.setdefault(root, one.url)
    if not shown:
        raise all_failed(errors)
    if len(shown) > 1:
        raise ConflictError(
            f"{' and '.join(shown.values())} show different first roots of {country}",
            remedy="Trust none of them. Ask a maintainer for the fingerprint of the root, "
            "and name it with --fingerprint.",
        )
    return next(iter(shown))


def published_root(store: ObjectSource, country: str, expected: str | None = None) -> bytes:
    """Return the root that ``store`` shows: the first, or the one with that fingerprint.

    A first root is verified by ``expected`` only. Raises NotFoundError if there is
    none, or none of that fingerprint.
    """
    from pe_dvc.documents.keys import metadata_key
    from pe_dvc.trust.roles import max_length
    from pe_dvc.trust.verify import fingerprint

    version, seen = 0, []
    try:
        while True:
            version += 1
            key = metadata_key(country, "root", version)
            data, _ = store.read(key, limit=max_length("root"))
            if expected in (None, fingerprint(data), f"sha256:{fingerprint(data)}"):
                return data
            seen.append(fingerprint(data))
    except NotFoundError:
        if not seen:
            raise
    raise NotFoundError(
        f"no root of {country} in {store.url} has the fingerprint {expected}: they are "
        f"{', '.join(seen)}",
        remedy="Do not trust them: ask the maintainers of the data which root is theirs.",
    )


def pinned_root(config_dir: Path, country: str) -> bytes | None:
    """Return the root pinned for ``country``, None if there is none."""
    try:
        return _pins(config_dir).read(_name(country))
    except FileNotFoundError:
        return None


def pinned_contact(config_dir: Path, country: str) -> str | None:
    """Return who grants access to a country's data, as its pinned root says, if it does."""
    root = pinned_root(config_dir, country)
    return None if root is None else contact_in(root, where=f"the pinned root of {country}")


def contact_in(root: bytes, *, where: str) -> str | None:
    """Return who grants access to a country's data, as its root says, if it does."""
    from pe_dvc.documents.metadata_fields import CONTACT_FIELD

    contact = root_fields(root, where=where).get(CONTACT_FIELD)
    return contact if isinstance(contact, str) else None


def root_fields(root: bytes, *, where: str) -> dict[str, Any]:
    """Return the fields of a root that is trusted, pe_dvc's own among them."""
    # Not by python-tuf, which takes long to load and which a pinned reference does not need.
    document = read_json(root, what="TUF metadata", where=where)
    fields: dict[str, Any] = document["signed"]
    return fields


def list_pins(config_dir: Path) -> dict[str, str]:
    """Return the fingerprint of every pinned root, by country."""
    from pe_dvc.trust.verify import fingerprint

    pins = _pins(config_dir)
    names = sorted(name for name, _ in pins.entries("") if name.endswith(_SUFFIX))
    return {name.removesuffix(_SUFFIX): fingerprint(pins.read(name)) for name in names}


def remove_pin(config_dir: Path, country: str) -> None:
    """Trust nothing for ``country`` any more. Raises NotFoundError if nothing was pinned."""
    pins = _pins(config_dir)
    try:
        pins.unlink(_name(country))
    except FileNotFoundError:
        raise NotFoundError(f"no root of trust is pinned for {country!r}") from None
    with suppress(FileNotFoundError):
        pins.unlink(f"{country}{_SEEN_SUFFIX}")


def pin_seen(config_dir: Path, country: str, data: bytes) -> None:
    """Keep, beside the root, what was published at least (``pe_dvc.trust.seen``)."""
    _pins(config_dir).write(f"{check_country(country)}{_SEEN_SUFFIX}", data, durable=True)


def pinned_seen(config_dir: Path, country: str) -> bytes | None:
    """Return what is kept so, None if nothing is."""
    from pe_dvc.trust.seen import LIMIT

    try:
        return _pins(config_dir).read(f"{check_country(country)}{_SEEN_SUFFIX}", limit=LIMIT)
    except FileNotFoundError:
        return None


def _pins(config_dir: Path) -> ConfinedTree:
    """Return the directory of pinned roots, once it was seen that only its user writes to it."""
    from pe_dvc.store.confined import ConfinedTree
    from pe_dvc.store.permissions import PRIVATE, check_private

    check_private(config_dir)
    check_private(config_dir / "trust")
    return ConfinedTree(config_dir / "trust", modes=PRIVATE)


def _name(country: str) -> str:
    return f"{check_country(country)}{_SUFFIX}"


def pin_path(config_dir: Path, country: str) -> Path:
    """Return the file that the root pinned for ``country`` is kept in, for messages."""
    return config_dir / "trust" / _name(country)


def seen_path(config_dir: Path, country: str) -> Path:
    """Return the file that ``pin_seen`` writes, for messages."""
    return config_dir / "trust" / f"{country}{_SEEN_SUFFIX}"
