"""Fuzz targets: the files of a clone that somebody wrote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from pe_dvc.adapters.dvc.config import read_config
from pe_dvc.adapters.dvc.files import DvcFiles
from pe_dvc.adapters.dvc.lineage import Lineage
from pe_dvc.adapters.dvc.yaml import read_yaml
from pe_dvc.adapters.lockfiles import fitting_wheel, locked_packages
from pe_dvc.documents.declaration import read_declarations
from pe_dvc.documents.repo_tree import RepoTree
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.primitives.redact import redact_params
from pe_dvc.project.settings import parse_settings
from tests.support.fuzzing import edited, fuzz, hostile, mutated, said

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = {
    "vars": [{"suffix": "bin"}],
    "stages": {
        "build": {
            "cmd": "python build.py",
            "wdir": "src",
            "deps": ["build.py", "../data/raw.csv"],
            "params": ["seed", {"other.yaml": None}],
            "outs": ["../data/cps.parquet", {"b.${suffix}": {"cache": False, "persist": True}}],
            "metrics": [{"metrics.json": {"cache": False}}],
        },
        "each": {"foreach": ["a", "b"], "do": {"cmd": "x", "outs": ["${item}.txt"]}},
        "grid": {"matrix": {"x": [1, 2], "y": [{"a": 1}]}, "cmd": "x", "outs": ["g.txt"]},
    },
    "artifacts": {
        "cps_2024": {
            "path": "data/cps.parquet",
            "type": "dataset",
            "meta": {
                "pe": {
                    "entities": {
                        "person": {"key": "person_id", "references": {"household": "hh_id"}},
                        "household": {"key": "hh_id"},
                    },
                    "rows": "person",
                    "weight": "weight",
                    "columns": {"age": "person"},
                    "gates": {"rows": 0.1, "totals": {"income": 0.05}, "columns": {"removed": []}},
                }
            },
        }
    },
}
MD5 = "0" * 32
LOCK = {
    "schema": "2.0",
    "stages": {
        "build": {
            "cmd": "python build.py",
            "deps": [{"path": "../data/raw.csv", "hash": "md5", "md5": MD5, "size": 5}],
            "params": {"params.yaml": {"seed": 1, "api_key": "x"}},
            "outs": [
                {"path": "../data/cps.parquet", "hash": "md5", "md5": MD5, "size": 5},
                {"path": "b.bin", "hash": "md5", "md5": f"{MD5}.dir", "size": 5, "nfiles": 2},
            ],
        },
        "each@a": {"cmd": "x", "outs": [{"path": "a.txt", "hash": "md5", "md5": MD5}]},
        "grid@1-y0": {"cmd": "x", "outs": [{"path": "g.txt", "hash": "md5", "md5": MD5}]},
    },
}
TRACKED = {
    "outs": [{"md5": MD5, "size": 5, "hash": "md5", "path": "raw.csv", "push": False}],
    "deps": [{"path": "x", "repo": {"url": "https://example.org/x", "rev_lock": MD5}}],
    "wdir": "data",
}
DOCUMENTS = tuple(json.dumps(value, indent=1).encode() for value in (PIPELINE, LOCK, TRACKED))
BLOCK = b"""\
stages:
  build: &build
    cmd: python build.py
    outs:
    - data/cps.parquet:
        cache: false
  other:
    <<: *build
    deps: [a, b]
artifacts:
  cps: {path: data/cps.parquet, meta: {pe: {entities: {person: {key: id}}}}}
