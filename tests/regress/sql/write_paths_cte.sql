-- The paths of writing in WITH: each part of a statement is judged as a statement of its own would be, also where several
-- touch the same row.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE observation (id text PRIMARY KEY, note text, resource jsonb NOT NULL);
CREATE TABLE log (what text);
GRANT ALL ON log TO app;
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('observation', 'Observation');
\ir write_paths.sql
SELECT fill('observation');
\set ON_ERROR_ROLLBACK on
\c - app
SET fhir_access.membership = 'ward';

-- What comes back of one part is masked in the others, old row and new.
BEGIN;
WITH changed AS (UPDATE observation SET resource = resource || '{"language": "de", "valueString": "mine"}' WHERE id <> 'fin' RETURNING *),
     removed AS (DELETE FROM observation o USING changed c WHERE o.id <> c.id AND c.id = 'b' AND o.id = 'fin' RETURNING o.*, c.id AS by),
     made AS (INSERT INTO observation SELECT 'after ' || id, resource::text, resource || jsonb_build_object('id', 'after ' || id) FROM changed RETURNING *),
     logged AS (INSERT INTO log SELECT made::text FROM made RETURNING what)
SELECT 'changed', changed::text FROM changed UNION ALL SELECT 'removed', removed::text FROM removed UNION ALL SELECT 'made', made::text FROM made
UNION ALL SELECT 'logged', what FROM logged UNION ALL SELECT 'found', what FROM logged WHERE what LIKE '%CANARY%';
SELECT id, left(difference, 100) AS difference FROM differences('observation');
ROLLBACK;

-- Several parts write the same row: one of them does, and none of them more than it may.
BEGIN;
WITH one AS (UPDATE observation SET note = 'one', resource = resource || '{"valueString": "one"}' WHERE id = 'a' RETURNING id),
     two AS (UPDATE observation SET note = 'two', resource = resource || '{"issued": "two"}' WHERE id = 'a' RETURNING id)
SELECT (SELECT count(*) FROM one) + (SELECT count(*) FROM two) AS updates;
SELECT id, regexp_replace(difference, 'one|two', 'one of them') AS difference FROM differences('observation');
WITH gone AS (DELETE FROM observation WHERE id = 'a' RETURNING id)
UPDATE observation SET note = 'late' WHERE id = 'a' AND EXISTS (SELECT FROM gone) RETURNING id;
SELECT * FROM differences('observation');
ROLLBACK;
-- Deleted and created anew it is a new row, with what its writer saw of the old one less what may not be created: who may
-- delete may do so.
BEGIN;
WITH gone AS (DELETE FROM observation WHERE id = 'b' RETURNING *)
INSERT INTO observation SELECT * FROM gone RETURNING resource;
SELECT id, replace(difference, ', HARM', '') AS difference FROM differences('observation');
ROLLBACK;

-- A part that nobody reads is run all the same, and refused all the same; with it everything.
BEGIN;
WITH unread AS (UPDATE observation SET note = 'x') SELECT 1 AS one;
\echo :LAST_ERROR_SQLSTATE
WITH unread AS (INSERT INTO observation VALUES ('no', 'n', sent('no', 'cancelled'))) UPDATE observation SET note = 'x' WHERE id = 'a';
\echo :LAST_ERROR_SQLSTATE
WITH far AS (UPDATE observation SET note = 'x' WHERE id IN ('far', 'gone') RETURNING id), gone AS (DELETE FROM observation WHERE id IN ('far', 'gone') RETURNING id)
SELECT * FROM far UNION ALL SELECT * FROM gone;
SELECT * FROM differences('observation');
ROLLBACK;

-- Upserts in parts, of a new row, of one that is there, and of one that may not be seen.
BEGIN;
WITH put AS (INSERT INTO observation VALUES ('a', 'put', sent('a') || '{"valueString": "mine", "language": "de"}'), ('x', 'put', sent('x'))
        ON CONFLICT (id) DO UPDATE SET note = excluded.note, resource = excluded.resource RETURNING *)
UPDATE observation o SET note = put.note || ' ' || put.resource::text FROM put WHERE o.id = 'b' AND put.id = 'a' RETURNING o.note;
WITH put AS (INSERT INTO observation VALUES ('far', 'put', sent('far')) ON CONFLICT (id) DO UPDATE SET note = observation.resource::text RETURNING *) SELECT * FROM put;
\echo :LAST_ERROR_SQLSTATE
WITH put AS (INSERT INTO observation VALUES ('far', 'put', sent('far')), ('b', 'put', sent('b')) ON CONFLICT DO NOTHING RETURNING *) SELECT count(*) FROM put;
SELECT id, left(difference, 120) AS difference FROM differences('observation');
ROLLBACK;
