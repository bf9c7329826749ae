"""What a store refuses is said with what a reader can do about it, whatever was asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.primitives.errors import (
    NotFoundError,
    PeDvcError,
    StorePermissionError,
    StoreUnavailableError,
)
from pe_dvc.store.error_hints import with_access_contact, with_offline_hint
from pe_dvc.store.offline import OfflineStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.store.port import ReadableStore

READS: dict[str, Callable[[ReadableStore, Path], object]] = {
    "head": lambda store, _: store.head("k"),
    "read": lambda store, _: store.read("k", limit=1),
    "read_range": lambda store, _: store.read_range("k", 0, 1),
    "download": lambda store, path: store.download("k", path, size=1),
    "list": lambda store, _: list(store.list("k")),
}


class FailingStore:
    """Raises one error, whatever is asked of it."""

    url = "s3://bucket"

    def __init__(self, error: PeDvcError) -> None:
        self.error = error

    def _fail(self, *_: Any, **__: Any) -> Any:
        raise self.error

    head = read = read_range = download = list = _fail


def contact() -> str:
    return "Ask data@example.org."


@pytest.mark.parametrize("operation", READS)
def test_a_refusal_says_who_grants_access(operation: str, tmp_path: Path) -> None:
    refused = StorePermissionError("no", operation=operation, key="k", remedy="Log in.")
    store = with_access_contact(FailingStore(refused), contact)
    with pytest.raises(StorePermissionError, match="no") as caught:
        READS[operation](store, tmp_path / "file")
    assert caught.value.remedy == "Log in. Ask data@example.org."
    assert (caught.value.operation, caught.value.key) == (operation, "k")
    assert caught.value.__cause__ is refused


@pytest.mark.parametrize(
    "error",
    [NotFoundError("none"), StoreUnavailableError("down", operation="read", key="k")],
)
def test_other_errors_pass_unchanged(error: PeDvcError) -> None:
    with pytest.raises(type(error)) as caught:
        with_access_contact(FailingStore(error), contact).read("k", limit=1)
    assert caught.value is error
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("operation", READS)
def test_offline_says_what_is_not_here(operation: str, tmp_path: Path) -> None:
    store = with_offline_hint(OfflineStore("s3://bucket"), "cps is not here", "Get it.")
    assert store.url == "s3://bucket"
    with pytest.raises(StoreUnavailableError, match="cps is not here") as caught:
        READS[operation](store, tmp_path / "file")
    assert caught.value.remedy == "Get it."
