"""The operations of S3 that ``s3_server`` speaks. Signatures are not checked."""

from __future__ import annotations

import os
import re
import time
from email.utils import formatdate
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from benchmarks.s3_http import Connection, Request, Response
from benchmarks.s3_objects import PART_STRIDE, S3_MAX_PARTS, Objects, PreconditionFailed, Stored
from benchmarks.s3_uploads import Part, Upload
from benchmarks.s3_xml import XMLNS, error, iso, list_parts, list_uploads, xml


def answer(objects: Objects, connection: Connection, request: Request) -> Response:
    """Carry out ``request``. Only a method that has no body leaves it unread."""
    response = _answer(objects, connection, request)
    if request.method == "HEAD" and response.length is None:
        response.length, response.body = len(response.body), b""
    return response


def _answer(objects: Objects, connection: Connection, request: Request) -> Response:
    if not request.bucket:
        return xml(f"<ListAllMyBucketsResult {XMLNS}><Buckets/></ListAllMyBucketsResult>")
    if not request.key:
        return _bucket(objects, connection, request)
    match request.method:
        case "GET" if "uploadId" in request.query:
            return list_parts(objects, request)
        case "GET" | "HEAD":
            return _get(objects, request)
        case "PUT" if "x-amz-copy-source" in request.headers:
            return error(501, "NotImplemented")
        case "PUT" if "uploadId" in request.query:
            return _upload_part(objects, connection, request)
        case "PUT":
            return _put(objects, connection, request)
        case "POST" if "uploads" in request.query:
            return _create_upload(objects, connection, request)
        case "POST":
            return _complete_upload(objects, connection, request)
        case "DELETE" if "uploadId" in request.query:
            objects.discard(request.query["uploadId"])
            return Response(204)
        case "DELETE":
            objects.remove(request.bucket, request.key)
            return Response(204)
    return error(405, "MethodNotAllowed")


def _bucket(objects: Objects, connection: Connection, request: Request) -> Response:
    data = connection.read(request)
    if request.method == "PUT":
        objects.create_bucket(request.bucket)
        return Response()
    if not objects.has_bucket(request.bucket):
        return error(404, "NoSuchBucket")
    match request.method:
        case "HEAD":
            return Response(headers={"x-amz-bucket-region": "us-east-1"})
        case "POST":
            return _delete_many(objects, request.bucket, data)
        case "GET" if "location" in request.query:
            return xml(f"<LocationConstraint {XMLNS}/>")
        case "GET" if "uploads" in request.query:
            return list_uploads(objects, request)
        case "GET":
            return _list(objects, request)
    return error(405, "MethodNotAllowed")


def _get(objects: Objects, request: Request) -> Response:
    stored = objects.find(request.bucket, request.key)
    if stored is None:
        return error(404, "NoSuchKey")
    headers = {
        "ETag": stored.etag,
        "Last-Modified": formatdate(stored.modified, usegmt=True),
        "Accept-Ranges": "bytes",
        "Content-Type": "binary/octet-stream",
        **({"Cache-Control": stored.cache_control} if stored.cache_control else {}),
    }
    if request.headers.get("if-match", stored.etag) not in ("*", stored.etag):
        return error(412, "PreconditionFailed")
    start, end, status = 0, stored.size, 200
    if "range" in request.headers:
        start, end = _range(request.headers["range"], stored.size)
        if start >= end:
            return error(416, "InvalidRange")
        status = 206
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{stored.size}"
    if request.method == "HEAD":
        return Response(status, headers, length=end - start)
    try:
        file = objects.open_data(stored.data)
    except FileNotFoundError:  # replaced since its index was read
        return _get(objects, request)
    return Response(status, headers, file=file, segments=_segments(stored, start, end))


def _range(text: str, size: int) -> tuple[int, int]:
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", text)
    if not match or match[0] == "bytes=-":
        return 0, size
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def _segments(stored: Stored, start: int, end: int) -> list[tuple[int, int]]:
    found, position = [], 0
    for offset, length in stored.segments:
        skip = max(0, start - position)
        take = min(length, end - position) - skip
        if take > 0:
            found.append((offset + skip, take))
        position += length
    return found


def _put(objects: Objects, connection: Connection, request: Request) -> Response:
    data, file = objects.new_data()
    try:
        size = connection.receive(request, file, 0)
    finally:
        os.close(file)
    cache_control = request.headers.get("cache-control", "")
    return _commit(objects, request, data, [[0, size]], cache_control)


def _commit(
    objects: Objects, request: Request, data: str, segments: list[list[int]], cache_control: str
) -> Response:
    headers = request.headers
    create = headers.get("if-none-match") == "*"
    if not objects.has_bucket(request.bucket):
        return error(404, "NoSuchBucket")
    try:
        stored = objects.commit(
            request.bucket,
            request.key,
            data,
            segments,
            create=create,
            if_match=headers.get("if-match"),
            cache_control=cache_control,
        )
    except PreconditionFailed:
        objects.discard(data)
        return error(412, "PreconditionFailed")
    if request.method == "PUT":
        return Response(headers={"ETag": stored.etag, **_checksums(request)})
    return xml(
        f"<CompleteMultipartUploadResult {XMLNS}><Bucket>{request.bucket}</Bucket>"
        f"<Key>{escape(request.key)}</Key><ETag>{escape(stored.etag)}</ETag>"
        "</CompleteMultipartUploadResult>"
    )


