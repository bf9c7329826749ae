"""Revoking: what was withdrawn, what that concerns, and what leaves the bucket. ADR 0008."""
