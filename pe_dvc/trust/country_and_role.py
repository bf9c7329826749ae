"""The country and the role that signed metadata names as its own, so that it counts for no other.

People share keys between countries and between roles, and a signature alone says who signed, not
for what. Metadata that an older pe_dvc made has no such fields; there the paths of pointers and
delegations tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.documents.metadata_fields import COUNTRY_FIELD, ROLE_FIELD
from pe_dvc.primitives.errors import VerificationError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.trust.roles import DELEGATED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.trust.tuf_api import Signed

_REMEDY = (
    "Someone who can write to the bucket put it there, or the address is wrong: tell the "
    "maintainers of the data."
)


def write_country_and_role(signed: Signed, country: str, role: str) -> None:
    """Write the country and the role into metadata, before it is signed."""
    signed.unrecognized_fields[COUNTRY_FIELD] = country
    if role in DELEGATED:
        signed.unrecognized_fields[ROLE_FIELD] = role


def check_country_and_role_of_file(data: bytes, country: str, role: str, *, where: str) -> None:
    """Raise VerificationError if metadata, signed or not, names another country or role.

    Raises FormatError for what is not JSON. Other JSON passes: the parser will refuse it.
    """
    document = read_json(data, what="TUF metadata", fractions=False)
    signed = document.get("signed") if isinstance(document, dict) else None
    if isinstance(signed, dict):
        check_country_and_role(signed, country, role, where=where)


def check_country_and_role(
    fields: Mapping[str, Any], country: str, role: str, *, where: str
) -> None:
    """Raise VerificationError if the fields of metadata name another country or role."""
    named, named_role = fields.get(COUNTRY_FIELD, country), fields.get(ROLE_FIELD, role)
    if named != country:
        raise VerificationError(
            f"{where} says that it is of {named!r}, and {country} was asked for: this is another "
            "country's metadata",
            remedy=_REMEDY,
        )
    if named_role != role:
        raise VerificationError(
            f"{where} says that it is the metadata of the role {named_role!r}, and that of {role} "
            "was asked for",
            remedy=_REMEDY,
        )


def role_of_file(name: str) -> str:
    """Return the role of a metadata file by its name, such as ``3.latest.json``."""
    return name.removesuffix(".json").rpartition(".")[2]
