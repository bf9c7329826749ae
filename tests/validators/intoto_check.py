"""What a stranger checks of a bundle: ``intoto_check.py BUNDLE KEY.pem…`` prints it as JSON.

Runs in the environment of intoto.lock, which has none of pe_dvc: DSSE by securesystemslib and, on
its own, by its specification; statements and predicates by the protobuf schemas of in-toto.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import Key, SSlibKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PREDICATES = {
    "https://slsa.dev/provenance/v1": provenance_pb2.Provenance,
    "https://in-toto.io/attestation/test-result/v0.1": test_result_pb2.TestResult,
}


def schema_faults(payload: bytes) -> list[str]:
    """Return what in-toto's schemas find wrong with a statement."""
    try:
        statement = json_format.Parse(payload, statement_pb2.Statement())
        Statement.copy_from_pb(statement).validate()
        predicate = PREDICATES[statement.predicate_type]()
        json_format.ParseDict(json.loads(payload)["predicate"], predicate)
        for one in _descriptors(predicate):
            ResourceDescriptor.copy_from_pb(one).validate()
    except (json_format.ParseError, ValueError, KeyError) as error:
        return [repr(error)]
    return list(_missing(predicate))


def _descriptors(predicate: Any) -> list[Any]:
    if isinstance(predicate, test_result_pb2.TestResult):
        return list(predicate.configuration)
    return [*predicate.build_definition.resolved_dependencies, *predicate.run_details.byproducts]


def _missing(predicate: Any) -> list[str]:
    """Return the fields that specifications demand, and protobuf does not."""
    if isinstance(predicate, test_result_pb2.TestResult):
        wanted = {"configuration": predicate.configuration, "result": predicate.result}
    else:
        wanted = {
            "buildType": predicate.build_definition.build_type,
            "externalParameters": predicate.build_definition.external_parameters,
            "builder.id": predicate.run_details.builder.id,
        }
    return [f"no {name}" for name, value in wanted.items() if not value]


def signed_by_specification(envelope: dict[str, Any], key: Ed25519PublicKey) -> bool:
    """Tell by the text of DSSE v1 whether a key signed an envelope; key ids are only hints."""
    payload = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"].encode()
    pae = b" ".join((b"DSSEv1", b"%d" % len(kind), kind, b"%d" % len(payload), payload))
    for one in envelope["signatures"]:
        try:
            key.verify(base64.b64decode(one["sig"]), pae)
        except InvalidSignature:
            continue
        return True
    return False


def checked(line: str, keys: list[Any]) -> dict[str, Any]:
    envelope = json.loads(line)
    try:
        ours: list[Key] = [SSlibKey.from_crypto(key) for key in keys]
        by_library = (
            len(Envelope.from_dict(json.loads(line)).verify(ours, len(ours))) if ours else 0
        )
    except VerificationError:
        by_library = 0
    payload = base64.b64decode(envelope["payload"])
    statement = json.loads(payload)
    return {
        "library": by_library == len(keys),
        "specification": all(signed_by_specification(envelope, key) for key in keys),
        "faults": schema_faults(payload),
        "kind": statement["predicateType"],
        "subject": statement["subject"],
    }


def main() -> None:
    bundle, *files = sys.argv[1:]
    keys = [load_pem_public_key(Path(file).read_bytes()) for file in files]
    lines = Path(bundle).read_text().splitlines()
    print(json.dumps([checked(line, keys) for line in lines]))


if __name__ == "__main__":
    main()
