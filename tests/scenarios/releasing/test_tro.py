"""The TRO: terms of TROV 0.1, shapes, fingerprint, and tro-utils on an exported release."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from pe_dvc.documents.tro import CONTEXT, composition_fingerprint
from pe_dvc.primitives.errors import ConflictError, DigestMismatchError, FormatError
from pe_dvc.project.release import Releases
from tests.scenarios.releasing.consumer import SHAPES
from tests.support.release_history import DATASETS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.scenarios.releasing.consumer import Consumer
    from tests.support.release_history import History

# Every class and property of the TROV 0.1 vocabulary reference that a release can use.
TROV_TERMS = {
    *("TransparentResearchObject", "TrustedResearchSystem", "TrustedResearchPerformance"),
    *("ArtifactComposition", "CompositionFingerprint", "ResearchArtifact", "ArtifactArrangement"),
    *("ArtifactLocation", "ArrangementBinding", "vocabularyVersion", "wasAssembledBy"),
    *("createdWith", "hasComposition", "hasArrangement", "hasPerformance", "wasConductedBy"),
    *("contributedToArrangement", "arrangement", "endedAtTime", "hasArtifact", "hasFingerprint"),
    *("hash", "hashAlgorithm", "hashValue", "mimeType", "hasArtifactLocation", "artifact", "path"),
}
PE_TERMS = {
    *("dataBuildId", "builtWithModelPackageName", "builtWithModelVersion", "emittedIn"),
    *("builtWithModelGitSha", "dataBuildFingerprint", "ciRunUrl", "ciGitSha", "ciGitRef"),
}


@pytest.fixture
def tro(released: History, tmp_path: Path) -> Path:
    path = tmp_path / "trace.tro.jsonld"
    path.write_bytes(Releases(released.root).derive("1.0.0").tro)
    return path


def terms(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "@type":
                yield from [item] if isinstance(item, str) else item
            elif not key.startswith("@"):
                yield key
            yield from terms(item)
    elif isinstance(value, list):
        for item in value:
            yield from terms(item)


def test_it_has_no_violation_of_the_shapes(consumer: Consumer, tro: Path) -> None:
    done = consumer.call("shacl", data=tro, shapes=SHAPES)
    assert done["violations"] == 0, done["text"]
    assert done["conforms"]
    assert done["triples"] > 10 * len(DATASETS)


def test_the_shapes_find_retired_terms_in_older_tros(consumer: Consumer, tro: Path) -> None:
    older = consumer.call("packaged_tro", country="us")
    assert consumer.call("shacl", data=older, shapes=SHAPES)["violations"] > 10
    document = json.loads(tro.read_bytes())
    artifact = document["@graph"][0]["trov:hasComposition"]["trov:hasArtifact"][0]
    artifact["trov:sha256"] = artifact.pop("trov:hash")["trov:hashValue"]
    tro.write_text(json.dumps(document))
    assert consumer.call("shacl", data=tro, shapes=SHAPES)["violations"] == 1


@pytest.fixture
def older(released: History) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(Releases(released.root).derive("1.0.0").older_tro)
    return loaded


def test_each_vocabulary_is_of_the_schema_that_asks_for_it_and_of_no_other(
    consumer: Consumer, tro: Path, older: dict[str, Any]
) -> None:
    policyengine, us_data = map(Draft202012Validator, consumer.tro_schemas())
    signed = json.loads(tro.read_bytes())
    assert not list(us_data.iter_errors(signed))
    assert not list(policyengine.iter_errors(older))
    assert list(us_data.iter_errors(older))
    assert list(policyengine.iter_errors(signed))


def test_the_older_one_names_files_by_their_place_on_the_hub(older: dict[str, Any]) -> None:
    (node,) = older["@graph"]
    assert "2023/05" in node["schema:description"]
    hub = "https://huggingface.co/datasets/policyengine/policyengine-us-data/resolve/1.0.0"
    places = [
        p["trov:hasLocation"] for p in node["trov:hasArrangement"][0]["trov:hasArtifactLocation"]
    ]
    assert places[0] == f"{hub}/releases/1.0.0/release_manifest.json"
    assert f"{hub}/data/states/AL.parquet" in places
    composition = node["trov:hasComposition"]
    digests = sorted(artifact["trov:sha256"] for artifact in composition["trov:hasArtifact"])
    fingerprint = composition["trov:hasFingerprint"]["trov:sha256"]
    assert fingerprint == hashlib.sha256("\n".join(digests).encode()).hexdigest()


def test_it_uses_the_vocabularies_terms_and_no_others(tro: Path) -> None:
    document = json.loads(tro.read_bytes())
    assert document["@context"] == [CONTEXT]
    used = set(terms(document["@graph"]))
    assert {t for t in used if t.startswith("trov:")} <= {f"trov:{t}" for t in TROV_TERMS}
    assert {t for t in used if t.startswith("pe:")} <= {f"pe:{t}" for t in PE_TERMS}
    assert {t.partition(":")[0] for t in used} == {"trov", "pe", "schema", "rdfs"}


def test_it_covers_every_artifact_and_the_manifest(released: History, tro: Path) -> None:
    composition = json.loads(tro.read_bytes())["@graph"][0]["trov:hasComposition"]
    covered = {a["trov:hash"]["trov:hashValue"] for a in composition["trov:hasArtifact"]}
    release = Releases(released.root).derive("1.0.0")
    expected = {hashlib.sha256(d).hexdigest() for d in (*DATASETS.values(), release.data)}
    assert covered == expected
    fingerprint = composition["trov:hasFingerprint"]["trov:hash"]["trov:hashValue"]
    assert fingerprint == hashlib.sha256("".join(sorted(expected)).encode()).hexdigest()
    assert fingerprint == composition_fingerprint(expected)


def test_tro_utils_verifies_an_exported_release(
    consumer: Consumer, released: History, tmp_path: Path
) -> None:
    place = tmp_path / "export"
    assert Releases(released.root).export("1.0.0", place) == len(DATASETS)
    arguments = ("verify-package", place / "trace.tro.jsonld", place / "payload", "-v")
    assert "✓" in consumer.tro_utils(*arguments)
    (place / "payload/data/states/WY.parquet").write_bytes(b"altered")
    assert "✗" in consumer.tro_utils(*arguments)


def test_an_export_repairs_itself_and_keeps_what_is_there(
    released: History, tmp_path: Path
) -> None:
    releasing, place = Releases(released.root), tmp_path / "export"
    releasing.export("1.0.0", place)
    assert releasing.export("1.0.0", place) == 0
    (place / "payload/data/states/WY.parquet").write_bytes(b"altered")
    assert releasing.export("1.0.0", place) == 1
    assert (place / "payload/data/states/WY.parquet").read_bytes() == DATASETS["states/WY"]
    (place / "payload/notes.txt").write_text("mine")
    with pytest.raises(ConflictError, match=r"notes\.txt is not a file of this release"):
        releasing.export("1.0.0", place)


def test_an_export_leaves_nothing_of_an_altered_payload(released: History, tmp_path: Path) -> None:
    md5 = hashlib.md5(DATASETS["states/WY"]).hexdigest()
    held = released.bucket / f"us/files/md5/{md5[:2]}/{md5[2:]}"
    held.chmod(0o644)
    held.write_bytes(b"WYOMING")
    with pytest.raises(DigestMismatchError, match="states/WY"):
        Releases(released.root).export("1.0.0", tmp_path / "export")
    assert not list((tmp_path / "export").rglob("*WY*"))


@pytest.mark.parametrize(
    "name", ["payload/data/states/WY.parquet", "payload/release_manifest.json", "trace.tro.jsonld"]
)
def test_an_export_replaces_no_pipe(released: History, tmp_path: Path, name: str) -> None:
    place = tmp_path / "export" / name
    place.parent.mkdir(parents=True)
    os.mkfifo(place)
    with pytest.raises(FormatError, match=f"{place}: is a named pipe"):
        Releases(released.root).export("1.0.0", tmp_path / "export")
    assert place.is_fifo()
    assert not list((tmp_path / "export").rglob("AL.parquet")), "refused before a download"


def test_an_export_follows_no_link_out_of_its_directory(released: History, tmp_path: Path) -> None:
    """The directory may lie in a clone that somebody hostile wrote."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "export/payload").mkdir(parents=True)
    (tmp_path / "export/payload/data").symlink_to(tmp_path / "outside")
    with pytest.raises(FormatError, match="payload/data: is a symbolic link"):
        Releases(released.root).export("1.0.0", tmp_path / "export")
    assert not list((tmp_path / "outside").iterdir())
