"""Reviewers see what they sign: the draft on the branch, with its gates, overrides and signers."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.stories import NAME, build

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.either_store

GATES = "        country: us\n        gates: {rows: 0.01, totals: {household_weight: 0.5}}\n"


@pytest.fixture
def nominated(sandbox: Sandbox) -> Sandbox:
    """A first next is published; a second is drafted without a key, past a gate that failed."""
    sandbox.trust()
    sandbox.pe_dvc("channel", "promote", "latest", "next")
    sandbox.commit("Nominate")
    sandbox.pe_dvc("push")
    yaml = (sandbox.repo / "dvc.yaml").read_text()
    sandbox.write("dvc.yaml", yaml.replace("        country: us\n", GATES))
    script = (sandbox.repo / "build.py").read_text()
    sandbox.write("build.py", script.replace("rows = 1000", "rows = 1100"))
    build(sandbox, 8)
    sandbox.pe_dvc("push")
    draft(sandbox)
    return sandbox


def draft(sandbox: Sandbox) -> None:
    """Promote where no reviewer's key is, and commit."""
    key = sandbox.directory / "keys/us/next.pem"
    key.rename(sandbox.directory / "next.pem")
    refused = sandbox.pe_dvc("channel", "promote", "latest", "next", code=1).stderr
    assert "rows" in refused
    sandbox.pe_dvc("channel", "promote", "latest", "next", "--override", "A new wave")
    sandbox.commit("Nominate a new wave")
    (sandbox.directory / "next.pem").rename(key)


def test_sign_shows_pointers_gates_and_overrides_and_asks(nominated: Sandbox) -> None:
    before = (nominated.repo / "channels/us/next.json").read_bytes()
    refused = nominated.pe_dvc("channel", "sign", "next", code=2).stderr
    assert "next: changes against next 2" in refused
    assert f"~ {NAME}  sha256:" in refused
    assert "nominated although a gate failed: A new wave" in refused
    assert "failed when it was nominated: " in refused
    assert "gates: " in refused
    assert "0 of 1 signatures, 1 missing" in refused
    assert "pe-dvc channel sign next --yes" in refused
    assert (nominated.repo / "channels/us/next.json").read_bytes() == before

    signed = nominated.pe_dvc("channel", "sign", "next", "--yes")
    assert f"~ {NAME}" in signed.stderr
    assert "1 of 1 signatures" in signed.stdout


def test_show_and_diff_take_the_draft_of_the_branch(nominated: Sandbox) -> None:
    shown = nominated.pe_dvc("channel", "show", "next")
    assert "next 3 of this branch is a DRAFT" in shown.stderr
    assert "not signed by key" in shown.stderr
    published = nominated.pe_dvc("channel", "show", "next", "--published")
    assert "DRAFT" not in published.stderr
    assert published.stdout != shown.stdout
    assert nominated.json("channel", "diff", "latest", "next")["changed"] == []
    compared = nominated.pe_dvc("channel", "diff", "latest", "next", "--published")
    assert NAME in compared.stdout
    assert "DRAFT" not in compared.stderr
    without_clone = nominated.read("channel", "show", "next", "--country", "us")
    assert without_clone.stdout == published.stdout

    # Signed, and not pushed: still the branch's, and it says so. Pushed: everybody's.
    nominated.pe_dvc("channel", "sign", "next", "--yes")
    nominated.commit("Reviewed")
    said = nominated.pe_dvc("channel", "show", "next")
    assert "signed, and not published yet" in said.stderr
    assert "nothing but version and expiry" not in said.stderr, "it changes what readers see"
    assert "What it changes for readers: pe-dvc diff next:published next" in said.stderr
    nominated.pe_dvc("push")
    assert nominated.pe_dvc("channel", "show", "next").stderr == ""


def test_next_published_is_what_readers_see_on_the_branch_of_a_nomination(
    nominated: Sandbox,
) -> None:
    assert nominated.json("channel", "diff", "latest", "next")["changed"] == []
    assert "~" not in nominated.pe_dvc("diff", "latest", "next").stdout
    for command in (("channel", "diff"), ("diff",)):
        code = 1 if command == ("diff",) else 0
        changed = nominated.pe_dvc(*command, "next:published", "next", code=code)
        assert f"~ {NAME}" in changed.stdout
    one = nominated.pe_dvc("diff", f"{NAME}@next:published", f"{NAME}@next:2")
    assert "different" not in one.stdout
    shown = nominated.pe_dvc("channel", "show", "next:published")
    assert "DRAFT" not in shown.stderr
    assert shown.stdout == nominated.pe_dvc("channel", "show", "next", "--published").stdout
    refused = nominated.pe_dvc("channel", "show", "next:publishd", code=1).stderr
    assert "expected the form of latest:4 or next:published" in refused


def alter(sandbox: Sandbox, name: str, **fields: Any) -> bytes:
    """Change what the draft of next says of a dataset, as one could who may push to git."""
    path = sandbox.repo / "channels/us/next.json"
    draft = json.loads(path.read_bytes())
    target = draft["signed"]["targets"][f"us/next/{name}"]
    custom = target["custom"] | fields.pop("custom", {})
    target |= fields | {"custom": custom}
    path.write_text(json.dumps(draft))
    return path.read_bytes()


def test_a_draft_of_altered_totals_is_not_signed(nominated: Sandbox) -> None:
    altered = alter(nominated, NAME, custom={"totals": {"household_weight": "1"}})
    refused = nominated.pe_dvc("channel", "sign", "next", "--yes", code=1).stderr
    assert f"not what was nominated of {NAME}: its totals are not those of sha256:" in refused
    assert (nominated.repo / "channels/us/next.json").read_bytes() == altered


def test_a_draft_of_an_altered_size_is_not_signed_and_is_made_again(nominated: Sandbox) -> None:
    alter(nominated, "cps_2024", length=1)
    refused = nominated.pe_dvc("channel", "sign", "next", "--yes", code=1).stderr
    assert "not what was nominated of cps_2024: its bytes are not those of sha256:" in refused
    nominated.follow(refused, "to nominate it again:")
    said = nominated.pe_dvc("channel", "sign", "next", "--yes").stdout
    assert "1 of 1 signatures" in said


def test_a_person_is_asked_at_the_terminal(nominated: Sandbox) -> None:
    for answer, code in (("n", 1), ("y", 0)):
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            ["pe-dvc", "channel", "sign", "next"],
            cwd=nominated.repo,
            env=nominated.environment,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        time.sleep(0.1)
        os.write(ours, f"{answer}\n".encode())
        _, said = process.communicate(timeout=120)
        os.close(ours)
        os.close(theirs)
        assert b"Sign next 3? [y/N]" in said
        assert process.returncode == code, said


def test_without_a_key_sign_and_renew_fail_and_say_where_keys_are(built: Sandbox) -> None:
    (built.directory / "keys/us/next.pem").unlink()
    for command in (["sign", "next", "--yes"], ["sign", "next"], ["renew", "next"]):
        said = built.pe_dvc("channel", *command, code=1).stderr
        assert "this machine has none of the keys of next (1)" in said
        assert "PE_DVC_SIGNER_NEXT" in said
        assert str(built.directory / "keys/us") in said


def test_what_changed_while_it_was_shown_is_not_signed(built: Sandbox) -> None:
    program = (
        "import pe_dvc; repo = pe_dvc.Repo(); review = repo.channel.review('next');"
        "repo.channel.renew('next'); repo.channel.sign('next', shown=review.digest)"
    )
    said = built.run("python", "-c", program, code=None)
    assert "ConflictError" in said.stderr
    assert "was changed while it was shown" in said.stderr
