"""Several references in one command: what can be delivered is, and what fails is named."""

from __future__ import annotations

import json
import os
import resource
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pe_dvc
from pe_dvc.errors import FormatError, NotFoundError
from pe_dvc.project import fetched, get_all
from pe_dvc.project.directories import cache_dir
from pe_dvc.project.get_all import AT_ONCE
from pe_dvc.usecases.parallel import TRANSFERS
from tests.support.commands import Done, run_pe_dvc
from tests.support.country import LATEST, NAME, payload_of
from tests.support.servers import free_port

if TYPE_CHECKING:
    from pe_dvc.documents.manifest import Manifest
    from tests.support.country import Country
    from tests.support.sandbox import Sandbox

AL, AK = "us/states/AL@latest", "us/states/AK@latest"


@pytest.fixture
def states(country: Country) -> list[Manifest]:
    """Two small datasets in latest."""
    return country.publish({"states/AL": b"alabama", "states/AK": b"alaska"})


def get(*arguments: str, code: int = 0) -> Done:
    return run_pe_dvc("get", *arguments, code=code)


def contents(done: Done) -> list[bytes]:
    return [Path(line).read_bytes() for line in done.stdout.splitlines()]


def test_a_path_per_line_in_the_order_of_the_references(states: list[Manifest]) -> None:
    assert contents(get(AK, AL, AK)) == [b"alaska", b"alabama", b"alaska"]


def test_pins_as_ls_and_show_print_them(states: list[Manifest]) -> None:
    printed = run_pe_dvc("ls", "us").stdout.split() + run_pe_dvc("show", AL).stdout.split()
    pins = [word for word in printed if word.startswith("pe-data://") and "@sha256:" in word]
    assert len(pins) == 3
    assert sorted(contents(get(*pins))) == [b"alabama", b"alabama", b"alaska"]
    assert contents(get(*(pin.removeprefix("pe-data://") for pin in pins[:2])))


def test_one_that_fails_keeps_none_of_the_others(states: list[Manifest]) -> None:
    done = get("us/states/AX@latest", AL, "us/nonsense", AK, code=3)
    assert contents(done) == [b"alabama", b"alaska"]
    assert "has no dataset 'states/AX'" in done.stderr
    assert "Did you mean pe-data://us/nonsense@latest" in done.stderr
    assert done.stderr.endswith("2 of 4 failed: us/states/AX@latest, us/nonsense\n")


def test_the_exit_code_is_that_of_the_first_that_failed(states: list[Manifest]) -> None:
    get(AL, "us/nonsense", "us/states/AX@latest", code=1)
    get(AL, "us/states/AX@latest", "us/nonsense", code=3)


def test_an_altered_payload_among_several(states: list[Manifest], country: Country) -> None:
    country.write(payload_of(states[0]), b"forged!")
    done = get(AL, AK, code=1)
    assert contents(done) == [b"alaska"]
    assert "is not what was promised" in done.stderr


def test_json_is_a_list_in_the_order_of_the_references(states: list[Manifest]) -> None:
    missing, found = json.loads(get("us/x@latest", AL, "--json", code=3).stdout)
    assert (missing["asked"], found["asked"]) == ("us/x@latest", AL)
    assert "no dataset" in missing["error"]["message"]
    assert found["error"] is None
    assert found["reference"] == states[0].reference
    assert Path(found["path"]).read_bytes() == b"alabama"


def test_copies_go_into_a_directory(states: list[Manifest], tmp_path: Path) -> None:
    target = f"{tmp_path / 'copies'}/"
    assert contents(get(AL, AK, "-o", target)) == [b"alabama", b"alaska"]
    assert sorted(path.name for path in (tmp_path / "copies").iterdir()) == [
        "AK.parquet",
        "AL.parquet",
    ]
    assert "need a directory" in get(AL, AK, "-o", str(tmp_path / "one"), code=2).stderr
    with pytest.raises(FormatError, match="no directory"):
        pe_dvc.get_all([AL, AK], output=tmp_path / "one")


