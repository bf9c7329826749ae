"""What must hold before a checkout is published."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pe_dvc.documents.declaration import read_declarations
from pe_dvc.documents.dvc_artifact import DeclaredArtifact
from pe_dvc.documents.pointed_file import PointedFile
from pe_dvc.primitives.errors import VerificationError
from pe_dvc.usecases.checkout.verify import Evidence
from pe_dvc.usecases.publish.preconditions import (
    check_agreement,
    check_committed,
    check_out_of_git,
)
from tests.support.factories import manifest_of, pointer_to


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (["dvc.lock"], "not committed: dvc.lock;"),
        (["a", "b", "c"], "not committed: a, b, c;"),
        (["a", "b", "c", "d", "e"], "not committed: a, b, c and 2 more;"),
    ],
)
def test_what_is_not_committed_is_named(changed: list[str], said: str) -> None:
    with pytest.raises(VerificationError, match=said) as caught:
        check_committed(changed)
    assert "git commit" in str(caught.value.remedy)


AGREEING = pointer_to(manifest_of(b"content"))


def test_data_that_git_would_take_in_is_named_with_what_to_run() -> None:
    with pytest.raises(
        VerificationError, match=r"not in \.gitignore: a, b, c and 1 more;"
    ) as caught:
        check_out_of_git(["a", "b", "c", "d"])
    assert "git rm -r --cached" in str(caught.value.remedy)


def test_nothing_to_refuse() -> None:
    check_committed([])
    check_out_of_git([])


def evidence() -> Evidence:
    manifest = manifest_of(b"content")
    artifact = DeclaredArtifact(
        name=manifest.artifact.name,
        path=manifest.artifact.path,
        meta={"pe": {"entities": {"tax_unit": {"key": "RECID"}}, "vintage": "cps_asec_2014"}},
        file="dvc.yaml",
        others={},
    )
    (declared,) = read_declarations([artifact], country="us")
    return Evidence(
        name=manifest.artifact.name,
        declaration=declared,
        manifest=manifest,
        manifest_data=manifest.to_bytes(),
        locked_md5=manifest.artifact.dvc.md5,
        pointer=pointer_to(manifest),
        file_digest=lambda: pointer_to(manifest).sha256,
    )


def test_a_dataset_that_agrees() -> None:
    assert check_agreement(evidence()) == manifest_of(b"content")


def test_a_pointer_that_another_publisher_replaced_is_no_disagreement() -> None:
    found = replace(evidence(), pointer=None, behind=True)
    assert check_agreement(found) == found.manifest


@pytest.mark.parametrize(
    "changes",
    [
        {"pointer": None},
        {"manifest": None, "manifest_data": b""},
        {"locked_md5": "0" * 32},
        {"pointer": pointer_to(manifest_of(b"other"))},
        {"pointer": replace(AGREEING, file=PointedFile(path="data/other.parquet", md5="0" * 32))},
    ],
    ids=["no pointer", "no manifest", "another md5", "a pointer to other bytes", "another file"],
)
def test_a_dataset_that_does_not_agree_is_not_pushed(changes: dict[str, object]) -> None:
    with pytest.raises(VerificationError, match="enhanced_cps_2024: ") as caught:
        check_agreement(replace(evidence(), **changes))  # type: ignore[arg-type]
    assert "Nothing was pushed." in str(caught.value.remedy)
