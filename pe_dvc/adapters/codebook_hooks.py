"""Asks installed packages what the variables of a model mean: the entry points ``pe_dvc.codebook``.

A hook is a function of the model package's name. It returns a mapping in the form of a codebook's
``variables`` and ``entities``, or None where the package is not its own. Hooks run in one other
process: a model takes a minute and a gigabyte to load, prints, and may end its process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING

from pe_dvc.documents.codebook import Codebook, LabelSource
from pe_dvc.primitives.errors import FormatError, PeDvcError
from pe_dvc.primitives.printable import brief
from pe_dvc.store.plain_files import read_document
from pe_dvc.store.scratch import scratch_directory

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

GROUP = "pe_dvc.codebook"
SECONDS = 600
"""How long the hooks of a model may take."""
LIMIT = 64 * 1024 * 1024
"""Most bytes of what hooks write."""
SAID = 64 * 1024
"""Bytes at the end of their messages that are looked at."""


def model_codebook(package: str) -> Codebook | None:
    """Return the codebook of an installed model package.

    None where the package is not installed, or no hook knows it. Raises PeDvcError where a hook
    fails or takes too long, FormatError where it does not return a codebook.
    """
    return _asked(package, metadata.version(package)) if is_installed(package) else None


def is_installed(package: str) -> bool:
    """Tell whether a package is installed here."""
    try:
        metadata.version(package)
    except (metadata.PackageNotFoundError, ValueError):  # ValueError: of an empty name
        return False
    return True


@cache
def _asked(package: str, version: str) -> Codebook | None:
    with scratch_directory() as folder:
        file = folder / "codebook.json"
        _run(package, file)
        try:
            data = read_document(file, limit=LIMIT)
        except FileNotFoundError:
            raise _failed(package, "it ended without an answer") from None
    if data == b"null":
        return None
    found = Codebook.from_bytes(data, where=f"the codebook hook of {package}")
    if not found.variables:
        raise FormatError(
            "has no variables: expected one at least", where=f"the codebook hook of {package}"
        )
    return found.model_copy(update={"sources": (LabelSource(name=package, version=version),)})


def _run(package: str, file: Path) -> None:
    # -P: nothing in the working directory, such as a clone's folder of that name, is the model.
    command = [sys.executable, "-P", "-m", "pe_dvc.adapters.codebook_process", package, str(file)]
    # A file, and no pipe: a process that a hook leaves behind would hold that open.
    with (
        file.with_name("stderr").open("w+b") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        ) as process,
    ):
        try:
            process.wait(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise _failed(package, f"it took longer than {SECONDS} seconds") from None
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
        if process.returncode:
            said = _last_line(errors)
            raise _failed(package, said or f"exit code {process.returncode}")


def _last_line(errors: BinaryIO) -> str:
    """Return the last line of what a process wrote that says anything."""
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - SAID))
    lines = errors.read(SAID).decode(errors="replace").splitlines()
    return next((line for line in reversed(lines) if line.strip()), "")


def _failed(package: str, why: str) -> PeDvcError:
    return PeDvcError(
        f"what the variables of {package} mean could not be asked: {brief(why)}",
        remedy="Write `model: false` into codebook.yaml to do without it, or `model: FILE` with "
        "what `pe-dvc codebook write` made where the model works.",
    )
