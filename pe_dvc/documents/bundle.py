"""policyengine.py's bundle, as far as pe_dvc reads it: what it certified of a country."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import FormatError, PeDvcError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.names import country_code

_REMEDY = "Give the bundle's manifest.json (src/policyengine/data/bundle)."


@dataclass(frozen=True, kw_only=True)
class Pin:
    """An artifact that a bundle pins: by revision, and by sha256 where the bundle says it."""

    name: str
    path: str | None
    repo_id: str | None
    revision: str | None
    sha256: str | None


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A bundle's certified data release of one country."""

    name: str
    sha256: Sha256
    data_package: str
    version: str
    pins: tuple[Pin, ...]
    revision: str | None = None
    """The tag whose release manifest was certified, where the bundle says it."""
    overlays: tuple[Pin, ...] = ()
    """Datasets that it lists beside the certified release: of other releases and producers."""

    @property
    def reference(self) -> str:
        """How the signed metadata names the bundle."""
        return f"{self.name}@sha256:{self.sha256}"


def read_bundle(data: bytes, *, country: str, where: str) -> Bundle:
    """Read the manifest.json of a bundle. Raises FormatError if it certifies nothing of it."""
    document = read_json(data, what="a bundle", where=where, remedy=_REMEDY)
    try:
        code = country_code(country)
        release = document["data_releases"][code]
        overlays = (document.get("dataset_overlays") or {}).get(code) or {}
        certified = release["certified_data_artifact"]
        pins = [_dataset(name, entry) for name, entry in sorted(release["datasets"].items())]
        return Bundle(
            name=f"policyengine {release['policyengine_version']}",
            sha256=sha256_bytes(data),
            data_package=release["data_package"]["name"],
            version=release["data_package"]["version"],
            pins=(_certified(certified), *pins),
            revision=release["data_package"].get("release_manifest_revision"),
            overlays=tuple(_dataset(name, entry) for name, entry in sorted(overlays.items())),
        )
    except PeDvcError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(
            f"not a policyengine.py bundle with a certified data release of {country!r}: "
            f"{type(error).__name__} {error}",
            where=where,
            remedy=_REMEDY,
        ) from None


def _dataset(name: str, entry: dict[str, Any]) -> Pin:
    return Pin(
        name=name,
        path=entry["path"],
        repo_id=entry.get("repo_id"),
        revision=entry.get("revision"),
        sha256=entry.get("sha256"),
    )


def _certified(entry: dict[str, Any]) -> Pin:
    location, _, revision = entry["uri"].removeprefix("hf://").rpartition("@")
    owner, _, rest = location.partition("/")
    repo, _, path = rest.partition("/")
    return Pin(
        name=entry["dataset"],
        path=path,
        repo_id=f"{owner}/{repo}",
        revision=revision,
        sha256=entry.get("sha256"),
    )
