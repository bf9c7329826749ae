"""A reader of one country's data: store, trust, cache and use cases, wired for this machine."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import UntrustedError
from pe_dvc.primitives.reference import Reference
from pe_dvc.project import locations
from pe_dvc.store.cache import Cache

if TYPE_CHECKING:
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Store
    from pe_dvc.trust.client import ChannelClient
    from pe_dvc.usecases.progress import Reporter
    from pe_dvc.usecases.resolve import Resolved


class Reader:
    """Resolves and fetches references of one country. Opens nothing before it is needed."""

    def __init__(
        self,
        country: str,
        *,
        store: str | None = None,
        cache: Path | None = None,
        reporter: Reporter | None = None,
    ) -> None:
        self.country = country
        self._store_url = store
        self._reporter = reporter
        self.cache = Cache(cache or locations.cache_dir())

    @cached_property
    def store(self) -> Store:
        """The bucket: as given, ``PE_DVC_STORE``, the enclosing data repo's, the default."""
        from pe_dvc.project.stores import open_store

        given = self._store_url or os.environ.get("PE_DVC_STORE")
        if given:
            return open_store(given)
        if self._repo is not None:
            return self._repo.open_store()
        return open_store(locations.DEFAULT_STORE)

    @cached_property
    def channels(self) -> ChannelClient:
        """The country's signed pointers. Raises UntrustedError without a root to trust."""
        from pe_dvc.trust.client import ChannelClient

        return ChannelClient(self.store, self.country, self._root(), locations.state_dir())

    def resolve(self, reference: str | Reference) -> Resolved:
        """Return what a reference means now (``pe_dvc.usecases.resolve``)."""
        from pe_dvc.usecases.resolve import resolve

        asked = Reference.parse(reference) if isinstance(reference, str) else reference
        channels = self.channels if asked.channel else None
        return resolve(asked, store=self.store, channels=channels, cache=self.cache)

    def fetch(self, resolved: Resolved, *, output: Path | None = None) -> Path:
        """Return a verified local file: in the cache, or copied to ``output`` where given."""
        from pe_dvc.usecases.fetch import fetch

        path = fetch(resolved, store=self.store, cache=self.cache, reporter=self._reporter)
        if output is None:
            return path
        if output.is_dir():
            output = output / Path(resolved.manifest.artifact.path).name
        return self.cache.copy_out(path, output)

    @cached_property
    def _repo(self) -> DataRepo | None:
        """The data repo that we stand in, if it is this country's."""
        from pe_dvc.project.repo import DataRepo

        repo = DataRepo.around()
        return repo if repo is not None and repo.country == self.country else None

    def _root(self) -> bytes:
        from pe_dvc.trust.pins import pinned_root

        root = pinned_root(locations.config_dir(), self.country)
        if root is None and self._repo is not None:
            root = self._repo.root_of_trust()
        if root is None:
            raise UntrustedError(
                f"no root of trust is pinned for {self.country!r}, so its channels cannot be "
                "verified",
                remedy=f"Get the country's root.json from its data repo (channels/"
                f"{self.country}/root.json), check it with a maintainer, and run "
                f"pe-dvc trust add {self.country} root.json. A reference with "
                "@sha256:… needs no root.",
            )
        return root


def open_reader(
    reference: str | Reference, *, store: str | None = None, reporter: Reporter | None = None
) -> Reader:
    """Return the reader of the country that a reference names. Raises FormatError."""
    asked = Reference.parse(reference) if isinstance(reference, str) else reference
    return Reader(asked.country, store=store, reporter=reporter)