def test_two_files_of_one_name_do_not_overwrite_each_other(
    country: Country, tmp_path: Path
) -> None:
    country.publish({"a/x": b"first", "b/x": b"second"})
    (tmp_path / "copies").mkdir()
    done = get("us/a/x@latest", "us/b/x@latest", "-o", str(tmp_path / "copies"), code=1)
    assert contents(done) == [b"first"]
    assert "are both called x.parquet" in done.stderr


def test_bytes_that_several_references_mean_come_once(
    states: list[Manifest], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="pe_dvc.store.logged")
    got = pe_dvc.get_all([AL, states[0].reference, AL])
    assert len({attempt.fetched.path for attempt in got if attempt.fetched}) == 1
    assert caplog.text.count(payload_of(states[0])) == 1
    assert "waiting for another process" not in caplog.text


def test_a_channel_is_verified_once(
    states: list[Manifest], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="pe_dvc.store.logged")
    got = pe_dvc.get_all([AL, AK, "us/x@latest", "us/y@next"])
    assert [attempt.fetched is not None for attempt in got] == [True, True, False, False]
    assert isinstance(got[2].error, NotFoundError)
    assert caplog.text.count("timestamp.json") == 1


def test_a_bucket_that_is_down_is_not_asked_for_each(
    country: Country, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    caplog.set_level("DEBUG", logger="pe_dvc.store.logged")
    asked = [f"us/x{number}@latest" for number in range(5 * AT_ONCE)]
    done = pe_dvc.get_all(asked, store="s3://bucket")
    assert all(attempt.error for attempt in done)
    assert 0 < caplog.text.count(".root.json") <= AT_ONCE


def test_offline(states: list[Manifest], tmp_path: Path) -> None:
    get(AL, AK)
    (tmp_path / "bucket").rename(tmp_path / "unplugged")
    done = get(AL, AK, states[0].reference, "--offline")
    assert contents(done) == [b"alabama", b"alaska", b"alabama"]
    assert done.stderr.count("offline: the channels of us") == 1


def test_one_reference_is_as_ever(country: Country) -> None:
    done = json.loads(get(LATEST, "--json").stdout)
    assert done["reference"].startswith(f"pe-data://us/{NAME}@sha256:")
    assert get("us/x@latest", code=3).stdout == ""


def test_several_from_each_kind_of_store(sandbox: Sandbox) -> None:
    sandbox.pe_dvc("push")
    sandbox.trust()
    names = (NAME, "cps_2024")
    done = sandbox.read("get", *(f"us/{name}@latest" for name in names), "us/x@latest", code=3)
    here = [(sandbox.repo / f"data/{name}.parquet").read_bytes() for name in names]
    assert contents(done) == here


def test_folders_of_the_cache_are_opened_once_for_all(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"d{number}" for number in range(20)]
    country.publish({name: name.encode() for name in names})
    opened: list[Any] = []
    really = os.open

    def counting(path: Any, *arguments: Any, **others: Any) -> int:
        opened.append(path)
        return really(path, *arguments, **others)

    monkeypatch.setattr(os, "open", counting)
    assert all(done.fetched for done in pe_dvc.get_all([f"us/{name}@latest" for name in names]))
    # Threads that begin at once may each open it; the leases have a file of their own.
    assert opened.count(cache_dir()) <= TRANSFERS + 1


def test_where_few_files_may_be_open_fewer_come_at_once(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    """32 at once took more than the 64 that some machines give, and all failed."""
    names = [f"d{number}" for number in range(60)]
    country.publish({name: name.encode() for name in names})
    threads: set[int] = set()
    really = fetched.get_one

    def noting(*arguments: Any, **others: Any) -> Any:
        threads.add(threading.get_ident())
        time.sleep(0.002)
        return really(*arguments, **others)

    monkeypatch.setattr(get_all, "get_one", noting)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 64))
    assert all(done.fetched for done in pe_dvc.get_all([f"us/{name}@latest" for name in names]))
    assert 1 < len(threads) <= 8
