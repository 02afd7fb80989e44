#!/bin/sh
# Copies the primary into an empty data directory, then follows it.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  rm -rf "$PGDATA" # a copy that was cut short
  PGPASSWORD="$(cat /run/secrets/replication_password)"
  export PGPASSWORD
  pg_basebackup --host="${PRIMARY_HOST:-postgres}" --port="${PRIMARY_PORT:-5432}" --username=replicator --no-password \
    --pgdata="$PGDATA" --wal-method=stream --checkpoint=fast --write-recovery-conf
  unset PGPASSWORD
fi
exec postgres "$@"
