-- The finished plan is checked for references to what is masked. What the rewriter asks of the stored document by right passes:
-- over partitions and children, in bitmaps of partial indexes, in index-only scans, through joins and sorts.
\ir prologue.sql
CREATE TABLE patient (id text NOT NULL, resource jsonb NOT NULL) PARTITION BY HASH (id);
CREATE TABLE patient_0 PARTITION OF patient FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE patient_1 PARTITION OF patient FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('observation', 'Observation');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "desk", "resource": [
    {"resourceType": "Patient", "hiddenFields": ["name", "text", "contained", "extension"]},
    {"resourceType": "Observation", "criteria": "Observation?status=final", "hiddenFields": ["note", "text", "contained", "extension"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "m", "accessPolicy": {"reference": "AccessPolicy/desk"}}');
INSERT INTO patient SELECT n, jsonb_build_object('resourceType', 'Patient', 'id', n::text, 'gender', (ARRAY['male', 'female'])[1 + n % 2], 'name', 'CANARY') FROM generate_series(1, 8) n;
INSERT INTO observation SELECT n, jsonb_build_object('resourceType', 'Observation', 'id', n::text, 'status', 'final', 'issued', (2000 + n)::text, 'note', 'CANARY',
    'subject', jsonb_build_object('reference', 'Patient/' || n)) FROM generate_series(1, 8) n;
CREATE INDEX ON patient ((resource ->> 'gender'));
CREATE INDEX partial ON observation ((resource ->> 'issued')) WHERE resource ? 'issued';
CREATE INDEX whole ON observation (id) INCLUDE (resource);
VACUUM ANALYZE observation;
\c - app
SET fhir_access.membership = 'm';
SELECT id, resource ->> 'gender' AS gender, resource['gender'] AS subscripted, resource['gender'] ->> 0 AS chained FROM patient WHERE resource ->> 'gender' = 'male' ORDER BY resource ->> 'gender', id;
SELECT id, resource['name'] AS name, resource -> 'name' AS again FROM patient WHERE resource['name'] IS NULL ORDER BY id LIMIT 1;
-- Variables of a JSON path may be anything: then the masked document is asked.
SELECT count(*) FILTER (WHERE jsonb_path_exists(resource, '$.gender ? (@ == $g)', '{"g": "male"}')) AS constant,
       count(*) FILTER (WHERE jsonb_path_exists(resource, '$.gender ? (@ == $g)', resource || '{"g": "male"}')) AS told,
       count(*) FILTER (WHERE jsonb_path_exists(resource, '$.gender ? ($name == "CANARY")', jsonb_build_object('name', resource -> 'name'))) AS leaked FROM patient;
-- The bitmap of a partial index tests its predicate again, in the index's own words.
SET enable_seqscan = off;
SET enable_indexscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM observation WHERE resource ? 'issued' AND resource ->> 'issued' = '2003';
SELECT id FROM observation WHERE resource ? 'issued' AND resource ->> 'issued' = '2003';
SELECT id FROM observation WHERE (resource ? 'issued' AND resource ->> 'issued' = '2003') OR id = '5' ORDER BY id;
-- An index that holds whole documents.
RESET enable_indexscan;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT resource ->> 'issued', resource FROM observation WHERE id = '2';
SELECT resource ->> 'issued' AS issued, resource FROM observation WHERE id = '2';
RESET enable_bitmapscan;
RESET enable_seqscan;
-- Joins, sorts and parameters hand on what is stored to those who may ask it.
SELECT p.id, o.resource ->> 'issued' AS issued FROM patient p JOIN observation o ON o.resource #>> '{subject,reference}' = 'Patient/' || p.id AND p.resource ->> 'gender' = 'male' ORDER BY o.resource ->> 'issued' DESC;
SELECT p.id, (SELECT count(*) FROM observation o WHERE o.resource ->> 'status' <> p.resource ->> 'gender') FROM patient p ORDER BY p.resource ->> 'gender', p.id LIMIT 2;
