"""Which artifacts a mirror holds: those that channels and releases point to, as far as wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.documents.keys import RELEASE_MANIFEST, STATEMENTS, TRO, release_key
from pe_dvc.documents.pointer import pointers_of
from pe_dvc.documents.release import ReleaseManifest
from pe_dvc.documents.release_target import releases_of
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.pools import Pool
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.trust.ancestry import plain
from pe_dvc.usecases.mirror.history import EarlierMetadata
from pe_dvc.usecases.parallel import TRANSFERS, run_all
from pe_dvc.usecases.release.read_published import read_published
from pe_dvc.usecases.release.statements import read_published_statements

if TYPE_CHECKING:
    from pe_dvc.documents.manifest import ManifestHead
    from pe_dvc.documents.mirrors import Selection
    from pe_dvc.documents.release_target import Released
    from pe_dvc.usecases.mirror.known_manifests import KnownManifests
    from pe_dvc.usecases.mirror.state import SignedState


class Pointed(NamedTuple):
    """An artifact that is pointed to as a dataset; ``is_promised`` by today's state."""

    name: str
    sha256: Sha256
    manifest_sha256: Sha256
    is_promised: bool


class PointedArtifacts:
    """What the signed state of a store points to, of which ``selection`` is wanted.

    ``left_out`` counts the pointers that are not.
    """

    def __init__(
        self, state: SignedState, selection: Selection, *, known: KnownManifests | None = None
    ) -> None:
        self._state, self._selection, self._known = state, selection, known
        self._store, self._country = state.channels.store, state.channels.country
        self.wanted: set[Pointed] = set()
        self._others: set[Pointed] = set()
        self._versions: dict[tuple[str, Sha256], str] = {}
        self.releases: list[Released] = []
        self._add_channels(EarlierMetadata(state, near=known.mirror if known else None))
        self._add_releases()

    @property
    def left_out(self) -> int:
        """How many of today's pointers and those of releases are not wanted."""
        return len({one for one in self._others if one.is_promised} - self.wanted)

    def version_of(self, manifest: ManifestHead) -> str | None:
        """Return the version of a channel that was the first to point to it, as ``latest:12``.

        Of the channels in the order of ``CHANNELS``, as far back as the store has them; None for
        what is in releases alone.
        """
        artifact = manifest.artifact
        return self._versions.get((artifact.name, Sha256(artifact.sha256)))

    def documents(self) -> list[tuple[str, str, Sha256]]:
        """Return the documents of all releases: key, what it is, sha256.

        Raises NotFoundError and VerificationError for statements that are lost or altered.
        """
        found = []
        for one in self.releases:
            manifest = release_key(self._country, one.tag, RELEASE_MANIFEST)
            found.append((manifest, f"release {one.tag}", one.sha256))
            tro = release_key(self._country, one.tag, TRO)
            found.append((tro, f"release {one.tag}", one.tro_sha256))
            if one.statements_sha256 is not None:
                statements = release_key(self._country, one.tag, STATEMENTS)
                found.append((statements, f"release {one.tag}", self.statements_digest(one)))
        return found

    def statements_digest(self, released: Released) -> Sha256:
        """Return the sha256 of the file of a release's statements as it is signed today.

        Raises as ``read_published_statements``.
        """
        delegator = self._state.trusted["targets"]
        return sha256_bytes(read_published_statements(self._store, delegator, released))

    def _add_channels(self, earlier: EarlierMetadata) -> None:
        for channel in CHANNELS:
            if (today := self._state.trusted.get(channel)) is None:
                continue
            versions = earlier.versions(channel, newest=self._selection.last)
            takes = self._selection.takes_channel(channel)
            for number, targets in sorted({**versions, today.version: today}.items()):
                where = self._state.channels.where(channel, number)
                pointers = pointers_of(
                    plain(targets), country=self._country, channel=channel, where=where
                )
                for one in pointers.values():
                    is_today = number == today.version
                    self._versions.setdefault((one.name, one.sha256), f"{channel}:{number}")
                    pointed = Pointed(one.name, one.sha256, one.manifest_sha256, is_today)
                    self._add(pointed, takes=takes)

    def _add_releases(self) -> None:
        role = self._state.trusted.get("releases")
        if role is None:
            return
        where = self._state.channels.where("releases", role.version)
        found = releases_of(plain(role), country=self._country, where=where)
        self.releases = list(found.values())
        with Pool(TRANSFERS) as pool:
            read = run_all(pool, self._release_manifest, self.releases)
        for tag, data in zip(found, read, strict=True):
            manifest = ReleaseManifest.from_bytes(data, where=f"release {tag}")
            for name, artifact in manifest.artifacts.items():
                pointed = Pointed(
                    name, Sha256(artifact.sha256), Sha256(artifact.manifest_sha256), True
                )
                self._add(pointed, takes=self._selection.takes_release(tag))

    def _release_manifest(self, released: Released) -> bytes:
        """Return a release manifest as it was signed: the mirror's, or the store's."""
        key = release_key(self._country, released.tag, RELEASE_MANIFEST)
        data = self._known.read(key, released.sha256) if self._known else None
        return read_published(self._store, released) if data is None else data

    def _add(self, pointed: Pointed, *, takes: bool) -> None:
        wanted = takes and self._selection.takes_dataset(pointed.name)
        (self.wanted if wanted else self._others).add(pointed)
