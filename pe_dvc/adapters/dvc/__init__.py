"""DVC's files, cache and workspace, read and written as DVC would."""
