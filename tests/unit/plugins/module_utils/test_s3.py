# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import (
    StorageError,
    StorageForbidden,
    StorageMissing,
    StorageUnsupported,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._s3 import explain_answer, explain_connection


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        ("AccessDenied", StorageForbidden, "credentials may not do this. Grant"),
        ("403", StorageForbidden, "credentials may not do this. Grant"),
        ("BucketAlreadyExists", StorageForbidden, 'bucket "b1x" belongs to somebody else. Choose'),
        ("NoSuchBucket", StorageMissing, "NoSuchBucket"),
        ("404", StorageMissing, "404"),
        ("NotImplemented", StorageUnsupported, "does not implement"),
        ("InvalidAccessKeyId", StorageError, "Check access_key"),
        ("SignatureDoesNotMatch", StorageError, "Check secret_key"),
        ("RequestTimeTooSkewed", StorageError, "clocks .* more than 15 minutes. Synchronise"),
        ("XMinioServerNotInitialized", StorageError, "still starting. Wait"),
        ("BucketNotEmpty", StorageError, "Stop its writers"),
        ("SomethingElse", StorageError, "SomethingElse: what it said"),
    ],
)
def test_explain_answer(code: str, kind: type[StorageError], says: str) -> None:
    error = explain_answer('create bucket "b1x"', "b1x", code, "what it said")
    assert error.__class__ is kind
    with pytest.raises(StorageError, match=f'^create bucket "b1x": .*{says}'):
        raise error


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Could not connect to the endpoint URL: http://h", "nothing accepts connections there"),
        ("[Errno 111] Connection refused", "nothing accepts connections there"),
        ("[Errno -2] Name or service not known", "does not resolve"),
        ("Connect timeout on endpoint URL", "timeout_seconds"),
        ("SSL validation failed: certificate verify failed", 'verify against the certificates in "/ca"'),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", "does not speak TLS"),
        ("this is not an answer of S3: mismatched tag", "not to its web console"),
        ("something new", "Check endpoint_url"),
    ],
)
def test_explain_connection(text: str, says: str) -> None:
    error = str(explain_connection('look at bucket "b1x"', "http://h", "/ca", text))
    assert error.startswith('look at bucket "b1x" at http://h: ')
    assert says in error
    assert text in error
