-- The paths of writing, one statement after another: what may be written is written right, what may not is refused (42501) or
-- not found, nothing hidden comes back, and nothing that is hidden, readonly or somebody else's changes.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE observation (id text PRIMARY KEY, note text, resource jsonb NOT NULL);
CREATE TABLE inbox (id text, note text, status text);
INSERT INTO inbox VALUES ('a', 'from inbox', 'preliminary'), ('new', 'n', 'registered');
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('observation', 'Observation');
\ir write_paths.sql
SELECT fill('observation');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "clerk", "resource": [{"resourceType": "Observation"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "clerk", "project": {"reference": "Project/clinic"}, "accessPolicy": {"reference": "AccessPolicy/clerk"}}');
\set ON_ERROR_ROLLBACK on
\c - app
SET fhir_access.membership = 'ward';

-- What the writer sees.
SELECT * FROM observation ORDER BY id;

-- UPDATE without WHERE reaches final, which must stay; with it, the other rows.
BEGIN;
UPDATE observation SET note = 'all';
UPDATE observation SET resource = resource || '{"valueString": "mine", "issued": "2024", "language": "de"}' WHERE resource ->> 'status' <> 'final' RETURNING *;
SELECT * FROM differences('observation');
ROLLBACK;
-- A document that is made of nothing, of the column, of a part of it, of another column, of the whole row.
BEGIN;
UPDATE observation SET resource = sent(id) WHERE id = 'a' RETURNING resource;
UPDATE observation SET resource['valueString'] = '"mine"', resource['code']['text'] = '"x"' WHERE id = 'b' RETURNING resource;
SELECT * FROM differences('observation');
UPDATE observation o SET note = o::text || resource['valueString']::text || (resource -> 'subject')::text WHERE id = 'a' RETURNING note;
UPDATE observation o SET note = (to_jsonb(o) - 'note')::text WHERE id = 'b' RETURNING note;
UPDATE observation SET (note, resource) = (SELECT i.note || observation.resource::text, observation.resource || jsonb_build_object('status', i.status) FROM inbox i WHERE i.id = observation.id)
 WHERE id = 'a' RETURNING *;
UPDATE observation SET (resource, note) = ROW (resource || '{"language": "en"}', DEFAULT) WHERE id = 'b' RETURNING *;
SELECT * FROM differences('observation');
ROLLBACK;
-- UPDATE … FROM, joined with other tables, itself, and what it is not to see.
BEGIN;
UPDATE observation o SET note = i.note, resource = o.resource || jsonb_build_object('status', i.status, 'valueString', i.note) FROM inbox i WHERE i.id = o.id RETURNING o.*, i.*;
UPDATE observation o SET note = other.id || ' ' || other.resource::text FROM observation other WHERE o.id = 'b' AND other.id <> 'b' RETURNING o.note, other;
UPDATE observation o SET note = 'found' FROM observation other WHERE other.resource::text || other.note LIKE '%CANARY%' AND other.id <> 'a' RETURNING o.id;
UPDATE observation SET resource = resource || '{"valueString": "mine"}' WHERE resource ->> 'valueString' LIKE 'CANARY%' RETURNING id;
SELECT * FROM differences('observation');
ROLLBACK;
-- DELETE: a final one may go, nothing forbids it; what cannot be seen stays.
BEGIN;
DELETE FROM observation WHERE resource::text LIKE '%CANARY%' OR id = 'far';
DELETE FROM observation o USING observation other WHERE o.id = 'a' AND other.id = 'b' RETURNING o, other.resource;
DELETE FROM observation USING inbox i, observation hidden WHERE hidden.id IN ('far', 'gone') RETURNING i;
DELETE FROM observation RETURNING *;
SELECT * FROM differences('observation');
ROLLBACK;

-- INSERT: several rows, SELECT from the table itself and others, RETURNING of each; a row for another project comes to this one.
BEGIN;
INSERT INTO observation VALUES ('x', 'n', sent('x')), ('y', 'n', stored('y', 'final', 'elsewhere')) RETURNING *;
INSERT INTO observation SELECT 'copy of ' || id, resource::text, resource || jsonb_build_object('id', 'copy of ' || id) FROM observation WHERE id < 'c' RETURNING id, note, resource;
INSERT INTO observation (id, resource) SELECT i.id, sent(i.id, i.status) FROM inbox i LEFT JOIN observation o ON o.id = i.id WHERE o.id IS NULL RETURNING id;
INSERT INTO observation VALUES ('z', 'n', sent('z')), ('no', 'n', sent('no', 'cancelled'));
\echo :LAST_ERROR_SQLSTATE
INSERT INTO observation VALUES ('far', 'n', sent('far'));
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM differences('observation');
ROLLBACK;

-- SELECT FOR UPDATE, cursors, and rows where they stand.
BEGIN;
SELECT id FROM observation ORDER BY id FOR UPDATE;
SELECT id FROM observation WHERE id IN ('a', 'far') FOR SHARE;
DECLARE here CURSOR FOR SELECT id, resource FROM observation WHERE id IN ('a', 'b', 'far') FOR UPDATE;
FETCH here;
UPDATE observation SET resource = resource || '{"valueString": "mine", "language": "de"}' WHERE CURRENT OF here RETURNING resource;
FETCH here;
DELETE FROM observation WHERE CURRENT OF here RETURNING resource;
FETCH here;
SELECT * FROM differences('observation');
ROLLBACK;

-- Prepared for one membership and run for another: what each may do is what counts, and what each may see.
PREPARE change AS UPDATE observation SET resource = resource || '{"language": "de", "valueString": "mine"}' WHERE id IN ('a', 'far') RETURNING id, resource;
PREPARE make (text) AS INSERT INTO observation VALUES ($1, 'n', stored($1, 'final', 'clinic')) RETURNING resource;
SET plan_cache_mode = force_generic_plan;
BEGIN;
EXECUTE change;
EXECUTE make ('x');
SET LOCAL fhir_access.membership = 'other';
EXECUTE change;
EXECUTE make ('y');
SELECT id, difference FROM differences('observation');
SET LOCAL fhir_access.membership = '';
EXECUTE change;
\echo :LAST_ERROR_SQLSTATE
EXECUTE make ('z');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
RESET plan_cache_mode;
-- Switched by the statement itself: it ends before a row is written that was read for somebody else, be it granted to one, to the
-- other or to both. Here the other one sees all of it, and what was left out for the first would be lost.
BEGIN;
UPDATE observation SET resource = resource || '{"language": "de"}' WHERE set_config('fhir_access.membership', 'clerk', true) IS NOT NULL AND id < 'c';
\echo :LAST_ERROR_SQLSTATE
DELETE FROM observation WHERE set_config('fhir_access.membership', CASE id WHEN 'a' THEN 'ward' ELSE 'clerk' END, true) IS NOT NULL AND id < 'c';
\echo :LAST_ERROR_SQLSTATE
INSERT INTO observation SELECT 'x', set_config('fhir_access.membership', 'other', true), sent('x');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM differences('observation');
ROLLBACK;

-- plpgsql: loops, records, dynamic statements, what is caught; functions with the rights of others.
DO $$
DECLARE
    o observation;
    answer text;
BEGIN
    FOR o IN SELECT * FROM observation ORDER BY id LOOP
        BEGIN
            o.resource := o.resource || '{"valueString": "mine", "language": "de"}';
            UPDATE observation SET resource = o.resource WHERE id = o.id RETURNING observation.resource INTO answer;
            RAISE NOTICE '% %', o.id, answer;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE NOTICE '% %', SQLSTATE, SQLERRM;
        END;
    END LOOP;
    EXECUTE 'UPDATE observation SET note = $1 WHERE id = $2 RETURNING resource' INTO answer USING 'dynamic', 'far';
    RAISE NOTICE 'far %', answer;
END $$;
SELECT * FROM differences('observation');
\c - postgres
CREATE FUNCTION by_steward() RETURNS SETOF observation LANGUAGE sql SECURITY DEFINER AS
    $$ UPDATE observation SET resource = resource || '{"valueString": "mine"}' WHERE id <> 'fin' RETURNING * $$;
CREATE FUNCTION by_owner() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS
    $$ UPDATE observation SET note = 'owner' WHERE id = 'far' RETURNING id $$;
GRANT SELECT, UPDATE ON observation TO steward;
ALTER FUNCTION by_steward OWNER TO steward;
\c - app
SET fhir_access.membership = 'ward';
BEGIN;
SELECT * FROM by_steward() ORDER BY id;
SELECT * FROM by_owner();
SELECT * FROM differences('observation');
ROLLBACK;

-- Savepoints: what is rolled back was not written, and what follows is judged anew.
BEGIN;
UPDATE observation SET note = 'kept' WHERE id = 'a';
SAVEPOINT s;
UPDATE observation SET note = 'lost', resource = resource || '{"valueString": "mine"}' WHERE id < 'c';
SET LOCAL fhir_access.membership = 'other';
UPDATE observation SET note = 'lost' WHERE id = 'far' RETURNING id;
ROLLBACK TO s;
UPDATE observation SET note = 'n' WHERE id IN ('b', 'far') RETURNING id;
SELECT * FROM differences('observation');
ROLLBACK;
