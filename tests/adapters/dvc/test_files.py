"""Our reading of DVC's files is DVC's own: compared with its index, on repos it built."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pe_dvc.adapters.dvc.cache import read_dir_listing
from pe_dvc.adapters.dvc.files import DvcFiles
from pe_dvc.adapters.dvc.lineage import Lineage
from pe_dvc.adapters.dvc.templates import Template
from pe_dvc.adapters.dvc.yaml import read_yaml
from pe_dvc.adapters.work_tree import WorkTree
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.project.repo_files import read_dvc_files
from tests.support.commands import run
from tests.support.dvc_repos import new_repo, write
from tests.support.environment import own_home

if TYPE_CHECKING:
    from pathlib import Path

TOUCH = "import sys, pathlib\nfor p in sys.argv[1:]:\n"
TOUCH += "    pathlib.Path(p).parent.mkdir(parents=True, exist_ok=True)\n"
TOUCH += "    pathlib.Path(p).write_text(p)\n"

PIPELINE = """\
vars:
  - suffix: bin
  - years: {first: 2014}
stages:
  plain:
    cmd: python touch.py a.txt b.txt metrics.json plots.csv
    params: [seed, {other.yaml: null}]
    outs:
      - a.txt
      - b.txt: {push: false, remote: elsewhere, persist: true, desc: the second}
    metrics:
      - metrics.json: {cache: false}
    plots:
      - plots.csv: {cache: false, x: year}
  each:
    foreach: [AL, NO, no, 1e3, 010, true]
    do:
      cmd: python touch.py states/${item}.${suffix}
      deps: [a.txt]
      outs: ["states/${item}.${suffix}": {cache: false}]
  dict:
    foreach: {x: {n: 1}, y: {n: 2}}
    do:
      cmd: python touch.py dict/${key}-${item.n}.txt
      outs: ["dict/${key}-${item.n}.txt"]
  table:
    matrix: {model: [m1, m2], year: [2014, 2015], deep: [{k: v}]}
    cmd: python touch.py m/${item.model}/${item.year}-${item.deep.k}.txt
    deps: [states]
    outs: ["m/${item.model}/${item.year}-${item.deep.k}.txt": {push: false}]
  list:
    foreach: ${states}
    do:
      cmd: python touch.py listed/${item.code}.txt
      outs: ["listed/${item.code}.txt"]
  templated:
    cmd: python touch.py data/${years.first}/x data/${years.first}/y/z
    wdir: .
    deps: [added.txt]
    outs: ["data/${years.first}": {persist: true}]
  moved:
    cmd: python ../touch.py out.txt
    wdir: work
    deps: [../data/2014/y/z, ../a.txt]
    outs: [out.txt]
"""
NESTED = """\
stages:
  inner:
    cmd: python ../touch.py here.txt
    deps: [../work/out.txt, code]
    params: [depth]
    outs: [here.txt]
artifacts:
  inside:
    path: here.txt
    meta: {pe: {entities: {}}}
"""
INDEX = """\
import json, sys
from dvc.repo import Repo
with Repo(sys.argv[1]) as repo:
    print(json.dumps([
        [o.repo.fs.relpath(o.fs_path, repo.root_dir), o.hash_info.value, o.meta.size, o.meta.nfiles,
         o.use_cache, o.can_push, o.remote, o.persist, o.stage.addressing]
        for o in repo.index.outs
    ]))
