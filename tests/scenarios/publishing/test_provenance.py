"""What manifests say of builds, by the real git and DVC: observed, stated, or listed as unknown."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.errors import DigestMismatchError, FormatError, NotFoundError
from pe_dvc.project.manifest import write_manifests
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.repo_files import read_manifests
from tests.support.commands import run
from tests.support.dvc_repos import BUILD, PE, cps_repo, indent, new_repo, pipeline_of, write
from tests.support.environment import own_home

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMIT = "5fa48f07436a806ad75ff76fd22cfb8613bddbe0"
A, B, C = "a" * 64, "b" * 64, "c" * 64


def manifest_of(root: Path, name: str = "cps") -> Manifest:
    repo = DataRepo(root)
    return read_manifests(repo.tree, repo.settings, Manifest)[name][0]


def declared(path: str = "data/cps.parquet", *, stages: str = "", pe: str = PE) -> str:
    return f"{stages}artifacts:\n  cps:\n    path: {path}\n    meta:\n      pe:\n{indent(pe, 8)}"


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repo whose dataset was made elsewhere and added; copied, never changed."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in own_home(tmp_path_factory.mktemp("home")).items():
            patch.setenv(name, value)
        root = new_repo(tmp_path_factory.mktemp("added") / "repo")
        write(root, "build.py", BUILD)
        (root / "data").mkdir()
        run("python", "build.py", "data/cps.parquet", "6", cwd=root)
        (root / "build.py").unlink()
        run("dvc", "add", "-q", "data/cps.parquet", cwd=root)
        (root / "dvc.yaml").write_text(declared())
        settings = (root / "pyproject.toml").read_text()
        # Both are installed here, in versions that made nothing of this.
        packages = 'model_package = "pyarrow"\ncore_package = "h5py"\n'
        (root / "pyproject.toml").write_text(settings + packages)
        run("git", "add", "-A", cwd=root)
        run("git", "commit", "-qm", "data", cwd=root)
    return root


@pytest.fixture
def repo(added: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(added, tmp_path / "repo", symlinks=True))


def sha256_of(root: Path) -> str:
    return hashlib.sha256((root / "data/cps.parquet").read_bytes()).hexdigest()


def build_manifest(root: Path, **changes: Any) -> dict[str, Any]:
    """What microcosm's build of the US dataset writes, with the sections that are of use here."""
    return {
        "build_id": "populace-us-2024-spm-20260915",
        "build_sha": COMMIT[:7],
        "created_at": "2026-09-15T01:14:54.123456+02:00",
        "staging": None,
        "code": {
            "repository": "https://user:hunter2@github.com/PolicyEngine/microcosm",
            "git_commit": COMMIT,
            "git_dirty": False,
        },
        "runtime": {"python": "3.13.7", "pyarrow": "2.68.0", "h5py": "3.28.1", "torch": "2.9.0"},
        "timing": {"total_seconds": 1.5},
        "ledger_artifact": {
            "path_name": "ledger",
            "facts_sha256": A,
            "manifest_sha256": B,
            "profiles": {"us": {"sha256": C, "target_count": 3}},
        },
        "exact_k_ladder": {"seed": 17, "pool": {"pool_h5_sha256": B, "release_id": "pool-1"}},
        "dataset": {"filename": "cps.parquet", "sha256": sha256_of(root)},
        "calibration": {
            "filename": "cps_calibration.npz",
            "sha256": C,
            "warm_start": {"enabled": True, "diagnostics_sha256": C},
            "target_surface": {"sha256": A, "n_targets": 20},
            "target_registry": {"version": "registry-7", "n_specs": 20},
            "seed": 2**60,
        },
        "gates": {"calibration": {"passed": True}},
        **changes,
    }


def state(root: Path, document: Any, name: str = "build_manifest.json") -> None:
    (root / name).write_text(json.dumps(document))
    (root / "dvc.yaml").write_text(declared(pe=f"{PE}provenance: {name}\n"))


def test_what_was_added_is_not_said_to_be_made_on_this_machine(repo: Path) -> None:
    write_manifests(repo)
    manifest = manifest_of(repo)
    inputs, build = manifest.inputs, manifest.build
    assert (inputs.model_package, inputs.core_package, inputs.python_version) == (None,) * 3
    assert build.model_dump(exclude_none=True) == {}
    (unknown,) = inputs.unknown
    assert {"raw_inputs", "model_package", "python_version", "build.built_at"} <= {*unknown.fields}
    assert "meta.pe.provenance names no statement" in unknown.reason
    assert inputs.data_vintage == "cps_asec_2014", "that is declared"
    assert inputs.composite_digest == inputs.digest()


