"""Fuzz targets: what a bucket, a cache or a person hands over as a document."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import strategies as st

from pe_dvc.documents.bundle import read_bundle
from pe_dvc.documents.dvc_listing import parse_listing
from pe_dvc.documents.keys import metadata_version, parse_key
from pe_dvc.documents.manifest import Manifest, ManifestHead
from pe_dvc.documents.members import Members, list_sorted
from pe_dvc.documents.payload import Payload
from pe_dvc.documents.pointer import Pointer
from pe_dvc.documents.release import ReleaseManifest
from pe_dvc.documents.release_tag import read_tag
from pe_dvc.documents.release_target import Released
from pe_dvc.documents.revocation import Revocation
from pe_dvc.documents.statement_bundle import (
    SignedStatement,
    read_statements,
    write_statements,
)
from pe_dvc.documents.statement_file import read_statement
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import DigestMismatchError, FormatError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.names import check_country, check_in_work_tree, check_inside, check_name
from pe_dvc.primitives.printable import printable_lines
from pe_dvc.primitives.redact import holds_private_key, redact_params, redact_text
from pe_dvc.primitives.reference import Reference
from pe_dvc.primitives.sizes import parse_size
from pe_dvc.usecases.checkout.provenance import Stated
from pe_dvc.usecases.retention.channel_files import targets_of
from pe_dvc.usecases.retention.reachability import reach_of
from tests.support.directories import STATES, lines, member
from tests.support.factories import manifest_of, pointer_to
from tests.support.fuzzing import TOKENS, VALUES, edited, fuzz, hostile, mutated

MANIFEST = manifest_of(b"payload")
PAYLOAD = MANIFEST.to_bytes()
POINTER = pointer_to(MANIFEST)
LISTING = json.dumps(
    [{"md5": "0" * 32, "relpath": "a.csv"}, {"md5": "1" * 32, "relpath": "b/c.csv"}]
).encode()
MEMBERS = lines(sorted(member(path, data) for path, data in STATES.items()))
RELEASE = json.dumps(
    {
        "schema_version": 1,
        "country_id": "us",
        "created_at": "2026-04-20T12:00:00Z",
        "data_package": {"name": "policyengine-us-data", "version": "1.78.2"},
        "default_datasets": {"national": "cps"},
        "compatible_model_packages": [{"name": "policyengine-us", "specifier": ">=1,<2"}],
        "build": {
            "build_id": "x",
            "built_at": "2026-04-20T12:00:00Z",
            "build_environment": {"python_version": "3.11.7"},
            "metadata": {
                "git_tag": "1.78.2",
                "git_commit": "0" * 40,
                "channel": "next",
                "channel_version": 3,
                "built_in": "ci",
            },
        },
        "artifacts": {
            "cps": {
                "kind": "microdata",
                "path": "data/cps.parquet",
                "repo_id": "policyengine/us-data",
                "repo_type": "model",
                "revision": "1.78.2",
                "sha256": "a" * 64,
                "size_bytes": 10,
                "media_type": "application/x-hdf5",
                "reference": f"pe-data://us/cps@sha256:{'a' * 64}",
                "manifest_sha256": "b" * 64,
            }
        },
    }
).encode()
BUNDLE = json.dumps(
    {
        "data_releases": {
            "us": {
                "policyengine_version": "4.1",
                "data_package": {"name": "policyengine-us-data", "version": "1.78.2"},
                "certified_data_artifact": {
                    "dataset": "cps",
                    "uri": "hf://policyengine/us-data/cps.h5@1.78.2",
                    "sha256": "a" * 64,
                },
                "datasets": {"cps": {"path": "cps.h5", "revision": "1.78.2"}},
            }
        }
    }
).encode()
STATEMENTS = write_statements(
    [
        SignedStatement(payload=b'{"_type":"x"}', signatures={"a" * 64: "00ff"}),
        SignedStatement(payload=b"{}", signatures={"a" * 64: "00", "b" * 64: "01"}),
    ]
)
CHANNEL = json.dumps({"signed": {"targets": {POINTER.target_path: POINTER.to_target()}}}).encode()


def test_json() -> None:
    def target(data: bytes) -> None:
        value = read_json(data, what="a document", where="x.json")
        assert json.loads(json.dumps(value)) == value
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()

    fuzz(target, hostile(PAYLOAD, RELEASE))


def test_manifest() -> None:
    def target(data: bytes) -> None:
        payload = Payload.of_manifest(data, where="m.json")
        assert payload.key.startswith(f"{payload.country}/files/md5/")
        manifest = Manifest.from_bytes(data, where="m.json")
        written = manifest.to_bytes()  # without the fields that are null
        assert Manifest.from_bytes(written).to_bytes() == written
        assert ManifestHead.from_bytes(data).reference == manifest.reference
        Reference.parse(manifest.reference)
        assert (payload.path, payload.size) == (manifest.artifact.path, manifest.artifact.size)

    fuzz(target, hostile(PAYLOAD))


def test_release_manifest() -> None:
    def target(data: bytes) -> None:
        release = ReleaseManifest.from_bytes(data, where="release_manifest.json")
        written = release.to_bytes()
        assert ReleaseManifest.from_bytes(written).to_bytes() == written

    fuzz(target, hostile(RELEASE))


def test_listing() -> None:
    def target(data: bytes) -> None:
        for path, md5 in parse_listing(data, where="x.dir", remedy="Restore it."):
            assert check_inside(path) == path
            assert len(md5) == 32

    fuzz(target, hostile(LISTING))


def test_members() -> None:
    def target(data: bytes) -> None:
        members = Members(data, where="x.members")
        files = list(members)
        assert members.count == len(files) > 0
        for file in files:
            assert check_in_work_tree(file.path) == file.path
            assert members.member(file.path, where="us/states") == file
        again = list_sorted(files, where="x.members")
        assert (list(again), again.dir_hash) == (files, members.dir_hash)

    fuzz(target, edited([MEMBERS]) | st.binary(max_size=64))


def test_bundle() -> None:
    def target(data: bytes) -> None:
        assert read_bundle(data, country="us", where="manifest.json").pins

    fuzz(target, hostile(BUNDLE))


def test_statements_of_a_release() -> None:
    def target(data: bytes) -> None:
        found = read_statements(data, where="1.0.0.intoto.jsonl")
        assert read_statements(write_statements(found), where="x") == found

    fuzz(target, edited([STATEMENTS, STATEMENTS.splitlines()[0]]) | st.binary(max_size=64))


def test_targets_of_a_channel() -> None:
    def target(data: bytes) -> None:
        reach_of([("latest.json", data)])
        targets_of(data, where="latest.json")

    fuzz(target, hostile(CHANNEL))


@pytest.mark.parametrize("kind", [Pointer, Released, Revocation])
def test_signed_target(kind: Any) -> None:
    released = Released(
        country="us",
        tag="1.78.2",
        sha256=POINTER.sha256,
        size=7,
        tro_sha256=POINTER.sha256,
        commit="0" * 40,
        channel="next",
    )
    revocation = Revocation(
        country="us",
        name="cps",
        sha256=POINTER.sha256,
        size=7,
        reason="Its licence was withdrawn.",
        authority="Census Bureau",
        contact="data@policyengine.org",
        revoked=datetime(2026, 11, 26, tzinfo=UTC),
        replacement=Reference.pinned("us", "cps", POINTER.manifest_sha256),
    )
    true: Any = {Pointer: POINTER, Released: released, Revocation: revocation}[kind]

    def target(data: bytes) -> None:
        match json.loads(data):
            case [str(path), dict(value)]:  # so python-tuf has it
                found = kind.from_target(path, value)
                assert kind.from_target(found.target_path, found.to_target()) == found

    fuzz(target, mutated([json.dumps([true.target_path, true.to_target()]).encode()]))


NAMES = ["us", "cps_2024", "states/AL", "1.78.2", "cps@v1.2.3", "20GB", "a/b.csv"]
TEXTS = ["pe-data://us/cps_2024@latest", "us/4e/" + "4e" * 32 + ".chunks", "channels/us/1.x.json"]


def test_names() -> None:
    readers = (check_country, check_name, check_inside, check_in_work_tree, parse_size)

    def target(data: bytes) -> None:
        text = data.decode(errors="replace")
        parse_key(text)
        metadata_version(text)
        read_tag(text)
        for reader in (*readers, Reference.parse):
            try:
                reader(text)
            except FormatError as error:
                printable_lines(error.message)

    fuzz(target, edited([name.encode() for name in (*NAMES, *TEXTS)]))


def test_texts_of_strangers() -> None:
    words = [*TOKENS, b"://", b"a:b@", b"token=", b"eyJ", b"Bearer ", b"x" * 50, b"hf_", b"-eyJ"]
    runs = st.tuples(st.sampled_from(words), st.sampled_from([1, 3, 3000]))

    def target(parts: list[tuple[bytes, int]]) -> None:
        data = b"".join(word * count for word, count in parts)[:200_000]
        text = data.decode(errors="replace")
        assert redact_text(redact_text(text)) == redact_text(text)
        printable_lines(text)
        holds_private_key(data)

    fuzz(target, st.lists(runs, max_size=6))


def test_parameters() -> None:
    def target(value: Any) -> None:
        redact_params({"params.yaml": {"a": value, "api_key": value}})

    fuzz(target, st.recursive(st.sampled_from(VALUES), lambda v: st.lists(v) | st.tuples(v)))


SLSA = json.dumps(
    {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "cps.parquet", "digest": {"sha256": "a" * 64}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "externalParameters": {"seed": 3},
                "resolvedDependencies": [
                    {"uri": "git+https://x/y@refs/heads/main", "digest": {"gitCommit": "b" * 40}},
                    {"uri": "https://x/z", "digest": {"sha256": "a" * 64}},
                    {"uri": "pkg:pypi/policyengine-us@2.68.0"},
                ],
            },
            "runDetails": {
                "builder": {"id": "https://github.com/x"},
                "metadata": {"invocationId": "7", "finishedOn": "2026-09-15T01:02:03Z"},
            },
        },
    }
).encode()
ENVELOPE = b'{"dsseEnvelope": {"payload": "' + base64.b64encode(SLSA) + b'"}}'
BUILD_MANIFEST = json.dumps(
    {
        "build_id": "x",
        "created_at": "2026-09-15T01:14:54.123456+02:00",
        "code": {"repository": "x/y", "git_commit": "a" * 40, "git_dirty": False},
        "runtime": {"python": "3.13.7", "policyengine-us": "2.68.0", "packages": {"h5py": "3"}},
        "ledger_artifact": {"facts_sha256": "a" * 64},
        "dataset": {"filename": "cps.parquet", "sha256": "a" * 64},
        "calibration": {"target_surface": {"sha256": "b" * 64}, "target_registry": {}, "seed": 1},
    }
).encode()


def test_statements_of_provenance() -> None:
    def target(data: bytes) -> None:
        statement = read_statement(data, where="stated.json")
        stated = Stated(
            statement=statement,
            path="stated.json",
            sha256=sha256_bytes(data),
            model="policyengine-us",
            core="policyengine-core",
            fingerprints={},
        )
        with suppress(DigestMismatchError):
            assert stated.build()
            list(stated.unknown(stated.inputs(), "data/cps.parquet", sha256_bytes(b"")))

    fuzz(target, edited([SLSA, ENVELOPE, BUILD_MANIFEST]))
