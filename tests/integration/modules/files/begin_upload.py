# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Begin an upload of two parts and leave it: begin_upload.py ENDPOINT BUCKET, credentials in the environment."""

from __future__ import annotations

import sys

import boto3
from botocore.config import Config

endpoint, bucket = sys.argv[1:]
api = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))
upload = api.create_multipart_upload(Bucket=bucket, Key="folder/left.bin")
# All parts but the last must have 5 MiB.
for number, size in enumerate((5 * 1024 * 1024, 1), start=1):
    api.upload_part(
        Bucket=bucket, Key="folder/left.bin", UploadId=upload["UploadId"], PartNumber=number, Body=b"x" * size
    )
