"""Primitives: digests, references, names, canonical JSON, errors. No I/O."""
