"""People compare published datasets, versions, commits and files."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.keys import manifest_key, payload_key
from pe_dvc.documents.manifest import Column, Contents, Entity, Manifest, Table
from pe_dvc.primitives.digest import Sha256, chunk_digests
from pe_dvc.project.diff_files import describe_local
from tests.support.commands import Done, run
from tests.support.country import Country, chunks_of, reader_at
from tests.support.disclosure import PUBLIC
from tests.support.factories import manifest_of

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS = 20_000
LIKE = Contents(
    format="parquet",
    tables=(
        Table(name="tax_unit", rows=0, entity="tax_unit", columns=(Column(name="", type=""),)),
    ),
    entities={"tax_unit": Entity(key="RECID")},
    weight="s006",
)


def cps() -> pd.DataFrame:
    """Return tax units, one in 500 of them of a synthetic top tail."""
    random = np.random.default_rng(2014)
    synthetic = np.arange(ROWS) % 500 == 0
    return pd.DataFrame(
        {
            "RECID": np.arange(ROWS),
            "s006": random.uniform(100, 2000, ROWS),
            "source": np.where(synthetic, "synthetic", "survey"),
            "p23250": np.where(synthetic, random.pareto(1.5, ROWS) * 1e6 + 1e5, 0.0),
            "e00200": random.lognormal(10, 1, ROWS),
        }
    )


def over_weighted(frame: pd.DataFrame) -> pd.DataFrame:
    """Return what a recalibration made of it in May: the tail has four times its weight."""
    tail = frame["source"] == "synthetic"
    return frame.assign(s006=frame["s006"].where(~tail, frame["s006"] * 4))


def parquet(frame: pd.DataFrame, **how: Any) -> bytes:
    frame.to_parquet(buffer := io.BytesIO(), **how)
    return buffer.getvalue()


class Published:
    """A country that publishes one version of the CPS after another."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        places = reader_at(directory / "reader", monkeypatch)
        bucket = directory / "bucket"
        self.country = Country(directory / "us", LocalStore(bucket))
        self.country.trust(Path(places["PE_DVC_CONFIG_DIR"]))
        monkeypatch.setenv("PE_DVC_STORE", str(bucket))
        monkeypatch.chdir(directory)
        self.environment = {**os.environ, **places}

    def publish(self, *frames: bytes, channel: str = "latest") -> list[Manifest]:
        manifests = [self._put(data) for data in frames]
        for manifest in manifests:
            self.country.point(channel, [manifest])
        return manifests

    def _put(self, data: bytes) -> Manifest:
        path = self.directory / "tax_unit.parquet"
        path.write_bytes(data)
        found = describe_local(path, "cps", PUBLIC, like=LIKE, name="cps_2014")
        plain = manifest_of(data, name="cps_2014", path="data/cps_2014.parquet")
        manifest = plain.model_copy(update={"table": found.contents})
        path.unlink()
        self.country.write(payload_key("us", manifest.artifact.dvc.md5), data)
        self.country.write(chunks_of(manifest), chunk_digests([data]))
        key = manifest_key("us", Sha256(manifest.artifact.sha256))
        self.country.write(key, manifest.to_bytes())
        return manifest

    def diff(self, *arguments: str, code: int) -> Done:
        command = ("pe-dvc", "diff", *arguments)
        return run(*command, cwd=self.directory, code=code, environment=self.environment)

    def json(self, *arguments: str, code: int) -> dict[str, Any]:
        (dataset,) = json.loads(self.diff(*arguments, "--json", code=code).stdout)["datasets"]
        return dict(dataset)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Published:
    return Published(tmp_path, monkeypatch)


LATEST = "us/cps_2014@latest"


def first_screen(said: str) -> Sequence[str]:
    return said.splitlines()[:24]


