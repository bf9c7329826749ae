"""Runs in the consumer's environment, which has policyengine and pyshacl but not pe_dvc.

Reads one JSON object a line, calls what it names, and answers in one line: ``result`` or
``error``. Every HTTP request goes to a loopback server, the host's name as first part of its path.
"""

# ruff: noqa: BLE001
from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from policyengine.provenance import dataset_materialization, trace
from policyengine.provenance import manifest as pe_manifest
from policyengine.provenance.certification import (
    certify_data_release,
    fetch_release_manifest,
    validate_release_manifest,
)
from policyengine.provenance.manifest import CountryReleaseManifest, DataReleaseManifest

LOOPBACK = sys.argv[1]


def validate(manifest: str, **arguments: Any) -> Any:
    loaded = DataReleaseManifest.model_validate_json(Path(manifest).read_bytes())
    basis, warnings = validate_release_manifest(loaded, "policyengine-us", **arguments)
    return {"basis": basis, "warnings": warnings}


def load(manifest: str) -> Any:
    loaded = DataReleaseManifest.model_validate_json(Path(manifest).read_bytes())
    return loaded.model_dump(mode="json")


def certify(bundle: str, uri: str, **arguments: Any) -> Any:
    """Certify into a scratch bundle, then use that bundle as policyengine's runtime does."""
    done = certify_data_release(
        country="us",
        data_producer="populace",
        manifest_uri=uri,
        bundle_path=Path(bundle),
        **arguments,
    )
    payload = json.loads(Path(bundle).read_text())["data_releases"]["us"]
    country = CountryReleaseManifest.model_validate(payload)
    manifest, sha256, _ = fetch_release_manifest(uri)
    manifest.source_sha256 = sha256
    pe_manifest._apply_release_revision(manifest, country)
    pe_manifest._validate_bundle_artifacts(manifest, country)
    tro = trace.build_trace_tro_from_release_bundle(country, manifest)
    return {
        "sha256": done.manifest_sha256,
        "datasets": done.dataset_count,
        "default": done.default_dataset,
        "build_id": done.build_id,
        "warnings": done.warnings,
        "regions": sorted(country.region_datasets),
        "tro": json.dumps(tro),
    }


def materialise(bundle: str, data_dir: str) -> Any:
    """Download a certified bundle's default dataset as policyengine's runtime does."""
    payload = json.loads(Path(bundle).read_text())["data_releases"]["us"]
    country = CountryReleaseManifest.model_validate(payload)
    found = dataset_materialization._use_bundle_dataset(
        "us", country.default_dataset, data_dir=Path(data_dir), manifest=country
    )
    return found.path


def shacl(data: str, shapes: str) -> Any:
    import pyshacl
    from rdflib import Graph
    from rdflib.namespace import SH

    graph = Graph().parse(data, format="json-ld")
    conforms, results, text = pyshacl.validate(graph, shacl_graph=shapes)
    return {
        "conforms": conforms,
        "violations": len(list(results.subjects(SH.resultSeverity, SH.Violation))),
        "triples": len(graph),
        "text": text,
    }


def packaged_tro(country: str) -> Any:
    from importlib.resources import files

    return str(files("policyengine").joinpath(f"data/bundle/{country}.trace.tro.jsonld"))


def _to_loopback(original: Any) -> Any:
    def send(self: Any, request: Any, **options: Any) -> Any:
        parts = urlsplit(request.url)
        request.url = f"{LOOPBACK}/{parts.netloc}{parts.path}"
        return original(self, request, **options)

    return send


def main() -> None:
    adapter = requests.adapters.HTTPAdapter
    adapter.send = _to_loopback(adapter.send)  # type: ignore[method-assign]
    calls = {f.__name__: f for f in (validate, load, certify, materialise, shacl, packaged_tro)}
    for line in sys.stdin:
        job = json.loads(line)
        try:
            answer = {"result": calls[job.pop("call")](**job)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
