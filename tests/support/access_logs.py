"""Lines and events of AWS's logs, in the forms that its documentation shows."""

from __future__ import annotations

from typing import Any


def line(
    *,
    at: str = "06/Feb/2026:00:00:38 +0000",
    request: str = "3E57427F3EXAMPLE",
    operation: str = "REST.GET.OBJECT",
    key: str = "uk/x",
    status: str = "200",
    agent: str = "aws-cli/2.15",
) -> str:
    """Return a line of a server access log."""
    return (
        "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be pe-data-uk "
        f"[{at}] 192.0.2.3 arn:aws:iam::111122223333:user/ann {request} {operation} {key} "
        f'"GET /pe-data-uk/{key} HTTP/1.1" {status} - 113 113 7 6 "-" "{agent}" - '
        "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 "
        "TLS_AES_128_GCM_SHA256 AuthHeader pe-data-uk.s3.eu-west-2.amazonaws.com TLSv1.3 - -\n"
    )


def event(**values: Any) -> dict[str, Any]:
    """Return a data event of CloudTrail: ten bytes, from the tenth on."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLE:ann",
            "arn": "arn:aws:sts::111122223333:assumed-role/researcher/ann",
            "accountId": "111122223333",
            "accessKeyId": "ASIAEXAMPLE",
        },
        "eventTime": "2026-02-06T12:00:01Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "eu-west-2",
        "sourceIPAddress": "192.0.2.3",
        "userAgent": "[aws-cli/2.15]",
        "requestParameters": {
            "bucketName": "pe-data-uk",
            "Host": "pe-data-uk.s3.eu-west-2.amazonaws.com",
            "key": "uk/x",
            "Range": "bytes=10-19",
        },
        "responseElements": None,
        "additionalEventData": {
            "SignatureVersion": "SigV4",
            "bytesTransferredIn": 0,
            "bytesTransferredOut": 10,
        },
        "requestID": "EXAMPLE123",
        "eventID": "fd8a0a4c-7a4c-4e2b-9a7c-1f2e3d4c5b6a",
        "readOnly": True,
        "resources": [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::pe-data-uk/uk/x"}],
        "eventType": "AwsApiCall",
        "managementEvent": False,
        "recipientAccountId": "111122223333",
        "eventCategory": "Data",
    } | values
