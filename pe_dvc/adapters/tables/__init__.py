"""Tables in files: parquet, HDF5 and pandas' HDFStore."""
