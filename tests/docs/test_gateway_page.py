"""docs/gateway.md and templates/gateway: what they show is what the gateway reads."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

import click
import pytest

from pe_dvc.adapters.dvc.yaml import read_yaml
from pe_dvc.cli.main import cli
from pe_dvc.documents.access import access_rules
from pe_dvc.gateway.answers import answer, slower
from pe_dvc.gateway.settings import parse_settings
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = (ROOT / "docs/gateway.md").read_text()
TEMPLATES = ROOT / "templates/gateway"


def blocks(kind: str) -> list[str]:
    found: list[str] = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    return found


def parsed(arguments: Sequence[str]) -> click.Context:
    """Parse the arguments of ``pe-dvc gateway serve``, and return the command's context."""
    assert list(arguments[:2]) == ["gateway", "serve"]
    group = cli.get_command(click.Context(cli), "gateway")
    assert isinstance(group, click.Group)
    command = group.commands["serve"]
    return command.make_context("serve", list(arguments[2:]))


def test_the_settings_are_read() -> None:
    (text,) = blocks("toml")
    settings = parse_settings(text.encode(), where="docs/gateway.md")
    assert settings.countries["uk"].store == "s3://policyengine-uk"
    assert settings.issuers[0].person_claim == "email"


def test_the_grants_are_read() -> None:
    grants, visas = blocks("yaml")
    rules = access_rules(read_yaml((grants + visas).encode(), "docs/gateway.md"))
    assert [one.id for one in rules.grants] == ["poverty-2026-1"]
    assert [one.id for one in rules.visas] == ["rems-frs"]


def test_the_service_starts_the_gateway() -> None:
    text = (TEMPLATES / "pe-dvc-gateway.service").read_text()
    (line,) = re.findall(r"^ExecStart=\S+/pe-dvc (.*)$", text, re.MULTILINE)
    assert parsed(shlex.split(line)).params["metrics_port"] == 9090


def test_the_container_starts_the_gateway() -> None:
    (line,) = re.findall(r"^CMD (\[.*\])$", (TEMPLATES / "Dockerfile").read_text(), re.MULTILINE)
    assert parsed(json.loads(line)[1:]).params["host"] == "0.0.0.0"


@pytest.mark.parametrize("wanted", ["proxy_buffering off;", "access_log off;", "proxy_cache off;"])
def test_the_proxy_keeps_nothing(wanted: str) -> None:
    assert wanted in (TEMPLATES / "nginx.conf").read_text()


def test_who_is_too_fast_is_told_how_long_to_wait() -> None:
    found = answer(slower(2.2))
    assert (found.status_code, found.headers["retry-after"]) == (429, "3")
