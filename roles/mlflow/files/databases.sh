# shellcheck shell=bash
# Dump databases of MLflow into /dump, or bring them back from there. Runs in a PostgreSQL image, while nobody writes.
#   dump      and prove that the dumps are whole: each can be read to its end, and holds as many rows of each table as the
#             database does
#   restore   those that are at another revision than the dump. What is there is not removed but set aside in a schema of
#             its own; for each database all of it is one transaction
# Further arguments, for each database: name of the file, of the database, of the role that owns the tables, and of the table
# with the revision. Ends with 1 and one line that says what is wrong.
set -euo pipefail
cd /dump
action=$1
shift

fail() { printf '%s\n' "$*" >&2; exit 1; }
# Usage: run DATABASE ROLE [OPTION...]   (statements on standard input; prints rows)
run() { psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --dbname="$1" --username="$2" "${@:3}"; }

# Prints the revision of a database, or nothing. Usage: revision DATABASE ROLE TABLE
revision() {
  run "$1" "$2" --set=table="$3" <<'SQL'
SELECT to_regclass(:'table') IS NOT NULL AS there \gset
\if :there
SELECT version_num FROM :"table";
\endif
SQL
}

# Usage: dump FILE DATABASE ROLE TABLE
dump() {
  local file=$1 database=$2 role=$3 schema
  # Until this one is whole, there is none.
  rm -f "$file.revision"
  schema=$(run "$database" "$role" <<<'SELECT current_schema()')
  pg_dump --format=custom --schema="$schema" --dbname="$database" --username="$role" --file="$file.dump"
  revision "$database" "$role" "$4" >"$file.found"
  run "$database" "$role" <<'SQL' | LC_ALL=C sort >"$file.rows"
SELECT format('SELECT %L || '' '' || count(*) FROM %I', relname, relname) FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' \gexec
SQL
  pg_restore --data-only --file=- "$file.dump" | awk '
    /^COPY / && !table { table = $2; sub(/^[^.]*[.]/, "", table); gsub(/"/, "", table); rows = 0; next }
    table && $0 == "\\." { print table, rows; table = ""; next }
    table { rows++ }' | LC_ALL=C sort >"$file.dumped"
  cmp --silent "$file.rows" "$file.dumped" ||
    fail "the dump of database $database does not hold the rows that are there: $(LC_ALL=C comm -3 "$file.rows" "$file.dumped" | tr '\t\n' '  ')"
  rm "$file.dumped"
  # Last, and whole: what has a revision can be restored.
  sync "$file.dump" "$file.found"
  mv "$file.found" "$file.revision"
  sync .
}

# Tables take their indexes, constraints, triggers and own sequences along. What an extension brought stays.
set_aside() {
  cat <<'SQL'
BEGIN;
SELECT pg_advisory_xact_lock(:lock) \g /dev/null
CREATE SCHEMA :"aside";
SELECT format('ALTER %s %I SET SCHEMA %I', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
  WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, relname, :'aside')
FROM pg_class c WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('e', 'a', 'i'))
UNION ALL SELECT format('ALTER ROUTINE %I(%s) SET SCHEMA %I', proname, pg_get_function_identity_arguments(oid), :'aside')
FROM pg_proc p WHERE pronamespace = current_schema()::regnamespace
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
UNION ALL SELECT format('ALTER TYPE %I SET SCHEMA %I', typname, :'aside')
FROM pg_type y WHERE typnamespace = current_schema()::regnamespace AND typtype IN ('e', 'd')
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = y.oid AND d.deptype = 'e')
\gexec
SQL
}

# Usage: restore FILE DATABASE ROLE TABLE
restore() {
  local file=$1 database=$2 role=$3 aside
  # Without it nothing was migrated yet.
  [ -e "$file.revision" ] || return 0
  revision "$database" "$role" "$4" >/tmp/revision
  if cmp --silent /tmp/revision "$file.revision"; then
    printf 'database %s is at the revision of the dump\n' "$database"
    return
  fi
  # The schema itself, and who may use it, stay as they are.
  pg_restore --list "$file.dump" >/tmp/all
  { grep -vE '^[0-9]+; [0-9]+ [0-9]+ (SCHEMA|EXTENSION|DEFAULT ACL|ACL - SCHEMA|COMMENT - (SCHEMA|EXTENSION)) ' /tmp/all || true; } >/tmp/list
  [ ! -s "$file.revision" ] || grep -q ' TABLE DATA ' /tmp/list || fail "the dump of database $database holds no tables"
  aside=modelhub_aside_$(date --utc +%Y%m%d_%H%M%S)
  # A dump that breaks off leaves the transaction open, which undoes it.
  {
    set_aside
    pg_restore --use-list=/tmp/list --file=- "$file.dump"
    printf 'COMMIT;\n'
  } | run "$database" "$role" --set=lock=$((0x6D6C666C6F77)) --set=aside="$aside" >/dev/null
  printf 'database %s is back; what was there is in its schema %s\n' "$database" "$aside"
}

while [ $# -gt 0 ]; do
  "$action" "${@:1:4}"
  shift 4
done
