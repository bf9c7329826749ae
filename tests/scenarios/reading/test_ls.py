"""``pe-dvc ls``: what there is in each channel, for people and for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pe_dvc
from pe_dvc.documents.keys import manifest_key
from pe_dvc.primitives.digest import Sha256
from tests.support.commands import run_pe_dvc
from tests.support.country import LATEST, NAME, Country

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path


def ls(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    return run_pe_dvc("ls", *arguments, code=code)


def test_a_line_for_each_dataset_of_each_channel(country: Country, payload: bytes) -> None:
    country.publish({"states/AL": b"alabama"}, channel="next")
    listed = pe_dvc.ls("us")
    done = ls("us")
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        LATEST,
        listed[0].pinned,
        "pe-data://us/states/AL@next",
        listed[1].pinned,
    ]
    assert lines[0].split("  ")[-4:] == ["10.5 MB", "2026-04-20", "local", "2 tax_unit"]
    assert done.stderr == ""
    assert json.loads(ls("us", "--json").stdout)[0] == {
        "reference": LATEST,
        "name": NAME,
        "channel": "latest",
        "sha256": listed[0].sha256,
        "size": len(payload),
        "pinned": listed[0].pinned,
        "remarks": [],
        "built_at": "2026-04-20T12:00:00Z",
        "built_in": "local",
        "commit": None,
        "rows": {"tax_unit": 2},
        "problem": None,
    }


def test_a_manifest_that_is_missing_hides_no_dataset(country: Country, tmp_path: Path) -> None:
    (manifest,) = country.publish({NAME: b"other bytes"})
    (tmp_path / "bucket" / manifest_key("us", Sha256(manifest.artifact.sha256))).unlink()
    done = ls("us")
    assert LATEST in done.stdout
    assert f"{LATEST}: cannot read" in done.stderr


def test_a_channel_with_nothing_in_it_is_said_apart_from_the_data(country: Country) -> None:
    for done in (ls("us"), ls("us", "--json")):
        assert done.stderr == "no dataset in next\n"
    assert json.loads(done.stdout)[0]["reference"] == LATEST


def test_a_country_that_released_nothing_says_so(country: Country) -> None:
    done = ls("us", "--releases")
    assert (done.stdout, done.stderr) == ("", "no release is published\n")


def test_another_store(country: Country, tmp_path: Path) -> None:
    (tmp_path / "bucket").rename(tmp_path / "elsewhere")
    assert "us" in ls("us", code=3).stderr
    assert LATEST in ls("us", "--store", str(tmp_path / "elsewhere")).stdout


def test_offline_it_tells_what_was_read(country: Country, tmp_path: Path) -> None:
    assert "never read" in ls("us", "--offline", code=3).stderr
    pe_dvc.resolve(LATEST)
    (tmp_path / "bucket").rename(tmp_path / "unplugged")
    done = ls("us", "--offline")
    assert LATEST in done.stdout
    assert "offline: the channels of us as verified less than a minute ago" in done.stderr
    assert "no dataset in next, as far as this machine has read it" in done.stderr


def test_what_is_no_country_or_has_no_trusted_root(country: Country) -> None:
    assert "Missing argument 'COUNTRY', such as in pe-dvc ls us" in ls(code=2).stderr
    assert "is not a country" in ls(LATEST, code=1).stderr
    assert "pe-dvc trust add uk" in ls("uk", code=1).stderr
