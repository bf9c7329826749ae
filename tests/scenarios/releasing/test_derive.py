"""From a tag to a release: a pure function of git, and refusals that name what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pe_dvc.documents.release import ReleaseManifest
from pe_dvc.documents.release_build import SignedIn, TaggedCommit, build_release
from pe_dvc.documents.release_tag import candidates, check_tag, read_tag
from pe_dvc.documents.release_target import Released
from pe_dvc.documents.tro import build_tro
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError, ReleaseError
from pe_dvc.project.release_repo import ReleaseRepo
from pe_dvc.project.settings import parse_settings
from tests.support.factories import manifest_of
from tests.support.release_history import DATASETS, INPUTS, PYPROJECT, History

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.usecases.release.derive import Release

GOLDEN = (
    "e9e1b80d93850befdd7b18546a93e0fdc76114e8c9c18d82ce49c85b993a34d7",
    "61deeffce2965ce604985196e8bfa633af48a39d16c63386cfc43a6548aef1ee",
)
"""The sha256 of the release manifest and of the TRO of a release that stands for all."""


LABEL = "populace-us-2024-spm-20260915"
CUT = "microcosm-uk-2024-25-national-20261025T091414Z-a6299504"


def derive(history: History, tag: str = "1.0.0") -> Release:
    return ReleaseRepo(history.root).release(tag)


def refusal(history: History, tag: str = "1.0.0") -> str:
    with pytest.raises(ReleaseError) as caught:
        derive(history, tag)
    assert caught.value.remedy, "a refusal says what to do"
    assert tag in caught.value.message
    return caught.value.message


def retag(history: History, message: str = "Change") -> None:
    history.commit(message)
    history.git("tag", "--force", "1.0.0")


# A pure function of the tag


def test_two_machines_give_the_same_bytes(released: History, tmp_path: Path) -> None:
    ours = derive(released)
    bare = tmp_path / "elsewhere/clone.git"
    subprocess.check_call(["git", "clone", "--quiet", "--bare", released.root, bare])
    program = (
        "import sys; from pathlib import Path; from pe_dvc.project.release_repo import ReleaseRepo;"
        "release = ReleaseRepo(Path(sys.argv[1])).release('1.0.0');"
        "sys.stdout.buffer.write(release.data + release.tro);"
        "assert not {'dvc', 'tuf.ngclient.urllib3_fetcher'} & set(sys.modules), 'imports DVC'"
    )
    environment = {**os.environ, "TZ": "Pacific/Kiritimati", "CI": "true", "PYTHONHASHSEED": "7"}
    theirs = subprocess.check_output([sys.executable, "-c", program, bare], env=environment)
    assert theirs == ours.data + ours.tro


def test_neither_work_tree_nor_later_commits_matter(released: History) -> None:
    before = derive(released)
    (released.root / "manifests/cps_2024.json").write_text("nonsense")
    (released.root / "pyproject.toml").unlink()
    assert derive(released).data == before.data
    released.git("checkout", "--quiet", ".")
    released.release("2.0.0", {**DATASETS, "cps_2024": b"another nation"})
    assert derive(released).data == before.data
    assert derive(released, "2.0.0").data != before.data


def test_a_light_tag_has_its_commits_time_and_an_annotated_one_its_own(history: History) -> None:
    history.release("1.0.0")
    late = {"GIT_COMMITTER_DATE": "2026-05-01T00:30:00+02:00"}
    history.git("tag", "--annotate", "--message", "x", "v1.0.1", **late)
    assert derive(history).manifest.created_at == "2026-04-20T10:00:00Z"
    annotated = derive(history, "v1.0.1").manifest
    assert annotated.created_at == "2026-04-30T22:30:00Z"
    assert (annotated.data_package.version, annotated.tag) == ("1.0.1", "v1.0.1")
    assert {a.revision for a in annotated.artifacts.values()} == {"v1.0.1"}


def test_a_tag_of_a_tag_is_followed_to_its_commit(released: History) -> None:
    released.git("tag", "--annotate", "--message", "x", "inner", "1.0.0")
    released.git("tag", "--annotate", "--message", "x", "1.0.1", "inner")
    assert derive(released, "1.0.1").manifest.build.metadata.git_commit == (
        derive(released).manifest.build.metadata.git_commit
    )


def test_everything_that_certification_asks_for_is_there(released: History) -> None:
    manifest = json.loads(derive(released).data)
    build = manifest["build"]
    assert build["calibration_targets"] == INPUTS["calibration_targets"]
    assert build["raw_inputs"] == INPUTS["raw_inputs"]
    assert build["build_environment"] == {
        "python_version": "3.13.1",
        "lockfile_sha256": "e" * 64,
    }
    assert manifest["compatible_model_packages"] == [
        {"name": "policyengine-us", "specifier": "==1.690.0"},
        {"name": "policyengine-us", "specifier": ">=1.700,<2"},
    ]
    artifact = manifest["artifacts"]["states/AL"]
    assert artifact["reference"] == f"pe-data://us/states/AL@sha256:{artifact['sha256']}"
    assert artifact["preservation_mirrors"][0]["url"].endswith("/1.0.0/data/states/AL.parquet")
    plain = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    assert derive(released).data == plain.encode(), "as policyengine's own writer"


def test_what_was_read_back_is_what_was_written(released: History) -> None:
    data = derive(released).data
    assert ReleaseManifest.from_bytes(data).to_bytes() == data


def test_a_dataset_that_another_model_built_says_so(history: History) -> None:
    history.build()
    other = {**INPUTS, "model_package": {"name": "policyengine-us", "version": "1.600.0"}}
    manifest = history.manifests["states/AL"]
    data = json.dumps({**manifest.to_json(), "inputs": other})
    history.manifests["states/AL"] = type(manifest).model_validate_json(data)
    history.write("manifests/states/AL.json", history.manifests["states/AL"].to_bytes())
    history.sign()
    retag(history)
    artifacts = derive(history).manifest.artifacts
    built_with = artifacts["states/AL"].built_with_model_package
    assert built_with is not None
    assert built_with.version == "1.600.0"
    assert artifacts["states/WY"].built_with_model_package is None


def test_a_tag_of_gtos_is_a_release_of_one_dataset(released: History) -> None:
    released.git("tag", "states/AL@v2.0.0")
    manifest = derive(released, "states/AL@v2.0.0").manifest
    assert list(manifest.artifacts) == ["states/AL"]
    assert (manifest.data_package.version, manifest.default_datasets) == ("2.0.0", {})
    released.git("tag", "cps_2024@v3.0.0")
    assert derive(released, "cps_2024@v3.0.0").manifest.default_datasets == {"national": "cps_2024"}
    released.git("tag", "nothing@v1.0.0")
    assert "declares no dataset 'nothing'" in refusal(released, "nothing@v1.0.0")


# Refusals


def test_a_tag_that_is_not_there(released: History) -> None:
    with pytest.raises(NotFoundError, match=r"no git tag '9\.9\.9'"):
        derive(released, "9.9.9")


def test_a_tag_of_no_commit(released: History) -> None:
    blob = released.git("hash-object", "-w", "pyproject.toml")
    released.git("tag", "3.0.0", blob)
    with pytest.raises(ReleaseError, match=r"'3\.0\.0' does not name a commit"):
        derive(released, "3.0.0")
    assert [tag.name for _, tag in ReleaseRepo(released.root).tags()] == ["1.0.0"]


def test_a_commit_that_is_no_data_repo(history: History) -> None:
    (history.root / "pyproject.toml").unlink()
    retag(history)
    assert "not a pe_dvc data repo" in refusal(history)


def test_a_tag_without_release_settings(released: History) -> None:
    released.write("pyproject.toml", '[tool.pe_dvc]\ncountry = "us"\n')
    retag(released)
    assert "no [tool.pe_dvc.release]" in refusal(released)


def test_settings_that_a_refusal_has_make_a_release(released: History) -> None:
    bare = '[tool.pe_dvc]\ncountry = "us"\n'
    released.write("pyproject.toml", bare)
    retag(released)
    with pytest.raises(ReleaseError) as caught:
        derive(released)
    said = str(caught.value.remedy)
    pasted = [line for line in said.splitlines() if line.startswith("  ")]
    released.write("pyproject.toml", bare + "\n".join(pasted))
    released.commit("Settings")
    assert "tag that commit (git tag --force 1.0.0)" in said
    released.git("tag", "--force", "1.0.0")
    made = derive(released).manifest
    assert made.data_package.name == "policyengine-us-data"
    assert made.default_datasets == {"national": "cps_2024"}


def test_a_dataset_in_dvc_lock_without_manifest(released: History) -> None:
    (released.root / "manifests/states/WY.json").unlink()
    retag(released)
    assert "without a manifest: states/WY" in refusal(released)


def test_a_declared_dataset_that_was_never_built(released: History) -> None:
    lock = released.root / "dvc.lock"
    lock.write_text(lock.read_text().replace("data/states/WY.parquet", "data/states/ZZ.parquet"))
    retag(released)
    assert "dvc.lock has no record of states/WY" in refusal(released)


def test_a_manifest_whose_md5_disagrees_with_dvc_lock(released: History) -> None:
    md5 = released.manifests["states/AL"].artifact.dvc.md5
    lock = released.root / "dvc.lock"
    lock.write_text(lock.read_text().replace(md5, "f0" * 16))
    retag(released)
    assert "md5 is not dvc.lock's for states/AL" in refusal(released)


def test_a_dataset_that_is_a_directory(released: History) -> None:
    file = released.root / "manifests/states/AL.json"
    manifest = json.loads(file.read_bytes())
    artifact, lock = manifest["artifact"], released.root / "dvc.lock"
    listing = f"{artifact['dvc']['md5']}.dir"
    lock.write_text(lock.read_text().replace(artifact["dvc"]["md5"], listing))
    artifact["dvc"]["md5"] = listing
    del artifact["chunks"]
    artifact["members"] = {"digest": "dirHash", "count": 2, "sha256": "a" * 64}
    file.write_text(json.dumps(manifest))
    retag(released)
    assert "these datasets are directories: states/AL" in refusal(released)
    pyproject = released.root / "pyproject.toml"
    settings = pyproject.read_text()
    pyproject.write_text(f"{settings}\n[tool.pe_dvc.release.extra]\n")
    without = settings.replace("repo_type", 'without = ["states/AL", "none"]\nrepo_type')
    pyproject.write_text(without)
    retag(released)
    assert "without names what is no dataset: none" in refusal(released)
    pyproject.write_text(without.replace(', "none"', ""))
    retag(released)
    assert derive(released).manifest.artifacts.keys() == {"cps_2024", "states/WY"}


def test_a_manifest_of_a_dataset_that_is_not_declared(released: History) -> None:
    manifest = json.loads((released.root / "manifests/states/AL.json").read_bytes())
    manifest["artifact"]["name"] = "states/AK"
    released.write("manifests/states/AK.json", json.dumps(manifest))
    retag(released)
    assert "no declaration in dvc.yaml, of states/AK" in refusal(released)


def test_an_artifact_that_is_not_in_next(history: History) -> None:
    history.release("1.0.0")
    history.build({**DATASETS, "states/AL": b"alabama anew"})
    history.sign("latest")
    retag(history)
    assert "not in the signed channel next at that commit: states/AL" in refusal(history)
    release = ReleaseRepo(history.root).release("1.0.0", channel="latest")
    assert release.manifest.build.metadata.channel == "latest"


def test_an_edited_manifest_is_not_in_next(released: History) -> None:
    path = released.root / "manifests/states/AL.json"
    path.write_text(path.read_text().replace('"rows": 2', '"rows": 3'))
    retag(released)
    assert "not in the signed channel next at that commit: states/AL" in refusal(released)


def test_a_pointer_below_its_threshold(tmp_path: Path) -> None:
    history = History(tmp_path, thresholds={"next": 2})
    (history.keys / "us/next-2.pem").rename(tmp_path / "on-holiday.pem")
    history.release("1.0.0")
    assert "next version 2 has valid signatures of 1 of its keys, and 2 must sign" in refusal(
        history
    )


def test_a_channel_that_somebody_without_the_keys_edited(released: History) -> None:
    path = released.root / "channels/us/next.json"
    sha256 = released.manifests["states/AL"].artifact.sha256
    path.write_text(path.read_text().replace(sha256, "0" * 64))
    retag(released)
    assert "has valid signatures of 0 of its keys" in refusal(released)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('national = "cps_2024"', 'baseline = "cps_2024"', "names no national dataset"),
        ('national = "cps_2024"', 'national = "cps_2042"', "no dataset: cps_2042"),
        ("data/states/{state_code}", "states/{state_code}", "template states/{state_code}"),
    ],
)
def test_defaults_and_regions_that_name_nothing(
    released: History, old: str, new: str, said: str
) -> None:
    released.write("pyproject.toml", PYPROJECT.replace(old, new))
    retag(released)
    assert said in refusal(released)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('">=1.700,<2"', '"1.x"', "version specifiers of PEP 440"),
        ('"policyengine/policyengine-us-data"', '"policyengine-us-data"', "repo_id"),
        ("{version}/{path}", "{version}/{name}", "preservation_mirrors"),
        ("repo_type =", "repo_typ =", "Did you mean repo_type"),
    ],
)
def test_settings_that_are_wrong_are_named(
    released: History, old: str, new: str, said: str
) -> None:
    released.write("pyproject.toml", PYPROJECT.replace(old, new))
    retag(released)
    with pytest.raises(FormatError, match=r"1\.0\.0:pyproject\.toml: tool\.pe_dvc") as caught:
        derive(released)
    assert said in f"{caught.value.message} {caught.value.remedy}"


# Tags and targets


@pytest.mark.parametrize(
    ("tag", "version", "dataset"),
    [
        ("1.78.2", "1.78.2", None),
        ("v1.78.2", "1.78.2", None),
        ("1.0", "1.0", None),
        ("1.0.0-rc.1", "1.0.0-rc.1", None),
        ("cps_2024@v1.2.3", "1.2.3", "cps_2024"),
        ("states/AL@v1.2.3", "1.2.3", "states/AL"),
        ("1.78.2rc1", "1.78.2rc1", None),
        ("v1.78.2.post1", "1.78.2.post1", None),
        ("2.0rc1", "2.0rc1", None),
        ("2026.9rc1", "2026.9rc1", None),
        ("populace-us-2024-spm-20260915", "populace-us-2024-spm-20260915", None),
        (CUT, CUT, None),
        ("validated-2024", "validated-2024", None),
        ("V1.2.3", "V1.2.3", None),
    ],
)
def test_tags_that_are_releases(tag: str, version: str, dataset: str | None) -> None:
    found = check_tag(tag)
    assert (found.version, found.dataset) == (version, dataset)


@pytest.mark.parametrize(
    "tag",
    [
        *("1", "12", "cps#prod", "cps@1.2.3", "a.b@v1.0.0", "@v1.0.0", "1.0.0/x", "../1.0.0"),
        *("latest", "Latest", "next", "stable", "lts", "sha256:abc", "4e" * 20, "4E" * 32),
        *("a..b", "label.", "label.lock", "-label", "é-label", "a" * 129, "populace\n", "1!2.0"),
    ],
)
def test_tags_that_are_not(tag: str) -> None:
    assert read_tag(tag) is None
    with pytest.raises(ReleaseError, match="is not a release"):
        check_tag(tag)


def test_a_reference_may_mean_a_plain_tag_or_gtos() -> None:
    assert candidates("cps", "v1.2.3") == ("v1.2.3", "cps@v1.2.3", "1.2.3")
    assert candidates("cps", "1.2.3") == ("1.2.3", "cps@v1.2.3", "v1.2.3")


def test_a_label_means_itself_alone() -> None:
    """The v of a word is no v of a version: another label's data must not be served for it."""
    assert candidates("cps", "validated-2024") == ("validated-2024",)


