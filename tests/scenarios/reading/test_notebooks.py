"""What a notebook shows: progress from the first second, short texts, tables without foreign HTML.

The kernel is a real one, as JupyterLab starts it; these tests read what it sends to the page.
"""

from __future__ import annotations

import html
import re
import time
from dataclasses import dataclass, field
from queue import Empty
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_client.manager import start_new_kernel

import pe_dvc
from pe_dvc.documents.diff import Described, Diff, compare
from pe_dvc.documents.disclosure import Disclosure
from pe_dvc.documents.manifest import Manifest
from pe_dvc.usecases.read.ls import Listed, Listing
from tests.support.country import LATEST, NAME, Country
from tests.support.factories import manifest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

EVIL = '<img src=x onerror="alert(1)">\x1b[2J\u202e&amp;'


@dataclass
class Page:
    """What a cell sent to the page: (seconds after its start, kind, content)."""

    sent: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)

    def texts(self, mime: str = "text/plain") -> list[str]:
        """Return the outputs of a type, in their order."""
        data = [content["data"] for _, _, content in self.sent if "data" in content]
        return [each[mime] for each in data if mime in each]


class Kernel:
    """A kernel that runs cells."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def run(self, cell: str) -> Page:
        """Run a cell to its end."""
        page, begun = Page(), time.monotonic()
        asked = self._client.execute(cell)
        while True:
            try:
                message = self._client.get_iopub_msg(timeout=60)
            except Empty:
                raise AssertionError(f"the kernel says no more: {page.sent}") from None
            kind, content = message["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") != asked:
                continue
            if kind == "status" and content["execution_state"] == "idle":
                return page
            assert kind != "error", "\n".join(content["traceback"])
            page.sent.append((time.monotonic() - begun, kind, content))


@pytest.fixture
def kernel(country: Country) -> Iterator[Kernel]:
    """A new kernel of the reader's."""
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=120)
    try:
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_progress_is_there_from_the_first_second(kernel: Kernel) -> None:
    kernel.run("import time, pe_dvc; from pe_dvc.project.progress_bar import Bars")
    page = kernel.run(
        "with Bars().task('cps', 3_000_000) as moved:\n"
        "    print('begun')\n"
        "    for _ in range(3):\n"
        "        time.sleep(0.7)\n"
        "        moved(1_000_000)\n"
    )
    kinds = [kind for _, kind, _ in page.sent]
    assert kinds.index("display_data") < kinds.index("stream"), "before the first byte came"
    shown = page.texts()
    assert re.fullmatch(r"cps: 0 B of 3\.0 MB, .+, starting", shown[0])
    assert re.fullmatch(r"cps: 3\.0 MB of 3\.0 MB, .+, in \d s", shown[-1])
    assert len(shown) >= 4, "each time that something moved"
    assert '<progress value="3000000" max="3000000"></progress> cps' in page.texts("text/html")[-1]
    ids = {c["transient"]["display_id"] for _, _, c in page.sent if c.get("transient")}
    assert len(ids) == 1, "one output, written over"


def test_fetch_shows_it_only_when_asked(kernel: Kernel) -> None:
    page = kernel.run(f"import pe_dvc; path = pe_dvc.fetch({LATEST!r}, progress=True)")
    assert page.texts()[-1].startswith(f"{NAME}: 10.5 MB of 10.5 MB")
    cell = f"path.unlink(); again = pe_dvc.fetch({LATEST!r})"
    assert kernel.run(cell).texts() == []
    assert kernel.run(f"pe_dvc.fetch({LATEST!r}, progress=True);").texts() == []  # it is cached


def test_manifests_and_listings_are_tables(kernel: Kernel) -> None:
    kernel.run("import pe_dvc")
    for cell in (
        f"pe_dvc.manifest({LATEST!r})",
        "pe_dvc.ls('us')",
        f"pe_dvc.resolve({LATEST!r})",
        f"pe_dvc.diff({LATEST!r}, {LATEST!r})",
    ):
        page = kernel.run(cell)
        (shown,), (short,) = page.texts("text/html"), page.texts()
        assert "<table>" in shown or "unchanged" in shown
        assert NAME in shown
        assert NAME in short
        assert len(short) < 300


def test_a_pin_s_manifest_is_shown_as_unverified(country: Country) -> None:
    found = pe_dvc.resolve(LATEST)
    assert "UNVERIFIED" not in found._repr_html_()
    assert "signed" in repr(found)
    assert "UNVERIFIED" in pe_dvc.resolve(found.pinned)._repr_html_()
    assert "not signed" in repr(pe_dvc.resolve(found.pinned))


