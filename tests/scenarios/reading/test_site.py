"""``pe-dvc site build``: pages of what is published, verified, safe to show and to open."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.keys import manifest_key
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import (
    ConflictError,
    FormatError,
    NotFoundError,
    PeDvcError,
    StoreUnavailableError,
    VerificationError,
)
from pe_dvc.primitives.printable import printable
from pe_dvc.project import directories
from pe_dvc.store.confined import ConfinedTree
from tests.support.country import NAME, Country, reader_at, revocation_of
from tests.support.described import ABOUT, ONE_TABLE, PROFILE, TWO_TABLES, codebook, statistics
from tests.support.site import Page, publish_described

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.documents.profile import Profile

PAGE = f"us/datasets/{NAME}.html"


class Published:
    """A country with a dataset in both channels, and another one; ``build`` makes its site."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.country = Country(directory / "country", LocalStore(directory / "bucket"))
        self.country.trust(directories.config_dir())

    def point(self) -> None:
        first = publish_described(self.country, b"first")
        states = publish_described(self.country, b"states", TWO_TABLES, name="states/AL")
        self.country.point("latest", [first, states])
        moved = json.loads(json.dumps(PROFILE))
        moved["tables"][0]["columns"]["employment_income"]["total"] = 7.0
        second = publish_described(self.country, b"second", profile=statistics(moved))
        self.country.point("latest", [second, states])
        self.country.point("next", [first])

    def build(self, name: str = "site", **given: Any) -> dict[str, str]:
        """Return the files of the site, but for the root, by their paths."""
        built = pe_dvc.build_site(
            self.directory / name, store=str(self.directory / "bucket"), **given
        )
        found = {
            path.relative_to(built.directory).as_posix(): path.read_text()
            for path in built.directory.rglob("*")
            if path.is_file()
        }
        assert built.files == len(found)
        return found


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Published:
    reader_at(tmp_path / "reader", monkeypatch)
    monkeypatch.chdir(tmp_path)
    return Published(tmp_path)


def test_a_dataset_page_says_what_is_published(published: Published) -> None:
    published.point()
    text = Page(published.build()[PAGE]).text
    for said in (
        "The Current Population Survey, enhanced. With imputed wealth.",
        "latest, next (another version)",
        "Employment income",
        "currency-USD",
        "person_weight",
        "cps_asec_2014",
        "JOINT 75%, <ODD> 25%",
        "total of person.employment_income",
        "+40%",
        f'pd.read_parquet("pe-data://us/{NAME}@latest")',
        f"pe-dvc export pe-data://us/{NAME}@latest --to data.dta",
        "dvc pull data/enhanced_cps_2024.parquet",
        "@misc{us_enhanced_cps_2024_",
        f"pe-data://us/{NAME}@sha256:{sha256_bytes(b'second')}",
        f"pe-data://us/{NAME}@sha256:{sha256_bytes(b'first')}",
    ):
        assert said in text


def test_the_home_page_has_channels_datasets_and_changes(published: Published) -> None:
    published.point()
    page = Page(published.build()["index.html"])
    for said in (
        "United States (us)",
        "latest version 3:",
        f"replaced {NAME}",
        f"new {NAME}, states/AL",
        "Valid until",
    ):
        assert said in page.text
    assert {PAGE, "us/datasets/states/AL.html"} <= set(page.links)


def test_a_channel_that_begins_empty_is_not_said_to_be_signed_again(published: Published) -> None:
    published.country.point("latest", [])
    text = Page(published.build()["index.html"]).text
    assert "latest version 1: set up, without datasets" in " ".join(text.split())
    assert "signed again" not in text


def test_a_dataset_of_which_no_one_wrote_says_what_it_has(published: Published) -> None:
    published.country.point("latest", [publish_described(published.country, b"x", about={})])
    files = published.build()
    columns = len(ONE_TABLE["tables"][0]["columns"])
    for path in ("index.html", PAGE):
        text = Page(files[path]).text
        assert f"Microdata of person: {columns} variables" in text


def test_a_version_says_why_it_cannot_be_compared(published: Published) -> None:
    versions = [publish_described(published.country, b"%d" % n) for n in range(3)]
    for each in versions:
        published.country.point("latest", [each])
    published.country.revoke(versions[1])
    text = Page(published.build()[PAGE]).text
    assert "What changed is not known, as the version before cannot be read." in text
    assert "The first version." in text
    assert text.count(f"sha256:{versions[1].artifact.sha256}") == 1
    assert re.search(r"Withdrawn on [0-9-]{10} by Data Stewards of PolicyEngine: .*\.", text)


