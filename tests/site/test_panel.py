"""The panel of each page says what the browser verified, or what failed: in a real browser."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.keys import manifest_key
from pe_dvc.primitives.digest import Sha256
from pe_dvc.project import directories
from tests.support.bucket_server import BucketServer, served
from tests.support.country import NAME, Country, reader_at, revocation_of
from tests.support.site import publish_described

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from pe_dvc.documents.manifest import Manifest

DATASET = f"us/datasets/{NAME}.html"


class Site:
    """A country with a site, both served: from two origins, as they may be."""

    def __init__(self, directory: Path, bucket: BucketServer, pages: BucketServer) -> None:
        self.directory, self.bucket, self.pages = directory, bucket, pages
        self.country = Country(directory / "country", LocalStore(directory / "bucket"))
        self.country.trust(directories.config_dir())
        self.first = publish_described(self.country, b"first")
        self.states = publish_described(self.country, b"states", name="states/AL")
        self.point(self.first, self.states)

    def point(self, *manifests: Manifest) -> None:
        self.country.point("latest", list(manifests))

    def build(self) -> None:
        store = str(self.directory / "bucket")
        pe_dvc.build_site(self.directory / "site", store=store, bucket_url=self.bucket.url)

    def file(self, key: str) -> Path:
        return self.directory / "bucket" / key

    def channel_file(self, role: str) -> Path:
        """The newest version of a role's metadata in the bucket."""
        found = self.file("channels/us").glob(f"*.{role}.json")
        return max(found, key=lambda path: int(path.name.partition(".")[0]))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    reader_at(tmp_path / "reader", monkeypatch)
    monkeypatch.chdir(tmp_path)
    stores = [LocalStore(tmp_path / name) for name in ("bucket", "site")]
    with served(stores[0]) as bucket, served(stores[1]) as pages:
        yield Site(tmp_path, bucket, pages)


def panel(page: Page, site: Site, path: str = DATASET) -> tuple[str, str]:
    """Open a page, and return the verdict of its panel and its text."""
    page.goto(f"{site.pages.url}/{path}")
    found = page.locator("#trust:not([data-verdict=checking])[data-verdict]")
    found.wait_for(timeout=30_000)
    verdict = found.get_attribute("data-verdict")
    assert verdict is not None
    return verdict, found.inner_text()


def test_every_page_is_verified(site: Site, page: Page, faults: list[str]) -> None:
    site.build()
    folder = site.directory / "site"
    pages = [path.relative_to(folder).as_posix() for path in folder.rglob("*.html")]
    assert {"index.html", DATASET, "us/datasets/states/AL.html"} < {*pages}
    for path in pages:
        verdict, text = panel(page, site, path)
        assert verdict == "verified", f"{path}: {text}"
        valid = r"latest version 2 of us.* signed by .*\w{8}….*, valid for 1[34] days"
        assert re.search(valid, text), path
    assert "against what this browser has seen before" in text
    # The bucket says that there is no newer root; and nothing else went wrong.
    assert all("404" in fault for fault in faults), faults


def test_what_is_seen_first_is_said_to_be(site: Site, page: Page) -> None:
    site.build()
    first = panel(page, site)[1]
    assert "sees this bucket for the first time" in first
    assert "against what was published when it was made" in first
    assert "against what this browser has seen before" in panel(page, site)[1]


def test_a_browser_that_keeps_nothing(site: Site, page: Page) -> None:
    site.build()
    page.add_init_script("Object.defineProperty(window, 'indexedDB', {value: undefined})")
    for _ in range(2):
        verdict, text = panel(page, site)
        assert verdict == "verified"
        assert "keeps nothing between pages" in text


def test_a_browser_without_the_kind_of_signature(site: Site, page: Page) -> None:
    site.build()
    page.add_init_script(
        "crypto.subtle.importKey = () => Promise.reject(new DOMException('', 'NotSupportedError'))"
    )
    verdict, text = panel(page, site)
    assert verdict == "unknown"
    assert "this browser cannot verify signatures of ed25519" in text


