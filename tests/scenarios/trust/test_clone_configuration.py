"""A clone's DVC configuration names no program, no file of credentials and no endpoint for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.errors import PeDvcError, UntrustedError
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.stores import open_store
from tests.support.commands import run
from tests.support.hostile_clone import HostileClone
from tests.support.servers import Answering, answering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    Command = Callable[[HostileClone], object]

KEYS = {"AWS_ACCESS_KEY_ID": "mine", "AWS_SECRET_ACCESS_KEY": "x", "AWS_SESSION_TOKEN": "y"}
CLONES_KEYS = {"access_key_id": "theirs", "secret_access_key": "x"}
PIN = "us/cps@sha256:" + "0" * 64
COMMANDS: dict[str, Command] = {
    "ls": lambda _: pe_dvc.ls("us"),
    "show": lambda _: pe_dvc.manifest("us/cps@latest"),
    "show a pin": lambda _: pe_dvc.manifest(PIN),
    "get": lambda _: pe_dvc.get("us/cps@latest"),
    "fetch a pin": lambda _: pe_dvc.fetch(PIN),
    "trust add --from-store": lambda _: pe_dvc.TrustedRoots().add("us"),
    "pull": lambda clone: clone.repo.pull(),
    "push": lambda clone: clone.repo.push(uncommitted=True),
    "gc": lambda clone: clone.repo.gc(),
    "fsck": lambda clone: clone.repo.fsck(),
    "channel adopt": lambda clone: clone.repo.channel.adopt("latest"),
}


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HostileClone:
    made = HostileClone(tmp_path)
    run("git", "remote", "add", "origin", "https://git.example.org/us-data", cwd=made.root)
    made.track("x.txt", made.offer())
    monkeypatch.chdir(made.root)
    return made


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering(404) as running:
        yield running


def remote(options: Mapping[str, str]) -> str:
    named = {"url": "s3://bucket/us", "region": "eu-west-2", **options}
    lines = "".join(f"    {name} = {value}\n" for name, value in named.items())
    return f"[core]\n    remote = policyengine\n['remote \"policyengine\"']\n{lines}"


def with_keys(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str] = KEYS) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def pin(clone: HostileClone) -> None:
    pe_dvc.TrustedRoots().add("us", clone.root / "channels/us/root.json")


def aws_config(clone: HostileClone) -> Path:
    """Write a file of AWS's configuration into the clone; return what its program would make."""
    ran = clone.home / "ran"
    clone.write("aws", f"[default]\ncredential_process = touch {ran}\n")
    return ran


@pytest.mark.parametrize("pinned", [True, False])
@pytest.mark.parametrize("option", ["configpath", "credentialpath"])
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_program_that_the_clone_names_is_not_run(
    clone: HostileClone, command: Command, option: str, *, pinned: bool
) -> None:
    if pinned:
        pin(clone)
    ran = aws_config(clone)
    clone.write(".dvc/config", remote({option: "../aws"}))
    with pytest.raises(PeDvcError) as caught:
        command(clone)
    assert not ran.exists()
    assert isinstance(caught.value, UntrustedError)
    assert option in str(caught.value)
    assert f"dvc remote modify --local policyengine {option}" in (caught.value.remedy or "")


def local_configuration_in_git(clone: HostileClone) -> None:
    clone.write(".dvc/config.local", remote({"configpath": "../aws"}))
    clone.commit(".dvc/config.local")


def local_configuration_in_git_in_other_letters(clone: HostileClone) -> None:
    """On a file system that knows no case, git's ``Config.local`` is DVC's ``config.local``."""
    clone.write(".dvc/Config.local", remote({}))
    clone.commit(".dvc/Config.local")
    clone.write(".dvc/config.local", remote({"configpath": "../aws"}))


def dvc_directory_is_a_link_of_git(clone: HostileClone) -> None:
    clone.write("box/config", remote({}))
    clone.write("box/config.local", remote({"configpath": str(clone.root / "aws")}))
    run("rm", "-r", ".dvc", cwd=clone.root)
    (clone.root / ".dvc").symlink_to("box")
    clone.commit("box", ".dvc")


def dvc_directory_is_a_submodule(clone: HostileClone) -> None:
    clone.write(".dvc/config.local", remote({"configpath": "../aws"}))
    entry = f"160000,{'1' * 40},.dvc"
    run("git", "update-index", "--add", "--cacheinfo", entry, cwd=clone.root)


