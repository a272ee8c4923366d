#!/usr/bin/env bash
# Runs in the S3 server's container: adds the user "stranger", who may do nothing with the tests' bucket. In SeaweedFS also
# users of $BUCKET that lack a right or have one too many.
set -eu
if [ -e /tmp/.minio/s3.json ]; then
    users=("stranger \"Read:elsewhere\"")
    [ -z "${BUCKET:-}" ] || users+=(
        "limited \"Read:$BUCKET\",\"Write:$BUCKET\",\"List:$BUCKET\",\"Tagging:$BUCKET\""
        "nolist \"Read:$BUCKET\",\"Write:$BUCKET\""
        "noread \"Write:$BUCKET\",\"List:$BUCKET\""
        "nowrite \"Read:$BUCKET\",\"List:$BUCKET\""
        "curious \"Read\",\"List\",\"Write:$BUCKET\""
    )
    # SeaweedFS reads its identities again on SIGHUP.
    for user in "${users[@]}"; do
        name=${user%% *}
        grep -q "\"accessKey\":\"$name\"" /tmp/.minio/s3.json ||
            sed -i 's|^{"identities":\[|&{"name":"'"$name"'","credentials":[{"accessKey":"'"$name"'","secretKey":"nothing-is-allowed"}],"actions":['"${user#* }"']},|' /tmp/.minio/s3.json
    done
    for process in /proc/[0-9]*; do
        if [ "$(tr '\0' ' ' <"$process/cmdline" | cut -d ' ' -f 1)" = weed ]; then kill -HUP "${process#/proc/}"; fi
    done
    # It does so when it gets to it; until then it does not know the last user.
    export MC_HOST_user=http://$name:nothing-is-allowed@127.0.0.1:9000
    for _ in {1..300}; do
        answer=$(mc ls user 2>&1) || true
        [[ $answer == *'does not exist'* ]] || exit 0
        sleep 1
    done
    echo "after 300 s the server does not know the new user: $answer" >&2
    exit 1
else
    mc alias set --quiet tests http://127.0.0.1:9000 "$MINIO_ROOT_USER" "$MINIO_ROOT_PASSWORD"
    mc admin user add tests stranger nothing-is-allowed
fi