# Tags that are labels


def labelled(history: History, tags: str) -> None:
    """Build, and tag with what two producers write; the settings have these ``tags``."""
    history.write("pyproject.toml", PYPROJECT + f"tags = {tags}\n")
    history.build()
    history.sign()
    history.commit()
    for tag in (LABEL, CUT, "v1.0.0", "cps#prod"):
        history.git("tag", tag)


def test_a_label_that_the_settings_name_is_a_release(history: History) -> None:
    labelled(history, '"populace-us-*"')
    manifest = derive(history, LABEL).manifest
    assert (manifest.tag, manifest.data_package.version) == (LABEL, LABEL)
    assert {artifact.revision for artifact in manifest.artifacts.values()} == {LABEL}
    assert [tag.name for _, tag in ReleaseRepo(history.root).tags()] == [LABEL]


def test_tags_that_were_passed_over_are_named_with_the_reason(history: History) -> None:
    labelled(history, '["populace-us-*", "v*"]')
    repo = ReleaseRepo(history.root)
    assert [tag.name for _, tag in repo.tags()] == [LABEL, "v1.0.0"]
    reasons = {tag.name: reason for tag, reason in repo.passed_over()}
    assert reasons == {
        CUT: "does not fit the tags of [tool.pe_dvc.release]: populace-us-*, v*",
        "cps#prod": "cannot be the name of a release",
    }
    assert f"it {reasons[CUT]}" in refusal(history, CUT)


