#!/bin/sh
# Arguments alone are arguments of `minio`, a program's name runs that program.
set -e
case "${1:-}" in
    '' | -* | server) set -- minio "$@" ;;
esac
exec "$@"
