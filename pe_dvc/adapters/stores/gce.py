"""Whether obstore alone finds a login of Google's, where google-auth (extra ``gs``) is missing.

It asks a metadata service in the end, which a laptop does not have: then nothing is read, not even
a public bucket. What the firmware says costs nothing.
"""

from __future__ import annotations

import os

from pe_dvc.adapters.stores.ec2 import vendor
from pe_dvc.store.home import expand_home

LOGIN = "~/.config/gcloud/application_default_credentials.json"
NAMED = (
    *("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT"),
    *("GOOGLE_SERVICE_ACCOUNT_PATH", "GOOGLE_SERVICE_ACCOUNT_KEY"),
)


def may_have_login() -> bool:
    """Tell whether credentials are named, or kept by gcloud, or this may be a machine of Google's.

    A machine of which the firmware says nothing may be one, unless ``NO_GCE_CHECK`` is ``true``.
    """
    if any(os.environ.get(name) for name in NAMED) or expand_home(LOGIN).exists():
        return True
    if os.environ.get("NO_GCE_CHECK", "").lower() == "true":  # google-auth's variable
        return False
    found = vendor()
    return not found or "google" in found
