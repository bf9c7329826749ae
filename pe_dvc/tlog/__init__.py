"""Merkle logs in the formats of C2SP: hashes, proofs, tiles, checkpoints. Nothing here does I/O."""
