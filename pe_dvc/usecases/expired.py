"""What of ended grants must go from this machine, by what the gateway says and manifests here."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.access import check_project, covers
from pe_dvc.documents.manifest import ManifestHead
from pe_dvc.documents.sidecar_refs import sidecars_of
from pe_dvc.primitives.digest import Sha256, check_sha256
from pe_dvc.primitives.errors import FormatError, VerificationError
from pe_dvc.usecases.purge import members_in_cache

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pe_dvc.store.cache import Cache


@dataclass(frozen=True, kw_only=True)
class Terms:
    """A grant of the person's, as the gateway said it."""

    id: str
    project: str
    licence: str
    until: str
    state: str
    datasets: tuple[str, ...]
    raw_sources: tuple[str, ...]

    def covers(self, dataset: str, raw_inputs: Collection[str]) -> bool:
        """Tell whether a dataset, made of such raw inputs, is one that it grants."""
        mine = {"datasets": self.datasets, "raw_sources": self.raw_sources}
        return covers(dataset, raw_inputs, **mine)


@dataclass(kw_only=True)
class MustGo:
    """What must be deleted of one grant: datasets of payloads by sha256, and other documents."""

    grant: Terms
    artifacts: dict[Sha256, str] = field(default_factory=dict)
    documents: set[Sha256] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Whom the gateway took us for, their grants, and what must go of each that ended."""

    person: str
    grants: tuple[Terms, ...]
    must_go: tuple[MustGo, ...]


def parse_standing(said: Any, *, where: str) -> Standing:
    """Read a gateway's answer about grants. Raises FormatError."""
    try:
        grants = tuple(_terms(one) for one in said["grants"])
        found = {one.id: MustGo(grant=one) for one in grants if one.state == "ended"}
        for one in said["ended"]:
            entry = found[one["grant"]]
            for digest in one["artifacts"]:
                entry.artifacts[check_sha256(digest)] = str(one["dataset"])
            entry.documents.update(check_sha256(digest) for digest in one["documents"])
        person = str(said["person"])
    except (TypeError, KeyError, ValueError, AttributeError):
        raise FormatError("this is not what a gateway says of grants", where=where) from None
    return Standing(person=person, grants=grants, must_go=tuple(found.values()))


def _terms(value: Mapping[str, Any]) -> Terms:
    return Terms(
        id=check_project(str(value["id"])),  # it becomes a file's name
        project=str(value["project"]),
        licence=str(value["licence"]),
        until=str(value["until"]),
        state=str(value["state"]),
        datasets=tuple(map(str, value["datasets"])),
        raw_sources=tuple(map(str, value["raw_sources"])),
    )


def add_known_here(standing: Standing, country: str, cache: Cache) -> None:
    """Add what manifests in the cache tell: of versions that the gateway has no longer.

    What a manifest of other data names as well stays.
    """
    ended = standing.must_go
    live = [one for one in standing.grants if one.state == "live"]
    known = {digest for one in ended for digest in one.artifacts}
    going: list[tuple[list[MustGo], Sha256, ManifestHead]] = []
    others: set[str] = set()
    for sha256, data in cache.manifests():
        with suppress(FormatError):
            manifest = ManifestHead.from_bytes(data, where="the cache")
            artifact = manifest.artifact
            raw = [one.name for one in manifest.inputs.raw_inputs]
            name = artifact.name if artifact.country == country else ""
            fitting = [one for one in ended if name and one.grant.covers(name, raw)]
            stays = not fitting or any(one.covers(name, raw) for one in live)
            if not stays:
                going.append((fitting, sha256, manifest))
            elif artifact.sha256 not in known:
                others |= _named_by(cache, manifest)
    for fitting, sha256, manifest in going:
        documents = {sha256, *(one.sha256 for one in sidecars_of(manifest))}
        files = _files_of(cache, manifest) - others
        for one in fitting:
            one.documents |= {Sha256(digest) for digest in documents - others}
            for digest in files:
                one.artifacts.setdefault(Sha256(digest), manifest.artifact.name)


def _named_by(cache: Cache, manifest: ManifestHead) -> set[str]:
    return _files_of(cache, manifest) | {one.sha256 for one in sidecars_of(manifest)}


def _files_of(cache: Cache, manifest: ManifestHead) -> set[str]:
    """Return the sha256 of an artifact and, of a directory whose list is here, of its files."""
    artifact = manifest.artifact
    found: set[str] = {artifact.sha256}
    if artifact.is_directory:
        with suppress(FormatError, VerificationError):
            listed, identity = Sha256(artifact.parts_sha256), Sha256(artifact.sha256)
            found |= {one.sha256 for one in members_in_cache(cache, listed, identity) or ()}
    return found
