#!/usr/bin/env bash
# PostgreSQL refuses to create a role whose name starts with pg_, yet the flow logs in as pg_user: create it under
# another name and rename it in the catalogue (a SCRAM password survives that).
set -euo pipefail

psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres -v password="$FLOW_PASSWORD" <<'SQL'
create role flow_user login password :'password';
update pg_authid set rolname = 'pg_user' where rolname = 'flow_user';
create database pg_user;
update pg_database
   set datdba = (select oid from pg_authid where rolname = 'pg_user')
 where datname = 'pg_user';
SQL

psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname pg_user <<'SQL'
alter schema public owner to pg_database_owner;
set session authorization 'pg_user';
\i /seed/users.sql
SQL
