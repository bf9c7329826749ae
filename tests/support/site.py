"""Datasets with codebooks and profiles, published as a site is built of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.keys import manifest_key
from pe_dvc.documents.sidecar_refs import content_sidecars
from pe_dvc.primitives.digest import Sha256
from tests.support.described import ONE_TABLE, codebook, described_manifest, statistics
from tests.support.sidecars import with_sidecars

if TYPE_CHECKING:
    from pe_dvc.documents.codebook import Codebook
    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.documents.profile import Profile
    from tests.support.country import Country


def publish_described(
    country: Country,
    payload: bytes,
    contents: dict[str, Any] = ONE_TABLE,
    *,
    known: Codebook | None = None,
    profile: Profile | None = None,
    about: dict[str, str] | None = None,
    **artifact: Any,
) -> Manifest:
    """Put a manifest and its sidecars into the bucket; no channel points to it yet."""
    bytes_of = {
        "sha256": hashlib.sha256(payload).hexdigest(),
        "size": len(payload),
        "dvc": {"hash": "md5", "md5": hashlib.md5(payload).hexdigest()},
    }
    sidecars = {
        "codebook": (known or codebook()).to_bytes(),
        "profile": (profile or statistics()).to_bytes(),
    }
    plain = described_manifest(contents, about=about, **(bytes_of | artifact))
    manifest = with_sidecars(plain, sidecars)
    for kind, ref in content_sidecars(manifest).items():
        country.write(ref.key, sidecars[kind])
    country.write(manifest_key("us", Sha256(manifest.artifact.sha256)), manifest.to_bytes())
    return manifest


@dataclass
class Page(HTMLParser):
    """A page as a browser parses it: its elements with the names of their attributes, its texts."""

    html: str
    elements: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._text = ""
        self.feed(self.html)
        self.close()

    @property
    def text(self) -> str:
        """All that is read, attributes too."""
        return self._text + "\n" + "\n".join(self.values)

    def pointed(self, *names: str) -> list[str]:
        """Return the values of attributes of these names."""
        return [value for name, value in self.attributes if name in names]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += [(name, value) for name, value in attrs if value]
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.values += [value for _, value in attrs if value]
        self.links += [v for name, v in attrs if name in ("href", "src") and v]

    def handle_data(self, data: str) -> None:
        self._text += data
