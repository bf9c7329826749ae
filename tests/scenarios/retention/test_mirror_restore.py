"""``pe-dvc mirror restore``: a bucket that was lost comes back, on a directory and on S3."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

NAME = "pe-data://us/enhanced_cps_2024@latest"


def _client(sandbox: Sandbox) -> Any:
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=sandbox.environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=sandbox.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=sandbox.environment["AWS_SECRET_ACCESS_KEY"],
        region_name="us-east-1",
    )


def _mirror_url(sandbox: Sandbox) -> str:
    if not sandbox.store.startswith("s3://"):
        return str(sandbox.directory / "mirrors/copy")
    name = sandbox.store.replace("s3://", "m-")
    _client(sandbox).create_bucket(Bucket=name)
    return f"s3://{name}/copy"


def _lose(sandbox: Sandbox) -> None:
    """Empty the bucket."""
    if not sandbox.store.startswith("s3://"):
        shutil.rmtree(sandbox.store)
        return
    client, bucket = _client(sandbox), sandbox.store.removeprefix("s3://")
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for found in page.get("Contents", []):
            client.delete_object(Bucket=bucket, Key=found["Key"])


def _log(sandbox: Sandbox) -> dict[str, bytes]:
    """The files of the bucket's log."""
    where = "channels/us/log/"
    if not sandbox.store.startswith("s3://"):
        files = (Path(sandbox.store) / where).rglob("*")
        return {str(file): file.read_bytes() for file in files if file.is_file()}
    client, bucket = _client(sandbox), sandbox.store.removeprefix("s3://")
    listed = client.list_objects_v2(Bucket=bucket, Prefix=where).get("Contents", [])
    keys = [found["Key"] for found in listed]
    return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def _mirrored(sandbox: Sandbox, *filters: str) -> Sandbox:
    """Publish twice, with a mirror, and a reader who has read it."""
    sandbox.pe_dvc("push")
    sandbox.pe_dvc("mirror", "add", "copy", _mirror_url(sandbox), *filters)
    sandbox.write("params.yaml", "seed: 8\n")
    sandbox.build()
    sandbox.pe_dvc("push")
    sandbox.pe_dvc("mirror", "sync")
    sandbox.trust()
    _read(sandbox)
    return sandbox


def _read(sandbox: Sandbox, code: int = 0) -> str:
    return sandbox.pe_dvc(
        *("get", NAME, "--store", sandbox.store), cwd=sandbox.researcher, code=code
    ).stderr


def test_a_bucket_that_was_lost_comes_back_and_its_readers_go_on(sandbox: Sandbox) -> None:
    built = _mirrored(sandbox)
    before = built.json("mirror", "verify")[0]["version"]
    log = _log(built)
    _lose(built)
    _read(built, code=3)
    refused = built.pe_dvc("push", code=1).stderr
    assert "what was published earlier would be missing" in refused
    assert "pe-dvc mirror restore copy" in refused
    _read(built, code=3)  # nothing was pushed
    said = built.pe_dvc("mirror", "restore", "copy").stderr
    restored = _log(built)
    assert restored  # of the newest tree: those of smaller ones it no longer needs
    assert restored.items() <= log.items()
    built.follow(said, "pe-dvc push, which adds what the mirror lacks")
    _read(built)
    done = built.json("mirror", "restore", "copy")
    assert (done["copied"], done["metadata"], done["version"]) == (0, [], before)
    assert not list(Path(built.store).glob("us/mirror.json"))
    built.write("params.yaml", "seed: 9\n")
    built.build()
    built.pe_dvc("push")
    _read(built)
    assert built.json("mirror", "sync")[0]["version"] > before


def test_what_a_partial_mirror_lacks_comes_from_the_clone(built: Sandbox) -> None:
    _mirrored(built, "--dataset", "enhanced_*")
    _lose(built)
    built.pe_dvc("mirror", "restore", "copy")
    _read(built)
    built.pe_dvc("push")
    built.pe_dvc("get", "us/cps_2024@latest", "--store", built.store, cwd=built.researcher)
    assert not (Path(built.store) / "us/mirror.json").exists()


def test_a_bucket_that_is_newer_is_left_alone(built: Sandbox) -> None:
    _mirrored(built)
    built.write("params.yaml", "seed: 9\n")
    built.build()
    built.pe_dvc("push")
    refused = built.pe_dvc("mirror", "restore", "copy", code=1).stderr
    assert "has a newer state than the mirror copy" in refused
    built.follow(refused, "Nothing was changed. What single objects")
    _read(built)


def test_an_empty_mirror_brings_nothing_and_stops_no_first_push(built: Sandbox) -> None:
    built.pe_dvc("mirror", "add", "copy", _mirror_url(built))
    assert "nothing of us" in built.pe_dvc("mirror", "restore", "copy", code=3).stderr
    assert "declares no mirror 'x'" in built.pe_dvc("mirror", "restore", "x", code=3).stderr
    built.commit("Declare a mirror")
    built.pe_dvc("push")
