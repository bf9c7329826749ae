"""What ``pe-dvc channel promote`` says of its gates is so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner

from pe_dvc.cli.main import cli
from pe_dvc.public.channel import ChannelCommands
from pe_dvc.usecases.channel.promote import Judged, Promoted
from pe_dvc.usecases.channel.update import ChannelUpdate
from tests.support.factories import manifest_of, pointer_to

if TYPE_CHECKING:
    import pytest


def said(monkeypatch: pytest.MonkeyPatch, judged: Judged) -> str:
    """Return what the command says of a promotion."""
    update = ChannelUpdate(channel="next", changed=True, version=2, signed=True, missing=0)
    done = Promoted(judged=judged, update=update)
    monkeypatch.setattr(ChannelCommands, "promote", lambda *_, **__: done)
    arguments = ["channel", "promote", "latest", "next", "--override", "Revised"]
    return CliRunner().invoke(cli, arguments).output


def test_overridden_failures_are_not_counted_as_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = tuple(f"cps: gate {gate} failed" for gate in ("rows", "keys", "weights"))
    pointer = pointer_to(manifest_of(b"data"), "next")
    judged = Judged(
        pointers=(pointer,), checked=("acs", "cps"), overridden=failures, failed=("cps",)
    )
    lines = said(monkeypatch, judged).splitlines()
    assert lines[:2] == [
        "gates passed by 1 of 2 datasets",
        "gates FAILED for cps, nominated anyway: Revised",
    ]
    assert [line.strip() for line in lines[2:5]] == list(failures)


def test_no_gate_was_run(monkeypatch: pytest.MonkeyPatch) -> None:
    pointer = pointer_to(manifest_of(b"data"), "next")
    text = said(monkeypatch, Judged(pointers=(pointer,), checked=(), overridden=()))
    assert text.startswith("no gate was run: next has these datasets already\n")


def test_there_was_nothing_to_nominate(monkeypatch: pytest.MonkeyPatch) -> None:
    text = said(monkeypatch, Judged(pointers=(), checked=(), overridden=()))
    assert text.startswith("latest has no dataset\n")
