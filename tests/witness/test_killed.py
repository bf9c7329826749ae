"""A witness that is killed has not signed what it will not remember, nor two roots of one size."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from http.client import HTTPException
from typing import TYPE_CHECKING

import pytest

from pe_dvc.tlog.cosignature import verify_cosignature
from pe_dvc.tlog.note import Note, VerifierKey
from pe_dvc.tlog.witness import parse_cosignatures
from tests.support.servers import free_port
from tests.support.witnessed import Served, TestLog

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 25 if os.environ.get("SOAK") else 2


def write_settings(folder: Path, log: TestLog) -> None:
    (folder / "witness.toml").write_text(
        f'name = "witness.example.org/one"\nkey = "witness.pem"\nstate = "state"\n'
        f'[[logs]]\norigin = "{log.origin}"\nkeys = ["{log.key}"]\n'
    )


def pe_dvc(*words: str) -> list[str]:
    return [sys.executable, "-m", "pe_dvc", *words]


def test_kill_9_at_any_moment_leaves_one_history(tmp_path: Path) -> None:
    log = TestLog().grow(1)
    write_settings(tmp_path, log)
    shown = subprocess.run(pe_dvc("witness", "key"), cwd=tmp_path, capture_output=True, check=True)
    key = VerifierKey.parse(shown.stdout.decode().strip())
    assert (tmp_path / "witness.pem").stat().st_mode & 0o777 == 0o600
    answered = asked = 0
    for number in range(ROUNDS):
        served = Served(free_port())
        process = subprocess.Popen(
            pe_dvc("witness", "serve", "--port", str(served.port)),
            cwd=tmp_path,
            stderr=subprocess.DEVNULL,
        )
        killer = threading.Timer(0.1 + 0.05 * number, process.kill)
        try:
            wait_for(served, process)
            if answered:  # what was answered is known, and nothing else of that size is signed
                size = int(served.add(log.request(0)).body)
                assert answered <= size <= asked
                assert served.add(log.fork(size - 1).grow(1, "forged").request(size)).status == 422
            while True:
                asked = len(log.grow(1).entries)
                answered = cosigned(served, log, key)
                if killer.ident is None:  # each round answers once at least
                    killer.start()
        except (OSError, HTTPException):
            assert process.wait() == -signal.SIGKILL
        finally:
            killer.cancel()
            process.kill()
            process.wait()
    assert answered > ROUNDS


def cosigned(served: Served, log: TestLog, key: VerifierKey) -> int:
    """Have the whole log cosigned, from whatever size the witness says, and return its size."""
    size = len(log.entries)
    answer = served.add(log.request(0))
    if answer.status == 409:
        answer = served.add(log.request(int(answer.body)))
    assert answer.status == 200, answer.body
    (line,) = parse_cosignatures(answer.body, where="answer")
    assert verify_cosignature(Note(log.note().text).adding(line), key) > 0
    return size


def wait_for(served: Served, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, "the witness ended"
        try:
            assert served.ask("GET", "/healthz").status == 200
        except OSError:
            assert time.monotonic() < deadline, "the witness did not start"
            time.sleep(0.05)
        else:
            return


def test_a_key_inside_a_git_work_tree_is_not_made(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write_settings(tmp_path, TestLog())
    asked = subprocess.run(
        pe_dvc("witness", "key"), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert asked.returncode == 1
    assert "inside a git work tree" in asked.stderr
    assert not (tmp_path / "witness.pem").exists()


@pytest.mark.parametrize("mode", [0o644, 0o640])
def test_a_key_that_others_can_read_signs_nothing(tmp_path: Path, mode: int) -> None:
    write_settings(tmp_path, TestLog())
    subprocess.run(pe_dvc("witness", "key"), cwd=tmp_path, capture_output=True, check=True)
    (tmp_path / "witness.pem").chmod(mode)
    asked = subprocess.run(
        pe_dvc("witness", "serve"), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert asked.returncode == 1
    assert "can be read by others" in asked.stderr
    assert "PRIVATE" not in asked.stderr
