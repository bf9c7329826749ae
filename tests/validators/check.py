"""Runs a validator of others: ``check.py KIND FILE…`` prints what it says of each file, as JSON.

Runs in the environment of validators.lock, which has none of pe_dvc.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path


def croissant(file: str) -> list[str]:
    import mlcroissant
    from absl import logging as absl_logging

    said: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    absl_logging.get_absl_logger().addHandler(Kept(level=logging.WARNING))
    try:
        found = mlcroissant.Dataset(jsonld=file)
    except mlcroissant.ValidationError as error:
        return [str(error)]
    issues = found.metadata.ctx.issues
    return [*said, *issues.errors, *issues.warnings]


def datapackage(file: str) -> list[str]:
    from frictionless import FrictionlessException, Package

    try:
        Package.from_descriptor(json.loads(Path(file).read_text()))
    except FrictionlessException as error:
        return [error.error.message, *(str(reason) for reason in error.reasons)]
    return []


def datacite(file: str) -> list[str]:
    from datacite import schema45

    document = json.loads(Path(file).read_text())
    return [error.message for error in schema45.validator.iter_errors(document)]


def ddi(file: str) -> list[str]:
    import xmlschema

    schema = xmlschema.XMLSchema(os.environ["DDI_SCHEMA"])
    return [f"{error.path}: {error.reason}" for error in schema.iter_errors(file)]


def merkle(file: str) -> list[str]:
    """Asks sigstore of inclusion proofs: each of ``file`` has index, size, entry, hashes, root."""
    from types import SimpleNamespace

    from sigstore._internal.merkle import verify_merkle_inclusion
    from sigstore.errors import VerificationError

    said = []
    for index, size, entry, hashes, root in json.loads(Path(file).read_text()):
        proof = SimpleNamespace(
            log_index=index,
            tree_size=size,
            hashes=[bytes.fromhex(one) for one in hashes],
            root_hash=bytes.fromhex(root),
        )
        body = SimpleNamespace(inclusion_proof=proof, canonicalized_body=bytes.fromhex(entry))
        try:
            verify_merkle_inclusion(SimpleNamespace(_inner=body))
        except VerificationError:
            said.append("wrong")
        else:
            said.append("right")
    return said


def main() -> None:
    kind, *files = sys.argv[1:]
    print(json.dumps({file: globals()[kind](file) for file in files}))


if __name__ == "__main__":
    main()
