# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""A client of boto3, and the words for what can go wrong."""

from __future__ import annotations

import re
import time
import traceback
import typing as t
from contextlib import contextmanager

from ansible_collections.opengeoai.modelhub.plugins.module_utils._connection import connection_advice, find_at
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import (
    MissingLibrary,
    StorageError,
    StorageForbidden,
    StorageMissing,
    StorageUnsupported,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._store import Store

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
    "MalformedXML": "the server does not take this. It may not implement all of what was asked for",
    "MalformedPolicy": "the server does not take this policy. Check its actions, resources and principals",
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
    elif "unable to locate credentials" in error.lower():
        advice = "boto3 finds no credentials on the target. Set access_key and secret_key"
    else:
        advice = connection_advice(error, "endpoint_url", "the S3 server", ca_file)
    return StorageError(f"{operation} at {endpoint_url}: {advice} ({error}).")


def error_code(error: t.Any) -> str:
    """The S3 server's error code in an exception of boto3."""
    return str(error.response.get("Error", {}).get("Code", "unknown error"))


@contextmanager
def operation(store: Store, what: str, bucket: str = "") -> t.Iterator[None]:
    """Turn whatever boto3 raises into our error. what: the operation, as a sentence begins with it."""
    try:
        yield
    except boto_errors.ClientError as exc:
        message = exc.response.get("Error", {}).get("Message", "")
        raise explain_answer(what, bucket, error_code(exc), message) from exc
    except botocore.parsers.ResponseParserError as exc:
        raise connection_error(store, what, f"this is not an answer of S3: {exc}") from exc
    except (boto_errors.BotoCoreError, OSError, ValueError) as exc:
        # boto3 tells the URL with its query and keeps the cause to itself.
        cause = getattr(exc, "kwargs", {}).get("error") or exc
        raise connection_error(store, what, re.sub(r"^.* object at 0x\w+>: ", "", str(cause))) from exc


def connection_error(store: Store, what: str, error: str) -> StorageError:
    return explain_connection(what, store.endpoint_url, "ca_content" if store.ca_content else store.ca_file, error)


def first_page(api: t.Any, store: Store, bucket: str) -> dict[str, t.Any]:
    """Look at a bucket by what it holds: HEAD would be the obvious request, but its answer has no error code."""
    what = f'look at bucket "{bucket}"'
    with operation(store, what, bucket):
        answer = dict(api.list_objects_v2(Bucket=bucket, MaxKeys=1))
    if answer.get("Name") != bucket:
        # Older boto3 takes any page for an empty listing.
        raise connection_error(store, what, "this is not an answer of S3")
    return answer


def limit_retries(api: t.Any, seconds: int) -> None:
    """Begin no attempt of a request later than so many seconds after its first, which boto3 has no option for."""
    ends: dict[str, float] = {}

    def begin(**_event: t.Any) -> None:
        ends["request"] = time.monotonic() + seconds

    def check(**_event: t.Any) -> None:
        if time.monotonic() > ends["request"]:
            raise StorageError(
                f"the request was repeated for more than {seconds} seconds, and not answered. "
                "Look at the S3 server, or raise total_timeout_seconds."
            )

    api.meta.events.register("before-call.s3", begin)
    api.meta.events.register("before-send.s3", check)


def session_of(store: Store) -> t.Any:
    """A session of boto3; where no keys are given, it finds credentials itself."""
    if BOTO_IMPORT_ERROR:
        raise MissingLibrary("boto3", BOTO_IMPORT_ERROR)
    # For all that asks this server, MinIO's own client too
    if store.server_address:
        find_at(store.endpoint_url, store.server_address)
    return boto3.session.Session(
        aws_access_key_id=store.access_key,
        aws_secret_access_key=store.secret_key,
        aws_session_token=store.session_token,
        region_name=store.region,
    )


def s3_api(store: Store) -> t.Any:
    """Prepare boto3's client; the network is first used by its methods."""
    session = session_of(store)
    config = botocore.config.Config(
        signature_version="s3v4",
        s3={"addressing_style": store.addressing_style},
        connect_timeout=store.timeout_seconds,
        read_timeout=store.timeout_seconds,
        retries={"total_max_attempts": store.retries + 1, "mode": "standard"},
    )
    try:
        api = session.client(
            "s3",
            endpoint_url=store.endpoint_url,
            verify=store.authorities if store.validate_certs else False,
            config=config,
        )
    except (boto_errors.BotoCoreError, ValueError) as exc:
        raise StorageError(f"prepare the S3 client: {exc}.") from exc
    limit_retries(api, store.total_timeout_seconds)
    return api
