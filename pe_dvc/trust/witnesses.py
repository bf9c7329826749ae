"""Witnesses that a root demands: how many must have cosigned a channel's log, and how lately.

Who has all online keys, and the bucket, can show newcomers an old state, signed again each week;
the keys of witnesses he has not. ADR 0042.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.channel_log import log_name
from pe_dvc.documents.metadata_fields import WITNESSES_FIELD
from pe_dvc.primitives.errors import FormatError, SignatureError, VerificationError
from pe_dvc.tlog.checkpoint import Checkpoint
from pe_dvc.tlog.cosignature import verify_cosignature
from pe_dvc.tlog.note import COSIGNATURE, Note, VerifierKey, parse_signature

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pe_dvc.documents.channel_log import LogState
    from pe_dvc.trust.log_memory import ShownLog

MOST_WITNESSES = 16
"""As many cosignatures fit into a timestamp."""

MOST_DAYS = 36_500
"""Most days that cosignatures can be good for: a century."""

DAY = 24 * 60 * 60
AHEAD = DAY
"""Seconds that a witness's clock may be ahead of a reader's."""


@dataclass(frozen=True)
class WitnessRule:
    """``threshold`` of ``keys`` must have cosigned, not more than ``max_age_days`` ago."""

    threshold: int
    max_age_days: int
    keys: tuple[VerifierKey, ...]

    def __post_init__(self) -> None:
        """Raise FormatError for a rule that cannot be kept, or that one witness keeps alone."""
        publics = {key.public for key in self.keys}
        if len(publics) != len(self.keys) or len({key.name for key in self.keys}) != len(publics):
            raise FormatError("each witness has a name and a key of its own")
        if any(key.kind != COSIGNATURE for key in self.keys):
            raise FormatError("the key of a log is no witness's: ask for what witness key prints")
        if not 1 <= self.threshold <= len(self.keys) <= MOST_WITNESSES:
            raise FormatError(
                f"{self.threshold} of {len(self.keys)} witnesses cannot be demanded: expected 1 to "
                f"all of them, of {MOST_WITNESSES} at most"
            )
        if not 1 <= self.max_age_days <= MOST_DAYS:
            raise FormatError(f"cosignatures are good for 1 to {MOST_DAYS} days")

    def to_field(self) -> dict[str, Any]:
        """Return the value of ``WITNESSES_FIELD``."""
        return {
            "threshold": self.threshold,
            "max_age_days": self.max_age_days,
            "keys": [str(key) for key in self.keys],
        }

    def cosigned(self, note: Note, lines: Iterable[str]) -> dict[str, int]:
        """Return who of the witnesses cosigned a checkpoint, by name, and when each did last.

        Whatever else stands in ``lines`` counts for nothing: of unknown keys, of another
        checkpoint, or no signature at all.
        """
        claimed = Note(note.text)
        for line in lines:
            try:
                claimed = claimed.adding(parse_signature(line.rstrip("\n"), where="a cosignature"))
            except FormatError:
                continue
        times: dict[str, int] = {}
        for key in self.keys:
            for signature in claimed.by(key):
                try:
                    moment = verify_cosignature(Note(note.text, (signature,)), key)
                except SignatureError:
                    continue
                times[key.name] = max(moment, times.get(key.name, 0))
        return times

    def in_time(self, times: Mapping[str, int], now: float) -> list[str]:
        """Return the names of those who cosigned not too long ago, in seconds since 1970."""
        oldest = now - self.max_age_days * DAY
        return sorted(name for name, moment in times.items() if oldest <= moment <= now + AHEAD)


def witness_rule(root_fields: Mapping[str, Any], *, where: str) -> WitnessRule | None:
    """Return what the signed fields of a root demand; None for nothing. Raises FormatError.

    A rule that cannot be read is refused, not passed over: it is there to protect readers.
    """
    value = root_fields.get(WITNESSES_FIELD)
    if value is None:
        return None
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise FormatError(
            f"{WITNESSES_FIELD} is not an object with threshold and keys", where=where
        )
    numbers = value.get("threshold"), value.get("max_age_days")
    if any(type(number) is not int for number in numbers):
        raise FormatError(
            f"threshold and max_age_days of {WITNESSES_FIELD} are whole numbers", where=where
        )
    try:
        return WitnessRule(*numbers, tuple(VerifierKey.parse(key) for key in keys))
    except FormatError as error:
        raise FormatError(f"{WITNESSES_FIELD}: {error.message}", where=where) from error


def checkpoint_note(origin: str, state: LogState) -> Note:
    """Return the text that a log and its witnesses sign of one state, without signatures."""
    return Note(str(Checkpoint(origin, state.size, state.root)))


def cosigned_state(
    rule: WitnessRule,
    root_fields: Mapping[str, Any],
    country: str,
    state: LogState | None,
    *,
    where: str,
) -> dict[str, int]:
    """Return who cosigned a state of a country's log, by name, and when: seconds since 1970."""
    if state is None:
        return {}
    origin = log_name(root_fields, country, where=where).origin
    return rule.cosigned(checkpoint_note(origin, state), state.cosignatures)


def check_demanded(root_fields: Mapping[str, Any], country: str, shown: ShownLog) -> None:
    """Raise VerificationError unless witnesses vouch for a publication as the newest root demands.

    Enough of them must have cosigned it, lately enough. Raises FormatError for a rule that cannot
    be read.
    """
    where = f"the root of {country}"
    rule = witness_rule(root_fields, where=where)
    if rule is None:
        return
    if shown.state is None:
        raise VerificationError(
            f"{shown.place} shows the channels of {country} without their log, and {where} demands "
            "that witnesses vouch for it",
            remedy="Tell the maintainers of the data. If an older pe-dvc published it, they push "
            "once more with a current one.",
        )
    state = shown.state.copy_for_timestamp(shown.cosignatures)
    times = cosigned_state(rule, root_fields, country, state, where=where)
    good = rule.in_time(times, time.time())
    if len(good) < rule.threshold:
        raise _too_few(rule, times, good, shown.place)


def _too_few(
    rule: WitnessRule, times: Mapping[str, int], good: Sequence[str], place: str
) -> VerificationError:
    if len(times) >= rule.threshold:
        return VerificationError(
            f"{place}: {len(good)} of the {rule.threshold} witnesses that the root demands have "
            f"cosigned the channel's log in the last {rule.max_age_days} days",
            remedy="What is shown may be old: the bucket, or what is between you and it, may keep "
            "newer data from you. The maintainers renew it from time to time: tell them. Check "
            "this machine's clock, too.",
        )
    names = ", ".join(key.name for key in rule.keys)
    return VerificationError(
        f"{place}: {len(times)} of the {rule.threshold} witnesses that the root demands have "
        f"cosigned the channel's log as it is shown (of {names})",
        remedy="Nothing was read. Either it was published without them, which the maintainers "
        "can tell, or someone shows you a history that no witness has seen.",
    )
