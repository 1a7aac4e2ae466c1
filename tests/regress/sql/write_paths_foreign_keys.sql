-- The paths of writing by foreign keys: what their actions write and delete counts as written by whoever started them, and
-- rows that this one does not see are neither touched nor told of. TRUNCATE, which follows foreign keys too, is refused.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE room (code text PRIMARY KEY, label text);
CREATE TABLE observation (id text PRIMARY KEY, note text UNIQUE REFERENCES room ON UPDATE CASCADE ON DELETE CASCADE, resource jsonb NOT NULL);
CREATE TABLE bill (observation text REFERENCES observation ON UPDATE CASCADE ON DELETE CASCADE, note text REFERENCES observation (note) ON UPDATE CASCADE ON DELETE SET NULL);
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('observation', 'Observation');
\ir write_paths.sql
INSERT INTO room SELECT v, v FROM unnest('{a,b,fin,CANARY gone,CANARY far,spare}'::text[]) v;
INSERT INTO observation SELECT replace(code, 'CANARY ', ''), code, NULL FROM room WHERE false;
INSERT INTO observation (id, note, resource)
SELECT split_part(v, ' ', -1), v, stored(split_part(v, ' ', -1), CASE v WHEN 'a' THEN 'preliminary' WHEN 'b' THEN 'registered' WHEN 'fin' THEN 'final' WHEN 'CANARY gone' THEN 'cancelled' ELSE 'preliminary' END,
       CASE v WHEN 'CANARY far' THEN 'elsewhere' ELSE 'clinic' END)
  FROM unnest('{a,b,fin,CANARY gone,CANARY far}'::text[]) v;
INSERT INTO bill VALUES ('a', 'a'), ('far', 'CANARY far');
CREATE FUNCTION now_stored() RETURNS TABLE (id text, note text, whole boolean) LANGUAGE sql SECURITY DEFINER AS
    $$ SELECT o.id, o.note, o.resource ->> 'valueString' = 'CANARY ' || o.id FROM observation o ORDER BY id $$;
\set ON_ERROR_ROLLBACK on

-- From a table that is not protected: rooms are everybody's to rename and remove; observations are not.
\c - app
SET fhir_access.membership = 'ward';
BEGIN;
UPDATE room SET code = 'a2' WHERE code = 'a';
UPDATE room SET code = 'fin2' WHERE code = 'fin';
\echo :LAST_ERROR_SQLSTATE
UPDATE room SET code = code || '2' WHERE code LIKE '%far';
\echo :LAST_ERROR_SQLSTATE
DELETE FROM room WHERE code = 'b' RETURNING label;
DELETE FROM room WHERE code LIKE '%gone';
\echo :LAST_ERROR_SQLSTATE
UPDATE room SET code = code || '3';
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM now_stored();
ROLLBACK;
-- Under no membership at all.
RESET fhir_access.membership;
DELETE FROM room WHERE code = 'spare';
DELETE FROM room WHERE code = 'b';
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.membership = 'ward';

-- SET NULL and SET DEFAULT write, too; what a constraint then says shows no row.
\c - postgres
ALTER TABLE observation DROP CONSTRAINT observation_note_fkey, ADD FOREIGN KEY (note) REFERENCES room ON DELETE SET NULL, ALTER note SET DEFAULT 'spare',
    ADD CONSTRAINT tidy CHECK (note IS NOT NULL OR resource ->> 'status' <> 'registered');
INSERT INTO room VALUES ('spare', 'spare') ON CONFLICT DO NOTHING;
\c - app
SET fhir_access.membership = 'ward';
BEGIN;
DELETE FROM room WHERE code IN ('a', 'spare');
DELETE FROM room WHERE code = 'b';
\echo :LAST_ERROR_SQLSTATE
DELETE FROM room WHERE code LIKE '%far';
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM now_stored();
ROLLBACK;
\c - postgres
ALTER TABLE observation DROP CONSTRAINT observation_note_fkey, ADD FOREIGN KEY (note) REFERENCES room ON DELETE SET DEFAULT;
\c - app
SET fhir_access.membership = 'ward';
BEGIN;
DELETE FROM room WHERE code = 'a';
DELETE FROM room WHERE code = 'fin';
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM now_stored();
ROLLBACK;

-- From a protected table to one that is not: what may be deleted and written may be followed.
BEGIN;
UPDATE observation SET note = 'spare' WHERE id = 'a';
DELETE FROM observation WHERE id = 'a' RETURNING resource;
DELETE FROM observation WHERE id = 'far';
TABLE bill;
ROLLBACK;
-- A bill for a row that cannot be seen, and one that is not there: what foreign keys tell, and no more.
INSERT INTO bill VALUES ('far', NULL);
INSERT INTO bill VALUES ('nowhere', NULL);
\echo :LAST_ERROR_SQLSTATE

-- Checks that are put off until the transaction ends need no membership then, and give nothing away.
\c - postgres
ALTER TABLE bill ADD FOREIGN KEY (note) REFERENCES observation (note) DEFERRABLE INITIALLY DEFERRED;
\c - app
SET fhir_access.membership = 'ward';
BEGIN;
INSERT INTO bill VALUES (NULL, 'fin');
SET LOCAL fhir_access.membership = '';
COMMIT;
BEGIN;
INSERT INTO observation VALUES ('x', 'spare', sent('x'));
INSERT INTO bill VALUES (NULL, 'spare');
DELETE FROM observation WHERE id = 'x';
SET LOCAL fhir_access.membership = 'other';
COMMIT;
TABLE bill;

-- TRUNCATE: of the table, alone or with others, by way of what it refers to, of a table that inherits.
\c - postgres
GRANT TRUNCATE ON ALL TABLES IN SCHEMA public TO app;
CREATE TABLE observation_old () INHERITS (observation);
GRANT TRUNCATE ON observation_old TO app;
\c - app
SET fhir_access.membership = 'ward';
TRUNCATE observation, bill;
\echo :LAST_ERROR_SQLSTATE
TRUNCATE bill, room, observation RESTART IDENTITY CASCADE;
\echo :LAST_ERROR_SQLSTATE
TRUNCATE room CASCADE;
\echo :LAST_ERROR_SQLSTATE
TRUNCATE ONLY observation_old;
\echo :LAST_ERROR_SQLSTATE
TRUNCATE ONLY observation CASCADE;
\echo :LAST_ERROR_SQLSTATE
TRUNCATE bill;
SELECT * FROM now_stored();