def _create_upload(objects: Objects, connection: Connection, request: Request) -> Response:
    connection.read(request)
    data, file = objects.new_data()
    os.close(file)
    headers = request.headers
    told = headers.get("cache-control", ""), headers.get("x-amz-checksum-algorithm", "")
    objects.uploads.begin(Upload(data, request.bucket, request.key, *told, begun=time.time()))
    return xml(
        f"<InitiateMultipartUploadResult {XMLNS}><Bucket>{request.bucket}</Bucket>"
        f"<Key>{escape(request.key)}</Key><UploadId>{data}</UploadId>"
        "</InitiateMultipartUploadResult>"
    )


def _upload_part(objects: Objects, connection: Connection, request: Request) -> Response:
    try:
        file = objects.open_data(request.query["uploadId"], os.O_WRONLY)
    except FileNotFoundError:
        connection.read(request)
        return error(404, "NoSuchUpload")
    number = int(request.query["partNumber"])
    try:
        if number > S3_MAX_PARTS:
            connection.discard(request)
            return error(400, "InvalidArgument")
        if objects.keeps_parts:
            size = connection.receive(request, file, number * PART_STRIDE)
        else:
            size = connection.discard(request)
            os.truncate(file, (S3_MAX_PARTS + 1) * PART_STRIDE)  # zeros, without room for them
    finally:
        os.close(file)
    sha256 = request.headers.get("x-amz-checksum-sha256", "")
    try:
        objects.uploads.add(request.query["uploadId"], Part(number, size, sha256))
    except FileNotFoundError:
        return error(404, "NoSuchUpload")
    # The part's length travels in its etag, so that completing needs no record of parts.
    return Response(headers={"ETag": f'"{size:032x}"', **_checksums(request)})


def _complete_upload(objects: Objects, connection: Connection, request: Request) -> Response:
    segments, body = [], connection.read(request)
    upload = objects.uploads.find(request.query["uploadId"])
    if upload is None:
        return error(404, "NoSuchUpload")
    for part in ElementTree.fromstring(body).iterfind("{*}Part"):
        number = int(part.findtext("{*}PartNumber", ""))
        size = int(part.findtext("{*}ETag", "").strip('"'), 16)
        segments.append([number * PART_STRIDE, size])
    response = _commit(objects, request, upload.id, segments, upload.cache_control)
    objects.uploads.end(upload.id)
    return response


def _delete_many(objects: Objects, bucket: str, data: bytes) -> Response:
    keys = [key.text or "" for key in ElementTree.fromstring(data).iterfind("{*}Object/{*}Key")]
    for key in keys:
        objects.remove(bucket, key)
    deleted = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
    return xml(f"<DeleteResult {XMLNS}>{deleted}</DeleteResult>")


def _list(objects: Objects, request: Request) -> Response:
    query = request.query
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    after = query.get("continuation-token") or query.get("start-after", "")
    limit = int(query.get("max-keys", 1000))
    items: list[str] = []
    groups: list[str] = []
    last = after
    truncated = False
    for key in objects.keys(request.bucket, prefix):
        group = _group(key, prefix, delimiter)
        if key <= after or (group and (group in groups[-1:] or group <= after)):
            continue
        if len(items) + len(groups) == limit:
            truncated = True
            break
        if group:
            groups.append(group)
        else:
            items.append(key)
        last = group or key
    return _listing(objects, request.bucket, items, groups, last if truncated else None)


def _group(key: str, prefix: str, delimiter: str) -> str:
    head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
    return prefix + head + found if found else ""


def _listing(
    objects: Objects, bucket: str, items: list[str], groups: list[str], next_token: str | None
) -> Response:
    parts = [f"<Name>{bucket}</Name><KeyCount>{len(items) + len(groups)}</KeyCount>"]
    parts.append(f"<IsTruncated>{'false' if next_token is None else 'true'}</IsTruncated>")
    if next_token is not None:
        parts.append(f"<NextContinuationToken>{escape(next_token)}</NextContinuationToken>")
    for key in items:
        stored = objects.find(bucket, key)
        if stored:
            parts.append(
                f"<Contents><Key>{escape(key)}</Key><Size>{stored.size}</Size>"
                f"<LastModified>{iso(stored.modified)}</LastModified><ETag>{escape(stored.etag)}</ETag>"
                "<StorageClass>STANDARD</StorageClass></Contents>"
            )
    for group in groups:
        parts.append(f"<CommonPrefixes><Prefix>{escape(group)}</Prefix></CommonPrefixes>")
    return xml(f"<ListBucketResult {XMLNS}>{''.join(parts)}</ListBucketResult>")


def _checksums(request: Request) -> dict[str, str]:
    """S3 repeats the checksums that it was given; clients put them into the completion."""
    return {
        name: value
        for name, value in request.headers.items()
        if name.startswith("x-amz-checksum-") and name != "x-amz-checksum-algorithm"
    }
