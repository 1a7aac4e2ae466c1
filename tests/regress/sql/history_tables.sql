-- Which tables can be the history of which; partitions; and what becomes of a history without its current table: it stays closed.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE patient_history (id text, version text, resource jsonb NOT NULL, period integer NOT NULL) PARTITION BY LIST (period);
CREATE TABLE patient_history_1 PARTITION OF patient_history FOR VALUES IN (1);
CREATE TABLE observation (id uuid PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "active", "resource": [{"resourceType": "Patient", "criteria": "Patient?active=true"}, {"resourceType": "Observation"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "m", "accessPolicy": {"reference": "AccessPolicy/active"}}');

-- The current table comes first, holds the same type, and ids that one index finds.
SELECT fhir_access.protect('patient_history', 'Patient', history_of => 'patient');
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('observation', 'Observation');
SELECT fhir_access.protect('patient_history', 'Patient', history_of => 'observation');
SELECT fhir_access.protect('patient', 'Patient', history_of => 'patient');
SELECT fhir_access.protect('patient_history', 'Patient', history_of => 0);
SELECT fhir_access.protect('patient_history', 'Patient', history_of => 'patient', version_column => 'nothing');
SELECT fhir_access.protect('patient_history', 'Patient', history_of => 'patient', version_column => 'resource');
SELECT fhir_access.protect('patient_history', 'Patient', version_column => 'version');
CREATE TABLE of_numbers (id bigint, resource jsonb);
SELECT fhir_access.protect('of_numbers', 'Patient', history_of => 'patient');
CREATE TABLE of_other_order (id text COLLATE "C", resource jsonb);
SELECT fhir_access.protect('of_other_order', 'Patient', history_of => 'patient');
SELECT fhir_access.protect(NULL, 'Patient');
SELECT fhir_access.protect('patient', resource_column => NULL);
SELECT fhir_access.protect('patient_history', 'Patient', history_of => 'patient', version_column => 'version');
SELECT fhir_access.protect('of_other_order', 'Patient', history_of => 'patient_history');
-- Again, with and without a column for the version.
SELECT fhir_access.protect('patient_history', 'Patient', history_of => 'patient');
SELECT fhir_access.protect('patient_history', 'Patient', history_of => 'patient', version_column => 'version');
-- Partitions have what their parent has, later ones too.
CREATE TABLE patient_history_2 PARTITION OF patient_history FOR VALUES IN (2);
SELECT relation, history_of, version_column FROM fhir_access.protected_relation ORDER BY relation::text;

INSERT INTO patient VALUES ('a', '{"resourceType": "Patient", "active": true}'), ('b', '{"resourceType": "Patient", "active": false}');
INSERT INTO patient_history VALUES ('a', '1', '{"resourceType": "Patient", "active": true}', 1), ('a', '2', '{"resourceType": "Patient", "active": false}', 2),
    ('b', '1', '{"resourceType": "Patient", "active": true}', 1), ('a', '3', '{"resourceType": "Patient", "active": true}', 2);
SELECT * FROM fhir_access.doctor() WHERE subject <> 'observation' AND severity = 'error';
SELECT relation, statement, criteria FROM fhir_access.index_advice();
\c - app
SET fhir_access.membership = 'm';
SELECT id, version, tableoid::regclass FROM patient_history ORDER BY version;
SELECT id, version FROM patient_history_1;
DELETE FROM patient_history_2;
UPDATE patient_history SET period = 2;
-- A reader of Patients, and a policy's patients, come from the current tables alone.
SELECT fhir_access.read('Patient', 'a') -> 'active' AS read, count(*) FROM fhir_access.explain('Patient');

-- Dumped and restored, a history is the same table's.
\c - postgres
\! dropdb --if-exists "${PGDATABASE}_copy" 2>&1 | grep -v NOTICE
\! createdb -T template0 "${PGDATABASE}_copy" && pg_dump | psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d "${PGDATABASE}_copy" && echo restored
SELECT current_database() AS original \gset
\set copy :original _copy
\c :copy
SELECT relation, history_of, version_column FROM fhir_access.protected_relation ORDER BY relation::text;
\c - app
SET fhir_access.membership = 'm';
SELECT id, version FROM patient_history ORDER BY version;
\c :original postgres
\! dropdb "${PGDATABASE}_copy"

-- Whatever happens to the current table, its history is not open.
ALTER TABLE patient RENAME TO person;
SET ROLE app;
SET fhir_access.membership = 'm';
SELECT count(*) FROM patient_history;
RESET ROLE;
SELECT fhir_access.unprotect('person');
SELECT subject, message FROM fhir_access.doctor() WHERE severity = 'error' ORDER BY subject;
SET ROLE app;
SELECT count(*) FROM patient_history;
SELECT count(*) FROM patient_history_1;
DELETE FROM patient_history;
SELECT fhir_access.vread('Patient', 'a', '1');
RESET ROLE;
SELECT fhir_access.protect('person', 'Person');
SET ROLE app;
SELECT count(*) FROM patient_history;
RESET ROLE;
SELECT fhir_access.protect('person', 'Patient');
SET ROLE app;
SELECT count(*) FROM patient_history;
RESET ROLE;
DROP TABLE person;
SELECT relation, history_of FROM fhir_access.protected_relation ORDER BY relation::text;
SELECT subject, message FROM fhir_access.doctor() WHERE severity = 'error' ORDER BY subject;
SET ROLE app;
SELECT count(*) FROM patient_history;
RESET ROLE;
-- One that was not protected any more when it was dropped leaves no number behind that another table could have.
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('patient_history', 'Patient', history_of => 'patient');
SET client_min_messages = warning;
SELECT fhir_access.unprotect('patient');
DROP TABLE patient;
SELECT relation, history_of FROM fhir_access.protected_relation WHERE history_of IS NOT NULL ORDER BY relation::text;
-- Given up, it is a closed table like any other.
SELECT fhir_access.unprotect('patient_history');
SET ROLE app;
SELECT count(*) FROM patient_history;
