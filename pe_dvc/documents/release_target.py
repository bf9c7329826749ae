"""A release as the ``releases`` role signs it: a TUF target with pe_dvc's fields as ``custom``.

The target is the release manifest: its path is ``us/releases/1.78.2``, its length and sha256 are
those of ``release_manifest.json``, which in turn pins every artifact. ADR 0007.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from pe_dvc.documents.pointer import check_channel
from pe_dvc.documents.release_claims import AddedClaim
from pe_dvc.documents.release_tag import check_tag
from pe_dvc.primitives.digest import Sha256, check_sha256
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.names import check_country
from pe_dvc.primitives.sizes import MAX_SIZE

if TYPE_CHECKING:
    from pe_dvc.primitives.reference import ChannelName

_STATEMENTS = "statements_sha256"

State = Literal["staged", "certified", "deprecated"]
"""What release managers say of a release; that it is unreproducible, revocations say."""


@dataclass(frozen=True, kw_only=True)
class Released:
    """A signed release: its manifest, its TRO, its commit, and how it stands.

    ``bundles`` are the policyengine.py bundles that certified it, ``name@sha256:…``; ``reason``
    is why it was deprecated; ``claims`` are those that were added since it was tagged.
    ``statements_sha256`` is of its statements (``in_toto.statements_digest``); releases that an
    earlier pe_dvc registered have none.
    """

    country: str
    tag: str
    sha256: Sha256
    size: int
    tro_sha256: Sha256
    commit: str
    channel: ChannelName
    state: State = "staged"
    bundles: tuple[str, ...] = ()
    reason: str | None = None
    claims: tuple[AddedClaim, ...] = ()
    statements_sha256: Sha256 | None = None

    def __post_init__(self) -> None:
        """Raise FormatError or ReleaseError unless every field is of its form."""
        check_country(self.country)
        check_tag(self.tag)
        check_channel(self.channel)
        check_sha256(self.sha256, where=self.target_path)
        check_sha256(self.tro_sha256, where=self.target_path)
        if self.statements_sha256 is not None:
            check_sha256(self.statements_sha256, where=self.target_path)
        if type(self.size) is not int or not 0 <= self.size <= MAX_SIZE:
            raise FormatError(f"{self.size!r} is not a size in bytes", where=self.target_path)
        if self.state not in get_args(State):
            raise FormatError(f"{self.state!r} is not a state", where=self.target_path)

    @property
    def target_path(self) -> str:
        """The path of the TUF target, such as ``us/releases/1.78.2``."""
        return f"{self.country}/releases/{self.tag}"

    def to_target(self) -> dict[str, Any]:
        """Return the release as the plain dict of a TUF target."""
        custom: dict[str, Any] = {
            "tro_sha256": str(self.tro_sha256),
            "git_commit": self.commit,
            "channel": self.channel,
            "state": self.state,
        }
        if self.statements_sha256 is not None:
            custom[_STATEMENTS] = str(self.statements_sha256)
        if self.bundles:
            custom["bundles"] = list(self.bundles)
        if self.reason is not None:
            custom["reason"] = self.reason
        if self.claims:
            custom["claims"] = [claim._asdict() for claim in self.claims]
        return {
            "length": self.size,
            "hashes": {"sha256": str(self.sha256)},
            "custom": custom,
        }

    @classmethod
    def from_target(cls, path: str, target: dict[str, Any]) -> Released:
        """Read the target at ``path``, and ignore fields that this version does not know.

        Raises FormatError, and ReleaseError for a path that names no release.
        """
        country, _, rest = path.partition("/")
        role, _, tag = rest.partition("/")
        if role != "releases":
            raise FormatError(
                f"{path!r} is not the path of a release: expected {{country}}/releases/{{tag}}"
            )
        custom = target.get("custom")
        if not isinstance(custom, dict):
            raise FormatError(f"custom is {custom!r:.40}, and not an object", where=path)
        statements = custom.get(_STATEMENTS)
        try:
            return cls(
                country=country,
                tag=tag,
                sha256=Sha256(str(target["hashes"]["sha256"])),
                size=target["length"],
                tro_sha256=Sha256(str(custom["tro_sha256"])),
                commit=str(custom["git_commit"]),
                channel=custom["channel"],
                state=custom["state"],
                bundles=tuple(custom.get("bundles", ())),
                reason=custom.get("reason"),
                claims=tuple(_claim(claim) for claim in custom.get("claims", ())),
                statements_sha256=None if statements is None else Sha256(str(statements)),
            )
        except (KeyError, TypeError) as error:
            raise FormatError(f"{error} is missing or of the wrong type", where=path) from None


def _claim(plain: dict[str, Any]) -> AddedClaim:
    return AddedClaim(str(plain["name"]), str(plain["specifier"]))


def releases_of(
    targets: dict[str, dict[str, Any]], *, country: str, where: str
) -> dict[str, Released]:
    """Read all targets of the ``releases`` role, by tag. Raises FormatError, ReleaseError."""
    found = {}
    for path, target in sorted(targets.items()):
        released = Released.from_target(path, target)
        if released.country != country:
            raise FormatError(f"{path!r} does not belong here: expected {country}/…", where=where)
        found[released.tag] = released
    return found
