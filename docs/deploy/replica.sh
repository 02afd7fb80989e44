#!/bin/sh
# Copies the primary into an empty data directory, then follows it. The primary keeps for it what it has not fetched while it
# is away: a slot, REPLICA_SLOT, another one for each replica.
set -eu
SLOT="${REPLICA_SLOT:-replica}"
at_the_primary() {
  "$@" --host="${PRIMARY_HOST:-postgres}" --port="${PRIMARY_PORT:-5432}" --username=replicator --no-password --slot="$SLOT"
}
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  COPY="$PGDATA.under-way" # until it is whole: what was cut short is not to be started
  rm -rf "$PGDATA" "$COPY"
  PGPASSWORD="$(cat /run/secrets/replication_password)"
  export PGPASSWORD
  at_the_primary pg_receivewal --drop-slot 2>/dev/null || true # of the copy before; it may have lost what it was to keep
  at_the_primary pg_receivewal --create-slot
  at_the_primary pg_basebackup --pgdata="$COPY" --wal-method=stream --checkpoint=fast --write-recovery-conf
  mv "$COPY" "$PGDATA"
  unset PGPASSWORD
fi
exec postgres "$@"
