# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put objects into a bucket: put_objects.py ENDPOINT BUCKET COUNT, credentials in the environment.

More objects than a listing has on one page, the first with a second version and the last with a delete marker.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

endpoint, bucket, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
api = boto3.client(
    "s3",
    endpoint_url=endpoint,
    region_name="us-east-1",
    config=Config(s3={"addressing_style": "path"}, max_pool_connections=8),
)
keys = [f"folder/ä {number}+&%.bin" for number in range(count)]
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda key: api.put_object(Bucket=bucket, Key=key, Body=b"x"), keys))
api.put_object(Bucket=bucket, Key=keys[0], Body=b"second version")
api.delete_object(Bucket=bucket, Key=keys[-1])
