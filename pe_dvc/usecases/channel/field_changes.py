"""What a draft of root or targets changes beside keys and thresholds: every other signed field.

Nothing is passed over: a field that this pe_dvc does not know is shown as it is written. Each draft
is held against the one before it, since readers go through all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.metadata_fields import COUNTRY_FIELD, EXPIRY_FIELD
from pe_dvc.primitives.result import Result
from pe_dvc.trust.ancestry import ANCESTORS, SUPERSEDED
from pe_dvc.trust.key_identity import identity_of
from pe_dvc.trust.roles import DELEGATED, EXPIRY_DAYS, TOP_LEVEL, path_patterns
from pe_dvc.trust.tuf_api import Root, Targets
from pe_dvc.trust.verify import key_names, key_text, role_of
from pe_dvc.usecases.channel.field_words import key_name_of, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pe_dvc.trust.tuf_api import Key

Path = tuple[str, ...]
"""Where a field stands: its name, below ``roles`` a role and below ``keys`` a key's id."""

_SHOWN_ELSEWHERE = {"_type", "version", "expires", "keys", "roles", "delegations", "targets"}
_OF_ONE_VERSION = {ANCESTORS, SUPERSEDED}
"""Fields that say something about one version alone: they differ between any two."""


@dataclass(frozen=True, kw_only=True)
class FieldChanged(Result):
    """How version ``version`` of root or targets changes a signed field; None where it is not.

    ``field`` is its name, below ``roles/ROLE`` and ``keys/ID`` those of a role and a key. ``says``
    are sentences for people: what it was, what it becomes, and what that means for readers.
    """

    version: int
    field: str
    before: Any
    after: Any
    says: tuple[str, ...]


def field_changes(
    country: str, base: Root | Targets | None, drafts: Sequence[Root | Targets]
) -> tuple[FieldChanged, ...]:
    """Return what drafts of root or targets change of their fields, one after the other.

    Without a ``base`` they are held against what a country's first metadata has by default.
    """
    known = _keys_of(base) if base is not None else {}
    found: list[FieldChanged] = []
    fields = _fields(base) if base is not None else _defaults(country, drafts[0])
    for draft in drafts:
        new = _fields(draft)
        for path in sorted(fields.keys() | new.keys()):
            before, after = fields.get(path), new.get(path)
            if before != after:
                found.append(_changed(draft.version, path, before, after, country))
        found += _keys_changed(draft, known)
        fields, known = new, known | _keys_of(draft)
    found += _between(base, drafts)
    return tuple(sorted(found, key=lambda one: one.version))


def _changed(version: int, path: Path, before: Any, after: Any, country: str) -> FieldChanged:
    return FieldChanged(
        version=version,
        field="/".join(path),
        before=before,
        after=after,
        says=words_of(path, before, after, country),
    )


def _fields(signed: Root | Targets) -> dict[Path, Any]:
    """Return all signed fields but keys, thresholds, version and expiry."""
    document = signed.to_dict()
    fields: dict[Path, Any] = {
        (name,): value
        for name, value in document.items()
        if name not in _SHOWN_ELSEWHERE | _OF_ONE_VERSION
    }
    roles: Mapping[str, Any] = document.get("roles", {})
    if isinstance(signed, Targets):
        delegations = document.get("delegations", {})
        roles = {one["name"]: one for one in delegations.get("roles", ())}
        fields |= {
            ("delegations", name): value
            for name, value in delegations.items()
            if name not in ("keys", "roles")
        }
    for role, value in roles.items():
        for name in value.keys() - {"name", "keyids", "threshold"}:
            fields["roles", role, name] = value[name]
    return fields


def _defaults(country: str, first: Root | Targets) -> dict[Path, Any]:
    """Return what goes without saying in the first metadata of a country."""
    fields: dict[Path, Any] = {("spec_version",): first.spec_version, (COUNTRY_FIELD,): country}
    if isinstance(first, Root):
        fields["consistent_snapshot",] = True
        return fields | {("roles", role, EXPIRY_FIELD): EXPIRY_DAYS[role] for role in TOP_LEVEL}
    for role in DELEGATED:
        fields["roles", role, EXPIRY_FIELD] = EXPIRY_DAYS[role]
        fields["roles", role, "paths"] = path_patterns(country, role)
        fields["roles", role, "terminating"] = True
    return fields


def _keys_of(signed: Root | Targets) -> dict[str, Key]:
    if isinstance(signed, Root):
        return dict(signed.keys)
    return dict(signed.delegations.keys) if signed.delegations else {}


def _keys_changed(draft: Root | Targets, known: Mapping[str, Key]) -> Iterator[FieldChanged]:
    """Yield keys that are others than before under the same id, and those of two ids at once.

    Signatures count by id. Nothing holds an id to its key but what is signed.
    """
    keys = _keys_of(draft)
    for keyid in sorted(keys.keys() & known.keys()):
        old, new = known[keyid].to_dict(), keys[keyid].to_dict()
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                path = ("keys", keyid, name)
                yield _changed(draft.version, path, old.get(name), new.get(name), "")
    identities = sorted((identity_of(key), keyid) for keyid, key in keys.items())
    for (identity, one), (another, other) in pairwise(identities):
        if identity == another and not {one, other} <= known.keys():
            whose = key_name_of(keys[one].to_dict())
            yield FieldChanged(
                version=draft.version,
                field=f"keys/{other}",
                before=None,
                after=one,
                says=(
                    f"key {other} is key {one}{f' ({whose})' if whose else ''} under another id: "
                    "who holds it signs twice, where two must sign",
                ),
            )


def _between(
    base: Root | Targets | None, drafts: Sequence[Root | Targets]
) -> Iterator[FieldChanged]:
    """Yield whose keys count under a draft alone, if neither before nor in the end.

    Such a draft is as good as the last: with it, those keys can sign another one after it.
    """
    for draft, later in pairwise(drafts):
        for role in TOP_LEVEL if isinstance(draft, Root) else DELEGATED:
            ends = [one for one in (base, drafts[-1]) if one is not None]
            state = _state(draft, role)
            if state in [_state(end, role) for end in ends]:
                continue
            names = key_names(draft, role)
            keys = ", ".join(key_text(keyid, names) for keyid in state["keyids"])
            yield FieldChanged(
                version=draft.version,
                field=f"roles/{role}",
                before=None,
                after=state,
                says=(
                    f"{role}: until version {later.version}, {state['threshold']} of these keys "
                    f"must sign: {keys}",
                ),
            )


def _state(signed: Root | Targets, role: str) -> dict[str, Any]:
    found = role_of(signed, role)
    return {"keyids": sorted(found.keyids), "threshold": found.threshold}
