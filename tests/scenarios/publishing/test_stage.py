"""``pe-dvc push --stage``: many machines upload what they built, one signs."""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from pe_dvc.documents.keys import manifest_key, payload_key
from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import (
    ConflictError,
    DigestMismatchError,
    NotFoundError,
    RevokedError,
    StorePermissionError,
    StoreUnavailableError,
    VerificationError,
)
from pe_dvc.project.gc import gc
from pe_dvc.project.push import push_to
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.stage import stage_to
from tests.support.commands import run
from tests.support.country import revocation_of
from tests.support.environment import own_directories
from tests.support.factories import manifest_of
from tests.support.memory_store import MemoryStore
from tests.support.sandbox import Sandbox
from tests.support.signed_repo import HandMadeRepo
from tests.support.stores import RecordingStore, WrappedStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.project.stage import Staged
    from pe_dvc.store.port import Store
    from tests.support.counters import Tally

T = TypeVar("T")
Patch = pytest.MonkeyPatch

STAGE_MAY_WRITE = re.compile(r"us/(files/md5/|[0-9a-f]{2}/|locks/)")
"""What docs/data-repo.md grants to the jobs that stage."""


class JobsStore(WrappedStore):
    """The bucket with the credentials of a job that stages."""

    def _do(self, operation: str, key: str, work: Callable[[], T]) -> T:
        writes = operation not in ("head", "read", "range", "download", "list")
        if writes and operation != "delete" and not STAGE_MAY_WRITE.match(key):
            raise StorePermissionError("not for jobs", operation=operation, key=key)
        return work()


class Fleet:
    """A data repo in git, where the keys are; machines that clone it; their bucket."""

    def __init__(self, base: Path, patch: Patch) -> None:
        self.base, self.bucket, self._patch = base, MemoryStore(), patch
        self.signer = HandMadeRepo(base / "signer", base / "keys")
        patch.setenv("PE_DVC_STATE_DIR", str(base / "state"))
        patch.setenv("PE_DVC_CACHE_DIR", str(base / "cache"))
        patch.setenv("PE_DVC_STORE", self.bucket.url)
        patch.setattr(DataRepo, "open_bucket", lambda _repo, _url: self.bucket)
        self.as_signer()
        self.signer.create("national", "areas/AL", "areas/AK")
        (self.signer.root / ".dvc/.gitignore").write_text("/cache\n/tmp\n")
        (self.signer.root / "data/areas").mkdir(parents=True)
        (self.signer.root / "data/areas/.gitignore").write_text("/*.parquet\n")
        self.signer.build("national", b"the nation")
        self.signer.declare("national")
        self.signer.update_latest()
        self.commit("Begin")
        push_to(DataRepo(self.signer.root), self.bucket)
        self.signer.declare("national", "areas/AL", "areas/AK")
        self.commit("Declare areas")

    def as_signer(self) -> None:
        self._patch.setenv("PE_DVC_KEYS_DIR", str(self.base / "keys"))

    def as_job(self) -> None:
        self._patch.setenv("PE_DVC_KEYS_DIR", str(self.base / "no-keys"))

    def commit(self, message: str) -> None:
        run("git", "add", "--all", cwd=self.signer.root)
        run("git", "commit", "--quiet", "--allow-empty", "--message", message, cwd=self.signer.root)

    def machine(self, name: str) -> HandMadeRepo:
        """Return a clone on another machine, which has neither data nor keys."""
        root = self.base / name
        run("git", "clone", "--quiet", str(self.signer.root), str(root), cwd=self.base)
        (root / ".dvc/cache").mkdir(exist_ok=True)
        return HandMadeRepo(root, self.base / "no-keys")

    def stage(self, machine: HandMadeRepo, *names: str, store: Store | None = None) -> Staged:
        self.as_job()
        try:
            return stage_to(DataRepo(machine.root), store or JobsStore(self.bucket), names)
        finally:
            self.as_signer()

    def take_over(self, machine: HandMadeRepo, *names: str) -> None:
        """Bring what a job wrote for git into the signer's clone."""
        for name in names:
            for path in (f"manifests/{name}.json", f"data/{name}.parquet.dvc"):
                (self.signer.root / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(machine.root / path, self.signer.root / path)

    def sign(self) -> None:
        self.signer.update_latest()
        self.commit("Build")
        done = push_to(DataRepo(self.signer.root), self.bucket)
        assert done.objects.uploaded == [], "the signer has no payload"

    def collect(self) -> int:
        """Return how many objects ``pe-dvc gc --apply`` removed."""
        swept = gc(DataRepo(self.signer.root), apply=True).swept
        assert swept is not None
        return swept.removed

    def read(self) -> dict[str, bytes]:
        """Return all that a new reader reads, verified."""
        home = self.base / f"reader{len(list(self.base.glob('reader*')))}"
        return self.signer.reader(self.bucket, home).datasets()


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: Patch) -> Fleet:
    return Fleet(tmp_path, monkeypatch)


