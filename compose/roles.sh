#!/bin/sh
# At the first start of PostgreSQL: the database, the role that owns it, and the role that Grafana reads reports with, which
# sees nothing until `frontline migrate --read-role` shows it the schema of reports. None of them is a superuser.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv owner_password FRONTLINE_DATABASE_PASSWORD
\getenv reader_password FRONTLINE_READER_PASSWORD
CREATE ROLE frontline LOGIN PASSWORD :'owner_password';
CREATE ROLE frontline_reader LOGIN PASSWORD :'reader_password' CONNECTION LIMIT 20;
ALTER ROLE frontline_reader SET default_transaction_read_only = on;
ALTER ROLE frontline_reader SET statement_timeout = '30s';
CREATE DATABASE frontline OWNER frontline;
REVOKE ALL ON DATABASE frontline FROM PUBLIC;
GRANT CONNECT ON DATABASE frontline TO frontline_reader;
SQL