def test_the_cause_of_an_over_weighted_tail_is_on_the_first_screen(published: Published) -> None:
    published.publish(parquet(cps()), parquet(over_weighted(cps())))
    said = published.diff(f"{LATEST}:2", LATEST, "--rows", code=1)
    screen = first_screen(said.stdout)
    assert "total of tax_unit.p23250" in screen[2]
    assert screen[2].endswith("+300%")
    (cause,) = [line for line in screen if "total of p23250" in line and "synthetic" in line]
    assert "100%" in cause
    assert not said.stderr.count("nanobind")


def test_half_of_a_benefit_is_gone(published: Published) -> None:
    before = cps().assign(universal_credit=lambda f: np.where(f["RECID"] % 3 == 0, 800.0, 0.0))
    before["region"] = np.where(before["RECID"] % 9 < 3, "LONDON", "WALES")
    london = before["region"] == "LONDON"
    after = before.assign(universal_credit=before["universal_credit"].where(~london, 0.0))
    published.publish(parquet(before), parquet(after))
    found = published.json(f"{LATEST}:2", f"{LATEST}:3", "--rows", code=1)
    assert found["movers"][0]["column"] == "universal_credit"
    assert found["movers"][0]["change"] < -0.2
    where = found["changes"][0]["where"]
    assert ("universal_credit", "region", "LONDON") in {
        (one["change"], one["column"], one["bucket"]) for one in where
    }


def test_without_payloads(published: Published) -> None:
    published.publish(parquet(cps()), parquet(cps().iloc[:-100].drop(columns="e00200")))
    said = published.diff("latest:2", "latest:3", "--country", "us", code=1).stdout
    assert "tax_unit  20,000  19,900  -0.5%" in said
    assert "tax_unit.e00200  double  none" in said
    assert "not on this machine (--rows downloads them)" in said
    assert published.diff("latest:3", "latest:3", "--country", "us", code=0).stdout


def test_only_the_encoding_changed(published: Published) -> None:
    plain, packed = parquet(cps()), parquet(cps(), compression="gzip")
    published.publish(plain, packed)
    said = published.diff(f"{LATEST}:2", LATEST, "--rows", code=0).stdout
    assert "the same values in other bytes: only the encoding changed" in said


def test_a_file_and_what_is_published(published: Published) -> None:
    published.publish(parquet(cps()))
    mine = published.directory / "mine.parquet"
    mine.write_bytes(parquet(over_weighted(cps())))
    found = published.json(LATEST, "mine.parquet", "--rows", code=1)
    assert found["changes"][0]["changed"] == 40
    assert published.json("mine.parquet", LATEST, code=1)["changes"][0]["key"] == "RECID"


def test_two_files_of_no_known_country_say_what_a_gated_one_may(published: Published) -> None:
    for name, frame in (("a", cps()), ("b", cps().assign(e00200=lambda f: f["e00200"].round(0)))):
        (published.directory / f"{name}.parquet").write_bytes(parquet(frame.iloc[:5]))
    asked = ("a.parquet", "b.parquet", "--key", "RECID", "--weight", "s006")
    assert published.json(*asked, code=1)["changes"][0]["changed"] is None
    assert published.json(*asked, "--country", "us", code=1)["changes"][0]["changed"] == 5
    said = published.diff("a.parquet", "b.parquet", code=1).stdout
    assert "no key of its rows is declared (--key COLUMN)" in said


@pytest.mark.parametrize("country", ["us", None])
def test_two_files_have_movers_of_profiles_made_for_it(
    published: Published, country: str | None
) -> None:
    """Of no known country those that a gated one's profile would have: no single value."""
    for name, frame in (("a", cps()), ("b", over_weighted(cps()))):
        (published.directory / f"{name}.parquet").write_bytes(parquet(frame))
    asked = ["a.parquet", "b.parquet", "--key", "RECID", "--weight", "s006", "--no-rows"]
    found = published.json(*asked, *(["--country", country] if country else []), code=1)
    moved = {(one["column"], one["statistic"]): one for one in found["movers"]}
    total = moved["e00200", "total"]
    before, after = cps(), over_weighted(cps())
    assert total["before"] == pytest.approx((before.e00200 * before.s006).sum())
    assert total["after"] == pytest.approx((after.e00200 * after.s006).sum())
    assert not any(column == "RECID" for column, _ in moved)
    said = ("s006", "weights: max_over_median") in moved
    assert said == (country == "us"), "it would give the largest weight"