def built(fleet: Fleet, name: str, content: bytes, where: str = "") -> HandMadeRepo:
    machine = fleet.machine(where or f"machine-{name.rpartition('/')[2]}")
    machine.build(name, content)
    return machine


def test_what_is_staged_is_signed_where_no_payload_is(fleet: Fleet) -> None:
    alabama = built(fleet, "areas/AL", b"alabama")
    alaska = built(fleet, "areas/AK", b"alaska")
    before = {key: data for key, data in fleet.bucket.objects.items() if "channels" in key}
    assert fleet.stage(alabama).names == ("areas/AL",), "national is built elsewhere"
    assert fleet.stage(alaska, "areas/AK").objects.manifests == ["areas/AK"]
    assert {k: d for k, d in fleet.bucket.objects.items() if "channels" in k} == before
    assert [key for key in fleet.bucket.objects if "locks/" in key] == []
    assert fleet.read() == {"national": b"the nation"}, "readers see nothing of it"
    fleet.take_over(alabama, "areas/AL")
    fleet.take_over(alaska, "areas/AK")
    fleet.sign()
    assert fleet.read() == {
        "national": b"the nation",
        "areas/AL": b"alabama",
        "areas/AK": b"alaska",
    }


def test_a_job_killed_anywhere_is_completed_by_the_next_run(fleet: Fleet, tally: Tally) -> None:
    alabama = built(fleet, "areas/AL", b"alabama")
    before = dict(fleet.bucket.objects)
    whole = RecordingStore.of(fleet.bucket)
    fleet.stage(alabama, store=whole)
    for point in range(len(whole.log)):
        fleet.bucket.objects = dict(before)
        store = RecordingStore.of(fleet.bucket)

        def die(number: int, operation: str, key: str, point: int = point) -> None:
            if number >= point:
                raise StoreUnavailableError("the machine is gone", operation=operation, key=key)

        store.before = die
        with suppress(StoreUnavailableError):  # what is left of a lock is not waited for
            fleet.stage(alabama, store=store)
        assert fleet.read() == {"national": b"the nation"}
        fleet.stage(alabama)
        fleet.bucket.objects = {k: v for k, v in fleet.bucket.objects.items() if "locks/" not in k}
        assert fleet.bucket.objects.keys() == whole.objects.keys()
        tally("points at which staging was killed", 1)


def test_attack_with_the_credentials_of_a_stage_job_nothing_else_is_signed(fleet: Fleet) -> None:
    alabama = built(fleet, "areas/AL", b"alabama")
    fleet.stage(alabama)
    fleet.take_over(alabama, "areas/AL")
    fleet.signer.declare("national", "areas/AL")
    forged = manifest_of(b"ALABAMA", name="areas/AL", path="data/areas/AL.parquet")
    thief = JobsStore(fleet.bucket)
    honest = manifest_of(b"alabama", name="areas/AL", path="data/areas/AL.parquet")
    own = manifest_key("us", Sha256(honest.artifact.sha256))
    said = fleet.bucket.objects[own]
    with pytest.raises(StorePermissionError):
        thief.overwrite("channels/us/timestamp.json", b"{}")
    thief.overwrite(own, forged.to_bytes())
    with pytest.raises(ConflictError, match="already holds a manifest of artifact"):
        fleet.sign()
    assert fleet.read() == {"national": b"the nation"}
    thief.overwrite(own, said)
    thief.overwrite(payload_key("us", honest.artifact.dvc.md5), b"ALABAMA")
    fleet.sign()
    pointer = {p.name: p for p in fleet.signer.reader(fleet.bucket, fleet.base / "x").pointers()}
    assert pointer["areas/AL"].manifest_sha256 == sha256_bytes(said), "as git has it"
    assert pointer["areas/AL"].sha256 == sha256_bytes(b"alabama")
    with pytest.raises(AssertionError):
        fleet.read()  # its readers hash what they get


def test_attack_a_manifest_that_only_the_bucket_has_is_never_signed(fleet: Fleet) -> None:
    forged = manifest_of(b"forged", name="areas/AL", path="data/areas/AL.parquet")
    thief = JobsStore(fleet.bucket)
    thief.create(payload_key("us", forged.artifact.dvc.md5), b"forged")
    thief.create(manifest_key("us", Sha256(forged.artifact.sha256)), forged.to_bytes())
    alaska = built(fleet, "areas/AK", b"alaska")
    fleet.stage(alaska)
    fleet.take_over(alaska, "areas/AK")
    fleet.signer.declare("national", "areas/AK")
    fleet.sign()
    assert fleet.read() == {"national": b"the nation", "areas/AK": b"alaska"}