def test_a_page_of_older_data_says_so(site: Site, page: Page) -> None:
    site.build()
    site.point(publish_described(site.country, b"second"), site.states)
    verdict, text = panel(page, site)
    assert verdict == "outdated"
    assert f"latest version 3 of us points to another artifact of {NAME}" in text
    assert panel(page, site, "us/datasets/states/AL.html")[0] == "verified"


def test_a_page_of_what_is_committed_and_not_published_says_so(
    site: Site, page: Page, tmp_path: Path
) -> None:
    """A site that was built from git, before the push; nobody has noted an earlier one."""
    shutil.copytree(tmp_path / "bucket", tmp_path / "before")
    site.point(publish_described(site.country, b"second"), site.states)
    site.build()
    (tmp_path / "site/us/seen.json").write_text("{}")
    shutil.rmtree(tmp_path / "bucket")
    shutil.copytree(tmp_path / "before", tmp_path / "bucket")
    verdict, text = panel(page, site)
    assert verdict == "outdated"
    assert "made of latest version 3, and the bucket shows latest version 2 of us" in text
    assert "not published yet, or the bucket shows an older state" in text


def test_a_page_of_withdrawn_data_says_so(site: Site, page: Page) -> None:
    site.build()
    site.country.revoke(site.first)
    verdict, text = panel(page, site)
    assert verdict == "withdrawn"
    assert "by Data Stewards of PolicyEngine: its licence ended" in text


def altered(file: Path) -> None:
    """Change one digit of the last sha256 in a file, so that it is as good a document as before."""
    text = file.read_text()
    digest = re.findall(r"[0-9a-f]{64}", text)[-1]
    file.write_text(text.replace(digest, ("0" if digest[0] != "0" else "1") + digest[1:]))


def in_pointer(site: Site) -> None:
    altered(site.channel_file("latest"))


def in_manifest(site: Site) -> None:
    altered(site.file(manifest_key("us", Sha256(site.first.artifact.sha256))))


def in_snapshot(site: Site) -> None:
    (site.directory / "site/us/seen.json").write_text("{}")  # it has the same snapshot
    altered(site.channel_file("snapshot"))


def in_timestamp(site: Site) -> None:
    altered(site.file("channels/us/timestamp.json"))


def in_next_root(site: Site) -> None:
    root = site.file("channels/us/1.root.json")
    data = root.read_text().replace('"version": 1', '"version": 2')
    root.with_name("2.root.json").write_text(data)


def in_pinned_root(site: Site) -> None:
    altered(site.directory / "site/us/root.json")


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        (in_pointer, r"a file is not the one that was signed[^$]*latest\.json"),
        (in_manifest, "a file is not the one that was signed[^$]*the manifest of"),
        (in_snapshot, r"a file is not the one that was signed[^$]*snapshot\.json"),
        (in_timestamp, r"not enough of the keys have signed[^$]*timestamp\.json"),
        (in_next_root, r"not enough of the keys have signed[^$]*2\.root\.json"),
        (in_pinned_root, "not enough of the keys have signed[^$]*the pinned root of us"),
    ],
)
def test_a_flipped_byte(site: Site, page: Page, attack: Callable[[Site], None], says: str) -> None:
    site.build()
    attack(site)
    verdict, text = panel(page, site)
    assert verdict == "failed", text
    assert re.search(says, text), text


def test_an_expired_timestamp(site: Site, page: Page) -> None:
    """The bucket shows a state that was true two weeks ago, and is no more."""
    site.build()
    page.clock.set_system_time(datetime.now(UTC) + timedelta(days=15))
    verdict, text = panel(page, site)
    assert verdict == "failed"
    assert "has expired: it may be an old state" in text
    assert "timestamp.json: version 1 expired on" in text


