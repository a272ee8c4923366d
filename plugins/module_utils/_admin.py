# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""MinIO's admin API, by its own client, and the words for what can go wrong: quotas of buckets."""

from __future__ import annotations

import json
import re
import time
import traceback
import typing as t
from urllib.parse import urlsplit

from ansible_collections.opengeoai.modelhub.plugins.module_utils._bucket import UNKNOWN
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import (
    MissingLibrary,
    StorageError,
    StorageForbidden,
    StorageUnsupported,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._s3 import (
    connection_error,
    explain_answer,
    session_of,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._store import Store

MINIO_IMPORT_ERROR = ""
try:
    import urllib3
    from minio import MinioAdmin
    from minio.credentials.providers import StaticProvider
    from minio.error import MinioAdminException
except ImportError:
    MINIO_IMPORT_ERROR = traceback.format_exc()

NOT_FOUND, SERVER_ERROR = 404, 500
# Every S3 server answers them, before it looks at what was asked.
KEYS_REFUSED = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestTimeTooSkewed")


class AdminMissing(StorageError):
    """The admin API answers that there is no such thing."""


def explain_admin(what: str, remedy: str, status: int, body: str) -> StorageError:
    """Turn an answer of a server, with or without MinIO's admin API, into our error.

    remedy: what to do where there is no such API.
    """
    try:
        answer = dict(json.loads(body))
        code, message = str(answer.get("Code") or status), str(answer.get("Message", ""))
    except (ValueError, TypeError):
        # The admin API speaks JSON; S3 itself, which takes the address for an object, XML.
        found = re.search("<Code>(.*?)</Code>", body)
        code, message = found.group(1) if found else str(status), ""
        if code not in KEYS_REFUSED:
            return StorageUnsupported(f"{what}: this S3 server has no admin API as MinIO has it. {remedy}")
    error = explain_answer(what, "", code, message)
    return AdminMissing(str(error)) if status == NOT_FOUND else error


class MinioAdminClient:
    """MinIO's admin API over its own client."""

    # What to do where the server has no such API, completed by what asks for it.
    remedy = "Leave quota unset, or limit the store by the size of its disk."

    def __init__(self, store: Store) -> None:
        if MINIO_IMPORT_ERROR:
            raise MissingLibrary("minio >= 7.2", MINIO_IMPORT_ERROR)
        self._store = store
        address = urlsplit(store.endpoint_url)
        pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=store.timeout_seconds, read=store.timeout_seconds),
            cert_reqs="CERT_REQUIRED" if store.validate_certs else "CERT_NONE",
            retries=False,
            # Left to itself the library would trust what PyPI's certifi does.
            ca_certs=store.authorities,
        )
        try:
            self._api = MinioAdmin(
                endpoint=address.netloc,
                credentials=self._credentials(),
                region=store.region,
                secure=address.scheme == "https",
                http_client=pool,
            )
        except ValueError as exc:
            raise StorageError(
                f"prepare the client of MinIO's admin API: {exc}. Check endpoint_url and region."
            ) from exc

    def _credentials(self) -> t.Any:
        found = session_of(self._store).get_credentials()
        if found is None:
            raise connection_error(self._store, "use MinIO's admin API", "Unable to locate credentials")
        keys = found.get_frozen_credentials()
        return StaticProvider(keys.access_key, keys.secret_key, keys.token)

    def ask(self, what: str, question: t.Callable[[t.Any], str]) -> str:
        """Return the answer of the admin API to a question to its client, asked again when it got none."""
        end, left = time.monotonic() + self._store.total_timeout_seconds, self._store.retries
        pause = 0.2
        while True:
            try:
                return question(self._api)
            except MinioAdminException as exc:
                # The library keeps both to itself, but in its text.
                told = re.search(r"(?s)Status: (\d+), Body: (.*)", str(exc))
                status, body = (int(told.group(1)), told.group(2)) if told else (0, str(exc))
                error: StorageError = explain_admin(what, self.remedy, status, body)
                passing = status >= SERVER_ERROR and not isinstance(error, StorageUnsupported)
            except urllib3.exceptions.HTTPError as exc:
                error, passing = connection_error(self._store, what, str(exc)), True
            except (OSError, ValueError):
                # It could not be decrypted.
                error, passing = explain_admin(what, self.remedy, 0, ""), False
            if not passing or not left or time.monotonic() + pause > end:
                raise error
            time.sleep(pause)
            left, pause = left - 1, pause * 2

    def look(self, what: str, question: t.Callable[[t.Any], str]) -> dict[str, t.Any]:
        """Return the answer as an object, and refuse one that is none."""
        answer = self.ask(what, question)
        try:
            return dict(json.loads(answer))
        except (ValueError, TypeError) as exc:
            raise explain_admin(what, self.remedy, 0, answer) from exc

    def quota(self, name: str) -> t.Any:
        """Return the bucket's quota in bytes, 0 for none or where there is no such bucket, or UNKNOWN."""
        try:
            found = self.look(f'read the quota of bucket "{name}"', lambda api: str(api.bucket_quota_get(name)))
        except AdminMissing:
            return 0
        except StorageForbidden:
            return UNKNOWN
        # Servers before 2023 know only the second.
        return int(found.get("size") or found.get("quota") or 0)

    def set_quota(self, name: str, quota: int) -> None:
        self.ask(f'set the quota of bucket "{name}"', lambda api: str(api.bucket_quota_set(name, quota)))
