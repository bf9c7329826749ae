"""templates/witness, and what docs/witnesses.md shows: the witness reads it as it stands."""

from __future__ import annotations

import re
import shlex
from typing import Any

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
    assert str(parsed(line)["key"]) == "$RUNNER_TEMP/witness.pem"


def test_the_service_starts_the_witness_whose_records_it_may_write() -> None:
    text = (TEMPLATES / "pe-dvc-witness.service").read_text()
    (line,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert str(parsed(line)["config"]) == "/etc/pe-dvc/witness.toml"
    (folder,) = re.findall(r"^StateDirectory=(.*)$", text, re.MULTILINE)
    told = dict(re.findall(r'(key|state) = "(/[^"]*)"', text))
    shown = dict(re.findall(r'^(key|state) = "(/[^"]*)"', PAGE, re.MULTILINE))
    assert told == shown
    assert all(place.startswith(f"/var/lib/{folder}/") for place in told.values())


def parsed(line: str) -> dict[str, Any]:
    """Return the parameters of a command, as the command line reads them."""
    words = shlex.split(line)[1:]
    group = cli.get_command(click.Context(cli), words[0])
    assert isinstance(group, click.Group)
    return group.commands[words[1]].make_context(words[1], words[2:]).params
