"""After a publication: what readers now see is kept in the clone, for those who clone it next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import metadata_key
from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.project.notes import note_once
from pe_dvc.project.reader_trust import own_stores
from pe_dvc.project.seen import seen_folder
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.trust.bucket_identity import place_name
from pe_dvc.trust.seen import version_of
from pe_dvc.usecases.publish.seen import read_back

if TYPE_CHECKING:
    from collections.abc import Collection

    from pe_dvc.project.repo import DataRepo
    from pe_dvc.trust.bucket import ReadableChannels
    from pe_dvc.trust.seen import SeenPublication


MOST, LEFT = 100, 10
"""How many files there may be of a store, and how many are left once there are more.

Git takes a file that goes and one that comes for a rename, and two branches that rename one file
are a conflict: so none is removed at each push.
"""


def keep_seen(repo: DataRepo, bucket: ReadableChannels, written: Collection[str]) -> str | None:
    """Keep what readers now see, if ``written`` has the timestamp; return the file to be committed.

    Only of the store that the clone itself names: another one is a trial, or a mirror. Whatever
    fails is noted, as the publication is done.
    """
    if metadata_key(repo.country, "timestamp") not in written:
        return None
    stores = own_stores(repo.country, repo)
    if not stores or stores[0] != place_name(bucket.store.url):
        return None
    try:
        seen = read_back(bucket, stores)
        return None if seen is None else _write(repo, seen)
    except PeDvcError as error:
        note_once(f"what was published is not noted for new readers: {error.message}")
    except OSError as error:
        note_once(f"what was published is not noted for new readers: {error.strerror}")
    return None


def _write(repo: DataRepo, seen: SeenPublication) -> str:
    folder, tree = seen_folder(repo), ConfinedTree(repo.root)
    suffix = seen.file_name.partition("-")[2]
    there = [name for name, _ in tree.entries(folder) if name.endswith(f"-{suffix}")]
    tree.write(f"{folder}/{seen.file_name}", seen.to_bytes(), durable=True)
    newest = seen.versions.timestamp
    below = [name for name in there if (version_of(name) or newest) < newest]
    if len(below) >= MOST:
        for name in sorted(below, key=lambda name: -(version_of(name) or 0))[LEFT - 1 :]:
            tree.unlink(f"{folder}/{name}")
    return f"{folder}/{seen.file_name}"
