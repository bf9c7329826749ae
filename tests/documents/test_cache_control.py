"""For how long caches may keep an object: what is withdrawn or gated must not stay in one."""

from __future__ import annotations

import pytest

from pe_dvc.documents import keys
from pe_dvc.documents.cache_control import cache_control
from pe_dvc.primitives.digest import Sha256

SHA = Sha256("ab" * 32)
MD5 = "cd" * 16
DAY, YEAR = "max-age=86400, immutable", "max-age=31536000, immutable"


def of_data(country: str) -> list[str]:
    return [
        keys.payload_key(country, MD5),
        keys.payload_key(country, f"{MD5}.dir"),
        keys.manifest_key(country, SHA),
        keys.manifest_key(country, SHA, "states/AK"),
        keys.chunks_key(country, SHA),
        keys.members_key(country, SHA),
        keys.content_key(country, SHA, "profile", SHA),
    ]


def that_change(country: str) -> list[str]:
    return [
        keys.metadata_key(country, "timestamp"),
        keys.metadata_key(country, "latest"),
        keys.tombstone_key(country, SHA),
        keys.mirror_key(country),
        f"{country}/of/no/known/form.json",
    ]


@pytest.mark.parametrize("key", of_data("us"))
def test_what_may_be_withdrawn_stays_in_a_cache_for_a_day_at_most(key: str) -> None:
    assert cache_control(key) == DAY


@pytest.mark.parametrize("file", keys.RELEASE_FILES)
def test_what_is_never_withdrawn_stays_for_a_year(file: str) -> None:
    assert cache_control(keys.metadata_key("us", "latest", 12)) == YEAR
    assert cache_control(keys.metadata_key("us", "root", 2)) == YEAR
    assert cache_control(keys.release_key("us", "1.78.2", file)) == YEAR


@pytest.mark.parametrize("key", that_change("us"))
def test_what_changes_is_asked_for_each_time(key: str) -> None:
    assert cache_control(key) == "no-cache"


def test_a_lock_is_kept_by_no_one() -> None:
    for key in (keys.collector_lock_key("us"), keys.publisher_lock_key("us", "a1")):
        assert cache_control(key) == "no-store"


@pytest.mark.parametrize("country", ["uk", "uk-frs"])
def test_a_cache_that_keeps_gated_data(country: str) -> None:
    """Nothing of it may stay with others, whoever asked a cache for it before."""
    release = keys.release_key(country, "1.0.0", keys.RELEASE_MANIFEST)
    for key in (*of_data(country), release):
        assert cache_control(key) == "private, no-store"
    assert cache_control(keys.metadata_key(country, "latest", 12)) == f"private, {YEAR}"
    for key in that_change(country):
        assert cache_control(key) == "private, no-cache"


@pytest.mark.parametrize("country", ["us", "uk"])
def test_nothing_lets_a_cache_keep_what_was_asked_for_with_credentials(country: str) -> None:
    """RFC 9111, section 3.5: these three would."""
    for key in (*of_data(country), *that_change(country)):
        for word in ("public", "must-revalidate", "s-maxage"):
            assert word not in cache_control(key)
