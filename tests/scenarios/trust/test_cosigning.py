"""Root and targets signed by people on several machines: drafts in git, signed one by one.

Alice, Bob and Carol have a clone, a home and a key of their own each; two of three must sign.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.project.stores import open_store
from tests.support.environment import own_directories
from tests.support.stories import NAME, latest, remote_options

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.commands import Done
    from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.either_store

ONLINE = ("latest", "snapshot", "timestamp", "next", "revoked", "releases")


class Maintainer:
    """Somebody with a clone of the git remote, and keys that nobody else has."""

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        self.sandbox, self.name = sandbox, name
        self.home = sandbox.directory / name
        self.home.mkdir()
        self.keys, self.clone = self.home / "keys/us", self.home / "us-data"
        self.public = self.home / f"{name}.pem"
        self.environment = {"HOME": str(self.home), **own_directories(self.home)}

    def make_key(self, file: str = "root.pem") -> None:
        """Make a key as the runbook says, and the public half that is sent to the others."""
        self.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.keys.parent.chmod(0o700)
        made = str(self.keys / file)
        self.sandbox.run("openssl", "genpkey", "-algorithm", "ed25519", "-out", made)
        (self.keys / file).chmod(0o600)
        self.sandbox.run("openssl", "pkey", "-in", made, "-pubout", "-out", str(self.public))

    def take_clone(self, *, data: bool = False) -> None:
        origin = self.sandbox.directory / "origin.git"
        self.sandbox.run("git", "clone", "--quiet", str(origin), str(self.clone))
        self.sandbox.configure_remote(self.clone)
        if data:
            shutil.copytree(self.sandbox.repo / ".dvc/cache", self.clone / ".dvc/cache")
            shutil.copytree(self.sandbox.repo / "data", self.clone / "data", dirs_exist_ok=True)

    def pe_dvc(self, *arguments: str, code: int | None = 0) -> Done:
        return self.sandbox.run("pe-dvc", *arguments, cwd=self.clone, code=code, **self.environment)

    def git(self, *arguments: str, code: int | None = 0) -> Done:
        return self.sandbox.run("git", *arguments, cwd=self.clone, code=code)

    def build(self, seed: int) -> None:
        """Build with another parameter, and share it."""
        (self.clone / "params.yaml").write_text(f"seed: {seed}\n")
        self.sandbox.run("dvc", "repro", "--quiet", cwd=self.clone, code=0, **self.environment)
        self.share(f"Build {seed}")

    def share(self, message: str) -> None:
        """Commit, and push to the git remote."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", "HEAD")

    def pull(self) -> None:
        self.git("pull", "--quiet")

    def sign(self, role: str, code: int = 0) -> str:
        done = self.pe_dvc("channel", "sign", role, "--yes", code=code)
        return done.stderr + done.stdout

    def channel_file(self, name: str) -> Path:
        return self.clone / "channels/us" / name


