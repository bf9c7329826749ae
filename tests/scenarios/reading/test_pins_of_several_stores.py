"""A pin verifies the bytes, and not the manifest: one store that lies must not deny them."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

import pe_dvc
from tests.support.country import LATEST, NAME, Country, chunks_of
from tests.support.mirrors import Files, Mirror

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MIB = 1024 * 1024
PAYLOAD = random.Random(3).randbytes(9 * MIB)


@pytest.fixture
def stores(country: Country, tmp_path: Path) -> list[str]:
    """The mirror that will lie, listed first, and the country's bucket."""
    country.publish({NAME: PAYLOAD})
    mirror = Mirror(str(tmp_path / "mirror"), Files(tmp_path / "mirror"))
    mirror.copy(tmp_path / "bucket")
    return [mirror.url, str(tmp_path / "bucket")]


def _lie(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    for path in (tmp_path / "mirror").rglob("*manifest.json"):
        document = json.loads(path.read_bytes())
        change(document["artifact"])
        path.write_text(json.dumps(document))


def _md5(artifact: dict[str, Any]) -> None:
    artifact["dvc"]["md5"] = "0" * 32


def _longer(artifact: dict[str, Any]) -> None:
    artifact["size"] += 1
    artifact["dvc"]["size"] = artifact["size"]


def _shorter(artifact: dict[str, Any]) -> None:
    artifact["size"] = artifact["dvc"]["size"] = 3


def _name(artifact: dict[str, Any]) -> None:
    artifact["name"] = "another"


@pytest.mark.parametrize("lie", [_md5, _longer, _shorter, _name])
@pytest.mark.parametrize("how", ["fetch", "open"])
def test_mirror_whose_manifest_of_a_pin_lies(
    stores: list[str], tmp_path: Path, lie: Callable[[dict[str, Any]], None], how: str
) -> None:
    pin = pe_dvc.resolve(LATEST, store=stores[1]).pin
    _lie(tmp_path, lie)
    if how == "fetch":
        assert pe_dvc.fetch(pin, store=stores).read_bytes() == PAYLOAD
        return
    with pe_dvc.open(pin, store=stores) as file:
        assert file.read() == PAYLOAD


def test_honest_store_is_not_accused_by_a_lie(
    stores: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pin = pe_dvc.resolve(LATEST, store=stores[1]).pin
    _lie(tmp_path, _shorter)
    assert pe_dvc.fetch(pin, store=stores).read_bytes() == PAYLOAD
    said = [each.message for each in caplog.records if each.levelname != "INFO"]
    assert {text.startswith(stores[1]) for text in said} == {False}


def test_chunk_list_damaged_in_all_stores(
    country: Country, stores: list[str], tmp_path: Path
) -> None:
    """The payload of one store is right: the list is not needed."""
    (manifest,) = country.publish({NAME: PAYLOAD})
    for name in ("mirror", "bucket"):
        path = tmp_path / name / chunks_of(manifest)
        path.write_bytes(bytes(len(path.read_bytes())))
    for path in (tmp_path / "mirror").rglob("files/md5/*/*"):
        path.write_bytes(bytes(len(PAYLOAD)))
    assert pe_dvc.fetch(LATEST, store=stores).read_bytes() == PAYLOAD
