"""Names of the fields that pe_dvc adds to TUF metadata."""

from __future__ import annotations

EXPIRY_FIELD = "x-pe-dvc-expiry-days"
"""Field of a role, in the metadata of who delegates to it: days from signing to expiry."""

SIGNER_FIELD = "x-pe-dvc-signer"
"""Field of a key, in the metadata that lists it: the URI of its signer (a KMS, an HSM)."""

NAME_FIELD = "x-pe-dvc-name"
"""Field of a key, in the metadata that lists it: whose it is, such as ``alice``."""

COUNTRY_FIELD = "x-pe-dvc-country"
"""Field of all metadata: the country that it is of, so that it counts for no other."""

ROLE_FIELD = "x-pe-dvc-role"
"""Field of the metadata of a role below targets: which role, so that it counts for no other."""

CONTACT_FIELD = "x-pe-dvc-contact"
"""Field of the root: who grants access to the country's data. A reader has pinned the root, so it
can be told even where the bucket lets it read nothing."""

MIRRORS_FIELD = "x-pe-dvc-mirrors"
"""Field of the root: addresses of other stores that hold the country's data. They are signed, so
that a reader without a clone finds them; what they show is verified as of any store."""

WITNESSES_FIELD = "x-pe-dvc-witnesses"
"""Field of the root: whose cosignatures of the channel's log readers demand."""

LOG_FIELD = "x-pe-dvc-log"
"""Field of snapshots and timestamps (``LogState``), and of a root (``LogName``)."""
