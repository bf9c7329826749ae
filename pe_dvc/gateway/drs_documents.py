"""The documents of GA4GH's Data Repository Service 1.5, of what a gateway serves. Pure. ADR 0040.

https://github.com/ga4gh/data-repository-service-schemas, tag drs-1.5.0
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pe_dvc.gateway.described import folders_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pe_dvc.documents.members import Members
    from pe_dvc.gateway.admission import Admitted
    from pe_dvc.gateway.described import Content

PREFIX = "/ga4gh/drs/v1"
MOST_AT_ONCE = 100
"""Objects of one request."""
PRESIGNED = "presigned"
"""The access_id of countries whose bytes are read at addresses of the bucket."""
UNKNOWN_TIME = "1970-01-01T00:00:00Z"
"""Said of data whose producer does not state when they were built: DRS demands a time."""
_ID = re.compile(r"[0-9a-f]{64}")
_HOST = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(?::[0-9]{1,5})?")


def is_id(text: str) -> bool:
    """Tell whether a text can be an object's id: a sha256 in hex."""
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True)
class Address:
    """Where the gateway was asked: ``base`` as ``https://data.example.org``, ``host`` without port.

    Raises ValueError for a header Host that names none.
    """

    scheme: str
    netloc: str

    def __post_init__(self) -> None:
        if self.scheme not in ("http", "https") or not _HOST.fullmatch(self.netloc):
            raise ValueError("the header Host names no host")

    @property
    def base(self) -> str:
        """The address before a path."""
        return f"{self.scheme}://{self.netloc}"

    @property
    def host(self) -> str:
        """The host's name, by which it is found as a DRS server."""
        return self.netloc.partition(":")[0]

    def uri(self, sha256: str) -> str:
        """Return the DRS URI of an object."""
        return f"drs://{self.host}/{sha256}"


@dataclass(frozen=True)
class Ways:
    """How to say who asks: whose tokens and whose visas count here."""

    bearer_issuers: tuple[str, ...]
    visa_issuers: tuple[str, ...]

    def document(self, sha256: str | None = None) -> dict[str, Any]:
        """Return ``Authorizations``; the same of each object, whether there is one or not."""
        types = ["BearerAuth", "BasicAuth"]
        found: dict[str, Any] = {"drs_object_id": sha256} if sha256 else {}
        if self.visa_issuers:
            types.append("PassportAuth")
            found["passport_auth_issuers"] = list(self.visa_issuers)
        if self.bearer_issuers:
            found["bearer_auth_issuers"] = list(self.bearer_issuers)
        return {**found, "supported_types": types}


def service_info(address: Address, version: str) -> dict[str, Any]:
    """Return what the service says of itself."""
    return {
        "id": ".".join(reversed(address.host.lower().split("."))) + ".drs",
        "name": f"pe-dvc gateway at {address.host}",
        "type": {"group": "org.ga4gh", "artifact": "drs", "version": "1.5.0"},
        "organization": {"name": address.host, "url": address.base},
        "version": version,
        "maxBulkRequestLength": MOST_AT_ONCE,
        "drs": {"maxBulkRequestLength": MOST_AT_ONCE},
    }


def drs_file(
    sha256: str, content: Content, found: Admitted, address: Address, ways: Ways
) -> dict[str, Any]:
    """Return the object of a file."""
    method: dict[str, Any] = {"type": "https"}
    if found.country.source.sign is not None:
        method |= {"access_id": PRESIGNED, "authorizations": ways.document(sha256)}
    else:
        method["access_url"] = {"url": f"{address.base}/{quote(found.key)}"}
    return {
        **_common(sha256, content, found, address),
        "checksums": [{"type": "sha-256", "checksum": sha256}],
        "access_methods": [method],
    }


def drs_bundle(
    sha256: str,
    content: Content,
    found: Admitted,
    address: Address,
    members: Members,
    *,
    expand: bool,
) -> dict[str, Any]:
    """Return the bundle of a directory, or of a folder in one."""
    folder = _tree(members, content.inside or "")
    return {
        **_common(sha256, content, found, address),
        "checksums": [{"type": "sha-256", "checksum": folder.checksum}],
        "contents": _contents(folder, address, expand),
    }


def _common(sha256: str, content: Content, found: Admitted, address: Address) -> dict[str, Any]:
    version, manifest = found.allowed.subject.version, content.manifest
    time = content.built_at or UNKNOWN_TIME
    said: dict[str, Any] = {
        "id": sha256,
        "name": content.name,
        "self_uri": address.uri(sha256),
        "size": content.size,
        "created_time": time,
        "updated_time": time,
    }
    if version is not None:
        said["version"] = version
    if manifest is not None and manifest.artifact.sha256 == sha256:
        said["aliases"] = [manifest.reference]
        if content.inside is None:
            said["mime_type"] = manifest.artifact.media_type
        if manifest.about is not None and manifest.about.description:
            said["description"] = manifest.about.description
    return said


@dataclass
class _Folder:
    sha256: str = ""
    files: dict[str, str] = field(default_factory=dict)
    folders: dict[str, _Folder] = field(default_factory=dict)

    @property
    def checksum(self) -> str:
        """DRS's checksum of a bundle: of those of what is directly in it, sorted, as text."""
        inside = [*self.files.values(), *(one.checksum for one in self.folders.values())]
        return hashlib.sha256("".join(sorted(inside)).encode()).hexdigest()


def _tree(members: Members, inside: str) -> _Folder:
    """Return the files under the folder ``inside`` as a tree."""
    identities = folders_of(members)
    top = _Folder()
    for member in members:
        if inside and not member.path.startswith(f"{inside}/"):
            continue
        *names, last = member.path[len(inside) :].lstrip("/").split("/")
        folder, path = top, inside
        for name in names:
            path = f"{path}/{name}".lstrip("/")
            folder = folder.folders.setdefault(name, _Folder(identities[path][0]))
        folder.files[last] = member.sha256
    return top


def _contents(folder: _Folder, address: Address, expand: bool) -> list[dict[str, Any]]:
    found = [_entry(name, sha256, address) for name, sha256 in folder.files.items()]
    for name, one in folder.folders.items():
        more = {"contents": _contents(one, address, expand)} if expand else {}
        found.append(_entry(name, one.sha256, address) | more)
    return found


def _entry(name: str, sha256: str, address: Address) -> dict[str, Any]:
    return {"name": name, "id": sha256, "drs_uri": [address.uri(sha256)]}


def bulk(
    resolved: Sequence[Mapping[str, Any]], unresolved: Mapping[int, Sequence[str]], name: str
) -> dict[str, Any]:
    """Return the answer about many objects: ``unresolved`` are ids by the status of their refusal.

    ``name`` is the field of those that are ``resolved``.
    """
    missing = sum(map(len, unresolved.values()))
    return {
        "summary": {
            "requested": len(resolved) + missing,
            "resolved": len(resolved),
            "unresolved": missing,
        },
        "unresolved_drs_objects": [
            {"error_code": status, "object_ids": list(ids)} for status, ids in unresolved.items()
        ],
        name: list(resolved),
    }
