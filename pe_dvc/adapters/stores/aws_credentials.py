"""AWS's settings: a DVC remote's options, the environment, and, through botocore, the files.

botocore takes a tenth of a second to import: it is asked only for what the options and the
environment leave open, and only where there is a file or a service that could tell.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.stores.ec2 import may_be_amazons
from pe_dvc.documents.dvc_boolean import is_true
from pe_dvc.primitives.errors import StorePermissionError
from pe_dvc.store.home import expand_home

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.session import Session

    CredentialProvider = Callable[[], dict[str, Any]]

LIFETIME = timedelta(minutes=10)
"""After this, botocore is asked again; it renews what is about to expire."""

_FILES = ("~/.aws/credentials", "~/.aws/config", "~/.boto", "/etc/boto.cfg")
_NO_SOURCES = {
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_CA_BUNDLE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_REQUEST_CHECKSUM_CALCULATION",
}
"""Variables of AWS that say nothing of credentials."""
_NOT_AS_EXPECTED = (OSError, ValueError, LookupError, TypeError, AttributeError)
"""What botocore lets through where a program or a file of credentials has another form."""


class AwsSettings:
    """What a client of S3 has to know, read as DVC's own client reads it."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = options

    @property
    def region(self) -> str | None:
        """The region configured, which need not be the bucket's."""
        return (
            self._options.get("region")
            or os.environ.get("AWS_REGION")
            or os.environ.get("AWS_DEFAULT_REGION")
            or self._profile.get("region")
        )

    @property
    def endpoint(self) -> str | None:
        """The endpoint of the environment or the profile."""
        return (
            os.environ.get("AWS_ENDPOINT_URL_S3")
            or os.environ.get("AWS_ENDPOINT_URL")
            or self._profile.get("endpoint_url")
        )

    @property
    def ca_bundle(self) -> str | None:
        """A file of certificates to trust."""
        return os.environ.get("AWS_CA_BUNDLE") or self._profile.get("ca_bundle")

    @property
    def sends_checksums(self) -> bool:
        """Whether uploads carry a checksum of S3's, which a few servers do not know."""
        name = "request_checksum_calculation"
        said = os.environ.get(f"AWS_{name.upper()}") or self._profile.get(name) or ""
        return said.lower() != "when_required"

    def credentials(self) -> CredentialProvider | None:
        """Return a function that gives credentials, None to go without.

        In this order: the remote's keys, the environment's unless the remote names a profile,
        what botocore finds (profiles, SSO, web identity, instance roles). Raises
        StorePermissionError if what is configured cannot be had.
        """
        options, environment = self._options, os.environ
        if is_true(options.get("allow_anonymous_login")):
            return None
        if options.get("access_key_id") and options.get("secret_access_key"):
            return _static(options, "access_key_id", "secret_access_key", "session_token")
        keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        if all(environment.get(key) for key in keys) and not options.get("profile"):
            return _static(environment, *keys, "AWS_SESSION_TOKEN")
        return self._from_botocore() if self._somebody_could_tell() else None

    def _somebody_could_tell(self) -> bool:
        """Whether there is a setting, a file or a service that botocore could find something in."""
        options = ("profile", "credentialpath", "configpath")
        return (
            any(self._options.get(option) for option in options)
            or any(name.startswith("AWS_") and name not in _NO_SOURCES for name in os.environ)
            or any(expand_home(file).is_file() for file in _FILES)
            or may_be_amazons()
        )

    def _from_botocore(self) -> CredentialProvider | None:
        from botocore.exceptions import BotoCoreError, ClientError, ProxyConnectionError

        try:
            found = self._session.get_credentials()
            if found is None:
                return None
            found.get_frozen_credentials()  # an expired login should show here, in its own words
        except ProxyConnectionError as error:
            if self._session.available_profiles:
                raise _no_credentials(error) from error
            return None  # only the machine's own metadata service, which no proxy leads to
        except (BotoCoreError, ClientError, *_NOT_AS_EXPECTED) as error:
            raise _no_credentials(error) from error

        def current() -> dict[str, Any]:
            keys = found.get_frozen_credentials()
            return {
                "access_key_id": keys.access_key,
                "secret_access_key": keys.secret_key,
                "token": keys.token,
                "expires_at": datetime.now(UTC) + LIFETIME,
            }

        return current

    @cached_property
    def _session(self) -> Session:
        from botocore.session import Session

        session = Session(profile=self._options.get("profile"))
        files = {"credentialpath": "credentials_file", "configpath": "config_file"}
        for option, variable in files.items():
            if path := self._options.get(option):
                session.set_config_variable(variable, path)
        if not may_be_amazons():
            session.get_component("credential_provider").remove("iam-role")
        return session

    @cached_property
    def _profile(self) -> dict[str, str]:
        """The profile's settings in AWS's configuration file, if there is one."""
        file = self._options.get("configpath") or os.environ.get("AWS_CONFIG_FILE")
        if not expand_home(file or "~/.aws/config").is_file():
            return {}
        from botocore.exceptions import BotoCoreError

        try:
            settings = self._session.get_scoped_config()
        except BotoCoreError as error:
            raise _no_credentials(error) from error
        return {name: value for name, value in settings.items() if isinstance(value, str)}


def _static(source: Mapping[str, str], key: str, secret: str, token: str) -> CredentialProvider:
    """Return a function that gives keys which do not expire.

    A function rather than options of the client: these would be mixed with the environment's,
    one's key with the other's session token.
    """
    credentials = {
        "access_key_id": source[key],
        "secret_access_key": source[secret],
        "token": source.get(token) or None,
        "expires_at": None,
    }
    return lambda: credentials


def _no_credentials(error: Exception) -> StorePermissionError:
    return StorePermissionError(
        f"no AWS credentials: {error}",
        operation="read credentials",
        key="AWS",
        remedy="Renew the login (`aws sso login`) or correct the profile, then try again.",
    )
