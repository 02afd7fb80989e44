-- Run once, by the primary's superuser, in an empty server.
\set ON_ERROR_STOP on
\set chat_password `cat /run/secrets/chat_password`
\set replication_password `cat /run/secrets/replication_password`

CREATE ROLE chat LOGIN PASSWORD :'chat_password';
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'replication_password';
GRANT pg_monitor, pg_stat_scan_tables TO chat;

-- What a connection past the pooler brings in its `options`, for those that come through it.
ALTER ROLE chat SET statement_timeout = '30000ms';
ALTER ROLE chat SET idle_in_transaction_session_timeout = '30000ms';
ALTER ROLE chat SET timezone = 'UTC';

CREATE DATABASE chat OWNER chat ENCODING 'UTF8' TEMPLATE template0;
\connect chat
CREATE EXTENSION pg_stat_statements;
CREATE EXTENSION pgstattuple;