class Team:
    """Three maintainers, and the git remote between them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        for place in ("channels", "keys"):
            shutil.rmtree(sandbox.repo / place, ignore_errors=True)
        shutil.rmtree(sandbox.directory / "keys", ignore_errors=True)
        sandbox.commit("Without channels")
        origin = sandbox.directory / "origin.git"
        sandbox.run("git", "clone", "--quiet", "--bare", str(sandbox.repo), str(origin))
        names = ("alice", "bob", "carol")
        self.alice, self.bob, self.carol = (Maintainer(sandbox, name) for name in names)
        for one in (self.alice, self.bob, self.carol):
            one.make_key()
            one.take_clone(data=one is self.alice)

    def init(self, code: int = 0) -> Done:
        """Alice lays out the channels; the keys of CI stay with her."""
        public = [
            option
            for role in ("root", "targets")
            for one in (self.alice, self.bob, self.carol)
            for option in ("--public-key", f"{role}={one.public}")
        ]
        thresholds = ("--threshold", "root=2", "--threshold", "targets=2")
        return self.alice.pe_dvc(
            "channel", "init", "--country", "us", *thresholds, *public, code=code
        )

    def publish_first(self) -> None:
        """Alice lays out, Bob signs, Alice builds and pushes; the researcher pins the root."""
        self.init()
        self.alice.share("Channels, to be signed")
        self.bob.pull()
        self.bob.sign("root")
        self.bob.sign("targets")
        self.bob.share("Signed by Bob")
        self.alice.pull()
        self.alice.pe_dvc("channel", "update", "latest")
        self.alice.share("Build")
        self.alice.pe_dvc("push")
        root = self.alice.channel_file("root.json")
        self.sandbox.pe_dvc("trust", "add", "us", str(root), cwd=self.sandbox.researcher)


@pytest.fixture
def team(sandbox: Sandbox) -> Team:
    return Team(sandbox)


@pytest.fixture
def published(team: Team) -> Team:
    team.publish_first()
    return team


@pytest.fixture
def team_of_three(built: Sandbox) -> Team:
    """As ``published``, in a directory: for what happens in git alone."""
    made = Team(built)
    made.publish_first()
    return made


def root_version(sandbox: Sandbox) -> int:
    """Return the newest root that the researcher, who pinned root 1, has followed."""
    found = [
        json.loads(path.read_text())["signed"]["version"]
        for path in (sandbox.directory / "state").rglob("*root*.json")
    ]
    return int(max(found))


def test_two_of_three_sign_the_first_root_on_two_machines(team: Team) -> None:
    alice, bob, sandbox = team.alice, team.bob, team.sandbox
    said = team.init().stderr
    assert "root 1 is a draft: needs 1 more signature, of " in said
    assert "bob (" in said
    assert "carol (" in said
    assert "fingerprint" not in said
    assert not alice.channel_file("root.json").exists()
    alice.share("Channels, to be signed")

    # Nothing is published, nothing is built, and each message says what to wait for.
    refused = alice.pe_dvc("push", code=1).stderr
    assert "root 1 needs 1 more signature, of bob (" in refused
    assert "pe-dvc channel sign root" in refused
    assert "pe-dvc channel status" in alice.pe_dvc("channel", "update", "latest", code=3).stderr
    status = alice.pe_dvc("channel", "status").stdout
    assert "DRAFT, not in force: 1 of 2 signatures, 1 missing" in status
    assert "(alice)" in status
    assert "holds channels already" in team.init(code=1).stderr

    bob.pull()
    shown = bob.pe_dvc("channel", "sign", "root", code=2).stderr
    assert "root: 2 keys must sign" in shown
    assert "(carol)" in shown
    assert "--yes" in shown
    bob.sign("root")
    assert not bob.channel_file("root.json").exists(), "targets must be signed, too"
    assert "targets 1 is in force" in bob.sign("targets")
    assert bob.channel_file("root.json").exists()
    assert not bob.channel_file("draft").exists()
    assert "fingerprint" in bob.pe_dvc("channel", "status").stdout
    bob.share("Signed by Bob")

    alice.pull()
    alice.pe_dvc("channel", "update", "latest")
    alice.share("Build")
    alice.pe_dvc("push")
    root = alice.channel_file("root.json")
    sandbox.pe_dvc("trust", "add", "us", str(root), cwd=sandbox.researcher)
    assert latest(sandbox)[1] == 2
    sandbox.read("get", f"us/{NAME}@latest", "-o", "got.parquet")


def test_a_machine_is_lost_and_an_old_reader_follows(published: Team) -> None:
    """Carol's laptop is gone: Alice drafts a root with a new key of hers, Bob signs it."""
    alice, bob, sandbox = published.alice, published.bob, published.sandbox
    before = latest(sandbox)
    shutil.rmtree(published.carol.home)
    carol = published.carol
    carol.home.mkdir()
    carol.make_key("root-2.pem")

    rotated = alice.pe_dvc(
        "channel", "keys", "rotate", "root", "carol", "--public-key", str(carol.public)
    ).stderr
    assert "root 2 is a draft: needs 1 more signature, of bob (" in rotated
    alice.share("A new key for Carol")

    # While it waits, everything else is built and published.
    said = alice.pe_dvc("push").stderr
    assert "root 2 is a draft, and not published: needs 1 more signature" in said
    alice.build(11)
    alice.pe_dvc("push")
    assert latest(sandbox) != before
    assert root_version(sandbox) == 1
    status = alice.pe_dvc("channel", "status", "--json").stdout
    (draft,) = (one for one in json.loads(status)["roles"] if one["draft"])
    assert (draft["role"], draft["version"], draft["missing"]) == ("root", 2, 1)
    assert any("root 2 is a draft" in one for one in json.loads(status)["standing"])

    bob.pull()
    shown = bob.pe_dvc("channel", "sign", "root", code=2).stderr
    assert "+ key" in shown
    assert shown.count("(carol)") >= 2, "the old key and the new one, by name"
    assert "root 2 is in force" in bob.sign("root")
    bob.share("Signed by Bob")
    alice.pull()
    alice.pe_dvc("push")
    latest(sandbox)
    assert root_version(sandbox) == 2

    # With her new key Carol signs the next one, with Alice.
    carol.take_clone()
    carol.pe_dvc("channel", "renew", "root")
    carol.share("Renew")
    alice.pull()
    alice.sign("root")
    alice.share("Signed by Alice")
    alice.pe_dvc("push")
    latest(sandbox)
    assert root_version(sandbox) == 3


