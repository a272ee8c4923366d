# shellcheck shell=bash
# Dump databases of MLflow into /dump and prove that the dumps are whole: each can be read to its end, and holds as many rows of
# each table as the database does. Runs in a PostgreSQL image, while nobody writes. Arguments, for each database: name of the
# file, of the database, of the role that owns the tables, and of the table with the revision. Ends with 1 and one line that
# says what is wrong.
set -euo pipefail
cd /dump

fail() { printf '%s\n' "$*" >&2; exit 1; }
# Usage: run DATABASE ROLE [OPTION...]   (statements on standard input; prints rows)
run() { psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --dbname="$1" --username="$2" "${@:3}"; }
COUNT="SELECT format('SELECT %L || '' '' || count(*) FROM %I', relname, relname) FROM pg_class
  WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' \\gexec"
REVISION='SELECT to_regclass(:'"'table'"') IS NOT NULL AS there \gset
\if :there
SELECT version_num FROM :"table";
\endif'

while [ $# -gt 0 ]; do
  file=$1 database=$2 role=$3 table=$4
  shift 4
  schema=$(run "$database" "$role" <<<'SELECT current_schema()')
  pg_dump --format=custom --schema="$schema" --dbname="$database" --username="$role" --file="$file.dump"
  run "$database" "$role" --set=table="$table" <<<"$REVISION" >"$file.revision"
  run "$database" "$role" <<<"$COUNT" | LC_ALL=C sort >"$file.rows"
  pg_restore --list "$file.dump" >"$file.list"
  pg_restore --data-only --file=- "$file.dump" | awk '
    /^COPY / && !table { table = $2; sub(/^[^.]*[.]/, "", table); gsub(/"/, "", table); rows = 0; next }
    table && $0 == "\\." { print table, rows; table = ""; next }
    table { rows++ }' | LC_ALL=C sort >"$file.dumped"
  cmp --silent "$file.rows" "$file.dumped" ||
    fail "the dump of database $database does not hold the rows that are there: $(LC_ALL=C comm -3 "$file.rows" "$file.dumped" | tr '\t\n' '  ')"
  rm "$file.dumped"
  sync "$file.dump"
done
