-- Histories in other layouts: versions as text, with a project column and derived columns, of resources that are text as well. A version is
-- judged on its own content and by the resource as it is now. Every hidden value here contains CANARY.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, content text, project text);
CREATE TABLE patient_history (version text PRIMARY KEY, id text, content text, project text, names text[], birth text);
CREATE INDEX ON patient_history (id);
INSERT INTO patient VALUES
    ('ann', '{"resourceType":"Patient","id":"ann","gender":"female"}', 'p'), ('bob', '{"resourceType":"Patient","id":"bob","gender":"male"}', 'p'),
    ('cid', '{"resourceType":"Patient","id":"cid","gender":"male"}', 'q'), ('del', '', 'p');
INSERT INTO patient_history VALUES
    ('a1', 'ann', '{"resourceType":"Patient","id":"ann","gender":"male","name":[{"family":"CANARY"}],"birthDate":"1970"}', 'p', '{CANARY}', '1970'),
    ('a2', 'ann', '{"resourceType":"Patient","id":"ann","gender":"female","name":[{"family":"CANARY"}],"birthDate":"1970"}', 'p', '{CANARY}', '1970'),
    ('a3', 'ann', '{"resourceType":"Patient","id":"ann"', 'p', '{CANARY}', '1970'),
    ('b1', 'bob', '{"resourceType":"Patient",  "id":"bob","gender":"male","name":[{"family":"Bo"}],"birthDate":"1980"}', 'p', '{Bo}', '1980'),
    ('c1', 'cid', '{"resourceType":"Patient","id":"cid","gender":"male"}', 'q', NULL, 'CANARY'),
    ('d1', 'del', '{"resourceType":"Patient","id":"del","gender":"male","name":[{"family":"CANARY"}]}', 'p', '{CANARY}', NULL),
    ('e1', 'gone', '{"resourceType":"Patient","id":"gone","gender":"male","name":[{"family":"CANARY"}]}', 'p', '{CANARY}', NULL);
SELECT fhir_access.protect('patient', 'Patient', 'content', project_column => 'project');
SELECT fhir_access.protect('patient_history', 'Patient', 'content', history_of => 'patient', version_column => 'version',
                           project_column => 'project', derived_columns => '{"names": "name.family", "birth": "birthDate"}');
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "p"}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "two", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?gender=female", "hiddenFields": ["name"]},
    {"resourceType": "Patient", "criteria": "Patient?gender=male"}]}'),
('{"resourceType": "AccessPolicy", "id": "all", "resource": [{"resourceType": "Patient", "hiddenFields": ["name"]}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT format('{"resourceType": "ProjectMembership", "id": "%s", "project": {"reference": "Project/p"}, "accessPolicy": {"reference": "AccessPolicy/%s"}}', id, id)::jsonb FROM unnest(ARRAY['two', 'all']) id;

\c - app
SET fhir_access.membership = 'two';
-- What is hidden of Ann now is hidden of the version in which she was a man. Of a resource that is gone, or that is none now, there is nothing.
SELECT * FROM patient_history ORDER BY version;
SELECT h FROM patient_history h ORDER BY version;
SELECT version FROM patient_history WHERE content LIKE '%CANARY%' OR 'CANARY' = ANY (names);
SELECT fhir_access.vread('Patient', 'ann', 'a1') AS a1, fhir_access.vread('Patient', 'bob', 'b1') AS b1, fhir_access.vread('Patient', 'cid', 'c1') AS c1;
SET fhir_access.membership = 'all';
SELECT version, content, names, birth FROM patient_history ORDER BY version;
UPDATE patient_history SET content = '';
