"""What a dataset's columns mean, for people and for the programs of others, without its bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.documents.keys import chunks_key, manifest_key
from pe_dvc.documents.sidecar_files import CODEBOOK, PROFILE
from pe_dvc.documents.sidecar_refs import content_sidecars
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import DigestMismatchError, FormatError, UntrustedError
from tests.support.commands import run_pe_dvc
from tests.support.country import LATEST, NAME, Country
from tests.support.described import ONE_TABLE, TWO_TABLES, codebook, described_manifest, statistics
from tests.support.sidecars import with_sidecars

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest

STATES = ("states/AL", "states/AK", "states/AZ", "states/AR")


def publish(country: Country, manifests: list[Manifest], data: bytes | None = None) -> None:
    """Make datasets with these manifests, and a codebook each, the content of latest."""
    whole = []
    for manifest in manifests:
        found = with_sidecars(manifest, {CODEBOOK: data or codebook().to_bytes()})
        sha256 = Sha256(found.artifact.sha256)
        country.write(content_sidecars(found)[CODEBOOK].key, data or codebook().to_bytes())
        country.write(chunks_key("us", sha256), b"")
        country.write(manifest_key("us", sha256), found.to_bytes())
        whole.append(found)
    country.point("latest", whole)


@pytest.fixture
def described(country: Country) -> Country:
    """A country whose dataset has a codebook."""
    publish(country, [described_manifest(ONE_TABLE)])
    return country


def test_show_says_what_columns_mean(described: Country, any_store: str) -> None:
    printed = run_pe_dvc("show", LATEST).stdout
    assert "person: 3 rows, key person_id" in printed
    assert "employment_income  double  Employment income [currency-USD]" in printed
    assert "is_male            int8  Male\\x01" in printed


def test_show_draws_the_entities_as_a_tree(country: Country) -> None:
    publish(country, [described_manifest(TWO_TABLES, path="data/x.h5")])
    lines = run_pe_dvc("show", LATEST).stdout.splitlines()
    at = lines.index("household: 2 rows, key household_id")
    assert lines[at + 1] == "└─ person: 3 rows, key person_id, household by person_household_id"


def test_show_of_one_column(described: Country) -> None:
    lines = run_pe_dvc("show", LATEST, "--column", "employment_income").stdout.splitlines()
    assert lines == [
        "column       employment_income",
        "label        Employment income",
        "unit         currency-USD",
        "description  Wages & salaries, including <tips>.",
        "entity       person",
        "table        person, 3 rows",
        "type         double",
        "period       year",
        "quantity     flow",
        "reference    https://www.law.cornell.edu/uscode/text/26/3401#a",
        "said by      policyengine-us 2.68.0",
    ]
    status = run_pe_dvc("show", LATEST, "--column", "filing_status").stdout
    assert "value        JOINT: Married filing jointly" in status
    missing = run_pe_dvc("show", LATEST, "--column", "employment_incom", code=3).stderr
    assert "has no column 'employment_incom'" in missing
    assert "employment_income" in missing


@pytest.mark.parametrize("kind", ["ddi", "croissant", "datapackage", "jsonschema", "datacite"])
def test_show_in_a_format_prints_that_alone(described: Country, kind: str) -> None:
    done = run_pe_dvc("show", LATEST, "--format", kind)
    assert done.stderr == ""
    assert done.stdout == pe_dvc.describe(LATEST).to(kind) + "\n"
    assert "Employment income" in done.stdout or kind == "datacite"
    pin = pe_dvc.describe(LATEST).resolved.pin
    assert "not signed" in run_pe_dvc("show", pin, "--format", kind).stderr


def test_ddi_has_the_statistics_of_the_profile(country: Country) -> None:
    data = {CODEBOOK: codebook().to_bytes(), PROFILE: statistics().to_bytes()}
    found = with_sidecars(described_manifest(ONE_TABLE), data)
    sha256 = Sha256(found.artifact.sha256)
    for kind, text in data.items():
        country.write(content_sidecars(found)[kind].key, text)
    country.write(chunks_key("us", sha256), b"")
    country.write(manifest_key("us", sha256), found.to_bytes())
    country.point("latest", [found])
    shown = run_pe_dvc("show", LATEST, "--format", "ddi").stdout
    assert '<sumStat type="mean" wgtd="wgtd" wgt-var="V8">41.5</sumStat>' in shown
    assert "41.5" in run_pe_dvc("show", LATEST, "--format", "ddi", "--offline").stdout


def test_show_takes_one_form_at_a_time(described: Country) -> None:
    run_pe_dvc("show", LATEST, "--json", "--format", "ddi", code=2)


def test_cite_names_the_pin_offline_too(described: Country) -> None:
    pin = pe_dvc.describe(LATEST).resolved.pin
    assert run_pe_dvc("cite", LATEST).stdout.rstrip().endswith(pin)
    assert run_pe_dvc("cite", LATEST, "--offline").stdout.rstrip().endswith(pin)
    assert f"\\url{{{pin}}}" in run_pe_dvc("cite", LATEST, "--bibtex").stdout


def test_a_dataset_without_a_codebook_is_described_by_its_manifest(country: Country) -> None:
    assert pe_dvc.describe(LATEST).codebook.variables == {}
    assert "RECID" in run_pe_dvc("show", LATEST).stdout
    assert json.loads(run_pe_dvc("show", LATEST, "--json").stdout)["codebook"] == {
        "schema_version": 1
    }


def test_a_codebook_that_was_altered_in_the_bucket_is_refused(described: Country) -> None:
    manifest = pe_dvc.manifest(LATEST)
    key = content_sidecars(manifest)[CODEBOOK].key
    described.write(key, codebook(access="public").to_bytes())
    with pytest.raises(DigestMismatchError, match=f"the codebook of {LATEST}"):
        pe_dvc.describe(LATEST)


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b'{"schema_version": 1, "variables": {"age": {"label": 1}}}']
)
def test_a_codebook_that_is_none_is_a_clear_error(country: Country, data: bytes) -> None:
    publish(country, [described_manifest(ONE_TABLE)], data)
    with pytest.raises(FormatError, match="codebook"):
        pe_dvc.describe(LATEST)


def test_find_looks_at_names_labels_and_descriptions(described: Country, any_store: str) -> None:
    names = [column.name for column in pe_dvc.find("universal CREDIT", "us").columns]
    assert names == ["universal_credit"]
    assert [column.name for column in pe_dvc.find("tips salaries").columns] == ["employment_income"]
    assert [column.name for column in pe_dvc.find("jointly").columns] == ["filing_status"]
    assert [column.name for column in pe_dvc.find("person").columns][:2] == [
        "person_id",
        "person_weight",
    ]
    printed = run_pe_dvc("find", "employment", "income").stdout.splitlines()
    assert printed[0] == "employment_income  Employment income [currency-USD] of person"
    assert printed[1].strip() == f"in {LATEST}"


def test_find_says_a_column_of_many_datasets_once(country: Country) -> None:
    manifests = [
        described_manifest(ONE_TABLE, name=name, sha256=f"{n:064x}")
        for n, name in enumerate(STATES)
    ]
    publish(country, manifests)
    (found,) = pe_dvc.find("universal credit").columns
    assert len(found.references) == len(STATES)
    printed = run_pe_dvc("find", "universal credit").stdout
    assert printed.splitlines()[1].endswith("and 1 more")


def test_find_works_offline_and_says_what_it_never_read(described: Country) -> None:
    run_pe_dvc("find", "universal", "credit")
    done = run_pe_dvc("find", "universal", "credit", "--offline")
    assert "universal_credit" in done.stdout
    assert "offline: the channels of us as verified" in done.stderr


def test_offline_a_codebook_that_was_never_read_hides_nothing_of_the_manifest(
    described: Country,
) -> None:
    assert pe_dvc.manifest(LATEST).table.weight == "person_weight"  # and not the codebook
    done = run_pe_dvc("show", LATEST, "--offline")
    assert "employment_income" in done.stdout
    assert "codebook was never read here" in done.stderr
    assert pe_dvc.describe(LATEST, offline=True).codebook_unread
    found = run_pe_dvc("find", "employment", "income", "--offline")
    assert "employment_income" in found.stdout
    assert "by the names of columns only" in found.stderr
    run_pe_dvc("show", LATEST)
    again = run_pe_dvc("show", LATEST, "--offline")
    assert "Employment income [currency-USD]" in again.stdout
    assert "codebook" not in again.stderr


def test_find_says_which_dataset_it_could_not_look_at(described: Country, tmp_path: Path) -> None:
    key = content_sidecars(pe_dvc.manifest(LATEST))[CODEBOOK].key
    (tmp_path / "bucket" / key).unlink()
    done = run_pe_dvc("find", "universal", "credit", code=3)
    assert f"{LATEST} was not looked at, or not whole: " in done.stderr
    assert "no column in latest is about universal credit" in done.stderr


def test_find_without_a_root_says_what_to_pin(described: Country) -> None:
    pe_dvc.TrustedRoots().remove("us")
    with pytest.raises(UntrustedError) as caught:
        pe_dvc.find("age")
    assert "pe-dvc trust add" in str(caught.value.remedy)


def test_find_of_nothing_is_a_usage_error(described: Country) -> None:
    run_pe_dvc("find", code=2)
    assert pe_dvc.find(" _ ").columns == ()
    assert NAME in LATEST
