"""Documents: the formats that pe_dvc reads and writes, and the keys they lie under. No I/O."""
