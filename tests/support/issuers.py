"""Issuers of tokens for tests: keys, signed tokens, and documents as a fetcher returns them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from pe_dvc.primitives.errors import CredentialsError

ADDRESS = "https://login.example.org"
AUDIENCE = "pe-dvc-gateway"


def unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    """Return a token of these parts, whatever they are."""
    return ".".join(unpadded(part) for part in (dump(header), dump(claims), signature))


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


@dataclass
class TestIssuer:
    """An issuer with a key, which makes tokens. ``claims`` are of a token that is in order."""

    __test__ = False

    address: str = ADDRESS
    kid: str = "k1"
    key: Any = field(default_factory=lambda: RSAKey.generate_key(2048))

    def jwks(self, **changes: Any) -> dict[str, Any]:
        public = self.key.as_dict(private=False)
        return {"keys": [public | {"kid": self.kid, "use": "sig"} | changes]}

    def documents(self) -> dict[str, Any]:
        """Return what is to be read at its addresses."""
        discovery = {"issuer": self.address, "jwks_uri": f"{self.address}/keys"}
        return {
            f"{self.address}/.well-known/openid-configuration": discovery,
            f"{self.address}/keys": self.jwks(),
        }

    def claims(self, now: float, **changes: Any) -> dict[str, Any]:
        found = {
            "iss": self.address,
            "sub": "ada@example.org",
            "aud": AUDIENCE,
            "iat": int(now),
            "exp": int(now) + 600,
        } | changes
        return {name: value for name, value in found.items() if value is not None}

    def sign(self, claims: dict[str, Any], algorithm: str = "", **header: Any) -> str:
        algorithm = algorithm or ("ES256" if isinstance(self.key, ECKey) else "RS256")
        head = {"alg": algorithm, "kid": self.kid} | header
        head = {name: value for name, value in head.items() if value is not None}
        registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
        return jws.serialize_compact(
            head, dump(claims), self.key, algorithms=[algorithm], registry=registry
        )


class Documents:
    """What issuers publish, by address; ``asked`` counts the requests."""

    def __init__(self, *issuers: TestIssuer) -> None:
        self.at: dict[str, Any] = {}
        for one in issuers:
            self.at |= one.documents()
        self.asked: list[str] = []

    def __call__(self, url: str) -> Any:
        self.asked.append(url)
        if url not in self.at:
            raise CredentialsError(f"{url} cannot be read")
        return self.at[url]
