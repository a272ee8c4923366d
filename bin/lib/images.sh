#!/usr/bin/env bash
# Prints the name of an image that is built here, of the version that the collection deploys.
# Usage: bin/lib/images.sh traefik|postgres|minio|mlflow|mlflow-oidc|haproxy|backup|mlflow-base|base
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
case ${1:-} in
  minio) versioned=silo ;;
  mlflow-base | mlflow-oidc) versioned=mlflow ;;
  backup) versioned=postgres ;;
  *) versioned=${1:-} ;;
esac
version=$(sed -n "s/^  $versioned: *\"\\{0,1\\}\\([^\" ]*\\).*/\\1/p" "$root/roles/common/vars/main/versions.yml")
# The rules for names stand beside the role's.
PYTHONPATH="$root/plugins/plugin_utils" exec python3 -BS -c '
import sys
import _images

try:
    print(_images.local_reference(*sys.argv[1:]))
except _images.ImagesError as error:
    sys.exit(f"images.sh: there is no image of {sys.argv[1]}: {error}")
' "${1:-}" "$version"
