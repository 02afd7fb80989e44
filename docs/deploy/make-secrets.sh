#!/bin/sh
# Makes the secrets of docker-compose.yml that are missing, in the folder `secrets` (or the one named). What is there stays.
# The folder is for its owner alone. The files in it are readable: each is mounted into the containers that need it, which run
# as users of their own.
set -eu
umask 077
mkdir -p "${1:-secrets}"
cd "${1:-secrets}"

keep() { # NAME VALUE
  [ -s "$1" ] || printf '%s\n' "$2" > "$1"
  chmod 444 "$1"
}
random() { head -c 48 /dev/urandom | base64 | tr -d '\n' | tr '+/' '-_'; }

for name in secret_key jwt_signing_key webhook_keys metrics_token postgres_password chat_password replication_password redis_password; do
  keep "$name" "$(random)"
done
chat="postgresql://chat:$(cat chat_password)"
keep database_url "$chat@pgbouncer:6432/chat"
keep database_replica_url "$chat@replica:5432/chat"
keep database_direct_url "$chat@postgres:5432/chat"
keep pgbouncer_userlist "\"chat\" \"$(cat chat_password)\""
keep redis_url "redis://:$(cat redis_password)@redis:6379"
keep redis_auth "requirepass $(cat redis_password)"
