"""The in-toto statements that a release makes of each of its artifacts: provenance, and gates.

They repeat, in words that verifiers of others know, what manifests and signed channels say, and
nothing else. Like the release they are a pure function of its tag. ADR 0038.
https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.gate_note import GATES, results_of
from pe_dvc.documents.slsa_predicate import predicate_of
from pe_dvc.primitives.canonical import canonical_json
from pe_dvc.primitives.digest import Sha256, sha256_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pe_dvc.documents.manifest import ManifestHead
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.documents.release import ReleaseManifest

STATEMENT = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"


@dataclass(frozen=True, kw_only=True)
class Stated:
    """An artifact of a release: its manifest, the sha256 of that, and its signed pointer."""

    head: ManifestHead
    manifest_sha256: Sha256
    pointer: Pointer


def statements_of(release: ReleaseManifest, artifacts: Mapping[str, Stated]) -> list[bytes]:
    """Return the statements of a release as canonical JSON (RFC 8785), one or two an artifact.

    In the order of the artifacts' names: how each was made, and what gates found of it if its
    pointer has a note of that.
    """
    found = []
    for name in sorted(artifacts):
        one = artifacts[name]
        provenance = predicate_of(release, one.head, one.manifest_sha256)
        found.append(_statement(one.head, PROVENANCE, provenance))
        gates = gates_predicate(one.pointer)
        if gates is not None:
            found.append(_statement(one.head, TEST_RESULT, gates))
    return found


def statements_digest(payloads: Iterable[bytes]) -> Sha256:
    """Return the digest that the ``releases`` role signs: of all statements, a line each.

    Not of the file that holds them: each signature changes that, and the role is signed with it.
    """
    return sha256_bytes(b"".join(payload + b"\n" for payload in payloads))


def gates_predicate(pointer: Pointer) -> dict[str, Any] | None:
    """Return what gates found of a pointer's artifact, None if nothing is signed of that.

    One that failed and was overridden FAILED all the same. ``configuration`` is the note that is
    signed beside the pointer: what each gate expected and measured, in texts (ADR 0021).
    https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md
    """
    results = results_of(pointer)
    if not results:
        return None
    note = canonical_json([result.to_note() for result in results])
    passed = [_test(r.gate, r.of) for r in results if r.passed]
    failed = [_test(r.gate, r.of) for r in results if not r.passed]
    return {
        "result": "FAILED" if failed else "PASSED",
        "configuration": [
            {
                "name": f"{pointer.target_path}#{GATES}",
                "digest": {"sha256": str(sha256_bytes(note))},
                "mediaType": "application/json",
                "content": base64.b64encode(note).decode(),
            }
        ],
        "passedTests": passed,
        "failedTests": failed,
    }


def _test(gate: str, of: str | None) -> str:
    return f"{gate} of {of}" if of else gate


def _statement(head: ManifestHead, kind: str, predicate: dict[str, Any]) -> bytes:
    artifact = head.artifact
    subject = {"name": artifact.name, "digest": {"sha256": artifact.sha256}}
    return canonical_json(
        {
            "_type": STATEMENT,
            "subject": [subject],
            "predicateType": kind,
            "predicate": predicate,
        }
    )