def test_two_jobs_stage_other_bytes_of_one_dataset_and_git_decides(fleet: Fleet) -> None:
    one = built(fleet, "areas/AL", b"one", "one")
    two = built(fleet, "areas/AL", b"two", "two")
    fleet.stage(one)
    fleet.stage(two)
    fleet.take_over(two, "areas/AL")
    fleet.signer.declare("national", "areas/AL")
    fleet.sign()
    assert fleet.read()["areas/AL"] == b"two"
    lost = manifest_of(b"one", name="areas/AL", path="data/areas/AL.parquet").artifact
    left = {payload_key("us", lost.dvc.md5), manifest_key("us", Sha256(lost.sha256))}
    assert left <= fleet.bucket.objects.keys()
    assert fleet.collect() == 0, "it is young"
    for key in left:
        fleet.bucket.shift(key, -timedelta(days=15))
    assert fleet.collect() == 2
    assert left.isdisjoint(fleet.bucket.objects)
    assert fleet.read()["areas/AL"] == b"two"


def test_gc_between_staging_and_signing_takes_nothing(fleet: Fleet) -> None:
    alabama = built(fleet, "areas/AL", b"alabama")
    fleet.stage(alabama)
    assert fleet.collect() == 0
    fleet.take_over(alabama, "areas/AL")
    fleet.signer.declare("national", "areas/AL")
    fleet.sign()
    assert fleet.read()["areas/AL"] == b"alabama"


def test_what_was_staged_and_collected_is_refused_by_the_signer(fleet: Fleet) -> None:
    alabama = built(fleet, "areas/AL", b"alabama")
    fleet.stage(alabama)
    for key in list(fleet.bucket.objects):
        if "channels/" not in key:
            fleet.bucket.shift(key, -timedelta(days=15))
    assert fleet.collect() == 2
    fleet.take_over(alabama, "areas/AL")
    fleet.signer.declare("national", "areas/AL")
    with pytest.raises(NotFoundError, match="neither in memory://bucket nor in the local DVC"):
        fleet.sign()
    assert fleet.read() == {"national": b"the nation"}


def test_the_same_bytes_with_another_manifest_are_refused_with_what_to_do(fleet: Fleet) -> None:
    one, two = built(fleet, "areas/AL", b"x", "one"), built(fleet, "areas/AL", b"x", "two")
    path = two.root / "manifests/areas/AL.json"
    manifest = Manifest.from_bytes(path.read_bytes())
    build = manifest.build.model_copy(update={"git_commit": "e" * 40})
    path.write_bytes(manifest.model_copy(update={"build": build}).to_bytes())
    fleet.stage(one)
    with pytest.raises(ConflictError, match="already holds a manifest of artifact") as caught:
        fleet.stage(two)
    assert "pe-dvc manifest adopt areas/AL" in str(caught.value.remedy)


def test_nothing_built_here_is_said(fleet: Fleet) -> None:
    with pytest.raises(NotFoundError, match="was built here"):
        fleet.stage(fleet.machine("idle"))
    with pytest.raises(NotFoundError, match="declares no dataset 'areas/XX'"):
        fleet.stage(built(fleet, "areas/AL", b"x"), "areas/XX")


def test_what_does_not_agree_is_not_staged(fleet: Fleet) -> None:
    alabama = built(fleet, "areas/AL", b"alabama")
    before = dict(fleet.bucket.objects)
    cached = next(p for p in (alabama.root / ".dvc/cache").rglob("*") if p.is_file())
    cached.chmod(0o644)
    cached.write_bytes(b"ALABAMA")
    with pytest.raises(DigestMismatchError):
        fleet.stage(alabama)
    cached.write_bytes(b"alabama")
    path = alabama.root / "manifests/areas/AL.json"
    said = Manifest.from_bytes(path.read_bytes())
    inputs = said.inputs.model_copy(
        update={"params": {"params.yaml": {"api_token": "ghp_0123456789"}}}
    )
    path.write_bytes(said.model_copy(update={"inputs": inputs}).to_bytes())
    with pytest.raises(VerificationError, match="looks like a secret"):
        fleet.stage(alabama)
    path.write_bytes(said.to_bytes())
    (alabama.root / "data/areas/AL.parquet.dvc").unlink()
    with pytest.raises(VerificationError, match="areas/AL"):
        fleet.stage(alabama)
    left = {k for k in fleet.bucket.objects if "locks/" not in k}
    assert left == set(before), "no object is there of it"


