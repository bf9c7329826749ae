"""The store port, which every bucket implements, and the local cache of verified files."""