def test_targets_are_changed_and_renewed_by_two(team_of_three: Team) -> None:
    """A reviewer comes: the draft of targets waits, and is in force with the second signature."""
    alice, bob, sandbox = team_of_three.alice, team_of_three.bob, team_of_three.sandbox
    said = alice.pe_dvc("channel", "keys", "add", "next", "--name", "rita").stderr
    assert "targets 2 is a draft: needs 1 more signature, of bob (" in said
    again = alice.pe_dvc("channel", "keys", "add", "next", "--name", "rolf").stderr
    assert "targets 2 is a draft" in again, "a draft that is changed keeps its version"
    refused = alice.pe_dvc("channel", "renew", "targets", code=1).stderr
    assert "there is a draft of targets already" in refused
    alice.share("Reviewers")
    bob.pull()
    shown = bob.sign("targets")
    assert "(rita)" in shown
    assert "(rolf)" in shown
    assert "targets 2 is in force" in shown
    bob.share("Signed by Bob")
    alice.pull()
    alice.pe_dvc("push")
    status = json.loads(alice.pe_dvc("channel", "status", "--json").stdout)
    (reviewers,) = (one for one in status["roles"] if one["role"] == "next")
    assert set(reviewers["names"].values()) == {"rita", "rolf"}

    # A channel whose key is replaced is signed again, on top of what was published meanwhile.
    alice.pe_dvc("channel", "keys", "rotate", "latest")
    alice.share("A new key for CI")
    alice.build(12)
    alice.pe_dvc("push")
    built = latest(sandbox)
    bob.pull()
    bob.sign("targets")
    bob.share("Signed by Bob")
    alice.pull()
    assert "1 of 1 signatures, expires" in alice.sign("latest")
    alice.share("Signed with the new key")
    alice.pe_dvc("push")
    assert latest(sandbox) == (built[0], built[1] + 1)


def test_a_key_that_is_not_of_the_role_signs_nothing(team_of_three: Team) -> None:
    """Mallory has a key and a clone."""
    alice, mallory = team_of_three.alice, Maintainer(team_of_three.sandbox, "mallory")
    alice.pe_dvc("channel", "renew", "root")
    alice.share("Renew")
    mallory.make_key()
    mallory.take_clone()
    refused = mallory.sign("root", code=1)
    assert "this machine has none of the keys of root (3)" in refused
    assert "PE_DVC_KEYS_DIR" in refused

    # A signature that is put into the file by hand counts for nothing, and is named.
    path = mallory.channel_file("draft/2.root.json")
    document = json.loads(path.read_text())
    document["signatures"].append({"keyid": "ab" * 32, "sig": "cd" * 64})
    path.write_text(json.dumps(document))
    mallory.share("A stranger's signature")
    alice.pull()
    assert "root 2 is a draft: needs 1 more" in alice.pe_dvc("channel", "status").stdout
    assert "signature that does not count, by key abab" in alice.pe_dvc("channel", "status").stdout
    team_of_three.bob.pull()
    signed = team_of_three.bob.sign("root")
    assert "dropped the signature of abababababab" in signed
    assert "root 2 is in force" in signed
    assert "ab" * 32 not in team_of_three.bob.channel_file("root.json").read_text()


