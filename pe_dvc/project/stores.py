"""From an address to a store: a directory, S3, Google Cloud Storage or Azure.

Endpoint, region and credentials come from the options of a DVC remote, then from the cloud's own
environment and files, so that a repo that can ``dvc push`` has nothing more to set.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.redact import redact_text
from pe_dvc.project import directories
from pe_dvc.store.checks import check_prefix
from pe_dvc.store.home import expand_home
from pe_dvc.store.logged import logged
from pe_dvc.store.port import bucket_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pe_dvc.primitives.errors import UntrustedError
    from pe_dvc.store.port import ReadableStore, Store
    from pe_dvc.usecases.payload_place import PayloadPlace

log = logging.getLogger(__name__)

EXAMPLES = "s3://policyengine-data, gs://policyengine-data, az://container or a directory"

_SCHEME = r"([A-Za-z][A-Za-z0-9+.-]+)://"
_SECOND = r"[,;\s]\s*(?:[A-Za-z][A-Za-z0-9+.-]+)://"
_BUCKET = r"[A-Za-z0-9$][A-Za-z0-9._-]*"
_SCHEMES = {"s3": "s3", "gs": "gs", "gcs": "gs", "az": "az", "azure": "az"}


def open_store(
    url: str,
    *,
    options: Mapping[str, str] | None = None,
    refusals: Mapping[str, UntrustedError] | None = None,
) -> Store:
    """Return the store at ``url``; ``options`` are those of a DVC remote there.

    ``refusals`` has, by option, why no credentials may be sent where it leads
    (``pe_dvc.project.clone_options``).

    ``url`` is a directory (a path or ``file://``), ``s3://bucket[/prefix]``, ``gs://…``,
    ``az://…``, or ``https://…`` of a gateway. The store is not read yet; a bucket on S3 may be
    asked for its region. Raises FormatError for another form.
    """
    if is_gateway(url):
        store = _open_gateway(url, options, dict(refusals or {}))
        log.info("store %s", redact_text(store.url))
        return logged(store)
    place = place_of(url)
    store = (
        _open_directory(url)
        if place is None
        else _open_bucket(*place, options, dict(refusals or {}))
    )
    log.info("store %s", redact_text(store.url))
    return logged(store)


def addresses(given: str | Sequence[str] | None) -> list[str]:
    """Return the addresses of stores in a text, one a line, or in a list; each bucket once.

    Any other separator may be part of a directory's name. Raises FormatError for a list that
    holds no address, or one with another separator.
    """
    from pe_dvc.trust.bucket_identity import bucket_identity

    texts = [given] if isinstance(given, str) else given or ()
    found: dict[str, str] = {}
    for line in (line.strip() for text in texts for line in text.splitlines()):
        if line:
            _check_one(line)
            found.setdefault(bucket_identity(line), line)
    if given and not found:
        raise FormatError("no address of a store is given", remedy=f"Expected {EXAMPLES}.")
    return list(found.values())


def _check_one(line: str) -> None:
    """Raise FormatError for what is several addresses on one line."""
    parts = [part.strip() for part in re.split(r"[,;]", line)]
    is_several = re.search(_SECOND, line) or (
        # Directories' names may have commas: then the whole is one.
        len(parts) > 1
        and not Path(line).exists()
        and all(Path(part).expanduser().is_dir() for part in parts)
    )
    if is_several:
        raise FormatError(
            f"{redact_text(line)!r} is several addresses on one line",
            where="--store or PE_DVC_STORE",
            remedy="Put each on a line of its own in PE_DVC_STORE, or give --store once for each.",
        )


def one_address(given: str | None) -> str | None:
    """Return the address of the one store that a data repo's command works on.

    Raises FormatError for several: what is written to two stores at different times forks.
    """
    named = addresses(given)
    if len(named) > 1:
        raise FormatError(
            f"{len(named)} stores are named, and this command works on one: {', '.join(named)}",
            where="--store or PE_DVC_STORE",
            remedy="Name one with --store. Mirrors are kept up to date by pe-dvc mirror sync.",
        )
    return named[0] if named else None


def open_offline(url: str) -> ReadableStore:
    """Return the store at ``url``, of which only the address is known: it is never connected to.

    Raises FormatError as ``open_store`` does.
    """
    from pe_dvc.store.offline import OfflineStore

    if is_gateway(url):
        return OfflineStore(url.rstrip("/"))
    place = place_of(url)
    return OfflineStore(_open_directory(url).url if place is None else bucket_url(*place))


def open_location(location: str) -> PayloadPlace:
    """Return the place that the location of a payload names. Raises FormatError."""
    from pe_dvc.adapters.stores.hub_files import HubFiles
    from pe_dvc.documents.hub_uri import parse_location
    from pe_dvc.usecases.payload_place import PayloadPlace

    found = parse_location(location)
    return PayloadPlace(source=HubFiles(found.place, found.commit), key=found.path, is_bucket=False)


def is_gateway(url: str) -> bool:
    """Tell whether an address is that of a gateway, which is read by HTTP."""
    return url.lower().startswith(("https://", "http://"))


def _open_gateway(
    url: str, options: Mapping[str, str] | None, refusals: dict[str, UntrustedError]
) -> Store:
    import os

    from pe_dvc.adapters.stores.gateway_store import GatewayStore

    if (refusal := refusals.get("ssl_verify")) is not None:
        raise refusal
    named = [*os.environ.get("PE_DVC_STORE", "").split(), *directories.allowed_endpoints()]
    return GatewayStore(url, options, named=named)


def place_of(url: str) -> tuple[str, str, str] | None:
    """Return scheme, bucket and prefix of an address, None for a directory's.

    Raises FormatError for one that is no store's.
    """
    match = re.match(_SCHEME, url)
    if match is None:
        _check_slashes(url)
    if match is None or match[1].lower() == "file":
        return None
    bucket, prefix = _bucket_and_prefix(url)
    scheme = _SCHEMES.get(match[1].lower())
    if scheme is None:
        raise FormatError(f"{url!r} is not a store: expected {EXAMPLES}")
    return scheme, bucket, prefix


def _check_slashes(url: str) -> None:
    """Raise FormatError for an address that lacks slashes, which would be taken for a directory."""
    scheme, colon, rest = url.partition(":")
    if not colon or scheme.lower() not in {*_SCHEMES, "file"} or Path(url).exists():
        return
    path = rest.lstrip("/")
    meant = f"{scheme.lower()}://{path}"
    if scheme.lower() == "file":
        meant = f"file:///{path}" if rest.startswith("/") else path
    raise FormatError(
        f"{url!r} is not a store: expected {EXAMPLES}", remedy=f"Did you mean {meant}?"
    )


def same_bucket(one: str, other: str) -> bool:
    """Tell whether two addresses lie in one bucket; directories and unknown forms do not.

    All addresses of a gateway's host are one.
    """
    if is_gateway(one) or is_gateway(other):
        here, there = urlsplit(one), urlsplit(other)
        return (here.scheme, here.netloc) == (there.scheme, there.netloc)
    try:
        found, wanted = place_of(one), place_of(other)
    except FormatError:
        return False
    return found is not None and wanted is not None and found[:2] == wanted[:2]


def _open_bucket(
    scheme: str,
    bucket: str,
    prefix: str,
    options: Mapping[str, str] | None,
    refusals: dict[str, UntrustedError],
) -> Store:
    from pe_dvc.adapters.stores.advice import OF_ENVIRONMENT, OF_REMOTE

    given, advice = dict(options or {}), OF_ENVIRONMENT if options is None else OF_REMOTE
    if scheme == "s3":
        from pe_dvc.adapters.stores.s3 import s3_store
        from pe_dvc.adapters.stores.s3_regions import Regions

        regions = Regions(directories.state_dir() / "s3-regions.json")
        return s3_store(bucket, prefix, given, regions, refusals=refusals, advice=advice)
    if scheme == "gs":
        from pe_dvc.adapters.stores.gcs import gs_store

        return gs_store(bucket, prefix, given, refusals=refusals, advice=advice)
    from pe_dvc.adapters.stores.azure import az_store

    return az_store(bucket, prefix, given, advice=advice)


def split_remote_url(url: str, country: str) -> str:
    """Return the store that a DVC remote's URL lies in: the remote is ``<store>/<country>``.

    Raises FormatError if the URL does not end that way.
    """
    store, slash, last = url.rstrip("/").rpartition("/")
    if not slash or not store or last != country or store.endswith(":/"):
        raise FormatError(
            f"the DVC remote {url!r} does not end in /{country}: payloads of a "
            "country lie below its name in the store",
            remedy=f"Point it there: dvc remote modify <name> url <bucket>/{country}.",
        )
    return store


def _open_directory(url: str) -> Store:
    from pe_dvc.adapters.stores.local_store import LocalStore

    if "://" not in url:
        return LocalStore(expand_home(url))
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.netloc.lower() not in ("", "localhost") or not path.startswith("/"):
        raise FormatError(f"{url!r} is not a store: expected the form of file:///srv/data")
    return LocalStore(Path(path))


def _bucket_and_prefix(url: str) -> tuple[str, str]:
    # Not urlsplit: "?" and "#" may stand in a prefix.
    bucket, _, prefix = url.partition("://")[2].partition("/")
    if not re.fullmatch(_BUCKET, bucket):  # it may become a part of a host's name
        raise FormatError(
            f"{url!r} names no bucket: expected the form of s3://policyengine-data",
            remedy="Credentials and endpoints do not belong into the address. Of several stores, "
            "PE_DVC_STORE has one a line, and each has a --store of its own.",
        )
    return bucket, check_prefix(prefix)