def test_without_patterns_labels_are_passed_over(released: History) -> None:
    released.git("tag", LABEL)
    assert "it is a label, and [tool.pe_dvc.release] names no tags" in refusal(released, LABEL)
    ((tag, reason),) = ReleaseRepo(released.root).passed_over()
    assert (tag.name, reason) == (LABEL, "is a label, and [tool.pe_dvc.release] names no tags")


def test_labels_are_ordered_by_the_time_of_the_tag(history: History) -> None:
    labelled(history, '"*-20*"')
    for day, tag in ((3, "z-2026"), (2, "b-2026"), (1, "a-2027")):
        history.git("tag", "-am", "x", tag, GIT_COMMITTER_DATE=f"2026-05-0{day}T00:00:00Z")
    names = [tag.name for _, tag in ReleaseRepo(history.root).tags()]
    assert names == [CUT, LABEL, "a-2027", "b-2026", "z-2026"]


@pytest.mark.parametrize("tags", ['"populace us"', "[1]", '"[a-z]*"', '""'])
def test_patterns_that_are_none_are_named(history: History, tags: str) -> None:
    with pytest.raises(FormatError, match=r"tool\.pe_dvc\.release\.tags"):
        _ = parse_settings((PYPROJECT + f"tags = {tags}\n").encode(), where="x").release_settings


