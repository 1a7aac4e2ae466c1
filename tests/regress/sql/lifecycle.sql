-- The extension comes, is dumped and restored, and goes; what was protected is never open in between.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient VALUES
    ('ann', '{"resourceType": "Patient", "id": "ann", "active": true, "birthDate": "CANARY"}'),
    ('bob', '{"resourceType": "Patient", "id": "bob", "birthDate": "CANARY"}');
CREATE TABLE observation (id text, period integer, resource jsonb NOT NULL) PARTITION BY LIST (period);
CREATE TABLE observation_2025 PARTITION OF observation FOR VALUES IN (2025);
INSERT INTO observation VALUES ('o1', 2025, '{"resourceType": "Observation", "id": "o1", "subject": {"reference": "Patient/ann/_history/2"}}');
SELECT fhir_access.protect('patient', 'Patient');
SELECT fhir_access.protect('observation', 'Observation');
CREATE TABLE device (id text, content text, project text, lot text);
CREATE INDEX ON device USING gin ((fhir_access.document(content)) jsonb_path_ops);
INSERT INTO device VALUES ('d', '{"resourceType": "Device", "id": "d", "lotNumber": "CANARY"}', NULL, 'CANARY');
SELECT fhir_access.protect('device', 'Device', 'content', derived_columns => '{"lot": "lotNumber"}', project_column => 'project');
CREATE TABLE others (kind text NOT NULL, id text NOT NULL, resource jsonb NOT NULL, PRIMARY KEY (kind, id)) PARTITION BY LIST (kind);
CREATE TABLE others_default PARTITION OF others DEFAULT;
INSERT INTO others VALUES ('Patient', 'x', '{"resourceType": "Patient", "id": "x", "active": true, "birthDate": "CANARY"}'),
    ('Encounter', 'x', '{"resourceType": "Encounter", "id": "x", "subject": {"reference": "Patient/ann/_history/2"}}');
SELECT fhir_access.protect('others', resource_type_column => 'kind');
CREATE VIEW actives AS SELECT * FROM patient WHERE resource -> 'active' = 'true';
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "clinic"}');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "active",
  "resource": [{"resourceType": "Patient", "criteria": "Patient?active=true", "hiddenFields": ["birthDate"]},
               {"resourceType": "Observation", "criteria": "Observation?subject=Patient/ann"},
               {"resourceType": "Device", "hiddenFields": ["lotNumber"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
    ('{"resourceType": "ProjectMembership", "id": "m", "accessPolicy": {"reference": "AccessPolicy/active"}}');

-- A dump by a role that is subject to policies fails; it is not a part of the data.
GRANT pg_read_all_data TO app;
\! pg_dump -U app --data-only -t patient 2>&1 | grep -o -e CANARY -e 'query would be affected by row-level security policy for table "patient"'
REVOKE pg_read_all_data FROM app;

-- Dumped and restored by a superuser, everything is as it was: documents, registry, policies, triggers, answers.
\! dropdb --if-exists "${PGDATABASE}_copy" 2>&1 | grep -v NOTICE
\! createdb -T template0 "${PGDATABASE}_copy" && pg_dump | psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d "${PGDATABASE}_copy" && echo restored
\set copy :DBNAME _copy
\c :copy
SELECT * FROM fhir_access.protected_relation ORDER BY relation::text;
SELECT id FROM fhir_access.access_policy UNION ALL SELECT id FROM fhir_access.project_membership UNION ALL SELECT id FROM fhir_access.project;
SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE tgname LIKE '%fhir_access%' ORDER BY tgrelid::regclass::text, tgname;
SELECT id, resource ->> 'birthDate' AS birth_date FROM patient ORDER BY id;
\c - app
SELECT id FROM patient;
SET fhir_access.membership = 'm';
SELECT id, resource FROM patient;
SELECT id, resource FROM observation;
SELECT id, resource FROM observation_2025;
SELECT id, resource FROM actives;
SELECT * FROM device;
SELECT * FROM others;
UPDATE patient SET resource = resource || '{"gender": "female"}' RETURNING resource;
UPDATE patient SET resource = resource || '{"active": false}';
-- What is attached in the restored database follows, too.
\c - postgres
CREATE TABLE observation_2026 PARTITION OF observation FOR VALUES IN (2026);
SELECT relation FROM fhir_access.protected_relation ORDER BY relation::text;

-- In a database without the extension the library does nothing.
\! dropdb --if-exists "${PGDATABASE}_plain" 2>&1 | grep -v NOTICE
\! createdb -T template0 "${PGDATABASE}_plain"
SELECT replace(:'DBNAME', '_copy', '_plain') AS plain \gset
\c :plain
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb);
ALTER TABLE patient ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON patient USING (id = 'mine');
INSERT INTO patient VALUES ('mine', '{}'), ('yours', '{}');
GRANT SELECT, DELETE ON patient TO app;
SET fhir_access.membership = 'whatever';
SET ROLE app;
SELECT id FROM patient;
DELETE FROM patient;
RESET ROLE;
SELECT id FROM patient;

-- The extension is not dropped by accident. Dropped on purpose it leaves the tables closed, for sessions that were there
-- before too, and everything else works on.
SELECT replace(:'DBNAME', '_plain', '') AS original \gset
\c :original
DROP EXTENSION fhir_access;
\c - app
SET fhir_access.membership = 'm';
SELECT id FROM patient;
PREPARE ids AS SELECT id FROM patient;
EXECUTE ids;
\! psql -X -q -U postgres -c "SET client_min_messages = warning" -c "CREATE TABLE other AS SELECT 1 AS one" -c "GRANT SELECT ON other TO app" -c "DROP EXTENSION fhir_access CASCADE"
SELECT id FROM patient;
EXECUTE ids;
SELECT one FROM other;
DELETE FROM patient;
INSERT INTO patient VALUES ('x', '{}');
\c - postgres
SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid IN ('patient'::regclass, 'observation'::regclass, 'observation_2025'::regclass) ORDER BY relname;
SELECT count(*) FROM pg_policy;
SELECT count(*) FROM patient;

-- Created again it protects again, with the documents that it is given then.
CREATE EXTENSION fhir_access;
SELECT count(*) FROM fhir_access.protected_relation;
\c - app
SELECT id FROM patient;
\c - postgres
SELECT fhir_access.protect('patient', 'Patient');
\c - app
SELECT id FROM patient;

-- In the session that drops it as well.
\c - postgres
SELECT count(*) FROM fhir_access.protected_relation;
SET client_min_messages = warning;
DROP EXTENSION fhir_access CASCADE;
SELECT id FROM patient ORDER BY id;
SET ROLE app;
SELECT id FROM patient;
RESET ROLE;
\! dropdb "${PGDATABASE}_copy"; dropdb "${PGDATABASE}_plain"
