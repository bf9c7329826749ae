"""Two producers of one country publish, release and clean up in one bucket, with their own keys."""

from __future__ import annotations

import json
import re
import time
from hashlib import md5
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.documents.keys import payload_key
from pe_dvc.project.settings import read_settings
from tests.support.country_repos import CountryRepo, Reader

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.servers import S3Endpoint

ORPHAN = b"no commit names it"


class Bucket:
    """A directory or an S3 bucket, which the tests look into themselves."""

    def __init__(self, base: Path, server: S3Endpoint | None) -> None:
        self._server, self._directory = server, base / "bucket"
        name = server.new_bucket() if server else ""
        self._name, self.url = name, f"s3://{name}" if server else str(self._directory)
        self.variables = server.environment if server else {}

    def put(self, key: str, data: bytes) -> None:
        if self._server:
            self._server.client().put_object(Bucket=self._name, Key=key, Body=data)
            return
        (self._directory / key).parent.mkdir(parents=True, exist_ok=True)
        (self._directory / key).write_bytes(data)

    def objects(self, prefix: str = "") -> dict[str, Any]:
        """Return what lies there: an object's size and time."""
        if self._server:
            pages = self._server.client().get_paginator("list_objects_v2")
            found = [
                one
                for page in pages.paginate(Bucket=self._name, Prefix=prefix)
                for one in page.get("Contents", ())
            ]
            return {one["Key"]: (one["ETag"], one["LastModified"]) for one in found}
        files = {
            path.relative_to(self._directory).as_posix(): path.stat()
            for path in self._directory.rglob("*")
            if path.is_file()
        }
        return {
            key: (at.st_size, at.st_mtime_ns)
            for key, at in files.items()
            if key.startswith(prefix) and "/locks/" not in key
        }


@pytest.fixture(params=["directory", "s3"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> Bucket:
    server = request.getfixturevalue("s3_server") if request.param == "s3" else None
    return Bucket(tmp_path, server)


def producer(tmp_path: Path, bucket: Bucket, country: str) -> CountryRepo:
    root = tmp_path / f"{country}-data"
    root.mkdir()
    home = tmp_path / f"home of {country}"
    made = CountryRepo(root, country, bucket.url, home, bucket.variables)
    made.run("git", "init", "--quiet")
    made.create("--no-hooks")
    return made


def test_two_producers_in_one_bucket(tmp_path: Path, bucket: Bucket) -> None:
    producers = [producer(tmp_path, bucket, country) for country in ("uk", "uk-microcosm")]
    uk, microcosm = producers
    tags = {}
    for number, repo in enumerate(producers):
        repo.write(10, 20 + number)
        repo.add()
        repo.publish("Set up")
        repo.write(30, 40 + number)
        repo.publish("Build again")
        tags[repo.country] = repo.release(repo.country.replace("-", "_"), number)
        assert read_settings(repo.root).disclosure_rule.is_gated, "by the country's rule"
        repo.run("pe-dvc", "check")
    researcher = Reader(tmp_path / "reader", bucket.url, bucket.variables)
    for repo in producers:
        researcher.trust(repo)
    for number, repo in enumerate(producers):
        tag, listed = tags[repo.country], researcher.run("ls", repo.country).stdout
        assert set(re.findall(r"pe-data://([a-z-]+)/", listed)) == {repo.country}
        assert repo.name in researcher.run("stale", repo.country, code=None).stdout
        for selector in ("latest", tag):
            found = researcher.ages(f"pe-data://{repo.country}/{repo.name}@{selector}")
            assert found == [30, 40 + number]
        shown = json.loads(repo.run("pe-dvc", "release", "show", tag).stdout)
        assert shown["country_id"] == "uk", "what policyengine.py calls the country"
        (artifact,) = shown["artifacts"].values()
        assert artifact["reference"].startswith(f"pe-data://{repo.country}/{repo.name}@sha256:")
        other = tags[producers[1 - number].country]
        refused = researcher.run("get", f"{repo.country}/{repo.name}@{other}", code=3)
        assert f"no release {other} is published" in refused.stderr
    _collect_each(bucket, uk, microcosm)
    _collect_each(bucket, microcosm, uk)
    for number, repo in enumerate(producers):
        assert researcher.ages(f"{repo.country}/{repo.name}@latest") == [30, 40 + number]


def _collect_each(bucket: Bucket, repo: CountryRepo, other: CountryRepo) -> None:
    """Let one of them clean up: nothing of the other's is removed, read as faulty or written."""
    mine, theirs = (payload_key(one.country, md5(ORPHAN).hexdigest()) for one in (repo, other))
    for key in (mine, theirs):
        bucket.put(key, ORPHAN)
    time.sleep(1.1)  # S3 tells when an object was written to the second: else it is of now
    before = bucket.objects(f"{other.country}/") | bucket.objects(f"channels/{other.country}/")
    repo.run("pe-dvc", "fsck")
    repo.run("pe-dvc", "gc", "--apply", "--unknown", "--grace-days", "0")
    after = bucket.objects(f"{other.country}/") | bucket.objects(f"channels/{other.country}/")
    assert mine not in bucket.objects()
    assert theirs in after
    assert after == before


def test_the_place_of_the_country_is_no_store_of_its_producer(tmp_path: Path) -> None:
    """``<bucket>/uk`` holds what uk publishes and cleans up."""
    bucket = Bucket(tmp_path, None)
    bucket.url = f"{bucket.url}/uk"
    root = tmp_path / "repo"
    root.mkdir()
    made = CountryRepo(root, "uk-microcosm", bucket.url, tmp_path / "home", {})
    made.run("git", "init", "--quiet")
    at = ("--country", "uk-microcosm", "--store", bucket.url)
    assert "is the place of one country" in made.run("pe-dvc", "init", *at, code=1).stderr
