"""Workers go on from what their reader saw: nothing that is older is shown to them."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.errors import RollbackError
from pe_dvc.project.reader import Reader
from pe_dvc.project.reader_snapshot import new_reader, taken_along
from tests.support.country import LATEST, NAME, Country, reader_at
from tests.support.mirrors import Files, Mirror

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("way", ["first read", "nothing has changed", "offline"])
def test_a_worker_is_shown_an_older_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    places = reader_at(tmp_path / "client", monkeypatch)
    bucket = tmp_path / "bucket"
    country = Country(tmp_path / "maintainer", LocalStore(bucket))
    country.publish({NAME: b"old"})
    old = Mirror(str(tmp_path / "old"), Files(tmp_path / "old"))
    old.copy(bucket)
    country.publish({NAME: b"new"})
    country.trust(tmp_path / "client" / "config")
    assert places["PE_DVC_CONFIG_DIR"] == str(tmp_path / "client" / "config")
    for _ in range(1 if way == "first read" else 2):
        reader = Reader("us", store=str(bucket), offline=False)
        found = reader.resolve(LATEST)
    if way == "offline":
        reader = Reader("us", store=str(bucket), offline=True)
        found = reader.resolve(LATEST)
    sent = pickle.dumps(taken_along(reader, found))

    reader_at(tmp_path / "worker", monkeypatch)
    snapshot = replace(pickle.loads(sent).snapshot, offline=False)
    assert new_reader(snapshot).channels.channel_version("latest")
    reader_at(tmp_path / "another", monkeypatch)
    for key, data in old.objects.items():
        (bucket / key).unlink(missing_ok=True)
        (bucket / key).write_bytes(data)
    with pytest.raises(RollbackError, match="timestamp"):
        new_reader(snapshot).channels.channel_version("latest")