def test_a_dataset_with_several_tables_says_which_to_export(published: Published) -> None:
    published.point()
    text = Page(published.build()["us/datasets/states/AL.html"]).text
    assert "--table person --period 2024 --to data.dta" in text
    assert "person: key person_id; belongs to a household by person_household_id" in text
    assert "read_parquet" not in text


def test_every_link_within_the_site_leads_to_a_file(published: Published) -> None:
    published.point()
    files = published.build(bucket_url="https://data.example.org")
    for path, html in files.items():
        for link in Page(html).links if path.endswith(".html") else ():
            if not link.startswith(("#", "https://")):
                target = (published.directory / "site" / path).parent / link.partition("#")[0]
                assert target.is_file(), f"{path} links to {link}"


def test_the_same_state_gives_the_same_bytes(published: Published) -> None:
    published.point()
    assert published.build("one") == published.build("two")


def test_the_list_of_files_has_the_sha256_of_each(published: Published) -> None:
    published.point()
    built = pe_dvc.build_site("site", store=str(published.directory / "bucket"))
    listed = (built.directory / "files.json").read_bytes()
    assert built.sha256 == sha256_bytes(listed)
    files = json.loads(listed)["files"]
    assert json.loads(listed)["signed"] == ["us/seen.json"]
    assert len(files) == built.files - 2
    for path, sha256 in files.items():
        assert sha256_bytes((built.directory / path).read_bytes()) == sha256


def test_a_later_build_removes_what_is_no_more(published: Published) -> None:
    published.point()
    published.build()
    kept = published.directory / "site/CNAME"
    kept.write_text("data.example.org")
    published.country.point("latest", [publish_described(published.country, b"third")])
    pe_dvc.build_site("site", store=str(published.directory / "bucket"))
    assert not (published.directory / "site/us/datasets/states").exists()
    assert (published.directory / "site" / PAGE).is_file()
    assert kept.is_file()


def test_a_file_of_someone_else_is_not_overwritten(published: Published) -> None:
    published.point()
    other = published.directory / "site/index.html"
    other.parent.mkdir()
    other.write_text("mine")
    with pytest.raises(ConflictError, match="no file of a site"):
        published.build()
    assert [*other.parent.iterdir()] == [other]
    assert other.read_text() == "mine"


def test_a_list_of_files_leads_nowhere_else(published: Published) -> None:
    published.point()
    published.build()
    outside = published.directory / "outside"
    outside.write_text("mine")
    listing = published.directory / "site/files.json"
    listed = json.loads(listing.read_text())
    for change in (
        {"files": listed["files"] | {"../outside": "0" * 64}},
        {"signed": [*listed["signed"], "../outside"]},
    ):
        listing.write_text(json.dumps(listed | change))
        with pytest.raises(FormatError, match="not a path inside"):
            published.build()
    assert outside.read_text() == "mine"


