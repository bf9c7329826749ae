"""Which root a reader starts from, and whom it may ask: what is pinned, or the clone's own."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.documents.hub_address import is_hub_address
from pe_dvc.documents.metadata_fields import MIRRORS_FIELD
from pe_dvc.primitives.errors import PeDvcError, UntrustedError
from pe_dvc.project import directories
from pe_dvc.project.seen import fetched_seen_files, pinned_seen_file, seen_files
from pe_dvc.trust.bucket_identity import place_name
from pe_dvc.trust.pins import list_pins, pinned_contact, pinned_root, root_fields
from pe_dvc.trust.seen import SeenFile, SeenPublication

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.client import ChannelClient

MOST_STORES = 32
"""How many names of a file beside the pin are taken as those of the bucket and its mirrors."""


class Begun(NamedTuple):
    """What a reader begins with that goes on for another one: its root, and what that one saw."""

    root: bytes | None = None
    seen: bytes | None = None

    def seen_files(self) -> list[SeenFile]:
        """Return what the other reader saw published."""
        data = self.seen
        if data is None:
            return []
        place = "the reader that this one goes on for"
        version = SeenPublication.from_bytes(data, where=place).versions.timestamp
        return [SeenFile(version=version, place=place, read=lambda: data)]


def known_root(country: str, repo: DataRepo | None) -> bytes | None:
    """Return the root that is pinned for a country, or the clone's own, None without either.

    Raises UntrustedError for a clone that may not be read.
    """
    root = pinned_root(directories.config_dir(), country)
    if root is None and repo is not None:
        repo.check_root()
        root = repo.root_of_trust()
    return root


def trusted_root(country: str, repo: DataRepo | None) -> bytes:
    """Return the root that is pinned for a country, or the clone's own. Raises UntrustedError."""
    root = known_root(country, repo)
    if root is None:
        raise UntrustedError(
            f"no root of trust is pinned for {country!r}, so its channels cannot be verified",
            remedy=f"Get channels/{country}/root.json from the country's data repo, check "
            "its fingerprint with a maintainer, and pin it:\n"
            f"    pe-dvc trust add {country} root.json\n"
            "To trust the store on first use instead:\n"
            f"    pe-dvc trust add {country} --from-store\n"
            f"A reference with @sha256:… needs no root.{_pinned_here()}",
        )
    return root


def _pinned_here() -> str:
    """Return a line that names the countries of which a root is pinned: one may be meant."""
    countries = sorted(list_pins(directories.config_dir()))
    return f"\nRoots are pinned for: {', '.join(countries)}." if countries else ""


def channels_from(
    store: ReadableStore,
    country: str,
    repo: DataRepo | None,
    *,
    offline: bool = False,
    state_dir: Path | None = None,
    begun: Begun = Begun(),  # noqa: B008 - it does not change
) -> ChannelClient:
    """Return the signed pointers that a store shows, verified from the root that is trusted.

    ``repo`` is a clone of the country's, ``state_dir`` where what was verified is kept, unless in
    its usual place, ``begun`` what counts instead of what is pinned here. Raises UntrustedError
    without a root to trust.
    """
    from pe_dvc.trust.client import ChannelClient

    root = begun.root or trusted_root(country, repo)
    return ChannelClient(
        store,
        country,
        root,
        state_dir or directories.state_dir(),
        earlier=roots_before(root, country, repo),
        seen=[*seen_of(country, repo), *begun.seen_files()],
        seen_elsewhere=partial(seen_by_remotes, repo),
        related=related_stores(country, repo),
        offline=offline,
    )


def roots_before(root: bytes, country: str, repo: DataRepo | None) -> list[bytes]:
    """Return the roots before the clone's, by which it is known again, if that is trusted."""
    if repo is None or pinned_root(directories.config_dir(), country):
        return []
    return repo.signed_metadata().files.roots_before(root)


def seen_of(country: str, repo: DataRepo | None) -> list[SeenFile]:
    """Return what a clone says was published, and what is kept beside the pinned root."""
    return [*pinned_seen_file(country), *(seen_files(repo) if repo is not None else ())]


def seen_by_remotes(repo: DataRepo | None) -> list[SeenFile]:
    """Return what the remotes of a clone said was published, when they were fetched last."""
    return [] if repo is None else fetched_seen_files(repo)


def seen_by(client: ChannelClient | None, stores: Sequence[str]) -> bytes | None:
    """Return the publication that a client reads, for readers that go on for it elsewhere."""
    shown = client.shown if client is not None else None
    if client is None or shown is None:
        return None
    names = tuple(place_name(url) for url in stores)
    seen = SeenPublication(
        country=client.country, stores=names, timestamp=shown[0], snapshot=shown[1]
    )
    return seen.to_bytes()


def related_stores(country: str, repo: DataRepo | None) -> list[str]:
    """Return the names of a country's bucket and mirrors: what one has shown is a floor for all.

    They are the clone's own, else the default one, those that a clone declares and the trusted
    root names, and those that a publication kept beside the pin names. ``PE_DVC_STORE`` is none:
    it may be a trial bucket, which is not held to what the bucket shows.
    """
    named = [*own_stores(country, repo)]
    for file in pinned_seen_file(country):
        named += file.publication().stores[:MOST_STORES]  # not signed: no more than are plausible
    return list(dict.fromkeys(named))


def own_stores(country: str, repo: DataRepo | None) -> list[str]:
    """Return the names of the country's own store, the first, and of its mirrors."""
    own = [directories.DEFAULT_STORE] if repo is None else []
    if repo is not None:
        with suppress(PeDvcError):  # it names none, or none that can be read
            own = [repo.own_store_url]
    mirrors = [*declared_mirrors(country, repo), *signed_mirrors(country, repo)]
    urls = [*own, *(one for one in mirrors if not is_hub_address(one))] if own else []
    return list(dict.fromkeys(place_name(url) for url in urls))


def declared_mirrors(country: str, repo: DataRepo | None) -> list[str]:
    """Return the mirrors of a country that its clone declares."""
    mirrors = repo.settings.mirrors.values() if repo is not None else ()
    return [mirror.url for mirror in mirrors if mirror.takes_country(country)]


def signed_mirrors(country: str, repo: DataRepo | None) -> list[str]:
    """Return the mirrors that the trusted root names, none without such a root."""
    root = pinned_root(directories.config_dir(), country)
    if root is None and repo is not None:
        root = repo.root_of_trust()
    named = root_fields(root, where=f"the root of {country}").get(MIRRORS_FIELD) if root else None
    listed = named if isinstance(named, list) else []
    # A relative path would be one of this machine's, which was not meant.
    return [one for one in listed if isinstance(one, str) and ("://" in one or one[:1] == "/")]


def access_contact(country: str, repo: DataRepo | None) -> str:
    """Return the sentence that says who grants access to a country's data."""
    contact = pinned_contact(directories.config_dir(), country)
    if contact is None and repo is not None:
        contact = repo.settings.contact
    if contact is None:
        return f"If you have no access, ask the maintainers of the data repo of {country}."
    return f"Access to the data of {country} is granted by {contact}."