def remote_of_a_remote(clone: HostileClone) -> None:
    base = "['remote \"base\"']\n    url = s3://bucket\n    configpath = ../aws\n"
    clone.write(".dvc/config", remote({"url": "remote://base/us"}) + base)


def clone_without_git(clone: HostileClone) -> None:
    """An archive says nothing of who wrote ``config.local``."""
    (clone.root / ".git").rename(clone.home / "docs/git")
    clone.write(".dvc/config.local", remote({"configpath": "../aws"}))


@pytest.mark.parametrize(
    "attack",
    [
        local_configuration_in_git,
        local_configuration_in_git_in_other_letters,
        dvc_directory_is_a_link_of_git,
        dvc_directory_is_a_submodule,
        remote_of_a_remote,
        clone_without_git,
    ],
)
def test_a_program_is_not_run_however_the_clone_names_it(
    clone: HostileClone, attack: Callable[[HostileClone], None]
) -> None:
    ran = aws_config(clone)
    clone.write(".dvc/config", remote({}))
    attack(clone)
    with pytest.raises(UntrustedError, match="configpath"):
        pe_dvc.ls("us")
    assert not ran.exists()


@pytest.mark.parametrize("level", ["local", "global", "system", "global and the clone"])
def test_what_the_user_names_is_used(
    clone: HostileClone, monkeypatch: pytest.MonkeyPatch, server: Answering, level: str
) -> None:
    """``dvc remote modify --local``, as the message says."""
    secrets = clone.home / "aws"
    secrets.write_text("[default]\naws_access_key_id = mine\naws_secret_access_key = x\n")
    own = {"endpointurl": server.endpoint, "configpath": str(secrets)}
    clone.write(".dvc/config", remote(own if "clone" in level else {}))
    if level == "local":
        for name, value in own.items():
            run("dvc", "remote", "modify", "--local", "policyengine", name, value, cwd=clone.root)
    else:
        monkeypatch.setenv(f"DVC_{level.split()[0].upper()}_CONFIG_DIR", str(clone.home))
        (clone.home / "config").write_text(remote(own))
    with pytest.raises(PeDvcError):
        pe_dvc.ls("us")
    assert "Credential=mine/" in server.authorizations[0]


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_credentials_do_not_go_to_an_endpoint_that_only_the_clone_names(
    clone: HostileClone, monkeypatch: pytest.MonkeyPatch, server: Answering, command: Command
) -> None:
    with_keys(monkeypatch)
    clone.write(".dvc/config", remote({"endpointurl": server.endpoint}))
    with pytest.raises(UntrustedError, match="your credentials would go to") as caught:
        command(clone)
    assert server.requests == []
    endpoint = f"endpointurl {server.endpoint}"
    remedy = caught.value.remedy or ""
    assert f"dvc remote modify --local policyengine {endpoint}" in remedy
    assert f"PE_DVC_ALLOW_ENDPOINTS={server.endpoint}" in remedy


