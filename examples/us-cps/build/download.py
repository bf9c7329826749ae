"""Fetch Tax-Calculator's source distribution, pinned by version and sha256.

Usage: python build/download.py VERSION SHA256 OUTPUT

The environment variable US_CPS_SDIST may name a local copy; its sha256 is checked as
well.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def main(version: str, sha256: str, output: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        local = os.environ.get("US_CPS_SDIST")
        sdist = Path(local) if local else fetch(version, sha256, Path(scratch))
        check(sdist, sha256)
        Path(output).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sdist, output)


def fetch(version: str, sha256: str, directory: Path) -> Path:
    """Let pip fetch the file, from whatever index the user's pip is set up for.

    pip has no way to fetch an sdist and not ask its build backend for metadata. With
    --require-hashes it compares the digest before it unpacks anything, so that only the pinned
    code ever runs.
    """
    pin = directory / "pin.txt"
    pin.write_text(f"taxcalc=={version} --hash=sha256:{sha256}\n")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    choice = ["--no-deps", "--no-binary", "taxcalc", "--require-hashes", "--requirement", str(pin)]
    if subprocess.run([*pip, *choice, "--dest", str(directory)], check=False).returncode != 0:
        sys.exit(
            f"download: pip could not fetch the sdist of taxcalc {version} with sha256 {sha256}; "
            "see pip's message above. Check the network and params.yaml, or set US_CPS_SDIST "
            "to a copy of the file."
        )
    return next(directory.glob("taxcalc-*.tar.gz"))


def check(sdist: Path, expected: str) -> None:
    if not sdist.is_file():
        sys.exit(f"download: US_CPS_SDIST names {sdist}, and there is no such file")
    with sdist.open("rb") as stream:
        actual = hashlib.file_digest(stream, "sha256").hexdigest()
    if actual != expected:
        sys.exit(
            f"download: {sdist} is not the file that params.yaml pins: "
            f"expected sha256 {expected}, got {actual}"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
