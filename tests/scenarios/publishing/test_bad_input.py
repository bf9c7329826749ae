"""Bad input, as users give it: a clear error, the documented exit code, nothing half-written."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path


LATEST = "us/enhanced_cps_2024@latest"


def snapshot(sandbox: Sandbox) -> dict[str, bytes]:
    """Return everything that git would see, to show that nothing was written."""
    names = sandbox.run("git", "ls-files", "--others", "--cached", "--exclude-standard").stdout
    return {
        name: (sandbox.repo / name).read_bytes()
        for name in names.splitlines()
        if (sandbox.repo / name).exists()
    }


def test_mistakes_in_a_data_repo(built: Sandbox) -> None:
    """One repo, one mistake after the other, each put right again."""
    original = {name: (built.repo / name).read_text() for name in ("dvc.yaml", "pyproject.toml")}
    mistakes = [
        ("dvc.yaml", "stages: [", "dvc.yaml", "manifest write", 1),
        (
            "dvc.yaml",
            _edit(original, "key: household_id", "key: hh"),
            "no column 'hh'",
            "manifest write",
            1,
        ),
        (
            "dvc.yaml",
            _edit(original, "household_weight", "wgt"),
            "meta.pe.weight",
            "manifest write",
            1,
        ),
        (
            "dvc.yaml",
            _edit(original, "country: us", "country: uk"),
            "meta.pe.country",
            "manifest write",
            1,
        ),
        (
            "dvc.yaml",
            _edit(original, "key: household_id", "key: household_weight"),
            "household_weight",
            "manifest write",
            1,
        ),
        (
            "dvc.yaml",
            _edit(
                original,
                "  cps_2024:",
                "  never_built:\n    path: data/no.parquet\n    meta:\n"
                "      pe: {entities: {household: {key: household_id}}}\n  cps_2024:",
            ),
            "DVC does not track data/no.parquet",
            "manifest write",
            1,
        ),
        ("pyproject.toml", "[tool.other]\n", "tool.pe_dvc", "push", 1),
        ("pyproject.toml", '[tool.pe_dvc]\ncounty = "us"\n', "country", "push", 1),
    ]
    for file, text, expected, command, code in mistakes:
        built.write(file, text)
        before = snapshot(built)
        failed = built.pe_dvc(*command.split(), code=code)
        assert expected in failed.stderr, failed.stderr
        assert file in failed.stderr
        assert snapshot(built) == before
        built.write(file, original[file])


def _edit(original: dict[str, str], old: str, new: str) -> str:
    text = original["dvc.yaml"]
    assert old in text
    return text.replace(old, new)


def test_a_manifest_edited_by_hand_is_noticed(built: Sandbox) -> None:
    path = built.repo / "manifests/cps_2024.json"
    path.write_text(path.read_text().replace('"rows": 10', '"rows": 11'))
    checks = built.pe_dvc("verify", code=1)
    assert "differs" in checks.stdout
    assert "it was edited" in checks.stdout
    refused = built.pe_dvc("push", code=1)
    assert "cps_2024" in refused.stderr
    assert not (built.directory / "bucket").exists()
    path.write_text("{")
    assert str(path) in built.pe_dvc("verify", code=1).stderr


def test_a_file_changed_after_repro_is_noticed(built: Sandbox) -> None:
    path = built.repo / "data/cps_2024.parquet"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.unlink()
    path.write_bytes(data)
    checks = built.pe_dvc("verify", code=1)
    assert "data/cps_2024.parquet: expected sha256:" in checks.stdout
    assert built.pe_dvc("verify", "enhanced_cps_2024").stdout.startswith("ok")
    path.unlink()
    assert "missing" in built.pe_dvc("verify", code=1).stdout
    built.pe_dvc("verify", "no_such_dataset", code=3)


def test_a_truncated_parquet_fails_at_repro(built: Sandbox) -> None:
    built.write(
        "build.py",
        (built.repo / "build.py").read_text()
        + ("\nimport os\nos.truncate('data/cps_2024.parquet', 200)\n"),
    )
    failed = built.run("dvc", "repro", code=255)
    assert "data/cps_2024.parquet" in failed.stderr
    assert "pe-dvc: " in failed.stderr


def test_keys_that_are_missing_or_exposed(built: Sandbox) -> None:
    key = built.directory / "keys/us/timestamp.pem"
    key.chmod(0o644)
    refused = built.pe_dvc("push", code=1)
    assert "can be read by others" in refused.stderr
    assert f"chmod 600 {key}" in refused.stderr
    assert "PRIVATE" not in refused.stderr
    key.unlink()
    refused = built.pe_dvc("push", code=1)
    assert "timestamp" in refused.stderr
    again = built.pe_dvc("channel", "init", "--country", "us", code=1)
    assert "holds channels already" in again.stderr
    assert "uk" in built.pe_dvc("channel", "init", "--country", "uk", code=1).stderr


def test_keys_never_enter_the_repository(unbuilt_sandbox: Sandbox) -> None:
    unbuilt_sandbox.environment["PE_DVC_KEYS_DIR"] = str(unbuilt_sandbox.repo / "keys")
    with pytest.raises(AssertionError, match="private keys must not be inside a git work tree"):
        unbuilt_sandbox.create()
    assert not (unbuilt_sandbox.repo / "keys").exists()
    assert not (unbuilt_sandbox.repo / "channels").exists()


def test_stores_that_are_not_there(built: Sandbox, tmp_path: Path) -> None:
    built.trust()
    built.environment |= {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "s3cr3t-s3cr3t"}
    for arguments in (
        ["push", "--store", "s3://nowhere"],
        ["get", LATEST, "--store", "s3://nowhere"],
    ):
        failed = built.pe_dvc(*arguments, code=5, AWS_ENDPOINT_URL="http://127.0.0.1:9")
        assert "s3://nowhere" in failed.stderr
        assert "s3cr3t" not in failed.stderr
    built.pe_dvc("get", LATEST, "--store", str(tmp_path / "empty"), code=3)
    assert "ftp" in built.pe_dvc("get", LATEST, "--store", "ftp://x", code=1).stderr


@pytest.mark.parametrize("command", [f"get {LATEST}", "pull"])
def test_a_full_disk(built: Sandbox, command: str) -> None:
    built.pe_dvc("push")
    built.trust()
    built.environment["PE_DVC_STORE"] = built.store
    cwd = built.researcher
    if command == "pull":
        cwd = built.directory / "clone"
        built.run("git", "clone", "-q", str(built.repo), str(cwd))
        built.configure_remote(cwd)
    built.run("pe-dvc", "show", LATEST, cwd=cwd)  # what was verified is there, and longer
    # A limit on the size of files is the one way to fill a disk without being root.
    failed = subprocess.run(
        ["bash", "-c", f"ulimit -f 4; exec pe-dvc {command}"],
        cwd=cwd,
        # Python would write its own caches of modules, and not notice that they are cut short.
        env={**built.environment, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 6, failed.stderr
    assert "Traceback" not in failed.stderr
    place = cwd / ".dvc/cache" if command == "pull" else built.directory / "cache"
    assert f"File too large: {place}" in failed.stderr or (f"cannot write {place}" in failed.stderr)
    assert not list((built.directory / "cache").rglob("*.parquet"))
    built.pe_dvc(*command.split(), cwd=cwd)


@pytest.mark.parametrize("command", ["push", "get"])
def test_ctrl_c_leaves_nothing_half_written(built: Sandbox, command: str) -> None:
    arguments = ["push"] if command == "push" else ["get", LATEST]
    cwd = built.repo if command == "push" else built.researcher
    if command == "get":
        built.pe_dvc("push")
        built.trust()
    environment = {**built.environment, "PE_DVC_STORE": built.store}
    for wait in (0.1, 0.3, 0.5):
        process = subprocess.Popen(
            ["pe-dvc", *arguments],
            cwd=cwd,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            executable=_which(environment),
        )
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode in (130, 0, -signal.SIGINT), said
    done = subprocess.run(
        ["pe-dvc", *arguments],
        cwd=cwd,
        env=environment,
        executable=_which(environment),
        check=True,
        capture_output=True,
    )
    assert done.returncode == 0


def _which(environment: dict[str, str]) -> str:
    import shutil

    found = shutil.which("pe-dvc", path=environment["PATH"])
    assert found is not None
    return os.fspath(found)


def test_a_declaration_changed_after_repro_is_noticed(built: Sandbox) -> None:
    """DVC does not rerun a stage because of dvc.yaml, so verify and push compare."""
    text = (built.repo / "dvc.yaml").read_text()
    built.write("dvc.yaml", text.replace("weight: household_weight", "weight: age_head"))
    said = built.pe_dvc("verify", code=1).stdout
    assert "dvc.yaml declares another weight than the manifest says" in said
    assert "weight" in built.pe_dvc("push", "--uncommitted", code=1).stderr
    built.run("dvc", "repro", "--quiet", "--force", "--single-item", "manifests", "channel")
    built.pe_dvc("verify")


def test_a_new_lockfile_does_not_rewrite_manifests_of_unchanged_data(built: Sandbox) -> None:
    built.pe_dvc("push")
    (built.repo / "requirements.lock").write_text("numpy==2.0.0\n")
    built.write("pyproject.toml", '[tool.pe_dvc]\ncountry = "us"\nlockfile = "requirements.lock"\n')
    built.pe_dvc("manifest", "write")
    assert built.run("git", "status", "--porcelain", "manifests").stdout == ""


def test_a_target_that_ends_in_a_slash_is_a_directory(built: Sandbox, tmp_path: Path) -> None:
    built.pe_dvc("push")
    built.trust()
    built.read("get", LATEST, "-o", str(tmp_path / "out") + "/")
    assert (tmp_path / "out/enhanced_cps_2024.parquet").is_file()


def test_data_that_git_would_add_is_refused(built: Sandbox) -> None:
    """DVC drops an output from .gitignore when a later stage fails."""
    (built.repo / "data/.gitignore").unlink()
    built.commit("Microdata by mistake")
    refused = built.pe_dvc("push", code=1).stderr
    assert "data/enhanced_cps_2024.parquet" in refused
    (command,) = [line for line in refused.splitlines() if "Run: " in line]
    built.run("bash", "-c", command.split("Run: ")[1].split(", and commit")[0])
    built.commit("Keep the data out of git")
    built.pe_dvc("push")


def test_what_is_not_committed_is_not_published_unless_asked(built: Sandbox) -> None:
    built.write("params.yaml", "seed: 9\n")
    built.run("dvc", "repro", "--quiet")
    refused = built.pe_dvc("push", code=1).stderr
    assert "not committed: channels/us/latest.json, dvc.lock" in refused
    assert not (built.directory / "bucket").exists()
    built.pe_dvc("push", "--uncommitted")


def test_what_dvc_add_wrote_must_be_committed_too(built: Sandbox) -> None:
    built.write("extra.csv", "1\n")
    built.run("dvc", "add", "--quiet", "extra.csv")
    assert "not committed: extra.csv.dvc;" in built.pe_dvc("push", code=1).stderr
    assert not (built.directory / "bucket").exists()
    built.commit("Track extra.csv")
    built.pe_dvc("push")


def test_a_repo_without_channels_says_so(built: Sandbox) -> None:
    shutil.rmtree(built.repo / "channels")
    built.commit("No channels")
    for command in ("push", "channel update latest"):
        assert "channel init --country us" in built.pe_dvc(*command.split(), code=3).stderr


def test_a_repo_without_datasets_says_so(built: Sandbox) -> None:
    text = (built.repo / "dvc.yaml").read_text()
    built.write("dvc.yaml", text[: text.index("artifacts:")])
    assert "declares no dataset" in built.pe_dvc("verify", code=3).stderr
    built.pe_dvc("manifest", "write")
    assert "not emptied by accident" in built.pe_dvc("channel", "update", "latest", code=3).stderr


def test_a_pinned_root_is_not_replaced_in_silence(built: Sandbox, tmp_path: Path) -> None:
    built.trust()
    other = Sandbox(tmp_path / "other", str(tmp_path / "other/bucket"), {})
    other.start_from(built)
    shutil.rmtree(other.repo / "channels")
    refused = other.pe_dvc("channel", "init", "--country", "us", code=1).stderr
    assert "were made for another root" in refused
    (other.directory / "keys/us/root.json").unlink()
    again = other.pe_dvc("channel", "init", "--country", "us")
    assert "latest.pem" in again.stderr, "keys that are used again must be named"
    shutil.rmtree(other.repo / "channels")
    shutil.rmtree(other.directory / "keys")
    assert "kept" not in other.pe_dvc("channel", "init", "--country", "us").stderr
    root = str(other.repo / "channels/us/root.json")
    assert (
        "another root is pinned for us" in built.pe_dvc("trust", "add", "us", root, code=1).stderr
    )
    assert "the root of us, not of uk" in built.pe_dvc("trust", "add", "uk", root, code=1).stderr
    built.pe_dvc("push")
    built.pe_dvc("trust", "remove", "us")
    built.pe_dvc("trust", "add", "us", root)
    refused = built.read("get", LATEST, code=1).stderr
    assert "pe-dvc trust list" in refused


def test_a_dataset_that_dvc_lock_does_not_record_is_not_published(built: Sandbox) -> None:
    """A clone could not pull it: every check says so, before and after the commit."""
    lock = built.repo / "dvc.lock"
    kept = lock.read_bytes()
    lock.unlink()
    built.run("git", "add", "--all")
    for command in (("check",), ("check", "--staged"), ("verify",)):
        said = built.pe_dvc(*command, code=1).stdout
        assert "dvc.lock has no record of data/cps_2024.parquet: git checkout dvc.lock" in said
    built.commit("Remove dvc.lock")
    refused = built.pe_dvc("push", code=1).stderr
    assert "dvc.lock has no record of data/cps_2024.parquet" in refused
    lock.write_bytes(kept)
    built.commit("Restore dvc.lock")
    built.pe_dvc("push")
