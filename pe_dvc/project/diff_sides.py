"""What the words of ``pe-dvc diff`` mean: a reference, a version, a commit, a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.adapters.tables.formats import FORMATS
from pe_dvc.documents.diff import Described
from pe_dvc.documents.disclosure import Disclosure, default_access
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError, PeDvcError, StoreError
from pe_dvc.primitives.reference import Reference
from pe_dvc.project.diff_profiles import figures_in, published_profile, rule_with
from pe_dvc.project.git_manifests import committed_manifest
from pe_dvc.project.profile import committed_profile
from pe_dvc.project.reader import Reader
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.withdrawn import refuse_pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.documents.movers import Figure
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.usecases.progress import Reporter
    from pe_dvc.usecases.read.resolve import Resolved

_VERSION = re.compile(r"(?:(?P<name>.+)@)?(?P<version>(?:latest|next)(?::(?:[0-9]+|published))?)")


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A dataset on one side. ``payload`` gives its file, None where it is not to be had.

    It is asked whether it may download. ``make_figures`` computes the figures of a file, which has
    no profile.
    """

    described: Described
    payload: Callable[[bool], Path | None]
    make_figures: Callable[[], Mapping[Figure, float]] | None = None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A dataset whose manifest is read when it is asked for.

    ``essence`` is the same for two that are surely the same, None where that is not known.
    """

    load: Callable[[], Dataset]
    essence: Sha256 | None = None


@dataclass(frozen=True, kw_only=True)
class Side:
    """What one word means: datasets by name. ``only`` is the name of a single one."""

    label: str
    candidates: Mapping[str, Candidate]
    only: str | None = None

    @property
    def single(self) -> Dataset:
        """The one dataset that it is of."""
        return self.candidates[str(self.only)].load()


@dataclass(frozen=True, kw_only=True)
class FileSide:
    """A file of data that is here, to be described by what the other side says of its tables."""

    label: str
    path: Path


class Words:
    """Finds out what words mean, in the data repo around us and in a bucket."""

    def __init__(
        self, country: str | None, store: str | None, *, offline: bool, reporter: Reporter | None
    ) -> None:
        self._country, self._store, self._offline = country, store, offline
        self._reporter = reporter
        self._readers: dict[tuple[str, bool], Reader] = {}

    def side(self, word: str) -> Side | FileSide:
        """Return what a word means. Raises FormatError and NotFoundError, saying what it may be."""
        version = _VERSION.fullmatch(word)
        if version is not None and (":" in version["version"] or version["name"] is None):
            return self._channel(word, version["name"], version["version"])
        if word.startswith("pe-data://") or ("@" in word and "/" in word.partition("@")[0]):
            return self._reference(Reference.parse(word))
        path = Path(word)
        if path.is_file():
            return (
                self._manifest_file(path) if _is_manifest(path) else FileSide(label=word, path=path)
            )
        commit = self._commit(word)
        if commit is not None:
            return self._git(word, commit)
        return self._release(word)

    def rule(self, country: str | None) -> Disclosure:
        """Return what may be said of a country's data; of data of no country the safest."""
        country = country or self._country
        if self.repo is not None and country in (None, self.repo.country):
            return self.repo.settings.disclosure_rule
        return Disclosure(access=default_access(country) if country else "gated")

    @cached_property
    def repo(self) -> DataRepo | None:
        """The data repo around us, if it is of the country that was named."""
        found = DataRepo.around()
        wanted = self._country
        return found if found is not None and wanted in (None, found.country) else None

    @property
    def country(self) -> str:
        """The country of words that name none. Raises NotFoundError."""
        if self._country is not None:
            return self._country
        if self.repo is None:
            raise NotFoundError(
                "no country was given, and this is not a data repo",
                remedy="Use --country, or a reference such as us/enhanced_cps_2024@latest.",
            )
        return self.repo.country

    def reader(self, country: str, *, offline: bool = False) -> Reader:
        """Return the reader of a country: one for all its datasets, which opens the bucket once."""
        asked = (country, offline or self._offline)
        if asked not in self._readers:
            self._readers[asked] = Reader(
                country, store=self._store, offline=asked[1], reporter=self._reporter
            )
        return self._readers[asked]

    def _reference(self, reference: Reference) -> Side:
        resolved = self.reader(reference.country).resolve(reference)
        found = partial(self._resolved, resolved, str(reference))
        name = reference.name
        return Side(label=str(reference), candidates={name: Candidate(load=found)}, only=name)

    def _channel(self, word: str, named: str | None, version: str) -> Side:
        from pe_dvc.project.channel_log import Channels

        country, only = self._country_and_name(named)
        pointers = Channels(country, store=self._store).show(version)
        if only is not None and only not in pointers:
            raise NotFoundError(f"{version} of {country} has no dataset {only!r}")
        return self._pointed(word, country, pointers, only)

    def _country_and_name(self, named: str | None) -> tuple[str, str | None]:
        if named is None:
            return self.country, None
        country, slash, name = named.removeprefix("pe-data://").partition("/")
        if not slash:
            return self.country, country
        return country, name

    def _pointed(
        self, word: str, country: str, pointers: Mapping[str, Pointer], only: str | None
    ) -> Side:
        reader = self.reader(country)

        def load(pointer: Pointer) -> Dataset:
            refuse_pointer(reader, pointer)
            if self.repo is not None and self.repo.country == country:
                committed = committed_manifest(self.repo, pointer)
                if committed is not None:
                    return self.committed(committed[0], word)
            return self._resolved(reader.resolve_pointer(pointer), word)

        found = {
            name: Candidate(load=partial(load, pointer), essence=pointer.manifest_sha256)
            for name, pointer in pointers.items()
            if only in (None, name)
        }
        return Side(label=word, candidates=found, only=only)

    def _release(self, word: str) -> Side:
        from pe_dvc.primitives.release_names import is_release
        from pe_dvc.usecases.read.resolve_release import released_pointers

        is_file = word.lower().endswith(tuple(suffix for f in FORMATS for suffix in f.suffixes))
        nowhere = self._country is None and self.repo is None
        if is_file or nowhere or not is_release(word):
            raise NotFoundError(
                f"{word!r} is nothing to compare: there is no such file, and "
                f"{'no such commit' if self.repo else 'no data repo here'}",
                remedy="Name a reference (us/enhanced_cps_2024@latest), a channel or a version of "
                "it (latest, latest:4, next:published), a tag or commit, or a file; outside of a "
                "data repo with --country.",
            )
        reader = self.reader(self.country)
        releases = reader.channels.releases()
        pointers = released_pointers(word, releases, store=reader.store, cache=reader.cache)
        return self._pointed(word, self.country, pointers, None)

    def _git(self, word: str, commit: str) -> Side:
        from pe_dvc.adapters.git.tags import GitTags
        from pe_dvc.documents.manifest import Manifest
        from pe_dvc.project.repo_files import read_manifests

        assert self.repo is not None  # held by _commit
        tree = GitTags(self.repo.root, root=self.repo.root).tree(commit, name=word)
        found = {
            name: Candidate(
                load=partial(self.committed, manifest, word), essence=sha256_bytes(data)
            )
            for name, (manifest, data) in read_manifests(tree, self.repo.settings, Manifest).items()
        }
        return Side(label=word, candidates=found)

    def _commit(self, word: str) -> str | None:
        from pe_dvc.adapters.git.tags import GitTags

        return GitTags(self.repo.root, root=self.repo.root).commit(word) if self.repo else None

    def _manifest_file(self, path: Path) -> Side:
        from pe_dvc.documents.manifest import Manifest
        from pe_dvc.store.plain_files import read_document

        manifest = Manifest.from_bytes(read_document(path), where=str(path))
        found = partial(self.committed, manifest, str(path))
        name = manifest.artifact.name
        return Side(label=str(path), candidates={name: Candidate(load=found)}, only=name)

    def _resolved(self, resolved: Resolved, label: str) -> Dataset:
        country = resolved.reference.country
        profile = published_profile(self.reader(country), resolved)
        rule, figures = rule_with(profile, self.rule(country)), figures_in(profile)
        described = Described.of_manifest(resolved.manifest, label, rule, figures)
        return Dataset(described=described, payload=partial(self._fetched, resolved))

    def _fetched(self, resolved: Resolved, download: bool) -> Path | None:
        reader = self.reader(resolved.reference.country, offline=not download)
        if resolved.payload.is_directory:
            return None
        try:
            return reader.fetch(resolved)
        except StoreError:
            if download:
                raise
            return None  # it is not on this machine

    def committed(self, manifest: Manifest, label: str) -> Dataset:
        """Return a dataset by a manifest of this clone: its bytes are here, or were published."""
        country = manifest.artifact.country
        profile = committed_profile(self.repo, manifest) if self.repo is not None else None
        rule, figures = rule_with(profile, self.rule(country)), figures_in(profile)
        described = Described.of_manifest(manifest, label, rule, figures)

        def payload(download: bool) -> Path | None:
            here = self._in_clone(manifest)
            if here is not None or manifest.artifact.is_directory:
                return here
            try:
                pinned = self.reader(country, offline=not download).resolve(manifest.reference)
            except (PeDvcError, OSError):
                if download:
                    raise
                return None
            return self._fetched(pinned, download)

        return Dataset(described=described, payload=payload)

    def _in_clone(self, manifest: Manifest) -> Path | None:
        from pe_dvc.adapters.digests import DigestCache
        from pe_dvc.adapters.dvc.cache import object_path

        artifact = manifest.artifact
        if self.repo is None or self.repo.country != artifact.country:
            return None
        digests = DigestCache(self.repo.root)
        in_cache = object_path(self.repo.dvc_config.cache_dir, artifact.dvc.md5)
        places = (in_cache, self.repo.root / artifact.path)
        found = (p for p in places if p.is_file() and digests.digest(p).sha256 == artifact.sha256)
        return next(found, None)


def _is_manifest(path: Path) -> bool:
    """Tell whether a file is a manifest, as the data repo writes them, and no data."""
    from pe_dvc.documents.payload import Payload
    from pe_dvc.store.plain_files import read_document

    if path.suffix != ".json":
        return False
    try:
        Payload.of_manifest(read_document(path), where=str(path))
    except FormatError:
        return False
    return True
