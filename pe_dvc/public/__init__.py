"""What ``pe_dvc`` exports for those who automate: one call for each command."""
