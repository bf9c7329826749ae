"""Which objects of DVC's cache a push brings into the bucket: those of ``dvc push``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.dvc_output import Output
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError
from pe_dvc.usecases.publish.cache_objects import CacheObject, cache_objects

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MD5, LISTING, INSIDE = "a" * 32, "b" * 32 + ".dir", "c" * 32


class Cache:
    """A cache of one directory with one file, if its listing is there."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, md5: str) -> Path:
        return self._directory / md5

    def files(self, md5: str) -> Mapping[str, str]:
        assert md5 == LISTING
        return {"x.csv": INSIDE}


def found(tmp_path: Path, *outputs: Output) -> list[CacheObject]:
    sha256 = {MD5: sha256_bytes(b"content")}
    return list(cache_objects(outputs, Cache(tmp_path), remote="r", sha256_by_md5=sha256))


def test_a_file_with_the_digest_that_its_manifest_says(tmp_path: Path) -> None:
    (one,) = found(tmp_path, Output(path="data/x.parquet", md5=MD5))
    assert one == CacheObject(
        what="data/x.parquet", md5=MD5, path=tmp_path / MD5, sha256=sha256_bytes(b"content")
    )
    assert not one.is_listing


def test_a_directory_is_its_listing_and_its_files(tmp_path: Path) -> None:
    (tmp_path / LISTING).touch()
    listing, inside = found(tmp_path, Output(path="raw", md5=LISTING))
    assert (listing.what, listing.is_listing) == ("raw", True)
    assert (inside.what, inside.md5, inside.sha256) == ("raw/x.csv", INSIDE, None)
    assert listing.tracked == inside.tracked == LISTING


def test_a_directory_whose_listing_is_not_here_is_left_to_the_bucket(tmp_path: Path) -> None:
    assert [one.what for one in found(tmp_path, Output(path="raw", md5=LISTING))] == ["raw"]


@pytest.mark.parametrize(
    "output",
    [
        Output(path="x", md5=MD5, cached=False),
        Output(path="x", md5=MD5, push=False),
        Output(path="x", md5=MD5, remote="another"),
    ],
    ids=["cache: false", "push: false", "another remote"],
)
def test_what_dvc_push_would_not_push_is_left_out(tmp_path: Path, output: Output) -> None:
    assert found(tmp_path, output) == []


def test_an_output_of_our_remote_by_name(tmp_path: Path) -> None:
    assert len(found(tmp_path, Output(path="x", md5=MD5, remote="r"))) == 1


@pytest.mark.parametrize(
    "output",
    [
        Output(path="x", md5=None, stage="build"),
        Output(path="x", md5=MD5, legacy=True, stage="build"),
    ],
    ids=["no hash", "of DVC 2"],
)
def test_an_output_without_a_hash_of_dvc_3_is_refused(tmp_path: Path, output: Output) -> None:
    with pytest.raises(FormatError, match=r"x has no hash of DVC 3 in dvc\.lock") as caught:
        found(tmp_path, output)
    assert "dvc commit build" in str(caught.value.remedy)
