-- Write constraints: each way to write asks those of the entry that grants the new row, of the row as it will be stored.
-- Hidden values contain CANARY.
\ir prologue.sql

CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('observation', 'Observation'), fhir_access.protect('patient', 'Patient');
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "clinic"}');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "ward", "resource": [{"resourceType": "Observation", "writeConstraint": [
    {"language": "text/fhirpath", "expression": "%before.exists() implies %before.status != ''final''", "description": "a final observation stays as it is"},
    {"language": "text/fhirpath", "expression": "status = ''final'' implies subject.exists()"}]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "ward", "accessPolicy": {"reference": "AccessPolicy/ward"}}');

-- INSERT: there is no stored row.
\c - app
SET fhir_access.membership = 'ward';
INSERT INTO observation VALUES ('o1', '{"resourceType": "Observation", "id": "o1", "status": "preliminary"}') RETURNING id;
INSERT INTO observation VALUES ('o2', '{"resourceType": "Observation", "id": "o2", "status": "final", "subject": {"reference": "Patient/p"}}') RETURNING id;
INSERT INTO observation VALUES ('o3', '{"resourceType": "Observation", "id": "o3", "status": "final"}');
\echo :LAST_ERROR_SQLSTATE
-- One row that is refused undoes the statement.
INSERT INTO observation SELECT 's' || n, jsonb_build_object('resourceType', 'Observation', 'id', 's' || n, 'status', CASE n WHEN 3 THEN 'final' ELSE 'registered' END)
  FROM generate_series(1, 4) n;
SELECT id FROM observation ORDER BY id;

-- UPDATE: what is stored, and what it becomes.
UPDATE observation SET resource = resource || '{"status": "final"}' WHERE id = 'o1';
\echo :LAST_ERROR_SQLSTATE
UPDATE observation SET resource = resource || '{"status": "final", "subject": {"reference": "Patient/p"}}' WHERE id = 'o1' RETURNING id;
UPDATE observation SET resource = resource || '{"status": "amended"}' WHERE id = 'o1';
\echo :LAST_ERROR_SQLSTATE
UPDATE observation SET id = id WHERE id = 'o1';
-- A delete has no constraints.
DELETE FROM observation WHERE id = 'o1' RETURNING id;

-- MERGE: each row as what becomes of it.
INSERT INTO observation VALUES ('m1', '{"resourceType": "Observation", "id": "m1", "status": "preliminary"}');
MERGE INTO observation o USING (VALUES ('m1', 'amended'), ('m2', 'registered')) v(id, status) ON o.id = v.id
    WHEN MATCHED THEN UPDATE SET resource = o.resource || jsonb_build_object('status', v.status)
    WHEN NOT MATCHED THEN INSERT VALUES (v.id, jsonb_build_object('resourceType', 'Observation', 'id', v.id, 'status', v.status));
MERGE INTO observation o USING (VALUES ('m3', 'final')) v(id, status) ON o.id = v.id
    WHEN NOT MATCHED THEN INSERT VALUES (v.id, jsonb_build_object('resourceType', 'Observation', 'id', v.id, 'status', v.status));
MERGE INTO observation o USING (VALUES ('o2'), ('m1')) v(id) ON o.id = v.id
    WHEN MATCHED THEN UPDATE SET resource = o.resource || '{"status": "cancelled"}';
MERGE INTO observation o USING (VALUES ('o2')) v(id) ON o.id = v.id WHEN MATCHED THEN DELETE;
SELECT id, resource ->> 'status' AS status FROM observation ORDER BY id;

-- Who is exempt from policies is not asked.
\c - loader
INSERT INTO observation VALUES ('free', '{"resourceType": "Observation", "id": "free", "status": "final"}') RETURNING id;
UPDATE observation SET resource = resource || '{"status": "amended"}' WHERE id = 'free' RETURNING id;
\c - postgres

