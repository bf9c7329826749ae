"""A dataset is withdrawn between two steps of a read: the reader says that, not what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import RevokedError
from pe_dvc.project.reader import Reader
from tests.support.country import LATEST, Country
from tests.support.directories import NAME, STATES, publish_directory
from tests.support.mirrors import Files, Mirror

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.usecases.read.resolve import Resolved

DIRECTORY = f"pe-data://us/{NAME}@latest"


def fetch(reader: Reader, resolved: Resolved, tmp_path: Path) -> object:
    return reader.fetch(resolved)


def opening(reader: Reader, resolved: Resolved, tmp_path: Path) -> object:
    with reader.open(resolved) as file:
        return file.read()


def describe(reader: Reader, resolved: Resolved, tmp_path: Path) -> object:
    return reader.describe(resolved)


def codebook(reader: Reader, resolved: Resolved, tmp_path: Path) -> object:
    return reader.sidecar(resolved, "codebook")


def members(reader: Reader, resolved: Resolved, tmp_path: Path) -> object:
    return reader.members(resolved)


def whole(reader: Reader, resolved: Resolved, tmp_path: Path) -> object:
    return reader.fetch(resolved, output=tmp_path / "out")


def known_members(reader: Reader, resolved: Resolved, tmp_path: Path) -> object:
    return reader.open(reader.resolve(f"{DIRECTORY}/AL.h5")).read()


@pytest.fixture(params=["one store", "two stores"])
def stores(request: pytest.FixtureRequest, country: Country, tmp_path: Path) -> list[str]:
    return [str(tmp_path / "bucket"), str(tmp_path / "mirror")][
        : 1 + (request.param != "one store")
    ]


class Withdraws:
    def __init__(self, country: Country, stores: list[str], tmp_path: Path) -> None:
        self.country, self.stores, self.tmp_path = country, stores, tmp_path
        self.sync()

    def sync(self) -> None:
        Mirror("", Files(self.tmp_path / "mirror")).copy(self.tmp_path / "bucket")

    def revoke(self, manifest: Manifest) -> None:
        """As ``pe-dvc revoke`` and a sync leave bucket and mirror."""
        self.country.revoke(manifest)
        self.sync()
        for bucket in ("bucket", "mirror"):
            for path in (self.tmp_path / bucket / "us").rglob("*"):
                if path.is_file() and not path.name.endswith(".manifest.json"):
                    path.unlink()


@pytest.mark.parametrize("read", [fetch, opening, describe, codebook])
def test_file(
    labelled: Country, stores: list[str], tmp_path: Path, read: Callable[..., object]
) -> None:
    case = Withdraws(labelled, stores, tmp_path)
    reader = Reader("us", store=stores)
    resolved = reader.resolve(LATEST)
    case.revoke(resolved.manifest)
    with pytest.raises(RevokedError):
        read(reader, resolved, tmp_path)


@pytest.mark.parametrize("read", [members, whole, known_members])
@pytest.mark.parametrize("seen", ["nothing", "the list"])
def test_directory(
    country: Country, stores: list[str], tmp_path: Path, read: Callable[..., object], seen: str
) -> None:
    manifest = publish_directory(country, STATES)
    case = Withdraws(country, stores, tmp_path)
    reader = Reader("us", store=stores)
    resolved = reader.resolve(DIRECTORY)
    if seen == "the list":
        reader.members(resolved)
        if read is members:
            return
    case.revoke(manifest)
    with pytest.raises(RevokedError):
        read(reader, resolved, tmp_path)
