"""A data repo of survey microdata with planted faults, and a search for what must not leave it."""

from __future__ import annotations

import struct
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from tests.support.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.commands import Done

KEY, ORPHAN, WEIGHT, NAME, WIN = 940417123, 851306017, -77.123457, "Zoltan Quimby", 662288.25
"""Planted: a key that is there twice, a reference to nothing, the least weight, a text, a value
of a column that one row has."""

DVC_YAML = """
artifacts:
  frs_2024:
    path: data/frs.h5
    type: dataset
    meta:
      pe:
        country: {country}
        entities:
          person: {{key: person_id, references: {{household: person_household_id}}}}
          household: {{key: household_id}}
        columns: {{income: person, lottery: person, name: person}}
        weight: household_weight
        vintage: frs_2024
        gates: {gates}
"""

LEAKY = """
import h5py
from pe_dvc.usecases.channel.gate_failures import Failure

def gate(nomination, options):
    with h5py.File(nomination.data._file.path) as file:
        name = file["name/2024"][3].decode()
    if options == "raise":
        raise ValueError(f"{name} is odd")
    yield Failure(dataset=name, gate=name, column=name, value=name, bound=name)
"""


@dataclass
class FrsRepo(Sandbox):
    """A clone whose people run everything with ``-vv`` and ``PE_DVC_DEBUG``; ``said`` keeps all."""

    country: str = "uk"
    said: list[str] = field(default_factory=list)

    def __init__(
        self, directory: Path, store: str, options: dict[str, str], country: str = "uk"
    ) -> None:
        super().__init__(directory, store, options)
        self.country, self.said = country, []
        plugin = directory / "plugin"
        (plugin / "leaky-1.0.dist-info").mkdir(parents=True)
        (plugin / "leaky.py").write_text(LEAKY)
        (plugin / "leaky-1.0.dist-info/METADATA").write_text("Name: leaky\nVersion: 1.0\n")
        entry = "[pe_dvc.gates]\nleaky = leaky:gate\n"
        (plugin / "leaky-1.0.dist-info/entry_points.txt").write_text(entry)
        self.environment |= {"PYTHONPATH": str(plugin), "PE_DVC_DEBUG": "1"}

    def make(self, access: str | None = None) -> None:
        """Make the repo with its keys, and nothing in it."""
        self.repo.mkdir()
        self.run("git", "init", "--quiet")
        self.run("dvc", "init", "--quiet")
        self.write(".dvc/config", "[core]\n    analytics = false\n    remote = policyengine\n")
        options = {"url": f"{self.store}/{self.country}", **self.remote_options}
        lines = "".join(f"    {name} = {value}\n" for name, value in options.items())
        self.write(".dvc/config.local", "['remote \"policyengine\"']\n" + lines)
        more = f'access = "{access}"\n' if access else ""
        self.write("pyproject.toml", f'[tool.pe_dvc]\ncountry = "{self.country}"\n{more}')
        self.declare()
        (self.repo / "data").mkdir()
        self.pe_dvc("channel", "init", "--country", self.country)

    def declare(self, gates: str = "{}") -> None:
        """Declare the dataset with these gates."""
        self.write("dvc.yaml", DVC_YAML.format(country=self.country, gates=gates))

    def survey(self, **changes: Any) -> None:
        """Write the data, sound but for ``changes``, and let DVC track it."""
        arrays = {
            "person_id": np.arange(1000, 1040),
            "person_household_id": np.arange(40) // 2 + 500,
            "income": np.linspace(100.0, 900.0, 40),
            "lottery": np.where(np.arange(40) == 7, WIN, 0.0),
            "name": np.array([NAME.encode() if i == 3 else b"-" for i in range(40)]),
            "household_id": np.arange(20) + 500,
            "household_weight": np.linspace(50.0, 60.0, 20),
            **changes,
        }
        with h5py.File(self.repo / "data/frs.h5", "w") as file:
            for name, values in arrays.items():
                file[f"{name}/2024"] = values
        self.run("dvc", "add", "--quiet", "data/frs.h5")

    def say(self, *arguments: str, code: int = 0) -> str:
        """Run pe-dvc with all that it can tell; return its stdout and stderr, and keep them."""
        done = self._all("-vv", *arguments, code=code)
        self.said += [done.stdout, done.stderr]
        return done.stdout + done.stderr

    def _all(self, *arguments: str, code: int) -> Done:
        from tests.support.commands import run

        done = run("pe-dvc", *arguments, cwd=self.repo, code=None, environment=self.environment)
        assert done.returncode == code, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done

    def build(self) -> None:
        """Describe the data and point ``latest`` at it."""
        self.say("manifest", "write")
        self.say("channel", "update", "latest")
        self.commit("Build")


def spellings(value: float | str) -> set[bytes]:
    """Return the ways in which a planted value may be written."""
    if isinstance(value, str):
        return {value.encode(), value.encode().hex().encode(), value.split()[0].encode()}
    texts = {str(value), str(abs(value)), f"{abs(value):,}", f"{abs(value):.6g}"}
    packed = struct.pack("<d", value)
    if isinstance(value, int):
        packed = struct.pack("<q", value)
    return {text.encode() for text in texts} | {packed, packed.hex().encode()}


PLANTED = set().union(*(spellings(value) for value in (KEY, ORPHAN, WEIGHT, NAME, WIN)))


def bytes_of_clone(sandbox: Sandbox) -> Iterator[tuple[str, bytes]]:
    """Yield all that a clone and its people's directories hold, git's objects unpacked.

    Left out are the data themselves: DVC's cache, and the workspace's file.
    """
    for path in sandbox.directory.rglob("*"):
        place = path.relative_to(sandbox.directory).as_posix()
        data = "/.dvc/cache/" in place or "/data/frs.h5" in place or "files/md5/" in place
        if path.is_file() and not data:
            yield place, path.read_bytes()
    unpack = ["git", "cat-file", "--batch-all-objects", "--batch"]
    yield "git's objects", subprocess.check_output(unpack, cwd=sandbox.repo)


def found(places: Iterator[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Return where planted values are, and which."""
    return [(name, value) for name, data in places for value in PLANTED if value in data]
