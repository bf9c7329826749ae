"""Witnesses are asked for cosignatures of a log's new state, before readers see it.

One that is away delays nothing beyond its time-out, and is warned of; but what readers would
refuse, as the root demands more witnesses, is not published. ADR 0042.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pe_dvc.primitives.errors import FormatError, PeDvcError, SignatureError
from pe_dvc.primitives.pools import Pool
from pe_dvc.tlog.cosignature import verify_cosignature
from pe_dvc.tlog.note import Note, parse_signature
from pe_dvc.trust.witnesses import DAY, MOST_WITNESSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pe_dvc.tlog.note import Signature, VerifierKey
    from pe_dvc.trust.witnesses import WitnessRule

log = logging.getLogger(__name__)

STILL_READ = "Readers see what they saw before."
NOT_READ = "Readers are refused until then: the keys were replaced."


class AskedWitness(Protocol):
    """One witness (``pe_dvc.adapters.witnesses``)."""

    @property
    def key(self) -> VerifierKey:
        """The key of its cosignatures."""
        ...

    def cosignatures(
        self, note: Note, before: int, prove: Callable[[int], list[bytes]]
    ) -> list[Signature]:
        """Return its cosignatures of a checkpoint, not verified. Raises PeDvcError."""
        ...


class Cosigners(NamedTuple):
    """The witnesses that a data repo names. ``now`` returns seconds since 1970."""

    witnesses: Sequence[AskedWitness] = ()
    now: Callable[[], float] = time.time

    def ask(
        self,
        note: Note,
        *,
        before: int,
        prove: Callable[[int], list[bytes]],
        rule: WitnessRule | None = None,
        held: Iterable[str] = (),
        is_read: bool = True,
    ) -> tuple[str, ...]:
        """Return the lines of all who cosign a checkpoint, each verified.

        ``held`` are lines that may be of it already, and count for those who are away; ``is_read``
        tells whether readers accept what is shown now. Raises SignatureError where the lines are
        fewer than ``rule`` demands.
        """
        lines, away = dict[str, str](), dict[str, str]()
        known = {key.name: key for key in (rule.keys if rule else ())}
        known |= {one.key.name: one.key for one in self.witnesses}
        for line in held:
            for name, key in known.items():
                if _is_of(note, line, key):
                    lines[name] = line
        with Pool(MOST_WITNESSES) as pool:
            asked = [
                (one, pool.submit(self._ask, one, note, before, prove)) for one in self.witnesses
            ]
            for one, answer in asked:
                try:
                    lines[one.key.name] = answer.result()
                except PeDvcError as error:
                    away[one.key.name] = error.message
        for name, why in away.items():
            log.warning("the witness %s has not cosigned: %s", name, why)
        found = tuple(lines[name] for name in sorted(lines))[:MOST_WITNESSES]
        if rule is not None:
            self._check(rule, note, found, away, is_read)
        return found

    def is_due(self, rule: WitnessRule | None, note: Note, lines: Iterable[str]) -> bool:
        """Tell whether cosignatures are missing, or over the half of their days.

        Where the root demands none yet, one of each witness that is named: it may only demand
        them once they have cosigned what is shown.
        """
        if rule is None:
            given = tuple(lines)
            return not all(
                any(_is_of(note, line, one.key) for line in given) for one in self.witnesses
            )
        oldest = self.now() - rule.max_age_days * DAY / 2
        times = rule.cosigned(note, lines)
        return sum(moment >= oldest for moment in times.values()) < rule.threshold

    def _ask(
        self, one: AskedWitness, note: Note, before: int, prove: Callable[[int], list[bytes]]
    ) -> str:
        lines = [str(line).rstrip("\n") for line in one.cosignatures(note, before, prove)]
        found = [line for line in lines if _is_of(note, line, one.key)]
        if not found:
            raise SignatureError("its answer has no valid cosignature by its key")
        return found[-1]

    def _check(
        self,
        rule: WitnessRule,
        note: Note,
        lines: Iterable[str],
        away: dict[str, str],
        is_read: bool,
    ) -> None:
        good = rule.in_time(rule.cosigned(note, lines), self.now())
        if len(good) >= rule.threshold:
            return
        asked = {one.key.name for one in self.witnesses}
        missing = {key.name: away.get(key.name, "not in pyproject.toml") for key in rule.keys}
        why = "; ".join(
            f"{name}: {text if name in away or name not in asked else 'cosigned too long ago'}"
            for name, text in missing.items()
            if name not in good
        )
        raise SignatureError(
            f"{len(good)} of the {rule.threshold} witnesses that the root demands have cosigned "
            f"the log, so readers would refuse what is published ({why})",
            remedy=f"{STILL_READ if is_read else NOT_READ} Push again once the witnesses answer; "
            "they stand in [tool.pe_dvc.witnesses] of pyproject.toml. One that answers 403 or 404 "
            "does not know the log or its key: docs/witnesses.md says what to give it.",
        )


def _is_of(note: Note, line: str, key: VerifierKey) -> bool:
    """Tell whether a line is a valid cosignature of a checkpoint by a key."""
    try:
        verify_cosignature(Note(note.text, (parse_signature(line, where="a cosignature"),)), key)
    except (FormatError, SignatureError):
        return False
    return True