@pytest.mark.parametrize(
    "variable", ["PE_DVC_ALLOW_ENDPOINTS", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"]
)
def test_an_endpoint_is_allowed_by_the_environment(
    clone: HostileClone, monkeypatch: pytest.MonkeyPatch, server: Answering, variable: str
) -> None:
    with_keys(monkeypatch)
    clone.write(".dvc/config", remote({"endpointurl": f"{server.endpoint}/"}))
    others = "https://s3.example.org, " if "ALLOW" in variable else ""
    monkeypatch.setenv(variable, others + server.endpoint)
    with pytest.raises(PeDvcError):
        pe_dvc.ls("us")
    assert "Credential=mine/" in server.authorizations[0]
    monkeypatch.setenv(variable, "https://s3.example.org")
    server.requests.clear()
    with pytest.raises(UntrustedError):
        pe_dvc.ls("us")
    assert server.requests == []


def test_an_endpoint_is_allowed_for_good_and_a_later_one_is_not(
    clone: HostileClone, monkeypatch: pytest.MonkeyPatch, server: Answering
) -> None:
    """As the message says; then a `git pull` brings another endpoint, which is not used."""
    with_keys(monkeypatch)
    clone.write(".dvc/config", remote({"endpointurl": server.endpoint}))
    allow = ["remote", "modify", "--local", "policyengine", "endpointurl", server.endpoint]
    run("dvc", *allow, cwd=clone.root)
    with answering(404) as attackers:
        clone.write(".dvc/config", remote({"endpointurl": attackers.endpoint}))
        with pytest.raises(PeDvcError):
            pe_dvc.ls("us")
        assert attackers.requests == []
    assert "Credential=mine/" in server.authorizations[0]


@pytest.mark.parametrize("how", ["no credentials", "anonymous", "keys of the clone"])
def test_reading_that_sends_no_secret_needs_no_permission(
    clone: HostileClone, monkeypatch: pytest.MonkeyPatch, server: Answering, how: str
) -> None:
    options = {"endpointurl": server.endpoint}
    if how != "no credentials":
        with_keys(monkeypatch)
    if how == "anonymous":
        options["allow_anonymous_login"] = "true"
    if how == "keys of the clone":
        options |= CLONES_KEYS
    clone.write(".dvc/config", remote(options))
    with pytest.raises(PeDvcError):
        pe_dvc.ls("us")
    assert server.requests
    assert not any("mine" in header for header in server.authorizations)


@pytest.mark.parametrize("clones", [{"allow_anonymous_login": "true"}, CLONES_KEYS])
def test_an_encryption_key_of_the_user_does_not_go_to_an_endpoint_of_the_clone(
    clone: HostileClone, server: Answering, clones: dict[str, str]
) -> None:
    """Requests without credentials, or with the clone's own, would still carry it."""
    clone.write(".dvc/config", remote({"endpointurl": server.endpoint, **clones}))
    key = {"sse_customer_key": "bXkga2V5IGlzIDMyIGJ5dGVzIGxvbmcuIGl0IGlzLi4="}
    clone.write(".dvc/config.local", remote(key))
    with pytest.raises(UntrustedError, match="endpointurl"):
        pe_dvc.ls("us")
    assert server.requests == []


def test_a_repo_that_was_made_here_is_its_users(
    clone: HostileClone, monkeypatch: pytest.MonkeyPatch, server: Answering
) -> None:
    """`git init`, `dvc remote modify`: without a git remote nobody else wrote this."""
    run("git", "remote", "remove", "origin", cwd=clone.root)
    with_keys(monkeypatch)
    clone.write(".dvc/config", remote({"endpointurl": server.endpoint}))
    with pytest.raises(PeDvcError):
        pe_dvc.ls("us")
    assert "Credential=mine/" in server.authorizations[0]


def test_google_credentials_do_not_go_to_an_endpoint_of_the_clone(
    clone: HostileClone, server: Answering
) -> None:
    clone.write(".dvc/config", remote({"url": "gs://bucket/us", "endpointurl": server.endpoint}))
    with pytest.raises(UntrustedError, match="endpointurl"):
        pe_dvc.ls("us")
    assert server.requests == []


@pytest.mark.parametrize("value", ["false", "ca.pem"])
def test_the_clone_does_not_weaken_tls(
    clone: HostileClone, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    with_keys(monkeypatch)
    clone.write(".dvc/config", remote({"ssl_verify": value}))
    with pytest.raises(UntrustedError, match="ssl_verify"):
        pe_dvc.ls("us")


@pytest.mark.parametrize(
    ("endpoint", "encrypted"),
    [
        ("http://s3.example.org", False),
        ("http://127.0.0.1.example.org", False),
        ("http://127.0.0.1@s3.example.org", False),
        ("http://10.0.0.7:9000", False),
        ("https://s3.example.org", True),
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
    ],
)
def test_credentials_are_never_sent_in_the_clear_but_to_this_machine(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, *, encrypted: bool
) -> None:
    """Also where the user names the endpoint in DVC's configuration."""
    with_keys(monkeypatch)
    options = {"endpointurl": endpoint, "region": "eu-west-2"}
    if encrypted:
        open_store("s3://bucket", options=options)
    else:
        with pytest.raises(UntrustedError, match="in the clear"):
            open_store("s3://bucket", options=options)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("s3://bucket", {"region": "x.example.org/"}),
        ("s3://bucket", {"region": "example.org#"}),
        ("s3://bucket", {"endpointurl": "http://example.org\\@127.0.0.1"}),
        ("s3://bucket", {"endpointurl": "http://127.0.0.1 .example.org"}),
        ("s3://16909060#/us", {}),
        ("s3://localhost?/us", {}),
        ("az://box", {"account_name": "example.org/", "account_key": "c2VjcmV0"}),
    ],
)
def test_no_option_hides_another_host(
    monkeypatch: pytest.MonkeyPatch, url: str, options: dict[str, str]
) -> None:
    """Region, bucket and account become parts of the host that signed requests go to."""
    with_keys(monkeypatch)
    with pytest.raises(pe_dvc.errors.FormatError):
        open_store(url, options={"region": "eu-west-2", **options})


