"""What a release states for verifiers of others: only what its manifests and channels say."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.documents.gate_note import GATES, Result
from pe_dvc.documents.in_toto import (
    PROVENANCE,
    TEST_RESULT,
    Stated,
    statements_digest,
    statements_of,
)
from pe_dvc.documents.manifest import Manifest
from pe_dvc.documents.release import ReleaseManifest
from pe_dvc.documents.slsa import read_slsa, statements_in
from pe_dvc.documents.statement_bundle import SignedStatement, read_statements, write_statements
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError
from tests.support.factories import manifest_of, pointer_to
from tests.support.other_environments import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.other_environments import intoto as intoto

GOLDEN = "057f63b3d76bf111f0501bc490b817abc8021da854a4d7f658cc8839dbc88f23"
"""The digest of the statements of ``described``: later versions must make the same ones."""

A, B, C = "a" * 64, "b" * 64, "c" * 64
INPUTS: dict[str, Any] = {
    "data_vintage": "cps_asec_2024",
    "model_package": {
        "name": "policyengine-us",
        "version": "1.690.0",
        "wheel_sha256": A,
        "git_sha": "b" * 40,
    },
    "core_package": {"name": "policyengine-core", "version": "3.33.3"},
    "raw_inputs": [
        {"name": "raw/asec.csv", "sha256": B},
        {"name": "raw/puf/", "sha256": C, "source": {"url": "s3://raw/puf"}},
    ],
    "code": [{"name": "build.py", "sha256": A}],
    "calibration_targets": {"snapshot_id": "us-2026-03-01", "sha256": C},
    "params": {"params.yaml": {"seed": 7, "share": 0.25}},
    "lockfile_sha256": B,
    "python_version": "3.13.1",
    "packages": {"numpy": "2.4.0"},
}
BUILD = {
    "git_commit": "5" * 40,
    "git_dirty": False,
    "built_at": "2026-04-20T12:00:00Z",
    "built_in": "ci",
}
RESULTS = [
    Result(gate="tail", of="capital_gains top_100", passed=True, measured="0.3", expected="≤ 0.4"),
    Result(gate="rows", of=None, passed=True),
]


def described(inputs: Any = INPUTS, build: Any = BUILD) -> Manifest:
    plain = {**manifest_of(b"payload").to_json(), "inputs": inputs, "build": build}
    return Manifest.model_validate_json(json.dumps(plain))


def release(tag: str = "1.0.0") -> ReleaseManifest:
    build = {
        "build_id": "x",
        "build_environment": {},
        "metadata": {
            "git_tag": tag,
            "git_commit": "6" * 40,
            "channel": "next",
            "channel_version": 3,
        },
    }
    plain = {
        "country_id": "us",
        "created_at": "2026-04-21T09:00:00Z",
        "data_package": {"name": "policyengine-us-data", "version": tag},
        "default_datasets": {},
        "build": build,
        "artifacts": {},
    }
    return ReleaseManifest.model_validate_json(json.dumps(plain))


def stated(manifest: Manifest, results: list[Result] = RESULTS) -> list[Any]:
    return [json.loads(payload) for payload in payloads(manifest, results)]


def payloads(
    manifest: Manifest, results: list[Result] = RESULTS, tag: str = "1.0.0"
) -> list[bytes]:
    notes = {GATES: [one.to_note() for one in results]} if results else {}
    one = Stated(
        head=manifest,
        manifest_sha256=sha256_bytes(manifest.to_bytes()),
        pointer=pointer_to(manifest, "next", notes=notes),
    )
    return statements_of(release(tag), {manifest.artifact.name: one})


def test_the_subject_is_the_artifact() -> None:
    for statement in stated(described()):
        (subject,) = statement["subject"]
        assert subject["name"] == "enhanced_cps_2024"
        assert subject["digest"] == {"sha256": sha256_bytes(b"payload")}


def test_raw_inputs_code_and_packages_are_named_with_their_digests() -> None:
    predicate = stated(described())[0]["predicate"]
    found = {
        (one["annotations"]["kind"], one.get("name") or one["uri"]): one.get("digest")
        for one in predicate["buildDefinition"]["resolvedDependencies"]
    }
    assert found == {
        ("source", "data repo"): {"gitCommit": "5" * 40},
        ("raw_input", "raw/asec.csv"): {"sha256": B},
        ("raw_input", "raw/puf/"): {"dirHash": C},
        ("code", "build.py"): {"sha256": A},
        ("calibration_targets", "us-2026-03-01"): {"sha256": C},
        ("lockfile", "lock file"): {"sha256": B},
        ("model_package", "pkg:pypi/policyengine-us@1.690.0"): {"sha256": A},
        ("core_package", "pkg:pypi/policyengine-core@3.33.3"): None,
        ("package", "pkg:pypi/numpy@2.4.0"): None,
        ("python", "pkg:generic/python@3.13.1"): None,
    }
    assert predicate["buildDefinition"]["externalParameters"]["params"] == INPUTS["params"]
    assert predicate["runDetails"]["metadata"] == {"finishedOn": "2026-04-20T12:00:00Z"}


def test_what_is_unknown_is_said_or_left_out_and_never_invented() -> None:
    unknown = [{"fields": ["model_package", "build.built_at"], "reason": "nothing states it"}]
    predicate = stated(described({"unknown": unknown}, {}), [])[0]["predicate"]
    definition = predicate["buildDefinition"]
    assert definition["resolvedDependencies"] == []
    assert definition["internalParameters"]["manifest"]["unknown"] == unknown
    assert predicate["runDetails"]["builder"]["id"].endswith("/unknown")
    assert predicate["runDetails"]["metadata"] == {}


@pytest.mark.parametrize(
    ("build", "builder"),
    [
        ({"built_in": "local"}, "https://policyengine.org/pe-dvc/builder/local"),
        ({"builder": "https://github.com/a/b/x.yml"}, "https://github.com/a/b/x.yml"),
        ({"builder": "our own machine"}, "https://policyengine.org/pe-dvc/builder/unknown"),
    ],
)
def test_who_built_it(build: dict[str, str], builder: str) -> None:
    statement = {"name": "b.json", "sha256": A, "format": "slsa-provenance-v1"}
    predicate = stated(described(INPUTS, {**build, "statement": statement}))[0]["predicate"]
    assert predicate["runDetails"]["builder"]["id"] == builder
    told = predicate["buildDefinition"]["internalParameters"]["manifest"]
    assert told["observed_or_stated"] == "stated"
    assert [one["name"] for one in predicate["runDetails"]["byproducts"]][1:] == ["b.json"]


def test_gates_that_passed() -> None:
    predicate = stated(described())[1]["predicate"]
    assert (predicate["result"], predicate["failedTests"]) == ("PASSED", [])
    assert predicate["passedTests"] == ["tail of capital_gains top_100", "rows"]
    (configuration,) = predicate["configuration"]
    note = base64.b64decode(configuration["content"])
    assert json.loads(note) == [one.to_note() for one in RESULTS]
    assert configuration["digest"] == {"sha256": sha256_bytes(note)}


def test_a_gate_that_was_overridden_failed_all_the_same() -> None:
    failed = Result(gate="weights", of="national", passed=False)
    predicate = stated(described(), [*RESULTS, failed])[1]["predicate"]
    assert (predicate["result"], predicate["failedTests"]) == ("FAILED", ["weights of national"])


def test_without_results_of_gates_nothing_is_said_of_them() -> None:
    assert [one["predicateType"] for one in stated(described(), [])] == [PROVENANCE]


def test_statements_of_two_releases_of_the_same_bytes_differ() -> None:
    first, second = payloads(described(), []), payloads(described(), [], tag="1.0.1")
    assert first != second
    assert statements_digest(first) != statements_digest(second)


def test_later_versions_make_the_same_statements() -> None:
    assert statements_digest(payloads(described())) == GOLDEN


def test_in_toto_s_own_schemas_accept_them(intoto: Path, tmp_path: Path) -> None:
    unknown = [{"fields": ["model_package"], "reason": "nothing states it"}]
    origin = {"url": "https://example.org/data", "path": "x.h5", "revision": "7" * 40}
    manifests = [described(), described({"unknown": unknown, "source": origin}, {})]
    made = [SignedStatement(payload=p) for one in manifests for p in payloads(one)]
    bundle = tmp_path / "x.intoto.jsonl"
    bundle.write_bytes(write_statements(made))
    command = [intoto, FOLDER / "intoto_check.py", bundle]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert [one["faults"] for one in found] == [[]] * 4
    assert [one["kind"] for one in found] == [PROVENANCE, TEST_RESULT] * 2


def test_our_own_reader_of_producers_statements_reads_them() -> None:
    data = write_statements(SignedStatement(payload=p) for p in payloads(described()))
    statements = statements_in(data, where="x.intoto.jsonl")
    assert statements is not None
    found = read_slsa(statements, where="x.intoto.jsonl")
    assert found.git_commit == "5" * 40
    assert ("enhanced_cps_2024", sha256_bytes(b"payload")) in found.subjects
    assert found.packages["policyengine-us"] == "1.690.0"


def test_a_bundle_is_read_as_it_was_written() -> None:
    one = SignedStatement(payload=b"{}", signatures={"b" * 64: "00ff", "a" * 64: "01"})
    data = write_statements([one, SignedStatement(payload=b"[]")])
    assert read_statements(data, where="x") == [one, SignedStatement(payload=b"[]")]
    assert write_statements(read_statements(data, where="x")) == data


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        (b"application/vnd.in-toto+json", b"text/plain", "payloadType"),
        (b'"payload":"e30="', b'"payload":"%%"', "base64"),
        (b'"keyid":"aa"', b'"keyid":7', "keyid"),
        (b"[{", b"[3,{", "keyid"),
        (b"[{", b'[{"keyid":"aa","sig":""},{', "keyid of its own"),
        (b'"sig":"AA=="', b'"sig":null', "base64"),
        (b"{", b"<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n{", "merge conflict, from line 1"),
    ],
)
def test_a_bundle_that_was_changed_is_refused(before: bytes, after: bytes, fault: str) -> None:
    data = write_statements([SignedStatement(payload=b"{}", signatures={"aa": "00"})])
    assert before in data
    with pytest.raises(FormatError, match=fault):
        read_statements(data.replace(before, after, 1), where="x")
