# shellcheck shell=bash
# Bring databases of MLflow back from /dump, where they are at another revision than the dump. What is there is not removed but
# set aside in a schema of its own; for each database all of it is one transaction. Runs in a PostgreSQL image, while nobody
# writes; the arguments are those of dump.sh. Ends with 1 and one line that says what is wrong.
set -euo pipefail
cd /dump

# Usage: run DATABASE ROLE [OPTION...]   (statements on standard input; prints rows)
run() { psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --dbname="$1" --username="$2" "${@:3}"; }
REVISION='SELECT to_regclass(:'"'table'"') IS NOT NULL AS there \gset
\if :there
SELECT version_num FROM :"table";
\endif'
# Tables take their indexes, constraints, triggers and own sequences along. What an extension brought stays.
# shellcheck disable=SC2016 # the dollars are PostgreSQL's quotes
ASIDE='BEGIN;
SELECT pg_advisory_xact_lock(:lock) \g /dev/null
CREATE SCHEMA :"aside";
SELECT format($$ALTER %s %I SET SCHEMA %I$$, CASE relkind WHEN $$v$$ THEN $$VIEW$$ WHEN $$m$$ THEN $$MATERIALIZED VIEW$$
  WHEN $$S$$ THEN $$SEQUENCE$$ ELSE $$TABLE$$ END, relname, :'"'aside'"')
FROM pg_class c WHERE relnamespace = current_schema()::regnamespace AND relkind IN ($$r$$, $$p$$, $$v$$, $$m$$, $$S$$)
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = $$pg_class$$::regclass AND d.objid = c.oid AND d.deptype IN ($$e$$, $$a$$, $$i$$))
UNION ALL SELECT format($$ALTER ROUTINE %I(%s) SET SCHEMA %I$$, proname, pg_get_function_identity_arguments(oid), :'"'aside'"')
FROM pg_proc p WHERE pronamespace = current_schema()::regnamespace
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = $$pg_proc$$::regclass AND d.objid = p.oid AND d.deptype = $$e$$)
UNION ALL SELECT format($$ALTER TYPE %I SET SCHEMA %I$$, typname, :'"'aside'"')
FROM pg_type y WHERE typnamespace = current_schema()::regnamespace AND typtype IN ($$e$$, $$d$$)
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = $$pg_type$$::regclass AND d.objid = y.oid AND d.deptype = $$e$$)
\gexec'

while [ $# -gt 0 ]; do
  file=$1 database=$2 role=$3 table=$4
  shift 4
  # Without it nothing was migrated yet.
  [ -e "$file.revision" ] || continue
  run "$database" "$role" --set=table="$table" <<<"$REVISION" >/tmp/revision
  if cmp --silent /tmp/revision "$file.revision"; then
    printf 'database %s is at the revision of the dump\n' "$database"
    continue
  fi
  # The schema itself, and who may use it, stay as they are.
  { grep -vE '^[0-9]+; [0-9]+ [0-9]+ (SCHEMA|EXTENSION|DEFAULT ACL|ACL - SCHEMA|COMMENT - (SCHEMA|EXTENSION)) ' "$file.list" || true; } >/tmp/list
  aside=modelhub_aside_$(date --utc +%Y%m%d_%H%M%S)
  # A dump that breaks off leaves the transaction open, which undoes it.
  {
    printf '%s\n' "$ASIDE"
    pg_restore --use-list=/tmp/list --file=- "$file.dump"
    printf 'COMMIT;\n'
  } | run "$database" "$role" --set=lock=$((0x6D6C666C6F77)) --set=aside="$aside" >/dev/null
  printf 'database %s is back; what was there is in its schema %s\n' "$database" "$aside"
done
