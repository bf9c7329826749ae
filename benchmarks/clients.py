"""The same work by other clients, each a process of its own: ``python -m benchmarks.clients``.

Every one is tuned as its documentation suggests, and says in its name what it leaves out.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.s3_server import BUCKET

MIB = 1024 * 1024
THREADS = 16


def _boto3() -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(max_pool_connections=THREADS))


def _transfer() -> Any:
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(multipart_chunksize=16 * MIB, max_concurrency=10)


def _store(**options: Any) -> Any:
    from obstore.store import S3Store

    return S3Store(
        BUCKET,
        endpoint=os.environ["AWS_ENDPOINT_URL"],
        client_options={"allow_http": True},
        **options,
    )


def boto3_up(source: str, key: str) -> None:
    _boto3().upload_file(source, BUCKET, key, Config=_transfer())


def boto3_down_sha256(key: str, target: str) -> None:
    _boto3().download_file(BUCKET, key, target, Config=_transfer())
    with Path(target).open("rb") as file:
        print(hashlib.file_digest(file, "sha256").hexdigest())


def boto3_up_many(folder: str, prefix: str) -> None:
    client = _boto3()

    def put(path: Path) -> None:
        client.put_object(Bucket=BUCKET, Key=f"{prefix}/{path.name}", Body=path.read_bytes())

    _in_threads(put, sorted(Path(folder).iterdir()))


def boto3_down_many_sha256(prefix: str, target: str) -> None:
    client = _boto3()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/")
    keys = [item["Key"] for page in pages for item in page["Contents"]]

    def get(key: str) -> None:
        data = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        hashlib.sha256(data).hexdigest()
        (Path(target) / key.rpartition("/")[2]).write_bytes(data)

    _in_threads(get, keys)


def s3fs_down(key: str, target: str) -> None:
    import s3fs

    s3fs.S3FileSystem().get_file(f"{BUCKET}/{key}", target)


def obstore_up(source: str, key: str) -> None:
    import obstore

    obstore.put(_store(), key, Path(source), chunk_size=8 * MIB, max_concurrency=8)


def obstore_down(key: str, target: str) -> None:
    """Parallel ranges, nothing verified."""
    _obstore_ranges(key, target, digest=None)


def obstore_down_sha256(key: str, target: str) -> None:
    """Parallel ranges, hashed in order from memory while the next ones arrive."""
    digest = hashlib.sha256()
    _obstore_ranges(key, target, digest=digest)
    print(digest.hexdigest())


def _obstore_ranges(key: str, target: str, *, digest: Any, step: int = 8 * MIB) -> None:
    import obstore

    store = _store()
    size = obstore.head(store, key)["size"]
    with Path(target).open("wb") as file, ThreadPoolExecutor(4) as pool:

        def fetch(start: int) -> memoryview:
            length = min(step, size - start)
            block = memoryview(obstore.get_range(store, key, start=start, length=length))
            os.pwrite(file.fileno(), block, start)
            return block

        waiting: deque[Any] = deque()
        for start in range(0, size, step):
            waiting.append(pool.submit(fetch, start))
            if len(waiting) == 4:
                _take(waiting.popleft().result(), digest)
        for future in waiting:
            _take(future.result(), digest)


def _take(block: memoryview, digest: Any) -> None:
    if digest is not None:
        digest.update(block)


def obstore_up_many(folder: str, prefix: str) -> None:
    import obstore

    store = _store()

    def put(path: Path) -> None:
        obstore.put(store, f"{prefix}/{path.name}", path.read_bytes(), use_multipart=False)

    _in_threads(put, sorted(Path(folder).iterdir()))


def obstore_down_many_sha256(prefix: str, target: str) -> None:
    import obstore

    store = _store()
    keys = [meta["path"] for page in obstore.list(store, prefix) for meta in page]

    def get(key: str) -> None:
        data = obstore.get(store, key).bytes()
        hashlib.sha256(data).hexdigest()
        (Path(target) / key.rpartition("/")[2]).write_bytes(data)

    _in_threads(get, keys)


def _in_threads(work: Any, items: Any) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        deque(pool.map(work, items), maxlen=0)


def pe_dvc_get_many(references: str) -> None:
    """Fetch every reference of a file, as a program would."""
    import pe_dvc

    for done in pe_dvc.get_all(Path(references).read_text().split()):
        if done.error is not None:
            raise done.error


def columns_pe_data(reference: str, *columns: str) -> None:
    """Read columns by ``pe-data://``, every byte of them verified."""
    import pyarrow.parquet
    from fsspec import filesystem

    with filesystem("pe-data").open(reference) as file:
        print(pyarrow.parquet.ParquetFile(file, pre_buffer=True).read(list(columns)).nbytes)


