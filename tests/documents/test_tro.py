"""TROs of releases whose producers are not PolicyEngine, or say little."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pe_dvc.documents.provenance import Build
from pe_dvc.documents.release import ReleaseManifest
from pe_dvc.documents.release_build import SignedIn, TaggedCommit, build_release
from pe_dvc.documents.release_tag import read_tag
from pe_dvc.documents.tro import build_tro
from pe_dvc.documents.tro_2023 import build_older_tro
from pe_dvc.project.settings import parse_settings
from tests.support.factories import manifest_of
from tests.support.release_history import PYPROJECT

REPO = 'repo_id = "policyengine/policyengine-us-data"'


def release_of(settings: str, **changes: Any) -> ReleaseManifest:
    declared = parse_settings(settings.encode(), where="pyproject.toml").release_settings
    tag = read_tag("1.0.0")
    assert declared is not None
    assert tag is not None
    manifest = manifest_of(b"payload").model_copy(update=changes)
    return build_release(
        TaggedCommit(tag=tag, commit="a" * 40, moment="2026-04-20T12:00:00Z"),
        SignedIn(channel="next", version=1),
        declared,
        {"cps_2024": (manifest, manifest.to_bytes())},
    )


def tros(release: ReleaseManifest) -> list[dict[str, Any]]:
    data = release.to_bytes()
    made = build_tro(release, data), build_older_tro(release, data, "1.0.0")
    return [json.loads(tro)["@graph"][0] for tro in made]


CREATORS = {
    "PolicyEngine, as ever": ("", "PolicyEngine"),
    "the owner of the repo": (REPO.replace("policyengine/", "office/"), "office"),
    "as the settings say": (f'{REPO}\ncreator = "Office for Data"', "Office for Data"),
}


@pytest.mark.parametrize("case", CREATORS)
def test_a_tro_names_who_made_the_data(case: str) -> None:
    line, creator = CREATORS[case]
    current, older = tros(release_of(PYPROJECT.replace(REPO, line or REPO)))
    assert current["schema:creator"] == creator
    assert older["schema:creator"]["schema:name"] == creator
    assert current["trov:wasAssembledBy"]["schema:name"] == f"{creator} data release pipeline"


def test_a_build_of_which_nothing_is_stated_makes_a_release_that_says_nothing_of_it() -> None:
    release = release_of(PYPROJECT, build=Build())
    assert (release.build.built_at, release.build.metadata.built_in) == (None, None)
    for tro in tros(ReleaseManifest.from_bytes(release.to_bytes())):
        performances = tro["trov:hasPerformance"]
        done = performances[0] if isinstance(performances, list) else performances
        assert not {"trov:endedAtTime", "pe:emittedIn"} & done.keys()
