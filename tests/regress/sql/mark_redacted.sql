-- fhir_access.mark_redacted: what is shown of a row of which something may be hidden has HL7's label REDACTED in meta.security, so that
-- an application can tell what is absent from what is withheld. Each row of an entry that hides something has it, whether there was
-- such a field or not: the label tells nothing of the row. It is not stored when what was read is written back.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL, labels text);
CREATE TABLE patient_history (id text NOT NULL, version text NOT NULL, resource jsonb NOT NULL);
CREATE TABLE note (id text PRIMARY KEY, resource json NOT NULL);
SELECT fhir_access.protect('patient', 'Patient', derived_columns => '{"labels": "meta.security"}'),
       fhir_access.protect('patient_history', 'Patient', history_of => 'patient', version_column => 'version'), fhir_access.protect('note', 'Communication');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "desk", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?active=true", "hiddenFields": ["name"]},
    {"resourceType": "Patient", "criteria": "Patient?active=false", "hiddenFields": ["meta"]},
    {"resourceType": "Patient"}, {"resourceType": "Communication", "hiddenFields": ["payload"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "m", "accessPolicy": {"reference": "AccessPolicy/desk"}}');
-- Each with and without a hidden field, and with a label of its own.
INSERT INTO patient VALUES
('a1', '{"resourceType": "Patient", "id": "a1", "active": true, "name": [{"family": "CANARY"}], "multipleBirthInteger": 1.0}', 'none'),
('a2', '{"resourceType": "Patient", "id": "a2", "active": true, "meta": {"versionId": "7", "security": [{"code": "R"}]}}', 'R'),
('a3', '{"resourceType": "Patient", "id": "a3", "active": true, "meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "REDACTED"}, {"code": "R"}]}}', 'REDACTED'),
('a4', '{"resourceType": "Patient", "id": "a4", "active": true, "meta": 5}', NULL),
('b1', '{"resourceType": "Patient", "id": "b1", "active": false, "meta": {"versionId": "CANARY"}}', 'CANARY'),
('b2', '{"resourceType": "Patient", "id": "b2", "active": false, "meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "REDACTED", "display": "CANARY"}]}}', 'CANARY'),
('c', '{"resourceType": "Patient", "id": "c", "name": [{"family": "seen"}]}', 'none');
INSERT INTO patient_history SELECT id, '1', resource FROM patient;
INSERT INTO note VALUES ('n', '{"resourceType": "Communication", "id": "n",  "payload": "CANARY", "status": "completed"}');
CREATE TABLE before AS SELECT * FROM patient;

\c - app
SET fhir_access.membership = 'm';
PREPARE reading AS SELECT id, resource FROM patient ORDER BY id;
SET plan_cache_mode = force_generic_plan;
EXECUTE reading;
-- Everybody may set it; cached plans follow, and back again on rollback.
BEGIN;
SET LOCAL fhir_access.mark_redacted = on;
EXECUTE reading;
ROLLBACK;
SELECT count(*) FILTER (WHERE resource::text LIKE '%REDACTED%') AS marked FROM patient;
SET fhir_access.mark_redacted = on;
CREATE FUNCTION pg_temp.marked() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM patient WHERE resource::text LIKE ''%REDACTED%''); END';
SELECT pg_temp.marked();
SET fhir_access.mark_redacted = off;
SELECT pg_temp.marked();
SET fhir_access.mark_redacted = on;

-- In every form in which a row is shown, conditions included.
SELECT p FROM patient p WHERE id = 'a1';
SELECT to_jsonb(p) -> 'resource' -> 'meta' AS meta FROM patient p WHERE id = 'a1';
COPY (SELECT resource FROM patient WHERE id = 'a1') TO STDOUT;
COPY note TO STDOUT;
SELECT fhir_access.read('Patient', 'a1');
SELECT fhir_access.vread('Patient', 'a2', '1');
SELECT id, resource -> 'meta' AS meta FROM patient_history WHERE id < 'b' ORDER BY id;
SELECT id FROM patient WHERE resource @> '{"meta": {"security": [{"code": "REDACTED"}]}}' ORDER BY id;
-- Columns say what they say.
SELECT id, labels FROM patient ORDER BY id;

-- Written back, nothing of it is stored: with the setting on or off, by an update, an upsert, MERGE and COPY.
UPDATE patient SET resource = resource RETURNING id, resource -> 'meta' AS meta;
UPDATE patient SET resource = jsonb_set(resource, '{gender}', '"male"') WHERE id = 'a1';
UPDATE patient SET resource = resource - 'gender' WHERE id = 'a1';
INSERT INTO patient (id, resource) SELECT id, resource FROM patient ON CONFLICT (id) DO UPDATE SET resource = EXCLUDED.resource;
MERGE INTO patient t USING (SELECT id, resource FROM patient) s ON s.id = t.id WHEN MATCHED AND t.id > 'b' THEN UPDATE SET labels = t.labels WHEN MATCHED THEN UPDATE SET resource = s.resource;
UPDATE note SET resource = (resource::jsonb || '{"note": [{"text": "mine"}]}')::json;
CREATE TEMP TABLE copied AS SELECT id, resource FROM patient;
SET fhir_access.mark_redacted = off;
UPDATE patient p SET resource = c.resource FROM copied c WHERE c.id = p.id;
-- A label that is stored stays, also where it is left out; one that is not is not added.
UPDATE patient SET resource = jsonb_set(resource, '{meta}', '{"security": [{"code": "R"}]}') WHERE id = 'a3';
\c - postgres
SELECT b.id, b.resource AS before, p.resource AS after FROM before b JOIN patient p USING (id) WHERE b.resource <> p.resource;
SELECT resource FROM note;
-- A copy is a resource of its own. Where the entry for it hides something, the label is again the reading's; where not, it is the copy's.
\c - app
SET fhir_access.membership = 'm';
SET fhir_access.mark_redacted = on;
INSERT INTO patient (id, resource) SELECT 'copy-1', resource || '{"id": "copy-1"}' FROM patient WHERE id = 'a1';
INSERT INTO patient (id, resource) SELECT 'copy-2', resource - 'active' || '{"id": "copy-2"}' FROM patient WHERE id = 'a1';
COPY patient (id, resource) FROM STDIN;
copy-3	{"resourceType": "Patient", "id": "copy-3", "active": true, "meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "REDACTED", "display": "redacted"}]}}
\.
-- Nor is it taken for a hidden field that was sent, where such are errors.
SET fhir_access.readonly_violation = 'error';
UPDATE patient SET resource = resource || '{"gender": "male"}' WHERE id IN ('a2', 'b1', 'b2');
INSERT INTO patient (id, resource) SELECT 'copy-4', resource || '{"id": "copy-4"}' FROM patient WHERE id = 'b2';
\c - postgres
SELECT id, resource FROM patient WHERE id LIKE 'copy%' OR resource ? 'gender' ORDER BY id;
