"""How to reach an S3 bucket: a DVC remote's options, then AWS's own environment and files."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.stores.advice import OF_ENVIRONMENT, Advice
from pe_dvc.adapters.stores.aws_credentials import AwsSettings
from pe_dvc.adapters.stores.endpoints import (
    check_may_send,
    checked_endpoint,
    checked_word,
    same_endpoint,
)
from pe_dvc.adapters.stores.open_bucket import open_bucket
from pe_dvc.adapters.stores.redirects import one_host_only
from pe_dvc.adapters.stores.s3_listing import S3Listing
from pe_dvc.adapters.stores.tls import is_file_name, tls_client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.adapters.stores.object_store import ObjectStore
    from pe_dvc.adapters.stores.s3_regions import Regions
    from pe_dvc.adapters.stores.s3_versions import S3Versions
    from pe_dvc.primitives.errors import UntrustedError

AMAZON = "https://s3.amazonaws.com"
DEFAULT_REGION = "us-east-1"

_CHECKSUMS = {"checksum_algorithm": "SHA256"}
"""Has the server check each body that it receives. Almost every service that speaks S3 knows this
digest, and the signature needs it anyway; CRC64NVME would save 0.15 s of CPU for 256 MiB on
Amazon's own, and is left out until it was seen to work there."""

_ENCRYPTION = {
    "sse": "server_side_encryption",
    "sse_kms_key_id": "sse_kms_key_id",
    "sse_customer_key": "sse_customer_key_base64",
}


def s3_store(
    bucket: str,
    prefix: str,
    options: Mapping[str, str],
    regions: Regions,
    *,
    refusals: Mapping[str, UntrustedError] | None = None,
    advice: Advice = OF_ENVIRONMENT,
) -> ObjectStore:
    """Return the store of a bucket, with the options of a DVC remote.

    Without a region among the options ``regions`` is asked for the bucket's. ``refusals`` says,
    by option, why credentials may not be sent where that option leads; an endpoint that AWS's
    environment or profile names as well is the user's own. Raises one where there are
    credentials, UntrustedError where they would go unencrypted, FormatError for an option that
    cannot be right, and StorePermissionError for credentials that cannot be had.
    """
    settings = AwsSettings(options)
    named = checked_endpoint(options.get("endpointurl", ""), "the remote's endpointurl")
    users = checked_endpoint(settings.endpoint or "", "AWS_ENDPOINT_URL")
    endpoint, is_users = named or users, not named or same_endpoint(named, users)
    credentials = settings.credentials()
    if credentials is not None or options.get("sse_customer_key"):  # which goes along as it is
        exempt = {"endpointurl"} if is_users else set()
        check_may_send("" if is_users else endpoint, refusals or {}, exempt)
    client = tls_client(options.get("ssl_verify"), settings.ca_bundle)
    region = (
        options.get("region")
        or regions.of(bucket, endpoint or AMAZON, client)
        or settings.region
        or DEFAULT_REGION
    )
    config: dict[str, Any] = {
        **(_CHECKSUMS if settings.sends_checksums else {}),
        "skip_signature": credentials is None,
        **{ours: options[name] for name, ours in _ENCRYPTION.items() if options.get(name)},
        # DVC's client follows redirects to the bucket's region, obstore does not; and the region
        # that a user works in is often not the bucket's.
        "region": checked_word(region, "region", advice),
        **_addressing(bucket, endpoint),
    }
    client["allow_http"] = bool(endpoint) and endpoint.startswith("http://")
    client |= one_host_only(endpoint or f"https://s3.{region}.amazonaws.com")
    said = options.get("ssl_verify", "")
    listing = S3Listing(
        bucket,
        prefix,
        config=config,
        client=client,
        ca_bundle=said if is_file_name(said) else settings.ca_bundle,
        credentials=credentials,
    )

    @cache
    def versions() -> S3Versions:
        from pe_dvc.adapters.stores.s3_versions import S3Versions  # who only reads removes nothing

        return S3Versions(bucket, prefix, listing.connect)

    return open_bucket(
        "s3",
        bucket,
        prefix,
        config=config,
        client=client,
        credentials=credentials,
        s3=listing,
        purge=lambda keys: versions().purge(keys),
        advice=advice,
    )


def _addressing(bucket: str, endpoint: str) -> dict[str, Any]:
    if not endpoint:
        # A wildcard certificate does not cover a bucket with a dot in its name.
        return {"virtual_hosted_style_request": "." not in bucket}
    # Both names, or obstore would prefer AWS_ENDPOINT_URL_S3 of the environment to the remote's.
    at = {"endpoint": endpoint, "aws_endpoint_url_s3": endpoint}
    return {**at, "virtual_hosted_style_request": False}
