-- EXPLAIN with ANALYZE or BUFFERS shows what is counted while a statement is planned and run: also by what that calls. All of it does without twins.
\ir prologue.sql
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
-- No row of 1960 is granted.
INSERT INTO patient SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'gender', CASE WHEN n < 3 THEN 'female' ELSE 'male' END, 'birthDate', CASE WHEN n < 3 THEN '1950-01-01' ELSE '1960-01-01' END) FROM generate_series(1, 300) n;
CREATE INDEX by_born ON patient ((resource ->> 'birthDate'));
VACUUM ANALYZE patient;
SELECT fhir_access.protect('patient', 'Patient') \g /dev/null
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "women", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender:not=male"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "women", "accessPolicy": {"reference": "AccessPolicy/women"}}');
-- Is an index asked for a birth date, in a function?
CREATE FUNCTION asks_index() RETURNS boolean PARALLEL SAFE LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXPLAIN SELECT id FROM patient WHERE resource ->> 'birthDate' = '1960-01-01' LOOP
        IF line LIKE '%Index Cond%' THEN RETURN true; END IF;
    END LOOP;
    RETURN false;
END $$;
-- The same, worked out when a statement is planned
CREATE FUNCTION asked_index() RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN asks_index(); END';
-- What EXPLAIN says of a statement, without its counts
CREATE FUNCTION explained(options text, statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE format('EXPLAIN (%s, COSTS OFF, VERBOSE, SUMMARY OFF) %s', options, statement) LOOP
        CONTINUE WHEN line ~ 'Buffers|Planning';
        RETURN NEXT regexp_replace(line, 'actual time=[0-9.]+ ', '');
    END LOOP;
END $$;
CREATE FUNCTION next_of(cursor refcursor) RETURNS record LANGUAGE plpgsql AS $$
DECLARE
    found record;
BEGIN
    FETCH cursor INTO found;
    RETURN found;
END $$;

\c - app
SET fhir_access.membership = 'women';
SET enable_seqscan = off;
SELECT asks_index(), asked_index();
-- What is worked out for planning: BUFFERS counts it.
SELECT explained('BUFFERS OFF', 'SELECT asked_index()');
SELECT explained('BUFFERS', 'SELECT asked_index()');
SELECT explained('BUFFERS', $$SELECT id FROM patient WHERE resource ->> 'birthDate' = '1960-01-01'$$);
-- In a parallel worker, whoever asks there: it does not know whether its leader counts.
SET force_parallel_mode = on;
SELECT asks_index();
RESET force_parallel_mode;
-- A query that began before: whatever an index has found
BEGIN;
DECLARE hidden CURSOR FOR SELECT id FROM patient WHERE resource ->> 'birthDate' = '1960-01-01';
DECLARE nobody CURSOR FOR SELECT id FROM patient WHERE resource ->> 'birthDate' = '1970-01-01';
DECLARE granted CURSOR FOR SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-01';
DECLARE without CURSOR FOR SELECT id FROM patient WHERE id > '';
SELECT next_of('granted');
SAVEPOINT before;
EXPLAIN (ANALYZE, BUFFERS) SELECT next_of('hidden');
ROLLBACK TO before;
EXPLAIN (ANALYZE, BUFFERS) SELECT next_of('nobody');
ROLLBACK TO before;
EXPLAIN (BUFFERS) SELECT next_of('granted');
SELECT explained('ANALYZE', $$SELECT next_of('without')$$);
SELECT next_of('without');
COMMIT;
SELECT asks_index();
