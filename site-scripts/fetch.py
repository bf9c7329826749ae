"""Fetches the scripts of others that pages of a site run: parquet read in a browser.

``python site-scripts/fetch.py`` puts them where ``pe-dvc site build`` finds them, and so does the
build of a wheel. npm holds them to ``package-lock.json``, by sha512; no script of theirs is run.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE.parent / "pe_dvc/site/static/vendor"
LOCK = "package-lock.json"
WANTED = {
    "hyparquet": ("LICENSE", "src/*.js"),
    # Its index names other packages by names that a browser does not know.
    "hyparquet-compressors": ("LICENSE", "src/gzip*.js", "src/lz4.js"),
    "fzstd": ("LICENSE", "esm/index.mjs"),
}
NOT_IN_BROWSERS = "node.js"


def fetch(target: Path = TARGET) -> None:
    """Put the scripts into ``target``, unless they are there.

    Raises ``OSError`` or ``subprocess.SubprocessError`` where npm is missing or cannot fetch them.
    """
    lock = (HERE / LOCK).read_bytes()
    if (target / LOCK).is_file() and (target / LOCK).read_bytes() == lock:
        return
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not installed")
    with tempfile.TemporaryDirectory() as place:
        for name in ("package.json", LOCK):
            shutil.copy(HERE / name, place)
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        once = ("--fetch-retries=1", "--fetch-timeout=60000")
        subprocess.run([npm, "ci", *options, *once], cwd=place, check=True, timeout=300)
        shutil.rmtree(target, ignore_errors=True)
        _copy(Path(place) / "node_modules", target)
    (target / LOCK).write_bytes(lock)


def _copy(modules: Path, target: Path) -> None:
    for package, patterns in WANTED.items():
        for path in (path for pattern in patterns for path in (modules / package).glob(pattern)):
            if path.name == NOT_IN_BROWSERS:
                continue
            # Servers know .js as a script, and not all of them .mjs.
            name = {"LICENSE": "LICENSE.txt", "index.mjs": "index.js"}.get(path.name, path.name)
            place = target / package / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)


if __name__ == "__main__":
    try:
        fetch()
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(f"the scripts of a site's live tables cannot be fetched: {error}")
