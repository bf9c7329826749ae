"""What lies where pe_dvc writes or keeps its own: outputs, keys, pinned roots and state."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.adapters.file_journal import FileJournal
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.adapters.stores.s3_regions import Regions
from pe_dvc.errors import FormatError, NotFoundError
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.store.cache import Cache
from pe_dvc.store.local_copies import LocalCopy
from pe_dvc.store.port import ObjectInfo
from pe_dvc.trust.key_binding import bind_keys
from pe_dvc.trust.keys import generate_keys, load_key_file
from pe_dvc.trust.pins import list_pins, pinned_root, remove_pin
from pe_dvc.trust.tuf_api import Root
from tests.support.commands import run, run_pe_dvc
from tests.support.country import LATEST, NAME, Country, reader_at
from tests.support.hostile_clone import HostileClone
from tests.support.new_keys import new_key
from tests.support.signed_channels import SignedChannels

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = b"a dataset" * 100
NOBODY = 65534


@pytest.fixture
def country(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Country:
    reader_at(tmp_path / "reader", monkeypatch)
    monkeypatch.setenv("PE_DVC_STORE", str(tmp_path / "bucket"))
    monkeypatch.chdir(tmp_path)
    made = Country(tmp_path / "maintainer", LocalStore(tmp_path / "bucket"))
    made.publish({NAME: DATA})
    made.trust(tmp_path / "reader/config")
    return made


def pipe(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(path.parent)
        server.bind(path.name)


def device(path: Path) -> None:
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root can make a device")


def link_to_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def link_to_device(path: Path) -> None:
    path.symlink_to("/dev/null")


def folder_in_folder(path: Path) -> None:
    """``-o DIR`` means a file in it: there a directory is in the way."""
    (path / f"{NAME}.parquet").mkdir(parents=True)


SPECIAL = [pipe, listening, device, link_to_pipe, link_to_device, folder_in_folder]


@pytest.mark.parametrize("make", SPECIAL)
def test_get_replaces_nothing_that_is_not_a_file(
    country: Country, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    output = tmp_path / "there"
    make(output)
    before = output.lstat()
    refused = run_pe_dvc("get", LATEST, "-o", str(output), code=1)
    assert str(output) in refused.stderr
    assert "Traceback" not in refused.stderr
    after = output.lstat()
    assert (before.st_ino, before.st_mode) == (after.st_ino, after.st_mode)
    assert not list((tmp_path / "reader/cache").glob("artifacts/*/*")), "refused before a download"
    with pytest.raises(FormatError):
        pe_dvc.fetch(LATEST, output=output)


def test_get_onto_a_link_replaces_the_link(country: Country, tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"mine")
    (tmp_path / "link").symlink_to("mine")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("link", "dangling"):
        assert pe_dvc.fetch(LATEST, output=tmp_path / name).read_bytes() == DATA
        assert not (tmp_path / name).is_symlink()
    assert (tmp_path / "mine").read_bytes() == b"mine"
    assert not (tmp_path / "nowhere").exists()


# DVC's cache, which a group may share


@pytest.mark.parametrize("kind", ["object", "listing"])
def test_a_pipe_in_dvc_s_cache_is_named_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    clone = HostileClone(tmp_path)
    md5 = clone.offer(b"honest\n") if kind == "object" else clone.offer_directory("a.txt")
    clone.track("honest", md5)
    place = clone.root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    place.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(place)
    refused = run_pe_dvc("pull", cwd=clone.root, code=1)
    assert f"{place}: is a named pipe" in refused.stderr


@pytest.mark.parametrize("size", [len(DATA), 0], ids=["some", "no bytes"])
def test_a_pipe_in_dvc_s_cache_is_no_local_copy(tmp_path: Path, size: int) -> None:
    os.mkfifo(tmp_path / "object")
    slot = Cache(tmp_path / "cache").slot(sha256_bytes(b""), size, ".h5")
    assert slot.find([LocalCopy(path=tmp_path / "object", immutable=True)]) is None


# The clone, swapped while pe_dvc runs


@pytest.mark.parametrize("link", ["channels", "channels/us", "channels/us/root_history"])
def test_channels_that_become_a_link_are_not_written_through(tmp_path: Path, link: str) -> None:
    """Links are looked for before the command; here one appears in between."""
    made = SignedChannels(tmp_path / "repo/channels", tmp_path / "keys")
    made.create()
    place, outside = tmp_path / "repo" / link, tmp_path / "outside"
    outside.mkdir()
    root = made.files.read("root", Root)
    place.rename(tmp_path / "aside")
    place.symlink_to(outside)
    with pytest.raises(FormatError, match=f"{link}: is a symbolic link"):
        made.files.write("root", root)
    if not link.endswith("root_history"):
        with pytest.raises(FormatError, match=f"{link}: is a symbolic link"):
            made.files.write_bytes("latest", b"{}")
    assert list(outside.iterdir()) == []


# Permissions


def modes_below(*places: Path) -> dict[str, int]:
    found = [path for place in places for path in (place, *place.rglob("*"))]
    return {str(path): stat.S_IMODE(path.stat().st_mode) for path in found}


def test_umask_leaves_nothing_of_ours_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "new/home"
    reader_at(home, monkeypatch)
    before = os.umask(0)
    try:
        made = Country(tmp_path / "maintainer", LocalStore(tmp_path / "bucket"))
        made.publish({NAME: DATA})
        made.trust(home / "config")
        pe_dvc.fetch(LATEST, store=str(tmp_path / "bucket"))
        with pe_dvc.open(LATEST, store=str(tmp_path / "bucket")) as file:
            file.read()
        new_key(home / "keys", "us", "latest")
        bind_keys(home / "keys/us", made.root)
        journal = FileJournal(home / "state/fsck/us.jsonl")
        journal.add(ObjectInfo(key="k", size=1, etag="e"))
        monkeypatch.setattr(
            "pe_dvc.adapters.stores.s3_regions.bucket_region", lambda *_: "eu-west-2"
        )
        Regions(home / "state/s3-regions.json").of("bucket", "https://s3.example.org", {})
    finally:
        os.umask(before)
    found = modes_below(home, tmp_path / "maintainer/keys")
    assert {path: oct(mode) for path, mode in found.items() if mode & 0o022} == {}
    private = {path: oct(mode) for path, mode in found.items() if mode & 0o077}
    assert all("/artifacts/" in path for path in private), private  # 0444, in directories of 0700
    assert {path.name for path in home.iterdir()} == {"cache", "config", "state", "keys"}


@pytest.mark.parametrize("variable", ["PE_DVC_CONFIG_DIR", "PE_DVC_STATE_DIR"])
@pytest.mark.parametrize("below", ["", "trust", "channels"])
def test_a_directory_that_everybody_may_write_to_decides_nothing(
    country: Country, variable: str, below: str
) -> None:
    pe_dvc.fetch(LATEST)
    place = Path(os.environ[variable]) / below
    if place.is_dir():
        place.chmod(0o777)
        refused = run_pe_dvc("show", LATEST, code=1)
        assert f"{place}: can be written to by every user (mode 0777)" in refused.stderr
        assert f"chmod go-w {place}" in refused.stderr
        place.chmod(0o775)  # of a group of one's own
        run_pe_dvc("show", LATEST)


@pytest.fixture
def other_user() -> int:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to another user")
    return NOBODY


@pytest.mark.parametrize("variable", ["PE_DVC_CONFIG_DIR", "PE_DVC_STATE_DIR"])
def test_a_directory_of_another_user_decides_nothing(
    country: Country, other_user: int, variable: str
) -> None:
    pe_dvc.fetch(LATEST)
    os.chown(os.environ[variable], other_user, other_user)
    refused = run_pe_dvc("show", LATEST, code=1)
    assert f"{os.environ[variable]}: belongs to another user (uid {NOBODY})" in refused.stderr


def test_a_pinned_root_that_is_a_link_or_a_pipe_is_none(country: Country) -> None:
    config = Path(os.environ["PE_DVC_CONFIG_DIR"])
    pin = config / "trust/us.root.json"
    kept = pin.rename(config / "elsewhere")
    pin.symlink_to(kept)
    with pytest.raises(FormatError, match="is a symbolic link"):
        pinned_root(config, "us")
    pin.unlink()
    os.mkfifo(pin)
    with pytest.raises(FormatError, match="is a named pipe"):
        list_pins(config)
    remove_pin(config, "us")
    with pytest.raises(NotFoundError):
        remove_pin(config, "us")


# Keys


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir(mode=0o700)
    return tmp_path / "keys"


def test_a_country_s_folder_that_is_a_link_into_a_repo_holds_no_keys(
    keys: Path, tmp_path: Path
) -> None:
    run("git", "init", "--quiet", str(tmp_path / "repo"), cwd=tmp_path)
    (tmp_path / "repo/us").mkdir()
    (keys / "us").symlink_to(tmp_path / "repo/us")
    for make in (
        lambda: generate_keys(keys, "us", {"root": 1}),
        lambda: new_key(keys, "us", "root"),
    ):
        with pytest.raises(FormatError, match="keys/us: is a symbolic link"):
            make()
    assert list((tmp_path / "repo/us").iterdir()) == []


@pytest.mark.parametrize("kind", ["link", "pipe", "directory"])
def test_a_key_that_is_not_a_file_is_not_taken(keys: Path, tmp_path: Path, kind: str) -> None:
    generate_keys(tmp_path / "theirs", "us", {"root": 1})
    (keys / "us").mkdir()
    place = keys / "us/root.pem"
    if kind == "link":
        place.symlink_to(tmp_path / "theirs/us/root.pem")
    elif kind == "pipe":
        os.mkfifo(place, 0o600)
    else:
        place.mkdir()
    with pytest.raises(FormatError, match=r"root\.pem"):
        generate_keys(keys, "us", {"root": 1})


def test_a_key_of_another_user_does_not_become_the_root_key(
    keys: Path, tmp_path: Path, other_user: int
) -> None:
    generate_keys(keys, "us", {"root": 1})
    os.chown(keys / "us/root.pem", other_user, other_user)
    with pytest.raises(FormatError, match=f"belongs to another user \\(uid {NOBODY}\\)"):
        generate_keys(keys, "us", {"root": 1, "targets": 1})
    assert not (keys / "us/targets.pem").exists()
    (tmp_path / "link.pem").symlink_to(keys / "us/root.pem")
    with pytest.raises(FormatError, match="belongs to another user"):
        load_key_file(tmp_path / "link.pem")


@pytest.mark.parametrize("place", ["", "us"])
def test_keys_in_a_directory_of_another_user_are_not_taken(
    keys: Path, other_user: int, place: str
) -> None:
    generate_keys(keys, "us", {"root": 1})
    os.chown(keys / place, other_user, other_user)
    with pytest.raises(FormatError, match="belongs to another user"):
        generate_keys(keys, "us", {"root": 1})


def test_a_key_file_named_by_its_owner_may_be_a_link(keys: Path, tmp_path: Path) -> None:
    """As a secret that is mounted into a container: ``file2:`` names it."""
    generate_keys(keys, "us", {"root": 1})
    (tmp_path / "link.pem").symlink_to(keys / "us/root.pem")
    wanted = load_key_file(keys / "us/root.pem").public_key
    assert load_key_file(tmp_path / "link.pem").public_key == wanted
