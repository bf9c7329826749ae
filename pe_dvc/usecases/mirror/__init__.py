"""Mirrors: copies of a store elsewhere, filled, checked and compared with it."""
