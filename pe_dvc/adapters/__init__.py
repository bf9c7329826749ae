"""Adapters: one module for each outside library or file layout that pe_dvc speaks to."""
