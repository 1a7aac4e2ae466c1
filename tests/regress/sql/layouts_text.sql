-- Tables whose resources are text that holds JSON. What there is for jsonb holds for them: rows, fields, writes and indexes. A text
-- that is no JSON belongs to no resource, and no error quotes it. Every hidden value here contains CANARY.
\ir prologue.sql

-- ---------------------------------------------------------------------------------------------------------------------
-- fhir_access.document() is PostgreSQL's own cast, but for what is no JSON: that gives NULL.
CREATE FUNCTION cast_by_postgresql(text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN $1::jsonb::text;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;
CREATE TABLE texts AS SELECT * FROM unnest(ARRAY[
    '', ' ', 'null', 'true', ' {} ', '[1, 2]', '{"a": 1, "a": 2}', '{"a": {"b": 1}, "a": {"c": 1.10}}', '1e2', '1.10', '-0', '-0.0', '01', '1.', '.5', '+1', '1e', '1e+2',
    '1E-3', '1e400', '1e131071', '1e131072', '1e-16383', '1e-16384', '-', 'nul', 'nulll', 'True', 'NaN', 'Infinity', '"a', '"a"', '"\x"', '"\u00e4"', '"\u0000"', '"\ud83d\ude00"',
    '"\ud83d"', '"\ude00"', '"\ud83dx"', '"\u12g4"', E'"\t"', E'"\u0001"', E'\t{"a":\n1\r}', E'\f{}', E'\u00a0{}', '{"a": 1,}', '{"a"}', '{a: 1}', '{''a'': 1}', '[1,]', '[,1]', '[1 2]',
    '{"a": 1} x', '{"a": 1}{"b": 2}', '/* c */ {}', '{"": 1}', '{"bb": 1, "a": 2, "ccc": 3}', '["\/\b\f\n\r\t\"\\"]', repeat('[', 3000) || repeat(']', 3000), repeat('[', 100), '{"a": [', E'\u2028{}', '😀', '"😀"',
    '123456789012345678901234567890.123456789012345678901234567890']) AS t (text);
SELECT count(*) AS texts, count(fhir_access.document(text)) AS documents,
       count(*) FILTER (WHERE fhir_access.document(text)::text IS DISTINCT FROM cast_by_postgresql(text)) AS others
  FROM texts;
-- The same for all short texts of these characters, and for random pieces of real JSON.
SELECT count(*) AS texts, count(fhir_access.document(t)) AS documents, count(*) FILTER (WHERE fhir_access.document(t)::text IS DISTINCT FROM cast_by_postgresql(t)) AS others
  FROM (SELECT concat(a, b, c, d) FROM unnest('{"{","}","[","]","1","0","\"","-",".",",",":","e",""}'::text[]) a, unnest('{"{","}","[","]","1","0","\"","-",".",",",":","e",""}'::text[]) b,
               unnest('{"{","}","[","]","1","0","\"","-",".",",",":","e",""}'::text[]) c, unnest('{"{","}","[","]","1","0","\"","-",".",",",":","e",""}'::text[]) d) AS t (t);
SELECT setseed(0.5) \g /dev/null
WITH real (t) AS (VALUES ('{"resourceType": "Patient", "id": "a\u00e9", "n": [1.10, -2e3, null, {"x": {"y": [true, false, ""]}}], "id": "b"}')),
     cut (t) AS (SELECT overlay(t PLACING substr('{}[]",:\u0e1.-tnf ', (random() * 17)::int + 1, 1) FROM (random() * length(t))::int + 1 FOR (random() * 2)::int) FROM real, generate_series(1, 5000))
SELECT count(*) > 100 AS some_are, count(*) < 5000 AS some_are_not, count(*) FILTER (WHERE fhir_access.document(t)::text IS DISTINCT FROM cast_by_postgresql(t)) AS others
  FROM cut WHERE fhir_access.document(t) IS NOT NULL OR cast_by_postgresql(t) IS NOT NULL;
SELECT fhir_access.document('{"a": 1}'::json), fhir_access.document('"\u0000"'::json) IS NULL AS not_jsonb, fhir_access.document(repeat('[', 6001) || repeat(']', 6001)) IS NULL AS too_deep;
SELECT fhir_access.mask_text('{ "b":1.10,"a":{"c":1}, "b":1.20 }', 'a.c'), fhir_access.mask_text('{"a": {"c": 1}}'::json, 'a') AS json,
       fhir_access.mask_text('no JSON', 'a') IS NULL AS none, fhir_access.mask_text('{"a": [' || repeat('1e131071,', 9000) || '1]}', 'b') IS NULL AS too_long;
DROP TABLE texts;

-- ---------------------------------------------------------------------------------------------------------------------
-- A table of text. One row is deleted in the way of servers that keep an empty text, one is broken.
CREATE TABLE patient (id text PRIMARY KEY, content text);
INSERT INTO patient VALUES
    ('ann', '{"resourceType":"Patient","id":"ann",  "gender":"female","birthDate":"CANARY-1970","multipleBirthInteger":1.10}'),
    ('bob', '{"gender":"male","resourceType":"Patient","id":"bob","birthDate":"1980-01-01"}'),
    ('cy',  '{"resourceType":"Patient","id":"cy","name":[{"family":"CANARY"}],"name":[{"given":["Cy"]}],"gender":"female"}'),
    ('del', ''), ('bad', '{"resourceType":"Patient","id":"bad","birthDate":"CANARY'), ('nil', NULL);
SELECT fhir_access.protect('patient', 'Patient', resource_column => 'content');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "desk", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?gender=female", "hiddenFields": ["birthDate", "name.family"]},
    {"resourceType": "Patient", "criteria": "Patient?gender=male"}]}'),
