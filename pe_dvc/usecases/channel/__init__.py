"""Channels in git: roles, keys, gates, promotion, history."""
