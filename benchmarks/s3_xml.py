"""What S3 answers in XML."""

from __future__ import annotations

from time import gmtime, strftime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from benchmarks.s3_http import Request, Response

if TYPE_CHECKING:
    from benchmarks.s3_objects import Objects

XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def xml(text: str, status: int = 200) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
    return Response(status, {"Content-Type": "application/xml"}, body)


def error(status: int, code: str) -> Response:
    return xml(f"<Error><Code>{code}</Code><Message>{code}</Message></Error>", status)


def iso(moment: float) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S.000Z", gmtime(moment))


def list_uploads(objects: Objects, request: Request) -> Response:
    """List what is unfinished, all on one page."""
    listed = "".join(
        f"<Upload><Key>{escape(one.key)}</Key><UploadId>{one.id}</UploadId>"
        f"<Initiated>{iso(one.begun)}</Initiated>"
        f"<ChecksumAlgorithm>{one.checksum}</ChecksumAlgorithm></Upload>"
        for one in objects.uploads.listed(request.bucket, request.query.get("prefix", ""))
    )
    truncated = "<IsTruncated>false</IsTruncated>"
    return xml(
        f"<ListMultipartUploadsResult {XMLNS}>{truncated}{listed}</ListMultipartUploadsResult>"
    )


def list_parts(objects: Objects, request: Request) -> Response:
    upload = objects.uploads.find(request.query["uploadId"])
    if upload is None:
        return error(404, "NoSuchUpload")
    after = int(request.query.get("part-number-marker", 0))
    left = [one for one in objects.uploads.parts(upload.id) if one.number > after]
    page = left[: int(request.query.get("max-parts", 1000))]
    listed = "".join(
        f"<Part><PartNumber>{one.number}</PartNumber><Size>{one.size}</Size>"
        f'<ETag>"{one.size:032x}"</ETag><ChecksumSHA256>{one.sha256}</ChecksumSHA256></Part>'
        for one in page
    )
    more = f"<IsTruncated>{'true' if len(page) < len(left) else 'false'}</IsTruncated>"
    if page:
        more += f"<NextPartNumberMarker>{page[-1].number}</NextPartNumberMarker>"
    return xml(f"<ListPartsResult {XMLNS}>{more}{listed}</ListPartsResult>")
