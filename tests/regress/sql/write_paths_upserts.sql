-- The paths of writing that insert or update, as they find it: INSERT … ON CONFLICT and MERGE, with tags, hidden and readonly
-- fields. What is left out of a new row is not lost where it takes a stored row's place.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE observation (id text PRIMARY KEY, note text, code text UNIQUE, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('observation', 'Observation');
\ir write_paths.sql
SELECT fill('observation');
\set ON_ERROR_ROLLBACK on
\c - app
SET fhir_access.membership = 'ward';

-- DO NOTHING, and DO UPDATE of rows that may be written, that are final, that are not seen. What is read of the row that is
-- there, and of the one that was brought, is what the writer may see.
BEGIN;
INSERT INTO observation SELECT id, 'n', NULL, stored(id, 'preliminary', 'elsewhere') FROM unnest('{a,gone,far,x}'::text[]) id ON CONFLICT DO NOTHING RETURNING *;
INSERT INTO observation SELECT id, 'n', NULL, sent(id) FROM unnest('{a,fin}'::text[]) id ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO observation VALUES ('gone', 'n', NULL, sent('gone')) ON CONFLICT (id) DO UPDATE SET note = observation.note, resource = excluded.resource RETURNING *;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO observation SELECT id, id, NULL, stored(id, 'registered', 'elsewhere') || '{"language": "de"}' FROM unnest('{a,b,y}'::text[]) id
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource, note = concat('was ', observation.note, observation.resource -> 'valueString', ' is ', excluded.resource -> 'valueString', excluded.resource -> 'meta') RETURNING *;
INSERT INTO observation VALUES ('b', 'n', NULL, sent('b')) ON CONFLICT (id) DO UPDATE SET note = 'found' WHERE observation::text LIKE '%CANARY%' RETURNING id;
INSERT INTO observation VALUES ('far', 'n', NULL, sent('far')) ON CONFLICT (id) DO UPDATE SET note = 'found' WHERE observation.note = 'CANARY' RETURNING id;
SELECT * FROM differences('observation');
ROLLBACK;