def test_what_is_withdrawn_is_not_staged(fleet: Fleet) -> None:
    alabama = built(fleet, "areas/AL", b"alabama")
    manifest = manifest_of(b"alabama", name="areas/AL", path="data/areas/AL.parquet")
    fleet.signer.channels.revoke(revocation_of(manifest))
    fleet.signer.channels.publish_to(fleet.bucket)
    with pytest.raises(RevokedError, match="its licence ended"):
        fleet.stage(alabama)
    assert payload_key("us", manifest.artifact.dvc.md5) not in fleet.bucket.objects


BUILD = """
import sys
import pyarrow as pa, pyarrow.parquet as pq
area, rows = sys.argv[1], int(sys.argv[2])
pq.write_table(pa.table({
    "household_id": pa.array(range(rows), pa.int64()),
    "income": pa.array([float(ord(area[0]) * i) for i in range(rows)], pa.float64()),
    "household_weight": pa.array([2.0] * rows, pa.float64()),
}), f"data/areas/{area}.parquet")
"""
DECLARED = """
artifacts:
  areas:
    path: "data/areas/{area}.parquet"
    type: dataset
    meta:
      pe:
        name: "areas/{area}"
        country: us
        entities: {household: {key: household_id}}
        weight: household_weight
        vintage: cps_asec_2024
"""
AREAS = ("AL", "AK", "AZ", "CA")


def test_areas_are_built_on_machines_of_their_own_and_signed_on_one(tmp_path: Path) -> None:
    signer = Sandbox(tmp_path, str(tmp_path / "bucket"), {})
    (tmp_path / "bucket").mkdir()
    signer.start()
    signer.write("build.py", BUILD)
    signer.write("dvc.yaml", DECLARED)
    signer.write("pyproject.toml", '[tool.pe_dvc]\ncountry = "us"\n')
    (signer.repo / "data/areas").mkdir(parents=True)
    signer.write("data/areas/.gitignore", "/*.parquet\n")
    signer.pe_dvc("channel", "init", "--country", "us")
    signer.commit("Begin")
    origin = str(tmp_path / "origin.git")
    signer.run("git", "clone", "--quiet", "--bare", str(signer.repo), origin)
    signer.run("git", "remote", "add", "origin", origin)

    def job(area: str) -> str:
        place = tmp_path / f"machine-{area}"
        place.mkdir()
        machine = Sandbox(place, signer.store, {})
        machine.environment |= own_directories(place)
        machine.run("git", "clone", "--quiet", origin, str(machine.repo), cwd=place)
        machine.configure_remote(machine.repo)
        machine.run("python", "build.py", area, "100")
        machine.run("dvc", "add", "--quiet", f"data/areas/{area}.parquet")
        machine.pe_dvc("manifest", "write", f"areas/{area}")
        if area == AREAS[0]:  # built once more, with its manifest forgotten
            machine.run("python", "build.py", area, "50")
            machine.run("dvc", "add", "--quiet", f"data/areas/{area}.parquet")
            refused = machine.pe_dvc("push", "--stage", code=1).stderr
            machine.follow(refused, "Nothing was staged. Run pe-dvc manifest write")
        said = machine.pe_dvc("push", "--stage", f"areas/{area}").stderr
        assert not (place / "keys").exists() or not list((place / "keys").rglob("*.pem"))
        machine.run("git", "checkout", "--quiet", "-b", f"built/{area}")
        machine.run("git", "add", "data/areas", "manifests/areas")
        machine.run("git", "commit", "--quiet", "-m", f"Build {area}")
        machine.run("git", "push", "--quiet", origin, f"built/{area}")
        return said

    with ThreadPoolExecutor(len(AREAS)) as pool:
        for area, staged in zip(AREAS, pool.map(job, AREAS), strict=True):
            assert f"staged in {signer.store}: areas/{area}" in staged
    signer.run("git", "fetch", "--quiet", "origin")
    signer.run("git", "merge", "--quiet", *(f"origin/built/{area}" for area in AREAS))
    printed = signer.follow(staged, "keys are: pe-dvc channel update latest, then commit, and")
    assert "payloads   0 uploaded (0 B), 4 already there" in printed[-1]
    assert "manifests  0 published, 4 already there" in printed[-1]
    signer.trust()
    references = [f"us/areas/{area}@latest" for area in AREAS]
    paths = signer.read("get", *references).stdout.split()
    for area, path in zip(AREAS, paths, strict=True):
        built_there = tmp_path / f"machine-{area}/us-data/data/areas/{area}.parquet"
        assert Path(path).read_bytes() == built_there.read_bytes()
    clone = tmp_path / "plain-dvc"
    signer.run("git", "clone", "--quiet", str(signer.repo), str(clone), cwd=tmp_path)
    signer.configure_remote(clone)
    signer.run("dvc", "pull", "--quiet", cwd=clone)
    assert len(list((clone / "data/areas").glob("*.parquet"))) == len(AREAS)
