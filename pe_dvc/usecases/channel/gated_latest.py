"""``[tool.pe_dvc.channel] latest = "gated"``: a build passes its gates before readers get it.

Compared is with what was published last. There is no override: who means it changes the gates in
``dvc.yaml``, where that is reviewed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pe_dvc.usecases.channel.build_pointers import is_same
from pe_dvc.usecases.channel.promote import before_of, gates_failed, judged_pointer, sentences_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.usecases.channel.promote import Evidence


def passed(
    built: Iterable[Pointer],
    published: Mapping[str, Pointer],
    evidence: Evidence,
    *,
    stay: Collection[str],
    compared: str,
) -> tuple[Pointer, ...]:
    """Return the pointers of a build with the totals that gates measured.

    What is ``published`` already was judged then, and what has to ``stay`` is not new. ``compared``
    is what messages call the published one. Raises GateError.
    """
    found: list[Pointer] = []
    failures: list[str] = []
    for pointer in built:
        same = published.get(pointer.name)
        if pointer.name in stay or (same is not None and is_same(same, pointer)):
            found.append(pointer)
            continue
        before = before_of(pointer.name, published, evidence)
        judged = judged_pointer(pointer, before, evidence)
        failures += sentences_of(judged.failures, evidence.rule)
        found.append(replace(pointer, notes={**pointer.notes, **judged.notes(evidence.rule)}))
    if failures:
        raise gates_failed(
            failures,
            so=f"latest stays as it was (compared with {compared})",
            remedy="Fix the data, or change meta.pe.gates in dvc.yaml, which is reviewed; then run "
            "dvc repro.",
        )
    return tuple(found)
