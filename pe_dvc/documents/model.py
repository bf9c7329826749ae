"""What every document shares: how it is read, checked, versioned and written."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from pe_dvc.documents.versions import SUPPORTED, check_version
from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json


def is_empty(value: object) -> bool:
    """Tell of a field that is left out where it is empty."""
    return not value


class Record(BaseModel):
    """A frozen part of a document. Fields that this version does not know are kept."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values, without the fields that are not set."""
        return self.model_dump(mode="json", exclude_none=True)


class Document(Record):
    """A whole document, with the major version of its schema.

    A newer *major* version is refused by name (``documents.versions``).
    """

    kind: ClassVar[str]

    schema_version: int = SUPPORTED

    @classmethod
    def from_bytes(cls, data: bytes, *, where: str | None = None) -> Self:
        """Read a document from its JSON.

        Raises UnsupportedVersionError for a newer major version and FormatError, with the path
        of the field, for anything that is not such a document.
        """
        value = read_json(data, what=f"a {cls.kind}", where=where)
        check_version(cls.kind, value, where=where)
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise FormatError(f"not a {cls.kind}: {_describe(error)}", where=where) from None

    def to_bytes(self) -> bytes:
        """Return the document as indented JSON: the same document gives the same bytes."""
        return readable_json(self.to_json())


def _describe(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    path = ".".join(str(part) for part in first["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{path or 'document'}: {first['msg']}{more}"