def test_few_rows_of_files_of_no_known_country_have_no_movers(published: Published) -> None:
    for name, frame in (("a", cps()), ("b", cps().assign(e00200=lambda f: f["e00200"] + 1))):
        (published.directory / f"{name}.parquet").write_bytes(parquet(frame.iloc[:5]))
    asked = ("a.parquet", "b.parquet", "--key", "RECID", "--weight", "s006", "--no-rows")
    assert published.json(*asked, code=1)["movers"] == []
    assert published.json(*asked, "--country", "us", code=1)["movers"]


@pytest.mark.parametrize(("limit", "code"), [("2%", 1), ("400%", 0), ("400", 0)])
def test_a_limit(published: Published, limit: str, code: int) -> None:
    published.publish(parquet(cps()), parquet(over_weighted(cps())))
    published.diff(f"{LATEST}:2", LATEST, "--rows", "--fail-over", limit, code=code)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nothing", "latest"], 3, "'nothing' is nothing to compare"),
        (["no.parquet", LATEST, "--country", "us"], 3, "'no.parquet' is nothing to compare"),
        (["latest", "latest:9"], 3, "no country was given"),
        ([LATEST, f"{LATEST}:9"], 3, "9"),
        ([LATEST], 2, "Missing argument 'AFTER'"),
        ([LATEST, LATEST, "--fail-over", "x"], 2, "expected the form of 2%"),
        ([LATEST, LATEST, "--html", "--json"], 2, "three forms of one answer"),
    ],
)
def test_what_is_no_question(
    published: Published, arguments: list[str], code: int, said: str
) -> None:
    published.publish(parquet(cps()))
    assert said in published.diff(*arguments, code=code).stderr


def test_commits_of_a_clone(published: Published) -> None:
    root = published.directory
    for command in (["init", "--quiet"], ["config", "user.name", "x"]):
        run("git", *command, cwd=root)
    run("git", "config", "user.email", "x@example.org", cwd=root)
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text("")
    (root / "manifests").mkdir()
    (root / "pyproject.toml").write_text('[tool.pe_dvc]\ncountry = "us"\n')
    (root / ".gitignore").write_text("bucket\nreader\nus\n")
    manifests = published.publish(parquet(cps()), parquet(over_weighted(cps())))
    for manifest in manifests:
        (root / "manifests/cps_2014.json").write_bytes(manifest.to_bytes())
        run("git", "add", "--all", cwd=root)
        run("git", "commit", "--quiet", "-m", "Build", cwd=root)
    run("git", "tag", "1.0.0", "HEAD~1", cwd=root)
    for before in ("HEAD~1", "1.0.0", "latest:2", manifests[0].reference):
        found = published.json(before, "HEAD", "--rows", code=1)
        assert found["changes"][0]["changed"] == 40
    assert published.diff("HEAD", "latest", code=0).stdout == "1 dataset unchanged\n"
    file = published.json("1.0.0", "manifests/cps_2014.json", code=1)
    assert file["before"]["sha256"] == manifests[0].artifact.sha256


def test_in_python(published: Published) -> None:
    published.publish(parquet(cps()), parquet(over_weighted(cps())))
    found = pe_dvc.diff(f"{LATEST}:2", LATEST, rows=True)
    assert not found.is_same
    assert found.is_over(0.02)
    assert found.datasets[0].movers[0].column == "p23250"


def test_a_file_with_a_table_like_a_dataset_that_has_none(tmp_path: Path) -> None:
    cps().head(3).to_parquet(tmp_path / "cps.parquet")
    none = Contents(format="opaque", tables=(), entities={})
    found = describe_local(tmp_path / "cps.parquet", "cps", PUBLIC, like=none, name="cps")
    assert [table.rows for table in found.contents.tables] == [3]