-- A conflict about another key: the row that is updated is not the one that was brought, and keeps what the latter may not bring.
\c - postgres
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "two-faced", "resource": [
    {"resourceType": "Observation", "criteria": "Observation?status=preliminary", "hiddenFields": ["value[x]"]},
    {"resourceType": "Observation", "criteria": "Observation?status=registered", "readonlyFields": ["method"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
    ('{"resourceType": "ProjectMembership", "id": "two-faced", "project": {"reference": "Project/clinic"}, "accessPolicy": {"reference": "AccessPolicy/two-faced"}}');
INSERT INTO observation VALUES ('c1', 'n', 'one', '{"resourceType": "Observation", "status": "preliminary", "method": {"text": "kept"}, "valueString": "CANARY", "meta": {"project": "clinic"}}');
BEGIN;
SET LOCAL ROLE app;
SELECT fhir_access.set_session('two-faced') IS NOT NULL AS set;
INSERT INTO observation VALUES ('c2', 'n', 'one', '{"resourceType": "Observation", "status": "registered", "method": {"text": "mine"}}')
    ON CONFLICT (code) DO UPDATE SET resource = excluded.resource RETURNING id;
RESET ROLE;
SELECT id, resource FROM observation WHERE code = 'one';
ROLLBACK;
-- What was left out of a row that was inserted before does not count for it.
BEGIN;
SET LOCAL ROLE app;
SELECT fhir_access.set_session('two-faced') IS NOT NULL AS set;
INSERT INTO observation VALUES ('c3', 'n', 'three', '{"resourceType": "Observation", "status": "registered", "method": {"text": "mine"}}'),
                               ('c4', 'n', 'one', '{"resourceType": "Observation", "status": "preliminary", "method": {"text": "new"}}')
    ON CONFLICT (code) DO UPDATE SET resource = excluded.resource RETURNING id;
RESET ROLE;
SELECT id, resource FROM observation WHERE id LIKE 'c%' ORDER BY id;
ROLLBACK;
DELETE FROM observation WHERE code = 'one';

-- MERGE: each action for itself, on rows that may be written and on rows that may not.
\c - app
SET fhir_access.membership = 'ward';
BEGIN;
MERGE INTO observation o USING (VALUES ('a', 1), ('b', 2), ('fin', 3), ('gone', 2), ('far', 3), ('x', 1), ('y', 4)) v(id, n) ON o.id = v.id
    WHEN MATCHED AND n = 1 THEN UPDATE SET note = o.resource::text || v.id, resource = o.resource || '{"valueString": "mine", "issued": "2024", "language": "de"}'
    WHEN MATCHED AND n = 2 THEN UPDATE SET note = 'm', resource = stored(v.id, 'final', 'elsewhere')
    WHEN MATCHED AND n = 3 THEN DO NOTHING
    WHEN NOT MATCHED AND n = 1 THEN INSERT (id, note, resource) VALUES (v.id, 'n', stored(v.id, 'final', 'elsewhere'));
SELECT * FROM differences('observation');
ROLLBACK;
BEGIN;
MERGE INTO observation o USING (VALUES ('fin')) v(id) ON o.id = v.id WHEN MATCHED THEN UPDATE SET note = 'm';
\echo :LAST_ERROR_SQLSTATE
MERGE INTO observation o USING (VALUES ('a')) v(id) ON o.id = v.id WHEN MATCHED THEN UPDATE SET resource = o.resource || '{"status": "cancelled"}';
\echo :LAST_ERROR_SQLSTATE
MERGE INTO observation o USING (VALUES ('far')) v(id) ON o.id = v.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id, resource) VALUES (v.id, sent(v.id));
\echo :LAST_ERROR_SQLSTATE
MERGE INTO observation o USING (VALUES ('z')) v(id) ON o.id = v.id WHEN NOT MATCHED THEN INSERT (id, resource) VALUES (v.id, sent(v.id, 'cancelled'));
\echo :LAST_ERROR_SQLSTATE
MERGE INTO observation o USING observation s ON o.id = s.id AND s.resource ->> 'valueString' LIKE 'CANARY%' WHEN MATCHED THEN DELETE;
MERGE INTO observation o USING (VALUES ('a'), ('b')) v(id) ON o.id = v.id WHEN MATCHED AND o::text LIKE '%CANARY%' THEN UPDATE SET note = 'found' WHEN MATCHED THEN DELETE;
SELECT * FROM differences('observation');
ROLLBACK;

-- Where violations are errors, an action that does not set the resource sends nothing, also beside one that does.
SET fhir_access.readonly_violation = 'error';
BEGIN;
MERGE INTO observation o USING (VALUES ('a', 1), ('b', 2)) v(id, n) ON o.id = v.id
    WHEN MATCHED AND n = 1 THEN UPDATE SET note = concat('m', o.resource -> 'valueString')
    WHEN MATCHED THEN UPDATE SET resource = o.resource || '{"language": "de"}';
MERGE INTO observation o USING (VALUES ('a', 1), ('b', 2)) v(id, n) ON o.id = v.id
    WHEN MATCHED AND n = 1 THEN UPDATE SET note = 'm' WHEN MATCHED THEN UPDATE SET resource = o.resource || '{"valueString": "CANARY b"}';
\echo :LAST_ERROR_SQLSTATE
MERGE INTO observation o USING (VALUES ('a', 1), ('b', 2)) v(id, n) ON o.id = v.id
    WHEN MATCHED AND n = 1 THEN UPDATE SET note = 'm' WHEN MATCHED THEN UPDATE SET resource = o.resource || '{"issued": "2024"}';
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM differences('observation');
ROLLBACK;
RESET fhir_access.readonly_violation;
