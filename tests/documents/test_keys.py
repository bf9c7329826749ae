"""Keys of the bucket: what is made is what is parsed, and nothing climbs out of its prefix."""

from __future__ import annotations

import pytest

from pe_dvc.documents import keys
from pe_dvc.documents.dvc_hash import bare_md5, is_listing, listing_hash, object_key
from pe_dvc.documents.keys import ObjectKey, metadata_key, metadata_version, parse_key
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import FormatError

SHA256 = Sha256("4e" * 32)
MD5 = "9a" * 16


@pytest.mark.parametrize("country", ["uk", "uk-microcosm"])
def test_a_key_tells_what_it_was_made_of(country: str) -> None:
    made = {
        keys.manifest_key(country, SHA256): ObjectKey("manifest", SHA256),
        keys.manifest_key(country, SHA256, "states/AL"): ObjectKey("manifest", SHA256),
        keys.chunks_key(country, SHA256): ObjectKey("chunks", SHA256),
        keys.members_key(country, SHA256): ObjectKey("members", SHA256),
        keys.tombstone_key(country, SHA256): ObjectKey("tombstone", SHA256),
        keys.payload_key(country, MD5): ObjectKey("payload", MD5),
        keys.payload_key(country, f"{MD5}.dir"): ObjectKey("listing", MD5),
    }
    assert {key: parse_key(key) for key in made} == made
    assert all(key.startswith(keys.country_prefix(country)) for key in made)
    assert metadata_version(metadata_key(country, "latest", 12)) == ("latest", 12)


def test_no_prefix_of_a_country_covers_what_is_of_its_other_producer() -> None:
    """What lists and deletes below ``uk`` sees nothing of ``uk-microcosm``."""
    for prefix in (
        keys.country_prefix,
        keys.payload_prefix,
        keys.releases_prefix,
        keys.channel_prefix,
        keys.locks_prefix,
    ):
        assert not prefix("uk-microcosm").startswith(prefix("uk"))


@pytest.mark.parametrize(
    "key",
    [
        keys.release_key("us", "1.0.0", keys.TRO),
        keys.collector_lock_key("us"),
        keys.publisher_lock_key("us", "0" * 32),
        metadata_key("us", "latest", 3),
        f"us/4e/{SHA256}",
        f"us/4e/{SHA256}.codebook.json",
        f"us/4e/{SHA256[:-1]}.chunks",
        f"us/files/md5/9a/{MD5[2:]}.tmp",
        f"us/files/md5/9a/{MD5[2:]}.dir.tmp",
        f"files/md5/9a/{MD5[2:]}",
        "",
    ],
)
def test_other_keys_are_of_no_artifact(key: str) -> None:
    assert parse_key(key) is None


def test_versions_of_metadata() -> None:
    assert metadata_key("us", "latest", 12) == "channels/us/12.latest.json"
    assert metadata_version(metadata_key("us", "latest", 12)) == ("latest", 12)
    assert metadata_version(metadata_key("us", "latest")) is None
    assert metadata_version("us/12.latest.json") is None


def test_locks_lie_below_their_prefix() -> None:
    prefix = keys.locks_prefix("us")
    assert keys.collector_lock_key("us").startswith(prefix)
    assert keys.publisher_lock_key("us", "a").startswith(prefix)


def test_hashes_of_dvc() -> None:
    assert is_listing(listing_hash(MD5))
    assert not is_listing(MD5)
    assert bare_md5(listing_hash(MD5)) == bare_md5(MD5) == MD5
    assert object_key(MD5) == f"files/md5/9a/{MD5[2:]}"


@pytest.mark.parametrize("md5", ["", "../x", MD5[:-1], f"{MD5}.dir.dir", MD5.upper(), f"{MD5}\n"])
def test_what_is_no_hash_becomes_no_key(md5: str) -> None:
    with pytest.raises(FormatError, match="not a hash"):
        object_key(md5)
