"""Every operation of a store, for what must hold of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.store.port import Store

KEY = "us/4e/4e92.manifest.json"
MIB = 1024 * 1024


def every_operation(store: Store, directory: Path) -> dict[str, Callable[[], object]]:
    """Return the operations by name, on one object; files to upload are made in ``directory``."""
    file, large = directory / "small", directory / "large"
    file.write_bytes(b"x")
    large.write_bytes(bytes(9 * MIB))
    return {
        "head": lambda: store.head(KEY),
        "read": lambda: store.read(KEY, limit=10),
        "range": lambda: store.read_range(KEY, 0, 10),
        "create": lambda: store.create(KEY, b""),
        "swap": lambda: store.compare_and_swap(KEY, b"", '"etag"'),
        "overwrite": lambda: store.overwrite(KEY, b""),
        "upload": lambda: store.upload(KEY, file),
        "upload in parts": lambda: store.upload(KEY, large),
        "download": lambda: store.download(KEY, directory / "copy", size=10 * MIB),
        "list": lambda: list(store.list("us/4e")),
        "delete": lambda: store.delete([KEY]),
    }
