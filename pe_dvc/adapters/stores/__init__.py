"""Stores: a directory, S3, Google Cloud Storage or Azure, each behind the store port."""
