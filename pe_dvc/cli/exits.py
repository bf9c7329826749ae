"""What exit codes mean of single commands, for ``--help`` and docs/commands.md."""

from __future__ import annotations

EXITS: dict[str, str] = {
    "audit import": "1 if some lines could not be read; the others were taken",
    "audit verify": "1 if the ledger was altered: it says which entries; 6 if a checkpoint, a "
    "proof or the key is not of this ledger",
    "cache prune": "1 with --expired if something is in use, or a statement could not be sent",
    "cache verify": "1 if an artifact was altered",
    "channel log": "1 if a version is missing or not validly signed, or the log proves nothing",
    "channel sign": "1 without a key of the role, or if the answer is no; 2 without a terminal",
    "check": "1 if anything does not agree",
    "diff": "0 if the values are the same, 1 if not, or with --fail-over if more moved than that; "
    "6 if something does not verify",
    "find": "3 if there is no such column",
    "fsck": "1 if anything is missing or damaged and was not restored",
    "gc": "5 if an object could not be removed",
    "get": "of several references, the code of the first that failed",
    "mirror restore": "1 if the mirror itself lacks something of earlier versions",
    "mirror sync": "1 if the bucket itself lacks something of earlier versions",
    "mirror verify": "1 if anything is missing or altered there, or its metadata has expired",
    "release mirror": "1 if its tag there holds another release; 5 if the hub refuses the token",
    "release certified": "1 if a pin cannot be fetched",
    "revoke": "with --remove, 5 while something that is withdrawn is left in the bucket",
    "unrevoke": "3 for what is not withdrawn",
    "reproduce": "0 if the bytes or the values are the same, 1 if not, 6 if it cannot be tried",
    "site build": "1 if a dataset could not be read: its page says so",
    "stale": "0 fresh, 1 stale, 3 if that cannot be told, 6 if something does not verify; with "
    "--compatible 0 if it may, 1 if not, 3 if nothing is claimed",
    "verify": "1 if a dataset differs",
    "witness cosign": "1 if a log was refused, or cannot be read",
}
"""What exit codes mean of one command, beyond what they mean of all."""