def test_a_rollback_of_what_this_browser_has_seen(site: Site, page: Page, tmp_path: Path) -> None:
    site.build()
    shutil.copytree(tmp_path / "bucket", tmp_path / "older")
    site.point(publish_described(site.country, b"second"), site.states)
    assert panel(page, site)[0] == "outdated"
    shutil.rmtree(tmp_path / "bucket")
    shutil.copytree(tmp_path / "older", tmp_path / "bucket")
    verdict, text = panel(page, site)
    assert verdict == "failed"
    assert "an older state than this browser has seen before" in text
    fresh = page.context.browser
    assert fresh is not None
    with fresh.new_context() as other:
        assert panel(other.new_page(), site)[0] == "verified", "a limit: the page is as old"


def test_a_bucket_that_does_not_answer_is_no_attack(site: Site, page: Page) -> None:
    site.build()
    page.route(f"{site.bucket.url}/**", lambda route: route.abort())
    verdict, text = panel(page, site)
    assert verdict == "unknown"
    assert "the bucket cannot be read from here" in text


def test_texts_of_others_are_shown_as_text(site: Site, page: Page) -> None:
    """What stewards sign may hold markup."""
    site.build()
    reason = "<img src=x onerror=alert(1)> & </p><script>alert(2)</script>"
    entry = revocation_of(site.first)
    site.country.signed.revoke(replace(entry, reason=reason))
    site.country.signed.publish_to(site.country.store)
    verdict, text = panel(page, site)
    assert verdict == "withdrawn"
    assert reason in text
    assert page.locator("#trust img, #trust script").count() == 0


def test_a_browser_that_never_visited_is_shown_nothing_older_than_the_page(
    site: Site, page: Page, tmp_path: Path
) -> None:
    shutil.copytree(tmp_path / "bucket", tmp_path / "older")
    site.point(publish_described(site.country, b"second"), site.states)
    site.build()
    assert "against what was published when it was made" in panel(page, site)[1]
    shutil.rmtree(tmp_path / "bucket")
    shutil.copytree(tmp_path / "older", tmp_path / "bucket")
    assert page.context.browser is not None
    with page.context.browser.new_context() as other:
        verdict, text = panel(other.new_page(), site)
    assert verdict == "failed"
    assert "or than this page was made from" in text


@pytest.fixture
def mirror(site: Site, tmp_path: Path) -> Iterator[BucketServer]:
    """A mirror that pages read, too, and whose files a test may change."""
    shutil.copytree(tmp_path / "bucket", tmp_path / "mirror")
    with served(LocalStore(tmp_path / "mirror")) as found:
        addresses = [site.bucket.url, found.url]
        store = str(tmp_path / "bucket")
        pe_dvc.build_site(site.directory / "site", store=store, bucket_url=addresses)
        yield found


@pytest.mark.parametrize("down", [0, 1])
def test_a_page_of_two_stores_needs_one(
    site: Site, page: Page, mirror: BucketServer, down: int
) -> None:
    page.route(f"{[site.bucket, mirror][down].url}/**", lambda route: route.abort())
    verdict, text = panel(page, site)
    assert verdict == "verified", text
    assert f"{[site.bucket, mirror][down].url} was passed over" in text


def test_a_mirror_that_lies_is_named(
    site: Site, page: Page, mirror: BucketServer, tmp_path: Path
) -> None:
    altered(tmp_path / "mirror/channels/us/timestamp.json")
    verdict, text = panel(page, site)
    assert verdict == "verified", text
    assert f"{mirror.url} was passed over: {mirror.url}/channels/us/timestamp.json" in text


def test_a_mirror_that_lags_is_no_liar(site: Site, page: Page, mirror: BucketServer) -> None:
    site.point(publish_described(site.country, b"second"), site.states)
    verdict, text = panel(page, site, "us/datasets/states/AL.html")
    assert verdict == "verified", text
    assert "passed over" not in text


def test_two_histories_are_a_failure_of_their_own(
    site: Site, page: Page, mirror: BucketServer, tmp_path: Path
) -> None:
    twin = site.country.copy(tmp_path / "twin", LocalStore(tmp_path / "mirror"))
    twin.point("latest", [publish_described(twin, b"for some")])
    site.point(publish_described(site.country, b"for others"))
    verdict, text = panel(page, site)
    assert verdict == "failed"
    assert "two documents contradict each other, and both are validly signed" in text
    assert mirror.url in text