def test_a_draft_that_was_altered_after_the_first_signature(team_of_three: Team) -> None:
    """Whoever can write to git lowers the threshold in what Alice has signed."""
    alice, bob = team_of_three.alice, team_of_three.bob
    alice.pe_dvc("channel", "renew", "root")
    path = alice.channel_file("draft/2.root.json")
    document = json.loads(path.read_text())
    document["signed"]["roles"]["root"]["threshold"] = 1
    path.write_text(json.dumps(document))
    alice.share("Altered")
    bob.pull()
    status = bob.pe_dvc("channel", "status").stdout
    assert "needs 2 more signatures" in status
    assert "signature that does not count, by key" in status
    signed = bob.sign("root")
    assert "root: 1 key must sign, before 2" in signed
    assert "dropped the signature of alice (" in signed
    assert "root 2 needs 1 more signature, of alice (" in signed
    assert not bob.channel_file("root_history/2.root.json").exists()


def test_two_people_draft_at_once(team_of_three: Team) -> None:
    """Git tells the second; if the first came into force meanwhile, the second draft is refused."""
    alice, bob, carol = team_of_three.alice, team_of_three.bob, team_of_three.carol
    carol.pull()
    alice.pe_dvc("channel", "keys", "add", "root", "--name", "dora")
    alice.share("Dora")
    bob.pull()
    bob.sign("root")
    bob.share("Signed by Bob")

    carol.pe_dvc("channel", "renew", "root")
    carol.git("add", "--all")
    carol.git("commit", "--quiet", "--message", "Renew")
    carol.git("pull", "--quiet", "--no-rebase", "--no-edit", code=None)
    carol.git("checkout", "--quiet", "HEAD", "--", "channels", code=None)
    refused = carol.sign("root", code=1)
    assert "has a draft of root that was made from version 1, and git holds root 2" in refused
    carol.git("add", "--all")
    carol.git("commit", "--quiet", "--allow-empty", "--message", "Merge")
    told = carol.pe_dvc("channel", "status", "--offline").stdout
    assert "made from version 1" in told
    assert ": rm -r" in told
    assert "made from version 1" in carol.pe_dvc("push").stderr, "and it stops no publication"
    carol.git("rm", "-r", "--quiet", "channels/us/draft")
    carol.git("commit", "--quiet", "--message", "Dora's root it is")
    carol.pe_dvc("channel", "renew", "root")
    carol.share("Renew")
    alice.pull()
    assert "root 3 is in force" in alice.sign("root")
    alice.share("Signed by Alice")
    alice.pe_dvc("push")


def test_a_thief_of_one_of_two_keys_publishes_nothing(
    published: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Bob's key, the bucket's credentials and a clone: no reader and no maintainer follows."""
    alice, sandbox = published.alice, published.sandbox
    before = latest(sandbox)
    thief = Maintainer(sandbox, "thief")
    shutil.copytree(published.bob.keys.parent, thief.keys.parent)
    thief.take_clone()
    thief.pe_dvc("channel", "keys", "rotate", "timestamp")
    assert not thief.channel_file("root_history/2.root.json").exists()
    draft = thief.channel_file("draft/2.root.json").read_bytes()

    # By hand, into git and into the bucket.
    thief.channel_file("root.json").write_bytes(draft)
    thief.channel_file("root_history/2.root.json").write_bytes(draft)
    thief.git("add", "--all")
    thief.git("commit", "--quiet", "--message", "Root 2")
    for command in ("push", "channel status", "verify"):
        said = thief.pe_dvc(*command.split(), code=1).stderr
        assert "1 of its keys, and 2 must sign" in said, command
    for name, value in sandbox.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    bucket = open_store(sandbox.store, options=remote_options(sandbox))
    bucket.create("channels/us/2.root.json", draft)
    refused = sandbox.read("show", f"us/{NAME}@latest", code=1).stderr
    assert "signed by 1/2 keys" in refused
    assert root_version(sandbox) == 1
    alice.pe_dvc("channel", "renew", "root")
    alice.share("Renew")
    published.carol.pull()
    published.carol.sign("root")
    published.carol.share("Signed by Carol")
    alice.pull()
    alice.pe_dvc("push")
    held, _ = bucket.read("channels/us/2.root.json", limit=100_000)
    assert sha256_bytes(held) != sha256_bytes(draft)
    assert latest(sandbox)[0] == before[0]
    assert root_version(sandbox) == 2
