"""The home page of many datasets is small enough to open on any line."""

from __future__ import annotations

import gzip
import random
from datetime import UTC, datetime

from pe_dvc.adapters.page_templates import PageTemplates
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.usecases.site import places
from pe_dvc.usecases.site.build import SiteBuilder
from pe_dvc.usecases.site.catalog import (
    Catalog,
    CatalogDataset,
    ChannelState,
    CountryCatalog,
    DatasetVersion,
)
from pe_dvc.usecases.site.filters import FILTERS
from tests.support.described import dataset
from tests.support.disclosure import PUBLIC
from tests.support.factories import pointer_to

DATASETS = 600
LARGEST = 100_000
"""Bytes, compressed."""


def words(rng: random.Random, count: int) -> str:
    """Return words that no compression knows, as descriptions of different people."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return " ".join("".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(count))


def listed(number: int, rng: random.Random) -> CatalogDataset:
    name = f"dataset_{number:03d}"
    about = {"description": words(rng, 12)}
    described = dataset(name=name, about=about, sha256=sha256_bytes(name.encode()))
    pointer = pointer_to(described.manifest)
    version = DatasetVersion(pointer=pointer, appearances=(), rule=PUBLIC, dataset=described)
    return CatalogDataset(
        country="us", name=name, pointers={"latest": pointer}, versions=(version,)
    )


def test_the_home_page_of_600_datasets_is_below_100_kb_compressed() -> None:
    rng = random.Random(1)
    channel = ChannelState(
        name="latest", version=1, expires=datetime(2026, 11, 26, tzinfo=UTC), datasets=DATASETS
    )
    country = CountryCatalog(
        country="us",
        source="the bucket",
        root=b"{}",
        fingerprint=sha256_bytes(b"{}"),
        channels=(channel,),
        changes=(),
        datasets=tuple(listed(number, rng) for number in range(DATASETS)),
    )
    builder = SiteBuilder(Catalog(countries=(country,)), PageTemplates(FILTERS).render, {})
    path, data = next(builder.files())
    assert path == places.HOME
    assert data.count(b"dataset_") >= DATASETS
    assert len(gzip.compress(data, 6)) < LARGEST