@given(
    st.builds(
        Released,
        country=st.sampled_from(["us", "uk"]),
        tag=st.sampled_from(["1.78.2", "v2.0.0", "states/AL@v1.0.0", LABEL, CUT]),
        sha256=st.text("0123456789abcdef", min_size=64, max_size=64).map(Sha256),
        size=st.integers(0, 2**53),
        tro_sha256=st.just(Sha256("a" * 64)),
        commit=st.just("c" * 40),
        channel=st.sampled_from(["next", "latest"]),
        state=st.sampled_from(["staged", "certified", "deprecated"]),
        bundles=st.lists(st.text()).map(tuple),
        reason=st.none() | st.text(),
    )
)
def test_a_release_survives_its_target(released: Released) -> None:
    plain = json.loads(json.dumps(released.to_target()))
    assert Released.from_target(released.target_path, plain) == released


def test_times_are_utc(released: History) -> None:
    (_, tag), *_ = ReleaseRepo(released.root).tags()
    assert tag.moment == datetime(2026, 4, 20, 10, tzinfo=UTC)


# Where it is run


def test_a_subdirectory_of_the_data_repo_will_do(released: History) -> None:
    expected = derive(released).data
    assert ReleaseRepo(released.root / "manifests/states").release("1.0.0").data == expected


