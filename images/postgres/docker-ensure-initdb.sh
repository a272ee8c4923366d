#!/usr/bin/env bash
# Initialises an empty data directory as the official image does, or does nothing where a cluster
# exists. Takes the server's command line, so that its options hold for the temporary server too.
set -euo pipefail

note() { printf '%s: %s\n' "${0##*/}" "$*"; }
fail() { printf '%s: error: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Sets NAME from the file that NAME_FILE names; both at once is a mistake.
from_file() {
    local name="$1" file_name="$1_FILE" default="${2:-}"
    local value="${!name:-}" file="${!file_name:-}"
    [ -z "$value" ] || [ -z "$file" ] || fail "both $name and $file_name are set, but they exclude each other"
    if [ -n "$file" ]; then
        [ -r "$file" ] || fail "$file_name names $file, which uid $(id -u) cannot read"
        value="$(< "$file")"
    fi
    export "$name=${value:-$default}"
    unset "$file_name"
}

# For init scripts too.
docker_process_sql() {
    PGHOST='' PGHOSTADDR='' psql -v ON_ERROR_STOP=1 --no-psqlrc --no-password \
        --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" "$@"
}

run_init_files() {
    local file
    for file in /docker-entrypoint-initdb.d/*; do
        case "$file" in
            *.sh)
                note "running $file"
                # shellcheck disable=SC1090
                if [ -x "$file" ]; then "$file"; else . "$file"; fi
                ;;
            *.sql) note "running $file"; docker_process_sql -f "$file" ;;
            *.sql.gz) note "running $file"; gunzip -c "$file" | docker_process_sql ;;
            *.sql.xz) note "running $file"; xzcat "$file" | docker_process_sql ;;
            *.sql.zst) note "running $file"; zstd -dc "$file" | docker_process_sql ;;
            *) [ ! -e "$file" ] || note "ignoring $file" ;;
        esac
    done
}

from_file POSTGRES_PASSWORD
from_file POSTGRES_USER postgres
from_file POSTGRES_DB "$POSTGRES_USER"
from_file POSTGRES_INITDB_ARGS
: "${POSTGRES_HOST_AUTH_METHOD:=}"

if [ -s "$PGDATA/PG_VERSION" ]; then
    note "$PGDATA holds a cluster already; nothing to initialise"
    exit 0
fi

if [ "$(id -u)" = 0 ]; then
    install -d -m 0700 "$PGDATA"
    find "$PGDATA" /var/run/postgresql ! -user postgres -exec chown postgres:postgres {} +
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
    fail "Database is uninitialized and superuser password is not specified.
       Set POSTGRES_PASSWORD_FILE (or POSTGRES_PASSWORD) to a non-empty value.
       POSTGRES_HOST_AUTH_METHOD=trust would allow all connections without one: not recommended."
fi
[ "$POSTGRES_HOST_AUTH_METHOD" != trust ] \
    || note "WARNING: POSTGRES_HOST_AUTH_METHOD=trust lets anyone in who reaches the port" >&2
mkdir -p "$PGDATA" 2>/dev/null && [ -w "$PGDATA" ] || fail "$PGDATA is not writable for uid $(id -u)"
chmod 0700 "$PGDATA"

# POSTGRES_INITDB_ARGS is a command line, quotes included, as in the official image.
eval 'initdb --username="$POSTGRES_USER" --pwfile=<(printf "%s\n" "$POSTGRES_PASSWORD")' \
    ${POSTGRES_INITDB_WALDIR:+--waldir=\"\$POSTGRES_INITDB_WALDIR\"} "$POSTGRES_INITDB_ARGS"

[ "${1:-}" != postgres ] || shift
method="${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption "$@")}"
printf '\nhost all all all %s\n' "$method" >> "$PGDATA/pg_hba.conf"

# Socket only: nobody gets in before the init scripts are through.
export PGPASSWORD="$POSTGRES_PASSWORD"
options="$(printf '%q ' "$@" -c listen_addresses= -p 5432)"
NOTIFY_SOCKET='' pg_ctl -D "$PGDATA" -o "$options" -w start
if [ "$POSTGRES_DB" != postgres ]; then
    database="$POSTGRES_DB"
    POSTGRES_DB=postgres docker_process_sql --set db="$database" <<< 'CREATE DATABASE :"db";'
fi
run_init_files
pg_ctl -D "$PGDATA" -m fast -w stop
unset PGPASSWORD
note "PostgreSQL init process complete; ready for start up"
