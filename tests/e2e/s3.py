"""Use the object store for more than MLflow, with keys of S3 (R18). With the argument `refused`: see the keys refused.

A signature covers headers and path as the client wrote them: names with underscores, slashes that follow each other.
The environment holds AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_CA_BUNDLE, S3_ENDPOINT_URL and S3_BUCKET.
"""

from __future__ import annotations

import os
import sys
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

REFUSALS = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}


def main() -> None:
    store = boto3.client(
        "s3",
        endpoint_url=os.environ["S3_ENDPOINT_URL"],
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}),
    )
    bucket, folder, body = os.environ["S3_BUCKET"], f".e2e/{uuid.uuid4().hex}", os.urandom(1000)
    keys = [f"{folder}/plain", f"{folder}//two//slashes", f"{folder}/a b+c%2Fd"]
    try:
        for key in keys:
            store.put_object(Bucket=bucket, Key=key, Body=body, Metadata={"run_id": "1"})
    except ClientError as error:
        if "refused" in sys.argv and error.response["Error"]["Code"] in REFUSALS:
            print(f"the keys are refused: {error.response['Error']['Code']}")
            return
        raise
    if "refused" in sys.argv:
        raise SystemExit("the keys were to be refused, but they still work")
    for key in keys:
        got = store.get_object(Bucket=bucket, Key=key)
        # Names of headers come in any case.
        metadata = {name.lower(): value for name, value in got["Metadata"].items()}
        if got["Body"].read() != body or metadata != {"run_id": "1"}:
            raise SystemExit(f"{key} came back with other bytes or with the metadata {metadata}")
        store.delete_object(Bucket=bucket, Key=key)
    print(f"{len(keys)} objects written and read with a header and with keys that must not be cleaned on the way")


if __name__ == "__main__":
    main()
