"""The stage that writes manifests, run by the real ``dvc repro``."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.errors import (
    DigestMismatchError,
    FormatError,
    NotFoundError,
    PeDvcError,
    RevokedError,
)
from pe_dvc.project.manifest import write_manifests
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.repo_files import read_manifests
from pe_dvc.usecases.revoke import withdrawn
from pe_dvc.usecases.revoke.withdrawn import Withdrawn
from tests.support.commands import run
from tests.support.dvc_repos import BUILD, PE, cps_repo, pipeline_of, write
from tests.support.environment import own_home
from tests.support.withdrawn_directory import entry_of

REBUILD = """
import pyarrow.parquet as again

again.write_table(again.read_table(sys.argv[1]).slice(1), sys.argv[1])
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repo whose datasets are built and committed; copied, never changed."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in own_home(tmp_path_factory.mktemp("home")).items():
            patch.setenv(name, value)
        root = cps_repo(tmp_path_factory.mktemp("built") / "repo")
        run("dvc", "repro", cwd=root)
        run("git", "add", "-A", cwd=root)
        run("git", "commit", "-qm", "data", cwd=root)
    return root


@pytest.fixture
def repo(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "repo", symlinks=True))


def manifests_of(root: Path) -> dict[str, tuple[Manifest, bytes]]:
    repo = DataRepo(root)
    return read_manifests(repo.tree, repo.settings, Manifest)


