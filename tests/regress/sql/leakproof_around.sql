-- What goes on around a statement tells no more of the hidden rows that its conditions have met: machine code, locks of SERIALIZABLE
-- transactions, and functions that PostgreSQL marks as leakproof and that fail.
\ir prologue.sql
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL, tags text[]);
INSERT INTO patient SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'gender', CASE WHEN n < 6 THEN 'female' ELSE 'male' END, 'birthDate', '1950-01-' || n % 20 + 10), ARRAY['all'] FROM generate_series(1, 3000) n;
CREATE INDEX by_born ON patient ((resource ->> 'birthDate'));
CREATE INDEX by_tag ON patient USING gin (tags);
CREATE TABLE plain AS TABLE patient;
VACUUM ANALYZE patient, plain;
SELECT fhir_access.protect('patient', 'Patient') \g /dev/null
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "women", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender:not=male"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "women", "accessPolicy": {"reference": "AccessPolicy/women"}}');
CREATE FUNCTION is_compiled(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN ' || statement LOOP
        IF line LIKE 'JIT:%' THEN RETURN true; END IF;
    END LOOP;
    RETURN false;
END $$;

-- Machine code is made where the first row is looked at, and PostgreSQL says so to whoever sets client_min_messages = debug1.
\c - app
SET fhir_access.membership = 'women';
SET enable_seqscan = off;
SET jit = on;
SET jit_above_cost = 0;
SELECT is_compiled($$SELECT id FROM plain WHERE resource ->> 'birthDate' = '1950-01-12'$$) = pg_jit_available() AS "as ever",
       is_compiled($$SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-12' AND id > 'p5'$$) AS "with twins",
       is_compiled($$SELECT id FROM patient WHERE fhir_access.earliest(resource, 'birthDate:date') = '1950-01-12'$$) AS "with an index function";
SET client_min_messages = debug1;
SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-12' AND id > 'p5';
RESET client_min_messages;
RESET jit;

-- The whole table is locked, as it is when it is read from end to end, and no row or page of it: others' writes meet that lock whatever
-- an index has found. A plan that was made before does so, too.
SET plan_cache_mode = force_generic_plan;
PREPARE born(text) AS SELECT count(*) FROM patient WHERE resource ->> 'birthDate' = $1;
EXECUTE born('1950-01-30');
EXPLAIN (COSTS OFF) EXECUTE born('1950-01-30');
BEGIN ISOLATION LEVEL SERIALIZABLE;
EXECUTE born('1950-01-30');
SELECT locktype, relation::regclass::text FROM pg_locks WHERE mode = 'SIReadLock' AND pid = pg_backend_pid() AND relation::regclass::text NOT LIKE 'fhir_access.%' ORDER BY 1, 2;
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-29';
SELECT locktype, relation::regclass::text FROM pg_locks WHERE mode = 'SIReadLock' AND pid = pg_backend_pid() AND relation::regclass::text NOT LIKE 'fhir_access.%' ORDER BY 1, 2;
COMMIT;

-- Comparisons of circles and line segments fail where these are too large.
PREPARE circles(text, circle) AS SELECT count(*) FROM patient WHERE CASE WHEN resource ->> 'birthDate' = $1 THEN $2 < '<(0,0),1>'::circle END;
EXECUTE circles('1950-01-30', '<(0,0),1e300>');
EXECUTE circles('1950-01-29', '<(0,0),1e300>');
PREPARE segments(text, lseg) AS SELECT count(*) FROM patient WHERE CASE WHEN resource ->> 'birthDate' = $1 THEN $2 < '[(0,0),(1,1)]'::lseg END;
EXECUTE segments('1950-01-30', '[(1e308,1e308),(-1e308,-1e308)]');
EXECUTE segments('1950-01-29', '[(1e308,1e308),(-1e308,-1e308)]');
EXPLAIN (COSTS OFF) EXECUTE segments('1950-01-29', '[(0,0),(1,1)]');
