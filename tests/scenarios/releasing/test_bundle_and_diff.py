"""What a bundle pins against what we hold, and what changed between two tags."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.documents.keys import payload_key, tombstone_key
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import FormatError, NotFoundError, ReleaseError
from pe_dvc.project.release import Releases
from tests.support.bundles import REPO, bundle_of, check
from tests.support.release_history import DATASETS, INPUTS, History

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def certified(released: History) -> History:
    Releases(released.root).create("1.0.0")
    return released


def test_a_bundle_whose_every_pin_is_held(certified: History) -> None:
    checks = check(certified, bundle_of(certified))
    assert {c.verdict for c in checks.values()} == {"held"}
    (released,) = Releases(certified.root).registered().values()
    assert released.state == "certified"
    assert released.bundles[0].startswith("policyengine 6.11.1@sha256:")
    check(certified, bundle_of(certified))
    assert Releases(certified.root).registered()["1.0.0"] == released, "once is enough"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("sha256", "0" * 64, f"pins sha256 {'0' * 64}, the release has"),
        ("path", "elsewhere.h5", "pins path elsewhere.h5"),
        ("revision", "main", "pins revision main, the release has 1.0.0"),
    ],
)
def test_a_pin_that_differs(certified: History, field: str, value: str, said: str) -> None:
    bundle = bundle_of(certified)
    bundle["datasets"]["states/AL"][field] = value
    found = check(certified, bundle)["states/AL"]
    assert found.verdict == "differs"
    assert said in found.detail


def test_a_pin_of_nothing_and_a_pin_of_another_repo(certified: History) -> None:
    bundle = bundle_of(certified)
    bundle["datasets"]["states/ZZ"] = {"path": "z.h5", "repo_id": REPO, "revision": "1.0.0"}
    bundle["datasets"]["overlay"] = {"path": "o.h5", "repo_id": "other/repo", "revision": "1"}
    checks = check(certified, bundle)
    assert checks["states/ZZ"].verdict == "differs"
    assert (checks["overlay"].verdict, checks["overlay"].ok) == ("elsewhere", True)


def test_payloads_damaged_or_missing_and_an_unsigned_tombstone(
    certified: History,
) -> None:
    artifacts = {name: m.artifact for name, m in certified.manifests.items()}
    keys = {name: payload_key("us", a.dvc.md5) for name, a in artifacts.items()}
    damaged = certified.bucket / keys["states/AL"]
    damaged.chmod(0o644)
    damaged.write_bytes(b"ALABAMA")
    certified.store.delete([keys["states/WY"]])
    certified.store.create(tombstone_key("us", Sha256(artifacts["cps_2024"].sha256)), b"{}")
    checks = check(certified, bundle_of(certified))
    verdicts = {n: c.verdict for n, c in checks.items()}
    assert "unsigned tombstone" in checks["cps_2024"].detail
    assert verdicts == {"cps_2024": "held", "states/AL": "damaged", "states/WY": "missing"}
    damaged.write_bytes(b"ala")
    assert check(certified, bundle_of(certified))["states/AL"].verdict == "damaged"


def test_a_bundle_that_cannot_be_read(certified: History) -> None:
    with pytest.raises(FormatError, match="cannot be read: Is a directory"):
        Releases(certified.root).check_bundle("1.0.0", certified.root)


def test_a_bundle_of_another_release(certified: History) -> None:
    bundle = bundle_of(certified)
    bundle["data_package"]["version"] = "0.9.0"
    with pytest.raises(ReleaseError, match=r"certifies policyengine-us-data 0\.9\.0"):
        check(certified, bundle)


def of_another_producer(history: History) -> dict[str, Any]:
    """Return a bundle that certified another producer's release, and lists datasets of ours."""
    ours = bundle_of(history)
    theirs = {"repo_id": "policyengine/populace-us", "revision": "x", "path": "x.h5"}
    certified = ours | {
        "data_package": {"name": "microcosm-data", "version": "0.1.0"},
        "datasets": {"populace_us_2024": theirs},
    }
    older = {**ours["datasets"]["cps_2024"], "revision": "0.9.0", "sha256": "0" * 64}
    listed = {"populace_2023": theirs, "cps_2023": older, **ours["datasets"]}
    return {"data_releases": {"us": certified}, "dataset_overlays": {"us": listed}}


