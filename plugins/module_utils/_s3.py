# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""The boto3 client behind BucketClient, and the words for what can go wrong."""

from __future__ import annotations

import re
import traceback
import typing as t
from contextlib import contextmanager, suppress

from ansible_collections.opengeoai.modelhub.plugins.module_utils._bucket import (
    DISABLED,
    UNKNOWN,
    UNSUPPORTED,
    Bucket,
    BucketParams,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._connection import connection_advice, find_at
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import (
    MissingLibrary,
    StorageError,
    StorageForbidden,
    StorageMissing,
    StorageUnsupported,
)

BOTO_IMPORT_ERROR = ""
try:
    import boto3
    import botocore.config
    import botocore.exceptions as boto_errors
    import botocore.parsers
except ImportError:
    BOTO_IMPORT_ERROR = traceback.format_exc()

FORBIDDEN = ("AccessDenied", "403", "Forbidden", "AllAccessDisabled", "BucketAlreadyExists")
MISSING = ("NoSuchBucket", "404", "NotFound")
UNSUPPORTED_CODES = ("NotImplemented", "MethodNotAllowed", "XNotImplemented", "501", "405")

# Error code of the S3 server -> what it means here and what to do.
ADVICE = {
    "AccessDenied": "the credentials may not do this. Grant access_key the right, or use its owner's credentials",
    "InvalidAccessKeyId": "the server does not know this access key. Check access_key, it may have been revoked",
    "SignatureDoesNotMatch": "the secret key does not belong to the access key, or a proxy changes the Host header. "
    "Check secret_key and that endpoint_url is the address the server is reached by",
    "RequestTimeTooSkewed": "the clocks of this host and of the S3 server differ by more than 15 minutes. "
    "Synchronise them, for example with chrony or systemd-timesyncd",
    "BucketAlreadyExists": 'bucket "{bucket}" belongs to somebody else. Choose another bucket name',
    "BucketNotEmpty": 'bucket "{bucket}" received objects while it was being deleted. Stop its writers and run again',
    "AuthorizationHeaderMalformed": "the server expects another region. Set region to the one it names",
    "PermanentRedirect": "the bucket lives in another region. Set region and endpoint_url to that region's",
    "IllegalLocationConstraintException": "the server does not accept this region. Set region to the server's own",
    "ServiceUnavailable": "the S3 server is not ready. Wait until it is healthy and run again",
    "500": "the server failed, or endpoint_url is not the S3 API but a web console. Check its log and endpoint_url",
    "SlowDown": "the S3 server is overloaded. Run again later",
    "XMinioServerNotInitialized": "the S3 server is still starting. Wait until it is healthy and run again",
}
ADVICE["Forbidden"] = ADVICE["403"] = ADVICE["AllAccessDisabled"] = ADVICE["AccessDenied"]
ADVICE["503"] = ADVICE["ServiceUnavailable"]
ADVICE["RequestExpired"] = ADVICE["RequestTimeTooSkewed"]


def explain_answer(operation: str, bucket: str, code: str, message: str) -> StorageError:
    """Turn the server's error code into our error."""
    advice = ADVICE.get(code)
    said = f"{code}: {message}" if message else code
    text = f"{operation}: {advice.format(bucket=bucket)} (server: {said})." if advice else f"{operation}: {said}."
    if code in MISSING:
        return StorageMissing(text)
    if code in FORBIDDEN:
        return StorageForbidden(text)
    if code in UNSUPPORTED_CODES:
        return StorageUnsupported(f"{operation}: this S3 server does not implement it (server: {said}).")
    return StorageError(text)


def explain_connection(operation: str, endpoint_url: str, ca_file: str | None, error: str) -> StorageError:
    """Turn a failure below S3 (name, port, TLS, time) into our error."""
    if "not an answer of s3" in error.lower():
        advice = "what answers there does not speak S3. Set endpoint_url to the S3 API, not to its web console"
    else:
        advice = connection_advice(error, "endpoint_url", "the S3 server", ca_file)
    return StorageError(f"{operation} at {endpoint_url}: {advice} ({error}).")


class S3BucketClient:
    """BucketClient over boto3."""

    def __init__(self, params: BucketParams, api: t.Any) -> None:
        self._params = params
        self._api = api

    def describe(self, name: str) -> Bucket | None:
        try:
            # HEAD would be the obvious request, but its answer has no body and so no error code.
            with self._operation("look at", name):
                answer = self._api.list_objects_v2(Bucket=name, MaxKeys=1)
        except StorageMissing:
            return None
        except StorageForbidden as exc:
            raise StorageForbidden(
                f'bucket "{name}" exists but the credentials cannot access it. '
                f"Grant access_key the rights on it, or choose another bucket name ({exc})"
            ) from exc
        if answer.get("Name") != name:
            # Older boto3 takes any page for an empty listing.
            raise self._connection_error(f'look at bucket "{name}"', "this is not an answer of S3")
        return Bucket(versioning=self._versioning(name))

    def is_empty(self, name: str) -> bool:
        with self._operation("list the objects of", name):
            if self._api.list_objects_v2(Bucket=name, MaxKeys=1).get("Contents"):
                return False
        try:
            with self._operation("list the object versions of", name):
                page = self._api.list_object_versions(Bucket=name, MaxKeys=1)
        except StorageUnsupported:
            return True
        return not page.get("Versions") and not page.get("DeleteMarkers")

    def create(self, name: str) -> None:
        extra: dict[str, t.Any] = {}
        # S3 wants the default region left out.
        if self._params.region != "us-east-1":
            extra["CreateBucketConfiguration"] = {"LocationConstraint": self._params.region}
        # Somebody else with these credentials may have been faster.
        with self._operation("create", name), suppress(self._api.exceptions.BucketAlreadyOwnedByYou):
            self._api.create_bucket(Bucket=name, **extra)

    def set_versioning(self, name: str, enabled: bool) -> None:
        status = "Enabled" if enabled else "Suspended"
        with self._operation(f"set versioning to {status} of", name):
            self._api.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": status})

    def delete_objects(self, name: str) -> None:
        # Versions first: deleting a versioned object by its key alone would only add a delete marker.
        with suppress(StorageUnsupported), self._operation("delete the object versions of", name):
            for page in self._api.get_paginator("list_object_versions").paginate(Bucket=name):
                versions = page.get("Versions", []) + page.get("DeleteMarkers", [])
                self._delete_batch(name, [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in versions])
        with self._operation("delete the objects of", name):
            for page in self._api.get_paginator("list_objects_v2").paginate(Bucket=name):
                self._delete_batch(name, [{"Key": found["Key"]} for found in page.get("Contents", [])])

    def delete(self, name: str) -> None:
        with self._operation("delete", name):
            self._api.delete_bucket(Bucket=name)

    def _versioning(self, name: str) -> str:
        try:
            with self._operation("read the versioning of", name):
                status = self._api.get_bucket_versioning(Bucket=name).get("Status")
        except StorageUnsupported:
            return UNSUPPORTED
        except StorageForbidden:
            return UNKNOWN
        return status.lower() if status else DISABLED

    def _delete_batch(self, name: str, objects: list[dict[str, str]]) -> None:
        if not objects:
            return
        errors = self._api.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True}).get("Errors")
        if errors:
            first = errors[0]
            raise StorageError(
                f'delete the objects of bucket "{name}": {len(errors)} were refused, '
                f"the first is {first.get('Key')} ({first.get('Code')}: {first.get('Message')})."
            )

    @contextmanager
    def _operation(self, verb: str, name: str) -> t.Iterator[None]:
        operation = f'{verb} bucket "{name}"'
        try:
            yield
        except boto_errors.ClientError as exc:
            error = exc.response.get("Error", {})
            raise explain_answer(operation, name, error.get("Code", "unknown error"), error.get("Message", "")) from exc
        except botocore.parsers.ResponseParserError as exc:
            raise self._connection_error(operation, f"this is not an answer of S3: {exc}") from exc
        except (boto_errors.BotoCoreError, OSError, ValueError) as exc:
            # boto3 tells the URL with its query and keeps the cause to itself.
            cause = getattr(exc, "kwargs", {}).get("error") or exc
            raise self._connection_error(operation, re.sub(r"^.* object at 0x\w+>: ", "", str(cause))) from exc

    def _connection_error(self, operation: str, error: str) -> StorageError:
        return explain_connection(operation, self._params.endpoint_url, self._params.ca_file, error)


def connect(params: BucketParams) -> S3BucketClient:
    """Prepare a client; the network is first used by its methods."""
    if BOTO_IMPORT_ERROR:
        raise MissingLibrary("boto3", BOTO_IMPORT_ERROR)
    if params.server_address:
        find_at(params.endpoint_url, params.server_address)
    config = botocore.config.Config(
        signature_version="s3v4",
        # Virtual-host addressing would need a DNS name for every bucket.
        s3={"addressing_style": "path"},
        connect_timeout=params.timeout_seconds,
        read_timeout=params.timeout_seconds,
        retries={"total_max_attempts": 3, "mode": "standard"},
    )
    try:
        session = boto3.session.Session(
            aws_access_key_id=params.access_key,
            aws_secret_access_key=params.secret_key,
            region_name=params.region,
        )
        api = session.client(
            "s3",
            endpoint_url=params.endpoint_url,
            verify=(params.ca_file or None) if params.validate_certs else False,
            config=config,
        )
    except (boto_errors.BotoCoreError, ValueError) as exc:
        raise StorageError(f"prepare the S3 client: {exc}.") from exc
    return S3BucketClient(params, api)