def test_what_policyengines_pipelines_state(repo: Path) -> None:
    state(repo, build_manifest(repo))
    write_manifests(repo)
    manifest = manifest_of(repo)
    inputs, build = manifest.inputs, manifest.build
    assert inputs.model_package is not None
    assert (inputs.model_package.version, inputs.model_package.known_from) == (
        "2.68.0",
        "statement",
    )
    assert inputs.core_package is not None
    assert inputs.core_package.version == "3.28.1"
    assert (inputs.python_version, inputs.packages) == ("3.13.7", {"torch": "2.9.0"})
    assert {(f.name, f.sha256) for f in inputs.raw_inputs} == {
        ("ledger_artifact.facts", A),
        ("ledger_artifact.manifest", B),
        ("ledger_artifact.profiles.us", C),
        ("exact_k_ladder.pool.pool_h5", B),
        ("calibration.warm_start.diagnostics", C),
    }
    assert inputs.calibration_targets is not None
    assert inputs.calibration_targets.model_dump() == {"snapshot_id": "registry-7", "sha256": A}
    assert inputs.params == {
        "build_manifest.json": {"exact_k_ladder.seed": 17, "calibration.seed": str(2**60)}
    }
    assert (build.git_commit, build.git_dirty, build.built_in) == (COMMIT, False, None)
    assert build.built_at == "2026-09-14T23:14:54Z"
    assert build.repository == "https://redacted@github.com/PolicyEngine/microcosm"
    assert build.build_id == "populace-us-2024-spm-20260915"
    assert build.statement is not None
    data = (repo / "build_manifest.json").read_bytes()
    assert build.statement.sha256 == hashlib.sha256(data).hexdigest()
    (unknown,) = inputs.unknown
    assert unknown.fields == ("code", "lockfile_sha256", "build.built_in")
    assert unknown.reason == "build_manifest.json does not state it"


def test_a_statement_of_other_bytes_is_refused(repo: Path) -> None:
    state(repo, build_manifest(repo, dataset={"filename": "cps.parquet", "sha256": B}))
    with pytest.raises(DigestMismatchError, match=r"data/cps\.parquet, by its statement") as caught:
        write_manifests(repo)
    assert "build_manifest.json" in str(caught.value)
    assert not list(repo.glob("manifests/*"))


def test_a_statement_that_names_no_digest_of_the_file_is_said_to(repo: Path) -> None:
    state(repo, build_manifest(repo, dataset={"households": 3}))
    write_manifests(repo)
    assert ("build.statement",) in [u.fields for u in manifest_of(repo).inputs.unknown]


def test_a_new_statement_of_the_same_bytes_is_a_new_manifest(repo: Path) -> None:
    write_manifests(repo)
    state(repo, build_manifest(repo))
    assert [w.change for w in write_manifests(repo)] == ["changed"]
    assert [w.change for w in write_manifests(repo)] == ["unchanged"]
    state(repo, build_manifest(repo, build_id="another"))
    assert [w.change for w in write_manifests(repo)] == ["changed"]


def slsa(sha256: str) -> dict[str, Any]:
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "cps.parquet", "digest": {"sha256": sha256}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://actions.github.io/buildtypes/workflow/v1",
                "externalParameters": {"workflow": {"path": "build.yml"}, "inputs": {"seed": 3}},
                "internalParameters": {"token": "ghp_" + "a" * 36},
                "resolvedDependencies": [
                    {
                        "uri": "git+https://github.com/PolicyEngine/us@refs/heads/main",
                        "digest": {"gitCommit": COMMIT},
                    },
                    {"uri": "https://census.gov/cps.zip?token=abc", "digest": {"sha256": A}},
                    {"name": "puf", "uri": "s3://private/puf.csv"},
                    {"uri": "pkg:pypi/pyarrow@2.68.0"},
                ],
            },
            "runDetails": {
                "builder": {"id": "https://github.com/actions/runner/github-hosted"},
                "metadata": {"invocationId": "runs/7", "finishedOn": "2026-09-15T01:02:03Z"},
            },
        },
    }


def enveloped(statement: dict[str, Any]) -> dict[str, Any]:
    import base64

    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    return {"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": []}


