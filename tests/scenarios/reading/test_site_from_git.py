"""``pe-dvc site build --from git``: the same pages, of what a data repo has committed."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.sidecar_files import sidecar_file
from pe_dvc.documents.sidecar_refs import content_sidecars
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError, UntrustedError
from pe_dvc.project import directories
from pe_dvc.store.cache import Cache
from pe_dvc.trust.bucket_identity import place_name
from pe_dvc.trust.bucket_writer import bucket_of
from pe_dvc.usecases.publish.seen import read_back
from tests.support.commands import run
from tests.support.country import NAME, Country, reader_at
from tests.support.described import PROFILE, TWO_TABLES, codebook, statistics
from tests.support.release_history import History
from tests.support.site import Page, publish_described

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest

PAGE = f"us/datasets/{NAME}.html"
OTHER = "us/datasets/states/AL.html"


class Committed:
    """A data repo, whose channels are published, too; ``point`` commits what a channel has."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.root = directory, directory / "us-data"
        self.country = Country(directory / "country", LocalStore(directory / "bucket"))
        (self.root / ".dvc").mkdir(parents=True)
        remote = f"[core]\nremote = b\n['remote \"b\"']\nurl = {directory / 'bucket'}/us\n"
        (self.root / ".dvc/config").write_text(remote)
        (self.root / "pyproject.toml").write_text('[tool.pe_dvc]\ncountry = "us"\n')
        run("git", "init", "--quiet", cwd=self.root)
        self.commit()

    def point(self, *manifests: Manifest, channel: str = "latest", but: str = "") -> None:
        """Let a channel have these datasets; sidecars of the kind ``but`` are not committed."""
        self.country.point(channel, list(manifests))
        for manifest in manifests:
            file = f"manifests/{manifest.artifact.name}.json"
            self.write(file, manifest.to_bytes())
            for kind, named in content_sidecars(manifest).items():
                data, _ = self.country.store.read(named.key, limit=10**6)
                if kind != but:
                    self.write(sidecar_file(file, kind), data)
        self.commit()

    def commit(self) -> None:
        shutil.copytree(
            self.country.directory / "channels", self.root / "channels", dirs_exist_ok=True
        )
        run("git", "add", "--all", cwd=self.root)
        run("git", "commit", "--quiet", "--message", "Build", cwd=self.root)

    def write(self, path: str, data: bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def build(self, name: str = "site", source: Any = "git", **given: Any) -> dict[str, str]:
        """Return the files of a site, by their paths."""
        self.built = pe_dvc.build_site(self.directory / name, source=source, **given)
        place = self.built.directory
        files = (path for path in place.rglob("*") if path.is_file())
        return {path.relative_to(place).as_posix(): path.read_text() for path in files}

    def note_push(self) -> None:
        """Commit what `pe-dvc push` writes into ``seen/``."""
        store = self.country.store
        seen = read_back(bucket_of(store, self.country.signed.metadata), [place_name(store.url)])
        assert seen is not None
        self.write(f"channels/us/seen/{seen.file_name}", seen.to_bytes())
        self.commit()


@pytest.fixture
def committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Committed:
    reader_at(tmp_path / "reader", monkeypatch)
    made = Committed(tmp_path)
    monkeypatch.chdir(made.root)
    return made


def two_versions(committed: Committed) -> None:
    country = committed.country
    states = publish_described(country, b"states", TWO_TABLES, name="states/AL")
    committed.point(publish_described(country, b"first"), states)
    moved = json.loads(json.dumps(PROFILE))
    moved["tables"][0]["columns"]["employment_income"]["total"] = 7.0
    second = publish_described(country, b"second", profile=statistics(moved))
    committed.point(second, states)
    committed.point(second, channel="next")


def test_what_is_committed_gives_the_pages_of_the_bucket(committed: Committed) -> None:
    two_versions(committed)
    committed.note_push()
    bucket = committed.directory / "bucket"
    published = committed.build("one", "bucket", store=str(bucket))
    shutil.rmtree(bucket)
    shutil.rmtree(directories.cache_dir())
    found = committed.build("two")
    assert committed.built.lacking == committed.built.problems == {}
    assert found.keys() == published.keys()
    different = {path for path in found if found[path] != published[path]}
    assert different == {"index.html", "files.json"}
    assert json.loads(found["us/seen.json"]).keys() == {"timestamp", "snapshot"}
    said = "Read from git, not from the bucket"
    assert said in Page(found["index.html"]).text
    assert said not in Page(published["index.html"]).text


def test_another_clone_gives_the_same_bytes(
    committed: Committed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_versions(committed)
    one = committed.build("one")
    run("git", "clone", "--quiet", str(committed.root), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    (tmp_path / "clone/manifests" / f"{NAME}.json").write_text("not committed")
    assert committed.build("two") == one


@pytest.mark.parametrize("kind", ["codebook", "profile"])
def test_a_sidecar_that_git_lacks_is_said(committed: Committed, kind: str) -> None:
    manifest = publish_described(committed.country, b"first")
    committed.point(manifest, but=kind)
    text = Page(committed.build("one")[PAGE]).text
    said = f"git does not have its {kind}"
    assert said in text
    assert committed.built.lacking == {manifest.reference: said}
    assert committed.built.problems == {}
    named = content_sidecars(manifest)[kind]
    data, _ = committed.country.store.read(named.key, limit=10**6)
    Cache(directories.cache_dir()).keep_sidecar(named.sha256, data)
    assert said not in Page(committed.build("two")[PAGE]).text
    assert committed.built.lacking == {}


def test_figures_wait_for_the_codebook_that_may_say_that_data_are_gated(
    committed: Committed,
) -> None:
    gated = publish_described(committed.country, b"first", known=codebook(access="gated"))
    committed.point(gated, but="codebook")
    text = Page(committed.build()[PAGE]).text
    assert "the data are not public" in text
    assert "41.5" not in text


def test_the_command_says_what_git_lacks(committed: Committed) -> None:
    committed.point(publish_described(committed.country, b"first"), but="profile")
    done = run(
        "pe-dvc",
        "site",
        "build",
        "--from",
        "git",
        str(committed.directory / "site"),
        cwd=committed.root,
    )
    assert "is not shown whole: git does not have its profile" in done.stderr
    assert "sha256 of their list" in done.stderr


def test_a_manifest_that_was_not_signed_is_not_shown(committed: Committed) -> None:
    manifest = publish_described(committed.country, b"first")
    committed.country.point("latest", [manifest])
    invented = manifest.to_bytes().replace(b"imputed wealth", b"invented text!")
    committed.write(f"manifests/{NAME}.json", invented)
    committed.commit()
    page = committed.build()[PAGE]
    assert list(committed.built.problems) == [manifest.reference]
    assert "invented" not in page
    assert "git has no manifest of sha256:" in page


def test_a_version_that_waits_for_signatures_is_not_shown(committed: Committed) -> None:
    first = publish_described(committed.country, b"first")
    committed.point(first)
    committed.country.signed.point("latest", [])
    file = committed.country.directory / "channels/us/latest.json"
    draft = json.loads(file.read_text())
    file.write_text(json.dumps(draft | {"signatures": []}))
    committed.commit()
    files = committed.build()
    assert json.loads(files["api/v1/us/index.json"])["channels"]["latest"]["version"] == 2
    assert sha256_bytes(b"first") in files[PAGE]


def test_what_was_withdrawn_is_said_and_not_described(committed: Committed) -> None:
    manifest = publish_described(committed.country, b"first")
    committed.point(manifest)
    committed.country.revoke(manifest)
    committed.commit()
    files = committed.build()
    assert "its licence ended" in files[PAGE]
    assert "Employment income" not in files[PAGE]
    assert f"us/withdrawn/{sha256_bytes(b'first')}.html" in files


def test_a_shallow_clone_says_so(
    committed: Committed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_versions(committed)
    origin = f"file://{committed.root}"
    run("git", "clone", "--quiet", "--depth", "1", origin, str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    files = committed.build()
    assert "this clone of git is shallow" in files["index.html"]
    assert sha256_bytes(b"second") in files[PAGE]
    assert committed.built.problems == {}


def test_a_clone_of_another_root_than_the_pinned_one_is_refused(
    committed: Committed, tmp_path: Path
) -> None:
    two_versions(committed)
    other = Country(tmp_path / "other", LocalStore(tmp_path / "elsewhere"))
    other.trust(directories.config_dir())
    with pytest.raises(UntrustedError):
        committed.build()


def test_what_has_expired_is_shown_with_a_note(
    committed: Committed, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same commit gives the same pages, whenever they are built."""
    from datetime import UTC, datetime, timedelta

    two_versions(committed)
    before = committed.build("one")

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(UTC) + timedelta(days=1000)

    monkeypatch.setattr("pe_dvc.project.site_git.datetime", Later)
    assert committed.build("two") == before
    assert "latest of us has expired in git" in caplog.text


def test_nothing_is_committed_signed(committed: Committed) -> None:
    shutil.rmtree(committed.root / "channels")
    with pytest.raises((NotFoundError, UntrustedError)):
        committed.build()


def test_what_does_not_go_together_is_refused(
    committed: Committed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_versions(committed)
    with pytest.raises(FormatError, match="not from both"):
        committed.build(store=str(tmp_path / "bucket"))
    with pytest.raises(FormatError, match="data repo of 'us'"):
        committed.build(countries=["uk"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFoundError):
        committed.build()


def test_a_release_whose_manifest_git_lacks_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(tmp_path)
    for name, value in history.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(history.root)
    history.release("1.0.0")
    history.publish_release("1.0.0")

    def page() -> tuple[str, list[str]]:
        built = pe_dvc.build_site(tmp_path / "site", source="git")
        file = built.directory / "us/release/1.0.0.html"
        return Page(file.read_text()).text, list(built.lacking)

    text, lacking = page()
    assert "git does not have its manifest" in text
    assert lacking == ["release 1.0.0 of us"]
    pe_dvc.releases("us", store=str(history.bucket))  # what was read here is in the cache
    text, lacking = page()
    assert "pe-data://us/states/AL@sha256:" in text
    assert lacking == []
