"""templates/witness, and what docs/witnesses.md shows: the witness reads it as it stands."""

from __future__ import annotations

import re
import shlex

import click

from pe_dvc.adapters.dvc.yaml import read_yaml
from pe_dvc.cli.main import cli
from pe_dvc.witness.settings import parse_settings
from tests.support.paths import ROOT

TEMPLATES = ROOT / "templates/witness"
PAGE = (ROOT / "docs/witnesses.md").read_text()


def test_the_settings_are_read() -> None:
    (log,) = parse_settings((TEMPLATES / "witness.toml").read_bytes(), where="witness.toml").logs
    assert (log.origin, log.country) == ("pe-dvc/us", "us")
    whole = re.search(r"cat > witness\.toml <<'EOF'\n(.*?)EOF", PAGE, re.DOTALL)
    more = re.findall(r"```toml\n(\[\[logs\]\].*?)```", PAGE, re.DOTALL)
    assert whole
    settings = parse_settings("\n".join([whole[1], *more]).encode(), where="docs")
    assert [one.origin for one in settings.logs] == ["pe-dvc/us"]


def test_the_workflow_runs_commands_that_there_are() -> None:
    path = TEMPLATES / "witness.yml"
    (job,) = read_yaml(path.read_bytes(), path.name)["jobs"].values()
    lines = [line for step in job["steps"] for line in step.get("run", "").splitlines()]
    (line,) = [line.split(" || ")[0].strip() for line in lines if "pe-dvc " in line]
    words = shlex.split(line)[1:]
    group = cli.get_command(click.Context(cli), words[0])
    assert isinstance(group, click.Group)
    context = group.commands[words[1]].make_context(words[1], words[2:])
    assert str(context.params["key"]) == "$RUNNER_TEMP/witness.pem"
