"""A directory of thousands of files, by the real commands: requests and memory; ``make soak``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from tests.support.directories import NAME
from tests.support.tracked_directory import add_states, clone_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import Sandbox

MEMBERS = 100_000 if os.environ.get("SOAK") else 3_000
MIB = 1024
"""In KiB, as the kernel tells peaks."""
AT_MOST = 160 * MIB + 4 * MEMBERS
"""What a command may take: its libraries, and 4 KiB for each file."""
LARGE = 96 * MIB * 1024

MEASURE = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


def peak(sandbox: Sandbox, *command: str, cwd: Path | None = None) -> int:
    """Run pe-dvc and return the most memory that it took, in KiB."""
    program = (sys.executable, "-c", MEASURE, "pe-dvc", *command)
    return int(sandbox.run(*program, cwd=cwd).stdout.split()[-1])


def test_a_directory_of_thousands_of_files(built: Sandbox) -> None:
    files = {f"{n // 500:03d}/{n:06d}.csv": b"%d\n" % n for n in range(MEMBERS)}
    manifest = add_states(built, files)
    assert manifest.artifact.members is not None
    assert manifest.artifact.members.count == MEMBERS
    assert peak(built, "manifest", "write") < AT_MOST
    assert peak(built, "push") < AT_MOST
    assert peak(built, "verify") < AT_MOST
    built.pe_dvc("trust", "add", "us", "channels/us/root.json")
    out = built.directory / "out"
    reference = f"us/{NAME}@latest"
    get = ("get", reference, "--store", built.store, "-o", str(out))
    assert peak(built, *get, cwd=built.directory) < AT_MOST
    clone = clone_of(built)
    assert peak(built, "pull", cwd=clone) < AT_MOST
    for path in (min(files), max(files)):
        assert (out / path).read_bytes() == files[path]
        assert (clone / "data" / NAME / path).read_bytes() == files[path]
    assert sum(1 for path in out.rglob("*.csv")) == MEMBERS
    assert built.run("dvc", "status", "--json", cwd=clone).stdout.strip() == "{}"
    again = built.json("push")
    assert (again["uploaded"], again["manifests"]) == ([], [])


def test_memory_does_not_grow_with_the_bytes_of_the_files(built: Sandbox) -> None:
    folder = built.repo / "data" / NAME
    folder.mkdir(parents=True)
    for name in ("a.bin", "b.bin", "c.bin"):
        with (folder / name).open("wb") as file:
            file.truncate(LARGE + ord(name[0]))
    manifest = add_states(built, {"small": b"x"})
    assert manifest.artifact.size > 3 * LARGE
    allowed = 220 * MIB
    assert peak(built, "manifest", "write") < allowed
    assert peak(built, "push") < allowed
    built.pe_dvc("trust", "add", "us", "channels/us/root.json")
    out = built.directory / "out"
    reference = f"us/{NAME}@latest"
    get = ("get", reference, "--store", built.store, "-o", str(out))
    assert peak(built, *get, cwd=built.directory) < allowed
    clone = clone_of(built)
    assert peak(built, "pull", cwd=clone) < allowed
    assert (clone / "data" / NAME / "c.bin").stat().st_size == LARGE + ord("c")