@pytest.mark.parametrize("where", ["PE_DVC_STORE", "store="])
def test_a_clone_does_not_redirect_a_reader_who_names_a_store(
    clone: HostileClone, monkeypatch: pytest.MonkeyPatch, server: Answering, where: str
) -> None:
    """Neither endpoint, region, profile nor credentials of the clone's remote apply there."""
    with_keys(monkeypatch, KEYS | {"AWS_ENDPOINT_URL": server.endpoint, "AWS_REGION": "eu-west-1"})
    ran = aws_config(clone)
    with answering(404) as attackers:
        options = {"endpointurl": attackers.endpoint, "configpath": "../aws", "profile": "default"}
        clone.write(
            ".dvc/config", remote({**options, "access_key_id": "a", "secret_access_key": "b"})
        )
        store = "s3://true-bucket"
        if where == "PE_DVC_STORE":
            monkeypatch.setenv(where, store)
        given = store if where == "store=" else None
        for call in (
            lambda: pe_dvc.ls("us", store=given),
            lambda: pe_dvc.fetch(PIN, store=given),
            lambda: clone.repo.channel.adopt("latest", store=given),
            lambda: clone.repo.fsck(store=given),
        ):
            with pytest.raises(PeDvcError):
                call()
            request, signed = server.requests[-1], server.authorizations[-1]
            assert "/true-bucket" in request
            assert "Credential=mine/" in signed
        assert attackers.requests == []
    assert not ran.exists()


@pytest.mark.parametrize("where", ["PE_DVC_STORE", "store="])
@pytest.mark.parametrize("store", ["s3://bucket", "s3://bucket/else"])
def test_all_commands_reach_the_remotes_own_bucket_by_the_remotes_options(
    clone: HostileClone,
    monkeypatch: pytest.MonkeyPatch,
    server: Answering,
    where: str,
    store: str,
) -> None:
    options = {"endpointurl": server.endpoint, "access_key_id": "ours", "secret_access_key": "x"}
    clone.write(".dvc/config", remote({}))
    clone.write(".dvc/config.local", remote(options))
    if where == "PE_DVC_STORE":
        monkeypatch.setenv(where, store)
    given = store if where == "store=" else None
    for call in (
        lambda: pe_dvc.ls("us", store=given),
        lambda: pe_dvc.fetch(PIN, store=given),
        lambda: pe_dvc.TrustedRoots().add("us", store=given),
        lambda: clone.repo.channel.adopt("latest", store=given),
        lambda: clone.repo.fsck(store=given),
    ):
        server.authorizations.clear()
        with pytest.raises(PeDvcError):
            call()
        assert "Credential=ours/" in server.authorizations[-1]


def test_a_clone_redirects_no_reader_of_its_own_bucket_by_an_endpoint(
    clone: HostileClone, monkeypatch: pytest.MonkeyPatch, server: Answering
) -> None:
    """The remote may say that it is the true bucket: its endpoint needs permission all the same."""
    with_keys(monkeypatch)
    clone.write(".dvc/config", remote({"endpointurl": server.endpoint}))
    for call in (
        lambda: pe_dvc.ls("us", store="s3://bucket"),
        lambda: clone.repo.fsck(store="s3://bucket"),
        lambda: clone.repo.fsck(store=str(clone.bucket), repair=True, mirror="s3://bucket"),
        lambda: DataRepo(clone.root).open_remote("policyengine"),
    ):
        with pytest.raises(UntrustedError):
            call()
    assert server.requests == []


def test_the_message_is_safe_to_paste(clone: HostileClone, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its author chooses the remote's name and the endpoint: both are quoted for a shell."""
    with_keys(monkeypatch)
    name, endpoint = "a$(touch ran)", "https://s3.example.org/$(touch${IFS}ran)"
    text = remote({"endpointurl": endpoint})
    clone.write(".dvc/config", text.replace("policyengine", name))
    with pytest.raises(UntrustedError) as caught:
        pe_dvc.ls("us")
    remedy = caught.value.remedy or ""
    assert f"--local '{name}' endpointurl '{endpoint}'" in remedy
    assert f"PE_DVC_ALLOW_ENDPOINTS='{endpoint}'" in remedy