"""


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in own_home(tmp_path_factory.mktemp("home")).items():
            patch.setenv(name, value)
        root = new_repo(tmp_path_factory.mktemp("dvc") / "repo")
        write(root, "touch.py", TOUCH)
        write(root, "params.yaml", "seed: 7\nstates: [{code: AL}, {code: WY}]\n")
        write(root, "other.yaml", "date: '2024-01-01'\nanswer: no\nrate: 1e-3\nmode: 010\n")
        write(root, "added.txt", "added")
        write(root, "folder/one", "1")
        write(root, "folder/deep/two", "2")
        write(root, "dvc.yaml", PIPELINE)
        write(root, "nested/dvc.yaml", NESTED)
        write(root, "nested/params.yaml", "depth: 3\n")
        write(root, "nested/code/x.py", "pass")
        (root / "work").mkdir()
        write(root, "ignored/dvc.yaml", "stages: [broken")
        write(root, ".gitignore", "/ignored\n")
        run("dvc", "add", "-q", "added.txt", "folder", cwd=root)
        run("dvc", "repro", "--all-pipelines", cwd=root)
    return root


def test_outputs_are_those_of_dvc_index(repo: Path) -> None:
    import json

    done = subprocess.run(
        [sys.executable, "-c", INDEX, str(repo)], capture_output=True, text=True, check=True
    )
    expected = {entry[0]: entry[1:8] for entry in json.loads(done.stdout.splitlines()[-1])}
    files = read_dvc_files(repo)
    found = {
        o.path: [o.md5, o.size, o.nfiles, o.cached, o.push, o.remote, o.persist]
        for o in files.outputs.values()
    }
    assert found == expected
    assert len(found) == 23
    assert {o.stage or o.dvcfile for o in files.outputs.values()} >= {
        "each@NO",
        "table@m1-2014-deep0",
        "nested/dvc.yaml:inner",
        "added.txt.dvc",
    }


def test_artifacts_of_nested_files_are_relative_to_the_repo(repo: Path) -> None:
    (artifact,) = read_dvc_files(repo).artifacts
    assert (artifact.name, artifact.path) == ("inside", "nested/here.txt")
    assert artifact.file == "nested/dvc.yaml"


def test_closure_follows_stages_directories_and_files(repo: Path) -> None:
    closure = Lineage(read_dvc_files(repo)).closure("nested/here.txt")
    assert closure.stages == ("moved", "nested/dvc.yaml:inner", "plain", "templated")
    assert [output.path for output in closure.raw] == ["a.txt", "added.txt"]
    assert closure.leaves == ("nested/code",)
    assert closure.params == {
        "nested/params.yaml": {"depth": 3},
        "other.yaml": {"answer": "no", "date": "2024-01-01", "mode": 10, "rate": 0.001},
        "params.yaml": {"seed": 7},
    }
    table = Lineage(read_dvc_files(repo)).closure("m/m1/2014-v.txt")
    assert len([s for s in table.stages if s.startswith("each@")]) == 6


def test_file_inside_a_tracked_directory(repo: Path) -> None:
    lineage = Lineage(read_dvc_files(repo))
    output = lineage.output_of("data/2014/y/z")
    assert output is not None
    assert (output.path, output.is_directory, output.nfiles) == ("data/2014", True, 2)
    listing = read_dir_listing(repo / ".dvc/cache", str(output.md5))
    assert [path for path, _ in listing] == ["x", "y/z"]
    assert lineage.closure("data/2014/y/z").stages == ("templated",)
    assert lineage.output_of("data/201") is None


def test_listing_missing_or_damaged(tmp_path: Path) -> None:
    md5 = "ab" * 16 + ".dir"
    with pytest.raises(NotFoundError, match=r"dir") as missing:
        read_dir_listing(tmp_path, md5)
    assert "dvc commit" in str(missing.value.remedy)
    write(tmp_path, f"files/md5/ab/{md5[2:]}", '[{"md5": 1}]')
    with pytest.raises(FormatError, match="not a directory listing"):
        read_dir_listing(tmp_path, md5)


def test_stages_gone_from_dvc_yaml_are_no_outputs(repo: Path, tmp_path: Path) -> None:
    for name in ("dvc.yaml", "dvc.lock"):
        write(tmp_path, name, (repo / name).read_text())
    text = PIPELINE.replace("[AL, NO, no, 1e3, 010, true]", "[AL]").replace("  plain:", "  other:")
    write(tmp_path, "dvc.yaml", text)
    files = DvcFiles.read(WorkTree(tmp_path))
    assert "states/AL.bin" in files.outputs
    assert not {"states/NO.bin", "a.txt"} & set(files.outputs)
    assert files.unfinished_stage("a.txt") == "other"
    assert files.unfinished_stage("elsewhere") is None


def test_imports_are_not_pushed_and_old_entries_are_marked(tmp_path: Path) -> None:
    md5 = "0" * 32
    write(
        tmp_path,
        "import.dvc",
        f"deps:\n- path: x\n  repo: {{url: u, rev_lock: r}}\n"
        f"outs:\n- {{md5: '{md5}', size: 1, hash: md5, path: x}}\n",
    )
    write(tmp_path, "old.dvc", f"wdir: sub\nouts:\n- {{md5: '{md5}', path: y, cache: false}}\n")
    files = DvcFiles.read(WorkTree(tmp_path))
    assert (files.outputs["x"].push, files.outputs["x"].legacy) == (False, False)
    old = files.outputs["sub/y"]
    assert (old.legacy, old.cached, old.dvcfile) == (True, False, "old.dvc")


BROKEN = {
    "dvc.yaml that is no YAML": ("dvc.yaml", "stages: [", "dvc.yaml"),
    "stage that is no mapping": ("dvc.yaml", "stages: {a: 1}", "dvc.yaml: stages.a"),
    "templated wdir": (
        "dvc.yaml",
        "stages: {a: {cmd: x, wdir: '${d}'}}",
        "dvc.yaml: stages.a.wdir",
    ),
    "templated dataset": (
        "dvc.yaml",
        "artifacts: {a: {path: '${d}/x.parquet', meta: {pe: {}}}}",
        "dvc.yaml: artifacts.a.path",
    ),
    "artifact without a path": ("dvc.yaml", "artifacts: {a: {type: m}}", "artifacts.a"),
    "dvc file without paths": ("a.dvc", "outs: [{md5: x}]", "a.dvc"),
    "foreach of nothing": ("dvc.yaml", "stages: {a: {foreach: 3, do: {cmd: x}}}", "stages.a"),
    "matrix that is no mapping": ("dvc.yaml", "stages: {a: {matrix: 3, cmd: x}}", "stages.a"),
    "outs that are no list": ("dvc.yaml", "stages: {a: {outs: 3, cmd: x}}", "stages.a"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files(tmp_path: Path, case: str) -> None:
    name, text, where = BROKEN[case]
    write(tmp_path, name, text)
    with pytest.raises(FormatError) as caught:
        DvcFiles.read(WorkTree(tmp_path))
    assert where in caught.value.message
    assert caught.value.remedy


def test_broken_lock(tmp_path: Path) -> None:
    write(tmp_path, "dvc.yaml", "stages: {a: {cmd: x, outs: [y]}}")
    write(tmp_path, "dvc.lock", "schema: '2.0'\nstages: {a: {outs: [{md5: x}]}}")
    with pytest.raises(FormatError, match=r"dvc\.lock.*stage a") as caught:
        DvcFiles.read(WorkTree(tmp_path))
    assert "dvc repro" in str(caught.value.remedy)


_SCALARS = """
no yes on off y n ~ null true False 010 0o17 0x1F 1_000 1e3 1.5e-3 .5 5. - + . .. 12:30:00
.inf -.INF .nan 0 -0 +1 2024 1.2.3 << 0b1 00 08 1e e5 'x' NO 1__0 -0x1f .5e3 .5e+3
"""

_scalars = st.one_of(
    st.sampled_from(_SCALARS.split()),
    st.integers().map(str),
    st.floats(allow_nan=False).map(repr),
    st.from_regex(r"[0-9a-fx.eE+_:-]{1,12}", fullmatch=True),
)


@settings(deadline=None)
@given(_scalars)
def test_scalars_are_read_as_dvc_reads_them(tmp_path_factory: Any, text: str) -> None:
    from dvc.utils.serialize import ParseError, parse_yaml

    path = tmp_path_factory.getbasetemp() / "scalar.yaml"
    path.write_text(f"a: {text}\n")
    try:
        expected = parse_yaml(path.read_text(), str(path))["a"]
    except (ParseError, ValueError, TypeError):
        return
    if not isinstance(expected, (str, int, float, type(None))):
        expected = text
    found = read_yaml(path.read_bytes(), "scalar.yaml")["a"]
    assert repr(found) == repr(expected)


_literals = st.text(st.characters(codec="utf-8", exclude_characters="$\\{}"), max_size=8)


@given(st.lists(st.tuples(_literals, _literals), min_size=1, max_size=4))
def test_template_matches_what_it_becomes(parts: list[tuple[str, str]]) -> None:
    template = "".join(f"{literal}${{item.x}}" for literal, _ in parts)
    resolved = "".join(f"{literal}{value}" for literal, value in parts)
    found = Template.of(template)
    assert found.fits(resolved)
    literal = parts[0][0]
    if literal and not resolved.startswith(f"x{literal}"):
        assert not found.fits(f"\x00{resolved[1:]}") or literal[0] == "\x00"


@given(_literals)
def test_path_without_template_matches_itself_only(literal: str) -> None:
    assert Template.of(literal).fits(literal)
    assert not Template.of(literal).fits(literal + "x")
    assert Template.of("\\${" + literal).fits("${" + literal)