def test_a_build_that_was_killed_is_completed_by_the_next(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.point()
    write, written = ConfinedTree.write, list[str]()

    def killed(tree: ConfinedTree, path: str, data: Any, **how: Any) -> None:
        if path.startswith("us/") and tree.root == published.directory / "site":
            raise KeyboardInterrupt
        written.append(path)
        write(tree, path, data, **how)

    with monkeypatch.context() as patched:
        patched.setattr(ConfinedTree, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            published.build()
    assert "index.html" in written
    assert published.build() == published.build("another")


def test_a_folder_of_the_site_that_is_a_link_is_refused(published: Published) -> None:
    published.point()
    elsewhere = published.directory / "elsewhere"
    elsewhere.mkdir()
    (published.directory / "site").mkdir()
    (published.directory / "site/us").symlink_to(elsewhere)
    with pytest.raises(FormatError, match="link"):
        published.build()
    assert not [*elsewhere.iterdir()]


def test_a_manifest_that_was_not_signed_is_not_shown(published: Published) -> None:
    published.point()
    key = manifest_key("us", Sha256(sha256_bytes(b"second")))
    data, _ = published.country.store.read(key, limit=10**6)
    published.country.write(key, data.replace(b"imputed wealth", b"invented text!"))
    built = pe_dvc.build_site("site", store=str(published.directory / "bucket"))
    assert list(built.problems) == [f"pe-data://us/{NAME}@sha256:{sha256_bytes(b'second')}"]
    text = (built.directory / PAGE).read_text()
    assert "invented" not in text
    assert str(published.directory) not in text
    assert "the bucket/us/" in text
    assert "could not be read when the page was made" in text


@pytest.mark.parametrize("kind", ["manifest", "codebook", "profile"])
def test_a_bucket_that_does_not_answer_gives_no_half_of_a_site(
    published: Published, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    published.point()
    read = LocalStore.read

    def silent(store: LocalStore, key: str, *, limit: int) -> Any:
        if key.endswith(f".{kind}.json"):
            raise StoreUnavailableError("the bucket does not answer", operation="read", key=key)
        return read(store, key, limit=limit)

    monkeypatch.setattr(LocalStore, "read", silent)
    with pytest.raises(StoreUnavailableError):
        published.build()
    assert not (published.directory / "site").exists()


def test_a_profile_that_the_bucket_lacks_is_no_figures(published: Published) -> None:
    published.point()
    for profile in (published.directory / "bucket").rglob("*.profile.json"):
        profile.unlink()
    assert "No figures of the values are shown" in published.build()[PAGE]


def test_a_thief_s_pointer_builds_no_site(published: Published) -> None:
    published.point()
    key = "channels/us/timestamp.json"
    data, _ = published.country.store.read(key, limit=10**6)
    published.country.write(key, data.replace(b'"version": ', b'"version": 9'))
    with pytest.raises((VerificationError, FormatError)):
        published.build()
    assert not (published.directory / "site").exists()


def test_withdrawn_data_is_said_and_not_described(published: Published) -> None:
    published.point()
    withdrawn = publish_described(published.country, b"second")
    published.country.revoke(withdrawn)
    page = Page(published.build()[PAGE])
    assert "its licence ended" in page.text
    assert "Employment income" not in page.text


def test_a_country_that_published_nothing_has_no_site(published: Published) -> None:
    with pytest.raises(NotFoundError):
        published.build()


@pytest.mark.parametrize(
    "url", ["data.example.org", "file:///x", "https://a b", "https://x/?q", "https://x' y"]
)
def test_what_is_no_web_address_is_refused(published: Published, url: str) -> None:
    with pytest.raises(FormatError, match="not a web address"):
        published.build(bucket_url=url)


def test_without_jinja2_the_message_says_what_to_install(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.point()
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(PeDvcError, match="Jinja2") as raised:
        published.build()
    assert "pip install jinja2" in str(raised.value.remedy)


def test_a_variable_s_page_says_what_it_means_and_where_it_is(published: Published) -> None:
    published.point()
    files = published.build()
    text = Page(files["us/variables/age.html"]).text
    for said in ("Age", "year", NAME, "states/AL", "latest version 2", "41.5"):
        assert said in text
    codes = Page(files["us/variables/filing_status.html"]).text
    assert "SINGLE" in codes
    assert "Married filing jointly" in codes
    assert "us/variables/age.html" in {
        f"us/{link.removeprefix('../')}" for link in Page(files[PAGE]).links
    }


def test_a_withdrawn_dataset_has_a_page_that_stays(published: Published) -> None:
    published.point()
    first, second = (publish_described(published.country, b) for b in (b"first", b"second"))
    published.country.revoke(second, replacement=first)
    files = published.build()
    page = f"us/withdrawn/{sha256_bytes(b'second')}.html"
    text = Page(files[page]).text
    for said in ("its licence ended", "Data Stewards of PolicyEngine", first.reference):
        assert said in text
    assert page in Page(files["index.html"]).links
    assert f"../withdrawn/{sha256_bytes(b'second')}.html" in Page(files[PAGE]).links


def test_the_json_says_what_the_pages_say(published: Published) -> None:
    published.point()
    files = published.build()
    countries = json.loads(files["api/v1/index.json"])["countries"]
    assert countries == [{"country": "us", "index": "api/v1/us/index.json"}]
    listed = json.loads(files["api/v1/us/index.json"])
    assert listed["channels"]["latest"]["version"] == 3
    dataset = listed["datasets"][0]
    assert dataset["page"] == PAGE
    document = json.loads(files[dataset["document"]])
    assert [column["name"] for column in document["tables"][0]["columns"]][:2] == [
        "person_id",
        "age",
    ]
    pins = [version["sha256"] for version in document["versions"]]
    assert pins == [sha256_bytes(b"second"), sha256_bytes(b"first")]
    for sha256 in pins:
        version = json.loads(files[f"api/v1/us/versions/{NAME}/{sha256}.json"])
        assert version["columns"]["person.age"] == "int32"
    names = [one["name"] for one in json.loads(files["api/v1/us/variables.json"])["variables"]]
    assert names == sorted(names)
    assert json.loads(files[f"api/v1/us/croissant/{NAME}.json"])["@type"] == "sc:Dataset"


def test_the_search_has_datasets_and_variables(published: Published) -> None:
    published.point()
    files = published.build()
    entries = json.loads(files["api/v1/search.json"])["entries"]
    assert ["dataset", "us", NAME, ""] in [entry[:4] for entry in entries]
    assert ["variable", "us", "age", "Age"] in [entry[:4] for entry in entries]
    assert all(entry[5] in files for entry in entries)
    page = Page(files["index.html"])
    assert {"static/search.js", "api/v1/search.json"} <= {*page.links, *page.values}


def test_search_engines_find_a_description(published: Published) -> None:
    published.point()
    files = published.build(url="https://data.example.org/catalog/")
    page = f"https://data.example.org/catalog/{PAGE}"
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', files[PAGE], re.S)
    assert found is not None
    described = json.loads(found[1])
    assert (described["@type"], described["url"]) == ("Dataset", page)
    assert f"<loc>{page}</loc>" in files["sitemap.xml"]
    assert f'<link rel="canonical" href="{page}">' in files[PAGE]
    assert "sitemap.xml" not in published.build("without an address")


# Injection: what people write into documents is shown as text, whatever it is.

HOSTILE = (
    "</script><script>alert(1)</script>\"'&amp;<img src=x onerror=alert(2)>🙂\u202eאב{{ 7*7 }}"
)


def _set(*path: str | int) -> Callable[[dict[str, Any], Any], None]:
    def change(document: dict[str, Any], text: Any) -> None:
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = text

    return change


COLUMN = ("tables", 0, "columns", 1)
FIELDS: dict[str, tuple[str, Callable[[dict[str, Any], Any], None]]] = {
    "description": ("about", _set("description")),
    "licence": ("about", _set("licence")),
    "citation": ("about", _set("citation")),
    "column": ("contents", _set(*COLUMN, "name")),
    "type": ("contents", _set(*COLUMN, "type")),
    "column's entity": ("contents", _set(*COLUMN, "entity")),
    "table": ("contents", _set("tables", 0, "name")),
    "weight": ("contents", _set("weight")),
    "year": ("contents", _set("period")),
    "entity's key": ("contents", _set("entities", "person", "key")),
    "entity's label": ("codebook", _set("entities", "person", "label")),
    "label": ("codebook", _set("variables", "age", "label")),
    "unit": ("codebook", _set("variables", "age", "unit")),
    "meaning": ("codebook", _set("variables", "age", "description")),
    "source": ("codebook", _set("variables", "employment_income", "references", 0)),
    "code": ("codebook", _set("variables", "filing_status", "values", 0, "value")),
    "code's label": ("codebook", _set("variables", "filing_status", "values", 0, "label")),
    "category": (
        "profile",
        _set("tables", 0, "columns", "filing_status", "categories", 0, "value"),
    ),
    "format": ("contents", _set("format")),
}


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _files_with(published: Published, field: str, text: str) -> dict[str, str]:
    documents: dict[str, Any] = {
        "about": _copy(ABOUT),
        "contents": _copy(ONE_TABLE),
        "codebook": codebook().to_json(),
        "profile": _copy(PROFILE),
        "artifact": {},
    }
    where, change = FIELDS[field]
    change(documents[where], text)
    manifest = publish_described(
        published.country,
        text.encode(),
        documents["contents"],
        known=codebook(**documents["codebook"]),
        profile=statistics(documents["profile"]),
        about=documents["about"],
        **documents["artifact"],
    )
    published.country.point("latest", [manifest])
    return published.build(str(len(text)))


def _other_scripts(html: str) -> list[str]:
    """Return the scripts of a page that are neither files of the site nor data."""
    own = r"<script(?! type=\"module\" src=\"[./a-z]*static/[a-z]+\.js\"></script>"
    return re.findall(rf"{own}| type=\"application/ld\+json\">).{{0,80}}", html)


@pytest.mark.parametrize("field", FIELDS)
def test_hostile_text_is_shown_as_text(published: Published, field: str) -> None:
    published.country.point("latest", [publish_described(published.country, b"base")])
    before = _files_with(published, field, "harmless text")
    plain = Page(before[PAGE])
    after = _files_with(published, field, HOSTILE)
    html = after[PAGE]
    hostile = Page(html)
    pages = {path: Page(text) for path, text in after.items() if path.endswith(".html")}
    assert any(printable(HOSTILE) in page.text for page in pages.values())
    for path, page in pages.items():
        assert not {tag for tag, _ in page.elements} & {"img", "style", "iframe", "object"}
        assert not [name for _, names in page.elements for name in names if name.startswith("on")]
        assert "\u202e" not in after[path]
        assert not _other_scripts(after[path])
    # The versions page has one more version, with its difference: what comes before is compared.
    until = hostile.elements.index(("h2", ("id",)), len(hostile.elements) // 4)
    assert hostile.elements[:until] == plain.elements[:until]
    more = {tag for tag, _ in hostile.elements} - {tag for tag, _ in plain.elements}
    assert more <= {"details", "summary", "caption"}
    described = re.search(r'<script type="application/ld\+json">(.*?)</script>', html, re.S)
    assert described is not None
    assert json.loads(described[1])["@type"] == "Dataset"


def test_hostile_words_of_stewards_are_shown_as_text(published: Published) -> None:
    published.point()
    words = HOSTILE.replace("\u202e", "")
    withdrawn = replace(
        revocation_of(publish_described(published.country, b"second")),
        reason=words,
        authority=words,
        contact=words,
    )
    published.country.signed.revoke(withdrawn)
    published.country.signed.publish_to(published.country.store)
    files = published.build()
    for path in (f"us/withdrawn/{withdrawn.sha256}.html", PAGE):
        page = Page(files[path])
        assert words in page.text
        assert "img" not in {tag for tag, _ in page.elements}
        assert not _other_scripts(files[path])


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", " https://x"])
def test_a_licence_that_is_no_web_address_is_no_link(published: Published, address: str) -> None:
    page = Page(_files_with(published, "licence", address)[PAGE])
    assert address.strip() in page.text
    assert not [link for link in page.links if not re.match(r"https://|\.\./|#", link)]


def test_the_pages_run_no_script_but_the_site_s_own(published: Published) -> None:
    published.point()
    files = published.build(bucket_url="https://data.example.org/bucket")
    for path, html in files.items():
        if path.endswith(".html"):
            policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
            assert policy is not None
            assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy[1]
            assert "connect-src 'self' https://data.example.org;" in policy[1]
            assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", html)


# Disclosure.

SECRETS = ("70143", "70,143", "71144", "71,144", "CANARY")


def _secret_profile(**rule: Any) -> Profile:
    found = _copy(PROFILE) | rule
    columns = found["tables"][0]["columns"]
    columns["age"] = {
        "nulls": 0,
        "carriers": 70143,
        "weighted_carriers": 70143.0,
        "total": 71144.0,
        "mean": 71144.0,
        "quantiles": dict.fromkeys(["p5", "p25", "p50", "p75", "p95"], 70143.0) | {"p99": 71144.0},
    }
    columns["filing_status"]["categories"][0]["value"] = "CANARY"
    return statistics(found)


def _gated(published: Published, profile: Profile) -> dict[str, str]:
    contents = _copy(ONE_TABLE)
    contents["members"] = [{"name": "period", "type": "string", "value": "CANARY"}]
    for number in range(2):
        manifest = publish_described(
            published.country,
            b"gated %d" % number,
            contents,
            known=codebook(access="gated"),
            profile=profile,
        )
        published.country.point("latest", [manifest])
    return published.build()


@pytest.mark.parametrize("rule", [{"access": "public"}, {"access": "gated", "minimum_carriers": 3}])
def test_figures_of_gated_data_made_by_a_weaker_rule_are_nowhere(
    published: Published, rule: dict[str, Any]
) -> None:
    files = _gated(published, _secret_profile(**rule))
    for path, text in files.items():
        assert not [secret for secret in SECRETS if secret in text], path
    assert "the data are not public" in files[PAGE]
    assert "fewer than 10" in files[PAGE]
    assert "Employment income" in files[PAGE]


def test_figures_of_gated_data_made_by_its_rule_are_shown(published: Published) -> None:
    columns = {"age": {"carriers": 500, "weighted_carriers": 5000.0, "mean": 41.5}}
    table = {"name": "person", "rows": 1000, "weight": {"column": "w", "sum": 20000.0}}
    profile = _copy(PROFILE) | {"access": "gated", "tables": [{**table, "columns": columns}]}
    page = Page(_gated(published, statistics(profile))[PAGE])
    assert "25%" in page.text
    assert "on application" in page.text


def test_gated_data_have_no_address_to_download(published: Published) -> None:
    manifest = publish_described(published.country, b"x", known=codebook(access="gated"))
    published.country.point("latest", [manifest])
    assert "curl" not in published.build(bucket_url="https://data.example.org")[PAGE]