def test_manifest_says_what_was_built(built: Path) -> None:
    manifest, data = manifests_of(built)["cps"]
    assert data == (built / "manifests/cps.json").read_bytes()
    data = (built / "data/cps.parquet").read_bytes()
    artifact = manifest.artifact
    assert (artifact.sha256, artifact.size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert artifact.dvc.md5 == hashlib.md5(data).hexdigest()
    assert artifact.parts_sha256 == hashlib.sha256(hashlib.sha256(data).digest()).hexdigest()
    (table,) = manifest.table.tables
    assert (table.rows, table.entity) == (6, "tax_unit")
    assert [(c.name, c.type, c.entity) for c in table.columns] == [
        ("RECID", "int64", None),
        ("h_seq", "int64", None),
        ("fips", "int8", "household"),
        ("name", "string", None),
        ("s006", "double", None),
    ]
    assert manifest.inputs.data_vintage == "cps_asec_2014"
    assert manifest.inputs.params == {"params.yaml": {"seed": 7}}
    raw = hashlib.sha256(b"6").hexdigest()
    assert [(f.name, f.sha256) for f in manifest.inputs.raw_inputs] == [("raw.txt", raw)]
    assert [f.name for f in manifest.inputs.code] == ["build.py"]
    assert manifest.inputs.composite_digest == manifest.inputs.digest()
    assert manifest.build.git_commit is None


def test_second_repro_changes_nothing(repo: Path) -> None:
    before = (repo / "manifests/cps.json").read_bytes()
    done = run("dvc", "repro", cwd=repo)
    assert "didn't change, skipping" in done.stdout
    run("dvc", "repro", "--force", "--single-item", "manifests", cwd=repo)
    assert (repo / "manifests/cps.json").read_bytes() == before
    assert run("git", "status", "--porcelain", cwd=repo).stdout == ""
    assert "up to date" in run("dvc", "status", cwd=repo).stdout


def test_an_artifact_keeps_its_manifest_and_other_bytes_get_another(repo: Path) -> None:
    write(repo, "params.yaml", "seed: 8\n")
    run("dvc", "repro", "build", cwd=repo)
    (unchanged,) = write_manifests(repo)
    assert unchanged.change == "unchanged", "the same bytes were first made with seed 7"
    assert manifests_of(repo)["cps"][0].inputs.params == {"params.yaml": {"seed": 7}}
    build = (repo / "build.py").read_text()
    write(repo, "build.py", build + REBUILD)
    run("dvc", "repro", "build", cwd=repo)
    (changed,) = write_manifests(repo)
    assert (changed.change, changed.sha256 != unchanged.sha256) == ("changed", True)
    manifest, _ = manifests_of(repo)["cps"]
    assert manifest.inputs.params == {"params.yaml": {"seed": 8}}
    head = run("git", "rev-parse", "HEAD", cwd=repo).stdout.strip()
    # What changed is what stages declare, and so is recorded by its content.
    assert (manifest.build.git_commit, manifest.build.git_dirty) == (head, False)


ABOUT = """
    desc: Tax units of the CPS
    meta:
      pe:
        licence: CC0-1.0
"""


def test_what_people_write_about_a_dataset_is_in_the_manifest_of_its_next_build(
    repo: Path,
) -> None:
    before = (repo / "manifests/cps.json").read_bytes()
    text = (repo / "dvc.yaml").read_text()
    write(repo, "dvc.yaml", text.replace("\n    meta:\n      pe:\n", ABOUT, 1))
    settings = (repo / "pyproject.toml").read_text()
    write(repo, "pyproject.toml", settings + 'citation = "PolicyEngine (2026)"\n')
    (kept,) = write_manifests(repo)
    assert kept.outdated == ("description", "licence", "citation")
    assert (repo / "manifests/cps.json").read_bytes() == before, (
        "no conflict with what is published"
    )
    said = run("pe-dvc", "manifest", "write", cwd=repo).stderr
    assert "not in the manifest yet: description, licence, citation of cps" in said

    write(repo, "build.py", (repo / "build.py").read_text() + REBUILD)
    run("dvc", "repro", "build", cwd=repo)
    (changed,) = write_manifests(repo)
    assert changed.outdated == ()
    manifest, data = manifests_of(repo)["cps"]
    assert manifest.about is not None
    assert manifest.about.description == "Tax units of the CPS"
    assert manifest.about.licence == "CC0-1.0"
    assert manifest.about.citation == "PolicyEngine (2026)"
    assert Manifest.from_bytes(before).about is None
    assert b'"about": {' in data


def test_a_description_that_is_no_text_is_refused(repo: Path) -> None:
    text = (repo / "dvc.yaml").read_text()
    write(repo, "dvc.yaml", text.replace("\n    meta:", "\n    desc: 7\n    meta:", 1))
    with pytest.raises(FormatError, match=r"artifacts\.cps\.desc: is no text"):
        write_manifests(repo)


def test_nothing_declared_says_what_to_write(repo: Path) -> None:
    text = (repo / "dvc.yaml").read_text()
    write(repo, "dvc.yaml", text.partition("artifacts:")[0])
    said = run("pe-dvc", "manifest", "write", cwd=repo).stderr
    assert (
        "no dataset is declared. pe-dvc add FILE declares one. Or add to dvc.yaml:\n  artifacts:\n"
        in said
    )


def test_other_bytes_with_the_same_values_are_said_to_be(repo: Path) -> None:
    before = manifests_of(repo)["cps"][0].table
    (repo / "build.py").write_text(
        BUILD.replace(", sys.argv[1])", ", sys.argv[1], compression=None)")
    )
    run("dvc", "repro", "build", cwd=repo)
    (written,) = write_manifests(repo)
    after = manifests_of(repo)["cps"][0].table
    assert written.notes == (
        "data/cps.parquet: other bytes than before, the same values in every table",
    )
    assert after.digests == before.digests
    assert set(after.digests) == {"tax_unit"}
    (repo / "build.py").write_text(BUILD.replace("1.5", "2.5"))
    run("dvc", "repro", "build", cwd=repo)
    (written,) = write_manifests(repo)
    assert written.notes == ()
    assert manifests_of(repo)["cps"][0].table.digests != before.digests


def test_a_manifest_without_content_digests_stays(repo: Path) -> None:
    """As older versions wrote it: the same bytes, described alike."""
    path = repo / "manifests/cps.json"
    older = Manifest.from_bytes(path.read_bytes())
    older = older.model_copy(update={"table": older.table.with_digests({})})
    path.write_bytes(older.to_bytes())
    assert [w.change for w in write_manifests(repo)] == ["unchanged"]
    assert path.read_bytes() == older.to_bytes()


def test_what_repro_writes_is_not_dirt(repo: Path) -> None:
    shutil.rmtree(repo / "manifests")
    write(repo, "data/.gitignore", "/cps.parquet\n/other\n")
    write_manifests(repo)
    assert manifests_of(repo)["cps"][0].build.git_dirty is False


def test_edited_manifest_is_written_again(repo: Path) -> None:
    path = repo / "manifests/cps.json"
    good = json.loads(path.read_bytes())
    path.write_text(path.read_text().replace('"rows": 6', '"rows": 7'))
    assert [w.change for w in write_manifests(repo)] == ["changed"]
    assert json.loads(path.read_bytes())["table"] == good["table"]
    path.write_text("{")
    assert [w.change for w in write_manifests(repo)] == ["changed"]


def test_manifest_of_a_dataset_no_longer_declared_is_removed(repo: Path) -> None:
    text = (repo / "dvc.yaml").read_text()
    (repo / "dvc.yaml").write_text(text.replace("  cps:\n", "  states/AL:\n"))
    changes = {w.name: w.change for w in write_manifests(repo)}
    assert changes == {"states/AL": "changed", "cps": "removed"}
    assert set(manifests_of(repo)) == {"states/AL"}
    (repo / "dvc.yaml").write_text(text)
    write_manifests(repo)
    assert not (repo / "manifests/states").exists()


WRONG = {
    "unknown key": ("weight: s006", "wieght: s006", "meta.pe.wieght", "Did you mean weight?"),
    "unknown key within": (
        "household: {key: h_seq}",
        "household: {kee: h_seq}",
        "meta.pe.entities.household",
        "key",
    ),
    "wrong country": ("country: us", "country: uk", "meta.pe.country", "[tool.pe_dvc]"),
    "unknown rows": ("rows: tax_unit", "rows: person", "meta.pe.rows", "Declare person"),
    "rows left out": ("rows: tax_unit\n", "", "meta.pe.rows", "tax_unit, household"),
    "unknown entity of a column": (
        "columns: {fips: household}",
        "columns: {fips: family}",
        "meta.pe.columns.fips",
        "Declare family",
    ),
    "unknown entity of a reference": (
        "references: {household: h_seq}",
        "references: {family: h_seq}",
        "meta.pe.entities.tax_unit.references.family",
        "Declare family",
    ),
    "unknown column": ("{fips: ", "{fipz: ", "meta.pe.columns.fipz", "Did you mean fips?"),
    "missing weight": ("weight: s006", "weight: s007", "meta.pe.weight", "Did you mean s006?"),
    "weight of text": ("weight: s006", "weight: name", "meta.pe.weight", "numbers"),
    "missing key": (
        "{key: RECID",
        "{key: RECIDS",
        "meta.pe.entities.tax_unit.key",
        "Did you mean RECID?",
    ),
    "missing reference": (
        "{household: h_seq}",
        "{household: hh}",
        "meta.pe.entities.tax_unit.references.household",
        "build the file with that column.",
    ),
    "key that is not unique": (
        "{key: RECID",
        "{key: fips",
        "meta.pe.entities.tax_unit.key",
        "fix the data",
    ),
    "kind that is no word": ("vintage: ", "kind: Micro Data\nvintage: ", "meta.pe.kind", "Correct"),
    "entities of the wrong type": (
        "columns: {fips: household}",
        "columns: [fips]",
        "meta.pe.columns",
        "Correct",
    ),
    "gates of the wrong type": ("vintage: ", "gates: 3\nvintage: ", "meta.pe.gates", "Correct"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_declaration(repo: Path, case: str) -> None:
    old, new, key, remedy = WRONG[case]
    assert old in PE
    (repo / "dvc.yaml").write_text(pipeline_of(PE.replace(old, new, 1)))
    _assert_refused(repo, FormatError, f"dvc.yaml: artifacts.cps.{key}", remedy)


PATHS = {
    "not tracked": ("build.py.parquet", "artifacts.cps.path", "dvc add build.py.parquet"),
    "no tables": ("raw.txt", "artifacts.cps.meta.pe.entities", "Remove the entities"),
    "manifest itself": ("manifests/x.parquet", "artifacts.cps.path", "dvc"),
}


@pytest.mark.parametrize("case", PATHS)
def test_wrong_path(repo: Path, case: str) -> None:
    path, key, remedy = PATHS[case]
    text = pipeline_of().replace("    path: data/cps.parquet", f"    path: {path}")
    (repo / "dvc.yaml").write_text(text)
    _assert_refused(repo, FormatError, f"dvc.yaml: {key}", remedy)


def test_dataset_declared_and_never_built(tmp_path: Path) -> None:
    repo = cps_repo(tmp_path / "repo")
    _assert_refused(repo, FormatError, "dvc.yaml: artifacts.cps.path", "dvc repro build")


def test_dataset_that_dvc_does_not_keep(repo: Path) -> None:
    text = (repo / "dvc.yaml").read_text()
    (repo / "dvc.yaml").write_text(
        text.replace("outs: [data/cps.parquet]", "outs: [data/cps.parquet: {cache: false}]")
    )
    _assert_refused(repo, FormatError, "dvc.yaml: artifacts.cps.path", "cache: false")


def test_legacy_hash(repo: Path) -> None:
    lock = repo / "dvc.lock"
    lock.write_text(lock.read_text().replace("      hash: md5\n", ""))
    _assert_refused(repo, FormatError, "dvc.yaml: artifacts.cps.path", "dvc cache migrate")


def test_file_that_changed_since_dvc_hashed_it(repo: Path) -> None:
    path = repo / "data/cps.parquet"
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data + b"x")
    _assert_refused(repo, DigestMismatchError, "data/cps.parquet", "dvc repro")


def test_file_that_is_not_there(repo: Path) -> None:
    (repo / "data/cps.parquet").unlink()
    _assert_refused(repo, NotFoundError, "data/cps.parquet", "dvc pull")


def test_raw_input_only_in_the_cache(repo: Path) -> None:
    (repo / "raw.txt").unlink()
    assert [w.change for w in write_manifests(repo)] == ["unchanged"]
    shutil.rmtree(repo / ".dvc/cache")
    _assert_refused(repo, NotFoundError, "raw.txt", "dvc pull raw.txt")


def test_a_declaration_under_a_misspelt_key_is_not_passed_over(repo: Path) -> None:
    text = (repo / "dvc.yaml").read_text()
    (repo / "dvc.yaml").write_text(text.replace("      pe:", "      ep:"))
    _assert_refused(repo, FormatError, "dvc.yaml: artifacts.cps.meta.ep", "Did you mean pe?")


def test_a_dataset_of_dvcs_alone_is_named(repo: Path) -> None:
    with (repo / "dvc.yaml").open("a") as file:
        file.write("  survey: {path: raw.txt, type: dataset, meta: {owner: Census}}\n")
    assert [(w.name, w.change) for w in write_manifests(repo)] == [
        ("cps", "unchanged"),
        ("survey", "skipped"),
    ]
    said = run("pe-dvc", "manifest", "write", cwd=repo).stderr
    assert "no manifest of survey: type: dataset, and no meta: pe: in dvc.yaml" in said
    assert "model" not in said


def test_nothing_is_written_when_one_of_two_is_wrong(repo: Path) -> None:
    (repo / "manifests/cps.json").unlink()
    (repo / "manifests/cps.profile.json").unlink()
    text = (repo / "dvc.yaml").read_text()
    second = text[text.index("  cps:") :].replace("  cps:", "  other:").replace("RECID", "fips")
    (repo / "dvc.yaml").write_text(text + second)
    _assert_refused(repo, FormatError, "artifacts.other", "fix the data")
    assert [file.name for file in (repo / "manifests").iterdir()] == ["weighted.metrics.json"]


@pytest.mark.parametrize("text", ["stages: [", "- a list", "stages: 3", "artifacts: {cps: 1}"])
def test_dvc_yaml_that_does_not_parse(repo: Path, text: str) -> None:
    (repo / "dvc.yaml").write_text(text)
    _assert_refused(repo, FormatError, "dvc.yaml", "")


def _assert_refused(repo: Path, family: type[PeDvcError], where: str, remedy: str) -> None:
    before = {p: p.read_bytes() for p in repo.glob("manifests/**/*.json")}
    with pytest.raises(family) as caught:
        write_manifests(repo)
    assert where in caught.value.message
    assert caught.value.remedy is not None
    assert remedy in f"{caught.value.message} {caught.value.remedy}"
    assert {p: p.read_bytes() for p in repo.glob("manifests/**/*.json")} == before


SECRET_PARAMS = """\
seed: 7
token_count: 5
census:
  api_key: hunter2
  database: postgresql://me:hunter2@db/census
"""


def with_secrets(root: Path) -> None:
    write(root, "params.yaml", SECRET_PARAMS)
    pipeline = pipeline_of().replace("params: [seed]", "params: [seed, token_count, census]")
    write(root, "dvc.yaml", pipeline)
    run("dvc", "repro", "build", cwd=root)


def test_secrets_among_the_params_are_not_in_the_manifest(repo: Path) -> None:
    with_secrets(repo)
    (repo / "manifests/cps.json").unlink()
    (written,) = write_manifests(repo)
    manifest, data = manifests_of(repo)["cps"]
    assert b"hunter2" not in data
    assert manifest.inputs.params == {
        "params.yaml": {
            "seed": 7,
            "token_count": 5,
            "census": {"api_key": "redacted", "database": "redacted"},
        }
    }
    places = ("params.yaml:census.api_key", "params.yaml:census.database")
    assert written.redacted == places
    assert manifest.inputs.composite_digest == manifest.inputs.digest()


def test_a_manifest_with_secrets_is_rewritten_unless_they_are_allowed(repo: Path) -> None:
    with_secrets(repo)
    (repo / "manifests/cps.json").unlink()
    places = ["params.yaml:census.api_key", "params.yaml:census.database"]
    settings = (repo / "pyproject.toml").read_text()
    write(repo, "pyproject.toml", f"{settings}allowed_params = {json.dumps(places)}\n")
    assert write_manifests(repo)[0].redacted == ()
    assert b"hunter2" in manifests_of(repo)["cps"][1]
    assert write_manifests(repo)[0].change == "unchanged"
    write(repo, "pyproject.toml", settings)
    assert write_manifests(repo)[0].change == "changed"
    assert b"hunter2" not in manifests_of(repo)["cps"][1]


def test_of_what_is_withdrawn_only_what_was_committed_stays(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first commit of a manifest would be refused at the push."""
    data = (repo / "manifests/cps.json").read_bytes()
    entry = entry_of(data)
    role = repo / "channels" / entry.country / "revoked.json"
    role.parent.mkdir(parents=True)
    role.write_text(f'"{entry.target_path}"')
    known = Withdrawn(version=2, artifacts={entry.sha256: entry})
    monkeypatch.setattr(withdrawn, "withdrawn_here", lambda _: known)
    (written, *_) = [one for one in write_manifests(repo) if one.name == "cps"]
    assert written.change == "unchanged"
    assert "cps: was withdrawn on " in written.notes[-1]
    run("git", "rm", "--quiet", "--cached", "-r", "manifests", cwd=repo)
    run("git", "commit", "--quiet", "--amend", "-m", "No manifest", cwd=repo)
    with pytest.raises(RevokedError, match="The licence ended"):
        write_manifests(repo)
    assert (repo / "manifests/cps.json").read_bytes() == data
