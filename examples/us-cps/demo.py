"""Every feature once, on real microdata: ``make demo``.

A maintainer builds and publishes two datasets, a researcher pulls them, a consumer reads them by
reference, and an attacker fails. Everything happens in a temporary directory.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from demo_shell import DemoError, Shell, check

EXAMPLE = Path(__file__).resolve().parent
NOT_OF_THE_REPO = shutil.ignore_patterns(
    *("demo*.py", "__pycache__", "cache", "tmp", "raw", "data"),
    *("dvc.lock", "manifests", "channels"),
)
NAME = "enhanced_cps_2024"
LATEST = f"pe-data://us/{NAME}@latest"
REFUSED = 1
TAX_UNITS = 280_005


class Demo:
    """The six steps. Each leaves behind what the next one starts from."""

    def __init__(self, home: Path) -> None:
        self.shell = Shell(home)
        self.repo, self.clone, self.consumer = home / "us-cps", home / "clone", home / "consumer"
        self.store = home / "store"
        self.sha256 = ""

    def step_1(self) -> None:
        """A data repo: git, DVC, a pipeline, and keys outside of it."""
        shutil.copytree(EXAMPLE, self.repo, ignore=NOT_OF_THE_REPO)
        run = self.shell.run
        run(self.repo, "git", "init", "--quiet", "--initial-branch=main")
        run(self.repo, "dvc", "remote", "modify", "policyengine", "url", f"{self.store}/us")
        run(self.repo, "pe-dvc", "channel", "init", "--country", "us")
        keys = [path for path in self.shell.place("keys").rglob("*") if path.is_file()]
        check(
            bool(keys) and all(path.stat().st_mode & 0o077 == 0 for path in keys),
            "the keys are outside the repo, and only their owner can read them",
        )
        run(self.repo, "git", "add", "--all")
        run(self.repo, "git", "commit", "--quiet", "--message", "Start the data repo")

    def step_2(self) -> None:
        """`dvc repro` builds both datasets, their manifests and the signed pointer."""
        run = self.shell.run
        run(self.repo, "dvc", "repro")
        manifest = json.loads((self.repo / f"manifests/{NAME}.json").read_text())
        self.sha256 = _sha256(self.repo / f"data/{NAME}.parquet")
        check(manifest["artifact"]["sha256"] == self.sha256, "the manifest names the file's sha256")
        rows = [table["rows"] for table in manifest["table"]["tables"]]
        check(rows == [TAX_UNITS], f"and its {TAX_UNITS:,} tax units")
        pointer = (self.repo / "channels/us/latest.json").read_text()
        check(self.sha256 in pointer, "the signed pointer latest names it too")
        run(self.repo, "git", "add", "--all")
        run(self.repo, "git", "commit", "--quiet", "--message", "Build the datasets")
        run(self.repo, "dvc", "repro")
        clean = run(self.repo, "git", "status", "--porcelain")
        check(clean == "", "a second dvc repro changed nothing")
        check("up to date" in run(self.repo, "dvc", "status"), "and dvc status is clean")

    def step_3(self) -> None:
        """`pe-dvc push` publishes payloads, manifests and, last, the pointer."""
        self.shell.run(self.repo, "pe-dvc", "push")
        check((self.store / "channels/us/timestamp.json").is_file(), "the pointer is published")
        check(self._payload().is_file(), "the payload is where plain DVC looks for it")
        self.shell.run(self.repo, "pe-dvc", "push")

    def step_4(self) -> None:
        """A researcher with a clone needs only plain DVC, and can verify the files."""
        run = self.shell.run
        run(self.repo.parent, "git", "clone", "--quiet", str(self.repo), str(self.clone))
        run(self.clone, "dvc", "pull")
        check(
            _sha256(self.clone / f"data/{NAME}.parquet") == self.sha256,
            "dvc pull, without pe_dvc, downloaded identical content",
        )
        run(self.clone, "pe-dvc", "verify")

    def step_5(self) -> None:
        """A consumer without a clone pins a root once, and reads datasets by reference."""
        run = self.shell.run
        self.consumer.mkdir()
        self.shell.export("PE_DVC_STORE", str(self.store))
        run(self.consumer, "pe-dvc", "trust", "add", "us", f"{self.repo}/channels/us/root.json")
        payloads, hidden = self.store / "us/files", self.store / "us/files.hidden"
        run(self.consumer, "mv", str(payloads), str(hidden))
        described = run(self.consumer, "pe-dvc", "show", LATEST)
        check(f"{TAX_UNITS:,}" in described, "show needed no payload: the store has none")
        run(self.consumer, "mv", str(hidden), str(payloads))
        first = Path(run(self.consumer, "pe-dvc", "get", LATEST).splitlines()[-1])
        check(_sha256(first) == self.sha256, "get downloaded identical content")
        run(self.consumer, "mv", str(payloads), str(hidden))
        pinned = f"pe-data://us/{NAME}@sha256:{self.sha256}"
        for reference in (LATEST, pinned):
            again = Path(run(self.consumer, "pe-dvc", "get", reference).splitlines()[-1])
            check(again == first, "and again from the cache, with no payload in the store")
        run(self.consumer, "mv", str(hidden), str(payloads))

    def step_6(self) -> None:
        """An attacker who can write to the bucket is detected."""
        self._flip_a_byte()
        self._rewrite_the_pointer()

    def _flip_a_byte(self) -> None:
        payload, cache = self._payload(), self.shell.place("cache")
        good = payload.read_bytes()
        middle = len(good) // 2
        _overwrite(payload, good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :])
        print(f"\n  The attacker flips one bit of {payload}")
        self.shell.run(self.consumer, "rm", "-rf", str(cache))
        said = self.shell.run(self.consumer, "pe-dvc", "get", LATEST, exit_code=REFUSED)
        told = all(part in said for part in (self.sha256, _sha256(payload), str(self.store)))
        check(told, "get refused, and named both digests and the store")
        held = [p for part in ("artifacts", "partial") for p in (cache / part).rglob("*.*")]
        check(not held, "and left no file behind")
        self._pull_the_flipped_byte()
        _overwrite(payload, good)

    def _pull_the_flipped_byte(self) -> None:
        """Show why the starter configuration of DVC says ``verify = true``."""
        run, path = self.shell.run, f"data/{NAME}.parquet"
        for verify, exit_code in (("false", 0), ("true", 1)):
            run(self.clone, "rm", "-rf", ".dvc/cache", path)
            run(self.clone, "dvc", "remote", "modify", "--local", "policyengine", "verify", verify)
            run(self.clone, "dvc", "pull", path, exit_code=exit_code)
            if verify == "false":
                run(self.clone, "pe-dvc", "verify", NAME, exit_code=REFUSED)
                check(True, "dvc pull did not notice, and pe-dvc verify did")
        check(True, "with verify = true, as in this repo's .dvc/config, dvc pull refuses too")

    def _rewrite_the_pointer(self) -> None:
        channel = self.store / "channels/us"
        forged = {self.sha256: _sha256(self.repo / "data/cps_2014.parquet")}
        print(
            f"\n  The attacker points {NAME} at other bytes, and corrects every digest on the way"
        )
        good = {}
        for pattern in ("*latest.json", "*.snapshot.json", "timestamp.json"):
            for path in sorted(channel.glob(pattern)):
                text = good[path] = path.read_bytes()
                for promised, other in forged.items():
                    text = text.replace(promised.encode(), other.encode())
                _overwrite(path, text)
                forged[hashlib.sha256(good[path]).hexdigest()] = _sha256(path)
        said = self.shell.run(self.consumer, "pe-dvc", "show", LATEST, exit_code=REFUSED)
        check("signed by 0/1 keys" in said, "show refused: no valid key signed that")
        for path, data in good.items():
            _overwrite(path, data)
        path = Path(self.shell.run(self.consumer, "pe-dvc", "get", LATEST).splitlines()[-1])
        check(_sha256(path) == self.sha256, "with the bucket restored, get works again")

    def _payload(self) -> Path:
        manifest = json.loads((self.repo / f"manifests/{NAME}.json").read_text())
        md5: str = manifest["artifact"]["dvc"]["md5"]
        return self.store / "us/files/md5" / md5[:2] / md5[2:]


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _overwrite(path: Path, data: bytes) -> None:
    """Replace a file's bytes and leave its mode: DVC takes a read-only object for a good one."""
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(mode)


def run_demo(home: Path) -> int:
    """Run all steps in the empty directory ``home``; return the exit code."""
    demo, began = Demo(home), time.monotonic()
    for step in (demo.step_1, demo.step_2, demo.step_3, demo.step_4, demo.step_5, demo.step_6):
        title = f"{step.__name__.replace('_', ' ')}: {step.__doc__}"
        print(f"\n{'=' * len(title)}\n{title}\n{'=' * len(title)}", flush=True)
        try:
            step()
        except (DemoError, OSError) as error:
            print(f"\nThe demo failed in {step.__name__.replace('_', ' ')}: {error}")
            print("Run it with --keep DIR (an empty directory) to keep its files.")
            return 1
    print(f"\nAll six steps worked, in {time.monotonic() - began:.0f} seconds.")
    return 0


def main() -> int:
    """Read the command line and run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", metavar="DIR", type=Path, help="work in DIR and leave it there")
    keep = parser.parse_args().keep
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="pe-dvc-demo-") as scratch:
            return run_demo(Path(scratch).resolve())
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        parser.error(f"{keep} is not an empty directory")
    keep.mkdir(parents=True, exist_ok=True)
    return run_demo(keep.resolve())


if __name__ == "__main__":
    sys.exit(main())
