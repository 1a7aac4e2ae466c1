-- doctor(): what is not as it should be, in one list: protection, documents, indexes. A clean database has an empty one.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE INDEX ON patient USING gin (resource jsonb_path_ops);
SELECT fhir_access.protect('patient', 'Patient');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "p", "resource": [{"resourceType": "Patient",
   "writeConstraint": [{"language": "text/fhirpath", "expression": "%before.exists() implies active and name.exists()"}]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "m", "accessPolicy": {"reference": "AccessPolicy/p"}}');
SELECT * FROM fhir_access.doctor();

-- Documents: a membership that may do everything, one that names what is not there.
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "everything"}'),
('{"resourceType": "ProjectMembership", "id": "lost", "project": {"reference": "Project/gone"}, "access": [{"policy": {"reference": "AccessPolicy/gone"}}]}');
SELECT * FROM fhir_access.doctor() ORDER BY subject, message;
DELETE FROM fhir_access.project_membership WHERE id IN ('everything', 'lost');

-- A document that was stored under other limits, and does not validate under these.
INSERT INTO fhir_access.access_policy (resource)
SELECT jsonb_build_object('resourceType', 'AccessPolicy', 'id', 'deep', 'resource', jsonb_build_array(jsonb_build_object(
    'resourceType', 'Patient', 'writeConstraint', jsonb_build_array(jsonb_build_object(
        'language', 'text/fhirpath', 'expression', repeat('(', 50) || 'active' || repeat(')', 50))))));
SELECT * FROM fhir_access.doctor();
SET fhir_access.fhirpath_depth = 20;
SELECT severity, subject, message FROM fhir_access.doctor();
RESET fhir_access.fhirpath_depth;

-- Indexes: a partitioned table is named once, not each partition; a history, which is found by its id, not for its documents.
CREATE TABLE observation (id text, year integer, resource jsonb NOT NULL, project text) PARTITION BY LIST (year);
CREATE TABLE observation_2025 PARTITION OF observation FOR VALUES IN (2025);
SELECT fhir_access.protect('observation', 'Observation', project_column => 'project');
CREATE TABLE patient_history (id text NOT NULL, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient_history', 'Patient', history_of => 'patient');
SELECT * FROM fhir_access.doctor() ORDER BY message;
CREATE INDEX ON observation USING gin (resource jsonb_path_ops);
CREATE INDEX ON observation (project);
SELECT * FROM fhir_access.doctor();

-- Protection: a trigger that comes after ours, one that is off, row security that is off, no index.
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER zzzz BEFORE UPDATE ON patient FOR EACH ROW EXECUTE FUNCTION nothing();
DROP INDEX patient_resource_idx;
ALTER TABLE patient DISABLE TRIGGER fhir_access_truncate, DISABLE ROW LEVEL SECURITY;
SELECT * FROM fhir_access.doctor() ORDER BY severity, message;

-- It is for those who look after the database.
\c - app
SELECT * FROM fhir_access.doctor();
