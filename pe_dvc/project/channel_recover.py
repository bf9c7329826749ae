"""After a theft: new keys in the place of stolen ones, and what git holds signed by them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, NotFoundError, StoreError
from pe_dvc.primitives.result import Result
from pe_dvc.project import directories
from pe_dvc.project.channel import sign_statements
from pe_dvc.project.signers import signers_of
from pe_dvc.trust.bucket import ReadableChannels
from pe_dvc.trust.keys import new_key_file
from pe_dvc.trust.public_keys import public_key, public_key_file
from pe_dvc.trust.roles import check_role
from pe_dvc.trust.verify import fingerprint
from pe_dvc.trust.witnesses import witness_rule
from pe_dvc.usecases.channel.key_edits import StolenKeys
from pe_dvc.usecases.channel.keys import KeyRing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.trust.tuf_api import Key
    from pe_dvc.usecases.channel.key_edits import Recovery

ONLINE = ("latest", "snapshot", "timestamp")
"""The roles whose keys a CI machine has."""


@dataclass(frozen=True, kw_only=True)
class Recovered(Result):
    """A recovery as it stands in git, to be committed and pushed; ``key_files`` were made for it.

    ``passed_over`` tells whether the bucket could be asked which versions are taken.
    ``fingerprint`` is that of the root in force now. With ``tell_witnesses`` the push is refused
    until the witnesses that the root demands know the new key or log.
    """

    recovery: Recovery
    key_files: dict[str, tuple[Path, ...]]
    passed_over: bool
    fingerprint: Sha256
    tell_witnesses: bool = False


class _NewKeys:
    """The keys that take the place of stolen ones: behind a URI, in a file, else made here."""

    def __init__(
        self,
        country: str,
        signers: Mapping[str, Sequence[str]],
        public_keys: Mapping[str, Sequence[Path]],
    ) -> None:
        self._country, self._signers, self._public = country, signers, public_keys
        self.files: dict[str, list[Path]] = {}

    def of(self, role: str, count: int) -> list[Key]:
        """Return a role's new keys, as many as are given, else ``count``."""
        given = [public_key(uri) for uri in self._signers.get(role, [])]
        given += [public_key_file(path) for path in self._public.get(role, [])]
        while not given and len(self.files.get(role, [])) < count:
            path, _ = new_key_file(directories.keys_dir(), self._country, role)
            self.files.setdefault(role, []).append(path)
        return given or [public_key(f"file2:{path.absolute()}") for path in self.files[role]]

    def uris(self, role: str) -> list[str]:
        """Return how to sign by a role's new keys on this machine."""
        made = [f"file2:{path.absolute()}" for path in self.files.get(role, [])]
        return [*self._signers.get(role, []), *made]

    def remove(self) -> None:
        """Remove the key files that were made: nothing lists them."""
        for path in (path for paths in self.files.values() for path in paths):
            path.unlink(missing_ok=True)


def recover(
    repo: DataRepo,
    roles: Sequence[str] = (),
    *,
    signers: Mapping[str, Sequence[str]] | None = None,
    public_keys: Mapping[str, Sequence[Path]] | None = None,
    new_log: bool = False,
    store: str | None = None,
) -> Recovered:
    """Replace stolen keys, of the online roles unless given: ``next``, or one key, ``next=KEYID``.

    With ``new_log`` the new root begins a new log of what is published. ``signers`` and
    ``public_keys`` give new keys by role; others are made here. Raises NotFoundError for a role
    with several keys and no key id, and what ``KeyRing.recover`` raises.
    """
    wanted, taken = _by_role(roles or ONLINE), taken_versions(repo, store)
    ring = KeyRing(repo.channels_root, repo.country, signers_of(repo), now=datetime.now(UTC))
    for role in wanted:
        _check_which(ring, role, wanted)
    old = {role: [ring.find(role, keyid) for keyid in ids] for role, ids in wanted.items()}
    new = _NewKeys(repo.country, signers or {}, public_keys or {})
    try:
        stolen = [
            StolenKeys(role=role, keyids=ids, keys=new.of(role, len(ids)))
            for role, ids in old.items()
        ]
        recovery = _ring(repo, new, old, taken or ()).recover(stolen, new_log=new_log)
    except BaseException:
        new.remove()
        raise
    if "releases" in wanted:
        sign_statements(repo, signers_of(repo), "releases")
    return Recovered(
        recovery=recovery,
        key_files={role: tuple(paths) for role, paths in new.files.items()},
        passed_over=taken is not None,
        fingerprint=fingerprint(repo.channel_files.read_bytes("root")),
        tell_witnesses=("timestamp" in wanted or new_log) and _demands_witnesses(repo),
    )


def _demands_witnesses(repo: DataRepo) -> bool:
    signed = repo.signed_metadata()
    fields = signed.root.signed.unrecognized_fields
    return witness_rule(fields, where=signed.where("root")) is not None


def taken_versions(repo: DataRepo, store: str | None = None) -> list[tuple[str, int]] | None:
    """Return which versions files in the bucket are named after; None where it cannot be read."""
    roots = [root.signed for root in repo.signed_metadata().roots]
    try:
        bucket = ReadableChannels(repo.open_store(store), repo.country, roots)
        return list(bucket.files())
    except (StoreError, NotFoundError, FormatError):
        return None


def _by_role(roles: Sequence[str]) -> dict[str, list[str | None]]:
    wanted: dict[str, list[str | None]] = {}
    for one in roles:
        role, _, keyid = one.partition("=")
        wanted.setdefault(check_role(role), []).append(keyid or None)
    return wanted


def _check_which(ring: KeyRing, role: str, wanted: Mapping[str, Sequence[str | None]]) -> None:
    """Refuse to guess which of a role's keys was stolen; say how to name it."""
    known = ring.keyids(role)
    if None in wanted[role] and len(known) > 1:
        others = " ".join(other for other in wanted if other != role)
        raise NotFoundError(
            f"{role} has {len(known)} keys: {', '.join(known)}",
            remedy="Say which was stolen, by the beginning of its id; name several by giving the "
            f"role several times: pe-dvc channel recover {role}={known[0][:8]} {others}".rstrip(),
        )


def _ring(
    repo: DataRepo,
    new: _NewKeys,
    roles: Mapping[str, Sequence[str]],
    taken: Sequence[tuple[str, int]],
) -> KeyRing:
    """Return the keys of the repo's roles, signed for by the new ones where they are here.

    Settings may still name the stolen keys.
    """
    online = [role for role in roles if role != "root"]
    given = {role: new.uris(role) for role in online}
    settings = {f"PE_DVC_SIGNER_{role.upper()}" for role in online}
    environ = {name: value for name, value in os.environ.items() if name not in settings}
    signers = signers_of(repo, given, environ=environ)
    return KeyRing(repo.channels_root, repo.country, signers, now=datetime.now(UTC), taken=taken)
