"""The TRACE TRO of a release: TROV 0.1 in JSON-LD, with PolicyEngine's fields under ``pe:``.

Terms, structure and composition fingerprint are those of the TRACE project's vocabulary reference
and declaration format (TROV 0.1, text of 2026-04-08). A pure function of the release. ADR 0007.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.keys import RELEASE_MANIFEST
from pe_dvc.primitives.digest import Sha256, sha256_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.documents.release import ReleaseManifest

CONTEXT = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "trov": "https://w3id.org/trace/trov/0.1#",
    "schema": "https://schema.org/",
    "pe": "https://policyengine.org/trace/0.1#",
}
VOCABULARY_VERSION = "0.1"

COMPOSITION = "composition/1"
ARRANGEMENT = "arrangement/1"
POLICYENGINE = "PolicyEngine"
_EMITTED_IN = {"ci": "github-actions", "local": "local"}


def build_tro(release: ReleaseManifest, manifest_data: bytes) -> bytes:
    """Return the TRO of a release whose manifest is, byte for byte, ``manifest_data``.

    It covers every artifact and the manifest itself. Paths are those of an exported release.
    """
    files = {artifact.path: artifact for artifact in release.artifacts.values()}
    placed = {RELEASE_MANIFEST: (sha256_bytes(manifest_data), "application/json")}
    placed |= {path: (Sha256(files[path].sha256), files[path].media_type) for path in sorted(files)}
    contents = dict(placed.values())
    ids = {digest: f"{COMPOSITION}/artifact/{n}" for n, digest in enumerate(contents)}
    tro = {
        "@id": "tro",
        "@type": ["trov:TransparentResearchObject", "schema:CreativeWork"],
        "trov:vocabularyVersion": VOCABULARY_VERSION,
        "schema:name": tro_name(release),
        "schema:description": tro_description(release),
        "schema:creator": creator_of(release),
        "schema:dateCreated": release.created_at,
        "trov:wasAssembledBy": research_system(release),
        "trov:createdWith": {"@type": "schema:SoftwareApplication", "schema:name": "pe_dvc"},
        "trov:hasComposition": _composition(contents, ids),
        "trov:hasArrangement": [_arrangement(placed, ids)],
        "trov:hasPerformance": [_performance(release)],
    }
    document = {"@context": [CONTEXT], "@graph": [tro]}
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def tro_name(release: ReleaseManifest) -> str:
    """Return the name of a release's TRO."""
    return f"{release.data_package.name} {release.data_package.version}"


def tro_description(release: ReleaseManifest) -> str:
    """Return what a release's TRO covers."""
    return (
        f"The data release {release.tag} of {release.country_id}: {len(release.artifacts)} "
        "artifacts and the manifest that pins them."
    )


def research_system(release: ReleaseManifest) -> dict[str, Any]:
    """Return who assembled a release."""
    return {
        "@id": "trs",
        "@type": ["trov:TrustedResearchSystem", "schema:Organization"],
        "schema:name": f"{creator_of(release)} data release pipeline",
        "rdfs:comment": "Builds survey microdata from a git commit, and pins what was built and "
        "reviewed by its sha256.",
    }


def creator_of(release: ReleaseManifest) -> str:
    """Return who made a release: as its settings say, or the owner of the repo that holds it."""
    declared = release.metadata.get("creator")
    owner = next(iter(release.artifacts.values())).repo_id.partition("/")[0]
    return str(declared or (POLICYENGINE if owner.lower() == POLICYENGINE.lower() else owner))


def composition_fingerprint(digests: Iterable[str]) -> Sha256:
    """Return the sha256 of the sorted hashes of a composition, joined by nothing.

    This is TROV's rule and tro-utils'; policyengine.py's own TROs join them by newlines.
    """
    return sha256_bytes("".join(sorted(digests)).encode())


def _composition(contents: dict[Sha256, str], ids: dict[Sha256, str]) -> dict[str, Any]:
    return {
        "@id": COMPOSITION,
        "@type": "trov:ArtifactComposition",
        "trov:hasFingerprint": {
            "@id": "fingerprint",
            "@type": "trov:CompositionFingerprint",
            "trov:hash": _hash(composition_fingerprint(contents)),
        },
        "trov:hasArtifact": [
            {
                "@id": ids[digest],
                "@type": "trov:ResearchArtifact",
                "trov:hash": _hash(digest),
                "trov:mimeType": media_type,
            }
            for digest, media_type in contents.items()
        ],
    }


def _arrangement(placed: dict[str, tuple[Sha256, str]], ids: dict[Sha256, str]) -> dict[str, Any]:
    return {
        "@id": ARRANGEMENT,
        "@type": "trov:ArtifactArrangement",
        "rdfs:comment": "The files of the release, below the directory payload of an export",
        "trov:hasArtifactLocation": [
            {
                "@id": f"{ARRANGEMENT}/location/{number}",
                "@type": "trov:ArtifactLocation",
                "trov:artifact": {"@id": ids[digest]},
                "trov:path": path,
            }
            for number, (path, (digest, _)) in enumerate(placed.items())
        ],
    }


def _performance(release: ReleaseManifest) -> dict[str, Any]:
    return {
        "@id": "trp/1",
        "@type": "trov:TrustedResearchPerformance",
        "rdfs:comment": f"The build that git tag {release.tag} names",
        "trov:wasConductedBy": {"@id": "trs"},
        "trov:contributedToArrangement": {
            "@id": "trp/1/binding/1",
            "@type": "trov:ArrangementBinding",
            "trov:arrangement": {"@id": ARRANGEMENT},
        },
        **performed(release),
    }


def performed(release: ReleaseManifest) -> dict[str, Any]:
    """Return what is known of the build of a release: its end, and PolicyEngine's fields."""
    build = release.build
    model = build.built_with_model_package
    found = {
        "trov:endedAtTime": build.built_at,
        "pe:dataBuildId": build.build_id,
        "pe:builtWithModelPackageName": model and model.name,
        "pe:builtWithModelVersion": model and model.version,
        "pe:builtWithModelGitSha": model and model.git_sha,
        "pe:dataBuildFingerprint": model and model.data_build_fingerprint,
        # Where the build ran: a TRO that said where it was written would differ from machine
        # to machine, and could not be proved against git.
        "pe:emittedIn": _EMITTED_IN.get(build.metadata.built_in or ""),
        "pe:ciGitSha": build.metadata.git_commit,
        "pe:ciGitRef": f"refs/tags/{release.tag}",
    }
    return {term: value for term, value in found.items() if value is not None}


def _hash(digest: str) -> dict[str, str]:
    return {"trov:hashAlgorithm": "sha256", "trov:hashValue": digest}
