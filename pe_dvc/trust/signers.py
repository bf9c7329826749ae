"""Finding the signers of a role, and signing.

In this order, the first that is set decides: ``PE_DVC_SIGNER_<ROLE>`` (URIs separated by white
space), the project's own mapping, and else both the URIs that a role's keys carry in the signed
metadata (KMS, HSM) and the key files of the country. URIs are securesystemslib's: ``file2:``,
``awskms:``, ``gcpkms:``, ``hsm:`` …
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.metadata_fields import SIGNER_FIELD
from pe_dvc.primitives.errors import FormatError, NotFoundError, SignatureError
from pe_dvc.primitives.names import check_country
from pe_dvc.store.home import expand_home
from pe_dvc.trust.file_length import check_readable
from pe_dvc.trust.keys import holds_public_key, key_files, load_key_file
from pe_dvc.trust.tuf_api import (
    Key,
    Metadata,
    QuickSerializer,
    Root,
    Signature,
    Signer,
    Targets,
    UnsignedMetadataError,
    UnverifiedSignatureError,
)
from pe_dvc.trust.verify import role_keys, role_of, signatures

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

logger = logging.getLogger(__name__)

FILE_SCHEME = "file2:"
REMOTE_SCHEMES = ("awskms", "gcpkms", "azurekms", "hsm", "hv")
"""What a signer that is no file may be: these run no program."""


class Signers:
    """The private keys that this machine can sign with, for one country.

    ``uris`` is the project's mapping of roles to signer URIs. A key file is used for a role
    only if its key is one of the role's. ``cosigners`` are the witnesses that the project asks
    (``usecases.publish.cosigners``).
    """

    cosigners: Any = None

    def __init__(
        self,
        country: str,
        keys_dir: Path | None = None,
        uris: Mapping[str, str | Sequence[str]] | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.country = check_country(country)
        self._directory = keys_dir / country if keys_dir else None
        self._uris = uris or {}
        self._environ = environ

    def sign(
        self, delegator: Root | Targets, role: str, metadata: Metadata[Any], *also: Root | Targets
    ) -> list[str]:
        """Add a signature of every key of ``role`` on this machine that has not signed validly.

        The role's keys are those that ``delegator`` lists, and those of other delegators in
        ``also``. Returns the ids of the keys that were added; signatures that stand are left alone.
        Raises SignatureError if a signer that was asked for by name fails, the errors of
        ``load_key_file``, and FormatError, before anything is signed, for what no reader would
        read (``check_readable``).
        """
        check_readable(role, metadata)
        delegators = (delegator, *also)
        missing = {
            keyid: key
            for each in delegators
            for keyid, key in signatures(each, role, metadata).unsigned.items()
        }
        keys = [key for each in delegators for key in role_keys(each, role)]
        signed: list[str] = []
        for signer in self._for_role(role, list(missing.values()), keys):
            if signer.public_key.keyid in signed:
                continue
            if self._sign(signer, role, metadata):
                signed.append(signer.public_key.keyid)
        return signed

    def held(self, role: str, *delegators: Root | Targets) -> set[str]:
        """Return the ids of those of a role's keys that are on this machine."""
        known = {key.keyid: key for each in delegators for key in role_keys(each, role)}
        keys = list(known.values())
        return {signer.public_key.keyid for signer in self._for_role(role, keys, keys)}

    def of_keys(
        self, delegator: Root | Targets, role: str, keyids: Collection[str]
    ) -> Iterator[Signer]:
        """Yield the signers on this machine of those of a role's keys that ``keyids`` names."""
        keys, found = role_keys(delegator, role), set()
        for signer in self._for_role(role, [key for key in keys if key.keyid in keyids], keys):
            if signer.public_key.keyid not in found:
                found.add(signer.public_key.keyid)
                yield signer

    def sign_bytes(self, signer: Signer, role: str, data: bytes) -> Signature | None:
        """Return a key's signature of bytes that are no TUF metadata, None if it could not sign.

        What a KMS or HSM raises is its library's own and is not foreseeable. Raises SignatureError
        for a signer that was asked for by name.
        """
        key = signer.public_key
        try:
            signature = signer.sign(data)
            key.verify_signature(signature, data)
        except Exception as error:
            if self._named(role):
                raise self._could_not_sign(key, role, error) from error
            logger.info("key %s of %s could not sign: %s", key.keyid, role, error)
            return None
        return signature

    def check_any(self, delegator: Root | Targets, role: str, *also: Root | Targets) -> None:
        """Raise SignatureError if no key of the role is here; it says where keys are looked for."""
        self._check_there((delegator, *also), role, 1)

    def check_enough(self, delegator: Root | Targets, role: str) -> None:
        """Raise SignatureError, as ``check_any``, if too few of a role's keys are here to sign."""
        self._check_there((delegator,), role, role_of(delegator, role).threshold)

    def _check_there(self, delegators: Sequence[Root | Targets], role: str, needed: int) -> None:
        there = self.held(role, *delegators)
        if len(there) < needed:
            count = len({keyid for each in delegators for keyid in role_of(each, role).keyids})
            files = f"{self._directory}/*.pem (PE_DVC_KEYS_DIR)" if self._directory else "no files"
            raise SignatureError(
                f"this machine has {len(there) or 'none'} of the keys of {role} ({count})"
                + (f", and {needed} must sign" if there else ""),
                remedy="Nothing was changed. Keys are looked for in PE_DVC_SIGNER_"
                f"{role.upper()}, in [tool.pe_dvc.signers] of pyproject.toml, behind the URIs that "
                f"the metadata names, and in {files}.",
            )

    def _for_role(self, role: str, wanted: list[Key], keys: list[Key]) -> Iterator[Signer]:
        named = self._named(role)
        for uri in named:
            yield from self._open(uri, role, wanted, keys)
        if named:
            return
        for key in wanted:
            known = key.unrecognized_fields.get(SIGNER_FIELD)
            if isinstance(known, str):
                yield from self._try(known, key)
        yield from _matching(self._key_files(), wanted)

    def _named(self, role: str) -> list[str]:
        given = self._environ.get(f"PE_DVC_SIGNER_{role.upper()}")
        if given:
            return given.split()
        named = self._uris.get(role, [])
        return [named] if isinstance(named, str) else list(named)

    def _key_files(self) -> list[Signer]:
        if self._directory is None or not self._directory.is_dir():
            return []
        key_files(self._directory.parent, self.country)
        found = sorted(self._directory.glob("*.pem"))
        return [load_key_file(path, follow=False) for path in found if not holds_public_key(path)]

    def _open(self, uri: str, role: str, wanted: list[Key], keys: list[Key]) -> list[Signer]:
        """Return the signers of a URI that was asked for by name; it must be one of the role's."""
        if uri.startswith(FILE_SCHEME):
            signer = load_key_file(key_file_of(uri, self._environ))
            if not _matching([signer], keys):
                raise SignatureError(
                    f"{uri} is not a key of {role}",
                    remedy=f"Use a key of {role}, or add this one to the role.",
                )
            return _matching([signer], wanted)
        return [self._remote(uri, key) for key in _of_uri(uri, wanted)]

    def _remote(self, uri: str, key: Key) -> Signer:
        """Open a KMS or HSM. What it raises is its library's own and is not foreseeable.

        The URI may be a clone's: securesystemslib knows schemes that run programs as well, and
        ``gnupg:`` runs those that the configuration in a directory names.
        """
        if uri.partition(":")[0] not in REMOTE_SCHEMES:
            raise SignatureError(
                f"{uri} is no signer that pe_dvc opens",
                remedy=f"Expected file2: or one of {', '.join(f'{s}:' for s in REMOTE_SCHEMES)}.",
            )
        try:
            return Signer.from_priv_key_uri(uri, key, pin_of_the_device)
        except Exception as error:
            raise SignatureError(
                f"the signer {uri} cannot be used: {type(error).__name__}: {error}",
                remedy="Check the URI, its credentials, and that its library is installed.",
            ) from error

    def _try(self, uri: str, key: Key) -> list[Signer]:
        """Open a signer that the metadata names: it may well be another person's."""
        try:
            if uri.startswith(FILE_SCHEME):
                return _matching([load_key_file(key_file_of(uri, self._environ))], [key])
            return [self._remote(uri, key)]
        except (FormatError, NotFoundError, SignatureError) as error:
            logger.info("not signing with %s: %s", uri, error)
            return []

    def _sign(self, signer: Signer, role: str, metadata: Metadata[Any]) -> bool:
        key = signer.public_key
        before = metadata.signatures.get(key.keyid)
        try:
            signature = metadata.sign(signer, append=True, signed_serializer=QuickSerializer())
            key.verify_signature(signature, metadata.signed_bytes)  # python-tuf's own
        except (UnsignedMetadataError, UnverifiedSignatureError) as error:
            if before is None:
                metadata.signatures.pop(key.keyid, None)
            else:
                metadata.signatures[key.keyid] = before
            if self._named(role):
                raise self._could_not_sign(key, role, error) from error
            logger.info("key %s of %s could not sign: %s", key.keyid, role, error)
            return False
        return True

    def _could_not_sign(self, key: Key, role: str, error: Exception) -> SignatureError:
        return SignatureError(
            f"key {key.keyid} of {role} could not sign: {error}",
            remedy="Check the credentials of the signer.",
        )


