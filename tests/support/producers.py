"""What PolicyEngine's producers publish: file names, kinds and settings, with made-up contents."""

from __future__ import annotations

from typing import Any

US_TAG = "populace-us-2024-spm-20260915"
UK_LINE = "microcosm-uk-2024-25-national"
UK_TAG = f"{UK_LINE}-20261025T091414Z-a6299504"

US_FILES = {
    "populace_us_2024": b"the nation",
    "populace_us_2024_calibration": b"weights",
    "calibration_diagnostics": b'{"schema_version": 6}',
    "us_source_coverage": b'{"schema_version": 1}',
    "build_manifest": b'{"build": 1}',
}
US_FIELDS: dict[str, dict[str, Any]] = {
    "populace_us_2024": {"path": "data/populace_us_2024.h5", "media_type": "application/x-hdf5"},
    "populace_us_2024_calibration": {
        "path": "data/populace_us_2024_calibration.npz",
        "kind": "calibration",
        "media_type": "application/octet-stream",
    },
    **{
        name: {
            "path": f"data/{name}.json",
            "kind": "diagnostics",
            "media_type": "application/json",
        }
        for name in ("calibration_diagnostics", "us_source_coverage", "build_manifest")
    },
}
US_PYPROJECT = """
[tool.pe_dvc]
country = "us"

[tool.pe_dvc.release]
tags = "populace-us-*"
data_package = "microcosm-data"
data_package_version = "0.1.0"
repo_id = "policyengine/populace-us"
strip_prefix = "data/"
default_datasets = {national = "populace_us_2024"}
compatible_core_packages = [{name = "policyengine-core", specifier = ">=3.33,<4"}]
"""
