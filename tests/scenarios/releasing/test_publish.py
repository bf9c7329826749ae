"""From a tag to a reader: register, publish, prove, resolve; and what an attacker gets."""

from __future__ import annotations

import hashlib
import json
import subprocess
from functools import partial
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.documents.keys import (
    RELEASE_MANIFEST,
    TRO,
    manifest_key,
    payload_key,
    release_key,
    tombstone_key,
)
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import (
    ConflictError,
    DigestMismatchError,
    FormatError,
    NotFoundError,
    PeDvcError,
    ReleaseError,
    SignatureError,
    VerificationError,
)
from pe_dvc.project.release import Releases
from pe_dvc.trust.tuf_api import Metadata, MetaFile, TargetFile, Targets
from pe_dvc.usecases.retention.bucket_lock import collecting
from tests.support.commands import GIT_STATUS
from tests.support.release_history import DATASETS, PYPROJECT, History
from tests.support.simulator import Simulator

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.usecases.release.derive import Release

NATION = "pe-data://us/cps_2024@1.0.0"


def alter(history: History, key: str, data: bytes) -> None:
    path = history.bucket / key
    path.chmod(0o644)
    path.write_bytes(data)


def files_of(bucket: Path) -> dict[str, bytes]:
    return {str(p.relative_to(bucket)): p.read_bytes() for p in bucket.rglob("*") if p.is_file()}


def publish(history: History, tag: str = "1.0.0") -> Release:
    releasing = Releases(history.root)
    created = releasing.create(tag)
    assert created.update.signed
    history.commit(f"Release {tag}")
    releasing.push(tag)
    return created.release


@pytest.fixture
def published(released: History, monkeypatch: pytest.MonkeyPatch) -> History:
    """Return a data repo whose release 1.0.0 is published, and a reader who trusts its root."""
    publish(released)
    monkeypatch.chdir(released.root)
    return released


# Publishing


def test_a_second_create_and_a_second_push_change_nothing(published: History) -> None:
    releasing = Releases(published.root)
    update = releasing.create("1.0.0").update
    assert (update.changed, update.version) == (False, 2)
    assert published.git(*GIT_STATUS[1:]) == ""
    pushed = releasing.push("1.0.0")
    assert (pushed.documents, pushed.channel.written) == ([], ())


def test_a_published_release_is_proved_against_git(published: History, tmp_path: Path) -> None:
    verified, signature = Releases(published.root).verify("1.0.0")
    assert (verified.artifacts, verified.size) == (3, sum(map(len, DATASETS.values())))
    assert signature.verdict == "none"
    bare = tmp_path / "clone.git"
    subprocess.check_call(["git", "clone", "--quiet", "--bare", published.root, bare])
    elsewhere = Releases(bare, store=str(published.bucket))
    assert elsewhere.verify("1.0.0")[0] == verified
    assert [row.state for row in elsewhere.status()] == ["staged"]
    with pytest.raises(NotFoundError, match="has no work tree"):
        elsewhere.create("1.0.0")


def test_a_release_below_its_threshold_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(tmp_path, thresholds={"releases": 2})
    (history.keys / "us/releases-2.pem").rename(tmp_path / "on-holiday.pem")
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(history.keys))
    history.release("1.0.0")
    releasing = Releases(history.root)
    update = releasing.create("1.0.0").update
    assert (update.signed, update.missing) == (False, 1)
    history.commit("Release 1.0.0, to be signed by another manager")
    with pytest.raises(SignatureError, match="2 must sign"):
        releasing.push("1.0.0")
    assert not (history.bucket / "us/releases").exists()


def test_from_latest_is_recorded_and_proved(history: History) -> None:
    history.build()
    history.sign("latest")
    history.commit()
    history.git("tag", "1.0.0")
    releasing = Releases(history.root)
    with pytest.raises(ReleaseError, match="not in the signed channel next"):
        releasing.create("1.0.0")
    update = releasing.create("1.0.0", from_latest=True).update
    assert update.released.channel == "latest"
    history.commit("Release")
    releasing.push("1.0.0")
    manifest = json.loads((history.bucket / "us/releases/1.0.0" / RELEASE_MANIFEST).read_bytes())
    assert manifest["build"]["metadata"]["channel"] == "latest"
    assert Releases(history.root).verify("1.0.0")[0].released.channel == "latest"
    history.sign("next")
    history.commit("Promote")
    history.git("tag", "--force", "1.0.0")
    with pytest.raises(ReleaseError, match=r"(?s)was moved.*channel latest.*channel next"):
        Releases(history.root).create("1.0.0")


