"""A push of a large file to S3 that is killed, or stopped by Ctrl-C, and run again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores import file_upload
from pe_dvc.adapters.stores.upload_parts import PART_SIZE
from pe_dvc.project.stores import open_store
from tests.support.proxy import Proxy
from tests.support.servers import S3Bucket, serving
from tests.support.signed_repo import HandMadeRepo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message
    from pathlib import Path

FROM = 2 * PART_SIZE
HELD = 4
"""Parts that arrive before the push is killed: the server answers no others."""

PUSH = """
import sys
from pathlib import Path
from pe_dvc.adapters.stores import file_upload
from pe_dvc.cli.signals import end_on_signals
from pe_dvc.project.stores import open_store
from tests.support.signed_repo import HandMadeRepo

end_on_signals()
file_upload.RESUMED_FROM = int(sys.argv[4])
HandMadeRepo(Path(sys.argv[1]), Path(sys.argv[2])).push(open_store(sys.argv[3]))
"""


class Counting(Proxy):
    """Counts the bytes of parts, and lets none after ``HELD`` through until released."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.released, self.arrived = threading.Event(), 0
        self.instead = self._hold

    def _hold(
        self, method: str, path: str, headers: Message, body: bytes
    ) -> tuple[int, bytes] | None:
        part = re.search(r"partNumber=(\d+)", path)
        if method != "PUT" or part is None:
            return None
        if int(part[1]) > HELD and not self.released.is_set():
            self.released.wait(60)
            return 503, b""  # to a process that is gone
        with self.counting:
            self.arrived += len(body)
        return None


@pytest.fixture
def proxy(s3_bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counting]:
    with serving(Counting(s3_bucket.server.endpoint)) as proxy:
        environment = s3_bucket.server.environment
        environment["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{proxy.server_port}"
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(file_upload, "RESUMED_FROM", FROM)
        yield proxy
        proxy.released.set()


def parts_there(bucket: S3Bucket) -> int:
    client, where = bucket.server.client(), {"Bucket": bucket.name}
    return sum(
        len(client.list_parts(**where, Key=one["Key"], UploadId=one["UploadId"]).get("Parts", ()))
        for one in client.list_multipart_uploads(**where).get("Uploads", ())
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_a_push_stopped_in_the_middle_of_a_large_file_sends_only_the_rest(
    s3_bucket: S3Bucket,
    proxy: Counting,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    code: int,
) -> None:
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(tmp_path / "keys"))
    data = os.urandom(9 * PART_SIZE + 5)
    repo = HandMadeRepo(tmp_path / "repo", tmp_path / "keys")
    repo.create("cps_2024")
    repo.build("cps_2024", data)
    repo.update_latest()
    where = [str(repo.root), str(repo.keys), s3_bucket.url, str(FROM)]
    with subprocess.Popen([sys.executable, "-c", PUSH, *where]) as push:
        deadline = time.monotonic() + 60
        while parts_there(s3_bucket) < HELD:
            assert push.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        push.send_signal(number)
    assert push.returncode == code
    assert proxy.arrived == HELD * PART_SIZE
    proxy.released.set()
    store = open_store(s3_bucket.url)
    repo.push(store)
    assert proxy.arrived == len(data)
    assert repo.reader(store, tmp_path / "reader").datasets() == {"cps_2024": data}
    assert parts_there(s3_bucket) == 0
