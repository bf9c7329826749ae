"""What a directory's list of files, which its manifest names, says that the bucket has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import payload_key
from pe_dvc.documents.members import read_members
from pe_dvc.primitives.digest import Sha256

if TYPE_CHECKING:
    from pe_dvc.documents.artifact import Artifact
    from pe_dvc.documents.members import MemberFile


def listed_members(data: bytes, artifact: Artifact, *, where: str) -> dict[str, MemberFile]:
    """Return the files of a directory by the keys of their payloads.

    ``data`` is the list that the manifest names. Who signed it may have signed another one than
    that of the directory: raises DigestMismatchError then, and FormatError for one of no directory.
    """
    members = read_members(
        data, sha256=None, identity=Sha256(artifact.sha256), size=artifact.size, where=where
    )
    return {payload_key(artifact.country, member.md5): member for member in members}
