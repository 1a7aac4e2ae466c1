-- How many pages were read tells how many rows an index has found before the policy was asked. EXPLAIN (BUFFERS) shows it of functions that
-- claim to be immutable, and are run when a statement is planned; VACUUM VERBOSE (whose output is another each time) of those in somebody's own BRIN index.
\ir prologue.sql
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
-- Fifty hidden rows have the key "many", none has "none".
INSERT INTO patient SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'gender', CASE WHEN n < 10 THEN 'female' ELSE 'male' END, 'language', CASE WHEN n % 40 = 0 THEN 'many' ELSE 'n' || n END, 'text', repeat('x', 500)) FROM generate_series(1, 2000) n;
CREATE INDEX by_language ON patient ((resource ->> 'language'));
VACUUM ANALYZE patient;
SELECT fhir_access.protect('patient', 'Patient') \g /dev/null
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "women", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender:not=male"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "women", "accessPolicy": {"reference": "AccessPolicy/women"}}');

\c - app
SET fhir_access.membership = 'women';
EXPLAIN (COSTS OFF) SELECT count(*) FROM patient WHERE resource ->> 'language' = 'many';
CREATE FUNCTION pg_temp.found(language text) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM public.patient WHERE resource ->> 'language' = language); END $$;
CREATE FUNCTION pg_temp.pages(language text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE format('EXPLAIN (BUFFERS, FORMAT json) SELECT pg_temp.found(%L)', language) INTO plan;
    RETURN (plan -> 0 -> 'Planning' ->> 'Shared Hit Blocks')::bigint + (plan -> 0 -> 'Planning' ->> 'Shared Read Blocks')::bigint;
END $$;
-- What is read once
SELECT pg_temp.pages('many') > 0 AS many, pg_temp.pages('none') > 0 AS none;
SELECT pg_temp.pages('many') - pg_temp.pages('none') AS difference;
-- Afterwards indexes are asked again; after a failure, too.
EXPLAIN (BUFFERS, COSTS OFF) SELECT 1 / 0;
EXPLAIN (COSTS OFF) SELECT count(*) FROM patient WHERE resource ->> 'language' = 'many';

-- Parallel workers run functions, too, and EXPLAIN ANALYZE shows what these have read. (A new worker reads some of the catalogs.)
ALTER FUNCTION pg_temp.found(text) VOLATILE PARALLEL SAFE;
CREATE FUNCTION pg_temp.read_by_worker(language text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE format('EXPLAIN (ANALYZE, BUFFERS, FORMAT json) SELECT pg_temp.found(%L)', language) INTO plan;
    RETURN (plan -> 0 -> 'Plan' ->> 'Shared Hit Blocks')::bigint + (plan -> 0 -> 'Plan' ->> 'Shared Read Blocks')::bigint;
END $$;
SET force_parallel_mode = on;
EXPLAIN (COSTS OFF) SELECT pg_temp.found('many');
SELECT abs(pg_temp.read_by_worker('many') - pg_temp.read_by_worker('none')) < 25 AS alike;