('{"resourceType": "AccessPolicy", "id": "all", "resource": [{"resourceType": "Patient", "readonlyFields": ["birthDate"]}]}'),
('{"resourceType": "AccessPolicy", "id": "own", "compartment": {"reference": "Organization/o"}, "resource": [{"resourceType": "Patient", "criteria": "Patient?_id=ann,bad"}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT format('{"resourceType": "ProjectMembership", "id": "%s", "accessPolicy": {"reference": "AccessPolicy/%s"}}', id, id)::jsonb FROM unnest(ARRAY['desk', 'all', 'own']) id;

\c - app
SET fhir_access.membership = 'desk';
-- With something hidden a text is written as jsonb writes it: what was between its members tells nothing, and of members of one name the last
-- counts. With nothing hidden each byte stays.
SELECT * FROM patient ORDER BY id;
-- Text operators, casts and keys find nothing of what is hidden, and no cast fails on a row that cannot be read.
SELECT count(*) FROM patient WHERE content LIKE '%CANARY%' OR content ~ 'CANARY' OR position('CANARY' IN content) > 0;
SELECT id, content::jsonb ->> 'birthDate' AS born FROM patient WHERE content::jsonb ? 'gender' ORDER BY content::jsonb ->> 'birthDate', id;
SELECT p.content IS NULL AS hidden, row_to_json(p) ->> 'content' LIKE '%CANARY%' AS leaks, p::text LIKE '%CANARY%' AS leaks_too FROM patient p ORDER BY id;
SELECT count(*), max(length(content)) FROM patient GROUP BY substr(content, 1, 20) ORDER BY 2;
-- An entry that asks nothing of a row grants no row without a resource, either.
SET fhir_access.membership = 'all';
SELECT id FROM patient ORDER BY id;
SELECT place, predicate FROM fhir_access.explain('Patient');
SET fhir_access.membership = 'own';
SELECT id FROM patient ORDER BY id;
SELECT place, predicate FROM fhir_access.explain('Patient');
SELECT fhir_access.read('Patient', 'ann') - 'birthDate' AS read, fhir_access.read('Patient', 'bad') AS broken;
SELECT allowed, reason FROM fhir_access.check('Patient/bad', 'read');

-- ---------------------------------------------------------------------------------------------------------------------
-- Writes. What the trigger has nothing to change in stays as it was sent.
SET fhir_access.membership = 'all';
INSERT INTO patient VALUES ('dan', '{ "id":"dan",  "resourceType":"Patient","gender":"male" , "x":1.10}') RETURNING content;
-- A readonly field is dropped, accounts are tagged: then the text is jsonb's.
INSERT INTO patient VALUES ('eve', '{ "id":"eve",  "resourceType":"Patient","birthDate":"1999-01-01"}') RETURNING content;
INSERT INTO patient VALUES ('fay', '{"id":"fay","resourceType":"Patient","meta":{"account":{"reference":"Organization/x"}}}') RETURNING content;
-- Members of one name become one, so that no other reader finds what was not judged.
INSERT INTO patient VALUES ('gus', '{"id":"gus","resourceType":"Patient","gender":"male","birthDate":"1999-01-01","birthDate":null}') RETURNING content;
INSERT INTO patient VALUES ('hal', '{"id":"hal","resourceType":"Patient","name":[{"family":"A"}],"name":[{"family":"B"}]}') RETURNING content;
-- Masked, edited, written back.
SET fhir_access.membership = 'desk';
UPDATE patient SET content = replace(content, '"female"', '"female", "active": true') WHERE id = 'ann' RETURNING content;
UPDATE patient SET content = (content::jsonb || '{"active": false}')::text WHERE id = 'bob' RETURNING content;
UPDATE patient SET content = content WHERE id = 'bob' RETURNING content;
INSERT INTO patient VALUES ('ann', '{"id":"ann","resourceType":"Patient","gender":"female"}') ON CONFLICT (id) DO UPDATE SET content = excluded.content RETURNING content;
-- What is no resource is refused, in words that quote nothing.
INSERT INTO patient VALUES ('new', '');
INSERT INTO patient VALUES ('new', '{"resourceType":"Patient","CANARY');
INSERT INTO patient VALUES ('new', '["CANARY"]');
INSERT INTO patient VALUES ('new', '{"resourceType":"Patient","x":"\u0000"}');
UPDATE patient SET content = '' WHERE id = 'bob';
UPDATE patient SET content = replace(content, 'bob', 'rob') WHERE id = 'bob';
-- A stored row without a resource is nobody's to change.
SET fhir_access.membership = 'all';
UPDATE patient SET content = '{"resourceType":"Patient","id":"bad"}' WHERE id = 'bad' RETURNING id;
DELETE FROM patient WHERE id IN ('bad', 'del', 'nil') RETURNING id;
INSERT INTO patient VALUES ('bad', '{"resourceType":"Patient","id":"bad"}') ON CONFLICT (id) DO UPDATE SET content = excluded.content;
COPY patient FROM STDIN;
ida	{"resourceType":"Patient","id":"ida","birthDate":"2000-01-01"}
\.
COPY patient FROM STDIN;
jon	nothing
\.
\c - postgres
SELECT * FROM patient ORDER BY id;

-- ---------------------------------------------------------------------------------------------------------------------
-- Indexes are made on document(content), and found.
INSERT INTO patient SELECT 'n' || n, format('{"resourceType":"Patient","id":"n%s","gender":"%s","birthDate":"%s","name":[{"family":"N%s"}]}', n, CASE n % 100 WHEN 0 THEN 'other' ELSE 'male' END, date '1950-01-01' + n, n) FROM generate_series(1, 3000) n;
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "other", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender=other"}]}'),
('{"resourceType": "AccessPolicy", "id": "name", "resource": [{"resourceType": "Patient", "criteria": "Patient?name=n29"}]}'),
('{"resourceType": "AccessPolicy", "id": "born", "resource": [{"resourceType": "Patient", "criteria": "Patient?birthdate=1950-03"}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT format('{"resourceType": "ProjectMembership", "id": "%s", "accessPolicy": {"reference": "AccessPolicy/%s"}}', id, id)::jsonb FROM unnest(ARRAY['other', 'name', 'born']) id;
SELECT statement FROM fhir_access.index_advice() ORDER BY 1;
SELECT message, hint FROM fhir_access.doctor() WHERE subject = 'public.patient';
-- Without versions of rows: PostgreSQL keeps a new index from use while somebody may still see old ones.
VACUUM FULL patient;
SELECT statement FROM fhir_access.index_advice() ORDER BY 1 \gexec
SELECT statement FROM fhir_access.index_advice() ORDER BY 1;
SELECT message, hint FROM fhir_access.doctor() WHERE subject = 'public.patient';
ANALYZE patient;
\c - app
SET enable_seqscan = off;
SET fhir_access.membership = 'other';
EXPLAIN (COSTS OFF) SELECT id FROM patient;
SELECT count(*) FROM patient;
SET fhir_access.membership = 'name';
EXPLAIN (COSTS OFF) SELECT id FROM patient;
SELECT count(*) FROM patient;
SET fhir_access.membership = 'born';
EXPLAIN (COSTS OFF) SELECT id FROM patient;
SELECT count(*) FROM patient;

-- ---------------------------------------------------------------------------------------------------------------------
-- varchar is text. A length, a domain and other types are refused.
\c - postgres
CREATE TABLE device (id uuid PRIMARY KEY, content varchar);
CREATE INDEX ON device USING gin ((fhir_access.document(content)) jsonb_path_ops);
INSERT INTO device VALUES ('00000000-0000-0000-0000-000000000001', '{"resourceType":"Device","status":"active","lotNumber":"CANARY"}');
SELECT fhir_access.protect('device', 'Device', 'content');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "device", "resource": [{"resourceType": "Device", "criteria": "Device?status=active", "hiddenFields": ["lotNumber"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "device", "accessPolicy": {"reference": "AccessPolicy/device"}}');
\c - app
SET fhir_access.membership = 'device';
SET enable_seqscan = off;
SELECT content, pg_typeof(content), device FROM device;
UPDATE device SET content = content RETURNING content;
EXPLAIN (COSTS OFF) SELECT id FROM device;
\c - postgres
SELECT content FROM device;
CREATE DOMAIN json_text AS text CHECK (VALUE::jsonb IS NOT NULL);
CREATE TABLE refused (id text, short varchar(100), fixed char(10), domain json_text, bytes bytea);
SELECT fhir_access.protect('refused', 'Patient', 'short');
SELECT fhir_access.protect('refused', 'Patient', 'fixed');
SELECT fhir_access.protect('refused', 'Patient', 'domain');
SELECT fhir_access.protect('refused', 'Patient', 'bytes');
-- The argument that must not be NULL, and a column that changed its type.
SELECT fhir_access.protect('refused', 'Patient', NULL);
SELECT fhir_access.protect(NULL, 'Patient');
SELECT fhir_access.protect('refused', 'Patient', NULL);
DROP INDEX device_document_idx;
ALTER TABLE device ALTER content TYPE jsonb USING content::jsonb;
SET SESSION AUTHORIZATION app;
SET fhir_access.membership = 'device';
SELECT content FROM device;
