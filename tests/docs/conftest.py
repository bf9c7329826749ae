"""The README's readers meet the same sandbox as the end-to-end tests."""

from tests.e2e.conftest import template

__all__ = ["template"]
