"""How to reach an S3 bucket: a DVC remote's options, then AWS's own environment and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.stores.aws_credentials import AwsSettings
from pe_dvc.adapters.stores.object_store import open_bucket
from pe_dvc.adapters.stores.redirects import one_host_only
from pe_dvc.adapters.stores.tls import tls_client
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.adapters.stores.object_store import ObjectStore
    from pe_dvc.adapters.stores.s3_regions import Regions

AMAZON = "https://s3.amazonaws.com"
DEFAULT_REGION = "us-east-1"

_ENCRYPTION = {
    "sse": "server_side_encryption",
    "sse_kms_key_id": "sse_kms_key_id",
    "sse_customer_key": "sse_customer_key_base64",
}


def s3_store(bucket: str, prefix: str, options: Mapping[str, str], regions: Regions) -> ObjectStore:
    """Return the store of a bucket, with the options of a DVC remote.

    Without a region among the options ``regions`` is asked for the bucket's.
    Raises FormatError for an option that cannot be right, StorePermissionError for credentials
    that cannot be had.
    """
    settings = AwsSettings(options)
    endpoint = _endpoint(options, settings)
    credentials = settings.credentials()
    client = tls_client(options.get("ssl_verify"), settings.ca_bundle)
    region = (
        options.get("region")
        or regions.of(bucket, endpoint or AMAZON, client)
        or settings.region
        or DEFAULT_REGION
    )
    config: dict[str, Any] = {
        # The server checks each body that it receives. Every service that speaks S3 knows this
        # digest, and the signature needs it anyway; CRC64NVME would save 0.15 s of CPU for
        # 256 MiB on Amazon's own, and is left out until it was seen to work there.
        "checksum_algorithm": "SHA256",
        "skip_signature": credentials is None,
        **{ours: options[name] for name, ours in _ENCRYPTION.items() if options.get(name)},
        # DVC's client follows redirects to the bucket's region, obstore does not; and the region
        # that a user works in is often not the bucket's.
        "region": region,
        **_addressing(bucket, endpoint),
    }
    client["allow_http"] = bool(endpoint) and endpoint.startswith("http://")
    client |= one_host_only(endpoint or f"https://s3.{region}.amazonaws.com")
    return open_bucket("s3", bucket, prefix, config=config, client=client, credentials=credentials)


def _endpoint(options: Mapping[str, str], settings: AwsSettings) -> str:
    endpoint = (options.get("endpointurl") or settings.endpoint or "").rstrip("/")
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise FormatError(
            f"the S3 endpoint {endpoint!r} is not a URL: expected the form of https://s3.example.org",
            remedy="Correct the remote's endpointurl, or AWS_ENDPOINT_URL.",
        )
    return endpoint


def _addressing(bucket: str, endpoint: str) -> dict[str, Any]:
    if not endpoint:
        # A wildcard certificate does not cover a bucket with a dot in its name.
        return {"virtual_hosted_style_request": "." not in bucket}
    # Both names, or obstore would prefer AWS_ENDPOINT_URL_S3 of the environment to the remote's.
    at = {"endpoint": endpoint, "aws_endpoint_url_s3": endpoint}
    return {**at, "virtual_hosted_style_request": False}
