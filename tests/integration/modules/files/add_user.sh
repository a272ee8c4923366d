#!/usr/bin/env bash
# Runs in the S3 server's container: adds the user "stranger", who may do nothing with the tests' bucket.
set -eu
if [ -e /tmp/.minio/s3.json ]; then
    # SeaweedFS reads its identities again on SIGHUP.
    sed -i 's|^{"identities":\[|&{"name":"stranger","credentials":[{"accessKey":"stranger","secretKey":"nothing-is-allowed"}],"actions":["Read:elsewhere"]},|' /tmp/.minio/s3.json
    for process in /proc/[0-9]*; do
        if [ "$(tr '\0' ' ' <"$process/cmdline" | cut -d ' ' -f 1)" = weed ]; then kill -HUP "${process#/proc/}"; fi
    done
    sleep 2
else
    mc alias set --quiet tests http://127.0.0.1:9000 "$MINIO_ROOT_USER" "$MINIO_ROOT_PASSWORD"
    mc admin user add tests stranger nothing-is-allowed
fi
