"""Personal access tokens: made once, shown once, and kept as their sha256 alone. ADR 0036.

A token is 256 random bits, so its plain sha256 cannot be guessed back, however fast it is to
compute; slow hashes are for what people think of. One file for each token: what was revoked is
refused at the next request, and no two writers meet.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.documents.access import check_pattern, check_person, check_project
from pe_dvc.gateway.decision import Caller, Scope
from pe_dvc.primitives.errors import CredentialsError, FormatError, NotFoundError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.names import check_country
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.permissions import Modes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREFIX = "pedvc"
"""By which secret scanners know a token, and people."""
MAX_BYTES = 64 * 1024
EVERYTHING = Scope()
"""Of a token that is good for all that its person may read."""
_TOKEN = re.compile(r"pedvc_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
_ID = re.compile(r"[0-9a-f]{16}")
_FILE = re.compile(r"([0-9a-f]{16})\.json")


@dataclass(frozen=True, kw_only=True)
class TokenRecord:
    """What is kept of a token. ``country``, ``project`` and ``datasets`` limit it; None does not.

    Times are text in UTC, as ``2026-12-31T00:00:00Z``. It holds nothing by which one could read.
    """

    id: str
    sha256: str
    person: str
    created: str
    expires: str
    country: str | None = None
    project: str | None = None
    datasets: tuple[str, ...] | None = None
    revoked: str | None = None

    @property
    def scope(self) -> Scope:
        """What the token is good for."""
        return Scope(country=self.country, project=self.project, datasets=self.datasets)

    def state(self, now: datetime) -> str:
        """Return ``live``, ``expired`` or ``revoked``."""
        if self.revoked is not None:
            return "revoked"
        return "live" if now < _time(self.expires) else "expired"


class TokenBook:
    """The tokens in a directory that is its user's alone."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._files = ConfinedTree(directory, modes=Modes(folder=0o700, file=0o600))

    def create(
        self, person: str, *, now: datetime, expires: datetime, scope: Scope = EVERYTHING
    ) -> tuple[str, TokenRecord]:
        """Make a token and return it with its record: it is not kept, and not shown again.

        Raises FormatError for a person or a scope that no grant can have, or a time that is past.
        """
        _check(person, scope)
        if expires <= now:
            raise FormatError("a token must expire later than now", where="expires")
        name, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
        record = TokenRecord(
            id=name,
            sha256=hashlib.sha256(secret.encode()).hexdigest(),
            person=person,
            created=_text(now),
            expires=_text(expires),
            country=scope.country,
            project=scope.project,
            datasets=scope.datasets,
        )
        self._files.write_once(f"{name}.json", _bytes(record))
        return f"{PREFIX}_{name}_{secret}", record

    def records(self) -> Iterator[TokenRecord]:
        """Yield all that was made and not removed, the oldest first. Raises FormatError."""
        names = [m[1] for name, _ in self._files.entries(".") if (m := _FILE.fullmatch(name))]
        yield from sorted((self._read(one) for one in names), key=lambda one: one.created)

    def revoke(self, name: str, *, now: datetime) -> TokenRecord:
        """Let a token be worth nothing from now on. Raises NotFoundError."""
        if not _ID.fullmatch(name):
            raise NotFoundError(
                f"there is no token {name!r}", remedy="See pe-dvc gateway token list."
            )
        try:
            record = self._read(name)
        except FileNotFoundError:
            raise NotFoundError(
                f"there is no token {name!r}", remedy="See pe-dvc gateway token list."
            ) from None
        if record.revoked is None:
            record = TokenRecord(**{**asdict(record), "revoked": _text(now)})
            self._files.write(f"{name}.json", _bytes(record), mode=0o600, durable=True)
        return record

    def caller(self, token: str, *, now: datetime) -> Caller:
        """Return whose token it is. Raises CredentialsError, which never shows it."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise CredentialsError("this is not a token of this gateway")
        try:
            record = self._read(match[1])
        except FileNotFoundError:
            raise CredentialsError("this token is not known here") from None
        digest = hashlib.sha256(match[2].encode()).hexdigest()
        if not hmac.compare_digest(digest, record.sha256):
            raise CredentialsError("this token is not known here")
        if (state := record.state(now)) != "live":
            raise CredentialsError(f"this token is {state}: ask for a new one")
        return Caller(person=record.person, scope=record.scope, token_id=record.id)

    def _read(self, name: str) -> TokenRecord:
        where = f"{name}.json"
        value = read_json(self._files.read(where, limit=MAX_BYTES), what="a token", where=where)
        try:
            datasets = value["datasets"]
            given = {**value, "datasets": None if datasets is None else tuple(datasets)}
            record = TokenRecord(**given)
            _time(record.created), _time(record.expires)
        except (TypeError, KeyError, ValueError):
            raise FormatError("is not the record of a token", where=where) from None
        return record


def is_token(text: str) -> bool:
    """Tell whether a text is of the form of our tokens."""
    return text.startswith(f"{PREFIX}_")


def _check(person: str, scope: Scope) -> None:
    """Raise FormatError for what no grant can have: the token would be worth nothing."""
    if scope.country is not None:
        check_country(scope.country, where="country")
    texts = [("person", person, check_person)]
    texts += [("datasets", one, check_pattern) for one in scope.datasets or ()]
    if scope.project is not None:
        texts.append(("project", scope.project, check_project))
    for where, text, check in texts:
        try:
            check(text)
        except ValueError as error:
            raise FormatError(f"{text!r} {error}", where=where) from None


def _bytes(record: TokenRecord) -> bytes:
    return (json.dumps(asdict(record), indent=2) + "\n").encode()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
