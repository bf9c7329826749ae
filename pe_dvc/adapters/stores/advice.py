"""What people can do where a bucket does not answer, in the words of who configured it."""

from __future__ import annotations

from typing import NamedTuple


class Advice(NamedTuple):
    """One remedy for each cause."""

    bucket: str
    credentials: str
    google: str
    checksums: str
    network: str
    redirected: str
    region: str
    certificate: str
    options: str


_LOG_IN = (
    "Log in, or check what your credentials may do in this bucket: they come from the cloud's own "
    "environment and files (such as AWS_PROFILE)"
)
_CHECKSUMS = (
    "If the server does not know S3's checksums, set "
    "AWS_REQUEST_CHECKSUM_CALCULATION=when_required; otherwise check"
)

OF_ENVIRONMENT = Advice(
    bucket="Check the bucket's name in --store or PE_DVC_STORE, and the endpoint if you set one.",
    credentials=f"{_LOG_IN}.",
    google="Run `gcloud auth application-default login`, or correct or unset "
    "GOOGLE_APPLICATION_CREDENTIALS.",
    checksums=f"{_CHECKSUMS} the endpoint.",
    network="Check the network, the proxy and the endpoint if you set one, then try again.",
    redirected="Check the endpoint that you set, and who runs it: S3 does not do this.",
    region="Check the region and the endpoint that you set (such as AWS_REGION).",
    certificate="Name the certificate authority's file in AWS_CA_BUNDLE.",
    options="Correct the cloud's variables in your environment.",
)
"""For who reads without a clone, or a bucket that no remote of the clone lies in."""

OF_REMOTE = Advice(
    bucket="Check the bucket's name and the endpoint (`dvc remote list`), or create it.",
    credentials=f"{_LOG_IN}, in a data repo first from the DVC remote (`dvc remote modify "
    "--local`).",
    google="Run `gcloud auth application-default login`, or set the remote's credentialpath; for a "
    "public bucket, allow_anonymous_login.",
    checksums=f"{_CHECKSUMS} the remote's endpointurl.",
    network="Check the network, the proxy and the remote's endpointurl, then try again.",
    redirected="Check the remote's endpointurl, and who runs it: S3 does not do this.",
    region="Check the remote's region (`dvc remote modify … region`) and its endpointurl.",
    certificate="Name the certificate authority's file in AWS_CA_BUNDLE or ssl_verify.",
    options="Correct the options of the DVC remote, or the cloud's variables in your environment.",
)
"""For a bucket that a DVC remote of this clone lies in."""