def columns_s3fs(key: str, *columns: str) -> None:
    import pyarrow.parquet
    import s3fs

    print(
        pyarrow.parquet.read_table(
            f"{BUCKET}/{key}", columns=list(columns), filesystem=s3fs.S3FileSystem()
        ).nbytes
    )


def columns_pyarrow(key: str, *columns: str) -> None:
    import pyarrow.fs
    import pyarrow.parquet

    files = pyarrow.fs.S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL"])
    print(
        pyarrow.parquet.read_table(
            f"{BUCKET}/{key}", columns=list(columns), filesystem=files
        ).nbytes
    )


def pe_dvc_up(source: str, key: str) -> None:
    """Upload a file through the store alone: what ``pe-dvc push`` does with a payload."""
    from pe_dvc.project.stores import open_store

    print(open_store(f"s3://{BUCKET}").upload(key, Path(source)))


def pe_dvc_down(key: str, target: str, size: str) -> None:
    """Download an object through the store alone: what ``pe-dvc get`` does with a payload."""
    from pe_dvc.project.stores import open_store

    print(open_store(f"s3://{BUCKET}").download(key, Path(target), size=int(size)))


def first_byte_pe_data(reference: str) -> None:
    """Read one byte, verified: after root, channel, manifest, chunk list and the chunk."""
    import pe_dvc

    with pe_dvc.open(reference) as file:
        print(file.read(1))


def first_byte_s3fs(key: str) -> None:
    import s3fs

    with s3fs.S3FileSystem().open(f"{BUCKET}/{key}") as file:
        print(file.read(1))


def first_byte_pyarrow(key: str) -> None:
    import pyarrow.fs

    files = pyarrow.fs.S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL"])
    with files.open_input_file(f"{BUCKET}/{key}") as file:
        print(file.read(1))


def first_byte_boto3(key: str) -> None:
    print(_boto3().get_object(Bucket=BUCKET, Key=key, Range="bytes=0-0")["Body"].read())


def footer_by_obstore(key: str) -> None:
    """Open a parquet file in the bucket by ranges and print its schema."""
    import pyarrow.parquet
    from obstore.fsspec import FsspecStore

    files = FsspecStore(
        "s3", endpoint=os.environ["AWS_ENDPOINT_URL"], client_options={"allow_http": True}
    )
    with files.open(f"{BUCKET}/{key}") as file:
        print(pyarrow.parquet.read_schema(file))


def download_and_open(key: str, target: str) -> None:
    """What a dashboard has to do today: fetch the whole file to learn its columns."""
    import pyarrow.parquet

    obstore_down(key, target)
    print(pyarrow.parquet.read_schema(target))


def hash_file(path: str, *algorithms: str) -> None:
    """Hash a file in one pass per block: one algorithm inline, or several each on a thread."""
    digests = [hashlib.new(name, usedforsecurity=False) for name in algorithms]
    with Path(path).open("rb", buffering=0) as file, ThreadPoolExecutor(len(digests)) as pool:
        buffers = [bytearray(MIB), bytearray(MIB)]
        pending: list[Any] = []
        turn = 0
        while count := file.readinto(buffers[turn]):
            block = memoryview(buffers[turn])[:count]
            for future in pending:
                future.result()
            if len(digests) == 1:
                digests[0].update(block)
            else:
                pending = [pool.submit(digest.update, block) for digest in digests]
            turn = 1 - turn
        for future in pending:
            future.result()
    print([digest.hexdigest() for digest in digests])


def hash_inline(path: str, *algorithms: str) -> None:
    """Hash a file with several algorithms in one thread."""
    digests = [hashlib.new(name, usedforsecurity=False) for name in algorithms]
    buffer = memoryview(bytearray(MIB))
    with Path(path).open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            for digest in digests:
                digest.update(buffer[:count])
    print([digest.hexdigest() for digest in digests])


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
