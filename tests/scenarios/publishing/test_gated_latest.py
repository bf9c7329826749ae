"""``[tool.pe_dvc.channel] latest = "gated"``: a build that fails its gates is nobody's latest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.stories import build, digest, latest

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.either_store

NAME = "enhanced_cps_2024"


def gated(sandbox: Sandbox) -> None:
    with (sandbox.repo / "pyproject.toml").open("a") as settings:
        settings.write('[tool.pe_dvc.channel]\nlatest = "gated"\n')
    declared = (sandbox.repo / "dvc.yaml").read_text()
    gates = "        gates: {rows: 0.05, totals: {household_weight: 0.05}}\n"
    vintage = "        vintage: cps_asec_2024\n"
    sandbox.write("dvc.yaml", declared.replace(vintage, vintage + gates))
    sandbox.commit("Gates")


def lose_rows(sandbox: Sandbox, rows: int) -> None:
    text = (sandbox.repo / "build.py").read_text()
    sandbox.write("build.py", re.sub(r"rows = \d+", f"rows = {rows}", text))


def test_a_build_that_fails_moves_no_pointer_and_one_that_passes_does(sandbox: Sandbox) -> None:
    sandbox.trust()
    gated(sandbox)
    build(sandbox, 8)
    sandbox.pe_dvc("push")
    good = digest(sandbox)
    version = latest(sandbox)[1]
    signed = (sandbox.repo / "channels/us/latest.json").read_bytes()
    assert b'"household_weight"' in signed, "the totals are signed: what is next compares with them"

    lose_rows(sandbox, 900)
    refused = sandbox.run("dvc", "repro", code=255).stderr
    compared = f"latest stays as it was (compared with latest {version} as published)"
    assert compared in refused
    assert f"{NAME}: gate rows of household: 900; expected 950 to 1,050" in refused
    assert f"{NAME}: gate totals of household_weight" in refused
    assert (sandbox.repo / "channels/us/latest.json").read_bytes() == signed
    alone = sandbox.pe_dvc("channel", "update", "latest", code=1).stderr
    assert compared in alone

    lose_rows(sandbox, 980)
    said = sandbox.run("dvc", "repro").stderr
    assert f"gates passed, compared with latest {version} as published" in said
    sandbox.commit("A little smaller")
    sandbox.pe_dvc("push")
    assert latest(sandbox) == (digest(sandbox), version + 1)
    assert digest(sandbox) != good


def test_offline_it_compares_with_what_git_holds_and_says_so(built: Sandbox) -> None:
    gated(built)
    build(built, 8)
    said = built.pe_dvc("channel", "update", "latest").stderr
    assert "gates passed, compared with nothing: no latest was published yet" in said
    lose_rows(built, 900)
    built.run("dvc", "repro", "--quiet", "build", "manifests")
    built.environment |= {"PE_DVC_STORE": "s3://nowhere", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    built.environment |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    refused = built.pe_dvc("channel", "update", "latest", code=1).stderr
    assert "as git holds it: the bucket cannot be read" in refused
    assert "gate rows of household: 900" in refused


def test_another_word_than_gated_is_an_error(built: Sandbox) -> None:
    with (built.repo / "pyproject.toml").open("a") as settings:
        settings.write('[tool.pe_dvc.channel]\nlatest = "guarded"\n')
    said = built.pe_dvc("channel", "update", "latest", code=1).stderr
    assert 'expected "gated"' in said