def test_an_error_ends_with_its_remedy(kernel: Kernel) -> None:
    with pytest.raises(AssertionError, match=f"Did you mean {NAME}"):
        kernel.run("import pe_dvc; pe_dvc.manifest('us/enhanced_cps_2042@latest')")


def evil_manifest() -> Manifest:
    """A manifest in which a stranger chose all texts that can be chosen."""
    document = manifest_of(b"x").to_json()
    document["artifact"]["media_type"] = document["artifact"]["kind"] = EVIL
    document["inputs"]["data_vintage"] = document["table"]["weight"] = EVIL
    column = {"name": EVIL, "type": EVIL, "entity": EVIL}
    table = {"name": EVIL, "rows": 1, "entity": EVIL, "columns": [column]}
    document["table"] |= {"tables": [table], "format": EVIL}
    return Manifest.model_validate(document, strict=False)


def evil_diff() -> Diff:
    """A difference between manifests of which a stranger chose all texts."""
    sides = [
        Described.of_manifest(manifest, "x", Disclosure(), {})
        for manifest in (manifest_of(b"before"), evil_manifest())
    ]
    return Diff(
        before=EVIL,
        after=EVIL,
        added=(EVIL,),
        removed=(),
        datasets=(compare(*sides),),
        unchanged=0,
        withdrawn={EVIL: EVIL},
    )


@pytest.mark.parametrize("what", ["manifest", "listing", "diff"])
def test_names_of_a_bucket_are_no_html(what: str) -> None:
    manifest = evil_manifest()
    listed = Listed(
        reference=EVIL,
        name=NAME,
        channel="latest",
        sha256=manifest.artifact.sha256,  # type: ignore[arg-type]
        size=1,
        remarks=(EVIL,),
        rows={EVIL: 1},
        problem=EVIL,
    )
    object.__setattr__(listed, "reference", LATEST)
    values = {"manifest": manifest, "listing": Listing([listed]), "diff": evil_diff()}
    shown: str = values[what]._repr_html_()  # type: ignore[attr-defined]
    tags = set(re.findall(r"<(\w+)", shown))
    assert tags <= {"table", "tr", "th", "td", "p", "b", "details", "summary"}
    assert "onerror" in html.unescape(shown), "it is shown as text"
    assert not re.search("[\x1b\u202e]", shown + "".join(map(repr, values.values())))
    assert "\n" not in repr(manifest)


def test_a_difference_is_short_as_text_and_whole_as_tables() -> None:
    sides = [
        Described.of_manifest(manifest_of(data), "x", Disclosure(), {})
        for data in (b"before", b"after")
    ]
    names = {"added": ("a",), "removed": ("b", "c"), "datasets": (compare(*sides),)}
    found = Diff(before="us@next", after="us@latest", unchanged=3, **names)  # type: ignore[arg-type]
    said = "us@next → us@latest: 1 different, 1 added, 2 removed, 3 unchanged"
    assert repr(found) == f"<Diff {said}>"
    assert said in found._repr_html_()
    assert found._repr_html_().partition("</p>")[2] in found.to_html().replace("\n", "")


def test_tables_and_columns_are_found_by_name() -> None:
    manifest = manifest_of(b"x")
    first = manifest.table.tables[0]
    assert manifest.table(first.name) is first
    assert first.column(first.columns[0].name) is first.columns[0]
    with pytest.raises(KeyError, match=f"no table 'nothing'\nIt has {first.name}") as caught:
        manifest.table("nothing")
    assert isinstance(caught.value, pe_dvc.errors.UnknownNameError)
    near = f"{first.columns[0].name}x"
    said = f"no column '{near}'\nDid you mean {first.columns[0].name}"
    with pytest.raises(KeyError, match=said):
        first.column(near)


def test_texts_are_short_however_much_there_is() -> None:
    columns = [{"name": f"c{number}", "type": "int64"} for number in range(500)]
    document = manifest_of(b"x").to_json()
    tables = [
        {"name": f"t{n}", "rows": 10**9, "entity": "person", "columns": columns} for n in range(9)
    ]
    document["table"]["tables"] = tables
    manifest = Manifest.model_validate(document, strict=False)
    for value in (manifest, manifest.table, manifest.table("t1")):
        assert len(repr(value)) < 400
        assert str(value) == repr(value)
    assert "500 columns" in repr(manifest.table("t1"))
    assert "6 more tables" in repr(manifest)
    assert "c499" in manifest._repr_html_()
