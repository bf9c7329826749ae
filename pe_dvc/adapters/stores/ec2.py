"""Whether this machine may be one of Amazon's, whose metadata service hands out credentials.

botocore asks the service wherever it is, and waits a second for the answer of a laptop. What the
firmware says costs nothing: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html
"""

from __future__ import annotations

import os
from pathlib import Path

VENDOR = Path("/sys/devices/virtual/dmi/id/sys_vendor")
XEN = Path("/sys/hypervisor/uuid")


def may_be_amazons() -> bool:
    """Tell whether to ask the metadata service.

    ``AWS_EC2_METADATA_DISABLED`` and ``AWS_EC2_METADATA_SERVICE_ENDPOINT`` decide where they are
    set. A machine of which the firmware says nothing may be one.
    """
    if said := os.environ.get("AWS_EC2_METADATA_DISABLED"):
        return said.lower() != "true"
    if os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT"):
        return True
    found = vendor()
    return not found or "amazon" in found or _read(XEN).startswith("ec2")


def vendor() -> str:
    """Return who made this machine, in lower case; empty where the firmware says nothing."""
    return _read(VENDOR)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip().lower()
    except OSError:
        return ""