def test_metadata_that_is_not_committed_is_not_published(released: History) -> None:
    releasing = Releases(released.root)
    releasing.create("1.0.0")
    before = files_of(released.bucket)
    with pytest.raises(VerificationError, match=r"not committed: channels/us/releases\.json") as no:
        releasing.push("1.0.0")
    assert "git commit" in str(no.value.remedy)
    assert files_of(released.bucket) == before
    released.commit("Release 1.0.0")
    assert releasing.push("1.0.0").channel.versions["releases"] == 2


def test_an_uncommitted_build_is_not_published_with_a_release(published: History) -> None:
    """A release of an old tag must not carry a pointer to data that was never uploaded."""
    published.build({"cps_2024": b"built and not pushed"})
    published.sign("latest")
    with pytest.raises(VerificationError, match="not committed"):
        Releases(published.root).push("1.0.0")


def test_a_committed_build_that_was_never_pushed_is_not_published_with_a_release(
    published: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is one that was nominated: readers would be pointed to what is not in the bucket."""
    monkeypatch.setattr(History, "_publish", lambda *_: None)
    before = files_of(published.bucket)
    for channel in ("latest", "next"):
        published.build({"cps_2024": f"built for {channel}, not pushed".encode()})
        published.sign(channel)
        published.commit(f"Build for {channel}")
        with pytest.raises(NotFoundError, match=f"{channel} version .*never pushed.*cps_2024"):
            Releases(published.root).push("1.0.0")
        assert files_of(published.bucket) == before
        published.git("reset", "--quiet", "--hard", "HEAD~1")


def test_data_that_git_would_add_stops_a_release(released: History) -> None:
    releasing = Releases(released.root)
    releasing.create("1.0.0")
    (released.root / ".gitignore").unlink()
    released.commit("Release 1.0.0")
    with pytest.raises(VerificationError, match=r"not in \.gitignore: data/"):
        releasing.push("1.0.0")
    assert not (released.bucket / "us/releases").exists()


def test_a_release_waits_for_the_garbage_collector(released: History) -> None:
    releasing = Releases(released.root)
    releasing.create("1.0.0")
    released.commit("Release 1.0.0")
    with collecting(released.store, "us"):
        with pytest.raises(ConflictError, match="pe-dvc gc is clearing"):
            releasing.push("1.0.0")
        assert not (released.bucket / "us/releases").exists()
    releasing.push("1.0.0")
    assert not list(released.store.list("us/locks/"))


def test_versions_committed_between_two_publications_are_published(released: History) -> None:
    releasing = Releases(released.root)
    releasing.create("1.0.0")
    released.commit("Release 1.0.0")
    releasing.push("1.0.0")
    for reason in ("a typo", "a leak"):
        releasing.deprecate("1.0.0", reason)
        released.commit(f"Deprecate 1.0.0: {reason}")
    releasing.push("1.0.0")
    held = [f"{version}.releases.json" for version in range(2, 5)]
    assert all((released.bucket / "channels/us" / name).exists() for name in held)


def test_a_release_of_another_manager_is_not_lost(published: History, tmp_path: Path) -> None:
    """Whoever made more versions since does not overwrite it."""
    other = tmp_path / "other"
    published.git("clone", "--quiet", str(published.root), str(other))
    published.git("tag", "1.0.1")
    Releases(published.root).create("1.0.1")
    published.commit("Release 1.0.1")
    Releases(published.root).push("1.0.1")
    late = Releases(other)
    for reason in ("a typo", "a leak"):
        late.deprecate("1.0.0", reason)
        published.git("-C", str(other), "commit", "--quiet", "--all", "--message", reason)
    with pytest.raises(ConflictError, match="another publisher was first"):
        late.push("1.0.0")


def test_push_of_what_was_not_created(released: History) -> None:
    with pytest.raises(NotFoundError, match=r"no release '1\.0\.0'") as caught:
        Releases(released.root).push("1.0.0")
    assert caught.value.remedy == "Run pe-dvc release create 1.0.0"


# A tag that moved


def test_a_moved_tag_is_refused_everywhere(published: History) -> None:
    old = published.git("rev-parse", "1.0.0")[:12]
    published.build({**DATASETS, "cps_2024": b"another nation"})
    published.sign()
    new = published.commit("Rebuild")[:12]
    published.git("tag", "--force", "1.0.0")
    releasing = Releases(published.root)
    export = partial(releasing.export, directory=published.root / "export")
    for refused in (releasing.create, releasing.push, releasing.verify, releasing.derive, export):
        with pytest.raises(ReleaseError, match=r"the tag 1\.0\.0 was moved") as caught:
            refused("1.0.0")
        assert old in caught.value.message
    assert new in caught.value.message
    assert [(row.tag, row.state) for row in releasing.status()] == [("1.0.0", "moved")]
    assert pe_dvc.fetch(NATION).read_bytes() == DATASETS["cps_2024"]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("1.0.0-rc1", "1.0.0rc1", "another meaning of version 1.0.0rc1"),
        ("Build-2024", "build-2024", "differs from it by case alone"),
    ],
)
def test_names_that_people_would_confuse_are_not_both_released(
    history: History, first: str, second: str, said: str
) -> None:
    history.write("pyproject.toml", PYPROJECT + 'tags = ["*"]\n')
    history.release(first)
    publish(history, first)
    history.git("tag", second)
    with pytest.raises(ReleaseError, match=said):
        Releases(history.root).create(second)


@pytest.mark.parametrize("other", ["v1.0.0", "1.0.0"])
def test_a_version_has_one_meaning(published: History, other: str) -> None:
    """``1.0.0`` and ``v1.0.0`` are one version; of one commit they may both be released."""
    published.git("tag", "v1.0.0", "1.0.0")
    published.build({**DATASETS, "cps_2024": b"another nation"})
    published.sign()
    published.commit("Rebuild")
    assert Releases(published.root).create("v1.0.0").update.changed
    published.git("tag", "--force", "v1.0.0")
    published.git("checkout", "--", ".")
    with pytest.raises(ReleaseError, match=r"1\.0\.0 is released already, of commit"):
        Releases(published.root).create("v1.0.0")


def test_a_release_whose_tag_is_gone_is_listed(published: History) -> None:
    published.git("tag", "--delete", "1.0.0")
    (row,) = Releases(published.root).status()
    assert (row.tag, row.state, row.published, row.tagged_at) == ("1.0.0", "staged", True, None)
    assert "git fetch --tags" in row.detail


def test_verify_reads_the_bytes_of_payloads(published: History) -> None:
    artifact = published.manifests["cps_2024"].artifact
    key = payload_key("us", artifact.dvc.md5)
    published.store.overwrite(key, bytes(artifact.size))
    with pytest.raises(DigestMismatchError, match="cps_2024"):
        Releases(published.root).verify("1.0.0")


@pytest.mark.parametrize(
    "first", [("--annotate", "--message", "x"), ()], ids=["annotated", "light"]
)
def test_a_tag_made_again_on_the_same_commit_is_not_called_moved(
    history: History, first: tuple[str, ...]
) -> None:
    history.build()
    history.sign()
    history.commit()
    history.git("tag", *first, "1.0.0")
    publish(history)
    later = {"GIT_COMMITTER_DATE": "2026-06-01T00:00:00Z"}
    head = history.git("rev-parse", "1.0.0^{commit}")
    history.git("tag", "--force", "--annotate", "--message", "x", "1.0.0", head, **later)
    with pytest.raises(ReleaseError, match="made again on the same commit"):
        Releases(history.root).verify("1.0.0")
    with pytest.raises(ReleaseError, match=r"on the same commit .* made again"):
        Releases(history.root).export("1.0.0", history.base / "out")


# An incomplete bucket


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ("payload", "states/AL (payload missing)"),
        ("manifest", "states/AL (manifest missing)"),
        ("size", "states/AL (payload of 3 bytes where 7 were signed)"),
        ("other", "states/AL (another manifest was published)"),
        ("tombstone", "states/AL (payload missing; there is an unsigned tombstone)"),
    ],
)
def test_an_artifact_that_the_bucket_lacks(released: History, lacking: str, said: str) -> None:
    artifact = released.manifests["states/AL"].artifact
    payload = payload_key("us", artifact.dvc.md5)
    manifest = manifest_key("us", Sha256(artifact.sha256))
    if lacking in ("payload", "tombstone"):
        released.store.delete([payload])
    if lacking == "tombstone":
        released.store.create(tombstone_key("us", Sha256(artifact.sha256)), b"{}")
    if lacking == "manifest":
        released.store.delete([manifest])
    if lacking == "size":
        alter(released, payload, b"ala")
    if lacking == "other":
        alter(released, manifest, b"{}")
    with pytest.raises(ReleaseError) as caught:
        Releases(released.root).create("1.0.0")
    assert said in caught.value.message
    assert Releases(released.root).registered() == {}


def release_of_a_directory(history: History) -> tuple[str, bytes]:
    """Tag a build whose datasets lie in one tracked directory; return its listing, by its key."""
    history.build()
    files = {n: m.artifact.dvc.md5 for n, m in history.manifests.items()}
    listing = json.dumps([{"relpath": f"{n}.parquet", "md5": md5} for n, md5 in files.items()])
    md5 = f"{hashlib.md5(listing.encode()).hexdigest()}.dir"
    lock = {"path": "data", "hash": "md5", "md5": md5, "size": 1, "nfiles": 3}
    stage = {"cmd": "python build.py", "outs": [lock]}
    history.write("dvc.lock", json.dumps({"schema": "2.0", "stages": {"build": stage}}))
    pipeline = (history.root / "dvc.yaml").read_text()
    outs = "\n".join(f"    - {m.artifact.path}" for m in history.manifests.values())
    history.write("dvc.yaml", pipeline.replace(outs, "    - data"))
    history.sign()
    history.commit()
    history.git("tag", "1.0.0")
    return payload_key("us", md5), listing.encode()


def test_a_dataset_in_a_tracked_directory_is_looked_up_in_its_listing(history: History) -> None:
    key, listing = release_of_a_directory(history)
    releasing = Releases(history.root)
    with pytest.raises(ReleaseError, match=r"in the directory that dvc\.lock records"):
        releasing.create("1.0.0")
    history.store.create(key, listing)
    assert releasing.create("1.0.0").update.changed


def test_a_damaged_listing_in_the_bucket_is_named_with_its_remedy(history: History) -> None:
    key, listing = release_of_a_directory(history)
    history.store.create(key, listing)
    releasing = Releases(history.root)
    releasing.create("1.0.0")
    history.commit("Release 1.0.0")
    alter(history, key, listing[:-1])
    with pytest.raises(FormatError, match=f"{key}: not the JSON of a directory listing") as caught:
        releasing.push("1.0.0")
    assert "pe-dvc fsck --repair" in str(caught.value.remedy)
    assert not (history.bucket / "us/releases").exists()


def test_a_country_below_the_top_of_a_repo_of_several(history: History) -> None:
    """Each country is a DVC repo of its own, and its patterns tell its tags from the others'."""
    history.write("pyproject.toml", PYPROJECT + 'tags = "populace-us-*"\n')
    history.build()
    history.sign()
    inner = history.root / "us"
    inner.mkdir()
    for name in (
        ".dvc",
        ".gitignore",
        "pyproject.toml",
        "dvc.yaml",
        "dvc.lock",
        "manifests",
        "channels",
    ):
        (history.root / name).rename(inner / name)
    history.commit()
    history.git("tag", "microcosm-uk-2025")
    for tag in ("populace-us-1", "populace-us-2"):
        history.git("tag", tag)
        assert Releases(inner).create(tag).update.signed
        history.commit(f"Release {tag}")
        assert Releases(inner).push(tag).documents
    assert [row.state for row in Releases(inner).status()] == ["staged", "staged"]
    ((other, reason),) = Releases(inner).git.passed_over()
    assert (other.name, reason[:12]) == ("microcosm-uk-2025", "does not fit")


# Readers


def test_a_reference_to_a_release_is_resolved_through_it(published: History) -> None:
    resolved = pe_dvc.resolve(NATION)
    assert pe_dvc.fetch(NATION).read_bytes() == DATASETS["cps_2024"]
    assert resolved.pinned.sha256 == hashlib.sha256(DATASETS["cps_2024"]).hexdigest()
    assert pe_dvc.resolve("us/cps_2024@v1.0.0").sha256 == resolved.sha256
    published.build({**DATASETS, "cps_2024": b"next year's nation"})
    published.sign()
    published.commit("Rebuild")
    published.publish_channels()
    assert pe_dvc.resolve("us/cps_2024@latest").sha256 != resolved.sha256
    assert pe_dvc.resolve(NATION).sha256 == resolved.sha256


def test_libraries_open_a_release_by_its_url(published: History) -> None:
    import fsspec

    with pe_dvc.open(NATION) as file:
        assert file.read() == DATASETS["cps_2024"]
    with fsspec.open(NATION) as file:
        assert file.read() == DATASETS["cps_2024"]


def test_a_tag_of_gtos_is_resolved_by_the_same_words(published: History) -> None:
    published.git("tag", "states/AL@v2.0.0", "1.0.0")
    publish(published, "states/AL@v2.0.0")
    assert pe_dvc.fetch("us/states/AL@v2.0.0").read_bytes() == DATASETS["states/AL"]
    with pytest.raises(NotFoundError, match=r"no release v2\.0\.0 is published"):
        pe_dvc.resolve("us/states/WY@v2.0.0")


def test_a_label_is_released_and_read_like_a_version(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = "populace-us-2024-0a1b2c3-20260619T010203Z"
    history.write("pyproject.toml", PYPROJECT + 'tags = "populace-us-*"\n')
    history.release(label)
    publish(history, label)
    monkeypatch.chdir(history.root)
    assert pe_dvc.fetch(f"us/cps_2024@{label}").read_bytes() == DATASETS["cps_2024"]
    with pytest.raises(NotFoundError) as caught:
        pe_dvc.resolve(f"us/cps_2024@{label[:-1]}")
    assert caught.value.remedy == f"Published are {label}."
    assert Releases(history.root).verify(label)[0].artifacts == len(DATASETS)
    assert [row.state for row in Releases(history.root).status()] == ["staged"]


def test_what_a_release_does_not_have_is_named(published: History) -> None:
    with pytest.raises(NotFoundError, match=r"no release 1\.0\.1") as caught:
        pe_dvc.resolve("us/cps_2024@1.0.1")
    assert caught.value.remedy == "Published are 1.0.0."
    with pytest.raises(NotFoundError, match="has no dataset 'states/WI'") as caught:
        pe_dvc.resolve("us/states/WI@1.0.0")
    assert "states/WY" in (caught.value.remedy or "")


# Attacks: somebody who can write to the bucket, and has no key


@pytest.mark.parametrize("file", [RELEASE_MANIFEST, TRO])
def test_an_altered_document_is_found(published: History, file: str) -> None:
    key = release_key("us", "1.0.0", file)
    data = (published.bucket / key).read_bytes()
    alter(published, key, data.replace(b"cps_2024", b"cps_2042"))
    with pytest.raises(DigestMismatchError, match=f"{file} of release 1.0.0"):
        Releases(published.root).verify("1.0.0")
    if file == RELEASE_MANIFEST:
        with pytest.raises(DigestMismatchError, match=f"{file} of release 1.0.0"):
            pe_dvc.resolve(NATION)


def test_another_releases_manifest_under_the_tag_is_found(published: History) -> None:
    published.release("2.0.0", {**DATASETS, "cps_2024": b"another nation"})
    publish(published, "2.0.0")
    other = (published.bucket / release_key("us", "2.0.0", RELEASE_MANIFEST)).read_bytes()
    alter(published, release_key("us", "1.0.0", RELEASE_MANIFEST), other)
    with pytest.raises(DigestMismatchError):
        pe_dvc.resolve(NATION)


def test_a_release_that_nobody_signed_is_not_resolved(published: History) -> None:
    data = (published.bucket / release_key("us", "1.0.0", RELEASE_MANIFEST)).read_bytes()
    published.store.create(release_key("us", "6.6.6", RELEASE_MANIFEST), data)
    with pytest.raises(NotFoundError, match=r"no release 6\.6\.6"):
        pe_dvc.resolve("us/cps_2024@6.6.6")


def simulated(tmp_path: Path) -> Simulator:
    simulator = Simulator(tmp_path)
    simulator.publish()
    return simulator


def forge(simulator: Simulator, path: str, *signed_by: str) -> None:
    """Put a releases role with one target into the bucket, and stolen online keys to use."""
    target = {
        "length": 1,
        "hashes": {"sha256": "a" * 64},
        "custom": {
            "tro_sha256": "b" * 64,
            "git_commit": "c" * 40,
            "channel": "next",
            "state": "staged",
        },
    }
    held = simulator.held("1.releases.json")
    signed = Targets(2, expires=held.signed.expires)
    signed.targets[path] = TargetFile.from_dict(target, path)
    data = simulator.plant("2.releases.json", Metadata(signed), *signed_by)
    assert MetaFile.from_data(2, data, ["sha256"])
    simulator.point_at({"releases": data})


def test_the_ci_key_cannot_forge_a_release(tmp_path: Path) -> None:
    simulator = simulated(tmp_path)
    forge(simulator, "us/releases/6.6.6", "latest", "next")
    with pytest.raises(SignatureError, match="releases version 2"):
        simulator.client().releases()


def test_the_release_managers_can_make_one(tmp_path: Path) -> None:
    simulator = simulated(tmp_path)
    forge(simulator, "us/releases/6.6.6", "releases")
    assert list(simulator.client().releases()) == ["6.6.6"]


@pytest.mark.parametrize(
    "path",
    ["uk/releases/1.0.0", "us/latest/1.0.0", "us/releases/../1.0.0", "us/releases/1.0.0/x"],
)
def test_a_signed_release_of_another_place_is_refused(tmp_path: Path, path: str) -> None:
    simulator = simulated(tmp_path)
    forge(simulator, path, "releases")
    with pytest.raises(VerificationError):
        simulator.client().releases()


# How a release stands


def test_states(published: History) -> None:
    releasing = Releases(published.root)
    published.git("tag", "1.0.1")
    published.git("tag", "nightly")
    states = {row.tag: (row.state, row.published) for row in releasing.status()}
    assert states == {"1.0.0": ("staged", True), "1.0.1": ("unreleased", False)}
    update = releasing.deprecate("1.0.0", "wrong weights: use 1.0.1")
    assert (update.released.state, update.signed, update.version) == ("deprecated", True, 3)
    assert releasing.status()[0].detail == "wrong weights: use 1.0.1"
    gone = Sha256(published.manifests["states/AL"].artifact.sha256)
    published.store.create(tombstone_key("us", gone), b"{}")
    row = Releases(published.root).status()[0]
    assert row.state == "deprecated"
    assert row.detail == ("wrong weights: use 1.0.1; states/AL: there is an unsigned tombstone")


def test_a_deprecated_release_is_still_read_with_a_warning(published: History) -> None:
    releasing = Releases(published.root)
    releasing.deprecate("1.0.0", "old, use 1.0.1")
    published.commit("Deprecate")
    releasing.push("1.0.0")
    with pytest.warns(
        pe_dvc.DeprecatedReleaseWarning,
        match=r"^release 1.0.0 of us is deprecated: old, use 1.0.1$",
    ):
        assert pe_dvc.fetch(NATION).read_bytes() == DATASETS["cps_2024"]
    (listed,) = pe_dvc.releases("us")
    assert (listed.state, listed.reason) == ("deprecated", "old, use 1.0.1")
    with pytest.raises(PeDvcError, match="no release '9'"):
        releasing.deprecate("9", "never was")
    with pytest.raises(FormatError, match="a deprecation needs a reason"):
        releasing.deprecate("1.0.0", " ")
