"""Releases: what a git tag stands for, registered, published, checked."""
