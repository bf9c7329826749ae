"""Reads what a site shows of a country, as every reader does: each document by what signed it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.documents.disclosure import Disclosure
from pe_dvc.documents.profile import Profile
from pe_dvc.documents.sidecars import PROFILE
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import (
    NotFoundError,
    NotPublishedError,
    PeDvcError,
    RevokedError,
    StoreError,
    StorePermissionError,
)
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.project.diff_profiles import rule_with
from pe_dvc.trust.pins import contact_in
from pe_dvc.usecases.channel.history import ChannelHistory
from pe_dvc.usecases.channel.log import first_break, step
from pe_dvc.usecases.parallel import TRANSFERS, run_all
from pe_dvc.usecases.read.ls import by_version
from pe_dvc.usecases.site.catalog import (
    Appearance,
    CatalogDataset,
    CatalogRelease,
    ChannelChange,
    ChannelState,
    CountryCatalog,
    DatasetVersion,
)
from pe_dvc.usecases.site.safe import safe_dataset

if TYPE_CHECKING:
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.documents.release_target import Released
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.project.reader import Reader
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.channel.version import Version
    from pe_dvc.usecases.read.resolve import Resolved

MOST_VERSIONS = 20
"""Versions of a dataset that its page has, and profiles that are read of it."""
MOST_CHANGES = 10

Artifact = tuple["Pointer", list[Appearance]]
"""A pointer, and the version of each channel that had its artifact first."""


class CountrySource:
    """What is published of one country. ``repo`` is the clone around us, if it is of it."""

    def __init__(self, reader: Reader, repo: DataRepo | None) -> None:
        self._reader, self._repo = reader, repo

    def read(self) -> CountryCatalog:
        """Return it, verified. Raises as ``pe_dvc.ls``.

        A dataset that cannot be read stays, with its problem.
        """
        self._reader.connect()
        root, country = self._reader.trusted_root(), self._reader.country
        found = self._artifacts()
        wanted = [(name, one) for name in found for one in found[name][:MOST_VERSIONS]]
        with ThreadPoolExecutor(TRANSFERS) as pool:
            versions = run_all(pool, lambda each: self._version(*each[1]), wanted)
        by_name: dict[str, list[DatasetVersion]] = {}
        for (name, _), version in zip(wanted, versions, strict=True):
            by_name.setdefault(name, []).append(version)
        return CountryCatalog(
            country=country,
            root=root,
            fingerprint=sha256_bytes(root),
            channels=tuple(map(self._state, self._today)),
            changes=tuple(self._changes()),
            datasets=tuple(
                CatalogDataset(
                    country=country,
                    name=name,
                    pointers=self._pointers(name),
                    versions=tuple(by_name[name]),
                    earlier=max(len(found[name]) - MOST_VERSIONS, 0),
                )
                for name in sorted(found)
            ),
            releases=self._releases(),
            withdrawn=self._withdrawn(),
            contact=contact_in(root, where=f"the root of {country}"),
            history_problem=self._history[1],
        )

    @cached_property
    def _today(self) -> dict[str, dict[str, Pointer]]:
        """The pointers of each channel that was published, by name. Raises NotFoundError."""
        found: dict[str, dict[str, Pointer]] = {}
        missing = []
        for channel in CHANNELS:
            try:
                pointers = self._reader.channels.pointers(channel)
            except NotFoundError as error:
                missing.append(error)
                continue
            found[channel] = {pointer.name: pointer for pointer in pointers}
        if not found:
            raise missing[0]
        return found

    def _releases(self) -> tuple[CatalogRelease, ...]:
        """Return the signed releases by version; none where nothing was ever released."""
        try:
            released = self._reader.channels.releases()
        except NotFoundError:
            return ()
        ordered = [released[tag] for tag in sorted(released, key=by_version)]
        with ThreadPoolExecutor(TRANSFERS) as pool:
            return tuple(run_all(pool, self._release, ordered))

    def _release(self, released: Released) -> CatalogRelease:
        try:
            manifest = self._reader.release_manifest(released)
        except StoreError:
            raise
        except PeDvcError as error:
            return CatalogRelease(released=released, problem=self._said(error))
        return CatalogRelease(released=released, manifest=manifest)

    def _withdrawn(self) -> tuple[Revocation, ...]:
        try:
            found = self._reader.channels.revocations()
        except NotPublishedError:  # a country of an older pe_dvc, which never published the role
            return ()
        return tuple(found[sha256] for sha256 in sorted(found))

    def _pointers(self, name: str) -> dict[str, Pointer]:
        return {channel: all_of[name] for channel, all_of in self._today.items() if name in all_of}

    def _state(self, channel: str) -> ChannelState:
        channels = self._reader.channels
        return ChannelState(
            name=channel,
            version=channels.channel_version(channel),
            expires=channels.channel_expires(channel),
            datasets=len(self._today[channel]),
        )

    @cached_property
    def _history(self) -> tuple[dict[str, list[Version]], str | None]:
        """The versions that count of each channel, oldest first, and why some are not known."""
        reader = self._reader
        history = ChannelHistory(reader.store, reader.country, reader.trusted_root())
        found, problem = {}, None
        for channel in self._today:
            try:
                versions, broken = first_break(history.versions(channel))
            except StorePermissionError as error:  # a bucket whose objects may not be listed
                versions, broken = [], error
            found[channel] = [version for version in versions if version.note is None]
            problem = problem or (self._said(broken) if broken is not None else None)
        return found, problem

    def _changes(self) -> list[ChannelChange]:
        found = []
        for channel, versions in self._history[0].items():
            for before, after in zip([None, *versions], versions, strict=False):
                changed = step(before, after)
                found.append(
                    ChannelChange(
                        channel=channel,
                        version=after.version,
                        signed_on=_day(after),
                        added=changed.added,
                        removed=changed.removed,
                        replaced=changed.replaced,
                    )
                )
        newest = sorted(found, key=lambda one: (one.signed_on, one.version), reverse=True)
        return newest[:MOST_CHANGES]

    def _artifacts(self) -> dict[str, list[Artifact]]:
        """Return the artifacts of each dataset of today's channels, newest first."""
        found: dict[str, dict[Sha256, Artifact]] = {
            name: {} for pointers in self._today.values() for name in pointers
        }
        for channel, versions in self._history[0].items():
            for version in versions:
                for name, pointer in version.pointers.items():
                    _, seen = found.get(name, {}).setdefault(pointer.sha256, (pointer, []))
                    if all(one.channel != channel for one in seen):
                        seen.append(
                            Appearance(
                                channel=channel, version=version.version, signed_on=_day(version)
                            )
                        )
        for pointers in self._today.values():  # of a channel whose history is not known
            for name, pointer in pointers.items():
                found[name].setdefault(pointer.sha256, (pointer, []))
        return {name: self._ordered(name, list(of.values())) for name, of in found.items()}

    def _ordered(self, name: str, artifacts: list[Artifact]) -> list[Artifact]:
        """Return artifacts newest first; today's are first of all, as their page is of them."""
        today = [pointer.sha256 for pointer in self._pointers(name).values()]

        def age(one: Artifact) -> tuple[int, str, int]:
            first = min(one[1], key=lambda each: each.signed_on, default=None)
            when = (first.signed_on, first.version) if first else ("", 0)
            return (-today.index(one[0].sha256) if one[0].sha256 in today else -9, *when)

        return sorted(artifacts, key=age, reverse=True)

    def _version(self, pointer: Pointer, seen: list[Appearance]) -> DatasetVersion:
        found = DatasetVersion(pointer=pointer, appearances=tuple(seen), rule=Disclosure())
        try:
            resolved = self._reader.resolve_pointer(pointer)
            dataset = self._reader.describe(resolved).dataset
            profile = self._profile(resolved)
        except RevokedError as error:
            return replace(found, withdrawn=self._said(error))
        except StoreError:
            raise  # half a site would be another one than the next time
        except PeDvcError as error:
            return replace(found, problem=self._said(error))
        rule = rule_with(profile, self._rule(Disclosure(access=dataset.access)))
        whole = replace(dataset, profile=profile)
        return replace(found, rule=rule, dataset=safe_dataset(whole, rule))

    def _profile(self, resolved: Resolved) -> Profile | None:
        """Return the profile of a version, None where it has none or the bucket lacks it."""
        try:
            data = self._reader.sidecar(resolved, PROFILE)
        except NotFoundError:
            return None
        return None if data is None else Profile.from_bytes(data, where="a profile")

    def _said(self, error: PeDvcError) -> str:
        """Return what an error says, without where the bucket is: a page is the same anywhere."""
        return error.message.replace(self._reader.store.url, "the bucket")

    def _rule(self, rule: Disclosure) -> Disclosure:
        """Return a dataset's rule; where we stand in its data repo, by the settings there.

        These say how many carriers a figure needs, and may make public data gated only.
        """
        if self._repo is None:
            return rule
        own = self._repo.settings.disclosure_rule
        return replace(own, access="gated") if rule.is_gated else own


def _day(version: Version) -> str:
    return f"{version.signed_at:%Y-%m-%d}"
