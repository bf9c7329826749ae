"""What the signed role ``revoked`` says: which artifacts and raw inputs were withdrawn, and why.

An entry is a TUF target. That of an artifact is at ``us/revoked/<sha256>``: it withdraws these
bytes, under whatever names they were published. That of a raw input is at
``us/revoked/raw-input/<sha256>``: what derives from it is withdrawn by entries of its own, and
nothing that derives from it may be published any more. ADR 0008.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from pe_dvc.documents.dvc_hash import object_key
from pe_dvc.primitives.digest import Sha256, check_sha256
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.names import check_country, check_name
from pe_dvc.primitives.printable import printable
from pe_dvc.primitives.reference import Reference
from pe_dvc.primitives.sizes import MAX_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST = 1000
"""Characters of a text in an entry."""

_ROLE, _RAW_INPUT = "revoked", "raw-input"
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, kw_only=True)
class Revocation:
    """One withdrawal. ``name`` is the dataset's, of a raw input what it is called.

    ``size`` is in bytes, 0 for a raw input of unknown size. ``reason`` is one public sentence,
    ``authority`` who decided, ``contact`` whom to ask, ``revoked`` an aware time,
    ``replacement`` a pinned reference to read instead. ``raw_input`` is the sha256 of the
    withdrawn raw input that an artifact derives from, where that is why. ``dvc_md5`` is DVC's hash,
    by which the bytes lie in the bucket. ``is_input`` tells the entry of a raw input itself.
    """

    country: str
    name: str
    sha256: Sha256
    size: int
    reason: str
    authority: str
    revoked: datetime
    contact: str | None = None
    replacement: Reference | None = None
    manifest_sha256: Sha256 | None = None
    raw_input: Sha256 | None = None
    dvc_md5: str | None = None
    is_input: bool = False

    def __post_init__(self) -> None:
        """Raise FormatError unless every field is of its form."""
        check_country(self.country)
        check_sha256(self.sha256)
        where = self.target_path
        if self.is_input:
            check_text(self.name, "name", where=where)
        else:
            check_name(self.name, where=where)
        for digest in (self.manifest_sha256, self.raw_input):
            if digest is not None:
                check_sha256(digest, where=where)
        if type(self.size) is not int or not 0 <= self.size <= MAX_SIZE:
            raise FormatError(f"{self.size!r} is not a size in bytes", where=where)
        check_text(self.reason, "reason", where=where)
        check_text(self.authority, "authority", where=where)
        if self.contact is not None:
            check_text(self.contact, "contact", where=where)
        if self.dvc_md5 is not None:
            object_key(self.dvc_md5)
        if self.replacement is not None and self.replacement.sha256 is None:
            raise FormatError(
                f"the replacement {self.replacement} is not pinned: expected …@sha256:<64 hex "
                "digits>",
                where=where,
                remedy="Give its pin, which ls and show print.",
            )

    @property
    def target_path(self) -> str:
        """The path of the TUF target."""
        below = f"{_RAW_INPUT}/" if self.is_input else ""
        return f"{self.country}/{_ROLE}/{below}{self.sha256}"

    @property
    def reference(self) -> Reference:
        """The pinned reference of the artifact that was withdrawn."""
        return Reference.pinned(self.country, self.name, self.sha256)

    @property
    def what(self) -> str:
        """What was withdrawn, for messages: the pinned reference, or the raw input."""
        return f"raw input {self.name}" if self.is_input else str(self.reference)

    @property
    def revoked_at(self) -> str:
        """When it was withdrawn, as text: ``2026-11-26T12:00:00Z``."""
        return f"{self.revoked.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"

    @property
    def text(self) -> str:
        """What happened, for messages: when, why, by whose authority."""
        said = f"withdrawn on {self.revoked_at[:10]} by {self.authority}: {self.reason}"
        return f"{said} (derives from raw input {self.raw_input})" if self.raw_input else said

    @property
    def advice(self) -> str:
        """What a reader can do: the replacement, and whom to ask."""
        instead = [f"Read {self.replacement} instead."] if self.replacement else []
        return " ".join([*instead, f"Ask {self.contact or self.authority}."])

    def to_target(self) -> dict[str, Any]:
        """Return the entry as the plain dict of a TUF target."""
        return {
            "length": self.size,
            "hashes": {"sha256": str(self.sha256)},
            "custom": self._custom(),
        }

    def to_json(self) -> dict[str, Any]:
        """Return the entry as plain JSON values, as the tombstone has them, too."""
        return {
            "country": self.country,
            "sha256": str(self.sha256),
            "size": self.size,
            "is_input": self.is_input,
            **self._custom(),
        }

    def _custom(self) -> dict[str, str]:
        fields = {
            "name": self.name,
            "reason": self.reason,
            "authority": self.authority,
            "revoked": self.revoked_at,
            "contact": self.contact,
            "replacement": self.replacement,
            "manifest_sha256": self.manifest_sha256,
            "raw_input": self.raw_input,
            "dvc_md5": self.dvc_md5,
        }
        return {key: str(value) for key, value in fields.items() if value is not None}

    @classmethod
    def from_target(cls, path: str, target: Mapping[str, Any]) -> Self:
        """Read the target at ``path``; fields that this version does not know are ignored.

        Raises FormatError.
        """
        country, _, rest = path.partition("/")
        role, *below = rest.split("/")
        is_input = len(below) == 2 and below[0] == _RAW_INPUT
        if role != _ROLE or not (is_input or len(below) == 1):
            raise FormatError(
                f"{path!r} is not the path of a revocation: expected "
                f"{{country}}/{_ROLE}/<sha256> or {{country}}/{_ROLE}/{_RAW_INPUT}/<sha256>"
            )
        found = cls._read(
            target.get("custom"),
            where=path,
            country=country,
            sha256=check_sha256(below[-1], where=path),
            size=target.get("length", -1),
            is_input=is_input,
        )
        hashes = target.get("hashes")
        if not isinstance(hashes, dict) or hashes.get("sha256") != found.sha256:
            raise FormatError("hashes.sha256 is not the one in its path", where=path)
        return found

    @classmethod
    def _read(
        cls,
        custom: object,
        *,
        where: str,
        country: str,
        sha256: Sha256,
        size: int,
        is_input: bool,
    ) -> Self:
        fields = custom if isinstance(custom, dict) else {}
        replacement = _text(fields, "replacement", where)
        return cls(
            country=country,
            name=_required(fields, "name", where),
            sha256=sha256,
            size=size,
            reason=_required(fields, "reason", where),
            authority=_required(fields, "authority", where),
            revoked=_time(_required(fields, "revoked", where), where),
            contact=_text(fields, "contact", where),
            replacement=None if replacement is None else Reference.parse(replacement),
            manifest_sha256=_digest(_text(fields, "manifest_sha256", where)),
            raw_input=_digest(_text(fields, "raw_input", where)),
            dvc_md5=_text(fields, "dvc_md5", where),
            is_input=is_input,
        )


def revocations_of(
    targets: Mapping[str, Mapping[str, Any]], *, country: str, where: str
) -> dict[Sha256, Revocation]:
    """Return the withdrawn artifacts among all targets of the role, by sha256.

    Raises FormatError if any entry is malformed or of another country.
    """
    return entries_of(targets, country=country, where=where)[0]


def entries_of(
    targets: Mapping[str, Mapping[str, Any]], *, country: str, where: str
) -> tuple[dict[Sha256, Revocation], dict[Sha256, Revocation]]:
    """Return the same, and the withdrawn raw inputs by sha256. Raises as ``revocations_of``."""
    artifacts: dict[Sha256, Revocation] = {}
    inputs: dict[Sha256, Revocation] = {}
    for one in _all(targets, country, where):
        (inputs if one.is_input else artifacts)[one.sha256] = one
    return artifacts, inputs


def check_text(text: str, what: str, *, where: str | None = None) -> str:
    """Return a text of an entry, or raise FormatError: one line that a terminal may show."""
    if not text.strip() or len(text) > LONGEST or printable(text) != text:
        raise FormatError(
            f"{what} must be one line of 1 to {LONGEST} characters, without control characters",
            where=where,
        )
    return text


def _all(
    targets: Mapping[str, Mapping[str, Any]], country: str, where: str
) -> Iterable[Revocation]:
    for path, target in sorted(targets.items()):
        found = Revocation.from_target(path, target)
        if found.country != country:
            raise FormatError(
                f"{path!r} does not belong here: expected {country}/{_ROLE}/…", where=where
            )
        yield found


def _required(fields: Mapping[str, Any], key: str, where: str) -> str:
    value = _text(fields, key, where)
    if value is None:
        raise FormatError(f"{key} is missing", where=where)
    return value


def _text(fields: Mapping[str, Any], key: str, where: str) -> str | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        raise FormatError(f"{key} is not text", where=where)
    return value


def _digest(text: str | None) -> Sha256 | None:
    return None if text is None else Sha256(text)


def _time(text: str, where: str) -> datetime:
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise FormatError(
            f"revoked is {text[:40]!r}: expected a time in UTC such as 2026-11-26T12:00:00Z",
            where=where,
        ) from None
