"""What people do in stories of publication: they build, push, and do what messages say."""

from __future__ import annotations

import json
from secrets import token_hex
from typing import TYPE_CHECKING

from tests.support.advice import follow

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import Sandbox

NAME = "enhanced_cps_2024"
_GIT_PUSH = ("git", "push", "--quiet", "origin", "HEAD")


def build(sandbox: Sandbox, seed: int) -> str:
    """Build with another parameter, commit, and return what readers should get."""
    sandbox.write("params.yaml", f"seed: {seed}\n")
    sandbox.run("dvc", "repro", "--quiet")
    sandbox.commit(f"Build with seed {seed}")
    return digest(sandbox)


def digest(sandbox: Sandbox) -> str:
    manifest = json.loads((sandbox.repo / "manifests/enhanced_cps_2024.json").read_text())
    return str(manifest["artifact"]["sha256"])


def latest(sandbox: Sandbox) -> tuple[str, int]:
    """Return what a reader who was there before gets now, and the version of the channel."""
    shown = json.loads(sandbox.read("show", "us/enhanced_cps_2024@latest", "--json").stdout)
    listed = json.loads(sandbox.read("channel", "list", "--country", "us", "--json").stdout)
    (channel,) = (one for one in listed if one["channel"] == "latest")
    return str(shown["manifest"]["artifact"]["sha256"]), int(channel["version"])


def remote_options(sandbox: Sandbox) -> dict[str, str]:
    """Return what opens the bucket of a sandbox from within a test."""
    credentials = {
        option: sandbox.environment[variable]
        for option, variable in (
            ("access_key_id", "AWS_ACCESS_KEY_ID"),
            ("secret_access_key", "AWS_SECRET_ACCESS_KEY"),
        )
        if sandbox.remote_options
    }
    return {**sandbox.remote_options, **credentials}


def check_whole(sandbox: Sandbox, *clones: Path) -> None:
    """The tools of a maintainer find nothing wrong, in any clone."""
    for repo in clones or (sandbox.repo,):
        if repo != sandbox.repo:
            sandbox.run("git", "fetch", "--quiet", cwd=repo)
        assert sandbox.json("channel", "log", "latest", cwd=repo)["broken"] is None
        sandbox.pe_dvc("gc", cwd=repo)
        checked = sandbox.json("fsck", cwd=repo)
        assert checked["ok"], checked
    sandbox.read("get", f"us/{NAME}@latest", "-o", str(sandbox.directory / token_hex(4)))


class Person:
    """A publisher with a clone of a git remote, who does what the messages say."""

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        self.sandbox, self.name, self.clone = sandbox, name, sandbox.directory / name
        origin = sandbox.directory / "origin.git"
        if not origin.exists():
            sandbox.run("git", "clone", "--quiet", "--bare", str(sandbox.repo), str(origin))
        sandbox.run("git", "clone", "--quiet", str(origin), str(self.clone))
        sandbox.configure_remote(self.clone)

    def git(self, *arguments: str, code: int = 0) -> str:
        return self.sandbox.run("git", *arguments, cwd=self.clone, code=code).stdout

    def build(self, seed: int) -> None:
        (self.clone / "params.yaml").write_text(f"seed: {seed}\n")
        self.repro()
        self.git("commit", "--quiet", "--all", "--message", f"Build {seed}")

    def repro(self) -> None:
        self.sandbox.run("dvc", "repro", "--quiet", cwd=self.clone)

    def push(self) -> str:
        """Push to the bucket, and to git where that was published; return what was said."""
        done = self.sandbox.pe_dvc("push", cwd=self.clone, code=None)
        if done.returncode == 0:
            self.git("commit", "--quiet", "--allow-empty", "--all", "--message", "Published")
            if self.sandbox.run(*_GIT_PUSH, cwd=self.clone, code=None).returncode != 0:
                self._pull("ours")
                self.git("commit", "--quiet", "--allow-empty", "--all", "--message", "Merged")
                self.sandbox.run(*_GIT_PUSH, cwd=self.clone)
        return "" if done.returncode == 0 else done.stderr

    def obey(self, said: str, message: str, *, keep: str) -> str:
        """Do what a message says, to the letter; return what a push said that was part of it.

        ``keep`` is ours or theirs, of files that git cannot merge.
        """
        said_by_push: list[str] = []

        def run(command: list[str]) -> None:
            if command[:2] == ["git", "pull"]:
                self._pull(keep)
            elif command[:2] == ["git", "commit"]:
                self.git("add", "--all")
                self.git("commit", "--quiet", "--allow-empty", "--message", "As I was told")
            elif command == ["pe-dvc", "push"]:
                said_by_push.append(self.push())
            else:
                self.sandbox.run(*command, cwd=self.clone)

        follow(said, message, run)
        return "".join(said_by_push)

    def _pull(self, keep: str) -> None:
        pull = ("git", "pull", "--quiet", "--no-rebase", "--no-edit")
        if self.sandbox.run(*pull, cwd=self.clone, code=None).returncode != 0:
            self.git("checkout", "--quiet", f"--{keep}", ".")

    def artifact(self) -> str:
        manifest = json.loads((self.clone / f"manifests/{NAME}.json").read_text())
        return str(manifest["artifact"]["sha256"])
