"""A clone that somebody hostile wrote, in the home of its victim, and the bucket it pulls from."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING

import pe_dvc
from tests.support.commands import run
from tests.support.signed_repo import HandMadeRepo

if TYPE_CHECKING:
    from pathlib import Path

STOLEN_PLACE = b"ssh-ed25519 AAAA attacker\n"
CONFIG = "[core]\n    remote = policyengine\n['remote \"policyengine\"']\n    url = {url}\n"


def _dataset() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(pa.table({"RECID": [1, 2, 3]}), file)
    return file.getvalue()


class HostileClone:
    """The clone is ``root``, in ``home``, which holds ``docs/thesis.txt`` and ``.ssh``."""

    def __init__(self, directory: Path) -> None:
        self.home = directory / "home"
        self.root, self.bucket = self.home / "clone", directory / "bucket"
        (self.home / ".ssh").mkdir(parents=True)
        (self.home / "docs").mkdir()
        (self.home / "docs/thesis.txt").write_text("my thesis")
        self.made = HandMadeRepo(self.root, directory / "keys")
        self.made.create("cps")
        self.made.build("cps", data := _dataset())
        self.offer(data)
        self.write(".dvc/config", CONFIG.format(url=self.bucket / "us"))

    @property
    def repo(self) -> pe_dvc.Repo:
        return pe_dvc.Repo(self.root)

    def write(self, path: str, text: str) -> Path:
        """Write a file of the clone."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def link(self, path: str, target: Path) -> None:
        """Put a symbolic link into the clone, to what lies elsewhere in the home."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.symlink_to(target)

    def commit(self, *paths: str) -> None:
        """Put files under git, those that it ignores, too."""
        run("git", "add", "--force", *paths, cwd=self.root)

    def offer(self, data: bytes = STOLEN_PLACE, *, suffix: str = "") -> str:
        """Put an object into the bucket; return DVC's hash of it."""
        md5 = hashlib.md5(data).hexdigest()
        path = self.bucket / "us/files/md5" / md5[:2] / f"{md5[2:]}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return f"{md5}{suffix}"

    def offer_directory(self, *names: str) -> str:
        """Put a listing, and the files that it names, into the bucket; return its hash."""
        md5 = self.offer()
        listing = [{"md5": md5, "relpath": name} for name in names]
        return self.offer(json.dumps(listing).encode(), suffix=".dir")

    def track(self, path: str, md5: str, *, file: str = "x.dvc", wdir: str | None = None) -> None:
        """Write a file as of ``dvc add`` that tracks ``path``."""
        head = f"wdir: {wdir}\n" if wdir else ""
        size = len(STOLEN_PLACE)
        out = f"outs:\n- md5: {md5}\n  size: {size}\n  hash: md5\n  path: {path}\n"
        self.write(file, head + out)

    def outside(self) -> dict[str, bytes | str]:
        """Return everything in the home but the clone: files with bytes, links with targets."""
        found: dict[str, bytes | str] = {}
        for path in sorted(self.home.rglob("*")):
            name = path.relative_to(self.home).as_posix()
            if name.partition("/")[0] == "clone":
                continue
            if path.is_symlink():
                found[name] = str(path.readlink())
            else:
                found[name] = path.read_bytes() if path.is_file() else "a directory"
        return found