"""


class _Files(RepoTree):
    def __init__(self, files: dict[str, bytes]) -> None:
        self.contents = files

    def read(self, path: str) -> bytes:
        if path not in self.contents:
            raise NotFoundError(path)
        return self.contents[path]

    def has(self, path: str) -> bool:
        return path in self.contents

    def entries(self, folder: str) -> tuple[list[str], list[str]]:
        return (sorted(self.contents), []) if not folder else ([], [])

    def where(self, path: str) -> str:
        return path


def test_yaml() -> None:
    def target(data: bytes) -> None:
        value = read_yaml(data, "dvc.yaml")
        repr(value)
        redact_params({str(name): held for name, held in value.items()})

    fuzz(target, hostile(*DOCUMENTS) | edited([BLOCK]))


def test_dvc_files() -> None:
    def target(found: tuple[bytes, bytes, bytes]) -> None:
        names = ("dvc.yaml", "dvc.lock", "raw.csv.dvc")
        files = DvcFiles.read(_Files(dict(zip(names, found, strict=True))))
        lineage = Lineage(files)
        for path, output in files.outputs.items():
            assert isinstance(path, str)
            assert output.size is None or output.size >= 0
            assert isinstance(output.is_directory, bool)
            lineage.closure(path)
            files.unfinished_stage(path)
        for declaration in read_declarations(files.artifacts, country="us"):
            assert lineage.output_of(declaration.path) is None or declaration.rows != ""

    true = [st.just(document) for document in DOCUMENTS]
    wrong = [mutated([document]) | edited([document]) for document in DOCUMENTS]
    fuzz(
        target,
        st.tuples(wrong[0], true[1], true[2])
        | st.tuples(true[0], wrong[1], true[2])
        | st.tuples(true[0], true[1], wrong[2]),
    )


SETTINGS = b"""\
[project]
name = "us-data"

[tool.pe_dvc]
country = "us"
store = "s3://policyengine-data"
contact = 'data@policyengine.org'
model_package = "policyengine-us"
lockfile = "uv.lock"
allowed_params = ["params.yaml:a.api_key"]

[tool.pe_dvc.calibration]
snapshot_id = "2024-1"
path = "targets.csv"

[tool.pe_dvc.signers]
latest = ["file:~/keys/latest.pem"]

[tool.pe_dvc.release]
data_package = "policyengine-us-data"
repo_id = "policyengine/us-data"
default_datasets = {national = "cps_2024"}
compatible_model_packages = [{name = "policyengine-us", specifier = ">=1.690,<2"}]
[tool.pe_dvc.release.region_datasets.state]
path_template = "states/{state_code}.h5"
[[tool.pe_dvc.release.preservation_mirrors]]
kind = "zenodo"
url = "https://zenodo.org/records/1/files/{path}"
"""


def test_settings() -> None:
    def target(data: bytes) -> None:
        settings = parse_settings(data, where="pyproject.toml")
        assert settings.country
        _ = settings.release_settings

    fuzz(target, edited([SETTINGS]))


LOCKS = (
    b'version = 1\n[[package]]\nname = "m"\nversion = "1.2"\n'
    b'wheels = [{ url = "https://x/m-1.2-py3-none-any.whl", hash = "sha256:'
    + b"a" * 64
    + b'" }]\n',
    b'lock-version = "1.0"\n[[packages]]\nname = "m"\nversion = "1.2"\n'
    b'[[packages.wheels]]\nname = "m-1.2-py3-none-any.whl"\nhashes = {sha256 = "'
    + b"a" * 64
    + b'"}\n',
    b'[[package]]\nname = "m"\nversion = "1"\nfiles = [{file = "m-1.tar.gz", hash = "sha256:'
    + b"a" * 64
    + b'"}]\n[package.source]\ntype = "git"\nresolved_reference = "'
    + b"a" * 40
    + b'"\n',
    b"-e git+https://x/m@" + b"a" * 40 + b"#egg=m\nm @ https://x/m.whl#sha256=" + b"a" * 64,
    b"m[extra]==1.2 \\\n    --hash=sha256:" + b"a" * 64 + b"\nother == 3 ; python_version > '3'\n",
)


def test_lock_files(tmp_path: Path) -> None:
    def target(data: bytes) -> None:
        for name in ("uv.lock", "requirements.txt"):
            (tmp_path / name).write_bytes(data)
            for found in locked_packages(tmp_path / name, "m"):
                assert str(found)
                fitting_wheel(found.wheels)

    fuzz(target, edited(LOCKS))


CONFIG = b"""\
[core]
    remote = store
    autostage = true
['remote "store"']
    url = s3://policyengine-data/us
    endpointurl = "http://127.0.0.1:9000"  # a comment
['remote "other"']
    url = remote://store/below
[cache]
    dir = ../cache
    type = "reflink,copy"
    shared = group
"""


def test_dvc_configuration(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()

    def target(data: bytes) -> None:
        (tmp_path / ".dvc" / "config").write_bytes(data)
        config = read_config(tmp_path)
        for name in config.remotes:
            said(config.remote, name)

    fuzz(target, edited([CONFIG]))
