"""What must hold before a checkout is published: in git, out of git, and in agreement.

Decisions only; what git and DVC say is gathered by ``pe_dvc.project``.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import VerificationError
from pe_dvc.primitives.redact import secret_params
from pe_dvc.trust.conflicts import conflict_advice
from pe_dvc.usecases.checkout.verify import verify

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.usecases.checkout.verify import Evidence

_SHOWN = 3


def check_committed(changed: Sequence[str]) -> None:
    """Refuse to publish what no clone could build upon: files of pe_dvc and DVC not in HEAD.

    ``changed`` are those that differ from HEAD, by path. Raises VerificationError naming them.
    """
    if changed:
        more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
        raise VerificationError(
            f"not committed: {', '.join(changed[:_SHOWN])}{more}; clones could not build on what "
            "would be published",
            remedy="Nothing was pushed. Commit (git add -A && git commit), then push again; "
            "--uncommitted publishes anyway.",
        )


def check_merged(conflicting: Sequence[str]) -> None:
    """Refuse to publish while a merge has conflicts: nothing says which side is meant.

    ``conflicting`` are the files of pe_dvc and DVC with one, by path. Raises VerificationError.
    """
    if conflicting:
        more = f" and {len(conflicting) - _SHOWN} more" if len(conflicting) > _SHOWN else ""
        raise VerificationError(
            f"a merge goes on, with conflicts in {', '.join(conflicting[:_SHOWN])}{more}",
            remedy=f"Nothing was pushed. {conflict_advice(conflicting[0])}",
        )


def check_out_of_git(exposed: Sequence[str]) -> None:
    """Refuse data that git tracks or would add: what DVC tracks belongs to the bucket.

    DVC takes an output out of ``.gitignore`` when a later stage fails and does not always put it
    back, so that the next ``git add -A`` commits the data. ``exposed`` are DVC's outputs that git
    tracks or does not ignore, by path. Raises VerificationError.
    """
    if exposed:
        more = f" and {len(exposed) - _SHOWN} more" if len(exposed) > _SHOWN else ""
        raise VerificationError(
            f"in git, or not in .gitignore: {', '.join(exposed[:_SHOWN])}{more}; DVC tracks them, "
            "so git should not",
            remedy="Nothing was pushed. " + _exposure_remedy(exposed),
        )


def check_no_private_keys(files: Sequence[str]) -> None:
    """Refuse to publish from a work tree with private keys. Raises VerificationError.

    ``files`` are those that hold one and that git tracks or would add, by path.
    """
    if files:
        raise VerificationError(
            f"a private key is in git, or not in .gitignore: {', '.join(files)}",
            remedy="Nothing was pushed. Move the key out of the clone, for instance into "
            "~/.config/pe_dvc/keys. If it was committed, replace it: who has the history has the "
            "key.",
        )


def check_agreement(evidence: Evidence) -> Manifest:
    """Return the manifest of a dataset whose file, DVC record and signed pointer agree with it.

    A pointer that another publisher replaced since is no disagreement. Raises VerificationError.
    """
    check = verify(evidence)
    signed = evidence.pointer is not None or evidence.behind
    if not check.ok or evidence.manifest is None or not signed:
        # DVC does not rerun the stage `channel` for channels that were created after it ran.
        # Nor does it where only latest.json is another one, as after a merge.
        update = "pe-dvc channel update latest"
        command = update if check.ok and not signed else f"dvc repro and {update}"
        advice = f"Run {command} and commit what changed."
        if check.detail == evidence.sidecar_fault:
            advice = "Commit it, and push again."
        raise VerificationError(
            f"{check.name}: {check.detail}", remedy=f"Nothing was pushed. {advice}"
        )
    return evidence.manifest


def check_described(evidence: Evidence) -> Manifest:
    """Return the manifest of a dataset that agrees with it, whatever the channel points to.

    Raises VerificationError, also for a dataset without one.
    """
    check = verify(replace(evidence, pointer=None, behind=False, stays=None))
    if not check.ok or evidence.manifest is None:
        raise VerificationError(
            f"{check.name}: {check.detail}",
            remedy=f"Nothing was staged. Run pe-dvc manifest write {check.name}, then stage again.",
        )
    return evidence.manifest


def check_no_secrets(manifest: Manifest, allowed: Collection[str], *, where: str) -> None:
    """Refuse to publish a manifest whose parameters hold a password, key or token.

    ``allowed`` are the parameters that the repo says are none; ``where`` is the manifest's file.
    Raises VerificationError naming file and key.
    """
    found = list(secret_params(manifest.inputs.params, allowed))
    if found:
        raise VerificationError(
            f"{where} would publish what looks like a secret: {', '.join(found[:_SHOWN])}",
            remedy="Nothing was pushed. Write the manifest again without it (dvc repro --force "
            f"--single-item manifests, then dvc repro). If it is none, or was published before, "
            f"add {found[0]!r} to allowed_params in [tool.pe_dvc]. Replace, where it is used, a "
            "secret that was in git or in the bucket.",
        )


def _exposure_remedy(exposed: Sequence[str]) -> str:
    lines = " ".join(shlex.quote(f"/{path}") for path in exposed)
    paths = shlex.join(exposed)
    return (
        f"Run: printf '%s\\n' {lines} >> .gitignore && "
        f"git rm -r --cached --quiet --ignore-unmatch {paths}, and commit. "
        "If it was pushed to a public place already, remove it from the history."
    )
