#!/usr/bin/env bash
# Runs in the S3 server's container: adds the user "stranger", who may do nothing with the tests' bucket.
set -eu
if [ -e /tmp/.minio/s3.json ]; then
    # SeaweedFS reads its identities again on SIGHUP.
    sed -i 's|^{"identities":\[|&{"name":"stranger","credentials":[{"accessKey":"stranger","secretKey":"nothing-is-allowed"}],"actions":["Read:elsewhere"]},|' /tmp/.minio/s3.json
    for process in /proc/[0-9]*; do
        if [ "$(tr '\0' ' ' <"$process/cmdline" | cut -d ' ' -f 1)" = weed ]; then kill -HUP "${process#/proc/}"; fi
    done
    # It does so when it gets to it; until then it does not know the user.
    export MC_HOST_stranger=http://stranger:nothing-is-allowed@127.0.0.1:9000
    for _ in {1..300}; do
        answer=$(mc ls stranger 2>&1) || true
        [[ $answer == *'does not exist'* ]] || exit 0
        sleep 1
    done
    echo "after 300 s the server does not know the new user: $answer" >&2
    exit 1
else
    mc alias set --quiet tests http://127.0.0.1:9000 "$MINIO_ROOT_USER" "$MINIO_ROOT_PASSWORD"
    mc admin user add tests stranger nothing-is-allowed
fi