-- What is asked is the row as it will be stored: what the writer left out because it is hidden is there again, what may not
-- be written is not, and it has the tags that it gets. And it sees what is stored, hidden or not.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "desk", "resource": [{"resourceType": "Patient", "hiddenFields": ["telecom"], "readonlyFields": ["birthDate"], "writeConstraint": [
    {"language": "text/fhirpath", "expression": "%before.exists() implies ''CANARY'' in telecom.value and ''CANARY'' in %before.telecom.value and birthDate = @1970-01-01"},
    {"language": "text/fhirpath", "expression": "%before.empty() implies telecom.empty() and birthDate.empty()"},
    {"language": "text/fhirpath", "expression": "%resource.meta.where($this is Meta).exists() and %after.gender = gender and %context.id = %rootResource.id", "description": "as it will be stored"},
    {"language": "text/fhirpath", "expression": "gender != ''unknown''", "description": "the gender is known"}]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "desk", "project": {"reference": "Project/clinic"}, "accessPolicy": {"reference": "AccessPolicy/desk"}}');
INSERT INTO patient VALUES ('p1', '{"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1970-01-01", "telecom": [{"value": "CANARY"}], "meta": {"project": "clinic"}}');
\c - app
SET fhir_access.membership = 'desk';
SELECT resource FROM patient;
UPDATE patient SET resource = '{"resourceType": "Patient", "id": "p1", "gender": "male", "birthDate": "2000-01-01", "telecom": [{"value": "mine"}]}' RETURNING resource;
INSERT INTO patient VALUES ('p2', '{"resourceType": "Patient", "id": "p2", "gender": "male", "birthDate": "2000-01-01", "telecom": [{"value": "mine"}]}') RETURNING resource;
UPDATE patient SET resource = resource || '{"gender": "unknown"}' WHERE id = 'p2';
\c - postgres
SELECT resource FROM patient ORDER BY id;

-- The first entry that grants the new row decides: a later one without constraints does not help, and the entry that granted
-- the stored row is not asked.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "stages", "resource": [
    {"resourceType": "Observation", "criteria": "Observation?status=registered", "writeConstraint": [{"language": "text/fhirpath", "expression": "%before.empty()", "description": "nothing goes back"}]},
    {"resourceType": "Observation", "criteria": "Observation?status=preliminary", "writeConstraint": [{"language": "text/fhirpath", "expression": "%before.status = ''registered''", "description": "one step at a time"}]},
    {"resourceType": "Observation", "criteria": "Observation?status=registered,preliminary,final"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "stages", "accessPolicy": {"reference": "AccessPolicy/stages"}}');
DELETE FROM observation;
\c - app
SET fhir_access.membership = 'stages';
INSERT INTO observation VALUES ('a', '{"resourceType": "Observation", "id": "a", "status": "registered"}') RETURNING id;
INSERT INTO observation VALUES ('b', '{"resourceType": "Observation", "id": "b", "status": "preliminary"}');
UPDATE observation SET resource = resource || '{"status": "preliminary"}' RETURNING id;
UPDATE observation SET resource = resource || '{"status": "registered"}';
UPDATE observation SET resource = resource || '{"status": "final"}' RETURNING id;

-- Parameters are variables: a reference is what the text of a reference is compared with, and has an id.
\c - postgres
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "own", "resource": [{"resourceType": "Observation", "criteria": "Observation?status=%state", "writeConstraint": [
    {"language": "text/fhirpath", "expression": "subject.reference = %patient", "description": "of one patient only"},
    {"language": "text/fhirpath", "expression": "performer.all(reference = %profile and reference.endsWith(%profile.id))", "description": "by the writer"},
    {"language": "text/fhirpath", "expression": "status = %state and %`no-one`.length() = 4"}]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "own", "profile": {"reference": "Practitioner/doc"}, "access": [
  {"policy": {"reference": "AccessPolicy/own"}, "parameter": [{"name": "patient", "valueReference": {"reference": "Patient/ann"}}, {"name": "state", "valueString": "final"}, {"name": "no-one", "valueString": "none"}]},
  {"policy": {"reference": "AccessPolicy/own"}, "parameter": [{"name": "patient", "valueReference": {"reference": "Patient/bob"}}, {"name": "state", "valueString": "amended"}, {"name": "no-one", "valueString": "none"}]}]}');
\c - app
SET fhir_access.membership = 'own';
INSERT INTO observation VALUES ('f1', '{"resourceType": "Observation", "id": "f1", "status": "final", "subject": {"reference": "Patient/ann"}, "performer": [{"reference": "Practitioner/doc"}]}') RETURNING id;
INSERT INTO observation VALUES ('f2', '{"resourceType": "Observation", "id": "f2", "status": "final", "subject": {"reference": "Patient/bob"}}');
INSERT INTO observation VALUES ('f3', '{"resourceType": "Observation", "id": "f3", "status": "amended", "subject": {"reference": "Patient/bob"}}') RETURNING id;
INSERT INTO observation VALUES ('f4', '{"resourceType": "Observation", "id": "f4", "status": "amended", "subject": {"reference": "Patient/bob"}, "performer": [{"reference": "Practitioner/other"}]}');

-- A variable that nothing defines, and one that means something else here, make the membership unusable.
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "access": [{"policy": {"reference": "AccessPolicy/own"}, "parameter": [{"name": "state", "valueString": "x"}]}]}';
SELECT count(*) FROM observation;
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "access": [{"policy": {"reference": "AccessPolicy/ward"}, "parameter": [{"name": "before", "valueString": "x"}]}]}';
SELECT count(*) FROM observation;
\echo :LAST_ERROR_SQLSTATE
\c - postgres
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "taken", "access": [{"policy": {"reference": "AccessPolicy/ward"}, "parameter": [{"name": "resource", "valueString": "x"}]}]}');

