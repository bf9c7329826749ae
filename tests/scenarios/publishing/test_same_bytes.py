"""The same bytes under several names: one payload, and a manifest for each name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.keys import manifest_key, parse_key
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import FormatError
from tests.support.commands import GIT_STATUS

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.either_store

NAMES = ("cps_2024", "enhanced_cps_2024")


def make_alike(sandbox: Sandbox) -> str:
    """Build both datasets of the same bytes, and publish them; return their sha256."""
    build = (sandbox.repo / "build.py").read_text()
    sandbox.write("build.py", build.replace("table.slice(0, 10)", "table"))
    sandbox.run("dvc", "repro")
    sandbox.commit("Both are the same")
    sandbox.pe_dvc("push")
    documents = [json.loads((sandbox.repo / f"manifests/{n}.json").read_text()) for n in NAMES]
    digests = {document["artifact"]["sha256"] for document in documents}
    assert len(digests) == 1
    assert [document["artifact"]["name"] for document in documents] == list(NAMES)
    return str(digests.pop())


def test_two_datasets_of_the_same_bytes_are_both_published(sandbox: Sandbox) -> None:
    sha256 = make_alike(sandbox)
    sandbox.pe_dvc("trust", "add", "us", "channels/us/root.json")
    for name in NAMES:
        for version in ("latest", f"sha256:{sha256}"):
            reference = f"us/{name}@{version}"
            shown = json.loads(sandbox.pe_dvc("show", "--json", reference).stdout)
            assert shown["manifest"]["artifact"]["name"] == name
            sandbox.pe_dvc("get", "--store", sandbox.store, reference, "-o", f"../got-{name}")
    assert "0 faults" in sandbox.pe_dvc("fsck").stdout + sandbox.pe_dvc("fsck").stderr
    sandbox.pe_dvc("verify")
    sandbox.pe_dvc("push")
    sandbox.pe_dvc("channel", "promote", "latest", "next")
    sandbox.commit("Nominate")
    sandbox.pe_dvc("push")
    sandbox.pe_dvc("gc")
    assert "0 faults" in sandbox.pe_dvc("fsck").stdout + sandbox.pe_dvc("fsck").stderr


def test_bytes_that_were_published_get_a_second_name_later(sandbox: Sandbox) -> None:
    sandbox.pe_dvc("push")
    sha256 = make_alike(sandbox)
    sandbox.pe_dvc("trust", "add", "us", "channels/us/root.json")
    for name in NAMES:
        shown = json.loads(sandbox.pe_dvc("show", "--json", f"us/{name}@latest").stdout)
        assert shown["manifest"]["artifact"]["sha256"] == sha256
    sandbox.pe_dvc("manifest", "adopt", NAMES[0])
    assert not sandbox.run(*GIT_STATUS).stdout, "adopting changed nothing"


def test_a_manifest_of_a_name_that_lacks_is_missed_and_the_other_stays(built: Sandbox) -> None:
    sha256 = Sha256(make_alike(built))
    plain = built.directory / "bucket" / manifest_key("us", sha256)
    first = plain.read_bytes()
    second = NAMES[1] if f'"{NAMES[0]}"'.encode() in first else NAMES[0]
    own = built.directory / "bucket" / manifest_key("us", sha256, second)
    before = own.read_bytes()
    own.unlink()
    said = built.pe_dvc("fsck", code=1)
    assert manifest_key("us", sha256, second) in said.stdout + said.stderr
    built.pe_dvc("fsck", "--repair")
    assert (plain.read_bytes(), own.read_bytes()) == (first, before)


def test_keys_of_names() -> None:
    sha256 = Sha256("ab" * 32)
    for name in ("cps", "states/AL", "a/b-c/d_e", "A" * 128):
        key = manifest_key("us", sha256, name)
        parsed = parse_key(key)
        assert parsed is not None
        assert (parsed.kind, parsed.digest) == ("manifest", sha256)
    assert manifest_key("us", sha256, "a/b") != manifest_key("us", sha256, "a_b")
    with pytest.raises(FormatError):
        manifest_key("us", sha256, "../x")