FORMS = {
    "bare": lambda s: json.dumps(s),
    "DSSE": lambda s: json.dumps(enveloped(s)),
    "Sigstore bundle": lambda s: json.dumps({"mediaType": "x", "dsseEnvelope": enveloped(s)}),
    "one a line": lambda s: "\n".join(
        json.dumps(enveloped(one)) for one in ({**s, "predicateType": "https://other"}, s)
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_what_slsa_provenance_states(repo: Path, form: str) -> None:
    state(repo, {}, "cps.intoto.json")
    (repo / "cps.intoto.json").write_text(FORMS[form](slsa(sha256_of(repo))))
    write_manifests(repo)
    manifest = manifest_of(repo)
    inputs, build = manifest.inputs, manifest.build
    assert [(f.name, f.sha256) for f in inputs.raw_inputs] == [
        ("https://census.gov/cps.zip?token=redacted", A)
    ]
    assert inputs.model_package is not None
    assert inputs.model_package.version == "2.68.0"
    assert inputs.params["cps.intoto.json"] == {
        "externalParameters": {"workflow": {"path": "build.yml"}, "inputs": {"seed": 3}},
        "internalParameters": {"token": "redacted"},
    }
    assert (build.git_commit, build.built_in) == (COMMIT, "ci")
    assert build.repository == "https://github.com/PolicyEngine/us"
    assert (build.built_at, build.build_id) == ("2026-09-15T01:02:03Z", "runs/7")
    assert ("raw_inputs",) in [u.fields for u in inputs.unknown], "of puf.csv no digest is stated"


BAD = {
    "no JSON": ("{", "not the JSON of a"),
    "another document": ('{"a": 1}', "has none of the sections code, runtime"),
    "a list": ("[]", "has none of the sections"),
    "another predicate": (
        json.dumps({**slsa(A), "predicateType": "https://spdx.dev/Document"}),
        "its predicate is https://spdx.dev/Document",
    ),
    "an envelope of nothing": ('{"payload": "!"}', "is not base64"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_states_nothing(repo: Path, case: str) -> None:
    data, said = BAD[case]
    state(repo, {}, "stated.json")
    (repo / "stated.json").write_text(data)
    with pytest.raises(FormatError, match=said):
        write_manifests(repo)


def test_a_statement_that_is_not_there_or_lies_outside(repo: Path, tmp_path: Path) -> None:
    state(repo, {}, "stated.json")
    (repo / "stated.json").unlink()
    with pytest.raises(NotFoundError, match=r"meta\.pe\.provenance: the file stated.json is not"):
        write_manifests(repo)
    (tmp_path / "secret.json").write_text(json.dumps(build_manifest(repo)))
    (repo / "stated.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(FormatError, match="link to a file outside the repo"):
        write_manifests(repo)
    (repo / "dvc.yaml").write_text(declared(pe=f"{PE}provenance: ../secret.json\n"))
    with pytest.raises(FormatError, match=r"meta\.pe\.provenance"):
        write_manifests(repo)


def test_show_says_what_is_stated_and_what_is_unknown(repo: Path) -> None:
    from pe_dvc.cli.show import _built, _inputs

    state(repo, build_manifest(repo))
    write_manifests(repo)
    manifest = manifest_of(repo)
    assert _built(manifest).endswith("from git 5fa48f07436a, as build_manifest.json states")
    rows = _inputs(manifest.inputs)
    assert ("model", "pyarrow 2.68.0 (as stated)") in rows
    assert any(label == "unknown" and "lockfile_sha256" in said for label, said in rows)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "web"
    folder.mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_what_dvc_imported_says_from_where_without_secrets(
    repo: Path, tmp_path: Path, web: str
) -> None:
    data = repo / "data/cps.parquet"
    data.rename(tmp_path / "web/cps.parquet")
    (tmp_path / "web/raw.csv").write_text("6")
    (repo / "data/cps.parquet.dvc").unlink()
    address = f"http://me:hunter2@{web}"
    run("dvc", "import-url", f"{address}/cps.parquet?token=abc", "data/cps.parquet", cwd=repo)
    run("dvc", "import-url", f"{address}/raw.csv", "raw.csv", cwd=repo)
    write_manifests(repo)
    inputs = manifest_of(repo).inputs
    assert inputs.source is not None
    assert inputs.source.url == f"http://redacted@{web}/cps.parquet?token=redacted"
    assert "imported from http://redacted@" in inputs.unknown[0].reason
    assert b"hunter2" not in (repo / "manifests/cps.json").read_bytes()


def test_a_stage_of_another_repo_did_not_run_here(tmp_path: Path) -> None:
    """``dvc import``: a file of a stage, and a raw input; the other repo's commit is recorded."""
    other = cps_repo(tmp_path / "other")
    run("dvc", "repro", "-q", "build", cwd=other)
    write(other, "more/raw.csv", "6\n")
    run("dvc", "add", "-q", "more/raw.csv", cwd=other)
    run("git", "add", "-A", cwd=other)
    run("git", "commit", "-qm", "data", cwd=other)
    head = run("git", "rev-parse", "HEAD", cwd=other).stdout.strip()
    root = new_repo(tmp_path / "repo")
    (root / "data").mkdir()
    run("dvc", "import", "-q", str(other), "data/cps.parquet", "-o", "data/cps.parquet", cwd=root)
    run("dvc", "import", "-q", str(other), "more/raw.csv", "-o", "raw.txt", cwd=root)
    write(root, "build.py", BUILD)
    (root / "dvc.yaml").write_text(
        "stages:\n  build:\n    cmd: python build.py data/own.parquet\n"
        "    deps: [build.py, raw.txt]\n    outs: [data/own.parquet]\n"
        + declared()
        + declared("data/own.parquet").replace("artifacts:\n", "").replace("  cps:", "  own:")
    )
    run("dvc", "repro", "-q", "build", cwd=root)
    data = (root / "data/own.parquet").read_bytes()
    if data == (root / "data/cps.parquet").read_bytes():  # the same table, of both repos
        (root / "dvc.yaml").write_text(
            (root / "dvc.yaml").read_text().replace("own.parquet\n", "own.parquet 7\n", 1)
        )
        run("dvc", "repro", "-q", "build", cwd=root)
    write_manifests(root)
    imported, own = manifest_of(root).inputs, manifest_of(root, "own").inputs
    assert imported.source is not None
    assert (imported.source.url, imported.source.revision) == ("other", head)
    assert (imported.source.path, imported.python_version) == ("data/cps.parquet", None)
    (raw,) = own.raw_inputs
    assert raw.source is not None
    assert (raw.name, raw.source.revision, raw.source.path) == ("raw.txt", head, "more/raw.csv")
    assert own.python_version is not None


GRAPH = """\
stages:
  clean:
    foreach: [a, b]
    do:
      cmd: cp ../raw/${item}.csv ${item}.csv
      deps: ["../raw/${item}.csv"]
      outs: ["${item}.csv"]
  join:
    matrix: {part: [a, b]}
    cmd: cat ${item.part}.csv ../lib.py > ${item.part}.txt
    deps: ["${item.part}.csv", ../lib.py]
    outs: ["${item.part}.txt"]
"""


def test_raw_inputs_through_several_pipelines_and_generated_stages(tmp_path: Path) -> None:
    root = new_repo(tmp_path / "repo")
    for name in ("a", "b", "unused"):
        write(root, f"raw/{name}.csv", f"{name}\n")
    run("dvc", "add", "-q", "raw/a.csv", "raw/b.csv", "raw/unused.csv", cwd=root)
    write(root, "lib.py", "x = 1\n")
    write(root, "steps/dvc.yaml", GRAPH)
    write(root, "final/build.py", BUILD.replace('"raw.txt"', '"../steps/count.txt"'))
    write(root, "steps/count.txt", "6\n")
    (root / "final/dvc.yaml").write_text(
        "stages:\n  build:\n    cmd: python build.py cps.parquet\n"
        "    deps: [build.py, ../steps/a.txt, ../steps/b.txt]\n    outs: [cps.parquet]\n"
        + declared("cps.parquet")
    )
    run("dvc", "repro", "-q", "-R", ".", cwd=root)
    write_manifests(root)
    inputs = manifest_of(root).inputs
    assert [f.name for f in inputs.raw_inputs] == ["raw/a.csv", "raw/b.csv"]
    assert [f.name for f in inputs.code] == ["final/build.py", "lib.py"]
    assert inputs.unknown == ()


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    root = cps_repo(tmp_path / "repo")
    run("dvc", "repro", cwd=root)
    run("git", "add", "-A", cwd=root)
    run("git", "commit", "-qm", "data", cwd=root)
    return root


def rebuild(root: Path) -> Manifest:
    run("dvc", "repro", cwd=root)
    return manifest_of(root)


def test_the_documented_order_is_no_changed_tree(pipeline: Path) -> None:
    """Edit, ``dvc repro``, commit: what changed is recorded by its sha256."""
    (pipeline / "build.py").write_text(BUILD.replace("1.5", "2.5"))
    write(pipeline, "params.yaml", "seed: 8\n")
    (pipeline / "dvc.yaml").write_text(pipeline_of().replace("vintage: cps_asec_2014", "kind: x"))
    (pipeline / "dvc.yaml").write_text(pipeline_of())
    manifest = rebuild(pipeline)
    assert manifest.build.git_dirty is False
    code = hashlib.sha256((pipeline / "build.py").read_bytes()).hexdigest()
    assert manifest.inputs.code[0].sha256 == code


def test_a_changed_file_that_no_stage_declares_is_a_changed_tree(pipeline: Path) -> None:
    write(pipeline, "helpers.py", "RATE = 1\n")
    (pipeline / "build.py").write_text(BUILD.replace("1.5", "2.5"))
    assert rebuild(pipeline).build.git_dirty is True


def test_a_clean_tree_whose_files_were_only_touched_is_clean(pipeline: Path) -> None:
    write(pipeline, "notes.txt", "notes\n")
    run("git", "add", "-A", cwd=pipeline)
    run("git", "commit", "-qm", "notes", cwd=pipeline)
    write(pipeline, "notes.txt", "other\n")
    write(pipeline, "notes.txt", "notes\n")
    (pipeline / "build.py").write_text(BUILD.replace("1.5", "2.5"))
    assert rebuild(pipeline).build.git_dirty is False


def test_code_that_changed_after_the_build_is_not_what_built_it(pipeline: Path) -> None:
    (pipeline / "build.py").write_text(BUILD.replace("1.5", "2.5"))
    run("dvc", "repro", "build", cwd=pipeline)
    (pipeline / "build.py").write_text(BUILD.replace("1.5", "3.5"))
    write_manifests(pipeline)
    inputs = manifest_of(pipeline).inputs
    assert [f.name for f in inputs.code] == []
    (unknown,) = inputs.unknown
    assert unknown.fields == ("code",)
    assert unknown.reason == "changed since the stage that read it ran: build.py"


def test_what_a_stage_reads_from_afar_is_not_known(
    pipeline: Path, tmp_path: Path, web: str
) -> None:
    (tmp_path / "web/x.csv").write_text("6")
    text = pipeline_of().replace("deps: [build.py, raw.txt]", "deps: [build.py, raw.txt, URL]")
    address = f"http://{web}/x.csv?api_key=abc"
    (pipeline / "dvc.yaml").write_text(text.replace("URL", f"'{address}'"))
    (pipeline / "build.py").write_text(BUILD.replace("1.5", "2.5"))
    (unknown,) = rebuild(pipeline).inputs.unknown
    assert unknown.fields == ("raw_inputs",)
    assert unknown.reason.endswith(f"http://{web}/x.csv?api_key=redacted")


def test_an_environment_that_is_not_locked_blocks_new_manifests_only(pipeline: Path) -> None:
    lock = '[[package]]\nname = "pyarrow"\nversion = "1.0"\nsource = { registry = "x" }\n'
    write(pipeline, "uv.lock", lock)
    with (pipeline / "pyproject.toml").open("a") as file:
        file.write('model_package = "pyarrow"\nlockfile = "uv.lock"\n')
    assert [w.change for w in write_manifests(pipeline)] == ["unchanged"]
    (pipeline / "build.py").write_text(BUILD.replace("1.5", "2.5"))
    run("dvc", "repro", "build", cwd=pipeline)
    with pytest.raises(FormatError, match=r"pins 1\.0 of pyarrow, and .* is installed"):
        write_manifests(pipeline)
    with (pipeline / "pyproject.toml").open("a") as file:
        file.write('[tool.pe_dvc.unlocked]\npyarrow = "a test"\n')
    write_manifests(pipeline)
    package = manifest_of(pipeline).inputs.model_package
    assert package is not None
    assert (package.locked_version, package.unlocked_reason) == ("1.0", "a test")


@pytest.mark.parametrize("editable", [True, False])
def test_the_commit_of_a_model_that_is_installed_from_a_folder_is_not_known(
    pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, editable: bool
) -> None:
    metadata = tmp_path / "site/country_model-2.1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: country-model\nVersion: 2.1\n")
    direct = {"url": "file:///src", "dir_info": {"editable": editable}}
    (metadata / "direct_url.json").write_text(json.dumps(direct))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    with (pipeline / "pyproject.toml").open("a") as file:
        file.write('model_package = "country-model"\n')
    (pipeline / "build.py").write_text(BUILD.replace("1.5", "2.5"))
    (unknown,) = rebuild(pipeline).inputs.unknown
    assert unknown.fields == ("model_package.git_sha",)
    how = ", editable," if editable else ""
    assert unknown.reason == (
        f"country-model was installed from a folder{how} whose commit is not recorded"
    )
