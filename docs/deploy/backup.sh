#!/bin/sh
# Backups of a PostgreSQL elsewhere, in $BACKUPS: `base/TIME`, whole copies, and `wal/`, the log since the oldest of them.
#
#   backup.sh stream               writes the log down as it comes, until it is stopped
#   backup.sh forever              makes a copy every BACKUP_EVERY minutes and keeps BACKUP_KEEP of them
#   backup.sh base                 makes one copy
#   backup.sh prune                removes older copies than those to keep, and the log that only they need
#   backup.sh check                whether there is a copy that is young enough
#   backup.sh flows                whether any of the log came in the last ten minutes; the clock alone writes every half one
#   backup.sh restore COPY INTO    a data directory as it was at the end of the log, or at RESTORE_TO ('2026-11-27 12:00:00+00')
#
# The way to the server is libpq's: PGHOST, PGPORT, PGUSER, and PGPASSWORD or the file that PGPASSWORD_FILE names.
set -eu
BACKUPS="${BACKUPS:-/var/lib/postgresql/backups}"
BACKUP_EVERY="${BACKUP_EVERY:-1440}"
BACKUP_KEEP="${BACKUP_KEEP:-7}"
SLOT=backup
if [ -n "${PGPASSWORD_FILE:-}" ]; then
  PGPASSWORD="$(cat "$PGPASSWORD_FILE")"
  export PGPASSWORD
fi

copies() { find "$BACKUPS/base" -mindepth 1 -maxdepth 1 -name '[0-9]*' "$@" | sort; }

stream() {
  mkdir -p "$BACKUPS/wal"
  pg_receivewal --no-password --slot="$SLOT" --create-slot --if-not-exists
  exec pg_receivewal --no-password --slot="$SLOT" --directory="$BACKUPS/wal" --synchronous
}

base() {
  mkdir -p "$BACKUPS/base"
  rm -rf "$BACKUPS/base/under-way"
  pg_basebackup --no-password --pgdata="$BACKUPS/base/under-way" --wal-method=stream --checkpoint=fast
  pg_verifybackup --quiet "$BACKUPS/base/under-way"
  mv "$BACKUPS/base/under-way" "$BACKUPS/base/$(date -u +%Y%m%dT%H%M%SZ)"
}

prune() {
  copies | head -n "-$BACKUP_KEEP" | while read -r old; do rm -rf "$old"; done
  oldest="$(copies | head -n 1)"
  first="$(sed -n 's/^START WAL LOCATION: .*(file \([0-9A-F]*\)).*/\1/p' "$oldest/backup_label")"
  pg_archivecleanup "$BACKUPS/wal" "$first"
}

flows() { [ -n "$(find "$BACKUPS/wal" -name '*.partial' -mmin -10)" ]; }

check() { [ -n "$(copies -mmin "-$((BACKUP_EVERY + 120))")" ]; }

forever() {
  mkdir -p "$BACKUPS/base"
  while :; do
    if [ -z "$(copies -mmin "-$BACKUP_EVERY")" ]; then
      { sh "$0" base && sh "$0" prune; } || echo "no copy was made, the next attempt is in a minute" >&2
    fi
    sleep 60
  done
}

# The settings of a restoration. They go with its end, and out of a copy of a server that was restored: they would hold the
# next restoration at the last one's moment, and a replica, which copies them.
OVER='/^(restore_command|recovery_target|recovery_end_command)/d'

restore() {
  copy="$1" into="$2"
  [ ! -e "$into" ] || { echo "$into is there already: move it away" >&2; exit 1; }
  cp -a "$copy" "$into"
  sed -i -E "$OVER" "$into/postgresql.auto.conf"
  {
    # The last segment is called .partial for as long as it is written.
    echo "restore_command = 'cp \"$BACKUPS/wal/%f\" \"%p\" || cp \"$BACKUPS/wal/%f.partial\" \"%p\"'"
    if [ -n "${RESTORE_TO:-}" ]; then echo "recovery_target_time = '$RESTORE_TO'"; fi
    echo "recovery_target_action = 'promote'"
    echo "recovery_end_command = 'sed -i -E \"$OVER\" postgresql.auto.conf'"
  } >> "$into/postgresql.auto.conf"
  touch "$into/recovery.signal"
}

case "${1:-}" in
  stream | forever | base | prune | check | flows) "$1" ;;
  restore) restore "$2" "$3" ;;
  *) sed -n 's/^#   //p' "$0" >&2; exit 2 ;;
esac
