-- fhir_access.protection says which tables are protected, and as what. A privilege to write to it is not enough: a role that may
-- write every table (pg_write_all_data, or a GRANT on all tables of the schema) opens none, and closes none.
\ir prologue.sql
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('observation', 'Observation');
INSERT INTO patient VALUES ('p', '{"resourceType": "Patient", "id": "p"}');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "observer", "resource": [{"resourceType": "Observation"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "observer", "accessPolicy": {"reference": "AccessPolicy/observer"}}');
CREATE VIEW memberships AS SELECT id FROM fhir_access.project_membership;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA fhir_access TO app;

\c - app
SET fhir_access.membership = 'observer';
SELECT id FROM patient;
UPDATE fhir_access.protection SET resource_type = 'Observation' WHERE relation = 'patient'::regclass;
\echo :LAST_ERROR_SQLSTATE
DELETE FROM fhir_access.protection;
INSERT INTO fhir_access.protection (relation, resource_type, resource_column, id_column, irregular_references)
    VALUES ('patient', 'Observation', 'resource', 'id', false) ON CONFLICT (relation) DO UPDATE SET resource_type = excluded.resource_type;
MERGE INTO fhir_access.protection USING (VALUES (1)) AS v(n) ON true WHEN MATCHED THEN DELETE;
TRUNCATE fhir_access.protection;
COPY fhir_access.protection FROM STDIN;
\.
SELECT id FROM patient;
SELECT id FROM memberships;

-- What it keeps for itself it writes itself: that a reference is irregular, that a table is protected, gone, or protected no more.
INSERT INTO observation VALUES ('o', '{"resourceType": "Observation", "id": "o", "subject": {"reference": "Patient/p/_history/1"}}');
\c - postgres
SELECT relation, resource_type, irregular_references FROM fhir_access.protected_relation ORDER BY 1;
GRANT CREATE ON SCHEMA public TO steward;
GRANT EXECUTE ON FUNCTION fhir_access.protect, fhir_access.unprotect TO steward;
\c - steward
CREATE TABLE mine (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE another (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('mine', 'Device'), fhir_access.protect('another', 'Device');
SELECT fhir_access.unprotect('another');
DROP TABLE mine;
\c - postgres
SELECT relation, resource_type FROM fhir_access.protection WHERE resource_type = 'Device';
SELECT relation, resource_type FROM fhir_access.protection ORDER BY 1;