def test_a_bundle_of_two_producers(certified: History) -> None:
    """One is certified, datasets of the other are listed beside: those of the tag are checked."""
    path = certified.base / "manifest.json"
    path.write_text(json.dumps(of_another_producer(certified)))
    releasing = Releases(certified.root)
    checks, _ = releasing.check_bundle("1.0.0", path)
    assert {check.name: check.verdict for check in checks} == dict.fromkeys(DATASETS, "held")
    with pytest.raises(ReleaseError, match=r"certifies microcosm-data 0\.1\.0.*certifies nothing"):
        releasing.check_bundle("1.0.0", path, record=True)
    md5 = certified.manifests["states/AL"].artifact.dvc.md5
    certified.store.overwrite(payload_key("us", md5), b"alabama!")
    checks, _ = releasing.check_bundle("1.0.0", path, record=True)
    assert {check.name: check.verdict for check in checks if not check.ok} == {
        "states/AL": "damaged"
    }


def test_a_bundle_that_lists_nothing_of_the_release(certified: History) -> None:
    bundle = of_another_producer(certified)
    for pin in bundle["dataset_overlays"]["us"].values():
        pin["revision"] = "0.9.0"
    path = certified.base / "manifest.json"
    path.write_text(json.dumps(bundle))
    with pytest.raises(ReleaseError, match=r"certifies microcosm-data 0\.1\.0"):
        Releases(certified.root).check_bundle("1.0.0", path)


def test_what_is_no_bundle(certified: History, tmp_path: Path) -> None:
    releasing = Releases(certified.root)
    path = tmp_path / "manifest.json"
    with pytest.raises(NotFoundError, match=r"manifest\.json does not exist"):
        releasing.check_bundle("1.0.0", path)
    for text in ("[]", "not json", '{"data_releases": {"uk": {}}}'):
        path.write_text(text)
        with pytest.raises(FormatError, match="a (policyengine.py )?bundle"):  # noqa: RUF043
            releasing.check_bundle("1.0.0", path)


def test_what_changed_between_two_tags(history: History) -> None:
    history.release("1.0.0")
    inputs = {
        **INPUTS,
        "model_package": {**INPUTS["model_package"], "version": "1.700.0"},
        "raw_inputs": [{"name": "raw/asec.csv", "sha256": "9" * 64}],
    }
    history.build({"cps_2024": b"another nation", "states/CA": b"california"}, inputs)
    manifest = history.manifests["cps_2024"]
    table = {"name": "tax_unit", "rows": 3, "entity": "tax_unit"}
    columns = [{"name": "RECID", "type": "int32"}, {"name": "wage", "type": "float"}]
    plain = manifest.to_json()
    plain["table"]["tables"] = [{**table, "columns": columns}]
    history.manifests["cps_2024"] = type(manifest).model_validate_json(json.dumps(plain))
    history.write("manifests/cps_2024.json", history.manifests["cps_2024"].to_bytes())
    for name in ("states/AL", "states/WY"):
        (history.root / f"manifests/{name}.json").unlink()
    history.sign()
    history.commit()
    history.git("tag", "1.1.0")
    found = Releases(history.root).diff("1.0.0", "1.1.0")
    assert (found.added, found.removed) == (("states/CA",), ("states/AL", "states/WY"))
    (nation,) = found.changed
    assert nation.sha256[1] == history.manifests["cps_2024"].artifact.sha256
    assert nation.rows == {"tax_unit": (2, 3)}
    assert nation.columns == {
        "tax_unit.RECID": ("int64", "int32"),
        "tax_unit.wage": (None, "float"),
    }
    assert nation.inputs == {
        "model_package.version": ("1.690.0", "1.700.0"),
        "raw_inputs.raw/asec.csv": ("c" * 64, "9" * 64),
    }
    assert Releases(history.root).diff("1.0.0", "1.0.0").unchanged == len(DATASETS)
