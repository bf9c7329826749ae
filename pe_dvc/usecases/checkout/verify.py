"""Verify: do a dataset's file, manifest, DVC record and signed pointer agree?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pe_dvc.documents.pointed_file import PointedFile
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.primitives.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pe_dvc.documents.dataset_meta import DeclaredEntity
    from pe_dvc.documents.declaration import Declaration
    from pe_dvc.documents.manifest import Entity, Manifest
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.primitives.digest import Sha256

Verdict = Literal["ok", "differs", "missing", "revoked"]


@dataclass(frozen=True, kw_only=True)
class Check(Result):
    """The verdict on one dataset; ``detail`` says what agrees, or what does not and why."""

    name: str
    verdict: Verdict
    detail: str

    @property
    def ok(self) -> bool:
        """Whether everything agrees."""
        return self.verdict == "ok"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a checkout holds about one dataset; None for what is not there.

    ``recorded`` tells whether dvc.lock or a .dvc file has the dataset's file, or its directory;
    where it lacks the md5 of a file, the directory's listing is not here.
    ``file_digest`` hashes the file in the workspace, and is called only if all else agrees.
    ``behind`` tells that another publisher changed the dataset, and that the checkout still has
    what was there before: then the pointer is the other's, and says nothing about the manifest.
    ``stays`` is why the pointer is not that of the manifest, where that is meant: the dataset is
    held, or was taken back.
    ``remedy`` is what makes ``dvc repro`` write the manifest again, where it does not by itself.
    ``sidecar_fault`` is which sidecar beside the manifest is not the one that it names,
    ``revocation`` why the artifact was withdrawn, as far as is known here.
    """

    name: str
    declaration: Declaration
    manifest: Manifest | None
    manifest_data: bytes
    locked_md5: str | None
    pointer: Pointer | None
    file_digest: Callable[[], Sha256 | None]
    behind: bool = False
    stays: str | None = None
    recorded: bool = True
    remedy: str | None = None
    sidecar_fault: str | None = None
    revocation: Revocation | None = None

    @property
    def repro(self) -> str:
        """How the manifest is written again."""
        return f"{self.remedy}, then run dvc repro" if self.remedy else "run dvc repro"


def check_any(evidence: Sequence[Evidence], *, where: str) -> None:
    """Raise NotFoundError if the dvc.yaml at ``where`` declares no dataset."""
    if not evidence:
        raise NotFoundError(
            f"{where} declares no dataset",
            remedy="Declare one: pe-dvc add FILE (docs/adopt.md).",
        )


def check_declared(name: str, declared: Collection[str]) -> None:
    """Raise NotFoundError for a dataset that is none of those ``declared`` in dvc.yaml."""
    if name not in declared:
        raise NotFoundError(
            f"dvc.yaml declares no dataset {name!r}",
            remedy=f"It declares {', '.join(declared) or 'none'}.",
        )


def verify(evidence: Evidence) -> Check:
    """Return the verdict on one dataset. The first disagreement found is the one reported."""
    name, manifest = evidence.name, evidence.manifest
    if manifest is None:
        return _missing(name, f"no manifest: {evidence.repro}")
    artifact = manifest.artifact
    if evidence.revocation is not None:
        told = f"{evidence.revocation.text.removesuffix('.')}. {evidence.revocation.advice}"
        return Check(name=name, verdict="revoked", detail=told)
    if not evidence.recorded:
        return _differs(
            name,
            f"dvc.lock has no record of {artifact.path}: git checkout dvc.lock, or run dvc repro",
        )
    if evidence.locked_md5 is not None and evidence.locked_md5 != artifact.dvc.md5:
        return _differs(
            name,
            f"dvc.lock has md5 {evidence.locked_md5} and the manifest {artifact.dvc.md5}: "
            f"{evidence.repro}",
        )
    disagreement = (
        _declared_otherwise(evidence.declaration, manifest)
        or _pointer_disagreement(evidence, manifest)
        or evidence.sidecar_fault
    )
    if disagreement is not None:
        return _differs(name, disagreement)
    actual = evidence.file_digest()
    if actual is None:
        return _missing(name, f"{artifact.path} is not here: run dvc pull")
    if actual != artifact.sha256:
        return _differs(
            name,
            f"{artifact.path}: expected sha256:{artifact.sha256} by the manifest, got "
            f"sha256:{actual}. If it is a new build, run dvc repro. If not, pe-dvc pull --force "
            f"{name} replaces it by the manifest's content",
        )
    signed = "signed in latest" if evidence.pointer else "not in a channel"
    if evidence.stays:
        signed = f"and latest has another one, {evidence.stays}"
    if evidence.behind:
        signed = "and another publisher has put another one into latest: git pull"
    return Check(name=name, verdict="ok", detail=f"sha256:{artifact.sha256}, {signed}")


def _declared_otherwise(declaration: Declaration, manifest: Manifest) -> str | None:
    """Return what dvc.yaml says otherwise: DVC cannot rerun a stage because of its own file."""
    artifact, contents, meta = manifest.artifact, manifest.table, declaration.meta
    statement = manifest.build.statement
    pairs = {
        "path": (declaration.path, artifact.path),
        "kind": (meta.kind or artifact.kind, artifact.kind),
        "weight": (meta.weight, contents.weight),
        "entities": (_keys(declaration.meta.entities), _keys(contents.entities)),
        "provenance": (declaration.provenance, statement.name if statement else None),
        "vintage": (meta.vintage or manifest.inputs.data_vintage, manifest.inputs.data_vintage),
    }
    changed = [key for key, (declared, described) in pairs.items() if declared != described]
    if not changed:
        return None
    return (
        f"{declaration.file} declares another {', '.join(changed)} than the manifest says: run "
        "dvc repro --force --single-item manifests channel"
    )


def _keys(entities: Mapping[str, DeclaredEntity | Entity]) -> dict[str, tuple[str, dict[str, str]]]:
    return {name: (entity.key, entity.references) for name, entity in entities.items()}


def _pointer_disagreement(evidence: Evidence, manifest: Manifest) -> str | None:
    pointer = evidence.pointer
    if pointer is None or evidence.behind or evidence.stays:
        return None
    if pointer.sha256 != manifest.artifact.sha256:
        return (
            f"channel latest points to sha256:{pointer.sha256} and the manifest is of "
            f"sha256:{manifest.artifact.sha256}: run dvc repro and pe-dvc channel update latest"
        )
    actual = sha256_bytes(evidence.manifest_data)
    if pointer.manifest_sha256 != actual:
        return (
            f"the manifest has sha256:{actual} and channel latest signed "
            f"sha256:{pointer.manifest_sha256}: if it was edited, git checkout it; otherwise run "
            "dvc repro and pe-dvc channel update latest"
        )
    said = pointer.contradiction(PointedFile.of_artifact(manifest.artifact), manifest.artifact.size)
    return f"{said}: run pe-dvc channel update latest" if said else None


def _missing(name: str, detail: str) -> Check:
    return Check(name=name, verdict="missing", detail=detail)


def _differs(name: str, detail: str) -> Check:
    return Check(name=name, verdict="differs", detail=detail)
