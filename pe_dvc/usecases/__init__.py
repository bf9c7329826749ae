"""Use cases: what pe_dvc does, in terms of the store port, trust and documents."""
