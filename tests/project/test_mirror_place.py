"""A mirror's address: it is another place than the store's."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from pe_dvc.primitives.errors import ConflictError
from pe_dvc.project.mirror_place import check_apart

if TYPE_CHECKING:
    from pe_dvc.project.repo import DataRepo

REPO = cast("DataRepo", SimpleNamespace(store_url=lambda store: store, root=Path("/srv/us-data")))


@pytest.mark.parametrize(
    ("store", "mirror"),
    [
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket", "s3://bucket/"),
        ("s3://bucket", "s3://bucket/copies/pe"),
        ("s3://bucket/data", "s3://bucket/data/us/copy"),
        ("s3://bucket/data", "s3://bucket"),
        ("/srv/store", "/srv/store/../store/copy"),
        ("/srv/store", "file:///srv/store/copy"),
    ],
)
def test_the_store_itself_and_what_lies_in_it_or_around_it(store: str, mirror: str) -> None:
    with pytest.raises(ConflictError, match="one place, or one lies within the other"):
        check_apart(REPO, mirror, store)


@pytest.mark.parametrize(
    ("store", "mirror"),
    [
        ("s3://bucket", "s3://bucket-2"),
        ("s3://bucket", "gs://bucket"),
        ("s3://bucket/data", "s3://bucket/data-copy"),
        ("/srv/store", "/srv/store-copy"),
    ],
)
def test_another_place(store: str, mirror: str) -> None:
    check_apart(REPO, mirror, store)


@pytest.mark.parametrize("mirror", ["/srv/us-data", "/srv/us-data/mirror", "file:///srv/us-data/m"])
def test_within_the_repo(mirror: str) -> None:
    with pytest.raises(ConflictError, match="lies within this repo"):
        check_apart(REPO, mirror, "s3://bucket")
