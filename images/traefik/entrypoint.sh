#!/bin/sh
# Options alone, or one of Traefik's own commands, mean `traefik …`; anything else runs as it is.
set -e
case "${1:-}" in
    '' | -* | healthcheck | version) set -- traefik "$@" ;;
esac
exec "$@"
