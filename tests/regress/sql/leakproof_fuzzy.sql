-- GIN's fuzzy search drops rows by chance, so many of all that were found, hidden ones included: what is left would tell how many these are.
\ir prologue.sql
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
-- One row is granted, and a hundred are not, of the same birth date; of the other date there is no hidden one.
INSERT INTO patient SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'gender', CASE WHEN n < 3 THEN 'female' ELSE 'male' END, 'birthDate', CASE n WHEN 1 THEN '1950-01-01' ELSE '1960-01-01' END) FROM generate_series(1, 102) n;
CREATE INDEX by_path ON patient USING gin (resource jsonb_path_ops);
CREATE INDEX by_name ON patient USING gin (fhir_access.tokens(resource, 'birthDate:date'));
VACUUM ANALYZE patient;
SELECT fhir_access.protect('patient', 'Patient') \g /dev/null
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "women", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender:not=male"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "women", "accessPolicy": {"reference": "AccessPolicy/women"}}');
-- How often the granted row is found, of a hundred times
CREATE FUNCTION found(born text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    found bigint := 0;
BEGIN
    FOR n IN 1 .. 100 LOOP
        EXECUTE format('SELECT count(*) + %s FROM patient WHERE resource @> %L', found, jsonb_build_object('birthDate', born)) INTO found;
    END LOOP;
    RETURN found;
END $$;

-- By a role's setting, which is there before the library is
ALTER ROLE app IN DATABASE :DBNAME SET gin_fuzzy_search_limit = 1;
\c - app
SET fhir_access.membership = 'women';
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM patient WHERE resource @> '{"birthDate": "1960-01-01"}';
SHOW gin_fuzzy_search_limit;
SELECT found('1950-01-01'), found('1960-01-01');
RESET gin_fuzzy_search_limit;
SELECT found('1950-01-01'), found('1960-01-01');
-- By the statement before, within a transaction, and by a function
SET gin_fuzzy_search_limit = 1;
SELECT found('1950-01-01'), found('1960-01-01');
BEGIN;
SET LOCAL gin_fuzzy_search_limit = 1;
SELECT found('1950-01-01'), found('1960-01-01');
ROLLBACK;
SELECT found('1950-01-01'), found('1960-01-01') FROM (SELECT set_config('gin_fuzzy_search_limit', '1', false) OFFSET 0) limited;
PREPARE kept AS SELECT count(*) FROM patient WHERE resource @> '{"birthDate": "1960-01-01"}';
SET plan_cache_mode = force_generic_plan;
EXECUTE kept;
SET gin_fuzzy_search_limit = 1;
EXECUTE kept;
RESET ALL;
SHOW gin_fuzzy_search_limit;
