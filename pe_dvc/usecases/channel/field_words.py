"""Sentences for those who are to sign a root: what a field was, becomes, and means for readers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.channel_log import log_name
from pe_dvc.documents.metadata_fields import (
    CONTACT_FIELD,
    COUNTRY_FIELD,
    EXPIRY_FIELD,
    LOG_FIELD,
    MIRRORS_FIELD,
    NAME_FIELD,
    SIGNER_FIELD,
    WITNESSES_FIELD,
)
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.sizes import counted
from pe_dvc.trust.witnesses import WitnessRule, witness_rule

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 2000
"""Characters of a value that a sentence repeats; ``--json`` has all."""

Words = tuple[str, ...]


def words_of(path: tuple[str, ...], before: Any, after: Any, country: str) -> Words:
    """Return the sentences for a field that changes; the first can stand alone."""
    match path:
        case (name,) if name == LOG_FIELD:
            return _or_unread(_log, name, before, after, country)
        case (name,) if name == WITNESSES_FIELD:
            return _or_unread(_witnesses, name, before, after, country)
        case (name,) if name == MIRRORS_FIELD:
            return _mirrors(before, after)
        case (name,) if name == CONTACT_FIELD:
            return (
                f"contact: readers without access are told to ask {_text(after)}, before "
                f"{_text(before)}",
            )
        case (name,) if name == COUNTRY_FIELD:
            return (
                f"country: it is of {_text(after)}, before {_text(before)}; readers refuse what is "
                "of another country than theirs",
            )
        case ("roles", role, name) if name == EXPIRY_FIELD:
            return _expiry(role, before, after)
        case ("keys", keyid, name):
            return (_key(keyid, name, before, after),)
    return (
        f"{'/'.join(path)}: becomes {_text(after)}, before {_text(before)}",
        "this pe-dvc has no words for that field: ask who changed it what it does",
    )


def key_name_of(key: Mapping[str, Any]) -> str | None:
    """Return the name that metadata gives a key."""
    name = key.get(NAME_FIELD)
    return name if isinstance(name, str) else None


def _or_unread(words: Any, name: str, before: Any, after: Any, country: str) -> Words:
    """Return ``words``, or what is written where this pe_dvc cannot read it."""
    try:
        found: Words = words({name: before}, {name: after}, country)
    except FormatError as error:
        return (
            f"{name}: becomes {_text(after)}, before {_text(before)}",
            f"that cannot be read, and readers would refuse the channels: {error.message}",
        )
    return found


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _log(before: Mapping[str, Any], after: Mapping[str, Any], country: str) -> Words:
    old = log_name(_present(before), country, where="the root before")
    new = log_name(_present(after), country, where="this root")
    said: list[str] = []
    if new.number > old.number:
        said += [
            f"log: begins a NEW LOG, number {new.number}, before {old.number}",
            "readers who know the old log accept a history that does not continue it: what was "
            "published before can be left out or changed, and no reader is told",
            "right only if entries of the old log are lost everywhere, or after a theft",
        ]
    elif new.number < old.number:
        said += [
            f"log: goes back to log {new.number}, before {old.number}",
            f"readers who know log {old.number} will refuse the channels",
        ]
    if new.origin != old.origin:
        said += [
            f"log: its name becomes {_text(new.origin)}, before {_text(old.origin)}",
            "witnesses and monitors follow each name for itself, and do not hold this log to what "
            "they saw under the other name",
        ]
    return tuple(said) or (f"{LOG_FIELD}: becomes {_text(after[LOG_FIELD])}, the same log",)


def _witnesses(before: Mapping[str, Any], after: Mapping[str, Any], _country: str) -> Words:
    old = witness_rule(before, where="the root before")
    new = witness_rule(after, where="this root")
    said = [f"witnesses: readers demand {_rule(new)}, before {_rule(old)}"]
    olds = {str(key) for key in old.keys} if old else set()
    news = {str(key) for key in new.keys} if new else set()
    said += [f"+ witness {key}" for key in sorted(news - olds)]
    said += [f"- witness {key}" for key in sorted(olds - news)]
    return (*said, *_meaning(old, new))


def _rule(rule: WitnessRule | None) -> str:
    if rule is None:
        return "none"
    return (
        f"{rule.threshold} of {len(rule.keys)} witnesses, not older than "
        f"{counted(rule.max_age_days, 'day')}"
    )


def _meaning(old: WitnessRule | None, new: WitnessRule | None) -> Words:
    if new is None:
        return (
            "WEAKER: who has the online keys and the bucket can show new readers another history, "
            "or an old state as if it were of today",
        )
    stops = (
        f"readers refuse the channels while fewer than {new.threshold} of these witnesses have "
        "cosigned what is shown"
    )
    said: list[str] = []
    if 2 * new.threshold <= len(new.keys):
        said.append(
            "half of them or fewer are enough: who has the online keys can show one history to "
            "some witnesses and readers, and another to the others"
        )
    if old is None:
        return (*said, stops)
    if new.threshold < old.threshold:
        said.append(
            f"WEAKER: {new.threshold} must have seen what is published, before {old.threshold}; "
            "who has the online keys and that many witnesses can show another history"
        )
    if new.max_age_days > old.max_age_days:
        said.append(
            "WEAKER: readers can be shown a state that is "
            f"{counted(new.max_age_days, 'day')} old as if it were of today"
        )
    known = {key.public for key in old.keys}
    added = sum(key.public not in known for key in new.keys)
    if added >= new.threshold:
        said.append(
            "WEAKER, unless you know them: the witnesses that are added are enough, without any of "
            "those before"
        )
    if new.threshold > old.threshold or new.max_age_days < old.max_age_days:
        said.append(f"stricter: {stops}")
    return tuple(said) or (stops,)


def _mirrors(before: Any, after: Any) -> Words:
    old, new = (value if isinstance(value, list) else [] for value in (before, after))
    if any(value is not None and not isinstance(value, list) for value in (before, after)):
        return (f"mirrors: become {_text(after)}, before {_text(before)}",)
    return (
        f"mirrors: readers also ask {counted(len(new), 'store')}, before {len(old)}; what these "
        "show is verified, and they see who reads what",
        *(f"+ mirror {_text(one)}" for one in new if one not in old),
        *(f"- mirror {_text(one)}" for one in old if one not in new),
    )


def _expiry(role: str, before: Any, after: Any) -> Words:
    first = f"{role}: a new version expires after {_text(after)} days, before {_text(before)}"
    if type(before) is int and type(after) is int and after <= before:
        return (first,)
    return (
        first,
        "so long, too, can an old version be shown to readers who have not seen a newer one",
    )


def _key(keyid: str, name: str, before: Any, after: Any) -> str:
    if name == NAME_FIELD:
        return f"key {keyid} is named {_text(after)}, before {_text(before)}"
    if name == SIGNER_FIELD:
        return f"key {keyid} signs by {_text(after)}, before {_text(before)}"
    return (
        f"key {keyid} becomes ANOTHER KEY under the id that it had: {name} {_text(after)}, before "
        f"{_text(before)}"
    )


def _text(value: Any) -> str:
    """Return a value on one line, whatever a stranger wrote into it."""
    if value is None:
        return "none"
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
