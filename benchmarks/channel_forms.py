"""``python -m benchmarks.channel_forms``: a channel in one file and in bins, its metadata alone.

What is read and written, and the CPU of this process, against the number of datasets: by a new
reader of one dataset, by one who comes back, without a change and after a change of another
dataset, and by the publication of that change. Nothing is remembered in memory from one to the
next. What whole commands cost, with manifests and payloads, is in ``benchmarks.growth``.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.growth import COUNTS, name_of
from benchmarks.growth_report import Cost, report
from benchmarks.s3_server import BUCKET, S3Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.documents.pointer import Pointer

FORMS = {"one file": False, "bins": True}


class Channel:
    """The channel ``latest`` of ``count`` datasets, in ``home`` and published to ``server``."""

    def __init__(self, home: Path, server: S3Server, count: int, form: str) -> None:
        from pe_dvc.trust.keys import generate_keys
        from pe_dvc.trust.roles import ALL
        from pe_dvc.trust.signers import Signers
        from pe_dvc.usecases.channel.init import init_channels

        self.home, self.server, self.count, self.form = home, server, count, form
        keys = generate_keys(home / "keys", "us", dict.fromkeys(ALL, 1))
        self.signers = Signers("us", home / "keys", environ={})
        init_channels(home / "channels", "us", keys, self.signers, now=datetime.now(UTC))
        self.sign(changed=False)
        self.publish()

    def sign(self, *, changed: bool) -> None:
        """Sign the channel; ``changed`` gives one dataset another artifact."""
        from pe_dvc.usecases.channel.update import update_channel

        pointers = [_pointer(number, number == 3 and changed) for number in range(self.count)]
        update_channel(
            self.home / "channels",
            "us",
            "latest",
            pointers,
            self.signers,
            now=datetime.now(UTC),
            bins=FORMS[self.form],
        )

    def publish(self) -> None:
        from pe_dvc.project.stores import open_store
        from pe_dvc.trust.bucket_writer import bucket_of
        from pe_dvc.trust.files import ChannelFiles
        from pe_dvc.trust.signed_metadata import SignedMetadata
        from pe_dvc.usecases.publish.channel import publish_channels
        from pe_dvc.usecases.publish.publisher import Publisher

        metadata = SignedMetadata(ChannelFiles(self.home / "channels", "us"))
        store = open_store(f"s3://{BUCKET}")
        publisher = Publisher(self.signers, now=datetime.now(UTC))
        publish_channels(bucket_of(store, metadata), metadata, publisher)

    def read(self) -> None:
        from pe_dvc.project.stores import open_store
        from pe_dvc.trust.client import ChannelClient

        root = (self.home / "channels/us/root.json").read_bytes()
        client = ChannelClient(open_store(f"s3://{BUCKET}"), "us", root, self.home / "state")
        assert client.lookup("latest", name_of(7)) is not None

    def measure(self) -> list[Cost]:
        found = [self._cost("new reader", self.read)]
        found.append(self._cost("reader, unchanged", self.read))
        self.sign(changed=True)
        found.append(self._cost("publication of one change", self.publish))
        found.append(self._cost("reader, after a change", self.read))
        return found

    def _cost(self, work: str, do: Callable[[], None]) -> Cost:
        from pe_dvc.trust import bin_files

        bin_files.forget()
        before, start = self.server.counts(), time.process_time()
        do()
        cpu, counts = time.process_time() - start, self.server.counts() - before
        moved = counts.received + counts.sent
        return Cost(work, self.form, self.count, counts.total, moved, round(cpu, 3))


def _pointer(number: int, changed: bool) -> Pointer:
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.primitives.digest import sha256_bytes

    data = f"{number} {changed}".encode()
    return Pointer(
        country="us",
        channel="latest",
        name=name_of(number),
        sha256=sha256_bytes(data),
        size=len(data),
        manifest_sha256=sha256_bytes(b"manifest of " + data),
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.channel_forms", description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    costs: list[Cost] = []
    for count in parser.parse_args().counts:
        for form in FORMS:
            with tempfile.TemporaryDirectory() as home, S3Server() as server:
                os.environ.update(server.environment)
                costs += Channel(Path(home), server, count, form).measure()
    print(report(costs))


if __name__ == "__main__":
    main()
