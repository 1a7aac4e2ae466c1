-- Foreign tables: one that points at a protected table reads it as the role and membership of its connection, and shows to
-- everybody who may use it what these see. A foreign table cannot be protected itself, nor be a part of a protected table.
\ir prologue.sql
\ir masked_shapes.sql

CREATE EXTENSION postgres_fdw;
SELECT current_setting('port') AS port, split_part(current_setting('unix_socket_directories'), ',', 1) AS host, current_database() AS name \gset
CREATE SERVER loopback FOREIGN DATA WRAPPER postgres_fdw
    OPTIONS (host :'host', port :'port', dbname :'name', options '-c fhir_access.membership=desk');
CREATE USER MAPPING FOR app SERVER loopback OPTIONS (user 'app', password_required 'false');
CREATE SERVER exempt FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'host', port :'port', dbname :'name');
CREATE USER MAPPING FOR app SERVER exempt OPTIONS (user 'loader', password_required 'false');
CREATE FOREIGN TABLE far (id text, resource jsonb, value text, note text) SERVER loopback OPTIONS (table_name 'observation');
CREATE FOREIGN TABLE far_exempt (id text, resource jsonb, value text, note text) SERVER exempt OPTIONS (table_name 'observation');
GRANT SELECT, INSERT, UPDATE, DELETE ON far, far_exempt TO app;

-- The membership of this session does not count, that of the connection does; conditions are sent there, and find nothing.
\c - app
SET fhir_access.membership = 'everything';
SELECT * FROM far ORDER BY id;
SELECT f FROM far f ORDER BY id LIMIT 1;
SELECT id FROM far WHERE value LIKE 'CAN_RY%' OR resource ->> 'valueString' LIKE 'CAN_RY%' ORDER BY id;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM far WHERE value = 'x' AND resource @> '{"status": "final"}';
SELECT max(value), count(value) FROM far;
UPDATE far SET note = 'far' WHERE id = 'o1' RETURNING *;
DELETE FROM far WHERE value > '' RETURNING *;
-- With a protected table beside it, this session's membership counts for that.
SET fhir_access.membership = 'desk';
SELECT f.id, f.value, o FROM far f JOIN observation o ON f.resource = o.resource ORDER BY 1;
SELECT o.id FROM observation o LEFT JOIN far f ON f.value = o.value OR f.resource ->> 'valueString' = o.resource ->> 'valueString' WHERE f.id IS NOT NULL;

-- A connection as a role without policies shows everything, as that role sees it: do not give such a user mapping away.
SELECT count(value) AS "values seen as another role" FROM far_exempt;

-- Not to be protected, and not to be a part of what is.
\c - postgres
SELECT fhir_access.protect('far', 'Observation');
\echo :LAST_ERROR_SQLSTATE
CREATE TABLE condition (id text, year integer, resource jsonb NOT NULL) PARTITION BY LIST (year);
SELECT fhir_access.protect('condition', 'Condition');
CREATE FOREIGN TABLE far_condition PARTITION OF condition FOR VALUES IN (1) SERVER loopback OPTIONS (table_name 'condition');
\echo :LAST_ERROR_SQLSTATE
CREATE FOREIGN TABLE far_condition (id text, year integer, resource jsonb NOT NULL) SERVER loopback OPTIONS (table_name 'condition');
ALTER TABLE condition ATTACH PARTITION far_condition FOR VALUES IN (1);
\echo :LAST_ERROR_SQLSTATE
SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'condition'::regclass;
CREATE TABLE device (id text, resource jsonb NOT NULL);
CREATE FOREIGN TABLE far_device () INHERITS (device) SERVER loopback OPTIONS (table_name 'patient');
SELECT fhir_access.protect('device', 'Device');
\echo :LAST_ERROR_SQLSTATE
