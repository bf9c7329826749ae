"""The same TRO in the terms of 2023/05, which policyengine.py's own schema asks for.

That schema and the TROs that policyengine.py ships use these terms, under the namespace of TROV
0.1; TROV 0.1 retired them, and its shapes refuse them. What pe_dvc signs is TROV 0.1
(``documents.tro``); this is for those who read the older one. ADR 0007.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.keys import RELEASE_MANIFEST
from pe_dvc.documents.release_layout import hub_path, hub_url
from pe_dvc.documents.tro import (
    ARRANGEMENT,
    COMPOSITION,
    CONTEXT,
    creator_of,
    performed,
    research_system,
    tro_description,
    tro_name,
)
from pe_dvc.primitives.digest import Sha256, sha256_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.documents.release import ReleaseManifest

JSON = "application/json"


def build_older_tro(release: ReleaseManifest, manifest_data: bytes, directory_id: str) -> bytes:
    """Return the TRO of a release in the older terms; files are named by their place on the hub."""
    first = next(iter(release.artifacts.values()))
    files = [(RELEASE_MANIFEST, sha256_bytes(manifest_data), JSON, "diagnostics")]
    files += [
        (artifact.path, Sha256(artifact.sha256), artifact.media_type, artifact.kind)
        for _, artifact in sorted(release.artifacts.items())
    ]
    places = {
        hub_url(first.repo_type, first.repo_id, release.tag, hub_path(directory_id, kind, path)): (
            digest,
            media_type,
            path,
        )
        for path, digest, media_type, kind in files
    }
    tro = {
        "@id": "tro",
        "@type": "trov:TransparentResearchObject",
        "schema:name": tro_name(release),
        "schema:description": f"{tro_description(release)} In the terms of 2023/05, which TROV "
        "0.1 retired.",
        "schema:creator": {"@type": "schema:Organization", "schema:name": creator_of(release)},
        "schema:dateCreated": release.created_at,
        "trov:wasAssembledBy": {
            **research_system(release),
            "@type": "trov:TransparentResearchSystem",
        },
        "trov:createdWith": {"@type": "schema:SoftwareApplication", "schema:name": "pe_dvc"},
        "trov:hasComposition": _composition(places),
        "trov:hasArrangement": [_arrangement(places)],
        "trov:hasPerformance": _performance(release),
    }
    document = {"@context": [CONTEXT], "@graph": [tro]}
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def older_fingerprint(digests: Iterable[str]) -> Sha256:
    """Return the sha256 of the sorted hashes of a composition, joined by newlines.

    That is policyengine.py's rule, of every file and not of every hash; TROV's joins by nothing.
    """
    return sha256_bytes("\n".join(sorted(digests)).encode())


def _composition(places: dict[str, tuple[Sha256, str, str]]) -> dict[str, Any]:
    return {
        "@id": COMPOSITION,
        "@type": "trov:ArtifactComposition",
        "trov:hasFingerprint": {
            "@id": f"{COMPOSITION}/fingerprint",
            "@type": "trov:CompositionFingerprint",
            "trov:sha256": older_fingerprint(digest for digest, _, _ in places.values()),
        },
        "trov:hasArtifact": [
            {
                "@id": f"{COMPOSITION}/artifact/{number}",
                "@type": "trov:ResearchArtifact",
                "schema:name": path,
                "trov:sha256": digest,
                "trov:mimeType": media_type,
            }
            for number, (digest, media_type, path) in enumerate(places.values())
        ],
    }


def _arrangement(places: dict[str, tuple[Sha256, str, str]]) -> dict[str, Any]:
    return {
        "@id": ARRANGEMENT,
        "@type": "trov:ArtifactArrangement",
        "rdfs:comment": "The files of the release on the hub",
        "trov:hasArtifactLocation": [
            {
                "@id": f"{ARRANGEMENT}/location/{number}",
                "@type": "trov:ArtifactLocation",
                "trov:hasArtifact": {"@id": f"{COMPOSITION}/artifact/{number}"},
                "trov:hasLocation": url,
            }
            for number, url in enumerate(places)
        ],
    }


def _performance(release: ReleaseManifest) -> dict[str, Any]:
    return {
        "@id": "trp/1",
        "@type": "trov:TransparentResearchPerformance",
        "rdfs:comment": f"The build that git tag {release.tag} names",
        "trov:wasConductedBy": {"@id": "trs"},
        "trov:accessedArrangement": {"@id": ARRANGEMENT},
        **performed(release),
    }
