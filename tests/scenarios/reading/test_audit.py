"""`pe-dvc audit`, as it is typed: imported logs, reports, verification, erasure."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
from typing import TYPE_CHECKING

import pytest

from pe_dvc.gateway.database import Database
from pe_dvc.gateway.ledger_key import LedgerSigner
from pe_dvc.gateway.ledger_proof import prove_entry
from tests.support.access_logs import line
from tests.support.commands import run_pe_dvc
from tests.support.ledgers import Bench
from tests.support.reads import a_read

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.commands import Done


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A ledger of three reads, one of a person with a name that is a formula."""
    made = Bench(
        str(tmp_path / "ledger.db"), LedgerSigner.open(tmp_path / "gateway.pem", create=True)
    )
    made.fill([a_read(0), a_read(1), a_read(2, person="=cmd|' /C calc'!A0")])
    monkeypatch.setenv("PE_DVC_LEDGER", made.place)
    monkeypatch.chdir(tmp_path)
    return made


def audit(*arguments: str | Path, code: int = 0) -> Done:
    return run_pe_dvc("audit", *arguments, code=code)


def test_verify_ends_with_0_1_5_or_6(kept: Bench, tmp_path: Path) -> None:
    said = audit("verify", "--key", "gateway.pem")
    assert "3 entries" in said.stderr
    with kept.open() as ledger:
        public = str(ledger.key)
    assert json.loads(audit("verify", "--key", public, "--json").stdout)["faults"] == []
    (tmp_path / "kept.txt").write_text(audit("checkpoint").stdout)
    audit("verify", "--key", public, "--checkpoint", "kept.txt")

    LedgerSigner.open(tmp_path / "thief.pem", create=True)
    audit("verify", "--key", "thief.pem", "--checkpoint", "kept.txt", code=6)
    assert "there is no file none" in audit("verify", "--key", "none", code=6).stderr
    assert "did not sign" in audit("verify", "--key", "thief.pem", code=1).stderr
    audit("verify", "--key", public, "--ledger", "none.db", code=3)
    audit("verify", "--key", public, "--ledger", "gateway.pem", code=5)

    kept.edit("UPDATE ledger_state SET origin = 'an other name'")
    for key in ("gateway.pem", public):
        edited = audit("verify", "--key", key, "--checkpoint", "kept.txt", code=1)
        assert "it is called the log an other name" in edited.stderr
    kept.edit("DELETE FROM ledger_entries WHERE idx = 1")
    assert "entry 1 is missing" in audit("verify", "--key", public, code=1).stderr


def test_an_entry_is_proved_to_who_has_no_ledger(kept: Bench, tmp_path: Path) -> None:
    with kept.open() as ledger:
        public = str(ledger.key)
    proof = tmp_path / "entry-1.tlog-proof"
    proof.write_text(audit("prove", "1").stdout)
    audit("prove", "3", code=3)
    assert "ann" not in proof.read_text()
    (tmp_path / "ledger.db").rename(tmp_path / "away.db")
    verify = ("verify", "--key", public, "--proof", proof)
    said = audit(*verify)
    assert "ukds-eul-2024  uk/frs_2023@1.4.0  payload" in said.stdout
    assert "entry 1 of pe-dvc-ledger/" in said.stderr
    assert json.loads(audit(*verify, "--json").stdout)["read"]["grant_id"] == "g-17"
    audit(*verify, "--ledger", "away.db", code=2)

    # By a thief's key, of another entry, and with another index.
    LedgerSigner.open(tmp_path / "thief.pem", create=True)
    audit("verify", "--key", "thief.pem", "--proof", proof, code=6)
    text = proof.read_text()
    other = prove_entry(Database("away.db"), 2)
    assert other.extra is not None
    for forged in (
        text.replace(text.splitlines()[1], f"extra {base64.b64encode(other.extra).decode()}"),
        text.replace("index 1\n", "index 2\n"),
        text.replace(text.splitlines()[1] + "\n", ""),
    ):
        assert forged != text
        proof.write_text(forged)
        audit(*verify, code=6)


def test_report_in_each_form(kept: Bench) -> None:
    lines = audit("report", "--person", "ann@example.org").stdout.splitlines()
    assert len(lines) == 2
    assert "ukds-eul-2024  uk/frs_2023@1.4.0  payload  100 B  192.0.2.7" in lines[0]
    # What `audit prove` asks for.
    assert [one.split()[0] for one in lines] == ["0", "1"]
    assert "begins each line with the entry's number" in audit("prove", "3", code=3).stderr
    rows = json.loads(audit("report", "--json").stdout)
    assert [row["index"] for row in rows] == [0, 1, 2]
    assert rows[0]["raw_sources"] == ["frs-2023-24"]
    assert json.loads(audit("report", "--country", "be", "--json").stdout) == []
    for form in ((), ("--by", "dataset"), ("--csv",)):
        nothing = audit("report", "--country", "be", *form)
        assert nothing.stdout == ""
        assert "no such read" in nothing.stderr
    by = json.loads(audit("report", "--by", "raw-source", "--json").stdout)
    assert [(row["group"], row["reads"], row["bytes"]) for row in by] == [("frs-2023-24", 3, 300)]
    audit("report", "--since", "yesterday", code=2)


def test_no_one_s_name_is_a_formula_in_a_spreadsheet(kept: Bench) -> None:
    found = list(csv.DictReader(io.StringIO(audit("report", "--csv").stdout)))
    assert found[2]["person"] == "'=cmd|' /C calc'!A0"
    assert found[0]["columns"] == "income region"


def test_a_person_is_erased(kept: Bench) -> None:
    audit("forget", "ann@example.org")
    audit("forget", "ann@example.org", code=3)
    audit("verify", "--key", "gateway.pem")
    assert "ann" not in audit("report").stdout


def test_logs_are_imported_once_and_marked_as_without_grant(kept: Bench, tmp_path: Path) -> None:
    (tmp_path / "a.log.gz").write_bytes(gzip.compress((line() + "junk\n").encode()))
    options = ("--country", "uk", "--key", "gateway.pem")
    said = audit("import", "a.log.gz", *options, code=1)
    assert "1 read added" in said.stderr
    assert "a.log.gz, line 2" in said.stderr
    assert "0 reads added, 1 known" in audit("import", "a.log.gz", *options, code=1).stderr
    (only,) = audit("report", "--without-grant").stdout.splitlines()
    assert only.endswith("NO GRANT")
    audit("verify", "--key", "gateway.pem")
    kept_apart = ("--ledger", "aws.db", "--country", "uk", "--key", "new.pem")
    audit("import", "a.log.gz", *kept_apart, code=1)
    audit("verify", "--ledger", "aws.db", "--key", "new.pem")
