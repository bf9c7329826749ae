"""Do manifests, the signed pointer and dvc.lock agree? Asked before a commit; reads no payload."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from pe_dvc.trust.conflicts import conflict_advice
from pe_dvc.usecases.checkout.verify import Check, verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pe_dvc.primitives.errors import FormatError
    from pe_dvc.usecases.checkout.verify import Evidence


def check(evidence: Sequence[Evidence], manifests: Iterable[str], *, directory: str) -> list[Check]:
    """Return the verdict on each declared dataset, and on manifests that nothing declares.

    ``manifests`` are the names of those that lie in the repo's ``directory``.
    """
    declared = {found.name for found in evidence}
    undeclared = [
        Check(
            name=name,
            verdict="differs",
            detail=f"{directory}/{name}.json describes a dataset that dvc.yaml does not declare: "
            "run dvc repro",
        )
        for name in manifests
        if name not in declared
    ]
    return [_agreement(found) for found in evidence] + undeclared


def check_deps(lacking: Iterable[tuple[str, str, str]]) -> list[Check]:
    """Return a verdict on each dataset that the stage of the manifests does not depend on.

    ``lacking`` has where the stage's deps are, what they lack, and the dataset's name.
    """
    return [
        Check(
            name=where,
            verdict="differs",
            detail=f"lacks {dep} of the dataset {name}, so that dvc repro would write no new "
            f"manifest when it changes: add the line - {dep}",
        )
        for where, dep, name in lacking
    ]


def check_secrets(params: Mapping[str, Sequence[str]]) -> list[Check]:
    """Return a verdict on each manifest that shows secret parameters: ``params`` names them."""
    return [
        Check(
            name=file,
            verdict="differs",
            detail=f"shows what looks like a secret: {', '.join(found)}. Run dvc repro --force "
            "--single-item manifests, or list it in allowed_params of [tool.pe_dvc]",
        )
        for file, found in params.items()
        if found
    ]


def check_merged(conflicting: Iterable[str]) -> list[Check]:
    """Return a verdict on each of the files in which a merge that goes on has a conflict."""
    return [
        Check(
            name=file,
            verdict="differs",
            detail=f"has a merge conflict. "
            f"{conflict_advice(file).replace('FILE', shlex.quote(file))}",
        )
        for file in conflicting
    ]


def check_readable(faults: Iterable[tuple[str, FormatError]]) -> list[Check]:
    """Return a verdict on each file, by path, that cannot be read for what it is."""
    return [
        Check(name=file, verdict="differs", detail=" ".join(str(error).split("\n")))
        for file, error in faults
    ]


def check_private_keys(files: Iterable[str]) -> list[Check]:
    """Return a verdict on each of the ``files`` that hold a private key: none may be in git."""
    detail = "holds a private key: move it out of the clone, and replace it if it was committed"
    return [Check(name=file, verdict="differs", detail=detail) for file in files]


def _agreement(evidence: Evidence) -> Check:
    if (evidence.manifest, evidence.locked_md5, evidence.pointer) == (None, None, None):
        return Check(name=evidence.name, verdict="ok", detail="declared, not built yet")
    return verify(evidence)
