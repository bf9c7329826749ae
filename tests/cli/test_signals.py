"""Ctrl-C and SIGTERM end a command at once, whatever it waits for."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import click
import pytest

from pe_dvc.cli.failures import guarded
from tests.support.environment import own_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 30.0
"""Less than what the commands wait for, and more than a busy machine takes to end one."""
CODES = [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
PIN = f"pe-data://us/cps@sha256:{'a' * 64}"
BUSY = """
import os, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from pe_dvc.cli import main, signals
from pe_dvc.store.confined import ConfinedTree

@main.cli.command("busy")
def busy():
    def work(name):
        with ConfinedTree(Path(folder)).filling(name) as file:
            os.write(file.descriptor, b"half")
            print("ready", flush=True)
            time.sleep(60)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, "abc"))

folder = sys.argv.pop(1)
main.LazyGroup.get_command = lambda *_: busy
main.main()
"""


@pytest.fixture
def silent_server() -> Iterator[str]:
    """A server that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    kept.append(server.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        for connection in kept:
            connection.close()


def ended(process: subprocess.Popen[str], number: int) -> tuple[float, str]:
    """Send a signal; return how long the process took to end, and what it said."""
    process.send_signal(number)
    began = time.monotonic()
    _, said = process.communicate(timeout=60)
    return time.monotonic() - began, said


@pytest.mark.parametrize(("number", "code", "how"), CODES)
def test_a_command_that_waits_for_a_server(
    tmp_path: Path, silent_server: str, number: int, code: int, how: str
) -> None:
    environment = {
        **os.environ,
        **own_home(tmp_path),
        "AWS_ENDPOINT_URL": silent_server,
        "AWS_REGION": "eu-west-2",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }
    command = [sys.executable, "-c", "from pe_dvc.cli.main import main; main()"]
    process = subprocess.Popen(
        [*command, "-vv", "get", PIN, "--store", "s3://bucket"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    process.stderr.readline()  # it has opened the store
    time.sleep(1)
    took, said = ended(process, number)
    assert process.returncode == code
    assert took < SECONDS
    assert said.count(f"pe-dvc: {how}. What is complete was kept") == 1


@pytest.mark.parametrize(("number", "code", "how"), CODES)
def test_threads_that_wait_leave_no_temporary_files(
    tmp_path: Path, number: int, code: int, how: str
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY, str(tmp_path), "busy"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for _ in "abc":
        assert process.stdout.readline() == "ready\n"
    took, said = ended(process, number)
    assert (process.returncode, said.count(how)) == (code, 1)
    assert took < SECONDS
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("raised", "code"), [(KeyboardInterrupt, 130), (ValueError, 6)])
def test_ctrl_c_while_a_module_is_imported(
    raised: type[BaseException], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python 3.11 makes another error of what is raised in ``__set_name__``, as of a dataclass."""

    class Descriptor:
        def __set_name__(self, *_: object) -> None:
            raise raised

    @click.command()
    def importing() -> None:
        type("Result", (), {"field": Descriptor()})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["pe-dvc"])
        assert guarded(importing) == code
    said = capsys.readouterr().err
    assert ("pe-dvc: interrupted." in said) is (code == 130)
    assert ("Traceback" in said) is (code != 130)
