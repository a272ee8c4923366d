# shellcheck shell=bash
# What bin/up and the tests share: the virtual environment, the engine and steps that show progress. Sourced, never run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
VENV="$ROOT/.venv"
LOG_DIR="$ROOT/tests/output/logs"

say() { printf '==> %s\n' "$*"; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Usage: as_root COMMAND...
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "'$*' needs root rights: run $0 as root, or install sudo and allow it for $(id -un)"
  fi
}

# Usage: log_of NAME
log_of() { printf '%s/%s.log' "$LOG_DIR" "${1//[ \/]/_}"; }

# Runs a command with its output in a log and a sign of life every 30 seconds; shows the log when the command fails.
# Never call it in a condition: bash would switch `set -e` off in the functions that it runs.
# Usage: logged NAME COMMAND...
logged() {
  local - log name=$1 started=$SECONDS beat status
  log=$(log_of "$name")
  shift
  mkdir -p "$LOG_DIR"
  (while sleep 30 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
    printf '    %s: still running after %d s\n' "$name" $((SECONDS - started))
  done) &
  beat=$!
  set +e
  (
    set -e
    "$@"
  ) >"$log" 2>&1 </dev/null
  status=$?
  kill "$beat"
  wait "$beat" 2>/dev/null
  if [ "$status" -ne 0 ]; then
    tail -n 200 "$log" | sed 's/^/    /'
    printf '    %s: exit code %d; the whole output is in %s\n' "$name" "$status" "${log#"$ROOT"/}"
  fi
  return "$status"
}

# Prints the first Python that can run the pinned ansible-core.
find_python() {
  local python
  for python in python3 python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      command -v "$python"
      return
    fi
  done
  die "Python 3.11, 3.12 or 3.13 is needed, but python3 is $(python3 --version 2>&1 || true). Install one of them" \
    "(Debian 12 and Ubuntu 24.04 bring it as python3) and run $0 again"
}

make_venv() {
  local python
  python=$(find_python)
  say "Making a virtual environment in ${VENV#"$ROOT"/} with $("$python" --version)"
  if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    command -v apt-get >/dev/null || die "$python has no ensurepip: install your distribution's package of venv"
    say "Installing the package python3-venv"
    logged python3-venv install_packages python3-venv
  fi
  "$python" -m venv --clear "$VENV"
  printf '%s\n' "$VENV" >"$VENV/.path"
}

# Usage: install_packages PACKAGE...
install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  # A fresh machine has no package lists yet.
  as_root apt-get install -y --no-install-recommends "$@" || {
    as_root apt-get update
    as_root apt-get install -y --no-install-recommends "$@"
  }
}

# Makes the virtual environment and puts it first in PATH; installs each file when it has changed since the last time.
# Usage: ensure_venv REQUIREMENTS_FILE...
ensure_venv() {
  local file sum stamp
  # A virtual environment holds absolute paths: a moved checkout, or a Python that is gone, needs a new one.
  if ! { [ "$(cat "$VENV/.path" 2>/dev/null)" = "$VENV" ] && "$VENV/bin/python" -m pip --version >/dev/null 2>&1; }; then
    make_venv
  fi
  for file in "$@"; do
    sum=$(sha256sum <"$ROOT/$file")
    stamp=$VENV/.${file//\//_}.sum
    if [ "$(cat "$stamp" 2>/dev/null)" != "$sum" ]; then
      say "Installing $file (a minute or two the first time)"
      logged "pip $file" "$VENV/bin/python" -m pip install --disable-pip-version-check --requirement "$ROOT/$file"
      printf '%s\n' "$sum" >"$stamp"
    fi
  done
  export PATH="$VENV/bin:$PATH"
}

docker_answers() { docker info >/dev/null 2>&1; }

# Makes sure that this user can talk to a Docker engine on this machine, by the project's own role where there is none.
# Starts the calling script anew where the user is not in the group docker. Usage: ensure_docker "$@"
ensure_docker() {
  ! docker_answers || return 0
  [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
    die "$(id -un) may not use a Docker engine here: run $0 as root, or install sudo and allow it for $(id -un)"
  if ! as_root docker info >/dev/null 2>&1; then
    say "Installing and starting Docker (role docker)"
    cd "$ROOT"
    logged docker ansible-playbook -i inventories/local playbooks/docker.yml
  fi
  ! docker_answers || return 0
  [ "$(id -u)" -ne 0 ] && [ -z "${MODELHUB_WITH_DOCKER_GROUP:-}" ] ||
    die "the Docker engine does not answer: see 'docker info'"
  # sudo lends the group for this run; the user's account stays as it is.
  MODELHUB_WITH_DOCKER_GROUP=1 exec sudo --preserve-env -u "$(id -un)" -g docker \
    env "PATH=$PATH" "HOME=$HOME" "$ROOT/bin/$(basename "$0")" "$@"
}
