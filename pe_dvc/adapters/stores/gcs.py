"""How to reach Google Cloud Storage: a DVC remote's options, then Google's own ways."""

from __future__ import annotations

import os
from datetime import UTC
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.stores.advice import OF_ENVIRONMENT, Advice
from pe_dvc.adapters.stores.endpoints import check_may_send, checked_endpoint
from pe_dvc.adapters.stores.gce import may_have_login
from pe_dvc.adapters.stores.open_bucket import open_bucket
from pe_dvc.adapters.stores.tls import tls_client
from pe_dvc.documents.dvc_boolean import is_true
from pe_dvc.primitives.errors import StorePermissionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pe_dvc.adapters.stores.object_store import ObjectStore
    from pe_dvc.primitives.errors import UntrustedError

_GOOGLE_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_NAMED = {"GOOGLE_APPLICATION_CREDENTIALS"}
"""Variables that name credentials, which then must be usable."""


def gs_store(
    bucket: str,
    prefix: str,
    options: Mapping[str, str],
    *,
    refusals: Mapping[str, UntrustedError] | None = None,
    advice: Advice = OF_ENVIRONMENT,
) -> ObjectStore:
    """Return the store of a bucket of Google Cloud Storage.

    Credentials are the remote's ``credentialpath``, else the application default credentials;
    without any it is read as the public can, as S3 is.
    ``refusals`` says, by option, why they may not be sent where it leads. Raises one of these,
    UntrustedError where credentials would go unencrypted, and StorePermissionError for a file of
    credentials that cannot be used.
    """
    endpoint = checked_endpoint(options.get("endpointurl", ""), "the remote's endpointurl")
    anonymous = is_true(options.get("allow_anonymous_login"))
    if not anonymous:
        check_may_send(endpoint, refusals or {}, exempt={"ssl_verify"})  # which is not read here
    credentials = None
    if not anonymous:
        try:
            credentials = _google_credentials(options.get("credentialpath"), advice)
        except _NoLoginError:
            anonymous = True
    config: dict[str, Any] = {"skip_signature": anonymous}
    if endpoint:
        config["base_url"] = endpoint
    if credentials is None and options.get("credentialpath"):
        config["application_credentials"] = options["credentialpath"]
    client = {**tls_client(None), "allow_http": endpoint.startswith("http://")}
    return open_bucket(
        "gs",
        bucket,
        prefix,
        config=config,
        client=client,
        credentials=credentials,
        advice=advice,
    )


class _NoLoginError(Exception):
    """This machine has no credentials of Google's, and none were named."""


def _google_credentials(path: str | None, advice: Advice) -> Callable[[], dict[str, Any]] | None:
    """Return a function that gives tokens; None where only obstore can look for a login.

    google-auth (extra ``gs``) knows the workload identities that CI runs with; obstore alone, where
    that is missing, knows keys of service accounts, users' logins and the metadata server. Raises
    _NoLoginError where there is none.
    """
    try:
        import google.auth
        from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
        from google.auth.transport.requests import Request
    except ImportError:
        if path or may_have_login():
            return None
        raise _NoLoginError from None
    scopes = [_GOOGLE_SCOPE]
    try:
        if path:
            load: Any = google.auth.load_credentials_from_file  # without annotations
            found, _ = load(path, scopes=scopes)
        else:
            found, _ = google.auth.default(scopes=scopes)
    except (GoogleAuthError, OSError) as error:
        if isinstance(error, DefaultCredentialsError) and not path and not _NAMED & set(os.environ):
            raise _NoLoginError from error
        raise StorePermissionError(
            f"no Google credentials: {error}",
            operation="read credentials",
            key=path or "application default credentials",
            remedy=advice.google,
        ) from error

    def current() -> dict[str, Any]:
        if not found.valid:
            found.refresh(Request())
        expiry = found.expiry.replace(tzinfo=UTC) if found.expiry else None
        return {"token": found.token, "expires_at": expiry}

    return current
