"""What gates found, passed or not: signed beside a pointer, and shown. ADR 0021."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.gate_note import Result
from pe_dvc.usecases.channel.gate_failures import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.documents.disclosure import Disclosure, Finding


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a gate measured: of which column or figure, and the bound that it is held to."""

    gate: str
    of: str | None
    value: str | Finding
    bound: str | Finding
    passed: bool

    def failure(self, dataset: str) -> Failure:
        """Return it as the failure of a dataset."""
        return Failure(
            dataset=dataset, gate=self.gate, column=self.of, value=self.value, bound=self.bound
        )

    def result(self, rule: Disclosure) -> Result:
        """Return it as it may be said."""
        value, bound = (_text(one, rule) for one in (self.value, self.bound))
        return Result(
            gate=self.gate, of=self.of, passed=self.passed, measured=value, expected=bound
        )


def _text(said: str | Finding, rule: Disclosure) -> str:
    return said if isinstance(said, str) else rule.say(said)


def results_note(found: Iterable[Measured], rule: Disclosure) -> list[dict[str, Any]]:
    """Return the results as they are signed: by the rule for what cannot be taken back."""
    return [one.result(rule.signed).to_note() for one in found]
