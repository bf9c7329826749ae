"""A root that demands witnesses is published once they vouch for what is shown already.

Else every reader would refuse between the root and the next timestamp, and for as long as a
witness is away. ADR 0042.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import NotFoundError, SignatureError
from pe_dvc.trust.channel_log import signed_state
from pe_dvc.trust.tuf_api import Root
from pe_dvc.trust.witnesses import cosigned_state, witness_rule

if TYPE_CHECKING:
    from pe_dvc.trust.bucket_writer import ChannelBucket


def refuse_unwitnessed(bucket: ChannelBucket) -> None:
    """Raise SignatureError for a new root that demands more than what is shown has."""
    fields, version = bucket.root.unrecognized_fields, bucket.root.version
    where = bucket.where("root", version)
    rule = witness_rule(fields, where=where)
    if rule is None or _is_published(bucket, version):
        return
    timestamp, _ = bucket.timestamp()
    if timestamp is None:  # nothing is shown that readers could refuse
        return
    state = signed_state(bucket, "timestamp", timestamp)
    times = cosigned_state(rule, fields, bucket.country, state, where=where)
    good = rule.in_time(times, time.time())
    if len(good) < rule.threshold:
        raise SignatureError(
            f"root {version} demands {rule.threshold} witnesses, and {len(good)} of them have "
            f"cosigned what {bucket.store.url} shows now: readers would refuse it",
            remedy="Nothing was published. First push from the commit before this root, with the "
            "witnesses in [tool.pe_dvc.witnesses] of pyproject.toml; then push this one.",
        )


def _is_published(bucket: ChannelBucket, version: int) -> bool:
    try:
        bucket.read("root", Root, version)
    except NotFoundError:
        return False
    return True
