#!/usr/bin/env bash
# Runs the server, after the data directory was initialised where it is empty. A command other than
# `postgres` runs as it is.
set -euo pipefail

case "${1:-}" in '' | -*) set -- postgres "$@" ;; esac

if [ "$1" = postgres ]; then
    for argument in "$@"; do
        case "$argument" in -'?' | --help | --describe-config | -V | --version | -C) exec "$@" ;; esac
    done
    if [ "$(id -u)" = 0 ]; then
        install -d -m 0700 "$PGDATA"
        find "$PGDATA" /var/run/postgresql ! -user postgres -exec chown postgres:postgres {} +
        exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
    fi
    # A process of its own: the password never enters the server's environment.
    docker-ensure-initdb.sh "$@"
    unset POSTGRES_PASSWORD
fi
exec "$@"