def test_a_data_repo_below_the_top_of_its_git_repo(history: History) -> None:
    history.build()
    history.sign()
    inner = history.root / "data-repos/us"
    inner.mkdir(parents=True)
    for name in (".dvc", "pyproject.toml", "dvc.yaml", "dvc.lock", "manifests", "channels"):
        (history.root / name).rename(inner / name)
    history.commit()
    history.git("tag", "1.0.0")
    assert len(ReleaseRepo(inner).release("1.0.0").manifest.artifacts) == len(DATASETS)
    with pytest.raises(ReleaseError, match="not a pe_dvc data repo"):
        ReleaseRepo(history.root).release("1.0.0")


def test_outside_of_git(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is not in a git repo"):
        ReleaseRepo(tmp_path)


def test_the_bytes_of_a_release_never_change() -> None:
    """A published release is proved against what git gives: that must be the same for ever.

    If this fails, releases that are published no longer verify: keep the old bytes.
    """
    manifest = manifest_of(b"the nation", name="cps_2024", path="data/cps_2024.parquet")
    plain = {**manifest.to_json(), "inputs": INPUTS}
    manifest = type(manifest).model_validate_json(json.dumps(plain))
    settings = parse_settings(PYPROJECT.encode(), where="here").release_settings
    assert settings is not None
    release = build_release(
        TaggedCommit(tag=check_tag("v1.78.2"), commit="c" * 40, moment="2026-04-20T10:00:00Z"),
        SignedIn(channel="next", version=7),
        settings,
        {"cps_2024": (manifest, manifest.to_bytes())},
    )
    data = release.to_bytes()
    assert (sha256_bytes(data), sha256_bytes(build_tro(release, data))) == GOLDEN
