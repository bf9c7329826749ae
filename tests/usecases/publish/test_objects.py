"""Publishing objects: order, idempotence, conflicts, repair, and a kill at every operation."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.keys import chunks_key, manifest_key, payload_key
from pe_dvc.primitives.digest import Sha256, chunk_digests, sha256_bytes
from pe_dvc.primitives.errors import ConflictError, DigestMismatchError, NotFoundError
from pe_dvc.project.stores import open_store
from pe_dvc.usecases.publish.cache_objects import CacheObject
from pe_dvc.usecases.publish.existing_objects import HEAD_REQUESTS_MAX
from pe_dvc.usecases.publish.objects import ManifestToPublish, PublishedObjects, publish_objects
from pe_dvc.usecases.publish.vouched import Vouched
from tests.support.factories import manifest_of
from tests.support.memory_store import MemoryStore
from tests.support.stores import CountingStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from pe_dvc.store.port import ObjectInfo, Progress
    from tests.support.servers import S3Bucket

CONTENTS = {"data/a.parquet": b"a" * 3_000_000, "data/b.parquet": b"b" * 10, "raw/in.csv": b"raw"}


class Killed(BaseException):
    """What a process that was killed does not survive."""


class MortalStore:
    """A directory store whose client dies before or after its n-th write."""

    def __init__(self, root: Path, *, dies_at: int = -1, after: bool = False) -> None:
        self.inner = LocalStore(root)
        self.url = self.inner.url
        self.written: list[str] = []
        self._dies_at, self._after = dies_at, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def create(self, key: str, data: bytes) -> ObjectInfo:
        info: ObjectInfo = self._write(key, lambda: self.inner.create(key, data))
        return info

    def upload(self, key: str, path: Path, **options: Any) -> Sha256:
        sha256: Sha256 = self._write(key, lambda: self.inner.upload(key, path, **options))
        return sha256

    def _write(self, key: str, write: Any) -> Any:
        number = len(self.written)
        self.written.append(key)
        if number == self._dies_at and not self._after:
            raise Killed
        result = write()
        if number == self._dies_at:
            raise Killed
        return result


class Repo:
    """What a data repo has to publish: a DVC cache, a directory listing and two manifests."""

    def __init__(self, directory: Path) -> None:
        self.bucket = directory / "bucket"
        self.cache = directory / "cache"
        self.payloads = [self._payload(path, data) for path, data in CONTENTS.items()]
        listing = b'[{"md5": "0cc175b9c0f1b6a831c399e269772661", "relpath": "in.csv"}]'
        self.listing = self._payload("raw", listing, suffix=".dir")
        self.described = [
            self._described(name, CONTENTS[f"data/{name}.parquet"]) for name in ("a", "b")
        ]

    def _payload(self, path: str, data: bytes, suffix: str = "") -> CacheObject:
        md5 = hashlib.md5(data).hexdigest() + suffix
        cached = self.cache / md5
        cached.parent.mkdir(parents=True, exist_ok=True)
        cached.write_bytes(data)
        sha256 = sha256_bytes(data) if path.startswith("data/") else None
        return CacheObject(what=path, md5=md5, path=cached, sha256=sha256)

    def _described(self, name: str, data: bytes, **changes: Any) -> ManifestToPublish:
        manifest = manifest_of(data, name=name, path=f"data/{name}.parquet", **changes)
        return ManifestToPublish(
            manifest=manifest, data=manifest.to_bytes(), sidecar=lambda _: chunk_digests([data])
        )

    def push(self, store: Any = None) -> PublishedObjects:
        store = store or LocalStore(self.bucket)
        return publish_objects(store, "us", [self.listing, *self.payloads], self.described)

    def keys(self) -> set[str]:
        return {info.key for info in LocalStore(self.bucket).list("")}

    def expected_keys(self) -> set[str]:
        digests = [Sha256(d.manifest.artifact.sha256) for d in self.described]
        return {
            *(payload_key("us", p.md5) for p in [self.listing, *self.payloads]),
            *(manifest_key("us", digest) for digest in digests),
            chunks_key("us", digests[0]),  # the other is one chunk
        }


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path)


def test_publishes_all_once_and_then_writes_nothing(repo: Repo) -> None:
    first = repo.push()
    assert repo.keys() == repo.expected_keys()
    assert (len(first.uploaded), first.manifests) == (4, ["a", "b"])
    store = MortalStore(repo.bucket)
    second = repo.push(store)
    assert store.written == []
    assert (second.uploaded, second.present, second.manifests) == ([], 4, [])


def test_payloads_come_before_listings_before_manifests(repo: Repo) -> None:
    store = MortalStore(repo.bucket)
    repo.push(store)
    order = [_rank(key) for key in store.written]
    assert order == sorted(order)
    digest = Sha256(repo.described[0].manifest.artifact.sha256)
    chunks, manifest = chunks_key("us", digest), manifest_key("us", digest)
    assert store.written.index(chunks) < store.written.index(manifest)


def _rank(key: str) -> int:
    if key.endswith(".dir"):
        return 1
    return 0 if "/files/md5/" in key else 2


def test_killed_at_any_write_a_rerun_completes(tmp_path: Path) -> None:
    writes = len(Repo(tmp_path / "count").expected_keys())
    for point in range(writes):
        for after in (False, True):
            repo = Repo(tmp_path / f"{point}-{after}")
            with pytest.raises(Killed):
                repo.push(MortalStore(repo.bucket, dies_at=point, after=after))
            _check_no_manifest_without_its_payload(repo)
            repo.push()
            assert repo.keys() == repo.expected_keys()
    print(f"killed at {2 * writes} points")


def _check_no_manifest_without_its_payload(repo: Repo) -> None:
    keys = repo.keys()
    for described in repo.described:
        artifact = described.manifest.artifact
        if manifest_key("us", Sha256(artifact.sha256)) in keys:
            assert payload_key("us", artifact.dvc.md5) in keys
            is_listed = chunks_key("us", Sha256(artifact.sha256)) in keys
            assert is_listed == (artifact.implied_parts is None)


def test_an_object_of_another_size_is_repaired_and_reported(repo: Repo) -> None:
    repo.push()
    broken = repo.bucket / payload_key("us", repo.payloads[0].md5)
    broken.chmod(0o644)
    broken.write_bytes(b"cut off")
    done = repo.push()
    assert done.repaired == ["data/a.parquet"]
    assert broken.read_bytes() == CONTENTS["data/a.parquet"]


def test_another_manifest_that_was_published_first_is_a_conflict(repo: Repo) -> None:
    data = CONTENTS["data/b.parquet"]
    digest = sha256_bytes(data)
    ours = repo.described[1].manifest
    build = ours.build.model_copy(update={"built_at": "2020-01-01T00:00:00Z"})
    first = ours.model_copy(update={"build": build}).to_bytes()
    LocalStore(repo.bucket).create(manifest_key("us", digest), first)
    with pytest.raises(ConflictError) as caught:
        repo.push()
    message = str(caught.value)
    assert sha256_bytes(first) in message
    assert sha256_bytes(repo.described[1].data) in message
    assert caught.value.remedy is not None
    assert "pe-dvc manifest adopt b" in caught.value.remedy
    assert repo.keys() == {manifest_key("us", digest)}, "nothing may be uploaded"


def test_content_that_was_published_under_another_path_cannot_be_adopted(repo: Repo) -> None:
    data = CONTENTS["data/b.parquet"]
    first = manifest_of(data, name="b", path="data/old.parquet").to_bytes()
    LocalStore(repo.bucket).create(manifest_key("us", sha256_bytes(data)), first)
    with pytest.raises(ConflictError) as caught:
        repo.push()
    assert caught.value.remedy is not None
    assert "manifest adopt" not in caught.value.remedy
    assert "b, data/old.parquet" in caught.value.remedy


def test_content_that_was_published_under_another_name_gets_a_manifest_of_its_own(
    repo: Repo,
) -> None:
    data = CONTENTS["data/b.parquet"]
    digest = sha256_bytes(data)
    first = manifest_of(data, name="old", path="data/old.parquet").to_bytes()
    store = LocalStore(repo.bucket)
    store.create(manifest_key("us", digest), first)
    repo.push()
    assert store.read(manifest_key("us", digest), limit=1 << 20)[0] == first
    own, _ = store.read(manifest_key("us", digest, "b"), limit=1 << 20)
    assert own == repo.described[1].data
    assert repo.push().manifests == [], "both are there"


def test_a_corrupt_local_cache_never_reaches_the_bucket(repo: Repo) -> None:
    repo.payloads[0].path.write_bytes(b"A" + CONTENTS["data/a.parquet"][1:])
    with pytest.raises(DigestMismatchError, match=repo.payloads[0].md5[2:]):
        repo.push()
    keys = repo.keys()
    assert payload_key("us", repo.payloads[0].md5) not in keys
    assert not any(key.endswith(".manifest.json") for key in keys)


def test_a_payload_that_is_nowhere_is_named(repo: Repo) -> None:
    repo.payloads[1].path.unlink()
    with pytest.raises(NotFoundError, match=r"data/b\.parquet is neither in"):
        repo.push()
    assert repo.keys() == set()


def test_a_payload_that_only_the_bucket_has_is_enough(repo: Repo) -> None:
    repo.push()
    for payload in repo.payloads:
        payload.path.unlink()
    assert repo.push().present == 4


def test_progress_counts_every_byte(repo: Repo) -> None:
    class Meter:
        total = moved = 0

        def task(self, label: str, total: int) -> Any:
            import contextlib

            @contextlib.contextmanager
            def watch() -> Iterator[Progress]:
                self.total += total
                yield self.advance

            return watch()

        def note(self, text: str) -> None:
            raise AssertionError(f"nothing to say here: {text}")

        def advance(self, moved: int) -> None:
            self.moved += moved

    meter = Meter()
    payloads: Iterable[CacheObject] = repo.payloads
    publish_objects(LocalStore(repo.bucket), "us", list(payloads), [], reporter=meter)
    assert meter.moved == meter.total == sum(map(len, CONTENTS.values()))


def _publish_many(
    store: Any,
    directory: Path,
    count: int,
    vouched: Callable[[], AbstractSet[Vouched]] = frozenset,
    beside: Iterable[CacheObject] = (),
    **changes: Any,
) -> PublishedObjects:
    """Publish files of a few bytes each, and what is ``beside`` them."""
    payloads, described = list(beside), []
    for number in range(count):
        data, name = f"{number}".encode(), f"d{number}"
        manifest = manifest_of(data, name=name, path=f"data/{name}.parquet", **changes)
        (cached := directory / name).write_bytes(data)
        md5 = manifest.artifact.dvc.md5
        payloads.append(CacheObject(what=name, md5=md5, path=cached, sha256=sha256_bytes(data)))
        described.append(
            ManifestToPublish(manifest=manifest, data=manifest.to_bytes(), sidecar=_no_sidecar)
        )
    return publish_objects(store, "us", payloads, described, vouched=vouched)


def _no_sidecar(_: object) -> bytes:
    raise AssertionError("one chunk has no list")


@pytest.fixture(params=["memory", "s3"])
def counting(request: pytest.FixtureRequest) -> CountingStore:
    if request.param == "memory":
        return CountingStore(MemoryStore())
    bucket: S3Bucket = request.getfixturevalue("s3_bucket")
    return CountingStore(open_store(bucket.url, options=bucket.server.options))


def test_many_small_files_take_two_requests_each_and_a_few(
    counting: CountingStore, tmp_path: Path
) -> None:
    many = HEAD_REQUESTS_MAX + 6
    assert len(_publish_many(counting, tmp_path, many).manifests) == many
    calls = counting.calls
    assert (calls["upload"], calls["create"], calls["list"]) == (many, many, 2)
    assert calls["read"] == calls["head"] == 0
    assert _publish_many(counting, tmp_path, many).manifests == [], "again"
    assert (calls["upload"], calls["create"], calls["list"]) == (many, many, 4)


def _vouched(count: int) -> frozenset[Vouched]:
    manifests = [
        manifest_of(f"{number}".encode(), name=f"d{number}", path=f"data/d{number}.parquet")
        for number in range(count)
    ]
    return frozenset(
        Vouched(m.artifact.name, Sha256(m.artifact.sha256), sha256_bytes(m.to_bytes()))
        for m in manifests
    )


def test_what_a_channel_signs_is_not_read_again(counting: CountingStore, tmp_path: Path) -> None:
    many = HEAD_REQUESTS_MAX + 6
    _publish_many(counting, tmp_path, many)
    before = sum(counting.calls.values())
    done = _publish_many(counting, tmp_path, many, lambda: _vouched(many))
    assert (done.manifests, done.uploaded, done.present) == ([], [], many)
    assert sum(counting.calls.values()) - before == 2, "two listings"
    done = _publish_many(counting, tmp_path, many, lambda: _vouched(many - 3))
    assert (done.manifests, counting.calls["read"]) == ([], 3), "the others are read, as before"


def test_a_push_of_one_change_asks_for_that_alone(counting: CountingStore, tmp_path: Path) -> None:
    """Whatever the number of datasets: what a channel signs was there when it was published."""
    many = HEAD_REQUESTS_MAX + 6
    _publish_many(counting, tmp_path, many)
    counting.calls.clear()
    done = _publish_many(counting, tmp_path, many + 1, lambda: _vouched(many))
    assert (done.manifests, done.uploaded, done.present) == ([f"d{many}"], [f"d{many}"], many)
    assert counting.calls == {"read": 1, "head": 1, "upload": 1, "create": 1}
    for lost in ("us/files/md5/", "us/"):
        counting.delete([info.key for info in counting.list(lost)])
        done = _publish_many(counting, tmp_path, many + 1, lambda: _vouched(many))
        assert done.uploaded == [f"d{many}"], "what is newly pointed to is brought again"
        done = _publish_many(counting, tmp_path, many, lambda: _vouched(many))
        assert len(done.uploaded) == many, "and all else where nothing is new"
    assert len(done.manifests) == many


def test_files_of_a_directory_that_a_channel_signs_are_not_asked_for(tmp_path: Path) -> None:
    many, store = HEAD_REQUESTS_MAX + 6, CountingStore(MemoryStore())
    _publish_many(store, tmp_path, many)
    (tmp_path / "inside").write_bytes(b"x")
    md5 = manifest_of(b"3", name="d3", path="data/d3.parquet").artifact.dvc.md5
    inside = CacheObject(what="d3/x", md5="c" * 32, path=tmp_path / "inside", inside=md5)
    store.calls.clear()
    done = _publish_many(store, tmp_path, many + 1, lambda: _vouched(many), beside=[inside])
    assert (done.uploaded, done.present) == ([f"d{many}"], many + 1)
    assert store.calls == {"read": 1, "head": 1, "upload": 1, "create": 1}


def test_a_manifest_of_another_length_is_read_whatever_is_signed(
    counting: CountingStore, tmp_path: Path
) -> None:
    """Who writes to the bucket cannot pass another manifest off as the signed one so."""
    many = HEAD_REQUESTS_MAX + 6
    _publish_many(counting, tmp_path, many)
    altered = manifest_of(b"7", name="d7", path="data/other.parquet")
    key = manifest_key("us", Sha256(altered.artifact.sha256))
    counting.overwrite(key, altered.to_bytes())
    with pytest.raises(ConflictError, match="published first"):
        _publish_many(counting, tmp_path, many, lambda: _vouched(many))
    counting.delete([key])
    done = _publish_many(counting, tmp_path, many, lambda: _vouched(many))
    assert done.manifests == ["d7"], "one that was removed is brought back"


def test_of_many_one_that_was_published_otherwise_is_a_conflict_before_anything_is_written(
    counting: CountingStore, tmp_path: Path
) -> None:
    many = HEAD_REQUESTS_MAX + 6
    first = manifest_of(b"7", name="d7", path="data/other.parquet")
    key = manifest_key("us", Sha256(first.artifact.sha256))
    counting.create(key, first.to_bytes())
    with pytest.raises(ConflictError, match="published first"):
        _publish_many(counting, tmp_path, many)
    assert [info.key for info in counting.list("us/")] == [key]
