"""A data repo on Google Cloud Storage: pushes, readers, plain DVC, gc, and two who push at once."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import StorePermissionError
from pe_dvc.project.stores import open_store
from tests.support.sandbox import Sandbox
from tests.support.stories import NAME, Person, build, digest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.google_server import GoogleServer

LARGE = 30 * 1024 * 1024
NOW = ("--grace-days", "0")


@pytest.fixture
def google(tmp_path: Path, google_server: GoogleServer, sandbox_template: Sandbox) -> Sandbox:
    """Return a built sandbox whose bucket is Google's, still empty."""
    options = google_server.options(tmp_path)
    made = Sandbox(tmp_path, f"gs://{google_server.new_bucket()}", options)
    # Else gcsfs first asks by gRPC what kind of bucket it is, for a minute.
    made.environment["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"
    made.start_from(sandbox_template)
    return made


def clone_of(google: Sandbox) -> Path:
    clone = google.directory / "clone"
    google.run("git", "clone", "--quiet", str(google.repo), str(clone), cwd=google.directory)
    google.configure_remote(clone)
    return clone


def test_a_data_repo_lives_on_google(google: Sandbox) -> None:
    google.trust()
    google.pe_dvc("push")
    second = build(google, 11)
    google.pe_dvc("push")
    assert google.json("show", f"us/{NAME}@latest")["manifest"]["artifact"]["sha256"] == second

    google.run("git", "checkout", "--quiet", "-b", "trial")
    (google.repo / "large.bin").write_bytes(os.urandom(LARGE))
    google.run("dvc", "add", "--quiet", "large.bin")
    google.commit("Try something")
    google.pe_dvc("push")
    clone = clone_of(google)
    google.run("dvc", "pull", "--quiet", cwd=clone)
    for path in ("large.bin", f"data/{NAME}.parquet"):
        assert (clone / path).read_bytes() == (google.repo / path).read_bytes()
    google.run("git", "checkout", "--quiet", "-")
    google.run("git", "branch", "--quiet", "-D", "trial")

    done = google.json("gc", "--apply", *NOW)
    assert [one["size"] for one in done["plan"]["remove"]] == [LARGE]
    assert done["removed"] == 1
    assert google.json("fsck")["ok"]
    assert google.json("channel", "log", "latest")["broken"] is None
    google.pe_dvc("get", f"us/{NAME}@latest")


def test_of_two_who_push_to_google_at_once_nothing_is_lost(google: Sandbox) -> None:
    google.pe_dvc("push")
    people = [Person(google, name) for name in ("ann", "ben")]
    for seed, person in enumerate(people, 20):
        person.git("config", "push.default", "current")
        person.build(seed)
    built = {person.artifact() for person in people}
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda one: google.pe_dvc("push", cwd=one.clone, code=None), people))
    assert 0 in {one.returncode for one in done}
    for lost in done:
        assert lost.returncode == 0 or "another publisher" in lost.stderr, lost.stderr
    winner = people[[one.returncode for one in done].index(0)]
    shown = google.json("show", f"us/{NAME}@latest", cwd=winner.clone)
    assert shown["manifest"]["artifact"]["sha256"] in built - {digest(google)}
    assert google.json("fsck", cwd=winner.clone)["ok"]


@pytest.mark.parametrize("google_auth", ["installed", "missing"])
@pytest.mark.parametrize("public", [True, False])
def test_a_public_bucket_is_read_without_a_login(
    google_server: GoogleServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    google_auth: str,
    public: bool,
) -> None:
    """Nobody's credentials are asked for a bucket that everybody may read."""
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    bucket = google_server.new_bucket()
    open_store(f"gs://{bucket}", options=google_server.options(tmp_path)).create("us/a", b"1")
    google_server.authorizations.clear()
    if google_auth == "missing":  # as where only what readers need is installed
        monkeypatch.setitem(sys.modules, "google.auth", None)
    if public:
        google_server.public.add(bucket)
    store = open_store(f"gs://{bucket}", options={"endpointurl": google_server.endpoint})
    if public:
        assert store.read("us/a", limit=1)[0] == b"1"
        assert [info.key for info in store.list("us")] == ["us/a"]
    else:
        with pytest.raises(StorePermissionError, match="refused"):
            store.read("us/a", limit=1)
    with pytest.raises(StorePermissionError, match="refused"):
        store.create("us/b", b"1")
    assert set(google_server.authorizations) == {""}