def key_file_of(uri: str, environ: Mapping[str, str]) -> Path:
    """Return the private key file that a ``file2:`` URI names."""
    path = expand_home(uri.removeprefix(FILE_SCHEME))
    return Path(environ.get("CRYPTO_SIGNER_PATH_PREFIX", "")) / path


def pin_of_the_device(name: str) -> str:
    """Return the PIN of an HSM: ``PE_DVC_HSM_PIN``, else what is typed at the terminal."""
    import getpass
    import sys

    given = os.environ.get("PE_DVC_HSM_PIN")
    if given is None and not sys.stdin.isatty():
        raise SignatureError(f"{name} is needed", remedy="Set PE_DVC_HSM_PIN.")
    return given if given is not None else getpass.getpass(f"{name}: ")


def _matching(signers: Sequence[Signer], keys: Sequence[Key]) -> list[Signer]:
    keyids = {key.keyid for key in keys}
    return [signer for signer in signers if signer.public_key.keyid in keyids]


def _of_uri(uri: str, keys: list[Key]) -> list[Key]:
    """Return the key that says it is behind ``uri``, or else the only one there is."""
    exact = [key for key in keys if key.unrecognized_fields.get(SIGNER_FIELD) == uri]
    if exact or len(keys) <= 1:
        return exact or keys
    raise SignatureError(
        f"which of {len(keys)} keys is behind {uri} is not known",
        remedy=f"Give the key the field {SIGNER_FIELD} in the metadata that lists it.",
    )