-- A row that moves to another partition is updated: the stored row is the one that it was, also where triggers change it on
-- its way.
CREATE TABLE encounter (id text, year int, resource jsonb NOT NULL, PRIMARY KEY (id, year)) PARTITION BY LIST (year);
CREATE TABLE encounter_2024 PARTITION OF encounter FOR VALUES IN (2024);
CREATE TABLE encounter_2025 PARTITION OF encounter FOR VALUES IN (2025);
SELECT fhir_access.protect('encounter', 'Encounter');
INSERT INTO encounter SELECT s, 2024, jsonb_build_object('resourceType', 'Encounter', 'id', s, 'status', s) FROM unnest('{planned,arrived,finished}'::text[]) s;
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "visits", "resource": [{"resourceType": "Encounter", "interaction": ["search", "update"], "writeConstraint": [
    {"language": "text/fhirpath", "expression": "%before.status != ''finished''", "description": "what is over is over"},
    {"language": "text/fhirpath", "expression": "%before.status != status or %before.status = ''planned''", "description": "only what is planned is moved"}]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "visits", "accessPolicy": {"reference": "AccessPolicy/visits"}}');
\c - app
SET fhir_access.membership = 'visits';
UPDATE encounter SET year = 2025 WHERE id = 'planned' RETURNING tableoid::regclass, id;
UPDATE encounter SET year = 2025 WHERE id = 'arrived';
UPDATE encounter SET year = 2025 WHERE id = 'finished';
UPDATE encounter SET year = 2025, resource = resource || '{"status": "triaged"}' WHERE id = 'arrived' RETURNING tableoid::regclass, id;
\c - postgres
CREATE FUNCTION arrive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.resource := NEW.resource || '{"status": "planned"}';
    RETURN NEW;
END $$;
CREATE TRIGGER a_arrive BEFORE INSERT ON encounter FOR EACH ROW EXECUTE FUNCTION arrive();
UPDATE encounter SET year = 2024, resource = resource || '{"status": "triaged"}';
\c - app
SET fhir_access.membership = 'visits';
UPDATE encounter SET year = 2025, resource = resource || '{"status": "onleave"}' WHERE id = 'planned' RETURNING tableoid::regclass, resource;
\c - postgres
UPDATE encounter SET resource = resource || '{"status": "arrived"}' WHERE id = 'arrived';
CREATE OR REPLACE FUNCTION arrive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.resource := NEW.resource || '{"status": "arrived"}';
    RETURN NEW;
END $$;
\c - app
SET fhir_access.membership = 'visits';
-- As it arrives it has the status that it had.
UPDATE encounter SET year = 2025, resource = resource || '{"status": "onleave"}' WHERE id = 'arrived';
\c - postgres

-- What a foreign key's action updates counts as written by whoever started it.
CREATE TABLE device (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE devicemetric (id text PRIMARY KEY, device text REFERENCES device ON DELETE SET NULL, resource jsonb NOT NULL);
SELECT fhir_access.protect('device', 'Device'), fhir_access.protect('devicemetric', 'DeviceMetric');
INSERT INTO device SELECT d, jsonb_build_object('resourceType', 'Device', 'id', d) FROM unnest('{d1,d2}'::text[]) d;
INSERT INTO devicemetric VALUES ('m1', 'd1', '{"resourceType": "DeviceMetric", "id": "m1", "operationalStatus": "on"}'), ('m2', 'd2', '{"resourceType": "DeviceMetric", "id": "m2", "operationalStatus": "off"}');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "devices", "resource": [{"resourceType": "Device"}, {"resourceType": "DeviceMetric", "writeConstraint": [
    {"language": "text/fhirpath", "expression": "%before.operationalStatus != ''on''"}]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "devices", "accessPolicy": {"reference": "AccessPolicy/devices"}}');
\c - app
SET fhir_access.membership = 'devices';
DELETE FROM device WHERE id = 'd1';
DELETE FROM device WHERE id = 'd2' RETURNING id;

-- now() is when the transaction began, in UTC, whatever the session's time zone is.
\c - postgres
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "clock", "resource": [{"resourceType": "Observation", "writeConstraint": [
    {"language": "text/fhirpath", "expression": "now() = issued and now().toString() = issued.toString() and today().toString() = value.ofType(string)"}]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "clock", "accessPolicy": {"reference": "AccessPolicy/clock"}}');
\c - app
SET fhir_access.membership = 'clock';
BEGIN;
SET LOCAL TimeZone = 'Pacific/Kiritimati';
SELECT pg_sleep(0.01);
INSERT INTO observation SELECT 'now', jsonb_build_object('resourceType', 'Observation', 'id', 'now',
    'issued', utc, 'valueString', left(utc, 10))
  FROM to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') utc RETURNING id;
INSERT INTO observation VALUES ('then', jsonb_build_object('resourceType', 'Observation', 'id', 'then', 'issued', clock_timestamp()));
ROLLBACK;
