# shellcheck shell=bash
# Move a whole cluster, roles included, to a newer major version, each part in a container of the image that it needs:
#   dump SUPERUSER        the cluster in $PGDATA, which nobody else uses, into /upgrade/dump
#   load SUPERUSER NOTE   make a cluster in $PGDATA, with the environment with which the image makes one, and load that dump.
#                         When all rows of all tables are there, NOTE is put into /upgrade/loaded
# Ends with 1 and one line that says what is wrong.
set -euo pipefail
action=$1 superuser=$2 note=${3:-} dump=/upgrade/dump

fail() { printf '%s\n' "$*" >&2; exit 1; }
# Usage: run DATABASE   (statements on standard input; prints rows)
run() { psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --dbname="$1"; }

# The server, on a socket that nobody else has. Usage: server start|stop [OPTION...]
server() {
  local action=$1
  shift
  local options="-c listen_addresses= -c unix_socket_directories=/tmp -c hba_file=/tmp/hba -c ssl=off $*"
  printf 'local all all trust\n' >/tmp/hba
  pg_ctl --pgdata="$PGDATA" --wait --timeout=3600 --log=/tmp/log --options="$options" "$action" >/dev/null ||
    fail "the server of PostgreSQL $(cat "$PGDATA/PG_VERSION") does not $action: $(tail -n 5 /tmp/log)"
}

# Prints each table with the number of its rows. Usage: rows DATABASE
rows() {
  run "$1" <<'SQL' | LC_ALL=C sort
SELECT format('SELECT %L || '' '' || count(*) FROM %s', oid::regclass, oid::regclass) FROM pg_class
WHERE relkind = 'r' AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) \gexec
SQL
}

export PGHOST=/tmp PGUSER=$superuser
case $action in
dump)
  # The dump is compressed; the new cluster is not, and hardly ever larger than the old one.
  needed=$(($(du --summarize --block-size=1M "$PGDATA" | cut -f 1) * 3 / 2 + 100))
  free=$(df --output=avail --block-size=1M /upgrade | tail -n 1)
  [ "$free" -ge "$needed" ] || fail "beside the data $free MB are free, and up to $needed MB are needed"
  server start
  [ "$(run postgres <<<"SELECT count(*) FROM pg_tablespace WHERE spcname !~ '^pg_'")" = 0 ] ||
    fail "the cluster has tablespaces of its own, which only a person can move"
  mkdir --mode=0700 "$dump"
  pg_dumpall --roles-only --file="$dump/roles.sql"
  run postgres <<<'SELECT oid, datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname' >"$dump/databases"
  while IFS='|' read -r oid name; do
    pg_dump --format=directory --jobs="$(nproc)" --file="$dump/$oid" "$name"
    rows "$name" >"$dump/$oid.rows"
  done <"$dump/databases"
  server stop
  ;;
load)
  docker-ensure-initdb.sh postgres >/tmp/initdb 2>&1 || fail "the new cluster cannot be made: $(tail -n 5 /tmp/initdb)"
  server start -c autovacuum=off -c max_wal_size=4GB -c maintenance_work_mem=256MB
  # The superuser is there already; all else of it, its password too, is set.
  grep -vxE "CREATE ROLE \"?$superuser\"?;" "$dump/roles.sql" | run postgres
  while IFS='|' read -r oid name; do
    target=(--create --dbname=postgres)
    [ "$name" != postgres ] || target=(--dbname=postgres)
    pg_restore --exit-on-error --jobs="$(nproc)" "${target[@]}" "$dump/$oid"
    rows "$name" >/tmp/rows
    cmp --silent /tmp/rows "$dump/$oid.rows" ||
      fail "database $name does not hold the rows that it held: $(LC_ALL=C comm -3 "$dump/$oid.rows" /tmp/rows | tr '\t\n' '  ')"
  done <"$dump/databases"
  # The planner knows nothing of a table that was loaded until it is analyzed.
  vacuumdb --all --analyze-only --jobs="$(nproc)" --quiet
  server stop
  rm -r "$dump"
  printf '%s' "$note" >/upgrade/loading
  sync
  mv /upgrade/loading /upgrade/loaded
  ;;
esac
