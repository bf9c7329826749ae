"""Extract the CPS files from Tax-Calculator's source distribution, unchanged.

Usage: python build/extract.py SDIST DIRECTORY
"""

from __future__ import annotations

import shutil
import sys
import tarfile
from pathlib import Path, PurePosixPath

WANTED = {
    "taxcalc/cps.csv.gz": "the tax units",
    "taxcalc/cps_weights.csv.gz": "their weights, one column a year",
    "taxcalc/growfactors.csv": "the growth of each kind of amount, one row a year",
}


def main(sdist: str, directory: str) -> None:
    missing = dict(WANTED)
    with tarfile.open(sdist) as archive:
        for member in archive:
            _, _, path = member.name.partition("/")
            if path in missing and (content := archive.extractfile(member)):
                del missing[path]
                with (Path(directory) / PurePosixPath(path).name).open("wb") as target:
                    shutil.copyfileobj(content, target)
    if missing:
        sys.exit(f"extract: {sdist} lacks {', '.join(missing)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
